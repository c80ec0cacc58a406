# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Load balancers: what AWS refuses, and the names that it gives."""

from __future__ import annotations

import re
from typing import Any

import pytest

from sandbox.aws.client import AwsServer
from tests.sandbox.aws.policies import Refused

FORWARD_404 = [{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404"}}]


@pytest.fixture
def account(aws: AwsServer) -> dict[str, Any]:
    """What a real account has."""
    return aws.fixtures()


@pytest.fixture
def elb(aws: AwsServer, account: dict[str, Any]) -> Any:
    """A client of Elastic Load Balancing; the server must hold whatever a client lets pass."""
    return aws.client("elbv2", validate=False)


@pytest.fixture
def balancer(elb: Any, account: dict[str, Any]) -> dict[str, Any]:
    """A load balancer in two zones."""
    return _create(elb, account)


def _create(elb: Any, account: dict[str, Any], **more: Any) -> dict[str, Any]:
    subnets = [account["subnets"][f"public-{zone}"] for zone in "ab"]
    created: dict[str, Any] = elb.create_load_balancer(**{"Name": "shared", "Subnets": subnets, **more})[
        "LoadBalancers"
    ][0]
    return created


def test_names_and_zones(elb: Any, account: dict[str, Any]) -> None:
    names = set()
    for scheme, prefix in (("internet-facing", ""), ("internal", "internal-"), (None, "")):
        made = _create(elb, account, **({"Scheme": scheme} if scheme else {}))
        assert re.fullmatch(rf"{prefix}shared-\d{{9}}\.eu-central-1\.elb\.amazonaws\.com", made["DNSName"])
        assert made["CanonicalHostedZoneId"] == "Z215JYRZR1TBD5"
        assert made["Scheme"] == (scheme or "internet-facing")
        shown = elb.describe_load_balancers(LoadBalancerArns=[made["LoadBalancerArn"]])["LoadBalancers"][0]
        assert {key: shown[key] for key in ("DNSName", "Scheme")} == {key: made[key] for key in ("DNSName", "Scheme")}
        names.add(made["DNSName"])
        elb.delete_load_balancer(LoadBalancerArn=made["LoadBalancerArn"])
    assert len(names) == 3
    made = _create(elb, account, Type="network", Name="fast", Subnets=[account["subnets"]["public-a"]])
    assert re.fullmatch(r"fast-[0-9a-f]{16}\.elb\.eu-central-1\.amazonaws\.com", made["DNSName"])
    assert made["CanonicalHostedZoneId"] == "Z3F0SRJ5LGBH90"


def test_new_load_balancers(elb: Any, account: dict[str, Any], balancer: dict[str, Any], refused: Refused) -> None:
    subnets = account["subnets"]

    def wrong(code: str, **more: Any) -> None:
        refused(code, lambda: _create(elb, account, **{"Name": "other", **more}))

    wrong("DuplicateLoadBalancerName", Name="shared")
    for name in ("x" * 33, "-a", "a-", "a_b", "internal-a", ""):
        wrong("ValidationError", Name=name)
    wrong("SubnetNotFound", Subnets=[subnets["public-a"], "subnet-00000000000000000"])
    wrong("ValidationError", Subnets=[subnets["public-a"]])
    wrong("InvalidConfigurationRequest", Subnets=[subnets["public-a"], subnets["private-a"]])
    wrong("InvalidSecurityGroup", SecurityGroups=["sg-00000000000000000"])
    _create(elb, account, Name="other", SecurityGroups=[account["security_groups"]["load-balancer"]])


def test_listeners(
    aws: AwsServer, elb: Any, account: dict[str, Any], balancer: dict[str, Any], refused: Refused
) -> None:
    arn, issued = balancer["LoadBalancerArn"], account["certificates"]["wildcard"]
    acm = aws.client("acm")
    pending = acm.request_certificate(DomainName="new.example.com", ValidationMethod="DNS")["CertificateArn"]
    elsewhere = aws.client("acm", region="eu-west-1").request_certificate(DomainName="a.example.com")["CertificateArn"]

    def listener(port: int, certificate: str | None = None, **more: Any) -> dict[str, Any]:
        secure = {"Protocol": "HTTPS", "Certificates": [{"CertificateArn": certificate}]} if certificate else {}
        return {
            "LoadBalancerArn": arn,
            "Port": port,
            "Protocol": "HTTP",
            "DefaultActions": FORWARD_404,
            **secure,
            **more,
        }

    elb.create_listener(**listener(80))
    refused("DuplicateListener", elb.create_listener, **listener(80))
    refused("ValidationError", elb.create_listener, **listener(443, Protocol="HTTPS"))
    refused("CertificateNotFound", elb.create_listener, **listener(443, f"{issued}0"))
    refused("CertificateNotFound", elb.create_listener, **listener(443, elsewhere))
    refused("UnsupportedCertificate", elb.create_listener, **listener(443, pending))
    refused("SSLPolicyNotFound", elb.create_listener, **listener(443, issued, SslPolicy="none"))
    made = elb.create_listener(**listener(443, issued, SslPolicy="ELBSecurityPolicy-TLS13-1-2-2021-06"))
    secure = made["Listeners"][0]["ListenerArn"]
    wanted = {"ListenerArn": secure, "Certificates": [{"CertificateArn": pending}]}
    refused("UnsupportedCertificate", elb.add_listener_certificates, **wanted)
    refused("UnsupportedCertificate", elb.modify_listener, **wanted)
    listed = elb.describe_listener_certificates(ListenerArn=secure)["Certificates"]
    assert [item["CertificateArn"] for item in listed] == [issued]


def test_deletion(
    aws: AwsServer, elb: Any, account: dict[str, Any], balancer: dict[str, Any], refused: Refused
) -> None:
    arn = balancer["LoadBalancerArn"]
    group = elb.create_target_group(Name="group", Protocol="HTTP", Port=80, VpcId=account["vpc_id"])["TargetGroups"][0]
    actions = [{"Type": "forward", "TargetGroupArn": group["TargetGroupArn"]}]
    elb.create_listener(LoadBalancerArn=arn, Port=80, Protocol="HTTP", DefaultActions=actions)
    waf = aws.client("wafv2")
    visibility = {"SampledRequestsEnabled": False, "CloudWatchMetricsEnabled": False, "MetricName": "m"}
    acl = waf.create_web_acl(Name="acl", Scope="REGIONAL", DefaultAction={"Allow": {}}, VisibilityConfig=visibility)
    waf.associate_web_acl(WebACLArn=acl["Summary"]["ARN"], ResourceArn=arn)
    assert waf.get_web_acl_for_resource(ResourceArn=arn)["WebACL"]["Name"] == "acl"

    def protect(value: str) -> None:
        wanted = [{"Key": "deletion_protection.enabled", "Value": value}]
        elb.modify_load_balancer_attributes(LoadBalancerArn=arn, Attributes=wanted)

    protect("true")
    refused("OperationNotPermitted", elb.delete_load_balancer, LoadBalancerArn=arn)
    protect("false")
    elb.delete_load_balancer(LoadBalancerArn=arn)
    (left,) = elb.describe_target_groups()["TargetGroups"]
    assert left.get("LoadBalancerArns", []) == []
    assert "WebACL" not in waf.get_web_acl_for_resource(ResourceArn=arn)
    elb.delete_target_group(TargetGroupArn=group["TargetGroupArn"])


def test_tags(elb: Any, balancer: dict[str, Any], refused: Refused) -> None:
    arn = balancer["LoadBalancerArn"]

    def tags(count: int) -> list[dict[str, str]]:
        return [{"Key": f"k{number}", "Value": "v"} for number in range(count)]

    elb.add_tags(ResourceArns=[arn], Tags=tags(50))
    refused("TooManyTags", elb.add_tags, ResourceArns=[arn], Tags=[{"Key": "more", "Value": "v"}])
    elb.add_tags(ResourceArns=[arn], Tags=[{"Key": "k0", "Value": "w"}])
    (shown,) = elb.describe_tags(ResourceArns=[arn])["TagDescriptions"]
    assert len(shown["Tags"]) == 50
    assert {"Key": "k0", "Value": "w"} in shown["Tags"]
    refused("LoadBalancerNotFound", elb.add_tags, ResourceArns=[f"{arn}0"], Tags=tags(1))
