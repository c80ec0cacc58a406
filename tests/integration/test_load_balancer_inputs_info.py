# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""load_balancer_inputs_info against the AWS server: what it reads, how often, and what it says."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.ekspress.eks.plugins.module_utils._load_balancer_inputs_info import LOGIC
from ansible_collections.ekspress.eks.tests.integration.certificates import imported
from ansible_collections.ekspress.eks.tests.integration.eks_clusters import counted, written
from ansible_collections.ekspress.eks.tests.support import run_logic

from sandbox.aws.client import AwsServer

REGION = "eu-central-1"


class Ground:
    """A VPC, and what load balancers may use."""

    def __init__(self, aws: AwsServer) -> None:
        self.aws = aws
        self.vpc: str = aws.client("ec2").create_vpc(CidrBlock="10.42.0.0/16")["Vpc"]["VpcId"]

    def group(self, vpc: str = "") -> str:
        ec2 = self.aws.client("ec2")
        made = ec2.create_security_group(GroupName="web", Description="web", VpcId=vpc or self.vpc)
        return str(made["GroupId"])

    def web_acl(self, scope: str = "REGIONAL") -> str:
        shown = {"SampledRequestsEnabled": False, "CloudWatchMetricsEnabled": False, "MetricName": "web"}
        region: dict[str, Any] = {} if scope == "REGIONAL" else {"region": "us-east-1"}
        waf = self.aws.client("wafv2", **region)
        made = waf.create_web_acl(Name="web", Scope=scope, DefaultAction={"Allow": {}}, VisibilityConfig=shown)
        return str(made["Summary"]["ARN"])

    def look(self, *load_balancers: dict[str, Any], **options: Any) -> dict[str, Any]:
        self.aws.clear_calls()
        return run_logic(LOGIC, {"vpc_id": self.vpc, "load_balancers": list(load_balancers), **options})


@pytest.fixture
def ground(aws: AwsServer) -> Ground:
    return Ground(aws)


def said(result: dict[str, Any]) -> list[tuple[str, str, str]]:
    return [(item["load_balancer"], item["option"], item["value"]) for item in result["problems"]]


def test_without_load_balancers_only_the_vpc_is_read(ground: Ground) -> None:
    assert ground.look() == {"changed": False, "vpc_cidrs": ["10.42.0.0/16"], "problems": []}
    assert counted(ground.aws) == {"ec2:DescribeVpcs": 1}


def test_all_blocks_of_the_vpc_are_told(ground: Ground) -> None:
    ec2 = ground.aws.client("ec2")
    ec2.associate_vpc_cidr_block(VpcId=ground.vpc, CidrBlock="100.64.0.0/16")
    ec2.associate_vpc_cidr_block(VpcId=ground.vpc, AmazonProvidedIpv6CidrBlock=True)
    first, second, sixth = ground.look()["vpc_cidrs"]
    assert (first, second) == ("10.42.0.0/16", "100.64.0.0/16")
    assert ":" in sixth


def test_what_is_there_has_no_problem_and_each_is_read_once(ground: Ground) -> None:
    arn, acl, group = imported(ground.aws, "shop.example.com", "*.example.org"), ground.web_acl(), ground.group()
    both = {"certificates": [arn], "hosts": ["a.example.org"], "web_acl": acl, "security_groups": [group]}
    result = ground.look({"name": "public", **both}, {"name": "internal", **both})
    assert result["problems"] == []
    assert counted(ground.aws) == {
        "ec2:DescribeVpcs": 1,
        "ec2:DescribeSecurityGroups": 1,
        "acm:DescribeCertificate": 1,
        "wafv2:GetWebACL": 1,
    }
    assert written(ground.aws) == []


def test_hosts_find_their_certificates_by_one_list(ground: Ground) -> None:
    imported(ground.aws, "*.example.com")
    assert ground.look({"name": "public", "hosts": ["shop.example.com", "*.example.com"]})["problems"] == []
    assert counted(ground.aws) == {"ec2:DescribeVpcs": 1, "acm:ListCertificates": 1}


def test_a_certificate_is_described_only_where_the_list_has_not_all_its_names(ground: Ground) -> None:
    imported(ground.aws, "example.com", "shop.example.com")
    assert ground.look({"name": "public", "hosts": ["shop.example.com"]})["problems"] == []
    assert counted(ground.aws) == {"ec2:DescribeVpcs": 1, "acm:ListCertificates": 1, "acm:DescribeCertificate": 1}


def test_a_host_that_no_certificate_is_for(ground: Ground) -> None:
    imported(ground.aws, "*.example.com")
    result = ground.look({"name": "public", "hosts": ["example.com", "a.b.example.com", "a.example.com"]})
    assert said(result) == [("public", "hosts", "example.com"), ("public", "hosts", "a.b.example.com")]
    assert f"no certificate that ACM issued in {REGION} is for it" in result["problems"][0]["message"]


def test_certificates_that_are_not_there_or_not_issued(ground: Ground) -> None:
    acm = ground.aws.client("acm")
    asked = acm.request_certificate(DomainName="example.com", ValidationMethod="DNS")["CertificateArn"]
    gone = asked.rpartition("/")[0] + "/00000000-0000-0000-0000-000000000000"
    result = ground.look({"name": "public", "certificates": [asked, gone, "shop"]})
    assert said(result) == [("public", "certificates", value) for value in (asked, gone, "shop")]
    assert "it is not issued yet" in result["problems"][0]["message"]
    assert "there is no such certificate" in result["problems"][1]["message"]
    # What is no ARN is not asked for.
    assert counted(ground.aws)["acm:DescribeCertificate"] == 2


def test_web_acls_of_another_scope_or_region_or_that_are_not_there(ground: Ground) -> None:
    front, own = ground.web_acl("CLOUDFRONT"), ground.web_acl()
    abroad, gone = own.replace(REGION, "eu-west-1"), own[:-1] + "_"
    result = ground.look(*({"name": str(number), "web_acl": acl} for number, acl in enumerate([front, abroad, gone])))
    assert [problem["load_balancer"] for problem in result["problems"]] == ["0", "1", "2"]
    messages = [problem["message"] for problem in result["problems"]]
    assert "CLOUDFRONT" in messages[0]
    assert "eu-west-1" in messages[1]
    assert "there is no such web ACL" in messages[2]
    assert counted(ground.aws)["wafv2:GetWebACL"] == 1


def test_security_groups_of_another_vpc_or_that_are_not_there(ground: Ground) -> None:
    other = ground.aws.client("ec2").create_vpc(CidrBlock="10.43.0.0/16")["Vpc"]["VpcId"]
    foreign = ground.group(other)
    result = ground.look({"name": "public", "security_groups": [ground.group(), foreign, "sg-00000000"]})
    assert said(result) == [("public", "security_groups", foreign), ("public", "security_groups", "sg-00000000")]
    assert other in result["problems"][0]["message"]


def test_a_vpc_that_is_not_there_is_an_error(ground: Ground) -> None:
    result = ground.look(vpc_id="vpc-00000000")
    assert result["failed"]
    assert "there is no VPC 'vpc-00000000' in eu-central-1" in result["msg"]


def test_a_call_that_is_denied_is_named(ground: Ground) -> None:
    ground.aws.fault("ListCertificates", "deny")
    result = run_logic(
        LOGIC, {"vpc_id": ground.vpc, "load_balancers": [{"name": "public", "hosts": ["shop.example.com"]}]}
    )
    assert result["failed"]
    assert "acm:ListCertificates" in result["msg"]
