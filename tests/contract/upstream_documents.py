# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Holds policies and event patterns of a role to the documents that upstream publishes for its add-on.

Upstream's policies leave resources and conditions to the reader, so here the actions are compared; what is granted
beyond them, or left out, needs its reason.
"""

from __future__ import annotations

import fnmatch
import json
from collections.abc import Iterable, Mapping
from typing import Any

from tests.contract.extract import listed


def upstream_actions(facts: dict[str, Any], document: str) -> list[str]:
    """The actions that a document of upstream's allows. LookupError where there is no such document."""
    for found in facts.get("iam", ()):
        if found["document"] == document:
            return sorted({action for statement in found["statements"] for action in statement["actions"]})
    there = ", ".join(found["document"] for found in facts.get("iam", ()))
    raise LookupError(f"{facts['chart']} {facts['version']} has no IAM document {document}; it has: {there or 'none'}")


def granted_actions(policy: dict[str, Any]) -> list[str]:
    """The actions, as they are written, that a policy's statements allow."""
    allowed = [statement for statement in listed(policy["Statement"]) if statement["Effect"] == "Allow"]
    for statement in allowed:
        if "Action" not in statement:
            raise ValueError(f"a statement allows all but some actions, which cannot be compared: {statement}")
    return sorted({action for statement in allowed for action in listed(statement["Action"])})


def actions_beyond(
    policy: dict[str, Any], facts: dict[str, Any], document: str, explained: Mapping[str, str] | None = None
) -> list[str]:
    """What a policy grants that a document of upstream's does not, and that no reason explains.

    ``explained`` is action to reason. An explanation of what is not granted, or is upstream's anyway, or that says
    nothing, is told as well: it would hide the next one. A pattern such as ``sqs:*`` is beyond actions that it covers.
    """
    reasons = dict(explained or {})
    upstream = {action.lower() for action in upstream_actions(facts, document)}
    beyond = [action for action in granted_actions(policy) if action.lower() not in upstream]
    return [
        *(f"{action} is not in upstream's {document}" for action in beyond if action not in reasons),
        *_idle(reasons, beyond, f"is not granted beyond upstream's {document}"),
    ]


def actions_missing(
    policy: dict[str, Any], facts: dict[str, Any], document: str, unneeded: Mapping[str, str] | None = None
) -> list[str]:
    """Which actions of a document of upstream's a policy does not grant, and no reason explains (action to reason)."""
    reasons = dict(unneeded or {})
    granted = [action.lower() for action in granted_actions(policy)]
    missing = [
        action
        for action in upstream_actions(facts, document)
        if not any(fnmatch.fnmatchcase(action.lower(), pattern) for pattern in granted)
    ]
    return [
        *(f"{action} of upstream's {document} is not granted" for action in missing if action not in reasons),
        *_idle(reasons, missing, f"is granted, or not in upstream's {document}"),
    ]


def _idle(reasons: Mapping[str, str], used: list[str], why: str) -> list[str]:
    """Explanations that explain nothing."""
    return [
        *(f"{action} is explained, but {why}" for action in reasons if action not in used),
        *(f"{action} is explained by nothing" for action, reason in reasons.items() if not reason.strip()),
    ]


def pattern_differences(patterns: Iterable[dict[str, Any]], facts: dict[str, Any]) -> list[str]:
    """Which event patterns are not upstream's, and which of upstream's are missing; names of rules do not count."""
    ours = {_canonical(pattern) for pattern in patterns}
    upstream = {_canonical(pattern): name for name, pattern in facts.get("event_patterns", {}).items()}
    return [
        *(f"beyond upstream: {pattern}" for pattern in sorted(ours - upstream.keys())),
        *(f"missing: {name} {pattern}" for pattern, name in upstream.items() if pattern not in ours),
    ]


def _canonical(pattern: Any) -> str:
    """A pattern as text: the order of keys and of the values to match does not count."""
    return json.dumps(_sorted(pattern), sort_keys=True)


def _sorted(node: Any) -> Any:
    if isinstance(node, dict):
        return {key: _sorted(value) for key, value in node.items()}
    if isinstance(node, list):
        return sorted((_sorted(value) for value in node), key=lambda value: json.dumps(value, sort_keys=True))
    return node
