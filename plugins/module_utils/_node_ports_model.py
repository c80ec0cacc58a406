# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Nodes and security groups as EC2 describes them, as far as the way of a packet to a port needs them."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

LAST_PORT = 65535
TCP = ("tcp", "6")
ALL_PROTOCOLS = "-1"
"""https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_IpPermission.html"""

WITHOUT_ADDRESS = "efa-only"
"""The type of a network interface that has no IP address, so that no pod is behind it.
https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_InstanceNetworkInterface.html"""


@dataclass(frozen=True)
class Block:
    """Addresses of one IP version, from the first to the last, as numbers."""

    version: int
    first: int
    last: int


@dataclass(frozen=True)
class Rule:
    """A rule for TCP: the ports, and who is on the other side."""

    first_port: int
    last_port: int
    group_ids: frozenset[str]
    blocks: tuple[Block, ...]
    prefix_list_ids: frozenset[str]


@dataclass(frozen=True)
class SecurityGroup:
    """A security group: what it lets in, and what out."""

    group_id: str
    ingress: tuple[Rule, ...]
    egress: tuple[Rule, ...]


@dataclass(frozen=True)
class Interface:
    """A network interface of a node."""

    group_ids: frozenset[str]
    subnet_id: str


@dataclass(frozen=True)
class Node:
    """An EC2 instance of the cluster."""

    instance_id: str
    interfaces: frozenset[Interface]

    @property
    def group_ids(self) -> frozenset[str]:
        return frozenset(group_id for interface in self.interfaces for group_id in interface.group_ids)


@dataclass(frozen=True)
class ControlPlane:
    """Where the control plane's network interfaces are."""

    cluster_name: str
    cluster_group_id: str
    """The security group that EKS made; '' for a cluster without one."""
    group_ids: frozenset[str]
    """That one and the additional ones: each of its interfaces has them all.
    https://docs.aws.amazon.com/eks/latest/userguide/sec-group-reqs.html"""
    subnet_ids: frozenset[str]
    ip_version: int
    """Of pods: the API server calls them at addresses of the cluster's family."""

    @property
    def main_group_id(self) -> str:
        """The security group that a new rule is best about."""
        return self.cluster_group_id or min(self.group_ids)


def control_plane(name: str, described: Mapping[str, Any]) -> ControlPlane:
    """The control plane from the ``cluster`` of DescribeCluster's answer."""
    vpc = described.get("resourcesVpcConfig") or {}
    own = vpc.get("clusterSecurityGroupId") or ""
    return ControlPlane(
        cluster_name=name,
        cluster_group_id=own,
        group_ids=frozenset(filter(None, [own, *(vpc.get("securityGroupIds") or [])])),
        subnet_ids=frozenset(vpc.get("subnetIds") or []),
        ip_version=6 if (described.get("kubernetesNetworkConfig") or {}).get("ipFamily") == "ipv6" else 4,
    )


def node(described: Mapping[str, Any]) -> Node:
    """A node from an instance of DescribeInstances' answer.

    The VPC CNI puts pods on any interface, or, with custom networking, on others than the first.
    https://docs.aws.amazon.com/eks/latest/userguide/cni-custom-network.html
    """
    interfaces = [
        Interface(_group_ids(item), item.get("SubnetId") or "")
        for item in described.get("NetworkInterfaces") or []
        if item.get("InterfaceType") != WITHOUT_ADDRESS
    ]
    # An instance that is just being made may be described without its interfaces.
    first = Interface(_group_ids(described, "SecurityGroups"), described.get("SubnetId") or "")
    return Node(described["InstanceId"], frozenset(interfaces or [first]))


def _group_ids(described: Mapping[str, Any], key: str = "Groups") -> frozenset[str]:
    return frozenset(group["GroupId"] for group in described.get(key) or [])


def security_group(described: Mapping[str, Any]) -> SecurityGroup:
    """A SecurityGroup from an item of DescribeSecurityGroups' answer."""
    return SecurityGroup(
        described["GroupId"],
        _rules(described.get("IpPermissions") or []),
        _rules(described.get("IpPermissionsEgress") or []),
    )


def _rules(permissions: list[Mapping[str, Any]]) -> tuple[Rule, ...]:
    rules = []
    for permission in permissions:
        everything = permission["IpProtocol"] == ALL_PROTOCOLS
        if not everything and permission["IpProtocol"] not in TCP:
            continue
        cidrs = [item["CidrIp"] for item in permission.get("IpRanges") or []]
        cidrs += [item["CidrIpv6"] for item in permission.get("Ipv6Ranges") or []]
        rules.append(
            Rule(
                first_port=0 if everything else permission["FromPort"],
                last_port=LAST_PORT if everything else permission["ToPort"],
                group_ids=_group_ids(permission, "UserIdGroupPairs"),
                blocks=tuple(map(block, cidrs)),
                prefix_list_ids=frozenset(item["PrefixListId"] for item in permission.get("PrefixListIds") or []),
            )
        )
    return tuple(rules)


def block(cidr: str) -> Block:
    """The addresses of a CIDR block."""
    network = ipaddress.ip_network(cidr, strict=False)
    return Block(network.version, int(network.network_address), int(network.broadcast_address))


def subnet_blocks(described: Mapping[str, Any], ip_version: int) -> tuple[Block, ...]:
    """The addresses of one IP version of a subnet, from an item of DescribeSubnets' answer."""
    cidrs = [described.get("CidrBlock") or ""]
    cidrs += [
        item["Ipv6CidrBlock"]
        for item in described.get("Ipv6CidrBlockAssociationSet") or []
        if item.get("Ipv6CidrBlockState", {}).get("State") == "associated"
    ]
    return tuple(found for found in map(block, filter(None, cidrs)) if found.version == ip_version)
