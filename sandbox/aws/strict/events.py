# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""EventBridge rules and their targets.

https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutRule.html (name, description, pattern; tags of an
existing rule are ignored), https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutTargets.html (10 entries
a request, 5 targets a rule), https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_RemoveTargets.html,
https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_TagResource.html (50 tags),
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html (300 rules a bus)
"""

from __future__ import annotations

import re
from typing import Any

from moto.events.models import events_backends

from sandbox.aws.answers import Refusal
from sandbox.aws.hooks import check
from sandbox.aws.request import AwsRequest
from sandbox.aws.state import State
from sandbox.aws.strict.event_patterns import problem_of

NAME = r"[\.\-_A-Za-z0-9]+"
ENTRIES = 10
TARGETS = 5
TAGS = 50
LIMIT = "The requested resource exceeds the maximum number allowed."


def _backend(request: AwsRequest) -> Any:
    return events_backends[request.caller.account][request.region]


def _rules(request: AwsRequest) -> dict[str, Any]:
    bus = str(request.parameters.get("EventBusName") or "default").rpartition("/")[2]
    found = _backend(request).event_buses.get(bus)
    return dict(found.rules) if found is not None else {}


def _refuse_length(text: str, field: str, low: int, high: int) -> None:
    if not low <= len(text) <= high:
        limit = f"less than or equal to {high}" if len(text) > high else f"greater than or equal to {low}"
        raise _invalid(text, field, f"Member must have length {limit}")


def _invalid(value: Any, field: str, constraint: str) -> Refusal:
    message = f"1 validation error detected: Value '{value}' at '{field}' failed to satisfy constraint: {constraint}"
    return Refusal("ValidationException", message)


def _refuse_name(text: str, field: str) -> None:
    _refuse_length(text, field, 1, 64)
    if not re.fullmatch(NAME, text):
        raise _invalid(text, field, f"Member must satisfy regular expression pattern: {NAME}")


@check("events", "PutRule")
def rule(request: AwsRequest, state: State) -> None:
    """Refuse rules that AWS refuses, and drop what it ignores."""
    parameters = request.parameters
    name, pattern = str(parameters.get("Name", "")), parameters.get("EventPattern")
    _refuse_name(name, "name")
    _refuse_length(str(parameters.get("Description") or ""), "description", 0, 512)
    if pattern is not None:
        _refuse_length(str(pattern), "eventPattern", 0, 4096)
        problem = problem_of(str(pattern))
        if problem:
            raise Refusal("InvalidEventPatternException", f"Event pattern is not valid. Reason: {problem}")
    _refuse_tags(parameters.get("Tags") or [], {})
    rules = _rules(request)
    if name not in rules and len(rules) >= state.settings.rules_per_bus:
        raise Refusal("LimitExceededException", LIMIT)
    if name in rules:
        request.leave_out("Tags")


@check("events", "PutTargets")
def targets(request: AwsRequest, state: State) -> None:
    """Refuse more targets than AWS takes, and malformed ones."""
    given = request.parameters.get("Targets") or []
    _refuse_count(given, "targets")
    for position, target in enumerate(given, start=1):
        _refuse_name(str(target.get("Id", "")), f"targets.{position}.member.id")
        _refuse_length(str(target.get("Arn", "")), f"targets.{position}.member.arn", 1, 1600)
    found = _rules(request).get(str(request.parameters.get("Rule")))
    ids = {target["Id"] for target in (*given, *(found.targets if found is not None else ()))}
    if len(ids) > TARGETS:
        raise Refusal("LimitExceededException", LIMIT)


@check("events", "RemoveTargets")
def removed_targets(request: AwsRequest, state: State) -> None:
    """Refuse more targets than a request may name."""
    _refuse_count(request.parameters.get("Ids") or [], "ids")


def _refuse_count(given: list[Any], field: str) -> None:
    if not 1 <= len(given) <= ENTRIES:
        raise _invalid(given, field, f"Member must have length from 1 to {ENTRIES}")


@check("events", "TagResource")
def tags(request: AwsRequest, state: State) -> None:
    """Refuse tags that AWS refuses."""
    arn = str(request.parameters.get("ResourceARN"))
    _refuse_tags(request.parameters.get("Tags") or [], _backend(request).tagger.get_tag_dict_for_resource(arn))


def _refuse_tags(given: list[dict[str, Any]], present: dict[str, str]) -> None:
    for position, tag in enumerate(given, start=1):
        key, value = str(tag.get("Key", "")), str(tag.get("Value", ""))
        _refuse_length(key, f"tags.{position}.member.key", 1, 128)
        _refuse_length(value, f"tags.{position}.member.value", 0, 256)
        if key.lower().startswith("aws:"):
            raise Refusal("ValidationException", f"Tag key {key} has the reserved prefix aws:.")
    if len({*present, *(str(tag.get("Key")) for tag in given)}) > TAGS:
        raise Refusal("LimitExceededException", f"The number of tags exceeds the maximum of {TAGS}.")
