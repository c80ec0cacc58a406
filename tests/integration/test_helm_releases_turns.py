# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Runs of helm_releases on one cluster take turns."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.ekspress.eks.plugins.module_utils import _kubernetes_lease
from ansible_collections.ekspress.eks.plugins.module_utils._context import Context
from ansible_collections.ekspress.eks.plugins.module_utils._errors import CancelledError, EksError
from ansible_collections.ekspress.eks.plugins.module_utils._kubernetes import Kubernetes, connect
from ansible_collections.ekspress.eks.plugins.module_utils._kubernetes_errors import KubernetesError
from ansible_collections.ekspress.eks.plugins.module_utils._kubernetes_lease import Lease

from tests.integration.helm_releases_support import CONFIG_MAP, ENDLESS_HOOK, NOWHERE, Ground, write_chart
from tests.sandbox_fixtures import RunningSandbox
from tests.support import PATIENCE, wait_until

LEASE = "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/ekspress-eks-helm-releases"


def lease(ground: Ground, renewed: datetime) -> None:
    """The lease of a run that was killed after it renewed it."""
    meta = {"name": LEASE.rpartition("/")[2], "namespace": "kube-system"}
    spec = {
        "holderIdentity": "elsewhere/1/a",
        "leaseDurationSeconds": 15,
        "renewTime": f"{renewed:%Y-%m-%dT%H:%M:%S.%fZ}",
    }
    item = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": meta, "spec": spec}
    assert ground.kube.request("POST", LEASE.rpartition("/")[0], item)[0] == 201


def test_two_runs_at_once_take_turns_and_lose_nothing(ground_alone: Ground, tmp_path: Path) -> None:
    chart = write_chart(tmp_path / "web", CONFIG_MAP)
    begun, go_on, program = tmp_path / "begun", tmp_path / "go-on", tmp_path / "program"
    real = ground_alone.options["helm_binary"]
    program.write_text(f'#!/bin/sh\ntouch {begun}\nwhile [ ! -e {go_on} ]; do sleep 0.05; done\nexec {real} "$@"\n')
    program.chmod(0o700)
    other = replace(ground_alone)
    with ThreadPoolExecutor() as pool:
        first = pool.submit(ground_alone.run, ground_alone.release("web", chart), helm_binary=str(program))
        wait_until(begun.exists)
        second = pool.submit(other.run, ground_alone.release("web", chart), ground_alone.release("more", chart))
        # It has read the lease and waits for its change.
        wait_until(lambda: sum("/leases" in call for call in other.context.actions) >= 2)
        assert not second.done()
        go_on.touch()
        assert first.result(PATIENCE).states == {"web": "installed"}
        assert second.result(PATIENCE).states == {"web": "unchanged", "more": "installed"}
    assert ground_alone.revisions("web") == {1: "deployed"}
    assert ground_alone.kube.get(LEASE) is None


