# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Gates on the objects of a real Kubernetes API."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from ansible_collections.ekspress.eks.plugins.module_utils import _gates_pods
from ansible_collections.ekspress.eks.plugins.module_utils._context import Context
from ansible_collections.ekspress.eks.plugins.module_utils._errors import EksError
from ansible_collections.ekspress.eks.plugins.module_utils._gates import Gates
from ansible_collections.ekspress.eks.plugins.module_utils._gates_plan import WITHOUT_NAMESPACE, Gate
from ansible_collections.ekspress.eks.plugins.module_utils._kubernetes import Kubernetes, connect

from sandbox.kube_client import KubeClient
from tests.sandbox_fixtures import RunningSandbox
from tests.support import wait_until

MERGE = "application/merge-patch+json"
GENEROUS = 120
NOWHERE = {"nodeSelector": {"nowhere": "true"}}
ADDRESS = {"status": {"loadBalancer": {"ingress": [{"hostname": "lb.example"}]}}}
LABELS = {"app": "web"}


@dataclass
class Place:
    """A namespace of its own, and gates on what is in it."""

    kube: KubeClient
    namespace: str
    client: Kubernetes
    context: Context

    @property
    def gates(self) -> Gates:
        """The gates of the cluster."""
        return Gates(self.client, self.context)

    def make(self, kind: str, version: str, spec: dict[str, Any], **more: Any) -> None:
        """Make the object `web` of a kind."""
        meta = {"name": "web", "namespace": self.namespace}
        self.kube.apply({"apiVersion": version, "kind": kind, "metadata": meta, "spec": spec, **more}, "tests")

    def gate(self, kind: str, name: str = "web", timeout: int = GENEROUS) -> Gate:
        """A gate, by default on an object `web` of the namespace."""
        return Gate(kind, name, "" if kind in WITHOUT_NAMESPACE else self.namespace, timeout)

    def pods(self) -> list[str]:
        """Names of the pods."""
        found = self.kube.get(f"/api/v1/namespaces/{self.namespace}/pods")["items"]
        return [pod["metadata"]["name"] for pod in found]

    def patch(self, path: str, body: dict[str, Any]) -> None:
        """Patch an object of the namespace."""
        group, _, rest = path.partition("|")
        assert self.kube.request("PATCH", f"{group}/namespaces/{self.namespace}/{rest}", body, MERGE)[0] == 200

    def during(self, gate: Gate, change: Callable[[], None]) -> None:
        """Make a change once the gate is watched, and wait until it holds."""
        problems: list[Exception] = []

        def wait() -> None:
            try:
                self.gates.wait(gate)
            except EksError as error:
                problems.append(error)

        begun = len(self.context.actions)
        thread = threading.Thread(target=wait)
        thread.start()
        wait_until(lambda: len(self.context.actions) >= begun + 2)
        change()
        thread.join(2 * GENEROUS)
        assert not thread.is_alive()
        assert problems == []

    def failure(self, gate: Gate) -> str:
        """Why a gate fails."""
        with pytest.raises(EksError) as caught:
            self.gates.wait(gate)
        assert "does not hold after" not in caught.value.message
        return caught.value.message


@pytest.fixture
def place(sandbox: RunningSandbox, environment: None) -> Iterator[Place]:
    """A namespace that is gone afterwards."""
    kube, name, context = sandbox.kube(), f"gates-{uuid.uuid4().hex[:8]}", Context()
    kube.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}, "tests")
    client = connect({"kubeconfig": sandbox.cluster()["kubeconfig"]}, None, context)
    yield Place(kube, name, client, context)
    kube.close()
    last = sandbox.kube()
    assert last.request("DELETE", f"/api/v1/namespaces/{name}")[0] == 200
    last.close()


def pods(**more: Any) -> dict[str, Any]:
    """A pod template."""
    return {
        "metadata": {"labels": LABELS},
        "spec": {"containers": [{"name": "main", "image": "registry.example/main:1"}], **more},
    }


