# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""hosted_zones_info: the hosted zones of the account, and which private ones a VPC is associated with."""

from __future__ import annotations

from typing import Any

from ansible_collections.ekspress.eks.plugins.module_utils import _hosted_zones_model as model
from ansible_collections.ekspress.eks.plugins.module_utils._adapter import aws_options
from ansible_collections.ekspress.eks.plugins.module_utils._aws import Aws
from ansible_collections.ekspress.eks.plugins.module_utils._context import Context, Logic
from ansible_collections.ekspress.eks.plugins.module_utils._parallel import together


def argument_spec() -> dict[str, Any]:
    """The module's options."""
    return {
        **aws_options(),
        "ids": {"type": "list", "elements": "str", "default": []},
        "domains": {"type": "list", "elements": "str", "default": []},
        "private": {"type": "bool"},
        "vpc_id": {"type": "str"},
        "vpc_region": {"type": "str"},
    }


def run(params: dict[str, Any], context: Context) -> dict[str, Any]:
    """Read all zones once and, with a VPC, which private ones it is associated with."""
    ids = model.check_ids(params["ids"], "ids")
    domains = model.check_domains(params["domains"], "domains")
    vpc_id = params.get("vpc_id") or ""
    aws = Aws(params, context)
    region = params.get("vpc_region") or aws.region
    zones, associated = together(
        context, lambda: _zones(aws), lambda: _associated(aws, vpc_id, region) if vpc_id else set()
    )
    found = model.chosen(zones, ids, domains, params.get("private"))
    return {
        "changed": False,
        "zones": [_result(item, aws.partition, associated if vpc_id else None) for item in found],
        "other_names": sorted({item.name for item in zones} - {item.name for item in found}),
    }


def _zones(aws: Aws) -> list[model.Zone]:
    return [model.zone(item) for item in aws.pages(aws.client("route53"), "list_hosted_zones", "HostedZones")]


def _associated(aws: Aws, vpc_id: str, region: str) -> set[str]:
    """IDs of the private zones that a VPC is associated with. botocore has no paginator for the operation."""
    client = aws.client("route53")
    found: set[str] = set()
    token: dict[str, str] = {}
    while True:
        answer = aws.call(client, "list_hosted_zones_by_vpc", VPCId=vpc_id, VPCRegion=region, **token)
        found |= {model.bare_id(item["HostedZoneId"]) for item in answer["HostedZoneSummaries"]}
        if not answer.get("NextToken"):
            return found
        token = {"NextToken": answer["NextToken"]}


def _result(zone: model.Zone, partition: str, associated: set[str] | None) -> dict[str, Any]:
    return {
        "id": zone.zone_id,
        "arn": f"arn:{partition}:route53:::hostedzone/{zone.zone_id}",
        "name": zone.name,
        "private": zone.private,
        "comment": zone.comment,
        "record_count": zone.record_count,
        "linked_service": zone.linked_service,
        "associated": zone.zone_id in associated if zone.private and associated is not None else None,
    }


LOGIC = Logic(
    run=run,
    argument_spec=argument_spec,
    services=("route53",),
    constraints={"required_by": {"vpc_region": ("vpc_id",)}},
)
