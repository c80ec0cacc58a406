# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""An Ingress gets its load balancer, as long as a controller runs: against a real API server."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from sandbox.alb.annotations import PREFIX
from sandbox.control_plane import BACKGROUND
from sandbox.kube_client import KubeClient, object_path
from tests.sandbox_fixtures import RunningSandbox
from tests.support import wait_until

CLUSTER = "alb-blue"
SPACE = "team-orders"
IMPLICIT = "ingress.k8s.aws/resources"
LABELS = {"app": "controller"}
PLAIN = {"subnets": "platform-private-b,platform-private-c", "target-type": "ip"}
MERGE = "application/merge-patch+json"

Json = dict[str, Any]


def _controller(replicas: int) -> Json:
    """Return the Deployment of a controller, as its chart makes it."""
    container = {
        "name": "controller",
        "image": "public.ecr.aws/eks/aws-load-balancer-controller:v3.5.0",
        "args": [f"--cluster-name={CLUSTER}", "--ingress-class=alb", "--default-tags=team=platform"],
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "controller", "namespace": "kube-system"},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": LABELS},
            "template": {"metadata": {"labels": LABELS}, "spec": {"containers": [container]}},
        },
    }


class World:
    """A cluster and its account."""

    def __init__(self, sandbox: RunningSandbox) -> None:
        self.sandbox = sandbox
        self.kube: KubeClient = sandbox.kube(CLUSTER)
        self.elb = sandbox.aws().client("elbv2")

    def run_controller(self, replicas: int = 1) -> None:
        """Run a controller, or none, and wait until it is so."""
        self.kube.apply(_controller(replicas), "test")
        path = object_path(_controller(0))

        def there() -> bool:
            status = self.kube.get(path)["status"]
            return int(status.get("readyReplicas", 0)) == replicas and int(status.get("replicas", 0)) == replicas

        wait_until(there, f"{replicas} pods of the controller")

    def ingress(self, name: str, annotations: Mapping[str, str] | None = None, **spec: Any) -> None:
        """Make or change an Ingress."""
        backend = {"service": {"name": "web", "port": {"number": 80}}}
        own = {PREFIX + key: value for key, value in (PLAIN | dict(annotations or {})).items()}
        self.kube.apply(
            {
                "apiVersion": "networking.k8s.io/v1",
                "kind": "Ingress",
                "metadata": {"name": name, "namespace": SPACE, "annotations": own},
                "spec": {"ingressClassName": "alb", "defaultBackend": backend} | spec,
            },
            "test",
        )

    def read(self, name: str) -> Json | None:
        """Return an Ingress."""
        found: Json | None = self.kube.get(f"/apis/networking.k8s.io/v1/namespaces/{SPACE}/ingresses/{name}")
        return found

    def hostname(self, name: str) -> str:
        """Return what the status of an Ingress says, empty while it says nothing."""
        item = self.read(name) or {}
        listed = (item.get("status", {}).get("loadBalancer") or {}).get("ingress") or [{}]
        return str(listed[0].get("hostname", ""))

    def delete(self, name: str) -> None:
        """Ask for the end of an Ingress."""
        path = f"/apis/networking.k8s.io/v1/namespaces/{SPACE}/ingresses/{name}"
        assert self.kube.request("DELETE", path)[0] == 200

    def gone(self, name: str) -> None:
        """Delete an Ingress and wait until nothing holds it."""
        self.delete(name)
        wait_until(lambda: self.read(name) is None, f"the end of {name}")

    def events(self, name: str) -> dict[str, str]:
        """Return the message of each reason that was told about an Ingress."""
        listed = self.kube.get(f"/api/v1/namespaces/{SPACE}/events?fieldSelector=involvedObject.name%3D{name}")["items"]
        return {item["reason"]: item["message"] for item in listed}

    def balancers(self) -> dict[str, Json]:
        """Return this cluster's load balancers by their stack, with their tags as ``Tags``."""
        found = {}
        for item in self.elb.describe_load_balancers()["LoadBalancers"]:
            (listed,) = self.elb.describe_tags(ResourceArns=[item["LoadBalancerArn"]])["TagDescriptions"]
            tags = {tag["Key"]: tag["Value"] for tag in listed["Tags"]}
            if tags.get("elbv2.k8s.aws/cluster") == CLUSTER:
                found[tags["ingress.k8s.aws/stack"]] = item | {"Tags": tags}
        return found

    def target_groups(self) -> list[Json]:
        """Return the target groups of Services of the tests' namespace."""
        listed = self.elb.describe_target_groups()["TargetGroups"]
        return [item for item in listed if item["TargetGroupName"].startswith("k8s-teamorde-")]

    def await_health_path(self, path: str) -> None:
        """Wait until the only target group is checked at a path."""
        wait_until(lambda: [item["HealthCheckPath"] for item in self.target_groups()] == [path], path)


