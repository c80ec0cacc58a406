# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""EventBridge's event patterns: checked for what is never valid, written, and compared by what they match.

https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-patterns.html
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

OR = "$or"
"""Key of a list of patterns of which one must match."""
LENGTH = 4096
"""Characters that the API takes; an account's quota is 2048 where it was not raised.
https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutRule.html"""


def fault(pattern: Any) -> str:
    """Why EventBridge does not take a pattern, in a sentence; '' where nothing is known against it.

    Operators and their values are EventBridge's to judge.
    """
    found = _fault(pattern, "the pattern")
    if not found and len(to_json(pattern)) > LENGTH:
        found = f"it has {len(to_json(pattern))} characters as JSON, and EventBridge takes {LENGTH} at most"
    return found


def _fault(pattern: Any, where: str) -> str:
    if not isinstance(pattern, Mapping):
        return f"{where} is {_kind(pattern)}, not a dictionary of fields"
    if not pattern:
        return f"{where} is empty; a pattern names at least one field, such as source: [aws.ec2]"
    for name, value in pattern.items():
        path = name if where == "the pattern" else f"{where}.{name}"
        found = _field_fault(name, value, path)
        if found:
            return found
    return ""


def _field_fault(name: str, value: Any, path: str) -> str:
    if isinstance(value, Mapping):
        return _fault(value, path)
    if not isinstance(value, list):
        return f"{path} is {_kind(value)}; it must be a list of values, or a dictionary of fields"
    if not value:
        return f"{path} is an empty list, which matches nothing"
    if name == OR:
        return next(filter(None, (_fault(item, f"{path}[{number}]") for number, item in enumerate(value))), "")
    if any(isinstance(item, list) for item in value):
        return f"{path} holds a list; its values are texts, numbers, booleans, null or dictionaries with an operator"
    return ""


def to_json(pattern: Any) -> str:
    """The pattern as it is sent."""
    return json.dumps(pattern, separators=(",", ":"), ensure_ascii=False)


def read(text: str) -> Any:
    """What the text of a rule's pattern says; the text itself where it is not JSON."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def same(one: Any, other: Any) -> bool:
    """Whether two patterns match the same events, as far as that follows from their form.

    The order of fields, of the values of a field and of the alternatives of ``$or`` does not count, nor does a value
    that is there twice. What an operator holds counts as it is written.
    """
    return bool(_form(one) == _form(other))


def _form(pattern: Any) -> Any:
    if not isinstance(pattern, Mapping):
        return _as_written(pattern)
    return frozenset((name, _field_form(name, value)) for name, value in pattern.items())


def _field_form(name: str, value: Any) -> Any:
    if isinstance(value, Mapping):
        return _form(value)
    if isinstance(value, list):
        return frozenset(map(_form if name == OR else _as_written, value))
    return _as_written(value)


def _as_written(value: Any) -> tuple[str, str]:
    return ("as written", json.dumps(value, sort_keys=True, default=repr))


def _kind(value: Any) -> str:
    return "empty" if value is None else f"a {type(value).__name__}"
