# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""EC2: tags, filters, zones."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.aws.client import AwsServer
from tests.sandbox.aws.policies import Refused

MISSING = "subnet-0123456789abcdef0"


def _tags(count: int, first: int = 0) -> list[dict[str, str]]:
    return [{"Key": f"key-{number:02}", "Value": "v"} for number in range(first, first + count)]


def _present(ec2: Any, resource: str) -> dict[str, str]:
    found = ec2.describe_tags(Filters=[{"Name": "resource-id", "Values": [resource]}])["Tags"]
    return {tag["Key"]: tag["Value"] for tag in found}


@pytest.mark.parametrize(
    ("tags", "code"),
    [
        (_tags(51), "TagLimitExceeded"),
        ([{"Key": "k" * 128, "Value": "v"}], "InvalidParameterValue"),
        ([{"Key": "k", "Value": "v" * 257}], "InvalidParameterValue"),
        ([{"Key": "", "Value": "v"}], "InvalidParameterValue"),
        ([{"Key": "aws:k", "Value": "v"}], "InvalidParameterValue"),
        ([{"Key": "AWS:k", "Value": "v"}], "InvalidParameterValue"),
        ([{"Key": "k", "Value": "v"}, {"Key": "k", "Value": "w"}], "InvalidParameterValue"),
    ],
    ids=["too-many", "long-key", "long-value", "empty-key", "reserved", "reserved-upper", "duplicate"],
)
def test_refused_tags(ec2: Any, subnet: str, refused: Refused, tags: list[dict[str, str]], code: str) -> None:
    refused(code, ec2.create_tags, Resources=[subnet], Tags=tags)
    assert _present(ec2, subnet) == {}


def test_fifty_tags_of_which_those_of_aws_do_not_count(aws: AwsServer) -> None:
    subnet = aws.fixtures()["subnets"]["private-a"]
    ec2 = aws.client("ec2")
    before = _present(ec2, subnet)
    assert "aws:cloudformation:stack-name" in before
    ec2.create_tags(Resources=[subnet], Tags=_tags(51 - len(before)))
    assert len(_present(ec2, subnet)) == 51


def test_limit_counts_what_is_there_but_not_what_is_replaced(ec2: Any, subnet: str, refused: Refused) -> None:
    ec2.create_tags(Resources=[subnet], Tags=_tags(50))
    ec2.create_tags(Resources=[subnet], Tags=[{"Key": "key-00", "Value": "new"}])
    error = refused("TagLimitExceeded", ec2.create_tags, Resources=[subnet], Tags=_tags(1, 50))
    assert "The maximum number of Tags for a resource has been reached" in str(error)


def test_limits_reached_exactly(ec2: Any, subnet: str) -> None:
    ec2.create_tags(Resources=[subnet], Tags=[{"Key": "k" * 127, "Value": "v" * 256}])
    assert _present(ec2, subnet) == {"k" * 127: "v" * 256}


def test_one_full_resource_refuses_the_whole_call(ec2: Any, subnet: str, refused: Refused) -> None:
    vpc = ec2.create_vpc(CidrBlock="10.1.0.0/16")["Vpc"]["VpcId"]
    ec2.create_tags(Resources=[vpc], Tags=_tags(50))
    refused("TagLimitExceeded", ec2.create_tags, Resources=[subnet, vpc], Tags=_tags(1, 50))
    assert _present(ec2, subnet) == {}


@pytest.mark.parametrize(
    ("resource", "code"),
    [
        (MISSING, "InvalidSubnetID.NotFound"),
        ("vpc-0123456789abcdef0", "InvalidVpcID.NotFound"),
        ("rtb-0123456789abcdef0", "InvalidRouteTableID.NotFound"),
        ("sg-0123456789abcdef0", "InvalidGroup.NotFound"),
        ("igw-0123456789abcdef0", "InvalidInternetGatewayID.NotFound"),
        ("nonsense", "InvalidID"),
    ],
)
def test_unknown_resource_refuses_the_whole_call(
    ec2: Any, subnet: str, refused: Refused, resource: str, code: str
) -> None:
    for change in (ec2.create_tags, ec2.delete_tags):
        error = refused(code, change, Resources=[subnet, resource], Tags=_tags(1))
        assert resource in str(error)
    assert _present(ec2, subnet) == {}


def test_a_thousand_resources_a_call(ec2: Any, subnet: str, refused: Refused) -> None:
    refused("ResourceCountExceeded", ec2.create_tags, Resources=[subnet] * 1001, Tags=_tags(1))
    refused("ResourceCountExceeded", ec2.delete_tags, Resources=[subnet] * 1001, Tags=_tags(1))
    ec2.create_tags(Resources=[subnet] * 1000, Tags=_tags(1))


