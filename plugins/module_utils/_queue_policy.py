# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A queue's policy: our two statements among those of others.

EventBridge sends with a resource policy, and no role: aws:SourceArn is the rule's ARN, aws:SourceAccount its account.
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-resource-based.html#eb-sqs-permissions
https://docs.aws.amazon.com/eventbridge/latest/userguide/cross-service-confused-deputy-prevention.html
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.ekspress.eks.plugins.module_utils import _policy, _policy_meaning
from ansible_collections.ekspress.eks.plugins.module_utils._policy import as_list

SEND = "EkspressEksSendFromEventBridge"
SECURE = "EkspressEksDenyInsecureTransport"
SIDS = frozenset({SEND, SECURE})
"""Sids of the statements that are this module's; all others are somebody else's."""

EVENTBRIDGE = "events.amazonaws.com"
"""The same in every partition."""

BYTES = 8192
STATEMENTS = 20
CONDITIONS = 10
"""https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-policies.html"""


def merged(
    document: Mapping[str, Any] | None, queue_arn: str, account: str, rule_arns: Iterable[str]
) -> dict[str, Any]:
    """The policy with our statements as they are to be; those of others as they are, in their order."""
    kept = _foreign(document)
    base = dict(document) if document else {"Version": "2012-10-17"}
    return {**base, "Statement": [*kept, *_ours(queue_arn, account, sorted(set(rule_arns)))]}


def same(one: Mapping[str, Any] | None, other: Mapping[str, Any] | None) -> bool:
    """Whether two policies mean the same, and both name the same rules where we look for them."""
    return _policy_meaning.same(one, other) and allowed(one) == allowed(other)


def allowed(document: Mapping[str, Any] | None) -> frozenset[str]:
    """ARNs of the rules that our statement lets send."""
    found = set()
    for statement in _statements(document):
        if statement.get("Sid") == SEND and isinstance(statement.get("Condition"), Mapping):
            for keys in statement["Condition"].values():
                for key, values in keys.items() if isinstance(keys, Mapping) else ():
                    if key.lower() == "aws:sourcearn":
                        found |= {value for value in as_list(values) if isinstance(value, str)}
    return frozenset(found)


def obstacle(document: Mapping[str, Any]) -> str:
    """Why SQS would not take the policy, in a sentence; '' where nothing is known against it."""
    statements = _statements(document)
    conditions = sum(
        len(keys) for item in statements for keys in item.get("Condition", {}).values() if isinstance(keys, Mapping)
    )
    found = {
        "bytes": (len(_policy.to_json(document).encode()), BYTES),
        "statements": (len(statements), STATEMENTS),
        "conditions": (conditions, CONDITIONS),
    }
    for name, (count, most) in found.items():
        if count > most:
            return (
                f"its policy would have {count} {name}, and SQS takes {most}. It has {len(_foreign(document))} "
                "statements of others: remove some of them, or list fewer rules"
            )
    return ""


def _ours(queue_arn: str, account: str, rule_arns: list[str]) -> list[dict[str, Any]]:
    statements: list[dict[str, Any]] = []
    if rule_arns:
        statements.append(
            {
                "Sid": SEND,
                "Effect": "Allow",
                "Principal": {"Service": EVENTBRIDGE},
                "Action": "sqs:SendMessage",
                "Resource": queue_arn,
                "Condition": {
                    "ArnEquals": {"aws:SourceArn": rule_arns},
                    "StringEquals": {"aws:SourceAccount": account},
                },
            }
        )
    statements.append(
        {
            "Sid": SECURE,
            "Effect": "Deny",
            "Principal": "*",
            "Action": "sqs:*",
            "Resource": queue_arn,
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        }
    )
    return statements


def _foreign(document: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    return [statement for statement in _statements(document) if statement.get("Sid") not in SIDS]


def _statements(document: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    return [item for item in _policy.statements(document) if isinstance(item, dict)] if document else []