@pytest.fixture(scope="module")
def world(sandbox: RunningSandbox) -> Iterator[World]:
    """A cluster of its own with a class, a Service, and no controller yet."""
    sandbox.up(CLUSTER)
    made = World(sandbox)
    made.kube.apply(
        {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "IngressClass",
            "metadata": {"name": "alb"},
            "spec": {"controller": "ingress.k8s.aws/alb"},
        },
        "test",
    )
    made.kube.apply(
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": "web", "namespace": SPACE},
            "spec": {"selector": {"app": "web"}, "ports": [{"port": 80, "targetPort": 8080}]},
        },
        "test",
    )
    yield made
    made.kube.close()


@pytest.fixture
def controlled(world: World) -> World:
    """The same with a controller that runs."""
    world.run_controller()
    return world


def test_nothing_happens_without_a_controller(world: World) -> None:
    world.run_controller(0)
    world.ingress("early")
    item = world.read("early")
    assert item is not None
    assert "finalizers" not in item["metadata"]
    # Nobody holds it.
    world.gone("early")
    world.ingress("early")
    world.run_controller()
    wait_until(lambda: world.hostname("early"), "the load balancer of early")
    world.gone("early")


def test_an_ingress_gets_its_load_balancer_and_loses_it(controlled: World) -> None:
    paths = [{"path": "/", "pathType": "Prefix", "backend": {"service": {"name": "web", "port": {"number": 80}}}}]
    annotations = {"load-balancer-attributes": "idle_timeout.timeout_seconds=90", "healthcheck-path": "/ping"}
    controlled.ingress("web", annotations, rules=[{"host": "www.example.com", "http": {"paths": paths}}])
    hostname = wait_until(lambda: controlled.hostname("web"), "the hostname")
    item = controlled.read("web")
    assert item is not None
    assert item["metadata"]["finalizers"] == [IMPLICIT]
    assert item["status"]["loadBalancer"]["ingress"][0]["ports"] == [{"port": 80, "protocol": "TCP"}]
    balancer = controlled.balancers()[f"{SPACE}/web"]
    assert balancer["DNSName"] == hostname
    assert balancer["Scheme"] == "internal"
    assert balancer["Tags"]["team"] == "platform"
    (target,) = controlled.target_groups()
    assert (target["TargetType"], target["Port"], target["HealthCheckPath"]) == ("ip", 8080, "/ping")
    (listener,) = controlled.elb.describe_listeners(LoadBalancerArn=balancer["LoadBalancerArn"])["Listeners"]
    rules = controlled.elb.describe_rules(ListenerArn=listener["ListenerArn"])["Rules"]
    assert len(rules) == 2
    told = "Successfully reconciled"
    wait_until(lambda: controlled.events("web").get("SuccessfullyReconciled") == told, "the event")
    controlled.gone("web")
    assert controlled.balancers() == {}
    assert controlled.target_groups() == []


def test_changes_are_brought_about(controlled: World) -> None:
    controlled.ingress("web")
    before = wait_until(lambda: controlled.hostname("web"), "the hostname")
    public = {"scheme": "internet-facing", "subnets": "platform-public-b,platform-public-c"}
    controlled.ingress("web", public)
    after = wait_until(lambda: controlled.hostname("web").replace(before, ""), "another hostname")
    assert not after.startswith("internal-")
    (balancer,) = controlled.balancers().values()
    assert balancer["Scheme"] == "internet-facing"
    # The Service counts too.
    path = f"/api/v1/namespaces/{SPACE}/services/web"
    for value, shown in (("/of-the-service", "/of-the-service"), (None, "/")):
        meta = {"annotations": {PREFIX + "healthcheck-path": value}}
        assert controlled.kube.request("PATCH", path, {"metadata": meta}, MERGE)[0] == 200
        controlled.await_health_path(shown)
    controlled.gone("web")


