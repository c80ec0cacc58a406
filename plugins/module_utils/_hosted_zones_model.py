# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Hosted zones as Route 53 describes them: names in one form, and which of them are asked for."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from ansible_collections.ekspress.eks.plugins.module_utils._errors import EksError

ZONE_ID = re.compile(r"[A-Z0-9]{1,32}")
"""https://docs.aws.amazon.com/Route53/latest/APIReference/API_HostedZone.html"""
ID_PREFIX = "/hostedzone/"
LONGEST_NAME = 253
"""Characters of a name without its last dot. https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/DomainNameFormat.html"""
_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")


@dataclass(frozen=True)
class Zone:
    """A hosted zone of the account."""

    zone_id: str
    name: str
    private: bool
    comment: str
    record_count: int
    linked_service: str
    """The AWS service that made the zone and alone may change it; '' where there is none."""


def zone(described: dict[str, Any]) -> Zone:
    """A zone from an item of ListHostedZones' answer."""
    configuration = described.get("Config") or {}
    return Zone(
        zone_id=bare_id(described["Id"]),
        name=bare_name(described["Name"]),
        private=bool(configuration.get("PrivateZone")),
        comment=configuration.get("Comment") or "",
        record_count=int(described.get("ResourceRecordSetCount") or 0),
        linked_service=(described.get("LinkedService") or {}).get("ServicePrincipal") or "",
    )


def bare_id(given: str) -> str:
    """A zone's ID without the path that Route 53 answers it with."""
    return given.removeprefix(ID_PREFIX)


def bare_name(given: str) -> str:
    """A domain name as it is compared: lower case, without the last dot."""
    return given.strip().lower().removesuffix(".")


def is_domain(name: str) -> bool:
    """Whether a bare name is one that a zone may have and that needs no escapes."""
    return 0 < len(name) <= LONGEST_NAME and all(_LABEL.fullmatch(label) for label in name.split("."))


def is_within(name: str, domain: str) -> bool:
    """Whether a bare name is the domain itself, or below it."""
    return name == domain or name.endswith(f".{domain}")


def check_ids(given: Collection[str], option: str) -> list[str]:
    """The bare IDs. EksError where one cannot be a hosted zone's."""
    for item in given:
        if not ZONE_ID.fullmatch(bare_id(item)):
            raise EksError(
                f"{option} has {item!r}, which is not the ID of a hosted zone: up to 32 capital letters and digits, "
                "such as Z1D633PJN98FT9. Give a zone by its name in domains."
            )
    return [bare_id(item) for item in given]


def check_domains(given: Collection[str], option: str) -> list[str]:
    """The bare names. EksError where one cannot be a hosted zone's."""
    for item in given:
        if not is_domain(bare_name(item)):
            raise EksError(
                f"{option} has {item!r}, which is not a domain name: letters, digits, hyphens and underscores between "
                "dots, such as example.com; other characters as Punycode (xn--…)."
            )
    return [bare_name(item) for item in given]


def chosen(zones: Collection[Zone], ids: Collection[str], domains: Collection[str], private: bool | None) -> list[Zone]:
    """The zones that have one of the IDs or names (all, where neither is asked for) and the kind, by name and ID."""
    found = [
        item
        for item in zones
        if (not (ids or domains) or item.zone_id in ids or item.name in domains)
        and (private is None or item.private is private)
    ]
    return sorted(found, key=lambda item: (item.name, item.private, item.zone_id))
