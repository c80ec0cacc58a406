# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The fault table: each effect, in each protocol's shape."""

from __future__ import annotations

import time
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ConnectionClosedError

from sandbox.aws.client import AwsServer
from tests.sandbox.aws.policies import EC2_TRUST, Refused

CALLS: list[tuple[str, str, dict[str, Any]]] = [
    ("ec2", "describe_subnets", {}),
    ("iam", "get_role", {"RoleName": "a"}),
    ("sts", "get_caller_identity", {}),
    ("eks", "describe_cluster", {"name": "a"}),
    ("sqs", "list_queues", {}),
    ("route53", "list_hosted_zones", {}),
    ("elbv2", "describe_load_balancers", {}),
]
THROTTLES = [
    "RequestLimitExceeded",
    "Throttling",
    "Throttling",
    "ThrottlingException",
    "RequestThrottled",
    "Throttling",
    "Throttling",
]
DENIALS = [
    "UnauthorizedOperation",
    "AccessDenied",
    "AccessDenied",
    "AccessDeniedException",
    "AccessDenied",
    "AccessDenied",
    "AccessDenied",
]


@pytest.mark.parametrize(("call", "code"), list(zip(CALLS, THROTTLES, strict=True)), ids=[call[0] for call in CALLS])
def test_throttle(aws: AwsServer, refused: Refused, call: tuple[str, str, dict[str, Any]], code: str) -> None:
    service, method, arguments = call
    aws.fault("*", "throttle", service=service)
    error = refused(code, getattr(aws.client(service), method), **arguments)
    assert "xceeded" in str(error) or "throttled" in str(error)
    assert [seen["error"] for seen in aws.calls()] == [code]
    assert [seen["fault"] for seen in aws.calls()] == ["throttle"]


@pytest.mark.parametrize(("call", "code"), list(zip(CALLS, DENIALS, strict=True)), ids=[call[0] for call in CALLS])
def test_deny(aws: AwsServer, refused: Refused, call: tuple[str, str, dict[str, Any]], code: str) -> None:
    service, method, arguments = call
    aws.fault("*", "deny", service=service)
    error = refused(code, getattr(aws.client(service), method), **arguments)
    operation = aws.calls()[0]["operation"]
    assert f"is not authorized to perform: {service}:{operation}" in str(error)


def test_denial_names_the_resource(aws: AwsServer, iam: Any, refused: Refused) -> None:
    aws.fault("GetRole", "deny")
    error = refused("AccessDenied", iam.get_role, RoleName="reader")
    assert "on resource: arn:aws:iam::123456789012:role/reader" in str(error)


def test_botocore_retries_a_throttled_call(aws: AwsServer) -> None:
    aws.fault("DescribeVpcs", "throttle", times=2)
    config = Config(retries={"mode": "standard", "max_attempts": 3})
    client = boto3.Session().client("ec2", config=config)
    assert client.describe_vpcs()["Vpcs"]
    assert [call["error"] for call in aws.calls()] == ["RequestLimitExceeded", "RequestLimitExceeded", None]


def test_nth_times_and_match(aws: AwsServer, iam: Any, refused: Refused) -> None:
    for name in ("a", "b"):
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=EC2_TRUST)
    aws.fault(
        "Get*", "error", service="iam", code="ServiceFailure", status=500, match={"RoleName": "a"}, nth=2, times=2
    )
    iam.get_role(RoleName="a")
    iam.get_role(RoleName="b")
    refused("ServiceFailure", iam.get_role, RoleName="a")
    iam.get_role(RoleName="b")
    refused("ServiceFailure", iam.get_role, RoleName="a")
    iam.get_role(RoleName="a")
    (rule,) = aws.faults()
    assert (rule["seen"], rule["hit"]) == (4, 2)


def test_for_ever_until_lifted(aws: AwsServer, iam: Any, refused: Refused) -> None:
    aws.fault("ListRoles", "deny", times=None)
    for _attempt in range(3):
        refused("AccessDenied", iam.list_roles)
    aws.clear_faults()
    assert iam.list_roles()["Roles"] == []


def test_error_before_anything_is_written(aws: AwsServer, ec2: Any, subnet: str, refused: Refused) -> None:
    aws.fault("CreateTags", "error", code="InternalError", message="An internal error has occurred", status=500)
    error = refused("InternalError", ec2.create_tags, Resources=[subnet], Tags=[{"Key": "a", "Value": "b"}])
    assert error.response["ResponseMetadata"]["HTTPStatusCode"] == 500
    assert "An internal error has occurred" in str(error)
    assert ec2.describe_tags(Filters=[{"Name": "resource-id", "Values": [subnet]}])["Tags"] == []


def test_latency(aws: AwsServer, iam: Any) -> None:
    aws.fault("ListRoles", "latency", seconds=0.3)
    started = time.monotonic()
    iam.list_roles()
    assert time.monotonic() - started >= 0.3
    (call,) = aws.calls()
    assert call["ended"] - call["started"] >= 0.3


def test_latency_and_throttle_together(aws: AwsServer, iam: Any, refused: Refused) -> None:
    aws.fault("ListRoles", "latency", seconds=0.2)
    aws.fault("ListRoles", "throttle")
    refused("Throttling", iam.list_roles)
    (call,) = aws.calls()
    assert call["fault"] == "latency,throttle"
    assert call["ended"] - call["started"] >= 0.2


def test_dropped_connection_has_written(aws: AwsServer, iam: Any) -> None:
    aws.fault("CreateRole", "drop_connection")
    with pytest.raises(ConnectionClosedError):
        iam.create_role(RoleName="a", AssumeRolePolicyDocument=EC2_TRUST)
    assert iam.get_role(RoleName="a")["Role"]["RoleName"] == "a"
    assert [(call["status"], call["fault"]) for call in aws.calls("CreateRole")] == [(None, "drop_connection")]


def test_stale_read(aws: AwsServer, iam: Any, refused: Refused) -> None:
    iam.create_role(RoleName="a", AssumeRolePolicyDocument=EC2_TRUST, Description="first")
    iam.update_role(RoleName="a", Description="second")
    aws.fault("GetRole", "stale")
    assert iam.get_role(RoleName="a")["Role"]["Description"] == "first"
    assert iam.get_role(RoleName="a")["Role"]["Description"] == "second"
    iam.delete_role(RoleName="a")
    aws.fault("GetRole", "stale")
    assert iam.get_role(RoleName="a")["Role"]["Description"] == "second"
    refused("NoSuchEntity", iam.get_role, RoleName="a")
