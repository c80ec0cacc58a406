# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Module interruption_queues: SQS queues that EventBridge rules send interruptions of instances to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ansible_collections.ekspress.eks.plugins.module_utils._adapter import aws_options
from ansible_collections.ekspress.eks.plugins.module_utils._aws import Aws
from ansible_collections.ekspress.eks.plugins.module_utils._context import Context, Logic
from ansible_collections.ekspress.eks.plugins.module_utils._errors import CancelledError, EksError
from ansible_collections.ekspress.eks.plugins.module_utils._interruption_queues_plan import Plan, plan
from ansible_collections.ekspress.eks.plugins.module_utils._parallel import settle
from ansible_collections.ekspress.eks.plugins.module_utils._queue_api import read
from ansible_collections.ekspress.eks.plugins.module_utils._queue_input import (
    DEFAULT_RETENTION,
    Wanted,
    wanted_queues,
)
from ansible_collections.ekspress.eks.plugins.module_utils._queue_model import Current, Write
from ansible_collections.ekspress.eks.plugins.module_utils._queue_writer import Writer


def argument_spec() -> dict[str, Any]:
    """The options of the module."""
    return {
        **aws_options(),
        "queues": {
            "type": "list",
            "elements": "dict",
            "required": True,
            "options": {
                "name": {"type": "str", "required": True},
                "cluster": {"type": "str", "required": True, "aliases": ["cluster_name"]},
                "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
                "message_retention": {"type": "int", "default": DEFAULT_RETENTION},
                "kms_key": {"type": "str", "no_log": False},
                "tags": {"type": "dict"},
                "rules": {
                    "type": "list",
                    "elements": "dict",
                    "options": {
                        "name": {"type": "str", "required": True},
                        "event_pattern": {"type": "dict"},
                        "description": {"type": "str"},
                    },
                },
            },
        },
    }


def run(params: dict[str, Any], context: Context) -> dict[str, Any]:
    """Converge the queues. Raises EksError before any write for bad input, after all writes for queues that failed."""
    aws = Aws(params, context)
    wanted = wanted_queues(params["queues"], aws.region, aws.partition)
    if not wanted:
        return _result([])
    current = read(aws, context, wanted)
    plans = _plans(wanted, current)
    for each in plans:
        for warning in each.warnings:
            context.warn(warning)
    if context.check_mode:
        return _result([_Outcome(each, each.url, each.writes, None) for each in plans])
    return _write(aws, context, wanted, [Writer(aws, context, current[0].place, each) for each in plans])


class _Outcome:
    """What became, or would become, of one queue."""

    def __init__(self, done: Plan, url: str, writes: Sequence[Write], error: EksError | None) -> None:
        self.plan = done
        self.url = url
        self.writes = writes
        self.error = error


def _plans(wanted: Sequence[Wanted], current: Sequence[Current]) -> list[Plan]:
    plans: list[Plan] = []
    refused: list[EksError] = []
    for queue, now in zip(wanted, current, strict=True):
        try:
            plans.append(plan(queue, now, _claimed(wanted, queue)))
        except EksError as error:
            refused.append(error)
    if refused:
        reasons = " ".join(error.message for error in refused)
        raise EksError(
            f"{len(refused)} of {len(wanted)} SQS queues cannot be converged; nothing was changed. {reasons}"
        )
    return plans


def _claimed(wanted: Sequence[Wanted], queue: Wanted) -> frozenset[str]:
    """The rules that other queues of the task are to have."""
    others = (item.rule_names for item in wanted if item is not queue and item.state == "present")
    return frozenset[str]().union(*others)


def _write(aws: Aws, context: Context, wanted: Sequence[Wanted], writers: Sequence[Writer]) -> dict[str, Any]:
    """Make all calls: first what adds, of all queues side by side, then what takes away."""
    for service in sorted({write.service for writer in writers for write in writer.plan.writes}):
        aws.client(service)
    _side_by_side(context, writers, lambda writer: writer.make(writer.plan.stages))
    failed = {queue.name: queue for queue, writer in zip(wanted, writers, strict=True) if writer.error}

    def take_away(writer: Writer) -> None:
        waiting = sorted(
            name for name, queue in failed.items() if name != writer.plan.name and queue.rule_names & writer.plan.moving
        )
        if waiting and writer.plan.last and not writer.error:
            writer.error = EksError(
                f"its rules that move to {', '.join(waiting)} send to it still, so nothing was taken away from it"
            )
        writer.make(writer.plan.last)

    _side_by_side(context, writers, take_away)
    return _finished([_Outcome(writer.plan, writer.url, writer.done, writer.error) for writer in writers])


def _side_by_side(context: Context, writers: Sequence[Writer], work: Callable[[Writer], None]) -> None:
    """Work on all queues; an end of the task, or a defect, is raised once all have ended, with what was done."""
    for outcome in settle(context, work, writers):
        if isinstance(outcome, CancelledError):
            result = _result([_Outcome(writer.plan, writer.url, writer.done, writer.error) for writer in writers])
            raise CancelledError(outcome.message, **result)
        if isinstance(outcome, Exception):
            raise outcome


def _finished(outcomes: Sequence[_Outcome]) -> dict[str, Any]:
    result = _result(outcomes)
    failed = [outcome for outcome in outcomes if outcome.error]
    if not failed:
        return result
    reasons = " ".join(f"SQS queue {item.plan.name!r}: {str(item.error).rstrip('.')}." for item in failed)
    raise EksError(
        f"{len(failed)} of {len(outcomes)} SQS queues failed; the others are as wanted. {reasons} "
        "Then run again: it goes on where this run stopped.",
        **result,
    )


def _result(outcomes: Sequence[_Outcome]) -> dict[str, Any]:
    queues = []
    before: dict[str, Any] = {}
    after: dict[str, Any] = {}
    for outcome in outcomes:
        done = outcome.plan
        queue: dict[str, Any] = {
            "name": done.name,
            "arn": done.arn,
            "url": outcome.url,
            "state": done.state,
            "changes": [write.change for write in _in_order(done, outcome.writes)],
            "rules": _rules(outcome.writes),
        }
        if outcome.error:
            queue |= {"state": "failed", "error": outcome.error.message}
        queues.append(queue)
        if done.before != done.after:
            before[done.name], after[done.name] = done.before, done.after
    return {
        "changed": any(outcome.writes for outcome in outcomes),
        "queues": queues,
        "diff": {"before": dict(sorted(before.items())), "after": dict(sorted(after.items()))},
    }


def _in_order(done: Plan, writes: Sequence[Write]) -> list[Write]:
    """The calls in the plan's order, whichever of those side by side ended first."""
    made = {id(write) for write in writes}
    return [write for write in done.writes if id(write) in made]


def _rules(writes: Sequence[Write]) -> dict[str, list[str]]:
    gone = {write.rule for write in writes if write.operation in ("remove_targets", "delete_rule")}
    written = {write.rule for write in writes if write.rule}
    return {"set": sorted(written - gone), "removed": sorted(gone)}


LOGIC = Logic(run=run, argument_spec=argument_spec, services=("sqs", "events", "kms", "sts"))
