# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Pods are restarted where the IAM role of their service account changed, whenever a run ends before it has done so."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.ekspress.eks.plugins.module_utils._errors import CancelledError
from ansible_collections.ekspress.eks.plugins.module_utils._helm_storage import MARK_LABEL
from ansible_collections.ekspress.eks.plugins.module_utils._kubernetes import Kubernetes

from tests.integration.helm_releases_support import NOWHERE, Ground, write_chart
from tests.support import wait_until

MERGE = "application/merge-patch+json"
ROLE = "eks.amazonaws.com/role-arn"
RESTARTED = "kubectl.kubernetes.io/restartedAt"
MESSAGE = "restarted, as the IAM role of the service account changed: Deployment web"

ACCOUNT = """\
apiVersion: v1
kind: ServiceAccount
metadata:
  name: web
  annotations: {eks.amazonaws.com/role-arn: "{{ .Values.role }}"}
"""
DEPLOYMENTS = """\
{{- range $name, $account := dict "web" "web" "apart" "default" }}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: {{ $name }}}
spec:
  replicas: 2
  selector: {matchLabels: {app: {{ $name }}}}
  template:
    metadata: {labels: {app: {{ $name }}}}
    spec:
      serviceAccountName: {{ $account }}
      containers: [{name: main, image: "registry.example/main:{{ $.Values.tag }}"}]
{{- end }}
"""
GATES = [{"kind": "deployment", "name": name} for name in ("web", "apart")]


class Web:
    """A release `web` with a role, a Deployment that uses it and one that does not."""

    def __init__(self, ground: Ground, directory: Path) -> None:
        self.ground = ground
        self.chart = write_chart(directory / "web", ACCOUNT, DEPLOYMENTS, values="tag: 1\n")

    def wanted(self, role: str, **more: Any) -> dict[str, Any]:
        """The release."""
        values = {"role": role, **more.pop("values", {})}
        return self.ground.release("web", self.chart, values=values, gates=GATES, **more)

    def template(self, name: str = "web") -> dict[str, str]:
        """Annotations of a Deployment's pod template."""
        live = self.ground.kube.get(self.ground.path("deployments", name, "/apis/apps/v1"))
        return dict(live["spec"]["template"]["metadata"].get("annotations") or {})

    def pods(self, name: str = "web") -> set[str]:
        """Names of a Deployment's pods."""
        items = self.ground.kube.get(self.ground.path("pods"))["items"]
        return {
            item["metadata"]["name"]
            for item in items
            if item["metadata"]["labels"]["app"] == name and not item["metadata"].get("deletionTimestamp")
        }

    def wait_for_new_pods(self, before: set[str]) -> None:
        """Wait until none of these pods is left."""
        wait_until(lambda: not self.pods() & before)

    @property
    def role(self) -> str:
        """The role in the cluster."""
        meta = self.ground.kube.get(self.ground.path("serviceaccounts", "web"))["metadata"]
        return str(meta["annotations"][ROLE])

    def set_role(self, role: str) -> None:
        """Change the role as somebody with kubectl does."""
        meta = {"metadata": {"annotations": {ROLE: role}}}
        answer = self.ground.kube.request("PATCH", self.ground.path("serviceaccounts", "web"), meta, MERGE)
        assert answer[0] == 200, answer

    def marks(self) -> list[str]:
        """What is marked on the newest revision."""
        secrets = self.ground.kube.get(f"{self.ground.path('secrets')}?labelSelector=owner%3Dhelm")["items"]
        newest = max((item["metadata"]["labels"] for item in secrets), key=lambda labels: int(labels["version"]))
        return [newest[MARK_LABEL]] if MARK_LABEL in newest else []

    def settled(self, release: dict[str, Any]) -> None:
        """Hold that nothing is left to do, which costs one list and the gates."""
        again = self.ground.run(release, helm_binary=NOWHERE)
        assert (again.states, again.result["changed"]) == ({"web": "unchanged"}, False)
        if not release.get("drift"):
            assert sorted(again.calls) == [
                "kubernetes:GET /api/v1/secrets",
                f"kubernetes:GET {self.ground.path('deployments', 'apart', '/apis/apps/v1')}",
                f"kubernetes:GET {self.ground.path('deployments', 'web', '/apis/apps/v1')}",
            ]
        assert self.marks() == []


@pytest.fixture
def web(ground: Ground, tmp_path: Path) -> Web:
    """The chart, not installed yet."""
    return Web(ground, tmp_path)


