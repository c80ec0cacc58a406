# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Gates on webhooks, with the stand-in chart of the ALB controller from the registry, on an EKS cluster by its name."""

from __future__ import annotations

import fcntl
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sandbox.state import write_file
from tests.integration.helm_releases_support import Ground, turn
from tests.sandbox_fixtures import RunningSandbox

# The webhooks refuse everybody's Services while the pods are not ready: a cluster of their own, one test at a time.
CLUSTER = "helm-webhooks"

NAME = "aws-load-balancer-controller"
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
        removed = made.run({"name": NAME, "namespace": "kube-system", "state": "absent"})
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
