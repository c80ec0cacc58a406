# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Subnets and their VPC as EC2 describes them, and the tags by which Kubernetes controllers know them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.ekspress.eks.plugins.module_utils._subnet_routes import RouteTable

PUBLIC_ROLE_TAG = "kubernetes.io/role/elb"
PRIVATE_ROLE_TAG = "kubernetes.io/role/internal-elb"
ROLE_TAGS = {"public": PUBLIC_ROLE_TAG, "private": PRIVATE_ROLE_TAG}
ROLE_TAG_VALUE = "1"
ROLE_TAG_VALUES = ("1", "")
"""Values that the AWS Load Balancer Controller takes for a role tag.
https://kubernetes-sigs.github.io/aws-load-balancer-controller/latest/deploy/subnet_discovery/#subnet-role-tag"""

CLUSTER_TAG_PREFIX = "kubernetes.io/cluster/"
REFUSING_PREFIX = "kubernetes.io/cluster"
"""What the controller looks for when it decides that a subnet is another cluster's (without the slash).
https://github.com/kubernetes-sigs/aws-load-balancer-controller/blob/v3.5.0/pkg/networking/subnet_resolver.go"""
CLUSTER_TAG_VALUES = ("shared", "owned")

AVAILABILITY_ZONE = "availability-zone"
LOCAL_ZONE = "local-zone"
WAVELENGTH_ZONE = "wavelength-zone"
OUTPOST = "outpost"
ZONE_TYPES = (AVAILABILITY_ZONE, LOCAL_ZONE, WAVELENGTH_ZONE, OUTPOST)
"""EC2's zone types, and outposts, which the controller tells apart beside them."""


def cluster_tag(cluster: str) -> str:
    """Key of the tag that gives a subnet to a cluster."""
    return f"{CLUSTER_TAG_PREFIX}{cluster}"


@dataclass(frozen=True)
class Subnet:
    """What the module needs of a subnet's description."""

    subnet_id: str
    zone: str
    """Name of its availability zone, such as eu-central-1a; an account's own name for it."""
    cidr: str
    """IPv4 block; '' for a subnet that has IPv6 only."""
    free_addresses: int
    outpost_arn: str
    tags: Mapping[str, str]

    @property
    def name(self) -> str:
        return self.tags.get("Name", "")

    @property
    def tagged_clusters(self) -> frozenset[str]:
        """Names of the clusters whose tag the subnet carries, whatever its value."""
        return frozenset(
            key.removeprefix(CLUSTER_TAG_PREFIX) for key in self.tags if key.startswith(CLUSTER_TAG_PREFIX)
        )


@dataclass(frozen=True)
class Network:
    """A VPC as it was read."""

    vpc_id: str
    subnets: tuple[Subnet, ...]
    """All subnets of the VPC, by id."""
    matching: frozenset[str]
    """Ids of those that the operator's filters match; all where there are no filters."""
    tables: tuple[RouteTable, ...]


def from_description(described: Mapping[str, Any]) -> Subnet:
    """A Subnet from an item of DescribeSubnets' answer."""
    return Subnet(
        subnet_id=described["SubnetId"],
        zone=described.get("AvailabilityZone") or "",
        cidr="" if described.get("Ipv6Native") else described.get("CidrBlock") or "",
        free_addresses=int(described.get("AvailableIpAddressCount") or 0),
        outpost_arn=described.get("OutpostArn") or "",
        tags={tag["Key"]: tag.get("Value") or "" for tag in described.get("Tags") or []},
    )


def refused_to(cluster: str, tags: Iterable[str]) -> bool:
    """Whether the controller of ``cluster`` passes by a subnet with these tag keys: others' cluster tags, not its own.

    https://kubernetes-sigs.github.io/aws-load-balancer-controller/latest/deploy/subnet_discovery/#subnet-filtering
    """
    keys = set(tags)
    return cluster_tag(cluster) not in keys and any(key.startswith(REFUSING_PREFIX) for key in keys)


def zone_type(subnet: Subnet, region: str, known: Mapping[str, str]) -> str:
    """The type of a subnet's zone, or '' where its name has none of the documented forms.

    ``known`` are the types of zones that were asked for (DescribeAvailabilityZones), by zone name; they count first.
    Names: an availability zone is the region and a letter, us-east-1a; a Local Zone the region, its location, a number
    and a letter, us-west-2-lax-1a; a Wavelength Zone us-east-1-wl1-bos-wlz-1.
    https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/using-regions-availability-zones.html
    https://docs.aws.amazon.com/local-zones/latest/ug/how-local-zones-work.html
    https://docs.aws.amazon.com/wavelength/latest/developerguide/how-wavelengths-work.html
    """
    if subnet.outpost_arn:
        return OUTPOST
    if subnet.zone in known:
        return known[subnet.zone]
    place = subnet.zone.removeprefix(region)
    if re.fullmatch(r"[a-z]", place):
        return AVAILABILITY_ZONE
    if re.fullmatch(r"-wl\d+(-[a-z0-9]+)*-wlz-\d+", place):
        return WAVELENGTH_ZONE
    if re.fullmatch(r"-[a-z]{3}-\d+[a-z]", place):
        return LOCAL_ZONE
    return ""
