# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The records of an environment's stable name: what they say, whose they are, and the one batch that changes them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from ansible_collections.ekspress.eks.plugins.module_utils._cluster import NAME
from ansible_collections.ekspress.eks.plugins.module_utils._errors import EksError
from ansible_collections.ekspress.eks.plugins.module_utils._hosted_zones_model import bare_name, is_domain, is_within

VERSION = "v=eks1"
TXT_LABEL = "_eks"
"""A CNAME stands alone at its name, so the TXT record has one of its own.
https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/ResourceRecordTypes.html#CNAMEFormat"""
REGION = re.compile(r"[a-z]{2,4}(-[a-z]+)+-\d{1,2}")
TTL_RANGE = (1, 86400)

RecordSet = dict[str, Any]


@dataclass(frozen=True)
class Names:
    """The two names: the stable one, and the one of the TXT record."""

    stable: str
    txt: str


@dataclass(frozen=True)
class Active:
    """What the records say: the host name of the active cluster's API, its name and region."""

    host: str
    cluster: str
    region: str


@dataclass
class Plan:
    """The changes of one batch, in order; none where all is as it should be."""

    changes: list[dict[str, Any]] = field(default_factory=list)
    before: dict[str, Any] = field(default_factory=dict)
    after: dict[str, Any] = field(default_factory=dict)


def names(given: str, zone: str) -> Names:
    """The names of the records. EksError where Route 53 cannot have them in the zone (a bare name)."""
    stable = bare_name(given)
    txt = f"{TXT_LABEL}.{stable}"
    if not is_domain(txt):
        raise EksError(
            f"name {given!r} is not a domain name: letters, digits, hyphens and underscores between dots, at most 248 "
            "characters, such as api.production.example.com."
        )
    if stable == zone:
        raise EksError(
            f"name {stable} is the hosted zone itself, which cannot have a CNAME record. Give a name below it, such "
            f"as api.{zone}."
        )
    if not is_within(stable, zone):
        raise EksError(f"name {stable} is not within the hosted zone {zone}. Give another name, or another zone.")
    return Names(stable, txt)


def host_of(endpoint: str, cluster: str) -> str:
    """The host name of a cluster's API endpoint. EksError where a CNAME cannot lead there."""
    parts = urlsplit(endpoint)
    host = bare_name(parts.hostname or "")
    if parts.scheme != "https" or not is_domain(host) or host.rpartition(".")[2].isdigit():
        raise EksError(
            f"The endpoint of EKS cluster {cluster!r} is {endpoint!r}, and a CNAME record leads to a host name only. "
            "Give an endpoint such as https://0123456789ABCDEF.gr7.eu-central-1.eks.amazonaws.com."
        )
    return host


def text_of(cluster: str, region: str) -> str:
    """The text of the TXT record."""
    return f"{VERSION} cluster={cluster} region={region}"


def read_text(text: str) -> tuple[str, str] | None:
    """Cluster and region of a TXT record's text, or None where it is not one of ours. Unknown fields may follow."""
    words = text.split(" ")
    fields = [word.partition("=")[::2] for word in words[1:]]
    found = dict(fields)
    cluster, region = found.get("cluster", ""), found.get("region", "")
    if words[0] != VERSION or len(found) != len(fields):
        return None
    return (cluster, region) if NAME.fullmatch(cluster) and REGION.fullmatch(region) else None


def plan(present: list[RecordSet], wanted_names: Names, wanted: Active | None, ttl: int, overwrite: bool) -> Plan:
    """The batch that makes the two records say ``wanted`` (or removes them, where it is None).

    ``present`` are all record sets of the two names. Records that are there are deleted by exactly what was read, and
    new ones created: Route 53 then refuses the whole batch where somebody changed one in between. Raises EksError for
    records that are not ours.
    """
    cname, txt = _ours(present, wanted_names, overwrite, removing=wanted is None)
    targets = [] if wanted is None else _records(wanted_names, wanted, ttl)
    there = [record for record in (cname, txt) if record]
    result = Plan(before=shown(cname, txt), after=shown(*targets) if targets else shown(None, None))
    kept = [record for record in there if any(_same(record, target) for target in targets)]
    result.changes = [
        *({"Action": "DELETE", "ResourceRecordSet": record} for record in there if record not in kept),
        *(
            {"Action": "CREATE", "ResourceRecordSet": target}
            for target in targets
            if not any(_same(record, target) for record in kept)
        ),
    ]
    if not result.changes:
        result.after = result.before
    return result


