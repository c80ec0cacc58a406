# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Why a plan for aws-auth may cut nodes or administrators off. Pure.

The groups: https://docs.aws.amazon.com/eks/latest/userguide/auth-configmap.html for nodes and administrators,
https://docs.aws.amazon.com/eks/latest/userguide/pod-execution-role.html for Fargate.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ansible_collections.ekspress.eks.plugins.module_utils._arn import ACCOUNT
from ansible_collections.ekspress.eks.plugins.module_utils._aws_auth_model import Change, Entry, canonical
from ansible_collections.ekspress.eks.plugins.module_utils._aws_auth_plan import Plan

NODES = "system:nodes"
FARGATE = "system:node-proxier"
MASTERS = "system:masters"


def takes_away(plan: Plan) -> bool:
    """Whether any entry changes or goes, so that Fargate's roles and the caller are worth the calls to find them."""
    return any(change.before is not None for change in plan.changes)


def reasons(plan: Plan, caller: str = "", fargate_roles: frozenset[str] = frozenset()) -> list[str]:
    """Sentences that each name an entry and what to do; empty where nothing is dropped that is guarded.

    ``caller`` is the ARN of whom the run acts as, '' where it is not known; ``fargate_roles`` are the ARNs of the pod
    execution roles of Fargate profiles (with or without path). ``force`` is the caller's to honour.
    """
    fargate = {canonical(arn).lower() for arn in fargate_roles}
    found = [reason for change in plan.changes for reason in _of_change(change, fargate)]
    return [*found, *_of_caller(plan, canonical(caller).lower()), *_of_masters(plan)]


def _of_change(change: Change, fargate: set[str]) -> Iterator[str]:
    before, after = change.before, change.after
    if before is None:
        return
    if NODES in before.groups and (after is None or NODES not in after.groups or before.username != after.username):
        yield (
            f"{change}: it lets nodes in (group {NODES}), which would become NotReady, and no API tells whether any "
            "use it (self-managed, Karpenter's and hybrid nodes are in none). Keep it as it is, with its username and "
            "groups, until no node runs with this role."
        )
    known = change.section == "roles" and before.key in fargate
    lost = _lost(before, after)
    if FARGATE in lost or (known and (after is None or lost)):
        yield (
            f"{change}: it lets the pods of Fargate profiles in (group {FARGATE}, or the pod execution role of a "
            "profile), and none would start without it. Keep it as it is until its Fargate profiles are deleted."
        )


def _lost(before: Entry, after: Entry | None) -> set[str]:
    return set(before.groups) - set(after.groups if after else ())


def _of_caller(plan: Plan, caller: str) -> Iterator[str]:
    """The caller's access, by an entry of its own or by its account."""
    before, after = plan.effective_before, plan.effective_after
    own, others = _allowed(before, caller), _allowed(after, caller)
    if own is None or (others is not None and MASTERS in others.groups):
        return
    if others is None or others.username != own.username or _lost(own, others):
        what = "removed" if others is None else "changed so that it may lose rights"
        yield (
            f"{own.arn}: it is the entry by which this task itself has access, and it would be {what}. Run the task as "
            "somebody else, or keep the entry with its username and groups."
        )


def _allowed(effective: Mapping[str, Entry], caller: str) -> Entry | None:
    if not caller:
        return None
    parts = caller.split(":", 5)
    account = parts[4] if len(parts) == 6 and ACCOUNT.fullmatch(parts[4]) else ""
    return effective.get(caller) or effective.get(account)


def _of_masters(plan: Plan) -> Iterator[str]:
    before, after = (
        sorted(entry.arn for entry in effective.values() if MASTERS in entry.groups)
        for effective in (plan.effective_before, plan.effective_after)
    )
    if before and not after:
        yield (
            f"{', '.join(before)}: nobody would be left in aws-auth with the group {MASTERS}, and only the cluster's "
            "creator or access entries could repair that. Add another administrator first, in the same or an earlier "
            "task."
        )
