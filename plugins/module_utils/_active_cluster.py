# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""active_cluster: the CNAME and TXT records of an environment's stable name, written together."""

from __future__ import annotations

import random
import time
from typing import Any

from ansible_collections.ekspress.eks.plugins.module_utils import _active_cluster_plan as records
from ansible_collections.ekspress.eks.plugins.module_utils._adapter import aws_options
from ansible_collections.ekspress.eks.plugins.module_utils._aws import Aws, error_code
from ansible_collections.ekspress.eks.plugins.module_utils._cluster import check_name, describe, require_active
from ansible_collections.ekspress.eks.plugins.module_utils._context import Context, Logic
from ansible_collections.ekspress.eks.plugins.module_utils._errors import EksError
from ansible_collections.ekspress.eks.plugins.module_utils._hosted_zones_model import (
    bare_id,
    bare_name,
    check_domains,
    check_ids,
)
from ansible_collections.ekspress.eks.plugins.module_utils._parallel import together

FIRST_PAUSE, LONGEST_PAUSE = 1.0, 10.0
"""Seconds between two questions whether a change has reached all servers, which takes about 60.
https://docs.aws.amazon.com/Route53/latest/APIReference/API_GetChange.html"""
PAGE = "100"
MEANWHILE = "InvalidChangeBatch"
ATTEMPTS = 3
"""Batches that are tried where somebody else changes the records at the same time."""


def argument_spec() -> dict[str, Any]:
    """The module's options."""
    return {
        **aws_options(),
        "name": {"type": "str", "required": True},
        "cluster": {"type": "str", "aliases": ["cluster_name"]},
        "endpoint": {"type": "str"},
        "zone": {"type": "str"},
        "zone_id": {"type": "str"},
        "private": {"type": "bool"},
        "ttl": {"type": "int", "default": 60},
        "overwrite": {"type": "bool", "default": False},
        "wait": {"type": "bool", "default": False},
        "wait_timeout": {"type": "int", "default": 180},
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    }


def run(params: dict[str, Any], context: Context) -> dict[str, Any]:
    """Read the cluster and the zone side by side, then the records; write both in one batch where one differs."""
    _check(params)
    aws = Aws(params, context)
    active, zone = together(
        context,
        lambda: _active(aws, params) if params["state"] == "present" else None,
        lambda: _zone(aws, params),
    )
    names = records.names(params["name"], zone["name"])
    for attempt in range(1, ATTEMPTS + 1):
        present = _read(aws, zone["id"], names)
        before = records.active_of(present, names)
        if active is None and before and params["cluster"] not in (None, before.cluster):
            context.warn(
                f"{names.stable} leads to EKS cluster {before.cluster!r} and not to {params['cluster']!r}, so its "
                "records stay. Leave cluster out to remove them whatever they lead to."
            )
            return _result(zone, names, before, before, records.Plan())
        plan = records.plan(present, names, active, params["ttl"], params["overwrite"])
        result = _result(zone, names, active, before, plan)
        if not plan.changes or context.check_mode:
            return result
        try:
            result["change_id"] = _write(aws, zone["id"], names, plan)
            break
        except EksError as error:
            if error_code(error) != MEANWHILE or attempt == ATTEMPTS:
                raise
    if params["wait"]:
        _wait(aws, context, result["change_id"], params["wait_timeout"], names.stable)
    return result


def _check(params: dict[str, Any]) -> None:
    low, high = records.TTL_RANGE
    if not low <= params["ttl"] <= high:
        raise EksError(f"ttl is {params['ttl']}: give {low} to {high} seconds.")
    if params["wait_timeout"] < 0:
        raise EksError(f"wait_timeout is {params['wait_timeout']}: give a number of seconds that is not negative.")
    if params.get("cluster"):
        check_name(params["cluster"])
    if params.get("endpoint"):
        records.host_of(params["endpoint"], params.get("cluster") or "")


def _active(aws: Aws, params: dict[str, Any]) -> records.Active:
    """What the records should say: by one DescribeCluster, or none where the endpoint is given."""
    name = params["cluster"]
    if params.get("endpoint"):
        return records.Active(records.host_of(params["endpoint"], name), name, aws.region)
    cluster = describe(aws, name)
    require_active(cluster)
    return records.Active(records.host_of(cluster.endpoint, name), name, cluster.region)


