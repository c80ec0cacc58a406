# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Writes that meet on one thing, of which AWS refuses the later one.

https://docs.aws.amazon.com/IAM/latest/APIReference/API_UpdateAssumeRolePolicy.html#API_UpdateAssumeRolePolicy_Errors,
https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutRule.html#API_PutRule_Errors ("concurrent
modification on a rule, target, archive, or replay"),
https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/DNSLimitations.html#limits-api-requests-changeresourcerecordsets
"""

from __future__ import annotations

from sandbox.aws.answers import Refusal
from sandbox.aws.calls import is_write
from sandbox.aws.request import AwsRequest
from sandbox.aws.stale import entity_of

IAM = Refusal(
    "ConcurrentModification",
    "The request was rejected because multiple requests to change this object were submitted simultaneously. "
    "Wait a few minutes and submit your request again.",
    409,
)
EVENTS = Refusal(
    "ConcurrentModificationException", "Rule was modified concurrently by another request, please try again."
)
ROUTE53 = Refusal(
    "PriorRequestNotComplete", "The request was rejected because Route 53 was still processing a prior request."
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
# Names of the parameter that holds a hosted zone's id.
_ZONE_PARAMETERS = ("HostedZoneId", "Id")


def held(request: AwsRequest) -> tuple[tuple[str, ...], Refusal] | None:
    """Return what a write holds while it is under way, and how others are refused meanwhile; None for nothing."""
    if not is_write(request):
        return None
    if request.service == "events" and request.operation in RULE_WRITES:
        caller = request.caller
        name = str(request.parameters.get(RULE_WRITES[request.operation], "")).rpartition("/")[2]
        bus = str(request.parameters.get("EventBusName") or "default")
        return (caller.account, request.region, f"rule of {bus}", name), EVENTS
    if request.service == "route53":
        return _hosted_zone(request)
    entity = entity_of(request)
    return (entity, IAM) if entity is not None else None


def _hosted_zone(request: AwsRequest) -> tuple[tuple[str, ...], Refusal] | None:
    if ROUTE53.code not in [shape.name for shape in request.operation_model.error_shapes]:
        return None
    zone = next((str(request.parameters[key]) for key in _ZONE_PARAMETERS if key in request.parameters), None)
    return (("route53", request.caller.account, zone.rpartition("/")[2]), ROUTE53) if zone else None
