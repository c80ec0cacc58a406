# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Module irsa_roles: any number of IAM roles for service accounts, read and written side by side."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from ansible_collections.ekspress.eks.plugins.module_utils import _arn, _cluster
from ansible_collections.ekspress.eks.plugins.module_utils._adapter import aws_options
from ansible_collections.ekspress.eks.plugins.module_utils._aws import Aws
from ansible_collections.ekspress.eks.plugins.module_utils._context import Context, Logic
from ansible_collections.ekspress.eks.plugins.module_utils._errors import CancelledError, EksError
from ansible_collections.ekspress.eks.plugins.module_utils._irsa_api import Writer, read, with_sizes
from ansible_collections.ekspress.eks.plugins.module_utils._irsa_input import Wanted, check_account, wanted_roles
from ansible_collections.ekspress.eks.plugins.module_utils._irsa_provider import (
    check_provider,
    provider_fault,
    trust_is_written,
    warn_of_provider,
)
from ansible_collections.ekspress.eks.plugins.module_utils._irsa_roles_plan import Options, Plan, plan, trust_plan
from ansible_collections.ekspress.eks.plugins.module_utils._irsa_unlisted import account_roles, unlisted_roles
from ansible_collections.ekspress.eks.plugins.module_utils._irsa_writes import Current
from ansible_collections.ekspress.eks.plugins.module_utils._parallel import gather, settle
from ansible_collections.ekspress.eks.plugins.module_utils._trust_policy_limits import DEFAULT_LENGTH, LONGEST
from ansible_collections.ekspress.eks.plugins.module_utils._trust_policy_orphans import Orphans
from ansible_collections.ekspress.eks.plugins.module_utils._trust_policy_plan import Issuer, TrustPlan
from ansible_collections.ekspress.eks.plugins.module_utils._trust_policy_write import LONGEST_SETTLE, SETTLE

MAX_TRUST_POLICY_LENGTH = (DEFAULT_LENGTH, LONGEST)
MAX_MANAGED_POLICIES = (10, 25)
"""Default and highest quota: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html"""


@dataclass(frozen=True)
class _Task:
    """What counts for all roles of a task."""

    aws: Aws
    context: Context
    issuer: Issuer
    options: Options
    orphans: Orphans
    cluster: str | None
    """Name of the EKS cluster, where that is given."""
    settle: int
    """Seconds for which a trust policy that was written is watched."""


@dataclass(frozen=True)
class _Found:
    """What was read before anything is planned."""

    roles: list[Current | None]
    provider: str | EksError
    """What is wrong with the provider that the roles trust, '' where nothing is; or why it could not be read."""
    account_roles: list[dict[str, Any]]
    """All roles of the account, where they are asked for."""


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
        "prune_orphans": {"type": "bool", "default": False},
        "report_unlisted_roles": {"type": "bool", "default": False},
        "settle": {"type": "int", "default": SETTLE},
    }


def run(params: dict[str, Any], context: Context) -> dict[str, Any]:
    """Converge the roles. Raises EksError before any write for bad input, after all writes for roles that failed."""
    options = Options(
        purge_policies=params["purge_policies"],
        purge_service_accounts=params["purge_service_accounts"],
        prune_orphans=params["prune_orphans"],
        max_trust_policy_length=_quota(params, "max_trust_policy_length", MAX_TRUST_POLICY_LENGTH),
        max_managed_policies=_quota(params, "max_managed_policies", MAX_MANAGED_POLICIES),
        force=params["force"],
    )
    settle_for = _settle(params)
    if params["issuer"]:
        _arn.check_issuer(params["issuer"])
    if params["cluster"]:
        _cluster.check_name(params["cluster"])
    aws = Aws(params, context)
    wanted = wanted_roles(params["roles"], aws.partition)
    report = params["report_unlisted_roles"]
    if not wanted and not report:
        return {"changed": False, "roles": [], "diff": {"before": {}, "after": {}}}
    issuer, account = _issuer(aws, params, wanted)
    for role in wanted:
        check_account(role, account)
    orphans = Orphans(aws, context, frozenset({issuer.provider_arn}))
    task = _Task(aws, context, issuer, options, orphans, params["cluster"], settle_for)
    found = _read_all(task, wanted, report=report)
    plans = _plan_all(task, wanted, found.roles)
    for each in plans:
        if each.warning:
            context.warn(each.warning)
    work = list(zip(wanted, plans, strict=True))
    _check_provider(task, work, found.provider)
    listed = [role.name for role in wanted]
    more = {"unlisted_roles": unlisted_roles(found.account_roles, listed, issuer)} if report else {}
    if context.check_mode:
        return _result([(each, [write.change for write in each.writes], None) for each in plans]) | more
    return _write_all(task, work, more)


