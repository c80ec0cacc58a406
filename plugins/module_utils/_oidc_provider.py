# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The IAM OIDC provider of an EKS cluster or issuer: read by its ARN, adopted, created, merged or deleted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ansible_collections.ekspress.eks.plugins.module_utils._adapter import aws_options
from ansible_collections.ekspress.eks.plugins.module_utils._arn import oidc_provider
from ansible_collections.ekspress.eks.plugins.module_utils._aws import Aws, error_code, unless_missing
from ansible_collections.ekspress.eks.plugins.module_utils._cluster import describe, require_active
from ansible_collections.ekspress.eks.plugins.module_utils._context import Context, Logic
from ansible_collections.ekspress.eks.plugins.module_utils._errors import EksError
from ansible_collections.ekspress.eks.plugins.module_utils._oidc_provider_checks import desired_from
from ansible_collections.ekspress.eks.plugins.module_utils._oidc_provider_plan import (
    Desired,
    Plan,
    Provider,
    Step,
    plan_absent,
    plan_present,
)
from ansible_collections.ekspress.eks.plugins.module_utils._oidc_provider_trust import check_untrusted

VISIBLE_AFTER = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 8.0)
"""Seconds between the reads of a provider that IAM says exists but does not show yet.
https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot.html#troubleshoot_general_eventual-consistency"""


def argument_spec() -> dict[str, Any]:
    """The module's options."""
    return {
        **aws_options(),
        "cluster": {"type": "str", "aliases": ["cluster_name"]},
        "issuer": {"type": "str"},
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        "audiences": {"type": "list", "elements": "str", "default": ["sts.amazonaws.com"]},
        "purge_audiences": {"type": "bool", "default": False},
        "thumbprints": {"type": "list", "elements": "str"},
        "tags": {"type": "dict", "aliases": ["resource_tags"]},
        "purge_tags": {"type": "bool", "default": False},
        "force": {"type": "bool", "default": False},
    }


@dataclass(frozen=True)
class Target:
    """The provider that the task is about."""

    arn: str
    issuer: str


def run(params: dict[str, Any], context: Context) -> dict[str, Any]:
    """Converge the provider; in check mode, say what that would be."""
    desired = desired_from(params)
    aws = Aws(params, context)
    target = _target(aws, params)
    if params["state"] == "absent":
        plan = _absent(aws, context, target, force=params["force"])
    else:
        plan = _present(aws, context, target, desired)
    return {
        "changed": plan.changed,
        **_shown(target, plan.after or Provider()),
        "diff": {
            "before": _shown(target, plan.before) if plan.before else {},
            "after": _shown(target, plan.after) if plan.after else {},
        },
    }


def _target(aws: Aws, params: dict[str, Any]) -> Target:
    if params["issuer"] is not None:
        return Target(oidc_provider(aws.partition, aws.account, params["issuer"]), params["issuer"])
    removing = params["state"] == "absent"
    try:
        cluster = describe(aws, params["cluster"])
    except EksError as error:
        if removing and error_code(error) == "ResourceNotFoundException":
            raise EksError(
                f"{error.message} Where the cluster is already deleted, give its issuer in place of its name.",
                **error.details,
            ) from error
        raise
    if not removing:
        require_active(cluster)
    if not cluster.issuer:
        raise EksError(
            f"EKS cluster {cluster.name!r} has no OIDC issuer (it is {cluster.status}). Nothing was changed."
        )
    return Target(oidc_provider(cluster.partition, cluster.account, cluster.issuer), cluster.issuer)


def _read(aws: Aws, target: Target) -> Provider | None:
    iam = aws.client("iam")
    answer = unless_missing(
        lambda: aws.call(iam, "get_open_id_connect_provider", OpenIDConnectProviderArn=target.arn), "NoSuchEntity"
    )
    if answer is None:
        return None
    return Provider(
        audiences=frozenset(answer.get("ClientIDList", [])),
        thumbprints=frozenset(thumbprint.lower() for thumbprint in answer.get("ThumbprintList", [])),
        tags={tag["Key"]: tag["Value"] for tag in answer.get("Tags", [])},
    )


def _present(aws: Aws, context: Context, target: Target, desired: Desired) -> Plan:
    plan = plan_present(_read(aws, target), desired)
    if context.check_mode:
        return plan
    try:
        _apply(aws, target, plan)
    except EksError as error:
        if plan.before is not None or error_code(error) != "EntityAlreadyExists":
            raise
        # Another run created it since we read, or IAM's reads lag behind: what is there counts.
        plan = plan_present(_read_once_visible(aws, context, target), desired)
        _apply(aws, target, plan)
    return plan


def _read_once_visible(aws: Aws, context: Context, target: Target) -> Provider:
    for seconds in (*VISIBLE_AFTER, 0.0):
        provider = _read(aws, target)
        if provider is not None:
            return provider
        context.cancelled.wait(seconds)
    raise EksError(
        f"IAM says that the OIDC provider {target.arn} exists, but did not show it within "
        f"{sum(VISIBLE_AFTER):g} seconds. Run again in a minute; nothing was changed."
    )


def _absent(aws: Aws, context: Context, target: Target, *, force: bool) -> Plan:
    plan = plan_absent(_read(aws, target))
    if plan.changed and not force:
        check_untrusted(aws, target.arn)
    if not context.check_mode:
        _apply(aws, target, plan)
    return plan


def _apply(aws: Aws, target: Target, plan: Plan) -> None:
    """Make the plan's writes one after the other: IAM refuses simultaneous writes of one provider."""
    iam = aws.client("iam")
    for step in plan.steps:
        try:
            aws.call(iam, step.operation, **_named(step, target), **step.arguments)
        except EksError as error:
            if error_code(error) == "NoSuchEntity" and plan.after is None:
                return
            raise _explained(error, step, target) from error.__cause__


def _named(step: Step, target: Target) -> dict[str, str]:
    if step.operation == "create_open_id_connect_provider":
        return {"Url": target.issuer}
    return {"OpenIDConnectProviderArn": target.arn}


def _explained(error: EksError, step: Step, target: Target) -> EksError:
    creating = step.operation == "create_open_id_connect_provider"
    advice = {
        ("NoSuchEntity", False): f"{target.arn} was deleted while this task ran; run again to create it.",
        ("LimitExceeded", True): (
            "Delete the OIDC providers of clusters that are gone, or raise the quota of IAM in Service Quotas."
        ),
        ("OpenIdIdpCommunicationError", True): (
            f"IAM could not reach {target.issuer} to read its certificate: check the issuer, or give its thumbprints."
        ),
    }.get((error_code(error), creating))
    return EksError(f"{error.message.rstrip('.')}. {advice}", **error.details) if advice else error


def _shown(target: Target, provider: Provider) -> dict[str, Any]:
    return {
        "arn": target.arn,
        "issuer": target.issuer,
        "audiences": sorted(provider.audiences),
        "thumbprints": sorted(provider.thumbprints),
        "tags": dict(sorted(provider.tags.items())),
    }


LOGIC = Logic(
    run=run,
    argument_spec=argument_spec,
    services=("eks", "iam", "sts"),
    constraints={"mutually_exclusive": [("cluster", "issuer")], "required_one_of": [("cluster", "issuer")]},
)