def shown(cname: RecordSet | None, txt: RecordSet | None) -> dict[str, Any]:
    """The records as a diff shows them."""
    return {
        f"{kind} {bare_name(record['Name'])}": {
            "ttl": record.get("TTL"),
            "values": [item["Value"] for item in record.get("ResourceRecords", [])],
        }
        for kind, record in (("CNAME", cname), ("TXT", txt))
        if record
    }


def active_of(present: list[RecordSet], wanted_names: Names) -> Active | None:
    """What the records say, where both are there and ours."""
    cname = _only(present, wanted_names.stable, "CNAME")
    txt = _only(present, wanted_names.txt, "TXT")
    meaning = read_text(_text(txt)) if txt else None
    if cname is None or meaning is None:
        return None
    return Active(bare_name(cname["ResourceRecords"][0]["Value"]), *meaning)


def _records(wanted_names: Names, wanted: Active, ttl: int) -> list[RecordSet]:
    def record(name: str, kind: str, value: str) -> RecordSet:
        return {"Name": f"{name}.", "Type": kind, "TTL": ttl, "ResourceRecords": [{"Value": value}]}

    return [
        record(wanted_names.stable, "CNAME", wanted.host),
        record(wanted_names.txt, "TXT", f'"{text_of(wanted.cluster, wanted.region)}"'),
    ]


def _ours(
    present: list[RecordSet], wanted_names: Names, overwrite: bool, removing: bool
) -> tuple[RecordSet | None, RecordSet | None]:
    """The CNAME and the TXT record. EksError where one of the two names has records that are not ours to change."""
    others = [item["Type"] for item in _at(present, wanted_names.stable) if item["Type"] != "CNAME"]
    if others and not removing:
        raise EksError(
            f"{wanted_names.stable} has other records ({', '.join(sorted(set(others)))}), beside which there can be no "
            "CNAME record. Nothing was changed. Remove them, or give another name."
        )
    if any(item["Type"] == "CNAME" for item in _at(present, wanted_names.txt)) and not removing:
        raise EksError(
            f"{wanted_names.txt} has a CNAME record, beside which there can be no TXT record. Nothing was changed. "
            "Remove it, or give another name."
        )
    cname = _single(present, wanted_names.stable, "CNAME")
    txt = _single(present, wanted_names.txt, "TXT")
    if txt and read_text(_text(txt)) is None and not overwrite:
        raise EksError(
            f"The TXT record {wanted_names.txt} is {_text(txt)!r}, which this collection did not write "
            f"({VERSION} cluster=NAME region=REGION). Nothing was changed. Remove it, give another name, or set "
            "overwrite."
        )
    if cname and not txt and not overwrite:
        raise EksError(
            f"The CNAME record {wanted_names.stable} leads to {cname['ResourceRecords'][0]['Value']}, and there is no "
            f"TXT record {wanted_names.txt} that says it is this collection's. Nothing was changed. Remove it, give "
            "another name, or set overwrite."
        )
    return cname, txt


def _at(present: list[RecordSet], name: str) -> list[RecordSet]:
    return [item for item in present if bare_name(item["Name"]) == name]


def _only(present: list[RecordSet], name: str, kind: str) -> RecordSet | None:
    found = [item for item in _at(present, name) if item["Type"] == kind]
    return found[0] if len(found) == 1 and _is_plain(found[0]) else None


def _single(present: list[RecordSet], name: str, kind: str) -> RecordSet | None:
    """The record set of a kind, where there is one; EksError where it is not a plain one with one value."""
    found = [item for item in _at(present, name) if item["Type"] == kind]
    if found and not _only(present, name, kind):
        raise EksError(
            f"The {kind} record {name} has a routing policy, is an alias or has several values: this collection did "
            "not write it, and does not replace it. Nothing was changed. Remove it, or give another name."
        )
    return found[0] if found else None


def _is_plain(record: RecordSet) -> bool:
    return set(record) <= {"Name", "Type", "TTL", "ResourceRecords"} and len(record.get("ResourceRecords", [])) == 1


def _text(txt: RecordSet) -> str:
    """The text of a TXT record's value, its strings joined; escapes stay as they are, since ours has none."""
    value = str(txt["ResourceRecords"][0]["Value"])
    return "".join(re.findall(r'"((?:[^"\\]|\\.)*)"', value))


def _same(record: RecordSet, target: RecordSet) -> bool:
    return _form(record) == _form(target)


def _form(record: RecordSet) -> tuple[Any, ...]:
    value = str(record["ResourceRecords"][0]["Value"])
    return (
        bare_name(record["Name"]),
        record["Type"],
        record.get("TTL"),
        bare_name(value) if record["Type"] == "CNAME" else value,
    )
