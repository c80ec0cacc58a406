# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Subnets of load balancers."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.alb.annotations import ModelError
from sandbox.alb.controller import Controller
from sandbox.alb.subnets import discover, named, public_ids
from tests.sandbox.alb.objects import INTERNAL, PUBLIC, FakeAccount, subnet

Json = dict[str, Any]
CONTROLLER = Controller("blue")
ZONES = FakeAccount().zones()
NOTHING = "unable to resolve at least one subnet. Evaluated"


def _found(*subnets: Json, scheme: str = "internal", dual: bool = False, **more: Any) -> list[str]:
    given: Json = {
        "public": {"subnet-public-a", "subnet-public-b"},
        "zones": ZONES,
        "scheme": scheme,
        "dual": dual,
    } | more
    return discover(CONTROLLER, list(subnets), **given)


def test_the_tag_of_the_scheme_chooses() -> None:
    subnets = FakeAccount().subnets()
    assert _found(*subnets) == ["subnet-private-a", "subnet-private-b"]
    assert _found(*subnets, scheme="internet-facing") == ["subnet-public-a", "subnet-public-b"]
    empty = [subnet(f"empty-{zone}", zone, **{"kubernetes.io/role/internal-elb": ""}) for zone in "ab"]
    assert _found(*empty) == ["subnet-empty-a", "subnet-empty-b"]
    no = [subnet(f"no-{zone}", zone, **{"kubernetes.io/role/internal-elb": "no"}) for zone in "ab"]
    assert _found(*no, *subnets) == ["subnet-private-a", "subnet-private-b"]


def test_without_tags_routes_choose() -> None:
    plain = [subnet(name, name[-1]) for name in ("private-a", "private-b", "public-a", "public-b")]
    assert _found(*plain) == ["subnet-private-a", "subnet-private-b"]
    assert _found(*plain, scheme="internet-facing") == ["subnet-public-a", "subnet-public-b"]
    with pytest.raises(ModelError, match=f"{NOTHING} 0 subnets: 0 are tagged for other clusters, and 0 have"):
        discover(
            Controller("blue", gates={"SubnetDiscoveryByReachability": False}),
            plain,
            public=set(),
            zones=ZONES,
            scheme="internal",
            dual=False,
        )


def test_one_subnet_a_zone() -> None:
    own = {"kubernetes.io/cluster/blue": "shared"}
    other = {"kubernetes.io/cluster/green": "shared"}
    found = _found(
        subnet("1", "a", **INTERNAL),
        subnet("0", "a", **INTERNAL),
        subnet("3", "b", **INTERNAL),
        subnet("4", "b", **INTERNAL, **own),
        subnet("2", "b", **INTERNAL, **other),
    )
    assert found == ["subnet-0", "subnet-4"]


def test_what_keeps_subnets_out() -> None:
    other = {"kubernetes.io/cluster/green": "shared"}
    full = subnet("full", "b", **INTERNAL) | {"AvailableIpAddressCount": 7}
    with pytest.raises(ModelError) as caught:
        _found(subnet("other", "a", **INTERNAL, **other), full)
    assert str(caught.value) == (
        f"{NOTHING} 2 subnets: 1 are tagged for other clusters, and 1 have insufficient available IP addresses"
    )
    with pytest.raises(ModelError, match="and 2 don't have an associated IPv6 CIDR block, which is required"):
        _found(subnet("1", "a", **INTERNAL), subnet("2", "b", **INTERNAL), dual=True)
    wide = {"Ipv6CidrBlockAssociationSet": [{"Ipv6CidrBlockState": {"State": "associated"}}]}
    assert _found(*(subnet(zone, zone, **INTERNAL) | wide for zone in "ab"), dual=True) == ["subnet-a", "subnet-b"]


def test_two_zones_of_one_kind() -> None:
    with pytest.raises(ModelError, match="subnets count less than minimal required count: 1 < 2"):
        _found(subnet("1", "a", **INTERNAL))
    with pytest.raises(ModelError, match=r"subnets in multiple locales: \[availability-zone local-zone\]"):
        _found(subnet("1", "a", **PUBLIC), subnet("2", "edge", **PUBLIC), scheme="internet-facing")
    assert _found(subnet("1", "edge", **INTERNAL)) == ["subnet-1"]


def test_tags_of_ones_own() -> None:
    chosen = [subnet(zone, zone, kind="lb") for zone in "ab"]
    assert _found(*FakeAccount().subnets(), *chosen, tags={"kind": ["lb"]}) == ["subnet-a", "subnet-b"]


def test_named_subnets() -> None:
    subnets = FakeAccount().subnets()
    assert named(subnets, ZONES, ["public-b", "subnet-public-a"], False) == ["subnet-public-b", "subnet-public-a"]
    for names, words in (
        (["subnet-none"], "api error InvalidSubnetID.NotFound: The subnet ID 'subnet-none' does not exist"),
        (["none", "public-a"], r"couldn't find all subnets, missing names: \[none\]"),
        (
            ["public-a", "private-a"],
            r"multiple subnets in same Availability Zone a: \[subnet-public-a subnet-private-a\]",
        ),
        (["public-a"], "subnets count less than minimal required count: 1 < 2"),
        ([], "unable to resolve at least one subnet"),
    ):
        with pytest.raises(ModelError, match=words):
            named(subnets, ZONES, names, False)
    with pytest.raises(ModelError, match=r"\[subnet-public-a subnet-public-b\] do not have an associated IPv6"):
        named(subnets, ZONES, ["public-a", "public-b"], True)


def test_public_subnets() -> None:
    out: Json = {"Routes": [{"GatewayId": "local"}, {"GatewayId": "igw-1"}]}
    tables = [
        out | {"Associations": [{"Main": True}]},
        {"Routes": [{"NatGatewayId": "nat-1"}], "Associations": [{"SubnetId": "subnet-2", "Main": False}]},
    ]
    assert public_ids([{"SubnetId": "subnet-1"}, {"SubnetId": "subnet-2"}], tables) == {"subnet-1"}
    assert public_ids([{"SubnetId": "subnet-1"}], []) == set()
