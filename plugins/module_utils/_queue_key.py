# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Whether EventBridge may use the KMS key of a queue: else every event is lost, and nothing tells of it.

https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-key-management.html#compatibility-with-aws-services
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-troubleshooting.html#eb-sqs-encrypted
"""

from __future__ import annotations

import fnmatch
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.ekspress.eks.plugins.module_utils import _arn, _policy
from ansible_collections.ekspress.eks.plugins.module_utils._aws import Aws, error_code
from ansible_collections.ekspress.eks.plugins.module_utils._aws_errors import DENIED
from ansible_collections.ekspress.eks.plugins.module_utils._errors import EksError
from ansible_collections.ekspress.eks.plugins.module_utils._policy import as_list
from ansible_collections.ekspress.eks.plugins.module_utils._queue_policy import EVENTBRIDGE

ACTIONS = ("kms:GenerateDataKey", "kms:Decrypt")
STATEMENT = {
    "Sid": "EventBridgeToQueues",
    "Effect": "Allow",
    "Principal": {"Service": EVENTBRIDGE},
    "Action": list(ACTIONS),
    "Resource": "*",
}
"""Without a condition: which of them EventBridge meets with a queue's key is documented nowhere, and with a topic's it
meets none. https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html"""
POLICY_NAME = "default"
MISSING = "NotFoundException"


@dataclass(frozen=True)
class Key:
    """A key that a queue may have."""

    forms: frozenset[str]
    """All ways to write it that are known."""
    warning: str = ""
    """What could not be made sure of."""


def check(aws: Aws, given: str, account: str) -> Key:
    """The key given as ID, ARN or alias: one call to find it, one for its policy.

    Raises EksError where events would be lost. What may not be read is a warning.
    """
    try:
        found = aws.call(aws.client("kms"), "describe_key", KeyId=given)["KeyMetadata"]
    except EksError as error:
        if error_code(error) == MISSING:
            raise EksError(
                f"KMS key {given} does not exist in {aws.region}; give the ID, ARN or alias of a key of this region."
            ) from error.__cause__
        if error_code(error) not in DENIED:
            raise
        if "alias/" in given:
            return Key(frozenset({given}), _unsure(given, f"the alias cannot be looked up ({error.message})"))
        found = {"Arn": given if given.startswith("arn:") else _key_arn(aws, account, f"key/{given}")}
    _check_usable(given, found)
    arn = _arn.parse(found["Arn"])
    if arn.account != account:
        reason = f"it is in account {arn.account}, and KMS shows a key's policy to its own account only"
        return Key(frozenset({given, str(arn)}), _unsure(given, reason))
    forms = {given, str(arn), arn.resource_id}
    if "alias/" in given:
        name = given[given.index("alias/") :]
        forms |= {name, _key_arn(aws, account, name)}
    return Key(frozenset(forms), _policy_warning(aws, given, str(arn)))


def _key_arn(aws: Aws, account: str, resource: str) -> str:
    return str(_arn.Arn(aws.partition, "kms", aws.region, account, resource))


def _check_usable(given: str, found: Mapping[str, Any]) -> None:
    reason = ""
    if found.get("KeyManager") == "AWS":
        reason = (
            "AWS manages it: nobody can change its policy, and it does not let EventBridge use it. Give a key of your "
            "own, or leave kms_key out (SSE-SQS)"
        )
    elif found.get("KeyState", "Enabled") != "Enabled":
        reason = f"its state is {found['KeyState']}. Enable it, or give another key"
    elif found.get("KeySpec", "SYMMETRIC_DEFAULT") != "SYMMETRIC_DEFAULT":
        reason = f"it is of the kind {found['KeySpec']}, and SQS takes symmetric encryption keys only"
    if reason:
        raise EksError(f"KMS key {given} cannot encrypt the queue: {reason}.")


def _policy_warning(aws: Aws, given: str, key: str) -> str:
    try:
        text = aws.call(aws.client("kms"), "get_key_policy", KeyId=key, PolicyName=POLICY_NAME)["Policy"]
    except EksError as error:
        if error_code(error) not in DENIED:
            raise
        return _unsure(given, f"its policy cannot be read ({error.message})")
    missing, conditional = judge(json.loads(text), key)
    if missing:
        raise EksError(
            f"KMS key {given} does not let EventBridge encrypt for the queue, so that every event would be lost: its "
            f"key policy does not allow {EVENTBRIDGE} {' and '.join(missing)}. Add this statement to the key policy: "
            f"{json.dumps(STATEMENT)}"
        )
    return _unsure(given, f"its policy allows {' and '.join(conditional)} under conditions") if conditional else ""


def _unsure(given: str, reason: str) -> str:
    return (
        f"Whether EventBridge may use KMS key {given} is not known: {reason}. If it may not, every event is lost. "
        f"What its key policy needs: {json.dumps(STATEMENT)}"
    )


def judge(policy: Mapping[str, Any], key: str) -> tuple[list[str], list[str]]:
    """Which of EventBridge's actions a key policy does not allow, and which it allows under conditions only.

    A denial under conditions is taken not to apply.
    """
    missing, conditional = [], []
    for action in ACTIONS:
        about = [item for item in _policy.statements(policy) if _is_about(item, action, key)]
        allowed = [item for item in about if item.get("Effect") == "Allow"]
        if not allowed or any(item.get("Effect") == "Deny" and not item.get("Condition") for item in about):
            missing.append(action)
        elif all(item.get("Condition") for item in allowed):
            conditional.append(action)
    return missing, conditional


def _is_about(statement: Any, action: str, key: str) -> bool:
    """Whether a statement is about EventBridge, the action and the key."""
    return (
        isinstance(statement, Mapping)
        and _holds(statement, "Principal", _names_eventbridge)
        and _holds(statement, "Action", lambda value: _matches(action.lower(), str(value).lower()))
        and _holds(statement, "Resource", lambda value: _matches(key, str(value)))
    )


def _holds(statement: Mapping[str, Any], element: str, test: Any) -> bool:
    """Whether one of the element's values passes the test; for its Not… form, whether none does."""
    negated = f"Not{element}"
    if negated in statement:
        # An Allow for all but some is no grant to count on.
        return statement.get("Effect") == "Deny" and not any(map(test, _values(statement[negated])))
    return any(map(test, _values(statement.get(element, []))))


def _values(value: Any) -> list[Any]:
    return [value] if isinstance(value, Mapping) else as_list(value)


def _names_eventbridge(principal: Any) -> bool:
    if not isinstance(principal, Mapping):
        return bool(principal == "*")
    return EVENTBRIDGE in as_list(principal.get("Service", [])) or "*" in as_list(principal.get("AWS", []))


def _matches(text: str, pattern: str) -> bool:
    """Whether an IAM pattern, of which * and ? are the only signs, matches."""
    return fnmatch.fnmatchcase(text, pattern.replace("[", "[[]"))
