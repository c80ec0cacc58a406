# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""interruption_queues ended hard after any of its calls: no rule sends to nothing, and the next run completes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from ansible_collections.ekspress.eks.tests.integration.aws_killed import KILLED, killing
from ansible_collections.ekspress.eks.tests.integration.queues import (
    ANALYSTS,
    TARGET,
    add_statement,
    attributes,
    done,
    make_rule,
    queue,
    queue_arn,
    queues_of,
    rule_arn,
    rules_of,
)

from sandbox.aws.client import AwsServer

NAMES = [f"q{number:02d}" for number in range(1, 25)]
"""One for each call that is the last one of a run, and more than the longest run has calls."""


def full(name: str) -> dict[str, Any]:
    return queue(name, f"{name}-1", f"{name}-2", message_retention=60, tags={"team": "platform"})


def others(name: str) -> dict[str, Any]:
    return queue(name, f"{name}-2", f"{name}-3", message_retention=60)


def fewer(name: str) -> dict[str, Any]:
    return queue(name, f"{name}-2", message_retention=60)


def absent(name: str) -> dict[str, Any]:
    return queue(name, state="absent")


@pytest.fixture
def kill(aws: AwsServer) -> Iterator[Callable[[dict[str, Any], int], int]]:
    """Runs the module for one queue and ends it after a call; gives its exit code."""
    with killing("interruption_queues") as run:
        yield lambda wanted, call: run({"queues": [wanted]}, call)


def state_of(aws: AwsServer, name: str, there: list[str]) -> Any:
    """All of a queue and its rules that the module changes, without the queue's name.

    Raises AssertionError where a rule of ours sends to a queue that is missing or refuses it.
    """
    rules = rules_of(aws, name)
    if name in there:
        found = attributes(aws, name)
        queue_state = (found["MessageRetentionPeriod"], found["Policy"].replace(name, ""))
        may_send = json.loads(found["Policy"])["Statement"][-2]["Condition"].get("ArnEquals", {"aws:SourceArn": []})
    for rule, targets in rules.items():
        for target, arn in targets:
            assert target != TARGET or (name in there and rule_arn(rule) in may_send["aws:SourceArn"]), (rule, arn)
    shown = {
        rule.removeprefix(name): [(target, arn.removesuffix(name)) for target, arn in targets]
        for rule, targets in rules.items()
    }
    return shown, queue_state if name in there else None


@pytest.mark.parametrize(
    ("before", "wanted"),
    [
        pytest.param(None, full, id="create"),
        pytest.param(full, others, id="rules added and removed"),
        pytest.param(full, fewer, id="rules removed"),
        pytest.param(full, absent, id="absent"),
    ],
)
def test_killed_after_any_call_then_completed(
    aws: AwsServer,
    kill: Callable[[dict[str, Any], int], int],
    before: Callable[[str], dict[str, Any]] | None,
    wanted: Callable[[str], dict[str, Any]],
) -> None:
    if before:
        done(*map(before, NAMES))
        for name in NAMES:
            add_statement(aws, name, ANALYSTS)
            make_rule(aws, f"{name}-foreign", {"Id": "1", "Arn": queue_arn(name)})
    codes = []
    for number, name in enumerate(NAMES, 1):
        codes.append(kill(wanted(name), number))
        state_of(aws, name, queues_of(aws))
    calls = codes.index(0)
    assert codes == [KILLED] * calls + [0] * (len(NAMES) - calls)
    assert calls > 10
    done(*map(wanted, NAMES))
    there = queues_of(aws)
    whole = state_of(aws, NAMES[-1], there)
    for name in NAMES[:calls]:
        assert state_of(aws, name, there) == whole, name
    assert not done(*map(wanted, NAMES))["changed"]
    assert ("-foreign" in whole[0]) == bool(before)


def test_what_a_killed_run_made_is_removed_by_one_that_does_not_list_it(
    aws: AwsServer, kill: Callable[[dict[str, Any], int], int]
) -> None:
    for number, name in enumerate(NAMES, 1):
        kill(full(name), number)
    assert queues_of(aws)
    assert any(not targets for targets in rules_of(aws).values())
    done(*map(absent, NAMES))
    assert (queues_of(aws), rules_of(aws)) == ([], {})
