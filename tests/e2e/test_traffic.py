# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""From an app's Ingress to an answer and a name: one run of site, then real Traefik and ExternalDNS do the work.

The arguments are those of the pods that the roles made; the tests tell one story and run in order, on one worker.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from sandbox.alb.annotations import PREFIX
from sandbox.lifecycle import Sandbox
from tests.e2e.traffic_support import (
    BUCKET,
    CLUSTER,
    DIRECT,
    DOMAIN,
    GROUP,
    INTRANET,
    OWNERS,
    SHOP,
    VARIABLES,
    converge,
    furnish,
    pods_of,
    web_acl,
)
from tests.sandbox.pods.dns import MOST_MIB, memory, own_records, records
from tests.sandbox.pods.workloads import Namespace, answer_of, told
from tests.sandbox_fixtures import RunningSandbox
from tests.sandbox_guard import guarded
from tests.support import wait_until

OF_THE_VPC, OF_SOMEBODY = "127.64.32.5", "127.0.0.1"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSandbox]:
    """A sandbox with a bare cluster."""
    directory = tmp_path_factory.mktemp("traffic")
    with guarded(directory):
        Sandbox(directory).up([CLUSTER])
        made = RunningSandbox(directory)
        furnish(made)
        yield made


@pytest.fixture
def apps(site: RunningSandbox) -> Iterator[Namespace]:
    """The namespace of the apps; it stays from test to test."""
    namespace = Namespace(site, "apps", CLUSTER)
    namespace.apply("v1", "Namespace", "apps")
    yield namespace
    namespace.close()


@pytest.fixture
def traefik(site: RunningSandbox) -> Iterator[Namespace]:
    """The namespace of Traefik."""
    namespace = Namespace(site, "traefik", CLUSTER)
    yield namespace
    namespace.close()


def checked(namespace: Namespace, instance: str) -> tuple[str, str]:
    """Port and path of the health check, as the load balancer's Ingress asks for it."""
    path = f"/apis/networking.k8s.io/v1/namespaces/{namespace.name}/ingresses/{instance}-alb"
    annotations = namespace.kube.get(path)["metadata"]["annotations"]
    return annotations[f"{PREFIX}healthcheck-port"], annotations[f"{PREFIX}healthcheck-path"]


def test_one_run_is_enough_and_a_second_changes_nothing(site: RunningSandbox, tmp_path: Path) -> None:
    """The load balancers' names are not there as it begins."""
    first = converge(site, tmp_path)
    assert not first.problems()
    again = converge(site, tmp_path)
    assert not again.problems()
    assert again.changed(CLUSTER) == []


def test_two_load_balancers_and_no_other_default_class(site: RunningSandbox, traefik: Namespace) -> None:
    found = site.aws().client("elbv2").describe_load_balancers()["LoadBalancers"]
    schemes = {item["DNSName"]: item["Scheme"] for item in found}
    assert sorted(schemes.values()) == ["internal", "internet-facing"]
    for instance, scheme in (("public", "internet-facing"), ("internal", "internal")):
        (hostname,) = traefik.balancers(f"{instance}-alb")
        assert schemes[hostname] == scheme
    classes = traefik.kube.get("/apis/networking.k8s.io/v1/ingressclasses")["items"]
    assert {item["metadata"]["name"] for item in classes} == {"alb", "public", "internal"}
    default = "ingressclass.kubernetes.io/is-default-class"
    assert [item for item in classes if item["metadata"].get("annotations", {}).get(default) == "true"] == []


