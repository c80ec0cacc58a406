# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Pods of ExternalDNS' image are the real ExternalDNS: it comes to AWS as its service account, and writes records."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.sandbox_fixtures import RunningSandbox
from tests.support import wait_until

from .dns import MOST_MIB, domain_of, external_dns, memory, own_records, records
from .workloads import EXTERNAL_DNS, Namespace, answer_of, state_of


@pytest.fixture
def balancer(sandbox: RunningSandbox, namespace: Namespace) -> Iterator[str]:
    """The name of a load balancer: aliases of others are refused."""
    elb, subnets = sandbox.aws().client("elbv2"), sandbox.aws().admin("GET", "fixtures")["subnets"]
    name = namespace.name[:32].strip("-")
    (made,) = elb.create_load_balancer(Name=name, Subnets=[subnets["public-a"], subnets["public-b"]])["LoadBalancers"]
    yield made["DNSName"]
    elb.delete_load_balancer(LoadBalancerArn=made["LoadBalancerArn"])


def balanced(namespace: Namespace, name: str, balancer: str) -> None:
    """Have the status of an Ingress name its load balancer."""
    path = f"/apis/networking.k8s.io/v1/namespaces/{namespace.name}/ingresses/{name}/status"
    status = {"status": {"loadBalancer": {"ingress": [{"hostname": balancer}]}}}
    assert namespace.kube.request("PATCH", path, status, "application/merge-patch+json")[0] == 200


def test_an_ingress_gets_its_records(
    zones: dict[str, str], namespace: Namespace, balancer: str, role: Callable[[str], str]
) -> None:
    sandbox = namespace.sandbox
    namespace.deploy("shop", "example.com/shop:1", {"http": 8080})
    namespace.traefik("traefik", balancer=balancer)
    namespace.ingress("shop", "shop.example.com", f"{namespace.name}-traefik", DNSName="shop")
    arn = role("external-dns")
    external_dns(namespace, "private", "external-dns", arn)
    namespace.ready("external-dns")
    name = f"shop.{domain_of(namespace.name)}"
    # Traefik writes the load balancer's name into the status, and ExternalDNS takes it from there.
    wait_until(lambda: {(name, "A"), (name, "AAAA")} <= records(sandbox, zones["private"]), "the records")
    assert any(kind == "TXT" for _, kind in records(sandbox, zones["private"]))
    assert records(sandbox, zones["public"]) == set()
    calls = [call for call in sandbox.aws().calls() if call["operation"] == "ChangeResourceRecordSets"]
    assert any(f"{arn.rpartition('/')[2]}/" in call["caller"] for call in calls)
    assert answer_of(namespace.port("external-dns", "http"), "/healthz")[0] == 200
    used = memory(namespace)
    assert len(used) == 2
    assert sum(used.values()) < MOST_MIB, used


def test_two_owners_on_one_zone_leave_each_others_records(
    zones: dict[str, str], namespace: Namespace, balancer: str, role: Callable[[str], str]
) -> None:
    """Also where both would have one name, and one of them deletes what it does not know."""
    sandbox, domain = namespace.sandbox, domain_of(namespace.name)
    for name, asked in (
        ("shop", {"First": "shop"}),
        ("twin", {"Second": "shop"}),
        ("other", {"Second": "other"}),
    ):
        namespace.ingress(name, f"{name}.example.com", "none", **asked)
        balanced(namespace, name, balancer)
    external_dns(namespace, "private", "first", role("first"), annotation="First", owner="owner-first")
    wait_until(lambda: {f"shop.{domain}"} <= names_of(sandbox, zones), "the first one's records")
    before = shop_of(sandbox, zones, domain)
    assert all("owner=owner-first" in value for value in before["TXT"])

    second = role("second")
    external_dns(namespace, "private", "second", second, annotation="Second", owner="owner-second", policy="sync")
    wait_until(lambda: f"other.{domain}" in names_of(sandbox, zones), "the second one's records")
    wait_for_rounds(namespace, second)
    assert shop_of(sandbox, zones, domain) == before

    for name in ("twin", "other"):
        path = f"/apis/networking.k8s.io/v1/namespaces/{namespace.name}/ingresses/{name}"
        assert namespace.kube.request("DELETE", path)[0] == 200
    wait_until(lambda: f"other.{domain}" not in names_of(sandbox, zones), "the end of the second one's records")
    wait_for_rounds(namespace, second)
    assert shop_of(sandbox, zones, domain) == before


def names_of(sandbox: RunningSandbox, zones: dict[str, str]) -> set[str]:
    """Names that have an address in the private zone."""
    return {name for name, kind in records(sandbox, zones["private"]) if kind == "A"}


def shop_of(sandbox: RunningSandbox, zones: dict[str, str], domain: str) -> dict[str, list[str]]:
    """What the private zone says of the shop, by type."""
    found: dict[str, list[str]] = {}
    for item in own_records(sandbox.aws().client("route53"), zones["private"]):
        if item["Name"].rstrip(".").endswith(f"shop.{domain}"):
            values = [value["Value"] for value in item.get("ResourceRecords", [])]
            found.setdefault(item["Type"], []).extend(values or [item["AliasTarget"]["DNSName"]])
    return found


def wait_for_rounds(namespace: Namespace, role: str) -> None:
    """Wait until somebody with a role has read record sets twice more."""
    name = f"{role.rpartition('/')[2]}/"

    def reads() -> int:
        calls = namespace.sandbox.aws().calls()
        return sum(call["operation"] == "ListResourceRecordSets" and name in call["caller"] for call in calls)

    begun = reads()
    wait_until(lambda: reads() >= begun + 2, "two more rounds")


def test_a_service_account_that_the_role_does_not_trust(
    zones: dict[str, str], namespace: Namespace, balancer: str, role: Callable[[str], str]
) -> None:
    sandbox = namespace.sandbox
    namespace.ingress("shop", "shop.example.com", "none", DNSName="shop")
    balanced(namespace, "shop", balancer)
    external_dns(namespace, "public", "stranger", role("owner"))

    def refused() -> bool:
        calls = sandbox.aws().calls()
        return any(
            call["operation"] == "AssumeRoleWithWebIdentity" and call["error"] == "AccessDenied" for call in calls
        )

    wait_until(refused, "the refusal")
    wait_until(lambda: namespace.pods("stranger"), "the pod")
    log = Path(namespace.entries()[namespace.pods("stranger")[0]["metadata"]["name"]]["log"])
    wait_until(lambda: "Not authorized to perform sts:AssumeRoleWithWebIdentity" in log.read_text(), "the log")
    assert records(sandbox, zones["public"]) == set()
    assert state_of(namespace.pods("stranger")[0])["image"] == EXTERNAL_DNS