def test_an_upgrade_that_changes_the_role_restarts_what_uses_it(ground: Ground, web: Web) -> None:
    assert ground.run(web.wanted("a")).states == {"web": "installed"}
    assert web.marks() == []
    before, apart = web.pods(), web.pods("apart")
    foretold = ground.run(web.wanted("b"), check=True)
    assert foretold.result["releases"][0]["message"] == f"values changed: role; {MESSAGE}"
    assert web.template() == {}

    run = ground.run(web.wanted("b"))
    assert run.states == {"web": "upgraded"}
    assert run.result["releases"][0]["message"] == foretold.result["releases"][0]["message"]
    assert run.result["diff"] == foretold.result["diff"]
    assert run.result["diff"]["after"][f"{ground.namespace}/web"]["Deployment web: pods"] == "restarted"
    assert (web.role, set(web.template())) == ("b", {RESTARTED})
    # The gate waited for the new pods.
    web.wait_for_new_pods(before)
    assert (web.pods("apart"), web.template("apart")) == (apart, {})
    web.settled(web.wanted("b"))


def test_an_upgrade_that_replaces_the_pods_itself_restarts_nothing_more(ground: Ground, web: Web) -> None:
    ground.run(web.wanted("a"))
    run = ground.run(web.wanted("b", values={"tag": "2"}))
    assert run.states == {"web": "upgraded"}
    assert "restarted" not in run.result["releases"][0]["message"]
    assert web.template() == {}
    # Without another role nothing is restarted either.
    assert "restarted" not in ground.run(web.wanted("b", values={"tag": "2", "x": 1})).result["releases"][0]["message"]
    web.settled(web.wanted("b", values={"tag": "2", "x": 1}))


def test_a_role_that_was_changed_by_hand_is_put_back_and_the_pods_are_restarted(ground: Ground, web: Web) -> None:
    release = web.wanted("a", drift=True)
    ground.run(release)
    seen = {""}
    for _time in range(2):
        before = web.pods()
        web.set_role("by-hand")
        foretold = ground.run(release, check=True, helm_binary=NOWHERE)
        assert (foretold.states, web.role, web.marks()) == ({"web": "repaired"}, "by-hand", [])
        run = ground.run(release, helm_binary=NOWHERE)
        assert (run.states, run.result["changed"], run.helm) == ({"web": "repaired"}, True, [])
        assert run.result["releases"][0]["message"] == f"not as released: ServiceAccount web; {MESSAGE}"
        assert run.result["releases"][0]["message"] == foretold.result["releases"][0]["message"]
        assert run.result["diff"] == foretold.result["diff"]
        assert web.role == "a"
        # Each time anew.
        assert web.template()[RESTARTED] not in seen
        seen.add(web.template()[RESTARTED])
        web.wait_for_new_pods(before)
        web.settled(release)


def end_after(monkeypatch: pytest.MonkeyPatch, writes: int) -> None:
    """End the run where it would make one more write than these."""
    real, left = Kubernetes.request, [writes]

    def request(self: Kubernetes, method: str, path: str, **more: Any) -> dict[str, Any]:
        if method != "GET" and not more.get("dry_run") and "/leases" not in path:
            if left[0] == 0:
                raise CancelledError("killed")
            left[0] -= 1
        return real(self, method, path, **more)

    monkeypatch.setattr(Kubernetes, "request", request)


@pytest.mark.parametrize("writes", range(4))
def test_a_repair_that_is_ended_anywhere_is_completed_by_the_next_run(
    ground: Ground, web: Web, monkeypatch: pytest.MonkeyPatch, writes: int
) -> None:
    """Its writes are: the mark, the service account, the restart, the mark away."""
    release = web.wanted("a", drift=True)
    ground.run(release)
    web.set_role("by-hand")
    with monkeypatch.context() as patched:
        end_after(patched, writes)
        assert ground.run(release, helm_binary=NOWHERE).result["msg"] == "killed"
    assert (web.role == "a") == (writes >= 2)
    begun = web.template().get(RESTARTED)
    assert (begun is not None) == (writes == 3)
    foretold = ground.run(release, check=True, helm_binary=NOWHERE)
    run = ground.run(release, helm_binary=NOWHERE)
    assert (run.states, run.result["changed"], web.role) == ({"web": "repaired"}, True, "a")
    assert MESSAGE in run.result["releases"][0]["message"]
    assert run.result["releases"][0]["message"] == foretold.result["releases"][0]["message"]
    assert RESTARTED in web.template()
    # What was restarted already is not restarted again.
    assert begun in (None, web.template()[RESTARTED])
    web.settled(release)


