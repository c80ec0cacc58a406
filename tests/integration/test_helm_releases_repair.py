# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Releases in states that nobody meant, and what a failed release says of them."""

from __future__ import annotations

import os
import signal
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.integration.helm_releases_support import CONFIG_MAP, DEPLOYMENT, ENDLESS_HOOK, NOWHERE, Ground, write_chart
from tests.support import PATIENCE, wait_until

MERGE = "application/merge-patch+json"


def relabel(ground: Ground, revision: int, status: str) -> None:
    """Give a revision of the release web another status, by the label that Helm goes by."""
    path = ground.path("secrets", f"sh.helm.release.v1.web.v{revision}")
    assert ground.kube.request("PATCH", path, {"metadata": {"labels": {"status": status}}}, MERGE)[0] == 200


def forget(ground: Ground, revision: int) -> None:
    """Delete a revision's Secret, as advice on the net has it."""
    assert ground.kube.request("DELETE", ground.path("secrets", f"sh.helm.release.v1.web.v{revision}"))[0] == 200


def test_a_release_of_unknown_status_is_repaired(ground: Ground, tmp_path: Path) -> None:
    release = ground.release("web", write_chart(tmp_path / "web", CONFIG_MAP))
    ground.run(release)
    relabel(ground, 1, "unknown")
    assert ground.run(release, check=True, helm_binary=NOWHERE).states == {"web": "repaired"}
    run = ground.run(release)
    assert run.states == {"web": "repaired"}
    assert "its status is unknown" in run.result["releases"][0]["message"]
    ground.run({**release, "values": {"a": 1}})
    newest = max(ground.revisions("web"))
    relabel(ground, newest, "unknown")
    assert ground.run({**release, "values": {"a": 1}}).states == {"web": "repaired"}
    assert ground.run({**release, "values": {"a": 1}}, helm_binary=NOWHERE).states == {"web": "unchanged"}


@pytest.mark.parametrize(("state", "result"), [("present", "repaired"), ("absent", "removed")])
def test_a_release_whose_newest_revision_was_deleted(ground: Ground, tmp_path: Path, state: str, result: str) -> None:
    release = ground.release("web", write_chart(tmp_path / "web", CONFIG_MAP))
    ground.run(release)
    ground.run({**release, "values": {"a": 1}})
    forget(ground, 2)
    assert ground.revisions("web") == {1: "superseded"}
    assert ground.run({**release, "state": state}, check=True).states == {"web": result}
    assert ground.run({**release, "state": state}).states == {"web": result}
    if state == "absent":
        assert ground.revisions("web") == {}
        assert ground.kube.get(ground.path("configmaps", "web")) is None
    assert ground.run({**release, "state": state}, helm_binary=NOWHERE).states == {"web": "unchanged"}


def test_a_failure_before_helm_did_anything_is_no_change(ground: Ground, tmp_path: Path) -> None:
    chart = write_chart(tmp_path / "web", CONFIG_MAP + '# {{ required "colour is needed" .Values.colour }}')
    release = ground.release("web", chart)
    new = ground.run(release)
    assert (new.states, new.helm, new.result["changed"]) == ({"web": "failed"}, ["upgrade"], False)
    assert not ground.run({**release, "values": {"colour": "red"}}).result.get("failed")
    there = ground.run(release)
    assert (there.states, there.result["changed"]) == ({"web": "failed"}, False)
    assert ground.revisions("web") == {1: "deployed"}


def test_a_failure_after_helm_began_is_a_change(ground: Ground, tmp_path: Path) -> None:
    chart = write_chart(tmp_path / "web", CONFIG_MAP.replace("{{ .Release.Name }}", "Not_A_Name"))
    run = ground.run(ground.release("web", chart))
    assert (run.states, run.result["changed"]) == ({"web": "failed"}, True)


def test_a_missing_namespace_is_noticed_before_helm_is_started(ground: Ground, tmp_path: Path) -> None:
    chart = write_chart(tmp_path / "web", CONFIG_MAP)
    lost = {**ground.release("web", chart), "namespace": f"{ground.namespace}-lost"}
    for check in (True, False):
        run = ground.run(lost, check=check, helm_binary=NOWHERE)
        assert (run.states, run.result["changed"]) == ({"web": "failed"}, False)
        assert f"The namespace {ground.namespace}-lost does not exist" in run.result["msg"]
    assert ground.run({**lost, "create_namespace": True}, check=True).states == {"web": "installed"}