def workload(place: Place, kind: str, **more: Any) -> None:
    """Make a workload `web`."""
    if kind == "job":
        place.make("Job", "batch/v1", {"backoffLimit": 0, "template": pods(restartPolicy="Never", **more)})
        return
    spec: dict[str, Any] = {"selector": {"matchLabels": LABELS}, "template": pods(**more)}
    if kind == "statefulset":
        spec["serviceName"] = "web"
    names = {"deployment": "Deployment", "statefulset": "StatefulSet", "daemonset": "DaemonSet"}
    place.make(names[kind], "apps/v1", spec)


@pytest.mark.parametrize("kind", ["deployment", "statefulset", "daemonset", "job"])
def test_a_workload_is_waited_for(place: Place, kind: str) -> None:
    workload(place, kind)
    place.gates.wait(place.gate(kind))
    assert place.gates.look(place.gate(kind)).state == "holds"


@pytest.mark.parametrize("kind", ["deployment", "statefulset", "daemonset", "job"])
def test_a_quota_that_is_used_up_fails_early(place: Place, kind: str) -> None:
    place.make("ResourceQuota", "v1", {"hard": {"pods": "0"}})
    path = f"/api/v1/namespaces/{place.namespace}/resourcequotas/web"
    wait_until(lambda: (place.kube.get(path).get("status") or {}).get("used"), seconds=GENEROUS)
    workload(place, kind)
    assert "exceeded quota: web" in place.failure(place.gate(kind))


def test_a_job_that_failed_tells_how_its_pod_ended(place: Place) -> None:
    workload(place, "job", **NOWHERE)
    pod = wait_until(place.pods)[0]
    ended = {"exitCode": 3, "reason": "Error", "message": "no such table"}
    container = {"name": "main", "image": "x", "imageID": "", "ready": False, "restartCount": 0}
    status = {"phase": "Failed", "containerStatuses": [{**container, "state": {"terminated": ended}}]}
    place.patch(f"/api/v1|pods/{pod}/status", {"status": status})
    words = place.failure(place.gate("job"))
    assert "BackoffLimitExceeded" in words
    assert f"pod {pod}, container main ended with status 3, Error: no such table" in words


def test_a_crash_loop_fails_early_with_the_pods_own_words(place: Place) -> None:
    workload(place, "statefulset", **NOWHERE)
    pod = wait_until(place.pods)[0]
    waiting = {"reason": "CrashLoopBackOff", "message": "back-off 40s restarting"}
    container = {"name": "main", "image": "x", "imageID": "", "ready": False, "restartCount": 4}
    last = {"terminated": {"exitCode": 1, "reason": "Error", "message": "no configuration"}}
    status = {"containerStatuses": [{**container, "state": {"waiting": waiting}, "lastState": last}]}
    place.patch(f"/api/v1|pods/{pod}/status", {"status": status})
    words = place.failure(place.gate("statefulset"))
    assert "CrashLoopBackOff: back-off 40s restarting (it ended with status 1, Error: no configuration)" in words


def test_a_pod_that_no_node_takes_fails_early_with_its_events(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_gates_pods, "UNSCHEDULABLE_SECONDS", -60.0)
    workload(place, "daemonset")
    place.gates.wait(place.gate("daemonset"))
    workload(place, "deployment", **NOWHERE)
    words = place.failure(place.gate("deployment"))
    assert "cannot be scheduled: 0/" in words


def test_a_deployment_past_its_deadline_tells_of_its_pods(place: Place) -> None:
    spec = {"selector": {"matchLabels": LABELS}, "template": pods(**NOWHERE), "progressDeadlineSeconds": 1}
    place.make("Deployment", "apps/v1", spec)
    words = place.failure(place.gate("deployment"))
    assert "has timed out progressing" in words
    assert "cannot be scheduled: 0/" in words
    assert "Events: FailedScheduling" in words


