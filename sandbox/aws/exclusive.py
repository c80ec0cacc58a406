# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What AWS lets only one write at a time change, and how it refuses the others."""

from __future__ import annotations

from sandbox.aws.answers import Refusal
from sandbox.aws.calls import is_write
from sandbox.aws.request import AwsRequest
from sandbox.aws.stale import entity_of

# https://docs.aws.amazon.com/IAM/latest/APIReference/API_UpdateAssumeRolePolicy.html#API_UpdateAssumeRolePolicy_Errors
CONCURRENT_MODIFICATION = Refusal(
    "ConcurrentModification",
    "The request was rejected because multiple requests to change this object were submitted simultaneously. "
    "Wait a few minutes and submit your request again.",
    409,
)
# https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/DNSLimitations.html#limits-api-requests-changeresourcerecordsets
PRIOR_REQUEST = Refusal(
    "PriorRequestNotComplete", "The request was rejected because Route 53 was still processing a prior request."
)
# Names of the parameter that holds a hosted zone's id.
_ZONE_PARAMETERS = ("HostedZoneId", "Id")


def held(request: AwsRequest) -> tuple[tuple[str, ...], Refusal] | None:
    """Return what a write holds while it is under way, and the refusal of other writes on it; None for nothing."""
    if not is_write(request):
        return None
    if request.service == "route53":
        return _hosted_zone(request)
    entity = entity_of(request)
    return (entity, CONCURRENT_MODIFICATION) if entity is not None else None


def _hosted_zone(request: AwsRequest) -> tuple[tuple[str, ...], Refusal] | None:
    errors = [shape.name for shape in request.operation_model.error_shapes]
    if PRIOR_REQUEST.code not in errors:
        return None
    zone = next((str(request.parameters[key]) for key in _ZONE_PARAMETERS if key in request.parameters), None)
    return (("route53", request.caller.account, zone.rpartition("/")[2]), PRIOR_REQUEST) if zone else None
