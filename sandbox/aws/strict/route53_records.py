# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""ChangeResourceRecordSets and ListResourceRecordSets, in moto's place.

https://docs.aws.amazon.com/Route53/latest/APIReference/API_ChangeResourceRecordSets.html,
https://docs.aws.amazon.com/Route53/latest/APIReference/API_ListResourceRecordSets.html (order, pages of 300, start),
https://docs.aws.amazon.com/Route53/latest/APIReference/API_AliasTarget.html (hosted zone id and name of a target).
"""

from __future__ import annotations

from functools import partial
from typing import Any

from moto.elb.models import elb_backends
from moto.elbv2.models import elbv2_backends
from moto.route53.models import route53_backends

from sandbox.aws.answers import Refusal
from sandbox.aws.hooks import operation
from sandbox.aws.request import AwsRequest
from sandbox.aws.state import State
from sandbox.aws.strict.elb_zones import suffix_of
from sandbox.aws.strict.route53_batch import RecordSet, Zone, apply
from sandbox.aws.strict.route53_input import changes_of
from sandbox.aws.strict.route53_names import BadName, normal, order, within
from sandbox.aws.strict.route53_zones import begin, kept, zone_of

PAGE = 300


@operation("route53", "ChangeResourceRecordSets")
def change(request: AwsRequest, state: State) -> dict[str, Any]:
    """Apply a batch whole, or refuse it with what is wrong with each change."""
    moto_zone = zone_of(request)
    batch = request.parameters["ChangeBatch"]
    changes = changes_of(batch)
    checks = route53_backends[request.caller.account][request.caller.partition].health_checks
    for _action, record_set in changes:
        if record_set.get("HealthCheckId") and record_set["HealthCheckId"] not in checks:
            raise Refusal(
                "NoSuchHealthCheck", f"No health check exists with the specified ID: {record_set['HealthCheckId']}", 404
            )
    zone = Zone(moto_zone.resource_id, moto_zone.name)
    current = [item.shown for item in moto_zone.rrsets]
    left, messages = apply(zone, current, changes, partial(wrong_target, zone))
    if messages:
        raise Refusal("InvalidChangeBatch", f"[{', '.join(messages)}]")
    moto_zone.rrsets = [kept(record_set) for record_set in left]
    return {"ChangeInfo": begin(state, batch.get("Comment"))}


def wrong_target(zone: Zone, record_set: RecordSet, present: list[RecordSet]) -> list[str]:
    """Return what is wrong with the target of an alias: a record of the same zone, or a thing of AWS's."""
    alias, kind = record_set["AliasTarget"], record_set["Type"]
    identifier, name = str(alias["HostedZoneId"]).rpartition("/")[2], alias["DNSName"]
    begin_of = f"Tried to create an alias that targets {name}, type {kind} in zone {identifier},"
    if identifier == zone.id:
        inside = within(name, zone.name)
        found = any(item["Name"] == name and item["Type"] == kind for item in present)
    else:
        suffix = suffix_of(identifier)
        inside = suffix is not None and name.endswith(f".{suffix}.")
        found = inside and kind in ("A", "AAAA") and (".elb." not in name or name in _load_balancers())
    lines = [] if inside else [f"{begin_of} but the alias target name does not lie within the target zone"]
    return lines + ([] if found else [f"{begin_of} but that target was not found"])


def _load_balancers() -> set[str]:
    """Return the names of all load balancers of all accounts, as Elastic Load Balancing serves them."""
    found = set()
    for backends in (elbv2_backends, elb_backends):
        for account in backends.values():
            for region in account.values():
                found |= {f"{item.dns_name.lower()}." for item in region.load_balancers.values()}
    return found | {f"dualstack.{name}" for name in found}


@operation("route53", "ListResourceRecordSets")
def list_records(request: AwsRequest, state: State) -> dict[str, Any]:
    """List record sets in AWS's order, from where the caller wants it."""
    zone, parameters = zone_of(request), request.parameters
    start = _start(parameters)
    sizes = [PAGE, *(int(size) for size in (parameters.get("MaxItems"), state.settings.page_size) if size)]
    if min(sizes) < 1:
        raise Refusal("InvalidInput", f"Value '{parameters.get('MaxItems')}' at 'maxItems' must be 1 or more")
    places = sorted((_place(item.shown), position) for position, item in enumerate(zone.rrsets))
    wanted = [zone.rrsets[position].shown for place, position in places if place >= start]
    page, rest = wanted[: min(sizes)], wanted[min(sizes) :]
    result = {"ResourceRecordSets": page, "IsTruncated": bool(rest), "MaxItems": str(min(sizes))}
    if rest:
        result |= {"NextRecordName": rest[0]["Name"], "NextRecordType": rest[0]["Type"]}
        if rest[0].get("SetIdentifier") is not None:
            result["NextRecordIdentifier"] = rest[0]["SetIdentifier"]
    return result


def _start(parameters: dict[str, Any]) -> tuple[str, str, str]:
    name, kind = parameters.get("StartRecordName"), parameters.get("StartRecordType")
    identifier = parameters.get("StartRecordIdentifier")
    if (kind and not name) or (identifier and not kind):
        raise Refusal("InvalidInput", "The input is not valid")
    try:
        return order(normal(str(name))) if name else "", str(kind or ""), str(identifier or "")
    except BadName as wrong:
        raise Refusal("InvalidInput", str(wrong)) from wrong


def _place(record_set: RecordSet) -> tuple[str, str, str]:
    return order(record_set["Name"]), record_set["Type"], record_set.get("SetIdentifier") or ""