def test_the_lease_of_a_run_that_was_killed_is_taken_over(
    ground_alone: Ground, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chart = write_chart(tmp_path / "web", CONFIG_MAP)
    lease(ground_alone, datetime.now(UTC) - timedelta(hours=1))
    assert ground_alone.run(ground_alone.release("web", chart)).states == {"web": "installed"}
    monkeypatch.setattr(_kubernetes_lease, "SECONDS", 2)
    lease(ground_alone, datetime.now(UTC))
    assert ground_alone.run(ground_alone.release("web", chart), helm_binary=NOWHERE).states == {"web": "unchanged"}
    began = time.monotonic()
    assert ground_alone.run(ground_alone.release("web", chart, values={"a": 1})).states == {"web": "upgraded"}
    assert time.monotonic() - began >= 2
    assert ground_alone.kube.get(LEASE) is None


def test_a_run_that_does_not_end_is_named(
    ground_alone: Ground, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lease(ground_alone, datetime.now(UTC))
    monkeypatch.setattr(_kubernetes_lease, "PATIENCE_SECONDS", 1)
    # So that it does not count as ended first, where the machine is busy.
    monkeypatch.setattr(_kubernetes_lease, "SECONDS", 600)
    try:
        run = ground_alone.run(ground_alone.release("web", write_chart(tmp_path / "web", CONFIG_MAP)))
    finally:
        assert ground_alone.kube.request("DELETE", LEASE)[0] == 200
    assert "Another run (elsewhere/1/a) has been changing the Helm releases of this cluster" in run.result["msg"]
    assert not run.result["changed"]


@pytest.fixture
def held(sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Lease, Kubernetes, Context]]:
    """A lease of the test's own that is renewed all the time, its client and its context."""
    monkeypatch.setattr(_kubernetes_lease, "SECONDS", 1)
    context = Context()
    client = connect({"kubeconfig": sandbox.cluster()["kubeconfig"]}, None, context)
    with Lease(client, context, f"tests-{uuid.uuid4().hex[:8]}", "testing") as lease:
        yield lease, client, context


def renewed(client: Kubernetes, lease: Lease, times: int) -> None:
    """Wait until a lease was renewed so many times more."""
    seen: set[str] = set()

    def enough() -> bool:
        seen.add(client.get(lease._path)["spec"]["renewTime"])
        return len(seen) > times

    wait_until(enough)


def test_a_renewal_whose_answer_was_lost_does_not_end_the_turn(
    held: tuple[Lease, Kubernetes, Context], monkeypatch: pytest.MonkeyPatch
) -> None:
    lease, client, context = held
    real, lost = lease._kubernetes.replace, threading.Event()

    def replace_twice(path: str, item: dict[str, Any]) -> dict[str, Any]:
        if not lost.is_set():
            lost.set()
            real(path, item)
        return real(path, item)

    monkeypatch.setattr(lease._kubernetes, "replace", replace_twice)
    assert lost.wait(PATIENCE)
    renewed(client, lease, 2)
    assert context.warnings == []


def test_a_renewal_that_fails_is_tried_again(
    held: tuple[Lease, Kubernetes, Context], monkeypatch: pytest.MonkeyPatch
) -> None:
    lease, client, context = held
    real, failed = lease._kubernetes.replace, threading.Event()

    def fail_once(path: str, item: dict[str, Any]) -> dict[str, Any]:
        if not failed.is_set():
            failed.set()
            raise KubernetesError("no leader", 500, "InternalError", "no leader", "PUT")
        return real(path, item)

    monkeypatch.setattr(lease._kubernetes, "replace", fail_once)
    assert failed.wait(PATIENCE)
    renewed(client, lease, 2)
    assert context.warnings == []


def taken(client: Kubernetes, path: str) -> None:
    """Take a lease as another run does."""
    client.patch(path, {"spec": {"holderIdentity": "elsewhere/1/a"}})


@pytest.mark.parametrize("stopped", [True, False])
def test_a_turn_that_another_run_took_is_told_and_left_to_it(
    sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch, stopped: bool
) -> None:
    monkeypatch.setattr(_kubernetes_lease, "SECONDS", 1)
    context, name = Context(), f"tests-{uuid.uuid4().hex[:8]}"
    client = connect({"kubeconfig": sandbox.cluster()["kubeconfig"]}, None, Context())
    problem = ""
    try:
        with Lease(client, context, name, "testing") as lease:
            taken(client, lease._path)
            wait_until(context.cancelled.is_set)
            if stopped:
                raise CancelledError("ended")
    except EksError as error:
        problem = error.message
    finally:
        assert client.get(lease._path)["spec"]["holderIdentity"] == "elsewhere/1/a"
        client.delete(lease._path)
    said = problem if stopped else context.warnings[0]
    assert "Another run took over while this one was testing" in said
    assert ("So this one was stopped" in said) == stopped


def test_a_run_whose_turn_was_taken_stops_helm_and_changes_nothing_more(
    ground_alone: Ground, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_kubernetes_lease, "SECONDS", 1)
    releases = [
        ground_alone.release("web", write_chart(tmp_path / "web", ENDLESS_HOOK)),
        ground_alone.release("next", write_chart(tmp_path / "next", CONFIG_MAP), needs=["web"]),
    ]
    with ThreadPoolExecutor() as pool:
        running = pool.submit(ground_alone.run, *releases)
        kube = connect(ground_alone.options, None, Context())
        wait_until(lambda: "pending-install" in ground_alone.revisions("web").values())
        taken(kube, LEASE)
        run = running.result(PATIENCE)
    assert kube.get(LEASE)["spec"]["holderIdentity"] == "elsewhere/1/a"
    kube.delete(LEASE)
    assert "Another run took over while this one was changing the Helm releases" in run.result["msg"]
    assert (run.helm, ground_alone.revisions("next")) == (["upgrade"], {})
    (tmp_path / "web" / "templates" / "0.yaml").write_text(CONFIG_MAP)
    assert ground_alone.run(*releases).states == {"web": "repaired", "next": "installed"}


def test_a_lease_that_was_taken_without_an_answer_is_held(
    sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = connect({"kubeconfig": sandbox.cluster()["kubeconfig"]}, None, Context())
    lease = Lease(client, Context(), f"tests-{uuid.uuid4().hex[:8]}", "testing")
    real = lease._kubernetes.create

    def create(item: dict[str, Any]) -> dict[str, Any]:
        real(item)
        raise KubernetesError("connection reset", 0, "", "connection reset", "POST")

    monkeypatch.setattr(lease._kubernetes, "create", create)
    with lease:
        assert client.get(lease._path)["spec"]["holderIdentity"] == lease._holder
    assert client.find(lease._path) is None


def test_a_lease_whose_last_renewal_got_no_answer_is_given_back(held: tuple[Lease, Kubernetes, Context]) -> None:
    lease, client, _context = held
    lease._ended.set()
    lease._renewer.join()
    client.patch(lease._path, {"metadata": {"labels": {"a": "b"}}})
    lease.__exit__(None, None, None)
    assert client.find(lease._path) is None


def test_a_run_that_may_not_take_turns_is_told_of_the_lease(ground_alone: Ground, tmp_path: Path) -> None:
    kube, subject = ground_alone.kube, "no-leases"
    rule = {"apiGroups": [""], "resources": ["secrets", "configmaps"], "verbs": ["*"]}
    base = {"apiVersion": "rbac.authorization.k8s.io/v1", "metadata": {"name": ground_alone.namespace}}
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": ground_alone.namespace}
    user = {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": subject}
    made = [{**base, "kind": "ClusterRole", "rules": [rule]}]
    made.append({**base, "kind": "ClusterRoleBinding", "roleRef": role, "subjects": [user]})
    for item in made:
        kube.apply(item, "tests")
    try:
        release = ground_alone.release("web", write_chart(tmp_path / "web", CONFIG_MAP))
        checked = ground_alone.run(release, check=True, impersonate_user=subject)
        run = ground_alone.run(release, impersonate_user=subject)
    finally:
        for plural in ("clusterrolebindings", "clusterroles"):
            kube.request("DELETE", f"/apis/rbac.authorization.k8s.io/v1/{plural}/{ground_alone.namespace}")
    assert checked.states == {"web": "installed"}
    assert not any("lease" in call for call in checked.calls)
    assert "leases" in run.result["msg"]
    assert "ekspress-eks-helm-releases" in run.result["msg"]
    assert "Give this identity the permission" in run.result["msg"]
    assert run.helm == []
