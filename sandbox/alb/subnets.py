# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The subnets of a load balancer: named, or discovered by the tags of their role or by where their routes lead.

https://kubernetes-sigs.github.io/aws-load-balancer-controller/latest/deploy/subnet_discovery/
"""

from __future__ import annotations

from typing import Any

from sandbox.alb.annotations import ModelError
from sandbox.alb.controller import Controller

ROLES = {"internal": "kubernetes.io/role/internal-elb", "internet-facing": "kubernetes.io/role/elb"}
ADDRESSES = 8
CLUSTER = "kubernetes.io/cluster/"
_FEW = "subnets count less than minimal required count"

Subnet = dict[str, Any]


def tags_of(item: dict[str, Any]) -> dict[str, str]:
    """Return the tags of a thing of EC2's."""
    return {tag["Key"]: tag["Value"] for tag in item.get("Tags") or []}


def public_ids(subnets: list[Subnet], tables: list[dict[str, Any]]) -> set[str]:
    """Return the ids of the subnets whose route table, or else the main one, leads to an internet gateway."""
    table_of, main = {}, None
    for table in tables:
        for association in table.get("Associations") or []:
            main = table if association.get("Main") else main
            table_of[association.get("SubnetId")] = table
    found = set()
    for item in subnets:
        routes = (table_of.get(item["SubnetId"]) or main or {}).get("Routes") or []
        if any(str(route.get("GatewayId", "")).startswith("igw") for route in routes):
            found.add(str(item["SubnetId"]))
    return found


def discover(
    controller: Controller,
    subnets: list[Subnet],
    *,
    public: set[str],
    zones: dict[str, str],
    scheme: str,
    dual: bool,
    tags: dict[str, list[str]] | None = None,
) -> list[str]:
    """Return one subnet a zone.

    Args:
        controller: the controller that runs.
        subnets: all subnets of the VPC.
        public: ids of those that have a route to an internet gateway.
        zones: type of each Availability Zone.
        scheme: of the load balancer.
        dual: whether it has IPv6 addresses.
        tags: tags to choose by, with their values, in the place of those of the role.
    """
    wanted = tags or {ROLES[scheme]: ["", "1"]}
    chosen = [item for item in subnets if all(tags_of(item).get(key) in values for key, values in wanted.items())]
    if not chosen and not tags and controller.gate("SubnetDiscoveryByReachability", True):
        chosen = [item for item in subnets if (item["SubnetId"] in public) == (scheme == "internet-facing")]
    best = _best(controller, chosen, dual)
    _check_places(best, zones)
    return [item["SubnetId"] for item in best]


def named(subnets: list[Subnet], zones: dict[str, str], names: list[str], dual: bool) -> list[str]:
    """Return the subnets that an annotation names, by id or by the tag Name."""
    found = _by_name(subnets, names)
    if not found:
        raise ModelError("unable to resolve at least one subnet")
    for zone in sorted({item["AvailabilityZone"] for item in found}):
        inside = [item["SubnetId"] for item in found if item["AvailabilityZone"] == zone]
        if len(inside) > 1:
            raise ModelError(f"multiple subnets in same Availability Zone {zone}: [{' '.join(inside)}]")
    _check_places(found, zones)
    narrow = [item["SubnetId"] for item in found if not _has_ipv6(item)]
    if dual and narrow:
        words = "do not have an associated IPv6 CIDR block, which is required for dualstack load balancers"
        raise ModelError(f"subnets [{' '.join(narrow)}] {words}")
    return [item["SubnetId"] for item in found]


def _by_name(subnets: list[Subnet], names: list[str]) -> list[Subnet]:
    by_id = {item["SubnetId"]: item for item in subnets}
    left = sorted(subnets, key=lambda item: str(item["SubnetId"]))
    found = []
    begin = "failed to list subnets by names or IDs:"
    for name in names:
        if name.startswith("subnet-"):
            if name not in by_id:
                words = f"InvalidSubnetID.NotFound: The subnet ID '{name}' does not exist"
                raise ModelError(f"{begin} operation error EC2: DescribeSubnets, api error {words}")
            found.append(by_id[name])
            continue
        match = next((item for item in left if tags_of(item).get("Name") == name), None)
        if match is None:
            raise ModelError(f"{begin} couldn't find all subnets, missing names: [{name}]")
        left.remove(match)
        found.append(match)
    return found


def _best(controller: Controller, subnets: list[Subnet], dual: bool) -> list[Subnet]:
    """Return the first eligible subnet of each zone: with the cluster's tag before others, then by id."""
    own = CLUSTER + controller.cluster
    foreign, full, narrow, eligible = 0, 0, 0, []
    for item in subnets:
        keys = set(tags_of(item))
        tagged = any(key.startswith("kubernetes.io/cluster") for key in keys)
        if controller.gate("SubnetsClusterTagCheck", True) and tagged and own not in keys:
            foreign += 1
        elif int(item["AvailableIpAddressCount"]) < ADDRESSES:
            full += 1
        elif dual and not _has_ipv6(item):
            narrow += 1
        else:
            eligible.append(item)
    chosen: dict[str, Subnet] = {}
    for item in sorted(eligible, key=lambda item: (own not in tags_of(item), str(item["SubnetId"]))):
        chosen.setdefault(item["AvailabilityZone"], item)
    if not chosen:
        counts = f"{foreign} are tagged for other clusters"
        last = f"{full} have insufficient available IP addresses"
        if dual:
            words = "don't have an associated IPv6 CIDR block, which is required for dualstack load balancers"
            counts, last = f"{counts}, {last}", f"{narrow} {words}"
        begin = f"unable to resolve at least one subnet. Evaluated {len(subnets)} subnets:"
        raise ModelError(f"{begin} {counts}, and {last}")
    return sorted(chosen.values(), key=lambda item: str(item["SubnetId"]))


def _check_places(subnets: list[Subnet], zones: dict[str, str]) -> None:
    places = {"outpost" if item.get("OutpostArn") else zones[item["AvailabilityZone"]] for item in subnets}
    if len(places) > 1:
        raise ModelError(f"subnets in multiple locales: [{' '.join(sorted(places))}]")
    if places == {"availability-zone"} and len(subnets) < 2:
        raise ModelError(f"{_FEW}: {len(subnets)} < 2")


def _has_ipv6(item: Subnet) -> bool:
    states = (part.get("Ipv6CidrBlockState", {}) for part in item.get("Ipv6CidrBlockAssociationSet") or [])
    return any(state.get("State") == "associated" for state in states)
