# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The log of calls."""

from __future__ import annotations

from typing import Any

from sandbox.aws.client import AwsServer
from tests.sandbox.aws.policies import EC2_TRUST, Refused, trust


def test_a_call_has_all_that_tests_count(aws: AwsServer, iam: Any, refused: Refused) -> None:
    iam.create_role(RoleName="a", AssumeRolePolicyDocument=EC2_TRUST, Tags=[{"Key": "k", "Value": "v"}])
    refused("NoSuchEntity", iam.get_role, RoleName="b")
    create, read = aws.calls()
    assert create["service"] == "iam"
    assert create["operation"] == "CreateRole"
    assert create["region"] == "eu-central-1"
    assert create["parameters"]["RoleName"] == "a"
    assert create["parameters"]["Tags"] == [{"Key": "k", "Value": "v"}]
    assert create["account"] == "123456789012"
    assert (create["write"], create["status"], create["error"]) == (True, 200, None)
    assert (read["write"], read["status"], read["error"]) == (False, 404, "NoSuchEntity")
    assert read["sequence"] == create["sequence"] + 1
    assert create["started"] <= create["ended"] <= read["started"] <= read["ended"]


def test_parameters_of_every_protocol(aws: AwsServer, ec2: Any) -> None:
    ec2.describe_subnets(Filters=[{"Name": "vpc-id", "Values": ["vpc-1"]}], MaxResults=7)
    aws.client("eks").list_clusters(maxResults=3)
    aws.client("route53").create_hosted_zone(Name="example.com", CallerReference="x")
    aws.client("acm").list_certificates(CertificateStatuses=["ISSUED"])
    found = {call["operation"]: call["parameters"] for call in aws.calls()}
    assert found["DescribeSubnets"] == {"Filters": [{"Name": "vpc-id", "Values": ["vpc-1"]}], "MaxResults": 7}
    assert found["ListClusters"]["maxResults"] == 3
    assert found["CreateHostedZone"]["Name"] == "example.com"
    assert found["ListCertificates"] == {"CertificateStatuses": ["ISSUED"]}


def test_filters(aws: AwsServer, ec2: Any, iam: Any, refused: Refused) -> None:
    ec2.create_vpc(CidrBlock="10.0.0.0/16")
    ec2.describe_vpcs()
    refused("NoSuchEntity", iam.delete_role, RoleName="b")
    assert [call["operation"] for call in aws.calls(writes=True)] == ["CreateVpc", "DeleteRole"]
    assert [call["operation"] for call in aws.calls(writes=False)] == ["DescribeVpcs"]
    assert [call["operation"] for call in aws.calls(writes=True, failed=False)] == ["CreateVpc"]
    assert [call["operation"] for call in aws.calls(service="ec2")] == ["CreateVpc", "DescribeVpcs"]
    assert len(aws.calls("DescribeVpcs")) == 1
    aws.clear_calls()
    assert aws.calls() == []


def test_dry_run_is_no_write(aws: AwsServer, ec2: Any, subnet: str, refused: Refused) -> None:
    tags = [{"Key": "a", "Value": "b"}]
    refused("DryRunOperation", ec2.create_tags, Resources=[subnet], Tags=tags, DryRun=True)
    assert [call["write"] for call in aws.calls("CreateTags")] == [False]
    assert ec2.describe_tags(Filters=[{"Name": "resource-id", "Values": [subnet]}])["Tags"] == []


def test_assumed_role_is_the_caller(aws: AwsServer) -> None:
    other = aws.account("210987654321")
    iam = aws.client("iam", credentials=other)
    role = iam.create_role(
        RoleName="target", AssumeRolePolicyDocument=trust({"AWS": "arn:aws:iam::123456789012:root"})
    )["Role"]["Arn"]
    keys = aws.client("sts").assume_role(RoleArn=role, RoleSessionName="session")["Credentials"]
    aws.clear_calls()
    aws.client("ec2", credentials=keys).describe_vpcs()
    (call,) = aws.calls()
    assert call["account"] == "210987654321"
    assert call["caller"] == "arn:aws:sts::210987654321:assumed-role/target/session"
    assert call["access_key"] == keys["AccessKeyId"]


def test_no_secret_is_logged(aws: AwsServer, refused: Refused) -> None:
    other = aws.account("210987654321")
    aws.client("sts", credentials=other).get_caller_identity()
    token = "a-web-identity-token"
    refused(
        "AccessDenied",
        aws.client("sts").assume_role_with_web_identity,
        RoleArn="arn:aws:iam::123456789012:role/x",
        RoleSessionName="session",
        WebIdentityToken=token,
    )
    assert [call["operation"] for call in aws.calls()] == ["GetCallerIdentity", "AssumeRoleWithWebIdentity"]
    text = str(aws.calls())
    assert other["secret_access_key"] not in text
    assert token not in text
    assert "Signature" not in text
