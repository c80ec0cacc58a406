# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""An EKS cluster as DescribeCluster tells it: the start of every module that is given a cluster's name."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from typing import Any

from ansible_collections.ekspress.eks.plugins.module_utils._aws import Aws, error_code
from ansible_collections.ekspress.eks.plugins.module_utils._errors import EksError

NAME = re.compile(r"[0-9A-Za-z][0-9A-Za-z_-]{0,99}")
"""https://docs.aws.amazon.com/eks/latest/APIReference/API_CreateCluster.html"""


@dataclass(frozen=True)
class Cluster:
    """The parts of a cluster's description that modules use; ``described`` is AWS's whole answer."""

    name: str
    arn: str
    status: str
    version: str
    endpoint: str
    ca_certificate: str
    """PEM text; '' before the control plane exists."""
    issuer: str
    """The OIDC issuer's URL, https://oidc.eks.REGION.…/id/ID; '' where there is none."""
    vpc_id: str
    subnet_ids: tuple[str, ...]
    authentication_mode: str
    """CONFIG_MAP, API or API_AND_CONFIG_MAP."""
    auto_mode: bool
    described: dict[str, Any]

    @property
    def partition(self) -> str:
        return self.arn.split(":")[1]

    @property
    def region(self) -> str:
        return self.arn.split(":")[3]

    @property
    def account(self) -> str:
        return self.arn.split(":")[4]


def check_name(name: str) -> None:
    """Raise EksError where ``name`` cannot be an EKS cluster's name."""
    if not NAME.fullmatch(name):
        raise EksError(
            f"{name!r} is not an EKS cluster name: 1 to 100 letters, digits, hyphens and underscores, "
            "starting with a letter or digit. Give the name, not the ARN."
        )


def describe(aws: Aws, name: str) -> Cluster:
    """Read a cluster (one call of eks:DescribeCluster).

    Raises EksError, naming the clusters there are if this one is unknown; AWS's own error is its ``__cause__``.
    """
    check_name(name)
    eks = aws.client("eks")
    try:
        answer = aws.call(eks, "describe_cluster", name=name)
    except EksError as error:
        if error_code(error) != "ResourceNotFoundException":
            raise
        raise EksError(_unknown(aws, name)) from error.__cause__
    return from_description(answer["cluster"])


def _unknown(aws: Aws, name: str) -> str:
    try:
        names = sorted(aws.pages(aws.client("eks"), "list_clusters", "clusters"))
    except EksError:
        return f"There is no EKS cluster {name!r} in {aws.region}. Check the name, the region and the AWS account."
    there = ", ".join(names) if names else "none"
    return (
        f"There is no EKS cluster {name!r} in {aws.region}; the clusters there are: {there}. "
        "Check the name, the region and the AWS account."
    )


def from_description(described: dict[str, Any]) -> Cluster:
    """A Cluster from the ``cluster`` of DescribeCluster's answer."""
    network = described.get("resourcesVpcConfig", {})
    ca_data = described.get("certificateAuthority", {}).get("data") or ""
    return Cluster(
        name=described["name"],
        arn=described["arn"],
        status=described.get("status", ""),
        version=described.get("version", ""),
        endpoint=described.get("endpoint") or "",
        ca_certificate=base64.b64decode(ca_data).decode("utf-8", "replace"),
        issuer=described.get("identity", {}).get("oidc", {}).get("issuer") or "",
        vpc_id=network.get("vpcId") or "",
        subnet_ids=tuple(network.get("subnetIds", [])),
        authentication_mode=described.get("accessConfig", {}).get("authenticationMode") or "CONFIG_MAP",
        auto_mode=bool(described.get("computeConfig", {}).get("enabled")),
        described=described,
    )


def health_issues(described: dict[str, Any]) -> list[dict[str, Any]]:
    """What EKS says is wrong with a cluster, node group or Fargate profile: code, message and resource_ids of each."""
    return [
        {
            "code": issue.get("code", ""),
            "message": issue.get("message", ""),
            "resource_ids": sorted(issue.get("resourceIds", [])),
        }
        for issue in described.get("health", {}).get("issues", [])
    ]


def issues_text(cluster: Cluster) -> str:
    """The cluster's health issues for a message, in brackets after a space; '' where there are none."""
    issues = "; ".join(f"{issue['code']}: {issue['message']}" for issue in health_issues(cluster.described))
    return f" ({issues})" if issues else ""


def require_active(cluster: Cluster) -> None:
    """Raise EksError unless the cluster's status is ACTIVE or UPDATING (its API answers then)."""
    if cluster.status in ("ACTIVE", "UPDATING"):
        return
    step = (
        "See the EKS console for the reason" if cluster.status == "FAILED" else "Wait until it is ACTIVE and run again"
    )
    raise EksError(
        f"EKS cluster {cluster.name!r} is {cluster.status}{issues_text(cluster)}. {step}; nothing was changed."
    )
