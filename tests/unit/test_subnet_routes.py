# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Public or private: by which route of which table."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.ekspress.eks.plugins.module_utils._subnet_routes import Reach, from_description, reach_of

LOCAL = {"DestinationCidrBlock": "10.0.0.0/16", "GatewayId": "local", "State": "active"}


def default(**target: str) -> dict[str, str]:
    return {"DestinationCidrBlock": "0.0.0.0/0", "State": "active", **target}


def table(table_id: str, *routes: dict[str, str], associations: list[dict[str, Any]]) -> dict[str, Any]:
    return {"RouteTableId": table_id, "Routes": [LOCAL, *routes], "Associations": associations}


def reach(*tables: dict[str, Any]) -> Reach:
    return reach_of(["subnet-1"], map(from_description, tables))["subnet-1"]


def of(*routes: dict[str, str]) -> Reach:
    return reach(table("rtb-1", *routes, associations=[{"Main": False, "SubnetId": "subnet-1"}]))


def test_an_internet_gateway_makes_public() -> None:
    found = of(default(GatewayId="igw-1"))
    assert (found.role, found.reason, found.warning) == ("public", "0.0.0.0/0 to igw-1 in rtb-1", "")
    assert (found.route_table_id, found.main, found.default_target) == ("rtb-1", False, "igw-1")


@pytest.mark.parametrize(
    "target",
    [
        {"NatGatewayId": "nat-1"},
        {"TransitGatewayId": "tgw-1"},
        {"VpcPeeringConnectionId": "pcx-1"},
        {"NetworkInterfaceId": "eni-1"},
        {"GatewayId": "vgw-1"},
        {"GatewayId": "vpce-1"},
        {"CarrierGatewayId": "cagw-1"},
        {"LocalGatewayId": "lgw-1"},
        {"CoreNetworkArn": "arn:aws:networkmanager::111122223333:core-network/core-network-1"},
    ],
    ids=lambda target: next(iter(target)) + "-" + next(iter(target.values()))[:4],
)
def test_any_other_target_is_private(target: dict[str, str]) -> None:
    found = of(default(**target))
    assert (found.role, found.warning) == ("private", "")
    assert found.default_target == next(iter(target.values()))
    assert not found.public_to_controller


def test_no_default_route_is_private() -> None:
    found = of()
    assert (found.role, found.reason, found.default_target) == ("private", "no route for 0.0.0.0/0 in rtb-1", "")


def test_the_main_table_counts_where_there_is_no_association() -> None:
    main = table("rtb-main", default(GatewayId="igw-1"), associations=[{"Main": True}])
    found = reach(main)
    assert (found.role, found.main) == ("public", True)
    assert found.reason == "0.0.0.0/0 to igw-1 in rtb-main (main route table)"


def test_an_explicit_association_overrides_the_main_table() -> None:
    main = table("rtb-main", default(GatewayId="igw-1"), associations=[{"Main": True}])
    own = table("rtb-own", default(NatGatewayId="nat-1"), associations=[{"Main": False, "SubnetId": "subnet-1"}])
    for tables in ((main, own), (own, main)):
        found = reach(*tables)
        assert (found.role, found.route_table_id, found.main) == ("private", "rtb-own", False)


def test_an_explicit_association_with_the_main_table_is_explicit() -> None:
    both = table("rtb-main", default(GatewayId="igw-1"), associations=[{"Main": True}, {"SubnetId": "subnet-1"}])
    assert reach(both).main is False


def test_edge_and_ended_associations_are_ignored() -> None:
    edge = table("rtb-edge", default(GatewayId="igw-1"), associations=[{"Main": False, "GatewayId": "igw-1"}])
    ended = table(
        "rtb-ended",
        default(GatewayId="igw-1"),
        associations=[{"SubnetId": "subnet-1", "AssociationState": {"State": "disassociated"}}],
    )
    main = table("rtb-main", default(NatGatewayId="nat-1"), associations=[{"Main": True}])
    found = reach(edge, ended, main)
    assert (found.role, found.route_table_id) == ("private", "rtb-main")


def test_a_blackhole_to_the_internet_gateway_gives_no_role() -> None:
    found = of({**default(GatewayId="igw-1"), "State": "blackhole"})
    assert found.role == ""
    assert "blackhole" in found.warning
    assert "Attach the internet gateway" in found.warning
    assert found.public_to_controller


def test_a_blackhole_to_nat_is_private_and_said() -> None:
    found = of({**default(NatGatewayId="nat-1"), "State": "blackhole"})
    assert (found.role, found.reason) == ("private", "0.0.0.0/0 to nat-1, a blackhole, in rtb-1")


def test_ipv6_only_is_said() -> None:
    found = of(
        {"DestinationIpv6CidrBlock": "::/0", "GatewayId": "igw-1", "State": "active"}, default(NatGatewayId="n-1")
    )
    assert found.role == "private"
    assert "public for IPv6 only (::/0 to igw-1)" in found.reason
    assert "public_subnet_ids" in found.warning
    assert found.public_to_controller


def test_an_egress_only_gateway_is_private() -> None:
    found = of({"DestinationIpv6CidrBlock": "::/0", "EgressOnlyInternetGatewayId": "eigw-1", "State": "active"})
    assert (found.role, found.warning, found.public_to_controller) == ("private", "", False)


@pytest.mark.parametrize(
    "destination", [{"DestinationPrefixListId": "pl-1"}, {"DestinationCidrBlock": "0.0.0.0/1"}], ids=["list", "half"]
)
def test_part_of_the_internet_is_private_and_said_where_there_is_no_default(destination: dict[str, str]) -> None:
    route = {**destination, "GatewayId": "igw-1", "State": "active"}
    alone, beside = of(route), of(route, default(NatGatewayId="nat-1"))
    assert (alone.role, beside.role) == ("private", "private")
    assert "some destinations only" in alone.warning
    assert beside.warning == ""


def test_no_visible_table_gives_no_role() -> None:
    found = reach()
    assert found.role == ""
    assert "not visible to this account" in found.warning
