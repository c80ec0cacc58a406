# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Event patterns that EventBridge does not take.

https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-patterns.html and
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html (operators, $or)
"""

from __future__ import annotations

import json
from typing import Any

OPERATORS = frozenset(
    {"anything-but", "cidr", "equals-ignore-case", "exactly", "exists", "numeric", "prefix", "suffix", "wildcard"}
)
OR = "$or"


def problem_of(text: str) -> str:
    """Return why a pattern is not valid, in AWS's words; '' where it is."""
    try:
        pattern = json.loads(text)
    except ValueError:
        return "Invalid JSON"
    return _object(pattern) if isinstance(pattern, dict) else "Filter is not an object"


def _object(pattern: dict[str, Any]) -> str:
    if not pattern:
        return "Empty objects are not allowed"
    for name, value in pattern.items():
        if name == OR:
            problem = _alternatives(value)
        elif isinstance(value, dict):
            problem = _object(value)
        elif isinstance(value, list):
            problem = _values(value)
        else:
            problem = f'"{name}" must be an object or an array'
        if problem:
            return problem
    return ""


def _alternatives(value: Any) -> str:
    if not isinstance(value, list):
        return f"It must be an Array followed with {OR}."
    if not all(isinstance(item, dict) for item in value):
        return f"Only JSON object is allowed in array of {OR} relationship."
    if len(value) < 2:
        return f"There must have at least 2 Objects in {OR} relationship."
    return next(filter(None, map(_object, value)), "")


def _values(values: list[Any]) -> str:
    if not values:
        return "Empty arrays are not allowed"
    for value in values:
        if isinstance(value, list):
            return "Match value must be String, number, true, false, or null"
        if isinstance(value, dict):
            unknown = sorted(set(value) - OPERATORS)
            if unknown:
                return f"Unrecognized match type {unknown[0]}"
            if len(value) != 1:
                return "Only one key allowed in match expression"
    return ""
