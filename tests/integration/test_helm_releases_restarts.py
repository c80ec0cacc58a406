# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The API server ends and begins anew in the middle of a run: it goes on or fails clearly, and the next one repairs."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.ekspress.eks.plugins.module_utils import _gates_pods, _kubernetes

from sandbox import process
from tests.integration.helm_releases_support import (
    CONFIG_MAP,
    DEPLOYMENT,
    ENDLESS_HOOK,
    NOWHERE,
    Ground,
    Run,
    namespace,
    turn,
    write_chart,
)
from tests.sandbox_fixtures import RunningSandbox
from tests.support import FOR_EVER, PATIENCE, wait_until

CLUSTER = "helm-restarts"
MERGE = "application/merge-patch+json"


@pytest.fixture
def ground(
    sandbox: RunningSandbox, helm_program: str, environment: None, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Ground]:
    """A namespace of a cluster that no other test uses, and patience for a machine that is busy."""
    monkeypatch.setattr(_kubernetes, "PATIENCE", PATIENCE)
    monkeypatch.setattr(_gates_pods, "UNSCHEDULABLE_SECONDS", FOR_EVER)
    # The test's own cache holds no programs.
    monkeypatch.setenv("SANDBOX_BIN", sandbox.state["bin"])
    sandbox.up(CLUSTER)
    with turn(sandbox, CLUSTER, fcntl.LOCK_EX), namespace(sandbox, helm_program, CLUSTER) as made:
        # Before that no pod can be made. The controllers may have begun anew with the API server of another test.
        wait_until(lambda: made.kube.get(made.path("serviceaccounts", "default")))
        yield made


@contextmanager
def under_way(ground: Ground, *releases: dict[str, Any], **options: Any) -> Iterator[Future[Run]]:
    """A run that is under way during the block; it is ended with a block that fails."""
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(ground.run, *releases, **options)
        try:
            yield running
        except BaseException:
            ground.context.cancelled.set()
            raise


def end(sandbox: RunningSandbox) -> None:
    """End the API server."""
    server = sandbox.cluster(CLUSTER)["processes"]["kube-apiserver"]
    process.end_identities([server], grace=1.0)
    assert not process.alive(server)


def begin(sandbox: RunningSandbox, ground: Ground) -> None:
    """Start it again."""
    sandbox.up(CLUSTER)
    ground.kube.close()


def use_node(ground: Ground, label: str) -> None:
    """Give a node a label that pods ask for."""
    node = ground.kube.get("/api/v1/nodes")["items"][0]["metadata"]["name"]
    meta = {"metadata": {"labels": {label: "true"}}}
    assert ground.kube.request("PATCH", f"/api/v1/nodes/{node}", meta, MERGE)[0] == 200


@pytest.mark.parametrize("helm_program", ["helm"], indirect=True)
def test_gates_are_watched_on(ground: Ground, sandbox: RunningSandbox, tmp_path: Path) -> None:
    label = ground.namespace
    chart = write_chart(tmp_path / "web", DEPLOYMENT, values=f"replicas: 1\nnodeSelector: {{{label}: 'true'}}\n")
    other = write_chart(tmp_path / "other", CONFIG_MAP)
    gates = [{"kind": "deployment", "name": "web", "timeout": int(FOR_EVER)}]
    releases = [ground.release("web", chart, gates=gates), ground.release("other", other, needs=["web"])]
    with under_way(ground, *releases) as running:
        watched = f"kubernetes:GET {ground.path('deployments', group='/apis/apps/v1')}"
        wait_until(lambda: watched in ground.context.actions)
        end(sandbox)
        assert not running.done()
        begin(sandbox, ground)
        use_node(ground, label)
        run = running.result(PATIENCE)
    assert run.states == {"web": "installed", "other": "installed"}, run.result.get("msg")
    assert ground.run(*releases, helm_binary=NOWHERE).states == {"web": "unchanged", "other": "unchanged"}


def completed(ground: Ground, chart: str, run: Run, other: dict[str, Any]) -> None:
    """Hold that a run went on or failed clearly, and that the next one leaves nothing undone."""
    assert run.states["other"] == "installed"
    if run.states["web"] == "failed":
        assert f"1 of 2 releases failed. {ground.namespace}/web: " in run.result["msg"]
        assert "Unexpected" not in run.result["msg"]
    else:
        assert run.states["web"] == "installed"
    release = ground.release("web", chart)
    repaired = ground.run(release, other)
    assert not repaired.result.get("failed"), repaired.result["msg"]
    assert repaired.states["other"] == "unchanged"
    assert list(ground.revisions("web").values()).count("deployed") == 1
    assert ground.kube.get(ground.path("configmaps", "web"))["data"]["values"] == "{}"
    again = ground.run(release, other, helm_binary=NOWHERE)
    assert again.states == {"web": "unchanged", "other": "unchanged"}


def test_helm_at_work_goes_on_or_is_repaired(ground: Ground, sandbox: RunningSandbox, tmp_path: Path) -> None:
    chart = write_chart(tmp_path / "web", CONFIG_MAP, ENDLESS_HOOK)
    other = ground.release("other", write_chart(tmp_path / "other", CONFIG_MAP))
    with under_way(ground, ground.release("web", chart, timeout=60), other) as running:
        wait_until(lambda: running.done() or ground.kube.get(ground.path("pods", "web-hook")))
        assert not running.done(), running.result().result
        wait_until(lambda: "deployed" in ground.revisions("other").values())
        end(sandbox)
        begin(sandbox, ground)
        # Where helm still waits for its hook, that succeeds.
        status = {"status": {"phase": "Succeeded"}}
        assert ground.kube.request("PATCH", ground.path("pods", "web-hook/status"), status, MERGE)[0] == 200
        run = running.result(PATIENCE)
    (tmp_path / "web" / "templates" / "1.yaml").unlink()
    completed(ground, chart, run, other)


def test_a_helm_that_meets_no_api_is_told_and_repaired(ground: Ground, sandbox: RunningSandbox, tmp_path: Path) -> None:
    begun, go_on, done, program = (tmp_path / name for name in ("begun", "go-on", "done", "program"))
    program.write_text(
        f'#!/bin/sh\ncase "$2" in web) touch {begun}; while [ ! -e {go_on} ]; do sleep 0.05; done;; esac\n'
        f'{ground.options["helm_binary"]} "$@"; status=$?\n[ "$2" = web ] && touch {done}\nexit $status\n'
    )
    program.chmod(0o700)
    chart = write_chart(tmp_path / "web", CONFIG_MAP)
    other = ground.release("other", write_chart(tmp_path / "other", CONFIG_MAP))
    with under_way(ground, ground.release("web", chart), other, helm_binary=str(program)) as running:
        wait_until(begun.exists)
        wait_until(lambda: "deployed" in ground.revisions("other").values())
        end(sandbox)
        go_on.touch()
        wait_until(done.exists)
        begin(sandbox, ground)
        run = running.result(PATIENCE)
    # Another worker of the tests may have started it again before helm called it.
    if run.states["web"] == "failed":
        assert "The Kubernetes API was away or restarting: run again" in run.result["msg"]
        assert not ground.revisions("web")
    completed(ground, chart, run, other)
