# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""AWS's descriptions of a cluster, its groups of nodes and Fargate profiles as flat facts in Ansible's spelling."""

from __future__ import annotations

import datetime
from typing import Any

from ansible_collections.ekspress.eks.plugins.module_utils._cluster import Cluster, health_issues

NODE_GROUP_TAG = "eks:nodegroup-name"
"""What EKS sets on the Auto Scaling group of a managed node group, with the node group's name."""


def cluster_facts(cluster: Cluster) -> dict[str, Any]:
    """The facts of a cluster itself, from https://docs.aws.amazon.com/eks/latest/APIReference/API_Cluster.html"""
    described = cluster.described
    vpc = described.get("resourcesVpcConfig", {})
    service = described.get("kubernetesNetworkConfig", {})
    return {
        "name": cluster.name,
        "arn": cluster.arn,
        "partition": cluster.partition,
        "region": cluster.region,
        "account": cluster.account,
        "status": cluster.status,
        "health_issues": health_issues(described),
        "version": cluster.version,
        "platform_version": described.get("platformVersion") or "",
        "created": _timestamp(described.get("createdAt")),
        "endpoint": cluster.endpoint,
        "ca_certificate": cluster.ca_certificate,
        "ca_data": described.get("certificateAuthority", {}).get("data") or "",
        "issuer": cluster.issuer,
        "role_arn": described.get("roleArn") or "",
        "vpc_id": cluster.vpc_id,
        "subnet_ids": sorted(cluster.subnet_ids),
        "security_group_ids": sorted(vpc.get("securityGroupIds", [])),
        "cluster_security_group_id": vpc.get("clusterSecurityGroupId") or "",
        "endpoint_public_access": bool(vpc.get("endpointPublicAccess")),
        "endpoint_private_access": bool(vpc.get("endpointPrivateAccess")),
        "public_access_cidrs": sorted(vpc.get("publicAccessCidrs", [])),
        "ip_family": service.get("ipFamily") or "ipv4",
        "service_cidr": service.get("serviceIpv6Cidr") or service.get("serviceIpv4Cidr") or "",
        "authentication_mode": cluster.authentication_mode,
        "auto_mode": cluster.auto_mode,
        "tags": dict(sorted(described.get("tags", {}).items())),
    }


def node_group_facts(described: dict[str, Any]) -> dict[str, Any]:
    """The facts of a managed node group, from https://docs.aws.amazon.com/eks/latest/APIReference/API_Nodegroup.html"""
    scaling = described.get("scalingConfig", {})
    groups = (described.get("resources") or {}).get("autoScalingGroups", [])
    return {
        "name": described["nodegroupName"],
        "arn": described.get("nodegroupArn") or "",
        "status": described.get("status") or "",
        "health_issues": health_issues(described),
        "version": described.get("version") or "",
        "node_role_arn": described.get("nodeRole") or "",
        "ami_type": described.get("amiType") or "",
        "capacity_type": described.get("capacityType") or "",
        "instance_types": list(described.get("instanceTypes") or []),
        "auto_scaling_group_names": sorted(group["name"] for group in groups),
        "subnet_ids": sorted(described.get("subnets") or []),
        "labels": dict(sorted((described.get("labels") or {}).items())),
        "taints": [
            {"key": taint.get("key", ""), "value": taint.get("value", ""), "effect": taint.get("effect", "")}
            for taint in described.get("taints") or []
        ],
        "scaling": {
            "min_size": scaling.get("minSize"),
            "max_size": scaling.get("maxSize"),
            "desired_size": scaling.get("desiredSize"),
        },
        "tags": dict(sorted((described.get("tags") or {}).items())),
    }


def fargate_profile_facts(described: dict[str, Any]) -> dict[str, Any]:
    """The facts of a profile, from https://docs.aws.amazon.com/eks/latest/APIReference/API_FargateProfile.html"""
    return {
        "name": described["fargateProfileName"],
        "arn": described.get("fargateProfileArn") or "",
        "status": described.get("status") or "",
        "health_issues": health_issues(described),
        "pod_execution_role_arn": described.get("podExecutionRoleArn") or "",
        "selectors": [
            {"namespace": selector.get("namespace", ""), "labels": dict(sorted(selector.get("labels", {}).items()))}
            for selector in described.get("selectors") or []
        ],
        "subnet_ids": sorted(described.get("subnets") or []),
        "tags": dict(sorted((described.get("tags") or {}).items())),
    }


def auto_scaling_group_facts(described: dict[str, Any]) -> dict[str, Any]:
    """The facts of a group, from https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_AutoScalingGroup.html"""
    tags = {tag["Key"]: tag.get("Value") or "" for tag in described.get("Tags") or []}
    return {
        "name": described["AutoScalingGroupName"],
        "node_group": tags.get(NODE_GROUP_TAG, ""),
        "tags": dict(sorted(tags.items())),
        "min_size": described.get("MinSize"),
        "max_size": described.get("MaxSize"),
        "desired_capacity": described.get("DesiredCapacity"),
        "instance_ids": sorted(instance["InstanceId"] for instance in described.get("Instances") or []),
    }


def _timestamp(moment: datetime.datetime | None) -> str:
    return moment.astimezone(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if moment else ""
