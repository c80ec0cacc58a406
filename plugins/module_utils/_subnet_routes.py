# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Which way a subnet's traffic goes: public or private, and by which route of which table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

IPV4_DEFAULT = "0.0.0.0/0"
IPV6_DEFAULT = "::/0"
DESTINATIONS = ("DestinationCidrBlock", "DestinationIpv6CidrBlock", "DestinationPrefixListId")
TARGETS = (
    "GatewayId",
    "NatGatewayId",
    "TransitGatewayId",
    "EgressOnlyInternetGatewayId",
    "VpcPeeringConnectionId",
    "CarrierGatewayId",
    "LocalGatewayId",
    "CoreNetworkArn",
    "OdbNetworkArn",
    "NetworkInterfaceId",
    "InstanceId",
)
"""The fields of a route of which one says where it leads.
https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_Route.html"""


@dataclass(frozen=True)
class Route:
    """A route of a route table; routes have no id of their own, the destination names one within its table."""

    destination: str
    target: str
    active: bool
    """False for a blackhole: its target is gone or detached."""

    @property
    def to_internet(self) -> bool:
        return self.target.startswith("igw-")


@dataclass(frozen=True)
class RouteTable:
    """A route table and the subnets that it is explicitly associated with."""

    route_table_id: str
    main: bool
    subnet_ids: frozenset[str]
    routes: tuple[Route, ...]


@dataclass(frozen=True)
class Reach:
    """What a subnet's routes make of it."""

    role: str
    """public or private; '' where the routes do not tell."""
    reason: str
    warning: str
    """What the operator should know of it; '' mostly."""
    route_table_id: str
    main: bool
    """True where the subnet has no table of its own and the VPC's main route table counts."""
    default_target: str
    """Where 0.0.0.0/0 leads (igw-…, nat-…, tgw-…); '' where nowhere."""
    public_to_controller: bool
    """The controller's own, wider test: any route to an internet gateway, IPv6 and blackholes included.
    https://github.com/kubernetes-sigs/aws-load-balancer-controller/blob/v3.5.0/pkg/networking/subnet_resolver.go"""


def from_description(described: Mapping[str, Any]) -> RouteTable:
    """A RouteTable from an item of DescribeRouteTables' answer.

    Edge associations (with a gateway in place of a subnet) concern traffic that enters the VPC and are not kept.
    https://docs.aws.amazon.com/vpc/latest/userguide/RouteTables.html
    """
    associations = [
        association
        for association in described.get("Associations") or []
        if (association.get("AssociationState") or {}).get("State", "associated") in ("associated", "associating")
    ]
    return RouteTable(
        route_table_id=described["RouteTableId"],
        main=any(association.get("Main") for association in associations),
        subnet_ids=frozenset(item["SubnetId"] for item in associations if item.get("SubnetId")),
        routes=tuple(_route(route) for route in described.get("Routes") or []),
    )


def _route(described: Mapping[str, Any]) -> Route:
    return Route(
        destination=next((described[key] for key in DESTINATIONS if described.get(key)), ""),
        target=next((described[key] for key in TARGETS if described.get(key)), ""),
        active=described.get("State") != "blackhole",
    )


def reach_of(subnet_ids: Iterable[str], tables: Iterable[RouteTable]) -> dict[str, Reach]:
    """How each subnet is reached, by its explicitly associated route table, else by the main one.

    A subnet is public if its traffic for 0.0.0.0/0 goes to an internet gateway.
    https://docs.aws.amazon.com/vpc/latest/userguide/configure-subnets.html#subnet-types
    """
    known = list(tables)
    explicit = {subnet_id: table for table in known for subnet_id in table.subnet_ids}
    main = next((table for table in known if table.main), None)
    return {subnet_id: _reach(subnet_id, explicit.get(subnet_id) or main) for subnet_id in subnet_ids}


def _reach(subnet_id: str, table: RouteTable | None) -> Reach:
    if table is None:
        warning = (
            f"Nothing tells whether subnet {subnet_id} is public: it has no route table of its own, and the VPC's main "
            "route table is not visible to this account; name the subnet in public_subnet_ids or private_subnet_ids."
        )
        return Reach("", "no route table is visible", warning, "", False, "", False)
    main = subnet_id not in table.subnet_ids
    where = f"{table.route_table_id} (main route table)" if main else table.route_table_id
    default = next((route for route in table.routes if route.destination == IPV4_DEFAULT), None)
    role, reason, warning = _judge(subnet_id, table, default)
    return Reach(
        role=role,
        reason=f"{reason} in {where}",
        warning=warning,
        route_table_id=table.route_table_id,
        main=main,
        default_target=default.target if default else "",
        public_to_controller=any(route.to_internet for route in table.routes),
    )


def _judge(subnet_id: str, table: RouteTable, default: Route | None) -> tuple[str, str, str]:
    """Role, reason and warning of a subnet by the routes that count for it."""
    if default and default.to_internet and default.active:
        return "public", f"{IPV4_DEFAULT} to {default.target}", ""
    if default and default.to_internet:
        warning = (
            f"Subnet {subnet_id} gets no role: its route {IPV4_DEFAULT} to {default.target} in {table.route_table_id} "
            "is a blackhole. Attach the internet gateway to the VPC again, or name the subnet in public_subnet_ids or "
            "private_subnet_ids."
        )
        return "", f"{IPV4_DEFAULT} to {default.target}, a blackhole,", warning
    blackhole = "" if default is None or default.active else ", a blackhole,"
    reason = f"{IPV4_DEFAULT} to {default.target}{blackhole}" if default else f"no route for {IPV4_DEFAULT}"
    open_routes = [route for route in table.routes if route.to_internet and route.active]
    ipv6 = next((route for route in open_routes if route.destination == IPV6_DEFAULT), None)
    if ipv6:
        warning = (
            f"Subnet {subnet_id} is public for IPv6 only ({IPV6_DEFAULT} to {ipv6.target} in {table.route_table_id}) "
            f"and gets the role of a private one, because {IPV4_DEFAULT} does not lead to an internet gateway; name it "
            "in public_subnet_ids if its load balancers need no public IPv4."
        )
        return "private", f"public for IPv6 only ({IPV6_DEFAULT} to {ipv6.target}); {reason}", warning
    if open_routes and default is None:
        some = ", ".join(sorted(f"{route.destination} to {route.target}" for route in open_routes))
        warning = (
            f"Subnet {subnet_id} reaches an internet gateway for some destinations only ({some} in "
            f"{table.route_table_id}) and gets the role of a private one; name it in public_subnet_ids if it is public."
        )
        return "private", f"{reason}, but {some}", warning
    return "private", reason, ""