def test_the_firewall_and_the_access_logs_are_the_load_balancers(site: RunningSandbox, traefik: Namespace) -> None:
    elb, waf = site.aws().client("elbv2"), site.aws().client("wafv2")
    by_name = {item["DNSName"]: item["LoadBalancerArn"] for item in elb.describe_load_balancers()["LoadBalancers"]}
    arns = {name: by_name[traefik.balancers(f"{name}-alb")[0]] for name in ("public", "internal")}
    acls = {name: waf.get_web_acl_for_resource(ResourceArn=arn).get("WebACL", {}) for name, arn in arns.items()}
    assert acls["public"]["ARN"] == web_acl(site)
    assert acls["internal"] == {}
    logs = {
        name: {
            item["Key"].removeprefix("access_logs.s3."): item["Value"]
            for item in elb.describe_load_balancer_attributes(LoadBalancerArn=arn)["Attributes"]
            if item["Key"].startswith("access_logs.s3.")
        }
        for name, arn in arns.items()
    }
    assert logs["public"] == {"enabled": "true", "bucket": BUCKET, "prefix": "public"}
    assert logs["internal"]["enabled"] == "false"


def test_an_ingress_of_the_group_shares_the_load_balancer(
    site: RunningSandbox, apps: Namespace, traefik: Namespace
) -> None:
    """It is an Ingress of the controller's class, beside Traefik."""
    apps.deploy("direct", "example.com/direct:1", {"http": 8080})
    backend = {"service": {"name": "direct", "port": {"name": "http"}}}
    rule = {"host": DIRECT, "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": backend}]}}
    spec = {"ingressClassName": "alb", "rules": [rule], "tls": [{"hosts": [DIRECT]}]}
    own = {"group.name": GROUP, "target-type": "ip", "listen-ports": '[{"HTTPS": 443}]'}
    meta = {"annotations": {PREFIX + name: value for name, value in own.items()}}
    apps.apply("networking.k8s.io/v1", "Ingress", "direct", spec=spec, meta=meta)
    (hostname,) = traefik.balancers("public-alb")
    wait_until(partial(_publishes, apps, "direct", hostname), "the status of the Ingress of the group")
    elb = site.aws().client("elbv2")
    balancers = {item["DNSName"]: item["LoadBalancerArn"] for item in elb.describe_load_balancers()["LoadBalancers"]}
    assert len(balancers) == 2
    listeners = elb.describe_listeners(LoadBalancerArn=balancers[hostname])["Listeners"]
    (secure,) = [item["ListenerArn"] for item in listeners if item["Port"] == 443]
    rules = elb.describe_rules(ListenerArn=secure)["Rules"]
    hosts = [
        value
        for found in rules
        for item in found["Conditions"]
        for value in item.get("HostHeaderConfig", {}).get("Values", [])
    ]
    assert hosts == [DIRECT]


def test_the_health_checks_are_answered_where_they_ask(site: RunningSandbox, traefik: Namespace) -> None:
    port, path = checked(traefik, "public")
    pod = pods_of(traefik, "public")[0]["metadata"]["name"]
    local = site.pod_port("traefik", pod, int(port), CLUSTER)
    assert local is not None
    assert answer_of(local, path) == (200, "OK")
    # At the targets' own port, which is the node port of the Service.
    port, path = checked(traefik, "internal")
    assert port == "traffic-port"
    (target,) = traefik.kube.get("/api/v1/namespaces/traefik/services/internal-alb")["spec"]["ports"]
    assert target["nodePort"]
    assert answer_of(traefik.port("internal-alb", target["name"]), path) == (200, "OK")


def test_requests_find_their_way_by_class_host_and_path(apps: Namespace, traefik: Namespace) -> None:
    for name, host, instance in (("shop", SHOP, "public"), ("wiki", INTRANET, "internal")):
        apps.deploy(name, f"example.com/{name}:1", {"http": 8080})
        apps.ingress(name, host, instance)
        web = traefik.port(f"{instance}-alb", "web")
        wait_until(partial(_routes, web, host), f"the route of {name}")
        seen = told(answer_of(web, "/cart", host, source=OF_THE_VPC, **{"X-Forwarded-Proto": "https"})[1])
        assert seen["pod"].startswith(f"apps/{name}-")
        assert (seen["path"], seen["headers"]["x-forwarded-proto"]) == ("/cart", "https")
        assert answer_of(web, "/", f"nobody.{DOMAIN}")[0] == 404
    assert answer_of(traefik.port("public-alb", "web"), "/", INTRANET)[0] == 404, "the other's class was served"


