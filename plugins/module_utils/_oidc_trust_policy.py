# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Module oidc_trust_policy: who of which EKS clusters may assume a role that exists."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.ekspress.eks.plugins.module_utils import _arn, _cluster, _policy
from ansible_collections.ekspress.eks.plugins.module_utils._adapter import aws_options
from ansible_collections.ekspress.eks.plugins.module_utils._aws import Aws, error_code, unless_missing
from ansible_collections.ekspress.eks.plugins.module_utils._context import Context, Logic
from ansible_collections.ekspress.eks.plugins.module_utils._errors import EksError
from ansible_collections.ekspress.eks.plugins.module_utils._irsa_provider import check_provider
from ansible_collections.ekspress.eks.plugins.module_utils._oidc_trust_policy_input import Wanted, wanted_from
from ansible_collections.ekspress.eks.plugins.module_utils._parallel import gather, together
from ansible_collections.ekspress.eks.plugins.module_utils._trust_policy_limits import DEFAULT_LENGTH, obstacle
from ansible_collections.ekspress.eks.plugins.module_utils._trust_policy_orphans import Orphan, Orphans
from ansible_collections.ekspress.eks.plugins.module_utils._trust_policy_plan import (
    Issuer,
    Trusted,
    TrustPlan,
    merge,
    subject,
    without,
)
from ansible_collections.ekspress.eks.plugins.module_utils._trust_policy_write import (
    PAUSES,
    SETTLE,
    Written,
    trust_policy,
    write_trust,
)

MISSING = "NoSuchEntity"


def argument_spec() -> dict[str, Any]:
    """The module's options."""
    return {
        **aws_options(),
        "role": {"type": "str", "required": True},
        "clusters": {"type": "list", "elements": "str", "aliases": ["cluster"]},
        "issuers": {"type": "list", "elements": "str", "aliases": ["issuer"]},
        "service_accounts": {"type": "list", "elements": "str"},
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        "purge_service_accounts": {"type": "bool", "default": False},
        "prune_orphans": {"type": "bool", "default": False},
        "max_length": {"type": "int", "default": DEFAULT_LENGTH},
        "settle": {"type": "int", "default": SETTLE},
    }


@dataclass(frozen=True)
class _Role:
    """The role as it was first read."""

    name: str
    arn: str
    document: Mapping[str, Any]


class _Merge:
    """What becomes of a document; asked anew for each that is read."""

    def __init__(self, wanted: Wanted, issuers: list[Issuer], name: str, orphans: Orphans) -> None:
        self._wanted = wanted
        self._issuers = issuers
        self._name = name
        self._orphans = orphans
        self.found: tuple[Orphan, ...] = ()

    def __call__(self, document: Mapping[str, Any]) -> TrustPlan:
        """The plan. Raises EksError where IAM would not take it."""
        wanted = self._wanted
        prune = self._orphans.confirmed(self.found, document) if wanted.prune_orphans else ()
        accounts = wanted.service_accounts
        subjects = None if accounts is None else [subject(item) for item in accounts]
        if wanted.state == "absent":
            plan = without(document, self._issuers, subjects, prune=prune)
        else:
            plan = merge(document, self._issuers, subjects or (), purge=wanted.purge_service_accounts, prune=prune)
        reason = obstacle(plan, wanted.max_length, "max_length", [orphan.provider_arn for orphan in self.found])
        if reason:
            raise EksError(f"IAM role {self._name!r}: {reason}")
        return plan


def run(params: dict[str, Any], context: Context) -> dict[str, Any]:
    """Converge the trust policy; in check mode, say what that would be."""
    aws = Aws(params, context)
    wanted = wanted_from(params, aws.partition)
    found, clusters = together(
        context,
        lambda: _read(aws, context, wanted),
        lambda: gather(context, lambda name: _issuer(aws, wanted, name), wanted.clusters),
    )
    if found is None:
        return _nothing(aws, wanted)
    role = _checked(found, wanted)
    owner = _arn.parse(role.arn)
    names: dict[Issuer, str | None] = {Issuer.of(url, owner.partition, owner.account): None for url in wanted.issuers}
    names |= {
        Issuer.of(url, owner.partition, owner.account): name
        for url, name in zip(clusters, wanted.clusters, strict=True)
    }
    orphans = Orphans(aws, context, frozenset(issuer.provider_arn for issuer in names))
    merged = _Merge(wanted, list(names), role.name, orphans)
    merged.found = orphans.find(role.document, role.arn)
    plan = merged(role.document)
    if not plan.changed:
        return _result(wanted, role, Written(plan, 0), merged.found)
    urls = {item.issuer for item in plan.added}
    gather(
        context,
        lambda issuer: check_provider(aws, context, issuer, names[issuer]),
        [issuer for issuer in names if issuer.url in urls],
    )
    if context.check_mode:
        return _result(wanted, role, Written(plan, 0), merged.found)
    return _result(wanted, role, write_trust(aws, context, role.arn, merged, settle=wanted.settle), merged.found)


