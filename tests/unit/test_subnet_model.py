# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Subnets as described, the tags that refuse them, and the types of their zones."""

from __future__ import annotations

import pytest
from ansible_collections.ekspress.eks.plugins.module_utils._subnet_model import (
    Subnet,
    from_description,
    refused_to,
    zone_type,
)


def subnet(zone: str, outpost_arn: str = "") -> Subnet:
    return Subnet("subnet-1", zone, "10.0.0.0/24", 200, outpost_arn, {})


@pytest.mark.parametrize(
    ("zone", "region", "expected"),
    [
        ("us-east-1a", "us-east-1", "availability-zone"),
        ("us-gov-west-1b", "us-gov-west-1", "availability-zone"),
        ("us-west-2-lax-1a", "us-west-2", "local-zone"),
        ("us-east-1-bos-1a", "us-east-1", "local-zone"),
        ("us-east-1-wl1-bos-wlz-1", "us-east-1", "wavelength-zone"),
        ("eu-west-2-wl2-man-wlz1", "eu-west-2", ""),
        ("us-east-1-something-new-7", "us-east-1", ""),
        ("eu-central-1a", "us-east-1", ""),
    ],
)
def test_zone_types_by_documented_names(zone: str, region: str, expected: str) -> None:
    assert zone_type(subnet(zone), region, {}) == expected


def test_an_outpost_is_told_by_its_arn_and_an_answer_of_aws_counts_before_a_name() -> None:
    arn = "arn:aws:outposts:us-east-1:111122223333:outpost/op-1"
    assert zone_type(subnet("us-east-1a", arn), "us-east-1", {}) == "outpost"
    assert zone_type(subnet("us-east-1x9"), "us-east-1", {"us-east-1x9": "local-zone"}) == "local-zone"


def test_description() -> None:
    full = from_description(
        {
            "SubnetId": "subnet-1",
            "AvailabilityZone": "us-east-1a",
            "CidrBlock": "10.0.0.0/24",
            "AvailableIpAddressCount": 251,
            "Tags": [{"Key": "Name", "Value": "a"}, {"Key": "kubernetes.io/cluster/blue", "Value": ""}],
        }
    )
    assert full == Subnet(
        "subnet-1", "us-east-1a", "10.0.0.0/24", 251, "", {"Name": "a", "kubernetes.io/cluster/blue": ""}
    )
    assert (full.name, full.tagged_clusters) == ("a", {"blue"})
    native = from_description({"SubnetId": "subnet-1", "Ipv6Native": True, "CidrBlock": "2001:db8::/64"})
    assert (native.cidr, native.free_addresses, native.name) == ("", 0, "")


@pytest.mark.parametrize(
    ("keys", "refused"),
    [
        ([], False),
        (["kubernetes.io/role/elb"], False),
        (["kubernetes.io/cluster/green"], True),
        (["kubernetes.io/cluster/blue", "kubernetes.io/cluster/green"], False),
        (["kubernetes.io/cluster/blue"], False),
        (["kubernetes.io/cluster/blue-2"], True),
        (["kubernetes.io/cluster-name"], True),
    ],
)
def test_refused_to(keys: list[str], refused: bool) -> None:
    assert refused_to("blue", keys) is refused
