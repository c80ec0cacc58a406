# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""EKS clusters, bearer tokens, STS and the fixtures."""

from __future__ import annotations

import re
from typing import Any

import boto3
import pytest

from sandbox.aws.client import AwsServer
from tests.sandbox.aws.policies import ACCOUNT, Refused, trust

ISSUER = r"https://oidc\.eks\.eu-central-1\.amazonaws\.com/id/[0-9A-F]{32}"


def _cluster(aws: AwsServer, name: str = "sandbox-blue") -> dict[str, Any]:
    described: dict[str, Any] = aws.client("eks").describe_cluster(name=name)["cluster"]
    return described


def test_unknown_cluster(aws: AwsServer, refused: Refused) -> None:
    eks = aws.client("eks")
    for call, arguments in (
        (eks.describe_cluster, {"name": "none"}),
        (eks.list_nodegroups, {"clusterName": "none"}),
        (eks.list_fargate_profiles, {"clusterName": "none"}),
        (eks.describe_nodegroup, {"clusterName": "none", "nodegroupName": "x"}),
    ):
        error = refused("ResourceNotFoundException", call, **arguments)
        assert "No cluster found for name: none." in str(error)
        assert error.response["ResponseMetadata"]["HTTPStatusCode"] == 404


def test_described_as_aws_does(aws: AwsServer) -> None:
    fixtures = aws.fixtures(clusters=["production-blue", "production-green"])
    blue, green = _cluster(aws, "production-blue"), _cluster(aws, "production-green")
    assert blue["arn"] == f"arn:aws:eks:eu-central-1:{ACCOUNT}:cluster/production-blue"
    assert re.fullmatch(ISSUER, blue["identity"]["oidc"]["issuer"])
    assert blue["identity"] != green["identity"]
    config = blue["resourcesVpcConfig"]
    assert config["vpcId"] == fixtures["vpc_id"]
    assert config["clusterSecurityGroupId"] == fixtures["clusters"]["production-blue"]["cluster_security_group"]
    group = aws.client("ec2").describe_security_groups(GroupIds=[config["clusterSecurityGroupId"]])
    assert {"Key": "kubernetes.io/cluster/production-blue", "Value": "owned"} in group["SecurityGroups"][0]["Tags"]
    own = [{"GroupId": config["clusterSecurityGroupId"], "UserId": ACCOUNT}]
    (into,) = group["SecurityGroups"][0]["IpPermissions"]
    assert (into["IpProtocol"], into["UserIdGroupPairs"], into["IpRanges"]) == ("-1", own, [])
    out = group["SecurityGroups"][0]["IpPermissionsEgress"]
    assert {rule["IpProtocol"] for rule in out} == {"-1"}
    assert [pair for rule in out for pair in rule["UserIdGroupPairs"]] == own
    assert [found["CidrIp"] for rule in out for found in rule["IpRanges"]] == ["0.0.0.0/0"]
    assert blue["accessConfig"] == {"authenticationMode": "API_AND_CONFIG_MAP"}
    assert blue["computeConfig"] == {"enabled": False}
    assert blue["upgradePolicy"] == {"supportType": "EXTENDED"}
    assert blue["kubernetesNetworkConfig"]["serviceIpv4Cidr"] == "172.20.0.0/16"
    assert blue["kubernetesNetworkConfig"]["ipFamily"] == "ipv4"
    assert blue["health"] == {"issues": []}
    assert blue["status"] == "ACTIVE"


def test_china_has_its_own_partition_and_domain(aws: AwsServer) -> None:
    ec2 = aws.client("ec2", region="cn-north-1")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{n}.0/24", AvailabilityZone=f"cn-north-1{zone}")["Subnet"]
        for n, zone in enumerate("ab")
    ]
    cluster = aws.client("eks", region="cn-north-1").create_cluster(
        name="blue",
        roleArn=f"arn:aws-cn:iam::{ACCOUNT}:role/eks",
        resourcesVpcConfig={"subnetIds": [subnet["SubnetId"] for subnet in subnets]},
    )["cluster"]
    assert cluster["arn"] == f"arn:aws-cn:eks:cn-north-1:{ACCOUNT}:cluster/blue"
    assert cluster["identity"]["oidc"]["issuer"].startswith("https://oidc.eks.cn-north-1.amazonaws.com.cn/id/")
    assert cluster["accessConfig"] == {"authenticationMode": "CONFIG_MAP"}


