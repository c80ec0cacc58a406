# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Module irsa_roles: any number of IAM roles for service accounts, read and written side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ansible_collections.ekspress.eks.plugins.module_utils import _arn, _cluster
from ansible_collections.ekspress.eks.plugins.module_utils._adapter import aws_options
from ansible_collections.ekspress.eks.plugins.module_utils._aws import Aws
from ansible_collections.ekspress.eks.plugins.module_utils._context import Context, Logic
from ansible_collections.ekspress.eks.plugins.module_utils._errors import CancelledError, EksError
from ansible_collections.ekspress.eks.plugins.module_utils._irsa_api import Writer, read
from ansible_collections.ekspress.eks.plugins.module_utils._irsa_input import Wanted, check_account, wanted_roles
from ansible_collections.ekspress.eks.plugins.module_utils._irsa_provider import check_provider, trust_is_written
from ansible_collections.ekspress.eks.plugins.module_utils._irsa_roles_plan import Options, Plan, plan, trust_plan
from ansible_collections.ekspress.eks.plugins.module_utils._irsa_writes import Current
from ansible_collections.ekspress.eks.plugins.module_utils._parallel import gather, settle
from ansible_collections.ekspress.eks.plugins.module_utils._trust_policy_plan import Issuer

MAX_TRUST_POLICY_LENGTH = (2048, 4096)
MAX_MANAGED_POLICIES = (10, 25)
"""Default and highest quota: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html"""


def argument_spec() -> dict[str, Any]:
    """The options of the module."""
    return {
        **aws_options(),
        "cluster": {"type": "str", "aliases": ["cluster_name"]},
        "issuer": {"type": "str"},
        "roles": {
            "type": "list",
            "elements": "dict",
            "required": True,
            "options": {
                "name": {"type": "str", "required": True},
                "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
                "path": {"type": "str"},
                "service_accounts": {"type": "list", "elements": "str"},
                "policies": {"type": "dict"},
                "managed_policy_arns": {"type": "list", "elements": "str"},
                "permissions_boundary": {"type": "str"},
                "tags": {"type": "dict"},
                "max_session_duration": {"type": "int"},
                "description": {"type": "str"},
            },
        },
        "purge_policies": {"type": "bool", "default": False},
        "purge_service_accounts": {"type": "bool", "default": False},
        "max_trust_policy_length": {"type": "int", "default": MAX_TRUST_POLICY_LENGTH[0]},
        "max_managed_policies": {"type": "int", "default": MAX_MANAGED_POLICIES[0]},
        "force": {"type": "bool", "default": False},
    }


def run(params: dict[str, Any], context: Context) -> dict[str, Any]:
    """Converge the roles. Raises EksError before any write for bad input, after all writes for roles that failed."""
    options = Options(
        purge_policies=params["purge_policies"],
        purge_service_accounts=params["purge_service_accounts"],
        max_trust_policy_length=_quota(params, "max_trust_policy_length", MAX_TRUST_POLICY_LENGTH),
        max_managed_policies=_quota(params, "max_managed_policies", MAX_MANAGED_POLICIES),
        force=params["force"],
    )
    if params["issuer"]:
        _arn.check_issuer(params["issuer"])
    if params["cluster"]:
        _cluster.check_name(params["cluster"])
    aws = Aws(params, context)
    wanted = wanted_roles(params["roles"], aws.partition)
    if not wanted:
        return {"changed": False, "roles": [], "diff": {"before": {}, "after": {}}}
    issuer, account = _issuer(aws, params, wanted)
    for role in wanted:
        check_account(role, account)
    aws.client("iam")
    plans = _plan_all(wanted, _read_all(aws, context, wanted), issuer, options)
    for each in plans:
        if each.warning:
            context.warn(each.warning)
    work = list(zip(wanted, plans, strict=True))
    if trust_is_written(work):
        check_provider(aws, context, issuer, params["cluster"])
    if context.check_mode:
        return _result([(each, [write.change for write in each.writes], None) for each in plans])
    return _write_all(aws, context, work, issuer, options)


def _quota(params: dict[str, Any], option: str, limits: tuple[int, int]) -> int:
    value, (lowest, highest) = int(params[option]), limits
    if not lowest <= value <= highest:
        raise EksError(f"{option} is {value}; IAM's quota is from {lowest} (the default) to {highest}.")
    return value


