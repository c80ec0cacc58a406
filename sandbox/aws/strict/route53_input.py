# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a change must have before Route 53 looks at the zone at all.

https://docs.aws.amazon.com/Route53/latest/APIReference/API_ResourceRecordSet.html (alias, or TTL and records, or an
instance of a traffic policy; SetIdentifier with exactly one routing policy and only with it),
https://docs.aws.amazon.com/Route53/latest/APIReference/API_ResourceRecord.html (values of 4,000 characters),
https://docs.aws.amazon.com/Route53/latest/APIReference/API_Change.html (actions).
"""

from __future__ import annotations

from typing import Any

from sandbox.aws.answers import Refusal
from sandbox.aws.strict.route53_batch import POLICIES, RecordSet
from sandbox.aws.strict.route53_names import BadName, normal

ACTIONS = ("CREATE", "DELETE", "UPSERT")
VALUE_LENGTH = 4000
TTL_MOST = 2_147_483_647


def changes_of(batch: dict[str, Any]) -> list[tuple[str, RecordSet]]:
    """Return the changes of a batch with normal names; raise Refusal where AWS does not accept the request."""
    changes = batch.get("Changes") or []
    if not changes:
        raise _invalid(
            "1 validation error detected: Value '[]' at 'changeBatch.changes' failed to satisfy constraint: "
            "Member must have length greater than or equal to 1"
        )
    return [_change(position, change) for position, change in enumerate(changes, start=1)]


def _invalid(message: str) -> Refusal:
    return Refusal("InvalidInput", message)


def _change(position: int, change: dict[str, Any]) -> tuple[str, RecordSet]:
    action, record_set = str(change.get("Action")), dict(change["ResourceRecordSet"])
    where = f"changeBatch.changes.{position}.member"
    if action not in ACTIONS:
        raise _invalid(
            f"1 validation error detected: Value '{action}' at '{where}.action' failed to satisfy constraint: "
            f"Member must satisfy enum value set: [{', '.join(ACTIONS)}]"
        )
    _check_form(action, record_set)
    _check_sizes(where, record_set)
    try:
        record_set["Name"] = normal(str(record_set["Name"]))
        if "AliasTarget" in record_set:
            alias = record_set["AliasTarget"]
            record_set["AliasTarget"] = alias | {"DNSName": normal(str(alias["DNSName"]))}
    except BadName as wrong:
        raise Refusal("InvalidChangeBatch", f"[{wrong}]") from wrong
    return action, record_set


def _check_form(action: str, record_set: RecordSet) -> None:
    identifier = record_set.get("SetIdentifier")
    named = f"Name={record_set['Name']}, Type={record_set['Type']}, SetIdentifier={identifier or 'null'}"
    place = f"in Change with [Action={action}, {named}]"
    timed = [name in record_set for name in ("TTL", "ResourceRecords")]
    contents = [all(timed), "AliasTarget" in record_set, "TrafficPolicyInstanceId" in record_set]
    if sum(contents) != 1 or any(timed) != all(timed):
        found = "none" if not any(contents) else "more than one"
        choice = "[AliasTarget, all of [TTL, and ResourceRecords], or TrafficPolicyInstanceId]"
        raise _invalid(f"Invalid request: Expected exactly one of {choice}, but found {found} {place}")
    if all(timed) and not record_set["ResourceRecords"]:
        raise _invalid(f"Invalid request: Missing field 'ResourceRecords' {place}")
    policies = [name for name in POLICIES if record_set.get(name) is not None]
    if policies and identifier is None:
        raise _invalid(f"Invalid request: Missing field 'SetIdentifier' {place}")
    if identifier is not None and len(policies) != 1:
        found = "more than one" if policies else "none"
        *most, last = POLICIES
        choice = f"[{', '.join(most)}, or {last}]"
        raise _invalid(f"Invalid request: Expected exactly one of {choice}, but found {found} {place}")


def _check_sizes(where: str, record_set: RecordSet) -> None:
    if not 0 <= int(record_set.get("TTL") or 0) <= TTL_MOST:
        raise _invalid(
            f"1 validation error detected: Value '{record_set['TTL']}' at '{where}.resourceRecordSet.tTL' failed to "
            f"satisfy constraint: Member must have value between 0 and {TTL_MOST}"
        )
    for position, record in enumerate(record_set.get("ResourceRecords") or [], start=1):
        if len(str(record["Value"])) > VALUE_LENGTH:
            raise _invalid(
                f"1 validation error detected: Value at '{where}.resourceRecordSet.resourceRecords.{position}.member."
                f"value' failed to satisfy constraint: Member must have length less than or equal to {VALUE_LENGTH}"
            )
