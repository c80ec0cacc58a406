# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A change batch: all of its changes, or none and a message for each that is wrong.

https://docs.aws.amazon.com/Route53/latest/APIReference/API_ChangeResourceRecordSets.html (all or nothing; a set may be
deleted once; all values must be given to delete it),
https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/ResourceRecordTypes.html#CNAMEFormat (alone at its name, not
at the top of a zone),
https://docs.aws.amazon.com/Route53/latest/APIReference/API_ResourceRecordSet.html (SetIdentifier, Weight, Region: the
record sets of one name and type have one routing policy),
https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/DNSLimitations.html (1,000 records and 32,000 characters a
request, an UPSERT counted twice; 10,000 record sets a zone).

Record sets are those of AWS's API with names as ``route53_names.normal`` returns them. Changes are judged in their
order, each on what those before it left.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from sandbox.aws.strict.route53_names import within
from sandbox.aws.strict.route53_values import problems

RECORDS = 1000
CHARACTERS = 32_000
SETS = 10_000
# What makes a routing policy other than the simple one, and what AWS calls record sets that have it.
POLICIES = {
    "Weight": "weighted",
    "Region": "latency",
    "Failover": "failover",
    "GeoLocation": "geolocation",
    "MultiValueAnswer": "multivalue answer",
    "GeoProximityLocation": "geoproximity",
    "CidrRoutingConfig": "IP-based",
}

RecordSet = dict[str, Any]
Key = tuple[str, str, str | None]
Target = Callable[[RecordSet, list[RecordSet]], list[str]]


@dataclass(frozen=True)
class Zone:
    """A hosted zone: its id without a prefix, and its name with a dot at its end."""

    id: str
    name: str


def key_of(record_set: RecordSet) -> Key:
    """Return what tells record sets of a zone apart."""
    return record_set["Name"], record_set["Type"], record_set.get("SetIdentifier")


def too_large(changes: list[tuple[str, RecordSet]]) -> list[str]:
    """Return the messages about a batch that has too many records or characters."""
    records = characters = 0
    for action, record_set in changes:
        times = 2 if action == "UPSERT" else 1
        values = _values(record_set)
        records += times * len(values)
        characters += times * sum(map(len, values))
    found = [f"Number of records limit of {RECORDS} exceeded."] if records > RECORDS else []
    return found + ([f"RDATA character limit of {CHARACTERS} exceeded."] if characters > CHARACTERS else [])


def apply(
    zone: Zone, current: Iterable[RecordSet], changes: list[tuple[str, RecordSet]], target: Target
) -> tuple[list[RecordSet], list[str]]:
    """Return the record sets after a batch, and the messages for which there is no after.

    Args:
        zone: the hosted zone.
        current: its record sets.
        changes: action (CREATE, UPSERT, DELETE) and record set.
        target: returns what is wrong with the target of an alias, given the record sets that there are.
    """
    messages = too_large(changes) + _repeated(changes)
    if messages:
        return [], messages
    left = {key_of(record_set): record_set for record_set in current}
    for action, record_set in changes:
        if not within(record_set["Name"], zone.name):
            messages.append(f"RRSet with DNS name {record_set['Name']} is not permitted in zone {zone.name}")
        elif action == "DELETE":
            messages += _delete(left, record_set)
        else:
            messages += _put(zone, left, action, record_set, target)
    messages += _incomplete(zone, left)
    if len(left) > SETS:
        messages.append(f"Exceeded limit MAX_RRSETS_BY_ZONE for zone: {zone.id}")
    return list(left.values()), messages


def _repeated(changes: list[tuple[str, RecordSet]]) -> list[str]:
    """Refuse more than one change of a record set, save one that deletes and then makes it."""
    actions: dict[Key, list[str]] = {}
    for action, record_set in changes:
        actions.setdefault(key_of(record_set), []).append(action)
    return [
        f"The request contains an invalid set of changes for a resource record set '{kind} {name}'"
        for (name, kind, _identifier), of_one in actions.items()
        if len(of_one) > 1 and (len(of_one) > 2 or of_one[0] != "DELETE" or of_one[1] == "DELETE")
    ]