def _issuer(aws: Aws, params: dict[str, Any], wanted: list[Wanted]) -> tuple[Issuer, str]:
    if params["issuer"]:
        return Issuer.of(params["issuer"], aws.partition, aws.account), aws.account
    cluster = _cluster.describe(aws, params["cluster"])
    if any(role.state == "present" for role in wanted):
        _cluster.require_active(cluster)
    if not cluster.issuer:
        raise EksError(
            f"EKS cluster {cluster.name!r} has no OIDC issuer (its status is {cluster.status}); nothing was changed. "
            "Wait until it is ACTIVE, or give issuer in place of cluster."
        )
    return Issuer.of(cluster.issuer, cluster.partition, cluster.account), cluster.account


def _read_all(aws: Aws, context: Context, wanted: list[Wanted]) -> list[Current | None]:
    outcomes = settle(context, lambda role: read(aws, role), wanted)
    _raise_all(wanted, outcomes, "read")
    return [outcome for outcome in outcomes if not isinstance(outcome, Exception)]


def _plan_all(wanted: list[Wanted], current: list[Current | None], issuer: Issuer, options: Options) -> list[Plan]:
    plans: list[Plan | Exception] = []
    for role, now in zip(wanted, current, strict=True):
        try:
            plans.append(plan(role, now, issuer, options))
        except EksError as error:
            plans.append(error)
    _raise_all(wanted, plans, "converged")
    return [each for each in plans if isinstance(each, Plan)]


def _raise_all(wanted: list[Wanted], outcomes: Sequence[Any], done: str) -> None:
    """Raise one error for all roles that failed; an error that is no EksError is a defect and raised as it is."""
    failed: list[tuple[Wanted, EksError]] = []
    for role, outcome in zip(wanted, outcomes, strict=True):
        if isinstance(outcome, CancelledError):
            raise outcome
        if isinstance(outcome, EksError):
            failed.append((role, outcome))
        elif isinstance(outcome, Exception):
            raise outcome
    if failed:
        reasons = " ".join(_named(role, error) for role, error in failed)
        details = failed[0][1].details if len(failed) == 1 else {}
        raise EksError(
            f"{len(failed)} of {len(wanted)} IAM roles cannot be {done}; nothing was changed. {reasons}", **details
        )


def _named(role: Wanted, error: EksError) -> str:
    prefix = f"IAM role {role.name!r}"
    message = error.message if error.message.startswith(prefix) else f"{prefix}: {error.message}"
    return message if message.endswith(".") else f"{message}."


def _write_all(
    aws: Aws, context: Context, work: list[tuple[Wanted, Plan]], issuer: Issuer, options: Options
) -> dict[str, Any]:
    def write(pair: tuple[Wanted, Plan]) -> tuple[Plan, list[str], EksError | None]:
        role, first = pair
        if not first.writes:
            return first, [], None
        writer = Writer(
            aws,
            context,
            role,
            replan=lambda now: plan(role, now, issuer, options),
            merged=lambda document: trust_plan(role, document, issuer, options),
        )
        done = writer.write(first)
        return done, writer.changes, writer.error

    outcomes = gather(context, write, work)
    result = _result(outcomes)
    failed = [(pair[0], outcome[2]) for pair, outcome in zip(work, outcomes, strict=True) if outcome[2]]
    for _role, error in failed:
        if isinstance(error, CancelledError):
            raise CancelledError(error.message, **result)
    if not failed:
        return result
    reasons = " ".join(_named(role, error) for role, error in failed)
    raise EksError(
        f"{len(failed)} of {len(work)} IAM roles failed; the others are as wanted. {reasons} "
        "Then run again: it goes on where this run stopped.",
        **result,
    )


def _result(outcomes: list[tuple[Plan, list[str], EksError | None]]) -> dict[str, Any]:
    roles = []
    before: dict[str, Any] = {}
    after: dict[str, Any] = {}
    for done, changes, error in outcomes:
        role: dict[str, Any] = {"name": done.name, "arn": done.arn, "state": done.state, "changes": changes}
        role["unlisted"] = dict(done.unlisted)
        if error:
            role |= {"state": "failed", "error": error.message}
        roles.append(role)
        if done.before != done.after:
            before[done.name], after[done.name] = done.before, done.after
    return {
        "changed": any(changes for _plan, changes, _error in outcomes),
        "roles": roles,
        "diff": {"before": dict(sorted(before.items())), "after": dict(sorted(after.items()))},
    }


LOGIC = Logic(
    run=run,
    argument_spec=argument_spec,
    services=("iam", "eks", "sts"),
    constraints={"mutually_exclusive": [("cluster", "issuer")], "required_one_of": [("cluster", "issuer")]},
)