@pytest.mark.parametrize("writes", range(2))
@pytest.mark.parametrize("then", ["the same", "another role", "the former role"])
def test_an_upgrade_that_is_ended_before_its_restarts_is_completed_by_the_next_run(
    ground: Ground, web: Web, monkeypatch: pytest.MonkeyPatch, writes: int, then: str
) -> None:
    """After helm come two writes: the restart, and the mark away."""
    ground.run(web.wanted("a"))
    with monkeypatch.context() as patched:
        end_after(patched, writes)
        assert ground.run(web.wanted("b")).result["msg"] == "killed"
    assert (web.role, len(web.marks())) == ("b", 1)
    begun = web.template().get(RESTARTED)
    role = {"the same": "b", "another role": "c", "the former role": "a"}[then]
    helm: dict[str, Any] = {"helm_binary": NOWHERE} if then == "the same" else {}
    run = ground.run(web.wanted(role), **helm)
    assert run.states == {"web": "repaired" if then == "the same" else "upgraded"}
    assert MESSAGE in run.result["releases"][0]["message"]
    assert web.role == role
    restarted = web.template()[RESTARTED]
    assert (restarted == begun) == (then == "the same" and begun is not None)
    web.settled(web.wanted(role))


def test_what_is_adopted_is_restarted_once(ground: Ground, web: Web) -> None:
    meta = {"name": "web", "namespace": ground.namespace}
    ground.kube.apply(
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {**meta, "annotations": {ROLE: "theirs"}}}, "other"
    )
    pod = {"serviceAccountName": "web", "containers": [{"name": "main", "image": "registry.example/main:1"}]}
    template = {"metadata": {"labels": {"app": "web"}}, "spec": pod}
    spec = {"replicas": 2, "selector": {"matchLabels": {"app": "web"}}, "template": template}
    ground.kube.apply({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta, "spec": spec}, "other")
    adopting = web.wanted("a", take_ownership=True)
    message = f"there is no such release; {MESSAGE}"
    # Kubernetes tells in whole seconds since when something is there.
    wait_until(lambda: ground.run(adopting, check=True).result["releases"][0]["message"] == message)
    run = ground.run(adopting)
    assert run.states == {"web": "installed"}
    assert run.result["releases"][0]["message"] == message
    assert (web.role, set(web.template()), web.template("apart")) == ("a", {RESTARTED}, {})
    web.settled(adopting)


def test_what_may_not_be_noted_is_told_and_owed(ground: Ground, web: Web) -> None:
    """The next run, which may, does it."""
    ground.run(web.wanted("a"))
    needed = ["get", "list", "watch", "create", "update", "delete"]
    rules = [
        {"apiGroups": [""], "resources": ["serviceaccounts"], "verbs": ["*"]},
        {"apiGroups": ["apps", "coordination.k8s.io"], "resources": ["*"], "verbs": ["*"]},
        {"apiGroups": [""], "resources": ["secrets"], "verbs": needed},
    ]
    group = "rbac.authorization.k8s.io"
    base = {"apiVersion": f"{group}/v1", "metadata": {"name": ground.namespace}}
    role = {"apiGroup": group, "kind": "ClusterRole", "name": ground.namespace}
    subjects = [{"apiGroup": group, "kind": "User", "name": ground.namespace}]
    ground.kube.apply({**base, "kind": "ClusterRole", "rules": rules}, "tests")
    ground.kube.apply({**base, "kind": "ClusterRoleBinding", "roleRef": role, "subjects": subjects}, "tests")
    try:
        run = ground.run(web.wanted("b"), impersonate_user=ground.namespace)
    finally:
        for plural in ("clusterrolebindings", "clusterroles"):
            ground.kube.request("DELETE", f"/apis/{group}/v1/{plural}/{ground.namespace}")
    assert (run.states, run.result["changed"], web.role) == ({"web": "failed"}, True, "b")
    assert 'cannot patch resource "secrets"' in run.result["msg"]
    assert MESSAGE not in run.result["msg"]
    done = ground.run(web.wanted("b"), helm_binary=NOWHERE)
    assert done.states == {"web": "repaired"}
    assert RESTARTED in web.template()
    web.settled(web.wanted("b"))
