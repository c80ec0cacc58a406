# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Small clusters for tests, made through the AWS API; and what the server's log says of the calls since."""

from __future__ import annotations

from collections import Counter
from typing import Any

from sandbox.aws.client import AwsServer

ACCOUNT = "123456789012"


def make_cluster(
    aws: AwsServer,
    name: str = "blue",
    region: str | None = None,
    credentials: dict[str, Any] | None = None,
    **more: Any,
) -> dict[str, Any]:
    """Make a cluster in two subnets of the region's default VPC, forget the calls, return DescribeCluster's answer."""
    subnets = aws.client("ec2", region, credentials).describe_subnets()["Subnets"]
    eks = aws.client("eks", region, credentials)
    answer: dict[str, Any] = eks.create_cluster(
        name=name,
        roleArn=f"arn:aws:iam::{ACCOUNT}:role/eks-cluster",
        resourcesVpcConfig={"subnetIds": [subnet["SubnetId"] for subnet in subnets[:2]]},
        **more,
    )
    aws.clear_calls()
    return dict(answer["cluster"])


def counted(aws: AwsServer) -> dict[str, int]:
    """How often the server saw each call since the log was cleared: {"eks:DescribeCluster": 1, …}."""
    return dict(Counter(f"{call['service']}:{call['operation']}" for call in aws.calls()))


def written(aws: AwsServer) -> list[str]:
    """The writes that the server saw since the log was cleared, in their order."""
    return [f"{call['service']}:{call['operation']}" for call in aws.calls(writes=True)]
