# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A task that is ended from outside (timeout, Ctrl-C) writes nothing after that."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from sandbox.aws.client import AwsServer
from tests.contract_suite import cases
from tests.contract_suite.conftest import clean, furnish
from tests.contract_suite.runs import WAYS, Playground, Run, wait_until

PROBE = "ekspress_test.contract.probe"
CALLS = 12
WORKERS = 4
LATENCY = 2.5
"""Seconds that a call takes: longer than the timeout of a task, so that calls are in flight when it comes."""

TIMEOUT = 1
WRITING = [case.module for case in cases.every() if case.writes]


def probe(**arguments: Any) -> dict[str, Any]:
    """A task that writes ``CALLS`` times side by side, then as many times one after the other."""
    return {"name": "probe", PROBE: {"end": "write", "calls": CALLS, **arguments}, "ignore_errors": True}


def play(*tasks: dict[str, Any], **keywords: Any) -> list[dict[str, Any]]:
    """A play of these tasks."""
    return [{"hosts": "all", "gather_facts": False, "tasks": list(tasks), **keywords}]


def hosts(ground: Playground, *names: str) -> dict[str, dict[str, Any]]:
    """Hosts whose modules run in process."""
    return {name: {"ansible_python_interpreter": ground.interpreter(WAYS[0])} for name in names}


def ended_at(run: Run, task: str) -> float:
    """When a task's result was known; seconds of the clock that the server's log has too."""
    (record,) = [record for record in run.records if record["task"] == task]
    return float(record["ended"])


def test_a_timeout_lets_calls_in_flight_end_and_no_other_start(aws_server: AwsServer, ground: Playground) -> None:
    aws_server.fault("CreateGroup", "latency", seconds=LATENCY, times=None)
    run = ground.run(play({**probe(), "timeout": TIMEOUT}, {**probe(end="who"), "name": "next"}), hosts(ground, "one"))
    assert "Timed out after 1 second" in run.result("probe")["msg"]
    calls = aws_server.calls(operation="CreateGroup")
    assert len(calls) == WORKERS
    assert all(call["ended"] < ended_at(run, "probe") for call in calls)
    assert run.result("next")["arn"]


def test_a_timeout_ends_a_pause_between_attempts_without_another(aws_server: AwsServer, ground: Playground) -> None:
    aws_server.fault("CreateGroup", "throttle", times=None)
    run = ground.run(play({**probe(), "timeout": TIMEOUT}), hosts(ground, "one"))
    assert "Timed out after 1 second" in run.result("probe")["msg"]
    started = [call["started"] for call in aws_server.calls(operation="CreateGroup")]
    assert WORKERS < len(started) < WORKERS * 8
    assert max(started) < ended_at(run, "probe")
    assert {call["parameters"]["GroupName"] for call in aws_server.calls(operation="CreateGroup")} == {
        f"contract-{number}" for number in range(WORKERS)
    }


def test_the_items_after_one_that_timed_out_have_their_own_environment(
    aws_server: AwsServer, ground: Playground
) -> None:
    aws_server.fault("CreateGroup", "latency", seconds=LATENCY, times=None)
    task = {
        **probe(end="{{ item }}"),
        "timeout": TIMEOUT,
        "loop": ["write", "echo"],
        "environment": {"CONTRACT_VALUE": "{{ item }}", "CONTRACT_OF_{{ item | upper }}": "1"},
    }
    run = ground.run(play(task), hosts(ground, "one"))
    written, echoed = run.results("probe")[:2]
    assert "Timed out" in written["msg"]
    assert echoed["from_environment"] == "echo"


def test_ctrl_c_ends_a_task_at_once(aws_server: AwsServer, ground: Playground) -> None:
    aws_server.fault("CreateGroup", "latency", seconds=LATENCY, times=None)
    started = ground.start(play(probe()), hosts(ground, "one"))
    wait_until(lambda: len(aws_server.calls(operation="CreateGroup")) == WORKERS, "the first writes")
    started.interrupt()
    run = started.end()
    assert run.code != 0
    wait_until(lambda: all(call["ended"] for call in aws_server.calls()), "the end of the calls in flight")
    assert len(aws_server.calls(operation="CreateGroup")) == WORKERS


@pytest.fixture(scope="module")
def timed_out(tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, list[dict[str, Any]]]:
    """A run in which every module's writes (its reads, where it only reads) take longer than the task may."""
    with pytest.MonkeyPatch.context() as variables, AwsServer() as server:
        clean(variables)
        furnish(server)
        for case in cases.every():
            for operation in case.writes:
                server.fault(operation, "latency", seconds=LATENCY, times=None)
        tasks = [case.task("run", timeout=TIMEOUT) for case in cases.every() if case.writes]
        ground = Playground(tmp_path_factory.mktemp("timed_out") / "ground", server.environment)
        run = ground.run(play(*tasks), hosts(ground, "one"), ("-vvv",))
        return run, server.calls()


@pytest.mark.parametrize("module", WRITING)
def test_a_module_writes_nothing_after_a_timeout(timed_out: tuple[Run, list[dict[str, Any]]], module: str) -> None:
    run, log = timed_out
    task = f"{module}: run"
    ends = [float(record["ended"]) for record in run.records]
    last = ended_at(run, task)
    first = max((end for end in ends if end < last), default=0.0)
    calls = [call for call in log if call["started"] > first]
    assert "Timed out after 1 second" in run.result(task)["msg"]
    assert any(call["fault"] and first < call["started"] < last for call in calls)
    assert [call for call in calls if call["started"] < last < call["ended"]] == []
    assert run.modules() == {}


def test_no_module_writes_after_ctrl_c(aws_server: AwsServer, tmp_path: Path, clean_environment: None) -> None:
    furnish(aws_server)
    writing = [cases.load(module) for module in WRITING]
    for case in writing:
        for operation in case.writes:
            aws_server.fault(operation, "latency", seconds=LATENCY * 4, times=None)
    ground = Playground(tmp_path / "ground", aws_server.environment)
    tasks = [{**case.task("run"), "when": f"inventory_hostname == '{case.module}'"} for case in writing]
    started = ground.start(play(*tasks, strategy="free"), hosts(ground, *WRITING), ("--forks", str(len(WRITING))))
    wait_until(
        lambda: {case.writes[0] for case in writing} <= {call["operation"] for call in aws_server.calls(writes=True)},
        "the first write of every module",
    )
    wait_until(lambda: time.monotonic() - max(call["started"] for call in aws_server.calls()) > 1.0, "a quiet second")
    before = len(aws_server.calls())
    started.interrupt()
    run = started.end()
    assert "User interrupted execution" in run.output
    assert run.records == []
    assert len(aws_server.calls()) == before
    aws_server.reset()
