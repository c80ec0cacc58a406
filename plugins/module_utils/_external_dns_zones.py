# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The hosted zones that an instance of ExternalDNS is given by ID or name, each found exactly once or refused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.ekspress.eks.plugins.module_utils import _hosted_zones_model as model
from ansible_collections.ekspress.eks.plugins.module_utils._errors import named
from ansible_collections.ekspress.eks.plugins.module_utils._external_dns_model import Instance

NAMED = 10
"""Zones that a message names at most."""

Zone = Mapping[str, Any]
"""A zone as hosted_zones_info returns it, with ``associated`` told of the cluster's VPC."""


@dataclass(frozen=True)
class Account:
    """Whose zones they are, for messages: the account and the cluster's VPC."""

    number: str
    vpc_id: str


def find(instance: Instance, zones: Sequence[Zone], account: Account) -> tuple[list[Zone], list[str]]:
    """The zones of an instance, each once and by name, and what is wrong with those that cannot be its zones."""
    found: dict[str, Zone] = {}
    problems = []
    for wanted in instance.zones:
        answer = _find(wanted, instance, zones, account)
        problem = answer if isinstance(answer, str) else _unusable(answer, instance, account)
        if problem:
            problems.append(f"zones has {wanted}: {problem}")
        elif not isinstance(answer, str):
            found[answer["id"]] = answer
    if not instance.zones:
        problems.append("zones is empty: give at least one hosted zone, by its ID or its name")
    return sorted(found.values(), key=lambda zone: (str(zone["name"]), str(zone["id"]))), problems


def _find(wanted: str, instance: Instance, zones: Sequence[Zone], account: Account) -> Zone | str:
    """The zone, or why there is none to take."""
    if model.ZONE_ID.fullmatch(model.bare_id(wanted)):
        by_id = [zone for zone in zones if zone["id"] == model.bare_id(wanted)]
        return by_id[0] if by_id else f"account {account.number} has no hosted zone of this ID{_there(zones, '')}"
    name = model.bare_name(wanted)
    if not model.is_domain(name):
        return (
            "this is neither the ID of a hosted zone nor a domain name; other characters than ASCII are written as "
            "Punycode"
        )
    of_name = [zone for zone in zones if zone["name"] == name]
    fitting = [zone for zone in of_name if zone["private"] is instance.private]
    if not fitting:
        others = f" (there is a {_kind(of_name[0])} one, {_ids(of_name)})" if of_name else _there(zones, instance.kind)
        return f"account {account.number} has no {instance.kind} hosted zone of this name{others}"
    seen = [zone for zone in fitting if zone["associated"]]
    if len(fitting) > 1 and len(seen) == 1:
        return seen[0]
    if len(fitting) > 1:
        return (
            f"there are {len(fitting)} {instance.kind} hosted zones of this name, {_ids(fitting)}: give the ID of one "
            "of them"
        )
    return fitting[0]


def _unusable(zone: Zone, instance: Instance, account: Account) -> str:
    """Why an instance cannot work on a zone; '' where it can."""
    if zone["private"] is not instance.private:
        return f"it is a {_kind(zone)} zone, and zone_type is {instance.kind}"
    if zone["linked_service"]:
        return f"{zone['linked_service']} made it, and lets nobody else change its records"
    if zone["private"] and not zone["associated"] and not instance.allow_unassociated:
        return (
            f"the private zone {zone['id']} is not associated with the cluster's VPC {account.vpc_id}, so that nothing "
            "in the cluster would resolve its records. Associate it (route53:AssociateVPCWithHostedZone), or set "
            "allow_unassociated where others are to resolve them, or where a Route 53 Profile associates it"
        )
    return ""


def _there(zones: Sequence[Zone], kind: str) -> str:
    names = [f"{zone['name']} ({zone['id']})" for zone in zones if kind in ("", _kind(zone))]
    return f"; it has {named(names, NAMED) or 'none'}"


def _kind(zone: Zone) -> str:
    return "private" if zone["private"] else "public"


def _ids(zones: Sequence[Zone]) -> str:
    return " and ".join(str(zone["id"]) for zone in zones)
