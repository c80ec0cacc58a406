# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Whether a policy has what upstream's has, and nothing beyond: the same actions, conditions at least as narrow."""

from __future__ import annotations

import fnmatch
from typing import Any

from tests.contract.extract import ANY_PARTITION, listed


def upstream_statements(facts: dict[str, Any], partition: str, document: str = "controller") -> list[dict[str, Any]]:
    """Upstream's statements for a partition."""
    for found in facts["iam"]:
        if found["document"] == document and partition in found["partitions"]:
            return [
                {**statement, "resources": [arn.replace(ANY_PARTITION, partition) for arn in statement["resources"]]}
                for statement in found["statements"]
            ]
    raise LookupError(f"upstream has no document {document} for {partition}")


def differences(policy: dict[str, Any], upstream: list[dict[str, Any]]) -> list[str]:
    """Where a policy allows more than upstream's, or lacks what upstream's allows.

    A statement answers one of upstream's where both have the same actions and resources and its conditions imply
    upstream's. Each of upstream's has to be answered, and each statement has to answer one.
    """
    ours = [
        {
            "effect": statement["Effect"],
            "actions": sorted(listed(statement["Action"])),
            "resources": sorted(listed(statement["Resource"])),
            "conditions": statement.get("Condition", {}),
        }
        for statement in policy["Statement"]
    ]
    found = [f"beyond upstream: {one}" for one in ours if not any(answers(one, other) for other in upstream)]
    found += [f"missing: {other}" for other in upstream if not any(answers(one, other) for one in ours)]
    return found


def answers(ours: dict[str, Any], upstream: dict[str, Any]) -> bool:
    """Whether a statement allows no more than upstream's, of the same actions on the same resources."""
    same = all(ours[key] == upstream[key] for key in ("effect", "actions", "resources"))
    return same and all(
        implied(ours["conditions"], operator, key, values)
        for operator, keys in upstream["conditions"].items()
        for key, values in keys.items()
    )


def implied(conditions: dict[str, Any], operator: str, key: str, values: Any) -> bool:
    """Whether conditions hold only where this one of upstream holds."""
    own = conditions.get(operator, {}).get(key)
    if own is not None and set(map(str, listed(own))) <= set(map(str, listed(values))):
        return True
    if operator == "Null" and listed(values) == ["false"]:
        return any(
            conditions.get(other, {}).get(key) for other in ("StringEquals", "StringLike", "ArnEquals", "ArnLike")
        )
    if operator == "StringLike":
        exact = listed(conditions.get("StringEquals", {}).get(key, []))
        return bool(exact) and all(
            any(fnmatch.fnmatchcase(one, pattern) for pattern in listed(values)) for one in exact
        )
    return False