def test_a_service_gets_its_address_or_never_will(place: Place) -> None:
    place.make("Service", "v1", {"type": "LoadBalancer", "ports": [{"port": 80}]})
    gate = place.gate("service")
    assert place.gates.look(gate).reason == "it has no address of a load balancer"
    place.during(gate, lambda: place.patch("/api/v1|services/web/status", ADDRESS))
    place.patch("/api/v1|services/web", {"spec": {"type": "ClusterIP"}})
    assert "of type ClusterIP, which never has the address" in place.failure(gate)


def test_an_ingress_gets_its_address(place: Place) -> None:
    place.make(
        "Ingress", "networking.k8s.io/v1", {"defaultBackend": {"service": {"name": "web", "port": {"number": 80}}}}
    )
    group = "/apis/networking.k8s.io/v1"
    place.during(place.gate("ingress"), lambda: place.patch(f"{group}|ingresses/web/status", ADDRESS))


def test_an_api_service_is_available(place: Place) -> None:
    assert place.gates.look(place.gate("apiservice", "v1.apps")).state == "holds"
    assert place.gates.look(place.gate("apiservice", "v1.nowhere.example.com")).reason == "it does not exist"


def definition(group: str, plural: str) -> dict[str, Any]:
    """A CRD whose kind is always Web."""
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": {"type": "object"}}}
    names = {"kind": "Web", "plural": plural}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{group}"},
        "spec": {"group": group, "names": names, "scope": "Namespaced", "versions": [version]},
    }


def test_a_crd_is_established_or_its_names_are_taken(place: Place) -> None:
    group = f"{place.namespace}.example.com"
    try:
        place.client.apply(definition(group, "webs"))
        place.gates.wait(place.gate("crd", f"webs.{group}"))
        place.client.apply(definition(group, "others"))
        assert "its names are refused" in place.failure(place.gate("crd", f"others.{group}"))
    finally:
        for plural in ("webs", "others"):
            path = f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{plural}.{group}"
            place.kube.request("DELETE", path)


def test_a_webhooks_ca_and_endpoints_are_watched(place: Place) -> None:
    group, name = "admissionregistration.k8s.io/v1", place.namespace
    rule = {"apiGroups": [f"{name}.example.com"], "apiVersions": ["*"], "operations": ["CREATE"], "resources": ["x"]}
    webhook: dict[str, Any] = {
        "name": "v.example.com",
        "clientConfig": {"service": {"namespace": name, "name": "web"}},
        "rules": [rule],
        "sideEffects": "None",
        "admissionReviewVersions": ["v1"],
    }
    item = {"apiVersion": group, "kind": "ValidatingWebhookConfiguration", "metadata": {"name": name}}
    slices = f"/apis/discovery.k8s.io/v1/namespaces/{name}/endpointslices"
    configurations = f"/apis/{group}/validatingwebhookconfigurations"
    endpoint: dict[str, Any] = {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {"name": "web", "namespace": name, "labels": {"kubernetes.io/service-name": "web"}},
        "addressType": "IPv4",
        "endpoints": [{"addresses": ["10.0.0.1"], "conditions": {"ready": True}}],
        "ports": [],
    }
    gate = place.gate("webhook", name)
    place.kube.apply({**item, "webhooks": [webhook]}, "tests")
    try:
        assert "has no CA certificate" in place.gates.look(gate).reason
        place.kube.apply(endpoint, "tests")
        ca = [{"op": "add", "path": "/webhooks/0/clientConfig/caBundle", "value": "Q0E="}]

        def give() -> None:
            wait_until(lambda: f"kubernetes:GET {configurations}" in place.context.actions)
            answer = place.kube.request("PATCH", f"{configurations}/{name}", ca, "application/json-patch+json")
            assert answer[0] == 200, answer

        place.during(gate, give)
        assert place.kube.request("DELETE", f"{slices}/web")[0] == 200
        assert "has no ready endpoint" in place.gates.look(gate).reason
        place.during(gate, lambda: place.kube.apply(endpoint, "tests"))
        assert f"kubernetes:GET {slices}" in place.context.actions
    finally:
        place.kube.request("DELETE", f"{configurations}/{name}")
