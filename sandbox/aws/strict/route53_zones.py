# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Hosted zones: the records that a new one has, and the changes that its calls make.

https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/SOA-NSrecords.html,
https://docs.aws.amazon.com/Route53/latest/APIReference/API_GetChange.html (PENDING, then INSYNC).
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

from moto.moto_api._internal import mock_random
from moto.route53.models import RecordSet as MotoRecordSet
from moto.route53.models import route53_backends

from sandbox.aws.answers import Answer, Refusal, parse, serialize
from sandbox.aws.hooks import correct, operation
from sandbox.aws.request import AwsRequest
from sandbox.aws.state import DnsChange, State
from sandbox.aws.strict.route53_batch import RecordSet
from sandbox.aws.strict.route53_names import BadName, normal

# Those of every private hosted zone.
PRIVATE_SERVERS = ("ns-1536.awsdns-00.co.uk.", "ns-0.awsdns-00.com.", "ns-1024.awsdns-00.org.", "ns-512.awsdns-00.net.")
_CHANGING = (
    "CreateHostedZone",
    "DeleteHostedZone",
    "AssociateVPCWithHostedZone",
    "DisassociateVPCFromHostedZone",
)


def kept(shown: RecordSet) -> Any:
    """Return a record set for moto's zone, with all that AWS's API says of it as ``shown``."""
    make: Any = MotoRecordSet
    item = make(shown)
    item.shown = shown
    return item


def zone_of(request: AwsRequest) -> Any:
    """Return moto's zone of a request; raise NoSuchHostedZone where there is none."""
    identifier = str(request.parameters.get("HostedZoneId", request.parameters.get("Id", ""))).rpartition("/")[2]
    zone = route53_backends[request.caller.account][request.caller.partition].zones.get(identifier)
    if zone is None:
        raise Refusal("NoSuchHostedZone", f"No hosted zone found with ID: {identifier}", 404)
    return zone


def begin(state: State, comment: str | None) -> dict[str, Any]:
    """Note a change that was applied, and return what AWS says of it."""
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
    identifier = "C" + "".join(mock_random.choice(letters) for _ in range(20))
    change = DnsChange(datetime.now(UTC), time.monotonic(), comment)
    state.dns_changes[identifier] = change
    return _shown(identifier, change, "PENDING")


def _shown(identifier: str, change: DnsChange, status: str) -> dict[str, Any]:
    shown = {"Id": f"/change/{identifier}", "Status": status, "SubmittedAt": change.submitted}
    return shown | ({"Comment": change.comment} if change.comment else {})


@operation("route53", "GetChange")
def get_change(request: AwsRequest, state: State) -> dict[str, Any]:
    """Say whether a change has reached all servers; moto says so of anything."""
    identifier = str(request.parameters["Id"]).removeprefix("/change/")
    change = state.dns_changes.get(identifier)
    if change is None:
        raise Refusal("NoSuchChange", f"Could not find resource with ID: {identifier}", 404)
    pending = time.monotonic() < change.applied + state.settings.route53_pending_seconds
    return {"ChangeInfo": _shown(identifier, change, "PENDING" if pending else "INSYNC")}


@correct("route53", *_CHANGING)
def note_change(request: AwsRequest, state: State, answer: Answer) -> Answer:
    """Give each change an id of its own; moto's have one, and nothing is ever pending."""
    result = parse(request, answer)
    result.pop("ResponseMetadata", None)
    answer.body = serialize(request, result | {"ChangeInfo": begin(state, request.parameters.get("Comment"))}).body
    return answer


@correct("route53", "CreateHostedZone")
def fill(request: AwsRequest, state: State, answer: Answer) -> Answer:
    """Write the NS and SOA records as AWS does, under the zone's normal name."""
    identifier = parse(request, answer)["HostedZone"]["Id"].rpartition("/")[2]
    zone: Any = route53_backends[request.caller.account][request.caller.partition].zones[identifier]
    try:
        zone.name = normal(zone.name)
    except BadName as wrong:
        route53_backends[request.caller.account][request.caller.partition].zones.pop(identifier)
        raise Refusal("InvalidDomainName", str(wrong)) from wrong
    servers = [f"{server.rstrip('.')}." for server in zone.delegation_set.name_servers]
    if zone.private_zone:
        servers = list(PRIVATE_SERVERS)
    authority = f"{servers[0]} awsdns-hostmaster.amazon.com. 1 7200 900 1209600 86400"
    zone.rrsets = [
        kept(
            {
                "Name": zone.name,
                "Type": kind,
                "TTL": ttl,
                "ResourceRecords": [{"Value": value} for value in values],
            }
        )
        for kind, ttl, values in (("NS", 172_800, servers), ("SOA", 900, [authority]))
    ]
    return answer