def _quota(params: dict[str, Any], option: str, limits: tuple[int, int]) -> int:
    value, (lowest, highest) = int(params[option]), limits
    if not lowest <= value <= highest:
        raise EksError(f"{option} is {value}; IAM's quota is from {lowest} (the default) to {highest}.")
    return value


def _settle(params: dict[str, Any]) -> int:
    if not 0 <= params["settle"] <= LONGEST_SETTLE:
        raise EksError(
            f"settle is {params['settle']}; the seconds that a write is watched are from 0 to {LONGEST_SETTLE}."
        )
    return int(params["settle"])


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


def _read_all(task: _Task, wanted: list[Wanted], *, report: bool) -> _Found:
    """Everything that a run without changes reads, side by side."""
    aws = task.aws
    aws.client("iam")
    trusting = bool(_trusting(wanted))
    reads: list[Callable[[], Any]] = [partial(_look, task, role) for role in wanted]
    if report:
        reads.insert(0, lambda: account_roles(aws))
    if trusting:
        reads.insert(0, lambda: provider_fault(aws, task.issuer, task.cluster))
    outcomes: list[Any] = settle(task.context, lambda call: call(), reads)
    provider = outcomes.pop(0) if trusting else ""
    listed = outcomes.pop(0) if report else []
    for outcome in (provider, listed):
        if isinstance(outcome, Exception) and not (outcome is provider and isinstance(outcome, EksError)):
            raise outcome
    _raise_all(wanted, outcomes, "read")
    return _Found(outcomes, provider, listed)


def _look(task: _Task, wanted: Wanted) -> Current | None:
    """The role as IAM has it, None where there is none."""
    role = read(task.aws, wanted)
    if role is None:
        return None
    found = task.orphans.find(role.trust_policy, role.arn)
    asked_for = wanted.state == "absent" or wanted.service_accounts is not None
    prune = found and task.options.prune_orphans and asked_for
    gone = task.orphans.confirmed(found, role.trust_policy) if prune else frozenset()
    return replace(role, orphans=found, gone=gone)


def _trusting(wanted: list[Wanted]) -> list[str]:
    """Names of the roles that are to trust the issuer's provider."""
    return [role.name for role in wanted if role.state == "present" and role.service_accounts is not None]


def _plan_all(task: _Task, wanted: list[Wanted], current: list[Current | None]) -> list[Plan]:
    plans = _planned(task, wanted, current)
    to_measure = {each.name for each in plans if each.puts_policies}
    if not to_measure:
        return plans

    def measured(role: Current | None) -> Current | None:
        return with_sizes(task.aws, role) if role and role.name in to_measure else role

    outcomes: list[Any] = settle(task.context, measured, current)
    _raise_all(wanted, outcomes, "read")
    return _planned(task, wanted, outcomes)


def _planned(task: _Task, wanted: list[Wanted], current: Sequence[Current | None]) -> list[Plan]:
    plans: list[Plan | Exception] = []
    for role, now in zip(wanted, current, strict=True):
        try:
            plans.append(plan(role, now, task.issuer, task.options))
        except EksError as error:
            plans.append(error)
    _raise_all(wanted, plans, "converged")
    return [each for each in plans if isinstance(each, Plan)]


def _check_provider(task: _Task, work: list[tuple[Wanted, Plan]], found: str | EksError) -> None:
    """Raise EksError where trust in a provider of no use would be written, warn where it is there already."""
    if not trust_is_written(work):
        warn_of_provider(task.context, found, _trusting([role for role, _plan in work]))
    elif isinstance(found, EksError):
        raise found
    else:
        check_provider(task.aws, task.context, task.issuer, task.cluster, found)


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


def _write_all(task: _Task, work: list[tuple[Wanted, Plan]], more: dict[str, Any]) -> dict[str, Any]:
    def write(pair: tuple[Wanted, Plan]) -> tuple[Plan, list[str], EksError | None]:
        role, first = pair
        if not first.writes:
            return first, [], None

        def merged(document: Mapping[str, Any]) -> TrustPlan:
            gone = task.orphans.confirmed(first.orphans, document) if task.options.prune_orphans else frozenset()
            return trust_plan(role, document, task.issuer, task.options, gone)

        writer = Writer(
            task.aws,
            task.context,
            role,
            look=lambda: _look(task, role),
            replan=lambda now: plan(role, now, task.issuer, task.options),
            merged=merged,
            settle=task.settle,
        )
        done = writer.write(first)
        return done, writer.changes, writer.error

    outcomes = gather(task.context, write, work)
    result = _result(outcomes) | more
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
        role["orphans"] = [{**orphan.shown(), "removed": orphan.provider_arn in done.pruned} for orphan in done.orphans]
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
