# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The fixtures' VPC as tests of subnet_tags use it, and what they ask of results."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.ekspress.eks.plugins.module_utils._subnet_tags import LOGIC
from ansible_collections.ekspress.eks.tests.integration.eks_clusters import written
from ansible_collections.ekspress.eks.tests.support import run_logic

from sandbox.aws.client import UNWANTED, AwsServer

ELB, INTERNAL = "kubernetes.io/role/elb", "kubernetes.io/role/internal-elb"
BLUE, LEGACY = "kubernetes.io/cluster/blue", "kubernetes.io/cluster/legacy-green"
with_green = pytest.mark.parametrize("clusters_of_vpc", [["blue", "green"]], ids=["with-green"])
"""A second cluster lives in the VPC, and no tag says so."""

READS = {"eks:DescribeCluster": 1, "ec2:DescribeSubnets": 1, "ec2:DescribeRouteTables": 1}


class Vpc:
    """The fixtures' VPC, by the names of its subnets; built once for all tests that want the same clusters."""

    def __init__(self, aws: AwsServer, clusters: list[str]) -> None:
        aws.reset()
        self.fixtures = aws.fixtures(clusters)
        self.aws, self.ec2, self.clusters = aws, aws.client("ec2"), clusters
        self.vpc_id: str = self.fixtures["vpc_id"]
        self.ids: dict[str, str] = self.fixtures["subnets"]
        self.remote: dict[str, str] = self.fixtures["remote"]
        self.first_tags = self.tags()

    def serves(self, aws: AwsServer, clusters: list[str]) -> bool:
        """Whether it is this server's, with these clusters, and the server still has it."""
        return self.aws is aws and self.clusters == clusters and self.aws.admin("GET", "fixtures") == self.fixtures

    def restore(self) -> None:
        """Put back what the tests change: tags, faults, settings, a cluster's status; and forget the calls."""
        self.aws.clear_faults()
        self.aws.settings(page_size=None)
        self.aws.cluster("blue", status="ACTIVE")
        for name, tags in self.tags().items():
            first = self.first_tags[name]
            self.remove(name, *(key for key in tags if key not in first))
            changed = {key: value for key, value in first.items() if tags.get(key) != value}
            if changed:
                self.put(name, **changed)
        self.aws.clear_calls()

    def tags(self) -> dict[str, dict[str, str]]:
        """All tags by subnet name, read past the module."""
        described = self.ec2.describe_subnets(SubnetIds=list(self.ids.values()))["Subnets"]
        by_id = {item["SubnetId"]: {tag["Key"]: tag["Value"] for tag in item["Tags"]} for item in described}
        return {name: by_id[subnet_id] for name, subnet_id in self.ids.items()}

    def put(self, name: str, **tags: str) -> None:
        described = [{"Key": key, "Value": value} for key, value in tags.items()]
        self.ec2.create_tags(Resources=[self.ids[name]], Tags=described)
        self.aws.clear_calls()

    def remove(self, name: str, *keys: str) -> None:
        if keys:
            self.ec2.delete_tags(Resources=[self.ids[name]], Tags=[{"Key": key} for key in keys])
        self.aws.clear_calls()

    def with_tag(self, key: str) -> set[str]:
        return {name for name, tags in self.tags().items() if key in tags}

    def named(self, result: dict[str, Any]) -> dict[str, dict[str, Any]]:
        names = {subnet_id: name for name, subnet_id in self.ids.items()}
        return {names[subnet["subnet_id"]]: subnet for subnet in result["subnets"]}


_built: list[Vpc] = []


def vpc_with(aws: AwsServer, clusters: list[str], monkeypatch: pytest.MonkeyPatch) -> Vpc:
    """The VPC as the fixtures made it, with these clusters; the environment leads every SDK to its server."""
    for name in UNWANTED:
        monkeypatch.delenv(name, raising=False)
    for name, value in aws.environment.items():
        monkeypatch.setenv(name, value)
    if not (_built and _built[-1].serves(aws, clusters)):
        _built.append(Vpc(aws, clusters))
    _built[-1].restore()
    return _built[-1]


def tag(*, check: bool = False, diff: bool = False, **params: Any) -> dict[str, Any]:
    return run_logic(LOGIC, {"cluster": "blue", **params}, check=check, diff=diff)


def assert_nothing_written(result: dict[str, Any], aws: AwsServer, *texts: str) -> None:
    assert result.get("failed"), result
    assert not result["changed"]
    for text in texts:
        assert text in result["msg"]
    assert written(aws) == []
