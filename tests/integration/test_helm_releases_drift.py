# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Objects that somebody changed behind Helm's back, and objects that somebody else made."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.integration.helm_releases_support import CONFIG_MAP, DEPLOYMENT, NOWHERE, Ground, write_chart

MERGE = "application/merge-patch+json"
SERVICE_ACCOUNT = "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: {{ .Release.Name }}}\n"
CLUSTER_ROLE = """\
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: "{{ .Release.Namespace }}"}
rules: [{apiGroups: [""], resources: [pods], verbs: [get]}]
"""


def deployment(ground: Ground) -> dict[str, Any]:
    """The Deployment web."""
    return dict(ground.kube.get(ground.path("deployments", "web", "/apis/apps/v1")))


def scale(ground: Ground, replicas: int) -> None:
    """Scale the Deployment web, as somebody with kubectl does."""
    path = ground.path("deployments", "web/scale", "/apis/apps/v1")
    assert ground.kube.request("PATCH", path, {"spec": {"replicas": replicas}}, MERGE)[0] == 200


def test_drift_is_found_and_put_back_and_nothing_else(ground: Ground, tmp_path: Path) -> None:
    values = "replicas: 1\nnodeSelector: {}\n"
    chart = write_chart(tmp_path / "web", DEPLOYMENT, SERVICE_ACCOUNT, CLUSTER_ROLE, values=values)
    release = ground.release("web", chart, drift=True, gates=[{"kind": "deployment", "name": "web"}])
    assert ground.run(release).states == {"web": "installed"}
    assert ground.run(release, helm_binary=NOWHERE).states == {"web": "unchanged"}

    scale(ground, 0)
    assert ground.kube.request("DELETE", ground.path("serviceaccounts", "web"))[0] == 200
    # What somebody added is none of the release's.
    meta = {"metadata": {"annotations": {"team": "x"}}}
    assert ground.kube.request("PATCH", ground.path("deployments", "web", "/apis/apps/v1"), meta, MERGE)[0] == 200
    before = deployment(ground)["metadata"]["generation"]
    foretold = ground.run(release, check=True, helm_binary=NOWHERE)
    assert foretold.states == {"web": "repaired"}
    assert foretold.result["releases"][0]["message"] == "not as released: ServiceAccount web, Deployment web"
    assert deployment(ground)["metadata"]["generation"] == before

    run = ground.run(release, helm_binary=NOWHERE)
    assert (run.states, run.result["changed"], run.helm) == ({"web": "repaired"}, True, [])
    key = f"{ground.namespace}/web"
    assert run.result["diff"]["before"][key] == {"Deployment web: spec.replicas": 0}
    assert run.result["diff"]["after"][key] == {"Deployment web: spec.replicas": 1, "ServiceAccount web": "created"}
    assert run.result["diff"] == foretold.result["diff"]
    live = deployment(ground)
    assert (live["spec"]["replicas"], live["metadata"]["annotations"]["team"]) == (1, "x")
    labels = ground.kube.get(ground.path("serviceaccounts", "web"))["metadata"]["labels"]
    assert labels == {"app.kubernetes.io/managed-by": "Helm"}
    assert ground.run(release, helm_binary=NOWHERE).states == {"web": "unchanged"}

    # Helm goes on from there.
    changed = {**release, "values": {"replicas": 2}}
    assert ground.run(changed).states == {"web": "upgraded"}
    assert ground.run(changed, helm_binary=NOWHERE).states == {"web": "unchanged"}
    gone = ground.run({**release, "state": "absent"})
    assert gone.states == {"web": "removed"}, gone.result
    assert ground.kube.get(ground.path("serviceaccounts", "web")) is None


def test_texts_that_look_like_dates_and_times_are_no_drift(ground: Ground, tmp_path: Path) -> None:
    item = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web}\ndata: {day: 2024-01-31, time: 12:30:45}\n"
    release = ground.release("web", write_chart(tmp_path / "web", item), drift=True)
    assert ground.run(release).states == {"web": "installed"}
    assert ground.run(release, helm_binary=NOWHERE).states == {"web": "unchanged"}
    patch = {"data": {"day": "by hand"}}
    assert ground.kube.request("PATCH", ground.path("configmaps", "web"), patch, MERGE)[0] == 200
    run = ground.run(release, helm_binary=NOWHERE)
    assert (run.states, run.result["diff"]["after"][f"{ground.namespace}/web"]) == (
        {"web": "repaired"},
        {"ConfigMap web: data.day": "2024-01-31"},
    )
    assert ground.kube.get(ground.path("configmaps", "web"))["data"] == {"day": "2024-01-31", "time": "12:30:45"}