def test_cluster_needs_two_zones_that_exist(aws: AwsServer, refused: Refused) -> None:
    subnets = aws.fixtures()["subnets"]
    create = aws.client("eks").create_cluster
    for ids in ([subnets["private-a"], subnets["public-a"]], [subnets["private-a"], "subnet-none"]):
        refused(
            "InvalidParameterException",
            create,
            name="x",
            roleArn=f"arn:aws:iam::{ACCOUNT}:role/eks-cluster",
            resourcesVpcConfig={"subnetIds": ids},
        )


def test_settings_of_a_cluster(aws: AwsServer) -> None:
    aws.fixtures()
    aws.cluster(
        "sandbox-blue",
        endpoint="https://127.0.0.1:6443",
        ca_data="Q0E=",
        status="FAILED",
        issuer="https://127.0.0.1:6443",
        access_config={"authenticationMode": "CONFIG_MAP"},
        compute_config={"enabled": True},
        health={"issues": [{"code": "Other", "message": "broken", "resourceIds": ["x"]}]},
    )
    cluster = _cluster(aws)
    assert cluster["endpoint"] == "https://127.0.0.1:6443"
    assert cluster["certificateAuthority"] == {"data": "Q0E="}
    assert cluster["status"] == "FAILED"
    assert cluster["identity"]["oidc"]["issuer"] == "https://127.0.0.1:6443"
    assert cluster["accessConfig"]["authenticationMode"] == "CONFIG_MAP"
    assert cluster["computeConfig"]["enabled"] is True
    assert cluster["health"]["issues"][0]["message"] == "broken"


def test_presigned_url_is_answered(aws: AwsServer) -> None:
    url = boto3.client("sts").generate_presigned_url("get_caller_identity", HttpMethod="GET")
    assert url.startswith(aws.endpoint)
    with aws.open(url) as answer:
        assert f"<Account>{ACCOUNT}</Account>" in answer.read().decode()
    assert [call["operation"] for call in aws.calls()] == ["GetCallerIdentity"]


def test_assume_role_with_external_id(aws: AwsServer, refused: Refused) -> None:
    remote = aws.fixtures()["remote"]
    sts = aws.client("sts")
    role = {"RoleArn": remote["role_arn"], "RoleSessionName": "session"}
    error = refused("AccessDenied", sts.assume_role, **role)
    assert f"is not authorized to perform: sts:AssumeRole on resource: {remote['role_arn']}" in str(error)
    refused("AccessDenied", sts.assume_role, **role, ExternalId="wrong")
    keys = sts.assume_role(**role, ExternalId=remote["external_id"])["Credentials"]
    identity = aws.client("sts", credentials=keys).get_caller_identity()
    assert identity["Account"] == remote["account"]
    assert identity["Arn"] == f"arn:aws:sts::{remote['account']}:assumed-role/platform-operator/session"
    eks = aws.client("eks", region=remote["region"], credentials=keys)
    assert eks.describe_cluster(name=remote["cluster"])["cluster"]["arn"] == remote["cluster_arn"]
    refused(
        "ResourceNotFoundException", aws.client("eks", region=remote["region"]).describe_cluster, name="remote-blue"
    )


def test_assume_role_that_is_not_there_or_does_not_trust(aws: AwsServer, iam: Any, refused: Refused) -> None:
    sts = aws.client("sts")
    missing = f"arn:aws:iam::{ACCOUNT}:role/missing"
    refused("AccessDenied", sts.assume_role, RoleArn=missing, RoleSessionName="session")
    principals: dict[str, Any] = {
        "service": {"Service": "ec2.amazonaws.com"},
        "other": {"AWS": "arn:aws:iam::210987654321:root"},
    }
    for name, principal in principals.items():
        arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust(principal))["Role"]["Arn"]
        refused("AccessDenied", sts.assume_role, RoleArn=arn, RoleSessionName="session")
    here = iam.create_role(RoleName="here", AssumeRolePolicyDocument=trust({"AWS": ACCOUNT}))["Role"]["Arn"]
    refused("ValidationError", sts.assume_role, RoleArn=here, RoleSessionName="session", DurationSeconds=7200)
    keys = sts.assume_role(RoleArn=here, RoleSessionName="session")["Credentials"]
    # A role may trust a role: chaining.
    chained = iam.create_role(RoleName="chained", AssumeRolePolicyDocument=trust({"AWS": here}))["Role"]["Arn"]
    refused("AccessDenied", sts.assume_role, RoleArn=chained, RoleSessionName="session")
    aws.client("sts", credentials=keys).assume_role(RoleArn=chained, RoleSessionName="session")