def test_a_group_shares_one_load_balancer(controlled: World) -> None:
    shared = {"group.name": "shared", "listen-ports": '[{"HTTP": 80}]'}
    controlled.ingress("one", shared, defaultBackend=None, rules=[{"host": "one.example.com"}])
    controlled.ingress("two", shared)
    first = wait_until(lambda: controlled.hostname("one"), "the hostname of one")
    wait_until(lambda: controlled.hostname("two") == first, "the same hostname of two")
    assert list(controlled.balancers()) == ["shared"]
    controlled.gone("two")
    assert list(controlled.balancers()) == ["shared"]
    assert controlled.hostname("one") == first
    # Who leaves the group gets a load balancer of its own.
    controlled.ingress("one", rules=[{"host": "one.example.com"}])
    path = f"/apis/networking.k8s.io/v1/namespaces/{SPACE}/ingresses/one"
    wait_until(lambda: controlled.kube.get(path)["metadata"].get("finalizers") == [IMPLICIT], "the finalizer")
    wait_until(lambda: controlled.hostname("one") not in ("", first), "a hostname of its own")
    wait_until(lambda: list(controlled.balancers()) == [f"{SPACE}/one"], "the end of the shared one")
    controlled.gone("one")


def test_bad_annotations_are_told(controlled: World) -> None:
    secure = {"listen-ports": '[{"HTTPS": 443}]'}
    unknown = "arn:aws:acm:eu-central-1:123456789012:certificate/none"
    controlled.ingress("bad", secure | {"certificate-arn": unknown})
    reason = wait_until(lambda: controlled.events("bad").get("FailedDeployModel"), "the event")
    where = "operation error Elastic Load Balancing v2: CreateListener, api error CertificateNotFound"
    assert reason == f"Failed deploy model due to {where}: Certificate ARN '{unknown}' not found"
    controlled.ingress("bad", secure, tls=[{"hosts": ["www.nobody.example"]}])
    words = f"ingress: {SPACE}/bad: no certificate found for host: www.nobody.example"
    wait_until(
        lambda: controlled.events("bad").get("FailedBuildModel") == f"Failed build model due to {words}", "the event"
    )
    assert controlled.hostname("bad") == ""
    controlled.ingress("bad", secure, tls=[{"hosts": ["www.sandbox.example.com"]}])
    wait_until(lambda: controlled.hostname("bad"), "the hostname")
    controlled.gone("bad")


def test_an_ingress_waits_for_a_controller_to_go(controlled: World) -> None:
    controlled.ingress("late")
    wait_until(lambda: controlled.hostname("late"), "the hostname")
    controlled.run_controller(0)
    controlled.delete("late")
    item = controlled.read("late")
    assert item is not None
    assert item["metadata"]["deletionTimestamp"]
    assert list(controlled.balancers()) == [f"{SPACE}/late"]
    controlled.run_controller()
    wait_until(lambda: controlled.read("late") is None, "the end of late")
    assert controlled.balancers() == {}


def test_up_brings_it_back(controlled: World) -> None:
    controlled.ingress("web")
    hostname = wait_until(lambda: controlled.hostname("web"), "the hostname")
    pid = int(controlled.sandbox.cluster(CLUSTER)["processes"][BACKGROUND]["pid"])
    os.kill(pid, signal.SIGKILL)
    controlled.sandbox.up()
    assert int(controlled.sandbox.cluster(CLUSTER)["processes"][BACKGROUND]["pid"]) != pid
    controlled.ingress("web", {"healthcheck-path": "/new"})
    controlled.await_health_path("/new")
    assert controlled.hostname("web") == hostname
    controlled.gone("web")