def test_drift_that_cannot_be_told_stops_only_what_needs_the_release(ground: Ground, tmp_path: Path) -> None:
    chart = write_chart(tmp_path / "web", CONFIG_MAP)
    releases = [ground.release("web", chart, drift=True), ground.release("other", chart)]
    ground.run(*releases)
    refused = {"kind": "ClusterRole", "rules": [{"apiGroups": [""], "resources": ["secrets"], "verbs": ["*"]}]}
    base = {"apiVersion": "rbac.authorization.k8s.io/v1", "metadata": {"name": ground.namespace}}
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": ground.namespace}
    user = {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "reader"}
    ground.kube.apply({**base, **refused}, "tests")
    ground.kube.apply({**base, "kind": "ClusterRoleBinding", "roleRef": role, "subjects": [user]}, "tests")
    try:
        for check in (True, False):
            run = ground.run(*releases, check=check, impersonate_user="reader", helm_binary=NOWHERE)
            assert run.states == {"web": "failed", "other": "unchanged"}
            assert "It cannot be told whether it drifted" in run.result["msg"]
            assert "configmaps" in run.result["msg"]
    finally:
        for plural in ("clusterrolebindings", "clusterroles"):
            ground.kube.request("DELETE", f"/apis/rbac.authorization.k8s.io/v1/{plural}/{ground.namespace}")


def test_without_drift_nobody_looks(ground: Ground, tmp_path: Path) -> None:
    release = ground.release("web", write_chart(tmp_path / "web", SERVICE_ACCOUNT))
    ground.run(release)
    assert ground.kube.request("DELETE", ground.path("serviceaccounts", "web"))[0] == 200
    run = ground.run(release, helm_binary=NOWHERE)
    assert (run.states, run.calls) == ({"web": "unchanged"}, ["kubernetes:GET /api/v1/secrets"])


def test_what_another_tool_made_is_adopted_only_where_that_is_asked_for(ground: Ground, tmp_path: Path) -> None:
    meta = {"name": "web", "namespace": ground.namespace}
    item = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": {"values": "theirs", "more": "x"}}
    ground.kube.apply(item, "another-tool")
    release = ground.release("web", write_chart(tmp_path / "web", CONFIG_MAP))
    for check in (True, False):
        run = ground.run(release, check=check)
        assert (run.states, run.result["changed"]) == ({"web": "failed"}, False)
        assert "take_ownership" in run.result["msg"]
    adopting = {**release, "take_ownership": True}
    assert ground.run(adopting, check=True).states == {"web": "installed"}
    assert ground.run(adopting).states == {"web": "installed"}
    live = ground.kube.get(ground.path("configmaps", "web"))
    assert live["data"]["values"] == "{}"
    assert live["metadata"]["annotations"]["meta.helm.sh/release-name"] == "web"
    assert ground.run(adopting, helm_binary=NOWHERE).states == {"web": "unchanged"}


def test_removals_go_in_reverse_order_of_needs(ground: Ground, tmp_path: Path) -> None:
    chart = write_chart(tmp_path / "web", CONFIG_MAP)
    names = ("first", "second", "third")
    releases = [
        ground.release(name, chart, needs=[names[number - 1]] if number else []) for number, name in enumerate(names)
    ]
    ground.run(*releases)
    log = tmp_path / "log"
    program = tmp_path / "program"
    program.write_text(f'#!/bin/sh\necho "$1 $2" >> {log}\nexec {ground.options["helm_binary"]} "$@"\n')
    program.chmod(0o700)
    gone = [{**release, "state": "absent"} for release in releases]
    assert set(ground.run(*gone, helm_binary=str(program)).states.values()) == {"removed"}
    assert log.read_text().split("\n")[:-1] == ["uninstall third", "uninstall second", "uninstall first"]
