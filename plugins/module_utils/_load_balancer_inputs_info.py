# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""load_balancer_inputs_info: whether AWS has what a load balancer is to use."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from ansible_collections.ekspress.eks.plugins.module_utils import _load_balancer_inputs_plan as planning
from ansible_collections.ekspress.eks.plugins.module_utils._adapter import aws_options
from ansible_collections.ekspress.eks.plugins.module_utils._aws import EC2_FILTER_VALUES, Aws, unless_missing
from ansible_collections.ekspress.eks.plugins.module_utils._context import Context, Logic
from ansible_collections.ekspress.eks.plugins.module_utils._errors import EksError
from ansible_collections.ekspress.eks.plugins.module_utils._parallel import gather, together

KEY_TYPES = (
    "RSA_1024",
    "RSA_2048",
    "RSA_3072",
    "RSA_4096",
    "EC_prime256v1",
    "EC_secp384r1",
    "EC_secp521r1",
)
"""All of them: without the filter ACM lists those with RSA keys of 1024 and 2048 bits only.
https://docs.aws.amazon.com/acm/latest/APIReference/API_Filters.html"""

NO_CERTIFICATE = ("ResourceNotFoundException", "ValidationException", "InvalidArnException")
NO_WEB_ACL = ("WAFNonexistentItemException", "WAFInvalidParameterException")


def argument_spec() -> dict[str, Any]:
    """The module's options."""
    texts = {"type": "list", "elements": "str", "default": []}
    load_balancer = {
        "name": {"type": "str", "required": True},
        "certificates": texts,
        "hosts": texts,
        "web_acl": {"type": "str", "default": ""},
        "security_groups": texts,
    }
    own = {
        "vpc_id": {"type": "str", "required": True},
        "load_balancers": {"type": "list", "elements": "dict", "default": [], "options": load_balancer},
    }
    return {**aws_options(), **own}


def run(params: dict[str, Any], context: Context) -> dict[str, Any]:
    """Read what is named, side by side, then what must be looked for, and judge."""
    aws = Aws(params, context)
    wanted = [_wanted(item) for item in params["load_balancers"]]
    vpc_id = params["vpc_id"]
    arns = sorted({arn for item in wanted for arn in item.certificates if _named(arn, aws.region)})
    acls = sorted({item.web_acl for item in wanted if item.web_acl})
    groups = sorted({group for item in wanted for group in item.security_groups})
    cidrs, named, web_acls, security_groups, issued = together(
        context,
        lambda: _cidrs(aws, vpc_id),
        lambda: gather(context, lambda arn: _described(aws, arn), arns),
        lambda: gather(context, lambda arn: _is_web_acl(aws, arn), acls),
        lambda: _security_groups(aws, groups),
        lambda: _issued(aws) if planning.open_hosts(wanted, []) else [],
    )
    known = planning.Known(
        certificates={
            **{item.arn: item for item in _completed(aws, context, wanted, issued)},
            **dict(zip(arns, named, strict=True)),
        },
        web_acls=dict(zip(acls, web_acls, strict=True)),
        security_groups=security_groups,
    )
    found = planning.problems(wanted, known, aws.region, vpc_id, datetime.now(UTC))
    return {"changed": False, "vpc_cidrs": cidrs, "problems": [asdict(problem) for problem in found]}


def _wanted(item: dict[str, Any]) -> planning.Wanted:
    lists = {key: tuple(dict.fromkeys(item[key])) for key in ("certificates", "hosts", "security_groups")}
    return planning.Wanted(name=item["name"], web_acl=item["web_acl"] or "", **lists)


def _named(arn: str, region: str) -> bool:
    return not isinstance(planning.named_certificate(arn, region), str)


def _cidrs(aws: Aws, vpc_id: str) -> list[str]:
    """The address blocks of a VPC, from which its load balancers call. Raises EksError where there is no such VPC."""
    filters = [{"Name": "vpc-id", "Values": [vpc_id]}]
    vpcs = aws.call(aws.client("ec2"), "describe_vpcs", Filters=filters)["Vpcs"]
    if not vpcs:
        raise EksError(
            f"vpc_id: there is no VPC {vpc_id!r} in {aws.region}, in the account of these credentials. Give the "
            "cluster's VPC, and its region."
        )
    kinds = (("CidrBlockAssociationSet", "CidrBlock"), ("Ipv6CidrBlockAssociationSet", "Ipv6CidrBlock"))
    return [
        item[f"{block}"]
        for association, block in kinds
        for item in vpcs[0].get(association, [])
        if item.get(f"{block}State", {}).get("State") == "associated"
    ]


def _described(aws: Aws, arn: str) -> planning.Certificate | None:
    acm = aws.client("acm")
    found = unless_missing(lambda: aws.call(acm, "describe_certificate", CertificateArn=arn), *NO_CERTIFICATE)
    return planning.certificate({"SubjectAlternativeNames": [], **found["Certificate"]}) if found else None


def _issued(aws: Aws) -> list[planning.Certificate]:
    filters = {"CertificateStatuses": [planning.ISSUED], "Includes": {"keyTypes": list(KEY_TYPES)}}
    items = aws.pages(aws.client("acm"), "list_certificates", "CertificateSummaryList", **filters)
    return [planning.certificate(item) for item in items]


def _completed(
    aws: Aws, context: Context, wanted: Sequence[planning.Wanted], issued: Sequence[planning.Certificate]
) -> list[planning.Certificate]:
    """Certificates with all their domains, where those in the list do not do for every host."""
    partial: Iterable[planning.Certificate] = []
    if planning.open_hosts(wanted, issued):
        partial = [item for item in issued if not item.complete]
    full = gather(context, lambda item: _described(aws, item.arn), partial)
    return [*issued, *filter(None, full)]


def _is_web_acl(aws: Aws, arn: str) -> bool:
    named = planning.named_web_acl(arn, aws.region)
    if isinstance(named, str):
        return False
    arguments = {"Name": named[0], "Id": named[1], "Scope": "REGIONAL"}
    waf = aws.client("wafv2")
    found = unless_missing(lambda: aws.call(waf, "get_web_acl", **arguments), *NO_WEB_ACL)
    return found is not None and found["WebACL"]["ARN"] == arn


def _security_groups(aws: Aws, groups: Sequence[str]) -> dict[str, str]:
    """VPCs by security group: by a filter, because an unknown id is an error where ids are asked for."""
    ids = [group for group in groups if planning.SECURITY_GROUP.fullmatch(group)]
    if not ids:
        return {}
    if len(ids) > EC2_FILTER_VALUES:
        raise EksError(
            f"security_groups: {len(ids)} are more than the {EC2_FILTER_VALUES} that can be asked for at once."
        )
    filters = [{"Name": "group-id", "Values": ids}]
    items = aws.pages(aws.client("ec2"), "describe_security_groups", "SecurityGroups", Filters=filters)
    return {item["GroupId"]: item["VpcId"] for item in items}


LOGIC = Logic(run=run, argument_spec=argument_spec, services=("ec2", "acm", "wafv2"))
