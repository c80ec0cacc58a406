# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""From an Ingress to a name in DNS: played load balancer, real Traefik, real ExternalDNS, strict Route 53."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest

from sandbox.alb.annotations import PREFIX
from tests.support import wait_until

from .dns import MOST_MIB, domain_of, external_dns, memory, own_records, records
from .workloads import TRAEFIK_PORTS, Namespace, answer_of, told

# Of their own: a load balancer controller works for the whole cluster, so no other test may start and end one there.
CLUSTER = "traffic-blue"
CONTROLLER = "public.ecr.aws/eks/aws-load-balancer-controller:v3.5.0"
OF_THE_VPC = "127.64.32.5"
ENTRANCE = {
    "scheme": "internet-facing",
    "subnets": "platform-public-a,platform-public-b",
    "target-type": "ip",
    "healthcheck-path": "/ping",
    "healthcheck-port": "8080",
}
NAME = "shop"


@pytest.fixture
def entrance(namespace: Namespace) -> Iterator[str]:
    """The hostname of a load balancer that an Ingress in front of Traefik asked for."""
    namespace.deploy("controller", CONTROLLER, {"webhook": 9443}, args=[f"--cluster-name={CLUSTER}"])
    namespace.apply("networking.k8s.io/v1", "IngressClass", _alb(namespace), spec={"controller": "ingress.k8s.aws/alb"})
    namespace.service("traefik", TRAEFIK_PORTS)
    namespace.apply(
        "networking.k8s.io/v1",
        "Ingress",
        "entrance",
        meta={"annotations": {PREFIX + key: value for key, value in ENTRANCE.items()}},
        spec={
            "ingressClassName": _alb(namespace),
            "defaultBackend": {"service": {"name": "traefik", "port": {"name": "web"}}},
        },
    )
    yield wait_until(lambda: namespace.balancers("entrance"), "the load balancer")[0]
    # While its controller runs: nobody else takes the finalizer from it.
    path = f"/apis/networking.k8s.io/v1/namespaces/{namespace.name}/ingresses/entrance"
    namespace.kube.request("DELETE", path)
    wait_until(lambda: namespace.kube.get(path) is None, "the end of the Ingress")


def _alb(namespace: Namespace) -> str:
    return f"{namespace.name}-alb"


def test_an_app_gets_its_name(
    zones: dict[str, str], namespace: Namespace, entrance: str, role: Callable[[str], str]
) -> None:
    sandbox, host = namespace.sandbox, f"{NAME}.{domain_of(namespace.name)}"
    (balancer,) = _balancers(namespace, entrance)
    namespace.traefik("traefik", balancer=entrance)
    namespace.deploy(NAME, "example.com/shop:1", {"http": 8080})
    namespace.ingress(NAME, host, f"{namespace.name}-traefik", DNSName=NAME)
    policies = {"public": "sync", "private": "upsert-only"}
    roles = {kind: role(f"dns-{kind}") for kind in policies}
    for kind, policy in policies.items():
        external_dns(namespace, kind, f"dns-{kind}", roles[kind], policy=policy)

    # The load balancer's health check is answered where it asks, and requests find their way to the app.
    (group,) = _target_groups(namespace, balancer)
    (traefik,) = namespace.ready("traefik")
    asked = sandbox.pod_port(namespace.name, traefik["metadata"]["name"], int(group["HealthCheckPort"]), CLUSTER)
    assert asked is not None
    assert answer_of(asked, group["HealthCheckPath"]) == (200, "OK")
    web = namespace.port("traefik", "web")
    wait_until(lambda: answer_of(web, "/", host)[0] == 200, "the app's route")
    seen = told(answer_of(web, "/cart", host, source=OF_THE_VPC, **{"X-Forwarded-Proto": "https"})[1])
    assert seen["pod"].startswith(f"{namespace.name}/{NAME}-")
    assert seen["headers"]["x-forwarded-proto"] == "https"

    # Traefik publishes the load balancer's name, and ExternalDNS makes aliases of it.
    wait_until(lambda: namespace.balancers(NAME) == [entrance], "the app's status")
    route53 = sandbox.aws().client("route53")
    wanted = {(host, "A"), (host, "AAAA")}

    def written(zone: str) -> bool:
        return wanted <= records(sandbox, zone)

    for kind, zone in zones.items():
        wait_until(partial(written, zone), f"the records of the {kind} zone")
        found = own_records(route53, zone)
        for item in found:
            if item["Type"] != "TXT":
                alias = item["AliasTarget"]
                assert alias["DNSName"].rstrip(".") == entrance
                assert alias["HostedZoneId"] == balancer["CanonicalHostedZoneId"]
        owners = {value["Value"] for item in found if item["Type"] == "TXT" for value in item["ResourceRecords"]}
        assert owners
        # Neither of the two has touched what is the other's.
        assert all(f"external-dns/owner={CLUSTER}-{kind}," in owner for owner in owners), owners
    used = memory(namespace)
    assert len(used) == 3
    assert sum(used.values()) < MOST_MIB, used

    before = _reads(namespace, roles["private"])
    path = f"/apis/networking.k8s.io/v1/namespaces/{namespace.name}/ingresses/{NAME}"
    assert namespace.kube.request("DELETE", path)[0] == 200
    wait_until(lambda: records(sandbox, zones["public"]) == set(), "the end of the records")
    # Two more: the first may have been under way when the Ingress went.
    wait_until(lambda: _reads(namespace, roles["private"]) >= before + 2, "the other's work")
    assert wanted <= records(sandbox, zones["private"])


def _balancers(namespace: Namespace, hostname: str) -> list[dict[str, Any]]:
    found = namespace.sandbox.aws().client("elbv2").describe_load_balancers()["LoadBalancers"]
    return [item for item in found if item["DNSName"] == hostname]


def _target_groups(namespace: Namespace, balancer: dict[str, Any]) -> list[dict[str, Any]]:
    elb = namespace.sandbox.aws().client("elbv2")
    found: list[dict[str, Any]] = elb.describe_target_groups(LoadBalancerArn=balancer["LoadBalancerArn"])[
        "TargetGroups"
    ]
    return found


def _reads(namespace: Namespace, role: str) -> int:
    """Return how often somebody with a role has read record sets."""
    name = f"{role.rpartition('/')[2]}/"
    calls = namespace.sandbox.aws().calls()
    return sum(call["operation"] == "ListResourceRecordSets" and name in call["caller"] for call in calls)
