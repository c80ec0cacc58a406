# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The VPC of the fixtures: what a real account's network has, its awkward corners included."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from moto.ec2.models import ec2_backends

NEIGHBOUR = "legacy-green"
VPC_CIDR = "10.64.0.0/16"


@dataclass(frozen=True)
class _Subnet:
    name: str
    zone: str
    cidr: str
    table: str | None


# Zones are suffixes of the region; "edge" is the region's local zone. No table: the main one, which leads to the
# internet here, so that public-c is public without any association of its own.
SUBNETS = (
    _Subnet("public-a", "a", "10.64.0.0/22", "public"),
    _Subnet("public-b", "b", "10.64.4.0/22", "public"),
    _Subnet("public-c", "c", "10.64.8.0/22", None),
    _Subnet("private-a", "a", "10.64.32.0/19", "private-a"),
    _Subnet("private-b", "b", "10.64.64.0/19", "private-b"),
    _Subnet("private-c", "c", "10.64.96.0/19", "private-a"),
    _Subnet("database-a", "a", "10.64.128.0/24", "isolated"),
    _Subnet("database-b", "b", "10.64.129.0/24", "isolated"),
    _Subnet("ipv6-public-b", "b", "10.64.132.0/24", "ipv6-public"),
    _Subnet("local-zone", "edge", "10.64.136.0/24", "private-b"),
)
FOREIGN_TAGS = {"CostCenter": "4711", "Team": "network"}


def _tags(kind: str, tags: dict[str, str]) -> list[dict[str, Any]]:
    return [{"ResourceType": kind, "Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}]


def build_network(ec2: Any, region: str, local_zone: str | None, account: str) -> dict[str, Any]:
    """Build the VPC and return the ids of all that is in it.

    Args:
        ec2: boto3 client.
        region: region of the client.
        local_zone: name of an opted-in local zone, or None where the region has none here.
        account: account of the client, for the aws: tags that no call can set.
    """
    vpc = ec2.create_vpc(
        CidrBlock=VPC_CIDR,
        AmazonProvidedIpv6CidrBlock=True,
        TagSpecifications=_tags("vpc", {"Name": "platform", **FOREIGN_TAGS}),
    )["Vpc"]["VpcId"]
    gateway = ec2.create_internet_gateway(TagSpecifications=_tags("internet-gateway", {"Name": "platform"}))
    igw = gateway["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=igw, VpcId=vpc)
    tables = _route_tables(ec2, vpc, igw)
    subnets = {}
    for wanted in SUBNETS:
        zone = local_zone if wanted.zone == "edge" else f"{region}{wanted.zone}"
        if zone is None:
            continue
        subnet = ec2.create_subnet(
            VpcId=vpc,
            CidrBlock=wanted.cidr,
            AvailabilityZone=zone,
            TagSpecifications=_tags("subnet", {"Name": f"platform-{wanted.name}", **FOREIGN_TAGS}),
        )["Subnet"]["SubnetId"]
        subnets[wanted.name] = subnet
        if wanted.table:
            ec2.associate_route_table(RouteTableId=tables[wanted.table], SubnetId=subnet)
    nats = {}
    for zone in ("a", "b"):
        address = ec2.allocate_address(Domain="vpc")["AllocationId"]
        nat = ec2.create_nat_gateway(SubnetId=subnets[f"public-{zone}"], AllocationId=address)["NatGateway"]
        nats[f"private-{zone}"] = nat["NatGatewayId"]
        ec2.create_route(
            RouteTableId=tables[f"private-{zone}"], DestinationCidrBlock="0.0.0.0/0", NatGatewayId=nat["NatGatewayId"]
        )
    ec2.create_tags(
        Resources=[subnets["public-a"], subnets["private-a"]],
        Tags=[{"Key": f"kubernetes.io/cluster/{NEIGHBOUR}", "Value": "shared"}],
    )
    for subnet in subnets.values():
        ec2_backends[account][region].tags[subnet]["aws:cloudformation:stack-name"] = "platform-network"
    return {
        "vpc_id": vpc,
        "subnets": subnets,
        "route_tables": tables,
        "internet_gateway": igw,
        "nat_gateways": nats,
        "neighbour": NEIGHBOUR,
    }


def _route_tables(ec2: Any, vpc: str, igw: str) -> dict[str, str]:
    main = ec2.describe_route_tables(
        Filters=[{"Name": "vpc-id", "Values": [vpc]}, {"Name": "association.main", "Values": ["true"]}]
    )["RouteTables"][0]["RouteTableId"]
    tables = {"main": main}
    for name in ("public", "private-a", "private-b", "isolated", "ipv6-public"):
        table = ec2.create_route_table(VpcId=vpc, TagSpecifications=_tags("route-table", {"Name": f"platform-{name}"}))
        tables[name] = table["RouteTable"]["RouteTableId"]
    for name in ("main", "public"):
        ec2.create_route(RouteTableId=tables[name], DestinationCidrBlock="0.0.0.0/0", GatewayId=igw)
    for name in ("public", "ipv6-public"):
        ec2.create_route(RouteTableId=tables[name], DestinationIpv6CidrBlock="::/0", GatewayId=igw)
    return tables


def security_group(ec2: Any, vpc: str, name: str, description: str) -> str:
    """Make a security group that lets HTTPS in."""
    group: str = ec2.create_security_group(GroupName=name, Description=description, VpcId=vpc)["GroupId"]
    ec2.authorize_security_group_ingress(
        GroupId=group,
        IpPermissions=[{"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}],
    )
    return group
