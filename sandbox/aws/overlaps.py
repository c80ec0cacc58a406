# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Writes that meet on one thing, of which AWS refuses the later one.

https://docs.aws.amazon.com/IAM/latest/APIReference/API_UpdateAssumeRolePolicy.html#API_UpdateAssumeRolePolicy_Errors,
https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutRule.html#API_PutRule_Errors ("concurrent
modification on a rule, target, archive, or replay")
"""

from __future__ import annotations

from sandbox.aws.answers import Refusal
from sandbox.aws.calls import is_write
from sandbox.aws.request import AwsRequest
from sandbox.aws.stale import Entity, entity_of

IAM = Refusal(
    "ConcurrentModification",
    "The request was rejected because multiple requests to change this object were submitted simultaneously. "
    "Wait a few minutes and submit your request again.",
    409,
)
EVENTS = Refusal(
    "ConcurrentModificationException", "Rule was modified concurrently by another request, please try again."
)
# Operation -> the parameter that names the rule.
RULE_WRITES = {
    "PutRule": "Name",
    "DeleteRule": "Name",
    "EnableRule": "Name",
    "DisableRule": "Name",
    "PutTargets": "Rule",
    "RemoveTargets": "Rule",
    "TagResource": "ResourceARN",
    "UntagResource": "ResourceARN",
}


def held(request: AwsRequest) -> tuple[Entity, Refusal] | None:
    """Return what a write holds while it is under way, and how others are refused meanwhile; None for nothing."""
    if not is_write(request):
        return None
    if request.service == "events" and request.operation in RULE_WRITES:
        caller = request.caller
        name = str(request.parameters.get(RULE_WRITES[request.operation], "")).rpartition("/")[2]
        bus = str(request.parameters.get("EventBusName") or "default")
        return (caller.account, request.region, f"rule of {bus}", name), EVENTS
    entity = entity_of(request)
    return (entity, IAM) if entity is not None else None
