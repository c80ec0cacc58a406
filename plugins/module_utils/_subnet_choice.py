# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Which subnets subnet_tags works on, and which role each of them has. Pure, no calls are made here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ansible_collections.ekspress.eks.plugins.module_utils._errors import EksError
from ansible_collections.ekspress.eks.plugins.module_utils._subnet_model import (
    PUBLIC_ROLE_TAG,
    ROLE_TAG_VALUES,
    Network,
    Subnet,
)
from ansible_collections.ekspress.eks.plugins.module_utils._subnet_options import Options
from ansible_collections.ekspress.eks.plugins.module_utils._subnet_routes import Reach


@dataclass(frozen=True)
class Choice:
    """The chosen subnets; ``roles``, ``reasons`` and ``left_out`` (with its reason) are by subnet id."""

    cluster: str
    subnets: tuple[Subnet, ...]
    roles: Mapping[str, str]
    reasons: Mapping[str, str]
    left_out: Mapping[str, str]
    warnings: tuple[str, ...]


def choose(options: Options, network: Network, reach: Mapping[str, Reach], zone_types: Mapping[str, str]) -> Choice:
    """Choose the subnets. Raises EksError where an id is not of the VPC or nothing is chosen."""
    unknown = sorted(options.subnet_ids - {subnet.subnet_id for subnet in network.subnets})
    if unknown:
        raise EksError(
            f"There is no {', '.join(unknown)} in {network.vpc_id}, the VPC of cluster {options.desired.cluster!r} "
            "(in the task's region and account); correct the ids. Nothing was changed."
        )
    wanted = options.subnet_ids or network.matching
    chosen = tuple(subnet for subnet in network.subnets if subnet.subnet_id in wanted)
    if not chosen:
        what = "no subnet that matches the filters" if options.filters else "no subnet"
        raise EksError(
            f"{network.vpc_id}, the VPC of cluster {options.desired.cluster!r}, has {what}. Nothing was changed."
        )
    if not options.desired.present:
        return Choice(options.desired.cluster, chosen, {}, {}, {}, ())
    if options.roles is not None:
        return _as_told(options, chosen, options.roles, reach)
    return _by_routes(options, chosen, reach, zone_types)


def _as_told(
    options: Options, chosen: tuple[Subnet, ...], roles: Mapping[str, str], reach: Mapping[str, Reach]
) -> Choice:
    warnings = [
        f"Subnet {subnet_id} is named in public_subnet_ids, but has {reach[subnet_id].reason}: load balancers in it "
        "cannot be reached from the internet."
        for subnet_id, role in sorted(roles.items())
        if role == "public" and not reach[subnet_id].public_to_controller and reach[subnet_id].route_table_id
    ]
    reasons = {
        subnet_id: f"named in {role}_subnet_ids; {reach[subnet_id].reason}" for subnet_id, role in sorted(roles.items())
    }
    return Choice(options.desired.cluster, chosen, roles, reasons, {}, tuple(warnings))


def _by_routes(
    options: Options, chosen: tuple[Subnet, ...], reach: Mapping[str, Reach], zone_types: Mapping[str, str]
) -> Choice:
    roles, left_out, warnings = {}, {}, []
    for subnet in chosen:
        key, where = subnet.subnet_id, reach[subnet.subnet_id]
        if zone_types[key] not in options.zone_types:
            left_out[key] = f"in {subnet.outpost_arn or subnet.zone}, whose type {zone_types[key]} is not in zone_types"
        elif not subnet.cidr:
            left_out[key] = "it has no IPv4 addresses, which load balancers need"
        else:
            if where.warning:
                warnings.append(where.warning)
            if where.role:
                roles[key] = where.role
            else:
                left_out[key] = where.reason
            if where.role == "private" and subnet.tags.get(PUBLIC_ROLE_TAG) in ROLE_TAG_VALUES:
                warnings.append(
                    f"Subnet {key} carries {PUBLIC_ROLE_TAG}, but is private ({where.reason}): internet-facing load "
                    "balancers placed there cannot be reached. The tag is left; remove it, or correct the route."
                )
    reasons = {key: reach[key].reason for key in roles} | left_out
    return Choice(options.desired.cluster, chosen, roles, reasons, left_out, tuple(warnings))
