# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Gates on webhooks, with the stand-in chart of the ALB controller from the registry, on an EKS cluster by its name."""

from __future__ import annotations

import fcntl
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.ekspress.eks.plugins.module_utils import _gates_pods

from sandbox.state import write_file
from tests.integration.helm_releases_support import Ground, turn, write_chart
from tests.sandbox_fixtures import RunningSandbox
from tests.support import FOR_EVER, wait_until

# The webhooks refuse everybody's Services while the pods are not ready: a cluster of their own, one test at a time.
CLUSTER = "helm-webhooks"

NAME = "aws-load-balancer-controller"
SHOP = "shop"
"""A release that needs the controller's webhooks."""
WEBHOOK = "aws-load-balancer-webhook"
PROBE = {
    "apiVersion": "networking.k8s.io/v1",
    "kind": "Ingress",
    "metadata": {"name": "probe"},
    "spec": {"ingressClassName": "alb", "defaultBackend": {"service": {"name": "probe", "port": {"number": 80}}}},
}
DEPLOYMENT_GATE = {"kind": "deployment", "name": NAME}
WEBHOOK_GATE = {"kind": "webhook", "name": WEBHOOK}
ADMISSION_GATE = {"kind": "admission", "manifest": PROBE}
GATES = (DEPLOYMENT_GATE, WEBHOOK_GATE, ADMISSION_GATE)

HELD = {"sandbox.ekspress/held": "no"}
"""A label that no node has: pods that want it are not ready before a test gives it to the nodes."""

SERVICE = """\
apiVersion: v1
kind: Service
metadata:
  name: {{ .Release.Name }}
spec:
  ports:
    - port: 80
"""
INGRESS = """\
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: {{ .Release.Name }}
spec:
  ingressClassName: alb
  defaultBackend:
    service:
      name: {{ .Release.Name }}
      port:
        number: 80
"""


@pytest.fixture(scope="module")
def cluster(sandbox: RunningSandbox) -> str:
    """A cluster that no other test uses."""
    sandbox.up(CLUSTER)
    return CLUSTER


@pytest.fixture
def ground(
    sandbox: RunningSandbox, cluster: str, environment: None, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Ground]:
    """kube-system of the cluster, where the controller is removed again."""
    for name, value in sandbox.environment.items():
        monkeypatch.setenv(name, value)
    options = {"cluster": cluster, "helm_binary": str(Path(sandbox.state["bin"], "helm")), "plain_http": True}
    with turn(sandbox, cluster, fcntl.LOCK_EX):
        kube = sandbox.kube(cluster)
        made = Ground(kube, "kube-system", options)
        yield made
        control_file(sandbox).unlink(missing_ok=True)
        for name in (SHOP, NAME):
            removed = made.run({"name": name, "namespace": "kube-system", "state": "absent"})
            assert not removed.result.get("failed"), removed.result["msg"]
        kube.close()


def control_file(sandbox: RunningSandbox) -> Path:
    """The file of simulated failures of the cluster's webhooks."""
    return Path(sandbox.cluster(CLUSTER)["webhooks_file"])


def controller(sandbox: RunningSandbox, *gates: dict[str, Any], **values: Any) -> dict[str, Any]:
    """The controller's release."""
    return {
        "name": NAME,
        "namespace": "kube-system",
        "repository": sandbox.state["registry"]["charts"],
        "chart": NAME,
        "version": "3.5.0",
        "values": {"clusterName": CLUSTER, "region": "eu-central-1", "keepTLSSecret": True, **values},
        "gates": list(gates),
        "timeout": 300,
    }


def shop(directory: Path, *templates: str) -> dict[str, Any]:
    """The release of a chart with these templates, which needs the controller."""
    chart = write_chart(directory / SHOP, *templates)
    return {"name": SHOP, "namespace": "kube-system", "chart": chart, "needs": [NAME], "timeout": 300}


def label_nodes(sandbox: RunningSandbox, value: str | None) -> None:
    """Give all nodes the label that held pods want, or take it away."""
    kube = sandbox.kube(CLUSTER)
    for node in kube.get("/api/v1/nodes")["items"]:
        change = {"metadata": {"labels": dict.fromkeys(HELD, value)}}
        path = f"/api/v1/nodes/{node['metadata']['name']}"
        assert kube.request("PATCH", path, change, "application/merge-patch+json")[0] == 200
    kube.close()


def test_without_gates_what_comes_next_is_refused_for_lack_of_endpoints(
    ground: Ground, sandbox: RunningSandbox, tmp_path: Path
) -> None:
    held = controller(sandbox, enableServiceMutatorWebhook=True, nodeSelector=HELD)
    run = ground.run(held, shop(tmp_path, SERVICE, INGRESS))
    assert run.states == {NAME: "installed", SHOP: "failed"}
    assert 'failed calling webhook "mservice.elbv2.k8s.aws"' in run.result["msg"]
    assert 'no endpoints available for service "aws-load-balancer-webhook-service"' in run.result["msg"]
    assert ground.kube.get(ground.path("services", SHOP)) is None