def test_denied_by_statement(aws: AwsServer, iam: Any, refused: Refused) -> None:
    document = trust({"AWS": ACCOUNT}).replace(
        '"Statement": [', '"Statement": [{"Effect": "Deny", "Principal": "*", "Action": "sts:*"}, '
    )
    arn = iam.create_role(RoleName="a", AssumeRolePolicyDocument=document)["Role"]["Arn"]
    refused("AccessDenied", aws.client("sts").assume_role, RoleArn=arn, RoleSessionName="session")


@pytest.mark.parametrize("region", ["eu-central-1", "us-east-1", "ap-southeast-2"])
def test_fixtures(aws: AwsServer, region: str) -> None:
    fixtures = aws.fixtures(clusters=["staging-blue"], region=region)
    assert aws.calls() == []
    ec2 = aws.client("ec2", region=region)
    subnets, tables = fixtures["subnets"], fixtures["route_tables"]
    assert ("local-zone" in subnets) == (region != "ap-southeast-2")
    shown = {subnet["SubnetId"]: subnet for subnet in ec2.describe_subnets()["Subnets"]}
    zones = {shown[subnets[f"public-{zone}"]]["AvailabilityZone"] for zone in "abc"}
    assert len(zones) == 3
    routes: dict[str, set[tuple[str, str]]] = {}
    associated: dict[str, str] = {}
    for table in ec2.describe_route_tables(RouteTableIds=list(tables.values()))["RouteTables"]:
        routes[table["RouteTableId"]] = {
            (route.get("DestinationCidrBlock") or route["DestinationIpv6CidrBlock"], target.split("-")[0])
            for route in table["Routes"]
            for target in (route.get("GatewayId"), route.get("NatGatewayId"))
            if target and target != "local"
        }
        for association in table["Associations"]:
            associated[association.get("SubnetId", "main")] = table["RouteTableId"]
    assert associated["main"] == tables["main"]
    assert subnets["public-c"] not in associated
    assert routes[tables["main"]] == {("0.0.0.0/0", "igw")}
    assert routes[associated[subnets["public-a"]]] == {("0.0.0.0/0", "igw"), ("::/0", "igw")}
    assert routes[associated[subnets["ipv6-public-b"]]] == {("::/0", "igw")}
    assert routes[associated[subnets["private-c"]]] == {("0.0.0.0/0", "nat")}
    assert routes[associated[subnets["database-a"]]] == set()
    eks = aws.client("eks", region=region)
    group = eks.describe_nodegroup(clusterName="staging-blue", nodegroupName="general")["nodegroup"]
    assert group["nodeRole"] == fixtures["clusters"]["staging-blue"]["node_role_arn"]
    profile = eks.describe_fargate_profile(clusterName="staging-blue", fargateProfileName="system")["fargateProfile"]
    assert profile["podExecutionRoleArn"] == fixtures["clusters"]["staging-blue"]["fargate_role_arn"]
    zone = aws.client("route53").get_hosted_zone(Id=fixtures["hosted_zones"]["private"])
    assert zone["HostedZone"]["Config"]["PrivateZone"] is True
    assert zone["VPCs"][0]["VPCId"] == fixtures["vpc_id"]


def test_clusters_can_be_added(aws: AwsServer) -> None:
    before = aws.fixtures(clusters=["a-blue"])
    after = aws.fixtures(clusters=["a-blue", "a-green"])
    assert after["vpc_id"] == before["vpc_id"]
    assert after["clusters"]["a-blue"] == before["clusters"]["a-blue"]
    assert _cluster(aws, "a-green")["resourcesVpcConfig"]["vpcId"] == before["vpc_id"]
