# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A task that is ended from outside (timeout, Ctrl-C) writes nothing after that."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import pytest

from sandbox.aws.client import AwsServer
from tests.contract_suite import cases
from tests.contract_suite.conftest import clean, furnish
from tests.contract_suite.kube_gate import KubeGate
from tests.contract_suite.runs import WAYS, Playground, Run
from tests.sandbox_fixtures import RunningSandbox
from tests.support import FOR_EVER, in_hand, wait_until

PROBE = "ekspress_test.contract.probe"
CLUSTER = "contract-ends"
CALLS = 12
WORKERS = 4
TIMEOUTS = (1, 5, 25, 125, 625)
"""Timeouts of a task: a longer one where a busy machine had not brought the task to its writes yet when it came."""

LAG = 2.5
"""How many timeouts a call takes, so that it is in flight when the timeout comes."""

WRITING = [case.module for case in cases.every() if case.calls]


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


def creations(server: AwsServer) -> list[dict[str, Any]]:
    """The writes of the probe."""
    return server.calls(operation="CreateGroup")


def test_a_timeout_lets_calls_in_flight_end_and_no_other_start(aws_server: AwsServer, ground: Playground) -> None:
    for timeout in TIMEOUTS:
        aws_server.reset()
        aws_server.fault("CreateGroup", "latency", seconds=LAG * timeout, times=None)
        tasks = ({**probe(), "timeout": timeout}, {**probe(end="who"), "name": "next"})
        run = ground.run(play(*tasks), hosts(ground, "one"))
        assert f"Timed out after {timeout} second" in run.result("probe")["msg"]
        calls = creations(aws_server)
        assert all(call["ended"] < ended_at(run, "probe") for call in calls)
        assert run.result("next")["arn"]
        if len(calls) >= WORKERS:
            break
    assert len(calls) == WORKERS


def test_a_timeout_ends_a_pause_between_attempts_without_another(aws_server: AwsServer, ground: Playground) -> None:
    for timeout in TIMEOUTS:
        aws_server.reset()
        aws_server.fault("CreateGroup", "throttle", times=None)
        run = ground.run(play({**probe(), "timeout": timeout}), hosts(ground, "one"))
        assert f"Timed out after {timeout} second" in run.result("probe")["msg"]
        started = [call["started"] for call in creations(aws_server)]
        assert max(started, default=0.0) < ended_at(run, "probe")
        if len(started) > WORKERS:
            break
    assert len(started) > WORKERS
    assert {call["parameters"]["GroupName"] for call in creations(aws_server)} == {
        f"contract-{number}" for number in range(WORKERS)
    }


def test_the_items_after_one_that_timed_out_have_their_own_environment(
    aws_server: AwsServer, ground: Playground
) -> None:
    # Its last item takes no time: whatever the machine, it has ended long before this.
    timeout = TIMEOUTS[1]
    aws_server.fault("CreateGroup", "latency", seconds=LAG * timeout, times=None)
    task = {
        **probe(end="{{ item }}"),
        "timeout": timeout,
        "loop": ["write", "echo"],
        "environment": {"CONTRACT_VALUE": "{{ item }}", "CONTRACT_OF_{{ item | upper }}": "1"},
    }
    run = ground.run(play(task), hosts(ground, "one"))
    written, echoed = run.results("probe")[:2]
    assert "Timed out" in written["msg"]
    assert echoed["from_environment"] == "echo"


def test_ctrl_c_ends_a_task_at_once(aws_server: AwsServer, ground: Playground) -> None:
    aws_server.fault("CreateGroup", "latency", seconds=FOR_EVER, times=None)
    started = ground.start(play(probe()), hosts(ground, "one"))
    wait_until(lambda: len(in_hand(aws_server, "CreateGroup")) == WORKERS, "the first writes")
    started.interrupt()
    run = started.end()
    assert run.code != 0
    aws_server.clear_faults()
    wait_until(lambda: not in_hand(aws_server, "CreateGroup"), "the end of the calls in flight")
    assert len(creations(aws_server)) == WORKERS


