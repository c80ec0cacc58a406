# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A release that must stay: nothing of it, nor of what needs it, is removed; the message says why and what to do."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.integration.helm_releases_support import CONFIG_MAP, DEPLOYMENT, NOWHERE, Ground, namespace, write_chart
from tests.sandbox_fixtures import RunningSandbox

MERGE = "application/merge-patch+json"
NETWORKING = "/apis/networking.k8s.io/v1"
GROUP = "networking.k8s.io/v1"
INGRESS = """\
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: {{ .Release.Name }}
  annotations: {protect: "{{ .Values.protect }}"}
  finalizers: {{ toJson .Values.finalizers }}
spec:
  ingressClassName: {{ .Release.Namespace }}
  defaultBackend: {service: {name: app, port: {number: 80}}}
"""
DEFAULTS = "protect: none\nfinalizers: []\n"


@pytest.fixture
def pair(ground: Ground, tmp_path: Path) -> list[dict[str, Any]]:
    """A release with an Ingress of a class, and one that needs it."""
    front = ground.release("front", write_chart(tmp_path / "front", INGRESS, values=DEFAULTS))
    return [front, ground.release("behind", write_chart(tmp_path / "behind", CONFIG_MAP), needs=["front"])]


def refused(ground: Ground, releases: list[dict[str, Any]], *words: str) -> None:
    """Both runs refuse it with these words, and nothing is changed."""
    for check in (True, False):
        run = ground.run(*releases, check=check, helm_binary=NOWHERE)
        assert (run.states, run.result["changed"]) == ({"front": "failed", "behind": "skipped"}, False)
        for text in words:
            assert text in run.result["msg"]
        assert f"Not touched, as they need what failed: {ground.namespace}/behind." in run.result["msg"]


def gone(releases: list[dict[str, Any]], *used_by: dict[str, Any]) -> list[dict[str, Any]]:
    front, behind = ({**release, "state": "absent"} for release in releases)
    return [{**front, "used_by": list(used_by)}, behind]


def test_somebodys_object_of_its_class(
    ground: Ground, pair: list[dict[str, Any]], sandbox: RunningSandbox, helm_program: str
) -> None:
    ground.run(*pair)
    use = {"api_version": GROUP, "kind": "Ingress", "ingress_class": ground.namespace, "advice": "Give it another one."}
    unknown = {**use, "api_version": "ekspress.example/v1", "kind": "Nothing"}
    with namespace(sandbox, helm_program) as other:
        spec = {
            "ingressClassName": ground.namespace,
            "defaultBackend": {"service": {"name": "a", "port": {"number": 1}}},
        }
        meta = {"name": "shop", "namespace": other.namespace}
        ground.kube.apply({"apiVersion": GROUP, "kind": "Ingress", "metadata": meta, "spec": spec}, "tests")
        refused(
            ground,
            gone(pair, use, unknown),
            f"Release {ground.namespace}/front is still needed: Ingress {other.namespace}/shop would be served by "
            f"nothing any more, as their class is {ground.namespace}. Give it another one.",
        )
        # Its own Ingress of the class does not keep it.
        assert ground.kube.request("DELETE", other.path("ingresses", "shop", NETWORKING))[0] == 200
        assert ground.run(*gone(pair, use, unknown)).states == {"front": "removed", "behind": "removed"}


def test_an_object_that_nothing_would_delete(ground: Ground, pair: list[dict[str, Any]]) -> None:
    front, behind = pair
    ground.run({**front, "values": {"protect": "a=b,on=true"}}, behind)
    use = {
        "api_version": GROUP,
        "kind": "Ingress",
        "namespace": ground.namespace,
        "name": "front",
        "annotation": "protect",
        "pattern": "on=true",
        "advice": "Switch it off.",
    }
    refused(
        ground,
        gone(pair, use),
        f"Ingress {ground.namespace}/front would never be gone, as its annotation protect protects it. Switch it off.",
    )
    ground.run({**front, "values": {"protect": "a=b,on=false"}}, behind)
    assert ground.run(*gone(pair, use)).states == {"front": "removed", "behind": "removed"}