def _zone(aws: Aws, params: dict[str, Any]) -> dict[str, str]:
    """ID and name of the hosted zone: one GetHostedZone, or one ListHostedZonesByName."""
    client = aws.client("route53")
    if params.get("zone_id"):
        (zone_id,) = check_ids([params["zone_id"]], "zone_id")
        found = aws.call(client, "get_hosted_zone", Id=zone_id)["HostedZone"]
        return {"id": zone_id, "name": bare_name(found["Name"])}
    (name,) = check_domains([params["zone"]], "zone")
    answer = aws.call(client, "list_hosted_zones_by_name", DNSName=name, MaxItems=PAGE)
    same = [item for item in answer["HostedZones"] if bare_name(item["Name"]) == name]
    wanted = params.get("private")
    found = [item for item in same if wanted is None or bool(item["Config"].get("PrivateZone")) is wanted]
    if len(found) == 1:
        return {"id": bare_id(found[0]["Id"]), "name": name}
    kind = {None: "", True: "private ", False: "public "}[wanted]
    if not found:
        raise EksError(
            f"The account has no {kind}hosted zone {name}. Correct zone, or give zone_id and credentials of the zone's "
            "account (assume_role_arn)."
        )
    told = ", ".join(
        f"{bare_id(item['Id'])} ({'private' if item['Config'].get('PrivateZone') else 'public'})" for item in found
    )
    raise EksError(
        f"The account has {len(found)} {kind}hosted zones {name}: {told}. Set private, or give one as zone_id."
    )


def _read(aws: Aws, zone_id: str, names: records.Names) -> list[records.RecordSet]:
    """All record sets of the two names: one list, and a second one where a hundred others lie between them."""
    found, ended = _page(aws, zone_id, names.stable, names.txt)
    if not ended:
        found = [item for item in found if bare_name(item["Name"]) == names.stable]
        found += _page(aws, zone_id, names.txt, names.txt)[0]
    return [item for item in found if bare_name(item["Name"]) in (names.stable, names.txt)]


def _page(aws: Aws, zone_id: str, start: str, last: str) -> tuple[list[records.RecordSet], bool]:
    """Record sets from a name on, and whether those of the last name are all among them."""
    answer = aws.call(
        aws.client("route53"), "list_resource_record_sets", HostedZoneId=zone_id, StartRecordName=start, MaxItems=PAGE
    )
    ended = not answer["IsTruncated"] or _order(answer["NextRecordName"]) > _order(last)
    return answer["ResourceRecordSets"], ended


def _order(name: str) -> str:
    """What Route 53 orders names by: their labels reversed, with a dot at the end."""
    return ".".join(reversed(bare_name(name).split("."))) + "."


def _write(aws: Aws, zone_id: str, names: records.Names, plan: records.Plan) -> str:
    answer = aws.call(
        aws.client("route53"),
        "change_resource_record_sets",
        HostedZoneId=zone_id,
        ChangeBatch={"Comment": f"ekspress.eks: active cluster of {names.stable}", "Changes": plan.changes},
    )
    return str(answer["ChangeInfo"]["Id"]).removeprefix("/change/")


def _wait(aws: Aws, context: Context, change_id: str, timeout: float, name: str) -> None:
    """Wait until a change has reached all of Route 53's servers. EksError where it has not within the timeout."""
    started, pause = time.monotonic(), FIRST_PAUSE
    client = aws.client("route53")
    while aws.call(client, "get_change", Id=change_id)["ChangeInfo"]["Status"] != "INSYNC":
        left = timeout - (time.monotonic() - started)
        if left <= 0:
            raise EksError(
                f"The records of {name} are written, and after {timeout:g} seconds not on all of Route 53's servers "
                f"(change {change_id}). They will be; look with: aws route53 get-change --id {change_id}",
                changed=True,
                change_id=change_id,
            )
        context.cancelled.wait(min(pause * random.uniform(0.8, 1.2), left))
        pause = min(pause * 2, LONGEST_PAUSE)


def _result(
    zone: dict[str, str],
    names: records.Names,
    active: records.Active | None,
    before: records.Active | None,
    plan: records.Plan,
) -> dict[str, Any]:
    return {
        "changed": bool(plan.changes),
        "name": names.stable,
        "txt_name": names.txt,
        "zone_id": zone["id"],
        "active": _told(active),
        "previous": _told(before),
        "diff": {
            "before_header": names.stable,
            "after_header": names.stable,
            "before": plan.before,
            "after": plan.after,
        },
    }


def _told(active: records.Active | None) -> dict[str, str] | None:
    return {"cluster": active.cluster, "region": active.region, "host": active.host} if active else None


LOGIC = Logic(
    run=run,
    argument_spec=argument_spec,
    services=("eks", "route53"),
    constraints={
        "required_one_of": [("zone", "zone_id")],
        "mutually_exclusive": [("zone", "zone_id"), ("zone_id", "private")],
        "required_if": [("state", "present", ("cluster",))],
    },
)
