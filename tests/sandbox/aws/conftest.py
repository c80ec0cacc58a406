# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the tests of the sandbox's AWS share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sandbox.aws.client import AwsServer
from tests.sandbox.aws.policies import Refused
from tests.sandbox.aws.zones import Zone


@pytest.fixture
def refused() -> Refused:
    """Call something that AWS must refuse with this code; return the error."""

    def call(code: str, function: Callable[..., Any], **arguments: Any) -> ClientError:
        with pytest.raises(ClientError) as caught:
            function(**arguments)
        assert caught.value.response["Error"]["Code"] == code, caught.value
        return caught.value

    return call


@pytest.fixture
def iam(aws: AwsServer) -> Any:
    """A client of IAM; the server must hold whatever a client lets pass."""
    return aws.client("iam", validate=False)


@pytest.fixture
def ec2(aws: AwsServer) -> Any:
    """A client of EC2; the server must hold whatever a client lets pass."""
    return aws.client("ec2", validate=False)


@pytest.fixture
def subnet(ec2: Any) -> str:
    """One subnet, without tags."""
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    created: str = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.0.0/24")["Subnet"]["SubnetId"]
    return created


@pytest.fixture
def route53(aws: AwsServer) -> Any:
    """A client of Route 53; the server must hold whatever a client lets pass."""
    return aws.client("route53", validate=False)


@pytest.fixture
def zone(route53: Any) -> Zone:
    """The hosted zone example.com."""
    return Zone(route53)
