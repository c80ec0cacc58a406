# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A queue and its rules as a result shows them before and after."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.ekspress.eks.plugins.module_utils import _event_pattern
from ansible_collections.ekspress.eks.plugins.module_utils._queue_input import Wanted, WantedRule
from ansible_collections.ekspress.eks.plugins.module_utils._queue_model import TARGET_ID, Current, Queue, Rule
from ansible_collections.ekspress.eks.plugins.module_utils._queue_tags import CLUSTER


def before(current: Current, names: frozenset[str]) -> dict[str, Any] | None:
    """The queue as it is, with those of its rules that have these names; None where there is nothing."""
    return _view(current.queue, {name: _rule(rule) for name, rule in current.rules.items() if name in names})


def after(wanted: Wanted, current: Current, queue: Queue | None, removed: Mapping[str, Rule]) -> dict[str, Any] | None:
    """The queue as it is to be; None where nothing is left."""
    listed = wanted.rules or () if wanted.state == "present" else ()
    rules = {rule.name: _wanted(wanted, rule, current) for rule in listed}
    for name, rule in removed.items():
        targets = {target["Id"]: target["Arn"] for target in rule.targets if target["Arn"] != current.arn}
        if targets:
            rules[name] = {**_rule(rule), "targets": targets}
    return _view(queue, rules)


def _view(queue: Queue | None, rules: Mapping[str, Any]) -> dict[str, Any] | None:
    if queue is None:
        return {"rules": dict(sorted(rules.items()))} if rules else None
    return {
        "encryption": queue.kms_key or ("SSE-SQS" if queue.sse_sqs else "none"),
        "message_retention": queue.message_retention,
        "policy": dict(queue.policy) if queue.policy else None,
        "rules": dict(sorted(rules.items())),
        "tags": dict(sorted(queue.tags.items())),
    }


def _rule(rule: Rule) -> dict[str, Any]:
    view: dict[str, Any] = {"targets": {target["Id"]: target["Arn"] for target in rule.targets}}
    if rule.event_pattern or rule.schedule:
        view |= {"description": rule.description, "event_pattern": rule.pattern, "state": rule.state}
        view["tags"] = dict(sorted(rule.tags.items()))
    return view


def _wanted(wanted: Wanted, rule: WantedRule, current: Current) -> dict[str, Any]:
    now = current.rules.get(rule.name) or Rule(rule.name)
    same = _event_pattern.same(now.pattern, rule.event_pattern)
    return {
        "targets": {**{target["Id"]: target["Arn"] for target in now.targets}, TARGET_ID: current.arn},
        "description": now.description if rule.description is None else rule.description,
        "event_pattern": now.pattern if same else dict(rule.event_pattern),
        "state": now.state if now.enabled else "ENABLED",
        "tags": dict(sorted({**now.tags, **wanted.tags, CLUSTER: wanted.cluster}.items())),
    }