def _routes(port: int, host: str) -> bool:
    return answer_of(port, "/", host)[0] == 200


def test_a_redirect_to_https_does_not_loop_and_is_not_fooled(apps: Namespace, traefik: Namespace) -> None:
    """Who comes by the load balancer is believed what he says of the protocol, and nobody else."""
    redirect = {"redirectScheme": {"scheme": "https", "permanent": True}}
    path = "/apis/traefik.io/v1alpha1/namespaces/apps/middlewares"
    item = {"apiVersion": "traefik.io/v1alpha1", "kind": "Middleware", "metadata": {"name": "https"}, "spec": redirect}
    assert apps.kube.request("POST", path, item)[0] == 201
    middlewares = {"traefik.ingress.kubernetes.io/router.middlewares": "apps-https@kubernetescrd"}
    apps.ingress("shop", SHOP, "public", **middlewares)
    web = traefik.port("public-alb", "web")
    wait_until(lambda: answer_of(web, "/", SHOP)[0] == 301, "the redirect")
    asked = partial(answer_of, web, "/", SHOP)
    assert asked(source=OF_THE_VPC, **{"X-Forwarded-Proto": "https"})[0] == 200
    assert asked(source=OF_THE_VPC, **{"X-Forwarded-Proto": "http"})[0] == 301
    assert asked(source=OF_SOMEBODY, **{"X-Forwarded-Proto": "https"})[0] == 301


def zones_of(site: RunningSandbox) -> dict[str, str]:
    """IDs of the account's hosted zones; the twin is a private one of the public one's name."""
    found = site.aws().client("route53").list_hosted_zones()["HostedZones"]
    names = {(False, DOMAIN): "public", (True, f"internal.{DOMAIN}"): "private", (True, DOMAIN): "twin"}
    return {names[(zone["Config"]["PrivateZone"], zone["Name"].rstrip("."))]: zone["Id"] for zone in found}


def test_names_are_written_into_the_right_zone_and_no_other(
    site: RunningSandbox, apps: Namespace, traefik: Namespace
) -> None:
    zones = zones_of(site)
    balancers = {
        item["DNSName"]: item for item in site.aws().client("elbv2").describe_load_balancers()["LoadBalancers"]
    }
    wanted = {"public": (SHOP, "shop", "public"), "private": (INTRANET, "wiki", "internal")}
    for kind, (host, app, instance) in wanted.items():
        (hostname,) = traefik.balancers(f"{instance}-alb")
        wait_until(partial(_publishes, apps, app, hostname), f"the status of {app}")
        wait_until(partial(_named, site, zones[kind], host), f"records of {host}")
        for item in own_records(site.aws().client("route53"), zones[kind]):
            if item["Type"] in ("A", "AAAA") and item["Name"].rstrip(".") == host:
                assert item["AliasTarget"]["DNSName"].rstrip(".") == hostname
                assert item["AliasTarget"]["HostedZoneId"] == balancers[hostname]["CanonicalHostedZoneId"]
            if item["Type"] == "TXT":
                assert f"external-dns/owner={OWNERS[kind]}," in item["ResourceRecords"][0]["Value"]
        assert [name for name, kind_ in records(site, zones[kind]) if kind_ == "TXT" and name.endswith(host)]
    assert {name for name, _type in records(site, zones["public"])} & {INTRANET} == set()
    assert {name for name, _type in records(site, zones["private"])} & {SHOP} == set()
    used = memory(traefik) | memory(Namespace(site, "kube-system", CLUSTER))
    assert len(used) == 4
    assert sum(used.values()) < MOST_MIB, used