def test_with_gates_what_comes_next_waits_and_is_installed(
    ground: Ground, sandbox: RunningSandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same releases as without gates; the nodes take the controller's pods while the gates wait."""
    monkeypatch.setattr(_gates_pods, "UNSCHEDULABLE_SECONDS", FOR_EVER)
    held = controller(sandbox, *GATES, enableServiceMutatorWebhook=True, nodeSelector=HELD)

    def waits() -> bool:
        """Whether a gate looked for the webhooks; nothing else does."""
        return any("webhookconfigurations" in call for call in ground.context.actions)

    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(ground.run, held, shop(tmp_path, SERVICE, INGRESS))
        try:
            wait_until(lambda: running.done() or waits(), "a gate that waits")
            assert not running.done(), running.result().result
            label_nodes(sandbox, HELD["sandbox.ekspress/held"])
            run = running.result()
        finally:
            label_nodes(sandbox, None)
    assert run.states == {NAME: "installed", SHOP: "installed"}, run.result.get("msg")
    # A new connection: the API server may have closed the old one while the gates waited.
    kube = sandbox.kube(CLUSTER)
    assert kube.get(ground.path("services", SHOP)) is not None
    assert kube.get(ground.path("ingresses", SHOP, "/apis/networking.k8s.io/v1")) is not None
    kube.close()


def test_without_the_service_webhook_only_ingresses_need_the_controllers_pods(
    ground: Ground, sandbox: RunningSandbox, tmp_path: Path
) -> None:
    held = controller(sandbox, enableServiceMutatorWebhook=False, nodeSelector=HELD)
    assert ground.run(held, shop(tmp_path, SERVICE)).states == {NAME: "installed", SHOP: "installed"}
    run = ground.run(held, shop(tmp_path, SERVICE, INGRESS))
    assert run.states == {NAME: "unchanged", SHOP: "failed"}
    assert 'failed calling webhook "vingress.elbv2.k8s.aws"' in run.result["msg"]
    assert "no endpoints available" in run.result["msg"]


def test_the_gates_hold_once_the_webhooks_answer(ground: Ground, sandbox: RunningSandbox) -> None:
    release = controller(sandbox, DEPLOYMENT_GATE, WEBHOOK_GATE, ADMISSION_GATE)
    first = ground.run(release)
    assert first.states == {NAME: "installed"}, first.result.get("msg")
    # What the gate promised: an Ingress is admitted now.
    path = "/apis/networking.k8s.io/v1/namespaces/kube-system/ingresses?dryRun=All"
    assert ground.kube.request("POST", path, PROBE)[0] == 201
    assert ground.kube.get("/apis/networking.k8s.io/v1/namespaces/kube-system/ingresses")["items"] == []

    again = ground.run(release, helm_binary="/nowhere/helm")
    assert again.states == {NAME: "unchanged"}
    assert [call for call in again.calls if call.endswith("/secrets")] == ["kubernetes:GET /api/v1/secrets"]

    configuration = f"/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/{WEBHOOK}"
    ca = ground.kube.get(configuration)["webhooks"][0]["clientConfig"]["caBundle"]
    assert ground.run({**release, "values": {**release["values"], "replicaCount": 3}}).states == {NAME: "upgraded"}
    assert ground.kube.get(configuration)["webhooks"][0]["clientConfig"]["caBundle"] == ca


def test_gates_tell_which_webhook_has_no_ready_endpoint(ground: Ground, sandbox: RunningSandbox) -> None:
    gates = [{**gate, "timeout": 2} for gate in (WEBHOOK_GATE, ADMISSION_GATE)]
    run = ground.run(controller(sandbox, *gates, nodeSelector={"nowhere": "true"}))
    assert run.states == {NAME: "failed"}
    for words in (
        f"The gate webhook {WEBHOOK} does not hold after 2 s: Service kube-system/{WEBHOOK}-service of webhook",
        "The gate admission kube-system/Ingress/probe does not hold after 2 s: ",
        'no endpoints available for service "aws-load-balancer-webhook-service"',
    ):
        assert words in run.result["msg"]
    repaired = ground.run(controller(sandbox, DEPLOYMENT_GATE, WEBHOOK_GATE, ADMISSION_GATE))
    assert repaired.states == {NAME: "upgraded"}


def test_ready_endpoints_do_not_prove_that_the_webhook_is_reached(ground: Ground, sandbox: RunningSandbox) -> None:
    release = controller(sandbox, DEPLOYMENT_GATE, WEBHOOK_GATE)
    assert ground.run(release).states == {NAME: "installed"}
    write_file(control_file(sandbox), json.dumps({"ports": {"9443": "drop"}}))
    assert ground.run(release).states == {NAME: "unchanged"}
    run = ground.run({**release, "gates": [{**ADMISSION_GATE, "timeout": 1}]})
    assert run.states == {NAME: "failed"}
    assert "security group may not reach the webhook's port" in run.result["msg"]


def test_a_webhook_that_refuses_fails_the_gate_at_once(ground: Ground, sandbox: RunningSandbox) -> None:
    assert ground.run(controller(sandbox, DEPLOYMENT_GATE, WEBHOOK_GATE)).states == {NAME: "installed"}
    write_file(control_file(sandbox), json.dumps({"deny": {"/validate-networking-v1-ingress": "no such group"}}))
    release = controller(sandbox, {**ADMISSION_GATE, "timeout": 300})
    foretold = ground.run(release, check=True)
    assert foretold.states == {NAME: "unchanged"}
    assert "no such group" in foretold.warnings[0]
    run = ground.run(release)
    # Not by the gate's own time.
    assert "does not hold after 300 s" not in run.result["msg"]
    assert "denied the request: no such group" in run.result["msg"]
    assert not run.result["changed"]
