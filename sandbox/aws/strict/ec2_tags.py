# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""EC2 tags: CreateTags and DeleteTags whole, as AWS documents them.

https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateTags.html,
https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteTags.html (up to 1,000 resources; a tag with a value is
deleted only where the value matches; without tags all user-defined tags go),
https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_Tag.html (127 and 256 characters, no prefix aws:),
https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Tags.html#tag-restrictions (50 tags; those with aws: do not
count), https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html (codes),
https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Filtering.html (200 values of filters).
"""

from __future__ import annotations

import re
from typing import Any

from moto.core.exceptions import ServiceException
from moto.ec2.exceptions import EC2ClientError
from moto.ec2.models import ec2_backends

from sandbox.aws.answers import Refusal
from sandbox.aws.hooks import check, operation
from sandbox.aws.request import AwsRequest
from sandbox.aws.state import State

QUOTA = 50
RESOURCES = 1000
FILTER_VALUES = 200
# Prefix of an id -> error code and the words of its message.
NOT_FOUND = {
    "subnet": ("InvalidSubnetID.NotFound", "The subnet ID"),
    "vpc": ("InvalidVpcID.NotFound", "The vpc ID"),
    "rtb": ("InvalidRouteTableID.NotFound", "The routeTable ID"),
    "igw": ("InvalidInternetGatewayID.NotFound", "The internetGateway ID"),
    "nat": ("NatGatewayNotFound", "The Nat Gateway"),
    "sg": ("InvalidGroup.NotFound", "The security group"),
    "i": ("InvalidInstanceID.NotFound", "The instance ID"),
    "vol": ("InvalidVolume.NotFound", "The volume"),
    "eni": ("InvalidNetworkInterfaceID.NotFound", "The networkInterface ID"),
    "lt": ("InvalidLaunchTemplateId.NotFound", "The launch template ID"),
}
_ID = re.compile(r"([a-z]+(?:-[a-z]+)*)-[0-9a-f]{8}(?:[0-9a-f]{9})?")


def _resources(request: AwsRequest, backend: Any) -> list[str]:
    resources = [str(resource) for resource in request.parameters.get("Resources") or []]
    if not resources:
        raise Refusal("MissingParameter", "The request must contain the parameter resourceIdSet")
    if len(resources) > RESOURCES:
        raise Refusal(
            "ResourceCountExceeded", f"The request has {len(resources)} resources; the maximum is {RESOURCES}."
        )
    for resource in resources:
        match = _ID.fullmatch(resource)
        if match is None:
            raise Refusal("InvalidID", f"The ID '{resource}' is not valid")
        if not _exists(backend, match[1], resource):
            code, words = NOT_FOUND.get(match[1], ("InvalidID", "The ID"))
            raise Refusal(code, f"{words} '{resource}' does not exist")
    return resources


def _exists(backend: Any, prefix: str, resource: str) -> bool:
    if prefix == "subnet":
        return any(resource in zone for zone in backend.subnets.values())
    if prefix == "vpc":
        return resource in backend.vpcs
    if prefix == "rtb":
        return resource in backend.route_tables
    try:
        backend.do_resources_exist([resource])
    except (EC2ClientError, ServiceException):
        return False
    return True


def _tags(request: AwsRequest) -> dict[str, str | None]:
    tags: dict[str, str | None] = {}
    for tag in request.parameters.get("Tags") or []:
        key, value = str(tag.get("Key", "")), tag.get("Value")
        if not key:
            raise Refusal("InvalidParameterValue", "Tag key cannot be empty")
        if len(key) > 127:
            raise Refusal("InvalidParameterValue", f"Tag key '{key}' exceeds the maximum length of 127 characters")
        if value is not None and len(str(value)) > 256:
            raise Refusal("InvalidParameterValue", f"Tag value '{value}' exceeds the maximum length of 256 characters")
        if key.lower().startswith("aws:"):
            raise Refusal("InvalidParameterValue", "Tag keys starting with 'aws:' are reserved for internal use")
        if key in tags:
            raise Refusal("InvalidParameterValue", f"Duplicate tag key '{key}' specified.")
        tags[key] = None if value is None else str(value)
    return tags


def _stop_dry_run(request: AwsRequest) -> None:
    if request.parameters.get("DryRun"):
        raise Refusal("DryRunOperation", "Request would have succeeded, but DryRun flag is set.", 412)


def _own(keys: set[str]) -> set[str]:
    return {key for key in keys if not key.startswith("aws:")}


@operation("ec2", "CreateTags")
def create_tags(request: AwsRequest, state: State) -> dict[str, Any]:
    """Set tags on all resources, or on none."""
    backend = ec2_backends[request.caller.account][request.region]
    resources, tags = _resources(request, backend), _tags(request)
    if not tags:
        raise Refusal("MissingParameter", "The request must contain the parameter tagSet")
    for resource in resources:
        if len(_own(set(backend.tags.get(resource, {})) | set(tags))) > QUOTA:
            raise Refusal("TagLimitExceeded", "The maximum number of Tags for a resource has been reached.")
    _stop_dry_run(request)
    for resource in resources:
        backend.tags[resource].update({key: value or "" for key, value in tags.items()})
    return {}


@operation("ec2", "DeleteTags")
def delete_tags(request: AwsRequest, state: State) -> dict[str, Any]:
    """Remove tags whose value matches, or that come without a value; without any tag, all user-defined ones."""
    backend = ec2_backends[request.caller.account][request.region]
    resources, tags = _resources(request, backend), _tags(request)
    _stop_dry_run(request)
    for resource in resources:
        present = backend.tags[resource]
        doomed = tags if tags else dict.fromkeys(_own(set(present)))
        for key, value in doomed.items():
            if key in present and value in (None, present[key]):
                del present[key]
    return {}


@check("ec2", "DescribeTags", "DescribeInstances")
def values_of_filters(request: AwsRequest, state: State) -> None:
    """Refuse more values of filters than a call takes."""
    count = sum(len(item.get("Values") or []) for item in request.parameters.get("Filters") or [])
    if count > FILTER_VALUES:
        words = "The maximum number of filter values specified on a single call is"
        raise Refusal("FilterLimitExceeded", f"{words} {FILTER_VALUES}")
