# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Policies of queues: valid JSON, the grammar of resource policies, and SQS's quotas.

https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-policies.html (8,192 bytes, 20
statements, 50 principals, 10 conditions, 7 actions a statement),
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html,
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_sid.html (unique in a policy)
"""

from __future__ import annotations

import json
from typing import Any

from sandbox.aws.answers import Refusal
from sandbox.aws.strict.iam_trust import as_list

BYTES = 8192
STATEMENTS = 20
PRINCIPALS = 50
CONDITIONS = 10
ACTIONS = 7
ELEMENTS = frozenset({"Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "Condition"})
INVALID = Refusal("InvalidAttributeValue", "Invalid value for the parameter Policy.")


def refuse_policy(text: str) -> None:
    """Raise the refusal of a policy that AWS does not take."""
    try:
        document = json.loads(text)
    except ValueError as cause:
        raise INVALID from cause
    if not isinstance(document, dict) or document.get("Version", "2012-10-17") not in ("2008-10-17", "2012-10-17"):
        raise INVALID
    statements = as_list(document.get("Statement", []))
    if not statements or not all(isinstance(item, dict) and _is_valid(item) for item in statements):
        raise INVALID
    sids = [item["Sid"] for item in statements if "Sid" in item]
    if len(set(sids)) < len(sids):
        raise INVALID
    _hold_to_quotas(text, statements)


def _is_valid(statement: dict[str, Any]) -> bool:
    actions = as_list(statement.get("Action", statement.get("NotAction", [])))
    resources = as_list(statement.get("Resource", []))
    condition = statement.get("Condition", {})
    return (
        set(statement) <= ELEMENTS
        and statement.get("Effect") in ("Allow", "Deny")
        and ("Principal" in statement) != ("NotPrincipal" in statement)
        and ("Action" in statement) != ("NotAction" in statement)
        and bool(actions and resources)
        and all(isinstance(action, str) and _is_action(action) for action in actions)
        and all(isinstance(arn, str) and (arn == "*" or arn.startswith("arn:")) for arn in resources)
        and isinstance(condition, dict)
        and all(isinstance(keys, dict) and all(map(as_list, keys.values())) for keys in condition.values())
    )


def _is_action(action: str) -> bool:
    return action == "*" or action.lower().startswith("sqs:")


def _hold_to_quotas(text: str, statements: list[Any]) -> None:
    principals = sum(_principals(item.get("Principal", item.get("NotPrincipal"))) for item in statements)
    conditions = sum(len(keys) for item in statements for keys in item.get("Condition", {}).values())
    found = {"statements": len(statements), "principals": principals, "conditions": conditions}
    most = {"statements": STATEMENTS, "principals": PRINCIPALS, "conditions": CONDITIONS}
    for name, count in found.items():
        if count > most[name]:
            message = f"{count} {name} were found in the submitted policy, max allowed is {most[name]}"
            raise Refusal("OverLimit", message, 403)
    for item in statements:
        count = len(as_list(item.get("Action", item.get("NotAction"))))
        if count > ACTIONS:
            raise Refusal("OverLimit", f"{count} Actions were found, maximum allowed is {ACTIONS}.", 403)
    if len(text.encode()) > BYTES:
        raise INVALID


def _principals(principal: Any) -> int:
    return sum(len(as_list(value)) for value in principal.values()) if isinstance(principal, dict) else 1
