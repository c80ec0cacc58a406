# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Pages: small ones on demand, complete when followed."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.aws.client import AwsServer
from tests.sandbox.aws.policies import ALLOW_ALL, EC2_TRUST, Refused


def _all(client: Any, operation: str, key: str, **arguments: Any) -> list[Any]:
    pages = client.get_paginator(operation).paginate(**arguments)
    return [item for page in pages for item in page[key]]


def test_small_pages_of_subnets(aws: AwsServer) -> None:
    vpc = aws.fixtures()["vpc_id"]
    ec2 = aws.client("ec2")
    arguments = {"Filters": [{"Name": "vpc-id", "Values": [vpc]}]}
    whole = ec2.describe_subnets(**arguments)["Subnets"]
    tables = ec2.describe_route_tables(**arguments)["RouteTables"]
    aws.settings(page_size=3)
    first = ec2.describe_subnets(**arguments)
    assert first["Subnets"] == whole[:3]
    assert first["NextToken"]
    aws.clear_calls()
    assert _all(ec2, "describe_subnets", "Subnets", **arguments) == whole
    assert len(aws.calls("DescribeSubnets")) == 4
    assert _all(ec2, "describe_route_tables", "RouteTables", **arguments) == tables


def test_asked_page_size_is_kept(aws: AwsServer, ec2: Any, refused: Refused) -> None:
    aws.fixtures()
    page = ec2.describe_subnets(MaxResults=5)
    assert len(page["Subnets"]) == 5
    assert len(ec2.describe_subnets(MaxResults=5, NextToken=page["NextToken"])["Subnets"]) == 5
    for size in (4, 1001):
        refused("InvalidParameterValue", ec2.describe_subnets, MaxResults=size)
    refused("InvalidNextToken", ec2.describe_subnets, NextToken="nonsense")


def test_iam_lists(aws: AwsServer, iam: Any) -> None:
    names = [f"role-{number}" for number in range(5)]
    for name in names:
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=EC2_TRUST, Tags=[{"Key": name, "Value": "v"}])
        iam.put_role_policy(RoleName=names[0], PolicyName=name, PolicyDocument=ALLOW_ALL)
        arn = iam.create_policy(PolicyName=name, PolicyDocument=ALLOW_ALL)["Policy"]["Arn"]
        iam.attach_role_policy(RoleName=names[0], PolicyArn=arn)
        iam.tag_role(RoleName=names[0], Tags=[{"Key": name, "Value": "v"}])
    aws.settings(page_size=2)
    first = iam.list_roles()
    assert (len(first["Roles"]), first["IsTruncated"], bool(first["Marker"])) == (2, True, True)
    assert [role["RoleName"] for role in _all(iam, "list_roles", "Roles")] == names
    assert _all(iam, "list_role_policies", "PolicyNames", RoleName=names[0]) == names
    attached = _all(iam, "list_attached_role_policies", "AttachedPolicies", RoleName=names[0])
    assert [policy["PolicyName"] for policy in attached] == names
    assert [tag["Key"] for tag in _all(iam, "list_role_tags", "Tags", RoleName=names[0])] == names


def test_default_page_of_iam(aws: AwsServer, iam: Any) -> None:
    for number in range(101):
        iam.create_role(RoleName=f"role-{number:03}", AssumeRolePolicyDocument=EC2_TRUST)
    first = iam.list_roles()
    assert (len(first["Roles"]), first["IsTruncated"]) == (100, True)
    assert len(iam.list_roles(Marker=first["Marker"])["Roles"]) == 1
    assert len(_all(iam, "list_roles", "Roles")) == 101


def test_eks_lists(aws: AwsServer) -> None:
    names = sorted(f"cluster-{number}" for number in range(3))
    subnets = aws.fixtures(clusters=names)["subnets"]
    eks = aws.client("eks")
    role = "arn:aws:iam::123456789012:role/cluster-0-node"
    for name in ("a", "b"):
        eks.create_nodegroup(clusterName=names[0], nodegroupName=name, subnets=[subnets["private-a"]], nodeRole=role)
    aws.settings(page_size=1)
    assert len(eks.list_clusters()["clusters"]) == 1
    assert _all(eks, "list_clusters", "clusters") == names
    assert _all(eks, "list_nodegroups", "nodegroups", clusterName=names[0]) == ["a", "b", "general"]
    assert _all(eks, "list_fargate_profiles", "fargateProfileNames", clusterName=names[0]) == ["system"]
    aws.settings(page_size=None)
    assert len(eks.list_clusters(maxResults=2)["clusters"]) == 2


@pytest.mark.parametrize("service", ["iam", "eks"])
def test_invalid_token(aws: AwsServer, refused: Refused, service: str) -> None:
    client = aws.client(service)
    if service == "iam":
        refused("ValidationError", client.list_roles, Marker="nonsense")
    else:
        refused("InvalidParameterException", client.list_clusters, nextToken="nonsense")
