# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Which subnets the AWS Load Balancer Controller would pick, by its documented rules.

Candidates are the VPC's subnets with the scheme's role tag (value 1 or empty); where no subnet has it, since 2.12.1,
those whose routes fit the scheme. Subnets tagged for other clusters only, and those with fewer than eight free
addresses are passed by. Of each zone one is picked: first those with the cluster's own tag, then the lowest
subnet id. The picked ones must be of one zone type, and an application load balancer needs two availability zones.
https://kubernetes-sigs.github.io/aws-load-balancer-controller/latest/deploy/subnet_discovery/
https://github.com/kubernetes-sigs/aws-load-balancer-controller/blob/v3.5.0/pkg/networking/subnet_resolver.go
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.ekspress.eks.plugins.module_utils._subnet_model import (
    AVAILABILITY_ZONE,
    ROLE_TAG_VALUES,
    ROLE_TAGS,
    Subnet,
    cluster_tag,
    refused_to,
)
from ansible_collections.ekspress.eks.plugins.module_utils._subnet_routes import Reach

SCHEMES = {"internet_facing": "public", "internal": "private"}
"""Scheme of a load balancer: role of the subnets it goes to."""
MINIMUM_FREE_ADDRESSES = 8
OTHER_CLUSTER = "tagged for another cluster and not for this one"
FEW_ADDRESSES = f"fewer than {MINIMUM_FREE_ADDRESSES} free addresses"


@dataclass(frozen=True)
class Discovery:
    """What the controller finds for one scheme."""

    scheme: str
    found_by: str
    """role_tag or reachability."""
    picks: Mapping[str, Subnet]
    """By zone name."""
    passed_over: Mapping[str, tuple[str, ...]]
    """Ids of the zone's other eligible subnets, by zone name."""
    refused: Mapping[str, str]
    """Why a candidate is not eligible, by subnet id."""
    problem: str
    """Why a load balancer would not be made; '' where it would."""

    @property
    def refused_for_cluster(self) -> list[str]:
        return sorted(subnet_id for subnet_id, reason in self.refused.items() if reason == OTHER_CLUSTER)


def discover(
    cluster: str,
    subnets: Sequence[Subnet],
    reach: Mapping[str, Reach],
    zone_types: Mapping[str, str],
    scheme: str,
) -> Discovery:
    """The controller's choice among all subnets of the VPC (with the tags that they will have).

    ``reach`` and ``zone_types`` are by subnet id.
    """
    key = ROLE_TAGS[SCHEMES[scheme]]
    candidates = [subnet for subnet in subnets if subnet.tags.get(key) in ROLE_TAG_VALUES]
    found_by = "role_tag"
    if not candidates:
        public = SCHEMES[scheme] == "public"
        candidates = [subnet for subnet in subnets if reach[subnet.subnet_id].public_to_controller == public]
        found_by = "reachability"
    refused = {}
    by_zone: dict[str, list[Subnet]] = {}
    for subnet in candidates:
        if refused_to(cluster, subnet.tags):
            refused[subnet.subnet_id] = OTHER_CLUSTER
        elif subnet.free_addresses < MINIMUM_FREE_ADDRESSES:
            refused[subnet.subnet_id] = FEW_ADDRESSES
        else:
            by_zone.setdefault(subnet.zone, []).append(subnet)
    own = cluster_tag(cluster)
    for eligible in by_zone.values():
        eligible.sort(key=lambda subnet: (own not in subnet.tags, subnet.subnet_id))
    picks = {zone: eligible[0] for zone, eligible in sorted(by_zone.items())}
    passed_over = {zone: tuple(subnet.subnet_id for subnet in by_zone[zone][1:]) for zone in picks}
    return Discovery(scheme, found_by, picks, passed_over, refused, _problem(picks, zone_types))


def _problem(picks: Mapping[str, Subnet], zone_types: Mapping[str, str]) -> str:
    types = sorted({zone_types[subnet.subnet_id] for subnet in picks.values()})
    if not picks:
        return "no subnet is eligible"
    if len(types) > 1:
        return f"the eligible subnets are of several zone types ({', '.join(types)}), which discovery refuses"
    if types == [AVAILABILITY_ZONE] and len(picks) == 1:
        return f"only zone {next(iter(picks))} has an eligible subnet; an application load balancer needs two zones"
    return ""


def isolated_picks(discovery: Discovery, reach: Mapping[str, Reach]) -> list[Subnet]:
    """Picked subnets without any route for 0.0.0.0/0 where another eligible one of the zone has such a route.

    Subnets of databases and transit gateways look like that, and are seldom meant for load balancers.
    """
    return [
        subnet
        for zone, subnet in discovery.picks.items()
        if not reach[subnet.subnet_id].default_target
        and any(reach[other].default_target for other in discovery.passed_over[zone])
    ]


def as_result(discovery: Discovery, zone_types: Mapping[str, str], reach: Mapping[str, Reach]) -> dict[str, Any]:
    """A Discovery as plain data for the task's result."""
    return {
        "found_by": discovery.found_by,
        "problem": discovery.problem,
        "refused": [{"subnet_id": key, "reason": reason} for key, reason in sorted(discovery.refused.items())],
        "zones": {
            zone: {
                "subnet_id": subnet.subnet_id,
                "name": subnet.name,
                "cidr": subnet.cidr,
                "zone_type": zone_types[subnet.subnet_id],
                "default_route": reach[subnet.subnet_id].default_target,
                "free_addresses": subnet.free_addresses,
                "passed_over": list(discovery.passed_over[zone]),
            }
            for zone, subnet in discovery.picks.items()
        },
    }