def test_others_objects_in_a_namespace_that_goes(ground: Ground, pair: list[dict[str, Any]], tmp_path: Path) -> None:
    values = "replicas: 1\nnodeSelector: {}\n"
    pods = ground.release("pods", write_chart(tmp_path / "pods", DEPLOYMENT, values=values))
    ground.run(*pair, pods)
    kinds = [("v1", "Pod"), ("v1", "Secret"), ("v1", "ConfigMap"), ("v1", "PersistentVolumeClaim"), (GROUP, "Ingress")]
    kinds += [("apps/v1", "Deployment"), ("apps/v1", "ReplicaSet")]
    uses = [{"api_version": version, "kind": kind, "namespace": ground.namespace} for version, kind in kinds]
    claim: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "data", "namespace": ground.namespace},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
    }
    path = ground.path("persistentvolumeclaims", "data")
    assert ground.kube.request("POST", ground.path("persistentvolumeclaims"), claim)[0] == 201
    refused(
        ground,
        gone(pair, *uses),
        f"Deployment {ground.namespace}/pods, PersistentVolumeClaim {ground.namespace}/data, "
        f"Secret {ground.namespace}/sh.helm.release.v1.pods.v1 would be deleted with the namespace {ground.namespace}, "
        "and are not of the releases that are removed. Delete them before, then run again.",
    )
    # All that is left is of this run.
    let_go = {"metadata": {"finalizers": None}}
    assert ground.kube.request("DELETE", path)[0] == 200
    assert ground.kube.request("PATCH", path, let_go, MERGE)[0] in (200, 404)
    run = ground.run(*gone(pair, *uses), {**pods, "state": "absent"})
    assert set(run.states.values()) == {"removed"}


def test_what_it_may_not_list_keeps_it_and_what_needs_it(ground: Ground, pair: list[dict[str, Any]]) -> None:
    ground.run(*pair)
    use = {"api_version": "v1", "kind": "Pod", "namespace": ground.namespace}
    rules = [
        {"apiGroups": [""], "resources": ["secrets"], "verbs": ["*"]},
        {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "verbs": ["*"]},
    ]
    with ground.allowed(*rules) as user:
        run = ground.run(*gone(pair, use), helm_binary=NOWHERE, **user)
    assert run.states == {"front": "failed", "behind": "skipped"}
    assert 'cannot list resource "pods"' in run.result["msg"]


def test_an_uninstall_that_does_not_end_says_what_is_not_gone_and_why(
    ground: Ground, pair: list[dict[str, Any]]
) -> None:
    front = {**pair[0], "values": {"finalizers": [f"{ground.namespace}.example/resources"]}}
    ground.run(front)
    path = ground.path("ingresses", "front", NETWORKING)
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    for reason, kind in (("FailedDeployModel", "Warning"), ("Fine", "Normal")):
        event = {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": f"front.{reason.lower()}", "namespace": ground.namespace},
            "involvedObject": {"kind": "Ingress", "name": "front", "namespace": ground.namespace},
            "type": kind,
            "reason": reason,
            "message": "it is protected",
            "lastTimestamp": now,
        }
        assert ground.kube.request("POST", ground.path("events"), event)[0] == 201
    try:
        run = ground.run({**front, "state": "absent", "timeout": 3})
        assert (run.states, run.helm) == ({"front": "failed"}, ["uninstall"])
        assert (
            f"Being deleted and not gone: Ingress {ground.namespace}/front. Ingress {ground.namespace}/front: has the "
            f"finalizers {ground.namespace}.example/resources; FailedDeployModel: it is protected."
        ) in run.result["msg"]
        assert "Fine" not in run.result["msg"]
    finally:
        assert ground.kube.request("PATCH", path, {"metadata": {"finalizers": None}}, MERGE)[0] == 200
    # Helm 4 forgets a release that it could not remove in time.
    assert ground.run({**front, "state": "absent"}).states["front"] in ("removed", "unchanged")