@dataclass
class World:
    """An account, and for each module that writes to a cluster a way to it, in which every write can be held up."""

    server: AwsServer
    gates: dict[str, KubeGate]
    ground: Playground
    variables: dict[str, Any]

    def hold_up(self, seconds: float) -> None:
        """Put the account back, and let the writes of the modules take so long."""
        self.variables["fixtures"] = furnish(self.server)
        for operation in {operation for case in cases.every() for operation in case.writes}:
            self.server.fault(operation, "latency", seconds=seconds, times=None)
        for gate in self.gates.values():
            gate.calls.clear()
            gate.latency = seconds

    def writes(self, case: cases.Case) -> list[dict[str, Any]]:
        """The writes of a module that are held up, or were."""
        calls = list(self.gates[case.module].calls) if case.kubernetes else self.server.calls()
        return [call for call in calls if call["fault"] and (case.kubernetes or call["operation"] in case.writes)]

    def task(self, case: cases.Case, **keywords: Any) -> dict[str, Any]:
        """A task of a module, which reaches the cluster by its own way."""
        way = {"kubeconfig": self.gates[case.module].kubeconfig} if case.kubernetes else {}
        return case.task("run", vars={**self.variables, **way}, **keywords)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, sandbox: RunningSandbox) -> Iterator[World]:
    """A server and a cluster of their own."""
    sandbox.up(CLUSTER)
    entry = sandbox.cluster(CLUSTER)
    directory = tmp_path_factory.mktemp("ends")
    with ExitStack() as stack:
        clean(stack.enter_context(pytest.MonkeyPatch.context()))
        server = stack.enter_context(AwsServer())
        gates = {
            case.module: stack.enter_context(KubeGate(entry, directory / f"{case.module}.json"))
            for case in cases.every()
            if case.kubernetes
        }
        ground = Playground(directory / "ground", {**server.environment, "HOME": str(directory)})
        yield World(server, gates, ground, cases.files(sandbox.state["bin"]))


@dataclass
class Ended:
    """A module's run that a timeout ended."""

    run: Run
    result: dict[str, Any]
    ended: float
    writes: list[dict[str, Any]]


@pytest.fixture(scope="module")
def timed_out(world: World) -> dict[str, Ended]:
    """Each module's run in which its writes took longer than the task may."""
    found: dict[str, Ended] = {}
    for timeout in TIMEOUTS:
        left = [case for case in cases.every() if case.calls and case.module not in found]
        if not left:
            break
        world.hold_up(LAG * timeout)
        tasks = [world.task(case, timeout=timeout) for case in left]
        run = world.ground.run(play(*tasks), hosts(world.ground, "one"), ("-vvv",))
        for case in left:
            ended = ended_at(run, f"{case.module}: run")
            if world.writes(case):
                found[case.module] = Ended(run, run.result(f"{case.module}: run"), ended, world.writes(case))
    return found


@pytest.mark.parametrize("module", WRITING)
def test_a_module_writes_nothing_after_a_timeout(timed_out: dict[str, Ended], module: str) -> None:
    end = timed_out[module]
    assert "Timed out after" in end.result["msg"]
    assert [call for call in end.writes if call["ended"] is None or call["ended"] > end.ended] == []
    assert end.run.modules() == {}


def test_no_module_writes_after_ctrl_c(world: World) -> None:
    world.hold_up(FOR_EVER)
    writing = [cases.load(module) for module in WRITING]
    tasks = [world.task(case, when=f"inventory_hostname == '{case.module}'") for case in writing]
    forks = ("--forks", str(len(WRITING)))
    started = world.ground.start(play(*tasks, strategy="free"), hosts(world.ground, *WRITING), forks)
    wait_until(lambda: all(world.writes(case) for case in writing), "the first write of every module")
    started.interrupt()
    wait_until(lambda: started.process.poll() is not None, "the end of ansible-playbook")
    # Helm, told to end, ends once its call is answered; with it, all that was started is gone.
    for gate in world.gates.values():
        gate.lifted.set()
    run = started.end()
    seen = {case.module: len(world.writes(case)) for case in writing}
    assert "User interrupted execution" in run.output
    assert run.records == []
    held = [call for gate in world.gates.values() for call in gate.calls if call["fault"]]
    wait_until(lambda: all(call["ended"] for call in held), "the end of the calls in flight")
    assert not any(call["passed"] for call in held if not call["agent"].startswith("Helm/"))
    assert {case.module: len(world.writes(case)) for case in writing} == seen