def _read(aws: Aws, context: Context, wanted: Wanted) -> dict[str, Any] | None:
    """The role as IAM has it; None for one that is not there and need not be.

    Raises EksError where it is not there, after the pauses: a task before may have made it a moment ago.
    """
    iam = aws.client("iam")
    pauses = () if context.check_mode or wanted.state == "absent" else PAUSES[:-1]
    for pause in (*pauses, None):
        answer = unless_missing(lambda: aws.call(iam, "get_role", RoleName=wanted.name), MISSING)
        if answer is not None:
            return dict(answer["Role"])
        if pause is not None:
            context.cancelled.wait(pause)
    _check_account(wanted, aws.account)
    if wanted.state == "absent":
        return None
    raise EksError(
        f"There is no IAM role {wanted.name!r} in account {aws.account}, and this module makes none. Make it with the "
        "module ekspress.eks.irsa_roles, or correct the name or the AWS credentials; nothing was changed."
    )


def _check_account(wanted: Wanted, account: str) -> None:
    owner = _arn.parse(wanted.arn).account if wanted.arn else account
    if owner != account:
        raise EksError(
            f"The role {wanted.arn} is in account {owner}, the credentials of the task are of account {account}: set "
            "profile or assume_role_arn to credentials of the role's account; nothing was changed."
        )


def _checked(found: dict[str, Any], wanted: Wanted) -> _Role:
    arn = str(found["Arn"])
    _check_account(wanted, _arn.parse(arn).account)
    if wanted.arn and wanted.arn != arn:
        raise EksError(
            f"The role is given as {wanted.arn}, and the IAM role of that name is {arn}; correct partition, path and "
            "name, or give the name only. Nothing was changed."
        )
    return _Role(str(found["RoleName"]), arn, trust_policy(found))


def _issuer(aws: Aws, wanted: Wanted, name: str) -> str:
    """The URL of a cluster's issuer."""
    try:
        cluster = _cluster.describe(aws, name)
    except EksError as error:
        if wanted.state == "absent" and error_code(error) == "ResourceNotFoundException":
            raise EksError(
                f"{error.message} Where the cluster is already deleted, give its issuer in place of its name.",
                **error.details,
            ) from error
        raise
    if wanted.state == "present":
        _cluster.require_active(cluster)
    if not cluster.issuer:
        raise EksError(
            f"EKS cluster {cluster.name!r} has no OIDC issuer (it is {cluster.status}); nothing was changed. Wait "
            "until it is ACTIVE, or give the issuer in place of the cluster."
        )
    return cluster.issuer


def _nothing(aws: Aws, wanted: Wanted) -> dict[str, Any]:
    """The result for a role that is not there and from which trust was to be taken."""
    arn = wanted.arn or _arn.role(aws.partition, aws.account, wanted.name)
    return _result(wanted, _Role(wanted.name, arn, {}), Written(TrustPlan(None, None), 0), ())


def _result(wanted: Wanted, role: _Role, written: Written, found: tuple[Orphan, ...]) -> dict[str, Any]:
    plan = written.plan
    return {
        "changed": plan.changed or written.attempts > 0,
        "role": {"name": role.name, "arn": role.arn},
        "added": _shown(plan.added),
        "removed": _shown(plan.removed),
        "unlisted": _shown(plan.unlisted),
        "orphans": [{**orphan.shown(), "removed": orphan.provider_arn in plan.pruned} for orphan in found],
        "size": _policy.size(plan.after) if plan.after else 0,
        "max_length": wanted.max_length,
        "attempts": written.attempts,
        "diff": {"before": plan.before or {}, "after": plan.after or {}},
    }


def _shown(some: tuple[Trusted, ...]) -> list[dict[str, str]]:
    return [{"issuer": item.issuer, "service_account": item.service_account} for item in some]


LOGIC = Logic(
    run=run,
    argument_spec=argument_spec,
    services=("iam", "eks", "sts"),
    constraints={
        "required_one_of": [("clusters", "issuers")],
        "required_if": [("state", "present", ("service_accounts",))],
    },
)