def test_zones_of_one_name_never_cross(site: RunningSandbox, apps: Namespace, traefik: Namespace) -> None:
    """The public and the private instance write the same name, each into its own zone, as its own."""
    zones = zones_of(site)
    wait_until(partial(_named, site, zones["twin"], SHOP), "records of the app in the private zone of the name")
    route53 = site.aws().client("route53")
    for kind, owner in (("public", OWNERS["public"]), ("twin", OWNERS["private"]), ("private", OWNERS["private"])):
        texts = [
            value["Value"]
            for item in own_records(route53, zones[kind])
            if item["Type"] == "TXT"
            for value in item["ResourceRecords"]
        ]
        assert texts
        assert all(f"external-dns/owner={owner}," in text for text in texts), texts
    changes = [call for call in site.aws().calls() if call["operation"] == "ChangeResourceRecordSets"]
    assert {call["error"] for call in changes} == {None}


def _publishes(apps: Namespace, app: str, hostname: str) -> bool:
    return apps.balancers(app) == [hostname]


def _named(site: RunningSandbox, zone: str, host: str) -> bool:
    return {(host, "A"), (host, "AAAA")} <= records(site, zone)


def test_names_of_removed_apps_go_with_sync_and_stay_with_upsert_only(site: RunningSandbox, apps: Namespace) -> None:
    zones = zones_of(site)
    for name in ("shop", "wiki"):
        path = f"/apis/networking.k8s.io/v1/namespaces/apps/ingresses/{name}"
        assert apps.kube.request("DELETE", path)[0] == 200
    begun = reads(site)
    wait_until(lambda: SHOP not in {name for name, _type in records(site, zones["public"])}, "the end of the records")
    # Two more: the first may have been under way when the Ingress went. It has two zones.
    wait_until(lambda: reads(site) >= begun + 4, "the other's work")
    assert {(INTRANET, "A"), (INTRANET, "AAAA")} <= records(site, zones["private"])
    assert _named(site, zones["twin"], SHOP)


def reads(site: RunningSandbox) -> int:
    """How often the private instance has read record sets."""
    return sum(
        call["operation"] == "ListResourceRecordSets" and f"{CLUSTER}-external-dns-private/" in call["caller"]
        for call in site.aws().calls()
    )


@pytest.mark.parametrize(("instance", "target"), [("public", 8080), ("internal", 8000)])
def test_a_pod_that_ends_says_so_to_the_health_check_first(
    site: RunningSandbox, traefik: Namespace, instance: str, target: int
) -> None:
    port, path = checked(traefik, instance)
    assert port in (str(target), "traffic-port")
    # Of equal pods one is a process.
    (pod,) = [pod for pod in pods_of(traefik, instance) if pod["metadata"]["name"] in traefik.processes()]
    local = site.pod_port("traefik", pod["metadata"]["name"], target, CLUSTER)
    assert local is not None
    assert answer_of(local, path)[0] == 200
    traefik.delete(pod)
    wait_until(lambda: answer_of(local, path)[0] == 503, "the pod's own word")


def test_removal_leaves_nothing(site: RunningSandbox, apps: Namespace, tmp_path: Path) -> None:
    """In one run, in which the controller takes the load balancers away before it goes itself."""
    path = "/apis/networking.k8s.io/v1/namespaces/apps/ingresses/direct"
    assert apps.kube.request("DELETE", path)[0] == 200
    wait_until(lambda: apps.kube.get(path) is None, "the end of the group's other Ingress")
    states = {f"{addon}_state": "absent" for addon in VARIABLES["platform_addons"]}
    foretold = converge(site, tmp_path, "--check", **states)
    assert not foretold.problems()
    done = converge(site, tmp_path, **states)
    assert not done.problems()
    assert done.changed(CLUSTER) == foretold.changed(CLUSTER)
    assert site.aws().client("elbv2").describe_load_balancers()["LoadBalancers"] == []
    kube = Namespace(site, "traefik", CLUSTER).kube
    left = kube.get("/apis/networking.k8s.io/v1/ingressclasses")["items"]
    crds = kube.get("/apis/apiextensions.k8s.io/v1/customresourcedefinitions")["items"]
    names = {item["metadata"]["name"] for item in [*left, *crds]}
    # Somebody has a Middleware.
    assert names == {"middlewares.traefik.io"}
    again = converge(site, tmp_path, **states)
    assert again.changed(CLUSTER) == []
