# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Carries out the plan of one queue: stage after stage, the rules of a stage side by side."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

from ansible_collections.ekspress.eks.plugins.module_utils import _policy, _queue_policy
from ansible_collections.ekspress.eks.plugins.module_utils._aws import Aws, error_code
from ansible_collections.ekspress.eks.plugins.module_utils._context import Context
from ansible_collections.ekspress.eks.plugins.module_utils._errors import CancelledError, EksError
from ansible_collections.ekspress.eks.plugins.module_utils._interruption_queues_plan import Plan
from ansible_collections.ekspress.eks.plugins.module_utils._parallel import settle
from ansible_collections.ekspress.eks.plugins.module_utils._queue_api import NO_QUEUE, NO_RULE, policy_of
from ansible_collections.ekspress.eks.plugins.module_utils._queue_model import Chain, Place, Stage, Write

DELETED_RECENTLY = ("AWS.SimpleQueueService.QueueDeletedRecently", "QueueDeletedRecently")
NAME_PAUSE = 5.0
NAME_PAUSES = 15
"""Seconds between attempts to use the name of a queue that was just deleted, and how many there are. SQS asks for 60
seconds: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_CreateQueue.html"""

ENTRY_PAUSES = (0.2, 0.4, 0.8, 1.6, 3.2)
"""Seconds between attempts at targets that EventBridge had no time for.
https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutTargets.html"""

GONE = {"delete_queue": NO_QUEUE, "remove_targets": (NO_RULE,), "delete_rule": (NO_RULE,)}

EXISTS = (
    "Another run made it meanwhile with other settings; run again. Or these credentials may not see it: SQS tells of a "
    "queue that sqs:GetQueueUrl is not allowed for as it tells of one that does not exist."
)
ADVICE = {
    "QueueAlreadyExists": EXISTS,
    "QueueNameExists": EXISTS,
    "InvalidAttributeValue": "If it is about Policy: take statements that name deleted users or roles out of the "
    "queue's policy, for SQS refuses every policy with such a principal.",
    "LimitExceededException": "Ask for a higher quota of EventBridge in Service Quotas (300 rules an event bus), or "
    "remove rules that nobody needs.",
    "InvalidEventPatternException": "See "
    "https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-patterns.html",
    NO_RULE: "The rule was removed by another while this run changed it; run again.",
    NO_QUEUE[0]: "The queue was removed by another while this run changed it; run again in a minute.",
}


class Writer:
    """Makes the calls of one queue's plan and keeps account of what was done."""

    def __init__(self, aws: Aws, context: Context, place: Place, plan: Plan) -> None:
        self._aws = aws
        self._context = context
        self._place = place
        self._keeping = threading.Lock()
        self.plan = plan
        self.url = plan.url
        self.done: list[Write] = []
        self.error: EksError | None = None

    def make(self, stages: Sequence[Stage]) -> None:
        """Make the calls of stages. A failure ends the queue's stages and is kept in ``error``."""
        for stage in stages:
            if self.error:
                return
            outcomes = settle(self._context, self._chain, stage)
            errors = []
            for outcome in outcomes:
                if isinstance(outcome, EksError) and not isinstance(outcome, CancelledError):
                    errors.append(outcome)
                elif isinstance(outcome, Exception):
                    raise outcome
            if errors:
                reasons = dict.fromkeys(f"{str(error).rstrip('.')}." for error in errors)
                self.error = EksError(" ".join(reasons), **errors[0].details)

    def _chain(self, chain: Chain) -> None:
        for write in chain:
            if self._one(write):
                with self._keeping:
                    self.done.append(write)

    def _one(self, write: Write) -> bool:
        """Make one call; False where it was not needed."""
        try:
            if write.operation == "create_queue":
                self.url = self._create(write)
            elif write.operation in ("put_targets", "remove_targets"):
                self._entries(write)
            else:
                arguments = self._merged(write)
                if not arguments:
                    return False
                self._call(write, arguments)
        except CancelledError:
            raise
        except EksError as error:
            if error_code(error) in GONE.get(write.operation, ()):
                return False
            raise _advised(write, error) from error.__cause__
        return True

    def _call(self, write: Write, arguments: Any) -> dict[str, Any]:
        return self._aws.call(self._aws.client(write.service), write.operation, **arguments)

    def _create(self, write: Write) -> str:
        for left in reversed(range(NAME_PAUSES + 1)):
            try:
                return str(self._call(write, write.arguments)["QueueUrl"])
            except EksError as error:
                if error_code(error) not in DELETED_RECENTLY or not left:
                    raise
                self._context.warn(
                    f"SQS queue {self.plan.name!r} was deleted less than 60 seconds ago, and SQS does not give a name "
                    "out again before; waited for it."
                )
                self._context.cancelled.wait(NAME_PAUSE)
        raise AssertionError("the last attempt returns or raises")

    def _entries(self, write: Write) -> None:
        """Put or remove targets, of which each may fail though the call succeeds."""
        for pause in (*ENTRY_PAUSES, None):
            answer = self._call(write, write.arguments)
            if not answer.get("FailedEntryCount"):
                return
            if pause is None:
                failed = answer.get("FailedEntries", [])
                words = ", ".join(
                    f"{entry.get('TargetId')}: {entry.get('ErrorCode')}: {entry.get('ErrorMessage')}"
                    for entry in failed
                )
                raise EksError(
                    f"events:{'PutTargets' if 'put' in write.operation else 'RemoveTargets'} failed: {words}"
                )
            self._context.cancelled.wait(pause)

    def _merged(self, write: Write) -> dict[str, Any]:
        """The arguments of a call; a policy is read again just before it is written, for SQS has no version of it."""
        if write.rule_arns is None:
            return dict(write.arguments)
        now = policy_of(self._aws, write.arguments["QueueUrl"])
        policy = _queue_policy.merged(now, self.plan.arn, self._place.account, write.rule_arns)
        attributes = {name: value for name, value in write.arguments["Attributes"].items() if name != "Policy"}
        if not _queue_policy.same(now, policy):
            attributes["Policy"] = _policy.to_json(policy)
        return {**write.arguments, "Attributes": attributes} if attributes else {}


def _advised(write: Write, error: EksError) -> EksError:
    message = error.message
    if error_code(error) in DELETED_RECENTLY:
        message = (
            f"{message.rstrip('.')}. A queue of this name was deleted, and SQS did not give the name out again within "
            f"{NAME_PAUSE * NAME_PAUSES:.0f} seconds; run again in a minute."
        )
    advice = ADVICE.get(error_code(error), "")
    if advice:
        message = f"{message.rstrip('.')}. {advice}"
    if write.rule:
        message = f"EventBridge rule {write.rule!r}: {message}"
    return EksError(message, **error.details)