def test_delete_tags(ec2: Any, subnet: str, refused: Refused) -> None:
    ec2.create_tags(Resources=[subnet], Tags=[*_tags(3), {"Key": "empty"}])
    assert _present(ec2, subnet)["empty"] == ""
    ec2.delete_tags(
        Resources=[subnet],
        Tags=[{"Key": "key-00", "Value": "other"}, {"Key": "key-01", "Value": "v"}, {"Key": "key-02"}, {"Key": "none"}],
    )
    assert set(_present(ec2, subnet)) == {"key-00", "empty"}
    ec2.delete_tags(Resources=[subnet], Tags=[{"Key": "key-00", "Value": ""}, {"Key": "empty", "Value": ""}])
    assert set(_present(ec2, subnet)) == {"key-00"}
    refused("InvalidParameterValue", ec2.delete_tags, Resources=[subnet], Tags=[{"Key": "aws:x"}])


def test_delete_all_tags_leaves_those_of_aws(aws: AwsServer) -> None:
    subnet = aws.fixtures()["subnets"]["private-a"]
    ec2 = aws.client("ec2")
    ec2.delete_tags(Resources=[subnet])
    assert set(_present(ec2, subnet)) == {"aws:cloudformation:stack-name"}


def test_two_hundred_values_of_filters(ec2: Any, subnet: str, refused: Refused) -> None:
    ids = [f"subnet-{number:017x}" for number in range(200)]
    for describe in (ec2.describe_tags, ec2.describe_instances):
        refused("FilterLimitExceeded", describe, Filters=[{"Name": "resource-id", "Values": [*ids, subnet]}])
    ec2.create_tags(Resources=[subnet], Tags=_tags(1))
    filters = [{"Name": "resource-id", "Values": [*ids[1:], subnet]}]
    assert [tag["ResourceId"] for tag in ec2.describe_tags(Filters=filters)["Tags"]] == [subnet]


def test_subnet_filters(aws: AwsServer) -> None:
    fixtures = aws.fixtures()
    ec2, subnets = aws.client("ec2"), fixtures["subnets"]

    def found(**filters: str) -> set[str]:
        wanted = [{"Name": name, "Values": [value]} for name, value in filters.items()]
        return {subnet["SubnetId"] for subnet in ec2.describe_subnets(Filters=wanted)["Subnets"]}

    assert found(**{"vpc-id": fixtures["vpc_id"]}) == set(subnets.values())
    assert found(**{"tag:Name": "platform-public-*"}) == {subnets[f"public-{zone}"] for zone in "abc"}
    neighbour = {subnets["public-a"], subnets["private-a"]}
    assert found(**{f"tag:kubernetes.io/cluster/{fixtures['neighbour']}": "shared"}) == neighbour
    assert found(**{"tag-key": f"kubernetes.io/cluster/{fixtures['neighbour']}"}) == neighbour
    assert found(**{"availability-zone": "eu-central-1-ham-1a"}) == {subnets["local-zone"]}
    assert found(**{"vpc-id": "vpc-none"}) == set()


def test_route_table_filters(aws: AwsServer) -> None:
    fixtures = aws.fixtures()
    ec2, tables, subnets = aws.client("ec2"), fixtures["route_tables"], fixtures["subnets"]

    def found(**filters: str) -> set[str]:
        wanted = [{"Name": "vpc-id", "Values": [fixtures["vpc_id"]]}]
        wanted += [{"Name": name, "Values": [value]} for name, value in filters.items()]
        return {table["RouteTableId"] for table in ec2.describe_route_tables(Filters=wanted)["RouteTables"]}

    assert found() == set(tables.values())
    assert found(**{"association.main": "true"}) == {tables["main"]}
    assert found(**{"association.subnet-id": subnets["private-c"]}) == {tables["private-a"]}
    assert found(**{"association.subnet-id": subnets["public-c"]}) == set()


def test_edge_zones_need_an_opt_in(aws: AwsServer, ec2: Any, refused: Refused) -> None:
    def zones() -> dict[str, str]:
        return {zone["ZoneName"]: zone["ZoneType"] for zone in ec2.describe_availability_zones()["AvailabilityZones"]}

    assert set(zones().values()) == {"availability-zone"}
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    wanted = {"VpcId": vpc, "CidrBlock": "10.0.0.0/24", "AvailabilityZone": "eu-central-1-ham-1a"}
    refused("InvalidParameterValue", ec2.create_subnet, **wanted)
    refused("InvalidParameterValue", ec2.modify_availability_zone_group, GroupName="none", OptInStatus="opted-in")
    ec2.modify_availability_zone_group(GroupName="eu-central-1-ham-1", OptInStatus="opted-in")
    assert zones()["eu-central-1-ham-1a"] == "local-zone"
    assert ec2.create_subnet(**wanted)["Subnet"]["AvailabilityZone"] == "eu-central-1-ham-1a"
    aws.reset()
    assert set(zones().values()) == {"availability-zone"}


def test_subnet_on_an_outpost(aws: AwsServer, ec2: Any) -> None:
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    outpost = "arn:aws:outposts:eu-central-1:123456789012:outpost/op-0123456789abcdef0"
    created = ec2.create_subnet(
        VpcId=vpc, CidrBlock="10.0.0.0/24", AvailabilityZone="eu-central-1a", OutpostArn=outpost
    )["Subnet"]
    shown = ec2.describe_subnets(SubnetIds=[created["SubnetId"]])["Subnets"][0]
    assert shown["OutpostArn"] == outpost
    assert shown["AvailableIpAddressCount"] == 251