def _delete(left: dict[Key, RecordSet], record_set: RecordSet) -> list[str]:
    key = key_of(record_set)
    present = left.get(key)
    if present is None:
        return [f"Tried to delete resource record set {_named(record_set)} but it was not found"]
    if _comparable(present) != _comparable(record_set):
        words = "but the values provided do not match the current values"
        return [f"Tried to delete resource record set {_named(record_set)} {words}"]
    del left[key]
    return []


def _put(zone: Zone, left: dict[Key, RecordSet], action: str, record_set: RecordSet, target: Target) -> list[str]:
    key = key_of(record_set)
    if action == "CREATE" and key in left:
        return [f"Tried to create resource record set {_named(record_set)} but it already exists"]
    neighbours = [other for other in left.values() if other["Name"] == key[0] and key_of(other) != key]
    messages = [
        *_beside(zone, record_set, {other["Type"] for other in neighbours} - {key[1]}),
        *_routing(record_set, [other for other in neighbours if other["Type"] == key[1]]),
        *problems(key[1], _values(record_set)),
    ]
    if "AliasTarget" in record_set:
        messages += target(record_set, list(left.values()))
    if not messages:
        left[key] = record_set
    return messages


def _beside(zone: Zone, record_set: RecordSet, others: set[str]) -> list[str]:
    name, kind = record_set["Name"], record_set["Type"]
    begin = f"RRSet of type {kind} with DNS name {name} is not permitted"
    if kind == "CNAME" and name == zone.name:
        return [f"{begin} at apex in zone {zone.name}"]
    if kind == "CNAME" and others:
        return [f"{begin} as it conflicts with other records with the same DNS name in zone {zone.name}"]
    if "CNAME" in others:
        conflict = "because a conflicting RRSet of type CNAME with the same DNS name already exists"
        return [f"{begin} {conflict} in zone {zone.name}"]
    return []


def _routing(record_set: RecordSet, others: list[RecordSet]) -> list[str]:
    if not others:
        return []
    begin = f"RRSet with DNS name {record_set['Name']}, type {record_set['Type']}"
    identifier, policy = record_set.get("SetIdentifier"), _policy(record_set)
    if policy is None or identifier is None:
        return [f"{begin} cannot be created as other RRSets exist with the same name and type."]
    begin = f"{begin}, SetIdentifier {identifier}"
    if any(_policy(other) != policy for other in others):
        words = f"cannot be created as a non-{POLICIES[policy]} set exists with the same name and type."
        return [f"{begin} {words}"]
    if policy == "Weight" and any(other.get("TTL") != record_set.get("TTL") for other in others):
        return [f"{begin} cannot be created as weighted sets must contain the same TTL."]
    if policy == "Region" and any(other["Region"] == record_set["Region"] for other in others):
        words = "cannot be created because a latency RRSet with the same name, type and region already exists."
        return [f"{begin}, and Region Name={record_set['Region']} {words}"]
    return []


def _incomplete(zone: Zone, left: dict[Key, RecordSet]) -> list[str]:
    kinds = {kind for name, kind, _identifier in left if name == zone.name}
    found = [] if "SOA" in kinds else ["A HostedZone must contain exactly one SOA record."]
    return found + ([] if "NS" in kinds else ["A HostedZone must contain at least one NS record for the zone itself."])


def _policy(record_set: RecordSet) -> str | None:
    return next((name for name in POLICIES if _given(record_set.get(name))), None)


def _given(value: Any) -> bool:
    """Tell whether a field says anything; a weight of 0 does."""
    return value is not None and value is not False and value != []


def _named(record_set: RecordSet) -> str:
    identifier = record_set.get("SetIdentifier")
    suffix = f", set-identifier='{identifier}'" if identifier is not None else ""
    return f"[name='{record_set['Name']}', type='{record_set['Type']}'{suffix}]"


def _values(record_set: RecordSet) -> list[str]:
    return [str(record["Value"]) for record in record_set.get("ResourceRecords") or []]


def _comparable(record_set: RecordSet) -> RecordSet:
    """Return a record set so that those are equal which AWS takes for one: the order of values does not count."""
    kept = {name: value for name, value in record_set.items() if _given(value)}
    return kept | {"ResourceRecords": sorted(_values(record_set))}
