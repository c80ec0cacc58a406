# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What becomes of pods, with KWOK's real controller."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from sandbox.kube_client import KubeClient
from sandbox.kwok_stages import READY_AFTER
from tests.sandbox_fixtures import RunningSandbox
from tests.support import wait_until


@pytest.fixture
def kube(sandbox: RunningSandbox) -> KubeClient:
    return sandbox.kube()


def pod(**spec: Any) -> dict[str, Any]:
    return {"containers": [{"name": "main", "image": "registry.example/main:1"}], **spec}


def made(kube: KubeClient, kind: str, version: str, spec: dict[str, Any], **annotations: str) -> str:
    name = f"stages-{uuid.uuid4().hex[:8]}"
    meta = {"name": name, "namespace": "default", "annotations": annotations}
    kube.apply({"apiVersion": version, "kind": kind, "metadata": meta, "spec": spec}, "tests")
    return name


def conditions(found: dict[str, Any]) -> dict[str, str]:
    return {item["type"]: item["status"] for item in found.get("status", {}).get("conditions", [])}


def transition(found: dict[str, Any], kind: str) -> str:
    return next(item["lastTransitionTime"] for item in found["status"]["conditions"] if item["type"] == kind)


def test_a_pod_is_ready_with_all_its_containers_gates_and_addresses(kube: KubeClient) -> None:
    name = made(
        kube,
        "Pod",
        "v1",
        pod(
            initContainers=[
                {"name": "once", "image": "x:1"},
                {"name": "beside", "image": "x:1", "restartPolicy": "Always"},
            ],
            readinessGates=[{"conditionType": "example.com/gate"}],
        ),
    )
    path = f"/api/v1/namespaces/default/pods/{name}"
    found = wait_until(lambda: (item := kube.get(path)) and conditions(item).get("Ready") == "True" and item)
    assert conditions(found)["example.com/gate"] == "True"
    assert found["status"]["phase"] == "Running"
    assert found["status"]["podIP"] == found["status"]["podIPs"][0]["ip"]
    assert found["status"]["hostIP"]
    assert found["status"]["containerStatuses"][0]["state"]["running"]
    once, beside = found["status"]["initContainerStatuses"]
    assert once["state"]["terminated"]["exitCode"] == 0
    assert beside["state"]["running"]
    kube.request("DELETE", path)
    wait_until(lambda: kube.get(path) is None)


def test_an_annotation_delays_readiness(kube: KubeClient) -> None:
    """By the pod's own times, whose resolution is a second."""
    name = made(kube, "Pod", "v1", pod(), **{READY_AFTER: "2s"})
    path = f"/api/v1/namespaces/default/pods/{name}"
    found = wait_until(lambda: (item := kube.get(path)) and conditions(item).get("Ready") == "True" and item)
    assert transition(found, "Ready") > transition(found, "PodScheduled")
    kube.request("DELETE", path)


def test_the_pods_of_a_job_end(kube: KubeClient) -> None:
    template = {"spec": pod(restartPolicy="Never")}
    name = made(kube, "Job", "batch/v1", {"template": template})
    path = f"/apis/batch/v1/namespaces/default/jobs/{name}"
    wait_until(lambda: (kube.get(path).get("status") or {}).get("succeeded") == 1)
    kube.request("DELETE", f"{path}?propagationPolicy=Background")