@pytest.mark.parametrize("by_chart", [False, True])
def test_a_namespace_that_a_needed_release_makes_is_not_missed(
    ground: Ground, tmp_path: Path, *, by_chart: bool
) -> None:
    chart = write_chart(tmp_path / "web", CONFIG_MAP)
    namespace = f"{ground.namespace}-new"
    first = {**ground.release("first", chart), "namespace": namespace, "create_namespace": True}
    if by_chart:
        template = f"apiVersion: v1\nkind: Namespace\nmetadata: {{name: {namespace}}}\n"
        first = ground.release("first", write_chart(tmp_path / "namespace", template))
    between = ground.release("between", chart, needs=["first"])
    last = {**ground.release("last", chart, needs=["between"]), "namespace": namespace}
    try:
        foretold = ground.run(first, between, last, check=True)
        assert set(foretold.states.values()) == {"installed"}
        assert ground.kube.get(f"/api/v1/namespaces/{namespace}") is None
        assert ground.run(first, between, last).states == foretold.states
    finally:
        ground.kube.request("DELETE", f"/api/v1/namespaces/{namespace}")


def test_a_helm_of_a_run_that_is_killed_fails_its_release_and_the_next_run_repairs_it(
    ground: Ground, tmp_path: Path
) -> None:
    chart = write_chart(tmp_path / "web", CONFIG_MAP)
    release, other = ground.release("web", chart, values={"a": 1}), ground.release("other", chart, needs=["web"])
    ground.run(release)
    write_chart(tmp_path / "web", CONFIG_MAP, ENDLESS_HOOK)
    program, number = tmp_path / "program", tmp_path / "number"
    program.write_text(f'#!/bin/sh\necho $$ > {number}\nexec {ground.options["helm_binary"]} "$@"\n')
    program.chmod(0o700)
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(ground.run, release, other, helm_binary=str(program))
        wait_until(lambda: "pending-upgrade" in ground.revisions("web").values())
        os.kill(int(number.read_text()), signal.SIGKILL)
        run = running.result(PATIENCE)
    assert (run.states, run.result["changed"]) == ({"web": "failed", "other": "skipped"}, True)
    assert "was killed (SIGKILL)" in run.result["msg"]
    (tmp_path / "web" / "templates" / "1.yaml").unlink()
    repaired = ground.run(release, other)
    assert (repaired.states, repaired.helm) == (
        {"web": "repaired", "other": "installed"},
        ["rollback", "upgrade", "upgrade"],
    )
    again = ground.run(release, other, helm_binary=NOWHERE)
    assert again.states == {"web": "unchanged", "other": "unchanged"}


def scale(ground: Ground, replicas: int) -> None:
    """Scale the Deployment web, as kubectl scale does."""
    path = ground.path("deployments", "web/scale", "/apis/apps/v1")
    assert ground.kube.request("PATCH", path, {"spec": {"replicas": replicas}}, MERGE)[0] == 200


def test_a_deployment_that_was_scaled_to_nothing_is_not_fine(ground: Ground, tmp_path: Path) -> None:
    chart = write_chart(tmp_path / "web", DEPLOYMENT, values="replicas: 2\nnodeSelector: {}\n")
    release = ground.release("web", chart, gates=[{"kind": "deployment", "name": "web"}])
    assert ground.run(release).states == {"web": "installed"}
    scale(ground, 0)
    foretold = ground.run(release, check=True)
    assert "it was scaled to 0, but its release wants 2 pods" in foretold.warnings[0]
    run = ground.run(release)
    assert run.states == {"web": "failed"}
    assert "it was scaled to 0, but its release wants 2 pods" in run.result["msg"]
    assert ground.run({**release, "values": {"replicas": 0}}).states == {"web": "upgraded"}


def test_helm_by_hand_does_not_get_into_the_way(ground: Ground, tmp_path: Path) -> None:
    release = ground.release("web", write_chart(tmp_path / "web", CONFIG_MAP))
    ground.run(release)
    ground.run({**release, "values": {"a": 1}})
    command = [ground.options["helm_binary"], "rollback", "web", "1", "--namespace", ground.namespace]
    subprocess.run([*command, "--kubeconfig", ground.options["kubeconfig"]], check=True, capture_output=True)
    assert ground.run(release, helm_binary=NOWHERE).states == {"web": "unchanged"}
