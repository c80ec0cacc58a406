# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Zone groups (ModifyAvailabilityZoneGroup) and outposts of subnets, which moto lacks."""

from __future__ import annotations

from typing import Any

from moto.ec2.models import ec2_backends

from sandbox.aws import zones
from sandbox.aws.answers import Answer, Refusal, parse
from sandbox.aws.hooks import correct, operation
from sandbox.aws.request import AwsRequest
from sandbox.aws.state import State


@operation("ec2", "ModifyAvailabilityZoneGroup")
def modify_group(request: AwsRequest, state: State) -> dict[str, Any]:
    """Opt in to a group of local or wavelength zones."""
    group = str(request.parameters.get("GroupName", ""))
    if group not in zones.groups(request.region):
        raise Refusal("InvalidParameterValue", f"Invalid value '{group}' for GroupName.")
    if request.parameters.get("OptInStatus") != "opted-in":
        raise Refusal("InvalidParameterValue", "Only AWS Support can opt out of a zone group.")
    # moto gives a new region's default VPC a subnet in every zone that it knows; AWS gives it none in zones of the
    # edge: let the region be made before they appear.
    ec2_backends[request.caller.account][request.region].describe_vpcs()
    zones.opt_in(request.region, group)
    return {"Return": True}


@correct("ec2", "CreateSubnet")
def keep_outpost(request: AwsRequest, state: State, answer: Answer) -> Answer:
    """Remember a subnet's outpost, for DescribeSubnets to show.

    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_Subnet.html
    """
    if request.parameters.get("OutpostArn"):
        backend = ec2_backends[request.caller.account][request.region]
        subnet: Any = backend.get_subnet(parse(request, answer)["Subnet"]["SubnetId"])
        subnet.outpost_arn = str(request.parameters["OutpostArn"])
    return answer
