# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Why a plan for access entries may cut nodes or administrators off. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from ansible_collections.ekspress.eks.plugins.module_utils._access_entries_model import (
    CLUSTER_ADMIN,
    NODE_TYPES,
    WHOLE_CLUSTER,
    Entry,
    identity,
)
from ansible_collections.ekspress.eks.plugins.module_utils._access_entries_plan import DEAD, Plan
from ansible_collections.ekspress.eks.plugins.module_utils._aws_auth_guards import NODES
from ansible_collections.ekspress.eks.plugins.module_utils._aws_auth_model import Entry as Mapped

EVERYBODY = "system:authenticated"
"""The group of everybody who is let in."""


def takes_away(plans: Iterable[Plan]) -> bool:
    """Whether anybody may lose something, so that the caller is worth a call to find out."""
    return any(weakened(plan.before, plan.after) or plan.state == "recreated" for plan in plans)


def weakened(before: Entry | None, after: Entry | None) -> bool:
    """Whether an entry gives less than before, or to another user of Kubernetes."""
    if before is None:
        return False
    if after is None or before.username != after.username or before.groups - after.groups:
        return True
    return any(_narrowed(scope, (after.policies or {}).get(arn)) for arn, scope in (before.policies or {}).items())


def _narrowed(before: tuple[str, ...], after: tuple[str, ...] | None) -> bool:
    if after is None:
        return True
    return after != WHOLE_CLUSTER and (before == WHOLE_CLUSTER or not set(before) <= set(after))


def loses_admin(plans: Iterable[Plan]) -> bool:
    """Whether an entry stops to have all rights in the cluster."""
    return any(
        plan.before is not None and plan.before.admin and not (plan.after is not None and plan.after.admin)
        for plan in plans
    )


def reasons(plans: Collection[Plan], *, caller: str, in_use: Collection[str], admins: Collection[str]) -> list[str]:
    """Sentences that each name an entry and what to do; empty where nothing is dropped that is guarded.

    Args:
        plans: what happens to the entries.
        caller: ARN of whom the run acts as.
        in_use: ARNs of the roles of managed node groups and Fargate profiles, if node entries go.
        admins: principals that have all rights by an entry once the plans are carried out, if one loses them.
    """
    used = {identity(arn) for arn in in_use}
    found = [reason for plan in plans for reason in _of_nodes(plan, used)]
    found += [reason for plan in plans for reason in _of_caller(plan, identity(caller))]
    if loses_admin(plans) and not admins:
        losing = sorted(plan.principal for plan in plans if plan.before is not None and plan.before.admin)
        found.append(
            f"{', '.join(losing)}: no access entry would be left with {CLUSTER_ADMIN} in the whole cluster. Give it to "
            "another principal first, in the same or an earlier task."
        )
    return found


def shadowing(plans: Iterable[Plan], caller: str) -> Plan | None:
    """A new entry of the caller without all rights: it takes the place of what aws-auth gives the caller at once."""
    made = (plan for plan in plans if _made_for_less(plan))
    return next((plan for plan in made if identity(plan.principal) == identity(caller)), None)


def makes_others(plans: Iterable[Plan]) -> bool:
    """Whether entries are made that have not all rights, so that the caller is worth a call to find out."""
    return any(map(_made_for_less, plans))


def _made_for_less(plan: Plan) -> bool:
    return plan.state == "created" and plan.after is not None and not plan.after.admin


def reasons_of_shadow(plan: Plan, mapped: Iterable[Mapped]) -> list[str]:
    """What the caller would lose of what aws-auth gives, in a sentence."""
    own = next((entry for entry in mapped if entry.key == identity(plan.principal)), None)
    after = plan.after
    if own is None or after is None:
        return []
    # What is the same for every session of a principal may be filled in.
    username = own.username.replace("{{AccountID}}", plan.principal.split(":")[4])
    if ":user/" in plan.principal:
        username = username.replace("{{SessionName}}", "").replace("{{SessionNameRaw}}", "")
    if username == after.username and set(own.groups) - {EVERYBODY} <= after.groups:
        return []
    return [
        f"{plan.principal}: it is whom this task runs as, and its new entry would take the place of what aws-auth "
        f"gives it (username {own.username!r}, groups {list(own.groups)}) with less. Give it the same, or "
        f"{CLUSTER_ADMIN}."
    ]


def node_entries_go(plans: Iterable[Plan]) -> bool:
    """Whether an entry of nodes is deleted, so that it is worth the calls to find out who uses it."""
    return any(_of_nodes_gone(plan) for plan in plans)


def _of_nodes_gone(plan: Plan) -> bool:
    return plan.before is not None and plan.before.kind in NODE_TYPES and plan.state in ("removed", "recreated")


def _of_nodes(plan: Plan, used: Collection[str]) -> Iterator[str]:
    if plan.before is None or not _of_nodes_gone(plan):
        return
    if identity(plan.principal) in used:
        yield (
            f"{plan.principal}: it lets nodes in (type {plan.before.kind}), and a managed node group or Fargate "
            "profile of the cluster runs with this role. Delete that first."
        )
    else:
        yield (
            f"{plan.principal}: it lets nodes in (type {plan.before.kind}), which would become NotReady, and no API "
            "tells whether any use it (self-managed, Karpenter's and hybrid nodes are in none). Keep it until no node "
            "runs with this role."
        )


def _of_caller(plan: Plan, caller: str) -> Iterator[str]:
    if identity(plan.principal) != caller:
        return
    if plan.state == "recreated":
        yield (
            f"{plan.principal}: it is the entry by which this task itself has access, and it would be deleted and made "
            "anew. Run the task as somebody else."
        )
        return
    admin = plan.after is not None and plan.after.admin
    if weakened(plan.before, plan.after) and not admin:
        what = "removed" if plan.after is None else "changed so that it may lose rights"
        yield (
            f"{plan.principal}: it is the entry by which this task itself has access, and it would be {what}. Run the "
            "task as somebody else, or keep the entry with its username, groups and policies."
        )


@dataclass(frozen=True)
class Cover:
    """The access entries that there are in the end, as far as anybody depends on them."""

    kinds: Mapping[str, str]
    """Types of those that count, by ``identity``."""
    dead: Collection[str] = ()
    """The ``identity`` of those whose role or user is another one by now."""

    def lack(self, key: str, *, node: bool) -> str:
        """Why an identity is not let in by an entry, in words with the way out; '' where it is."""
        kind = self.kinds.get(key)
        if kind is None:
            return f"{DEAD}. Make it anew with recreate: true." if key in self.dead else NO_ENTRY[node]
        if node and kind not in NODE_TYPES:
            return (
                f"its access entry has the type {kind}, which lets no nodes in. Make it anew with recreate: true and "
                f"a type of nodes ({OF_NODES})."
            )
        return ""


OF_NODES = "EC2_LINUX, EC2_WINDOWS, FARGATE_LINUX or HYBRID_LINUX"
NO_ENTRY = {
    False: "it has no access entry. Add one, or remove it there.",
    True: f"it has no access entry. Add one of type {OF_NODES}.",
}


def reasons_against_api(
    cover: Cover,
    *,
    mapped: Iterable[Mapped],
    node_roles: Collection[str],
    caller: str,
    admins: Collection[str],
) -> list[str]:
    """Who would lose access once aws-auth is no longer read, in sentences.

    Args:
        cover: the entries that there are then.
        mapped: what aws-auth maps.
        node_roles: ARNs of the roles of managed node groups and Fargate profiles.
        caller: ARN of whom the run acts as.
        admins: principals that have all rights by an entry.
    """
    nodes = {identity(arn): arn for arn in sorted(node_roles)}
    found = [
        f"{arn}: a managed node group or Fargate profile of the cluster runs with this role, and its nodes would "
        f"become NotReady, as {lack}"
        for key, arn in nodes.items()
        if (lack := cover.lack(key, node=True))
    ]
    for entry in mapped:
        node = NODES in entry.groups
        lack = cover.lack(entry.key, node=node)
        if not lack or entry.key in nodes:
            continue
        what = f"nodes in by this role (group {NODES}), which would become NotReady" if node else "it in"
        found.append(f"{entry.arn}: aws-auth lets {what}, and {lack}")
    lack = cover.lack(identity(caller), node=False)
    if lack:
        lack = "it has no access entry. Add one." if lack == NO_ENTRY[False] else lack
        found.append(f"{caller}: it is whom this task runs as, and {lack} Or run as somebody who has one that counts.")
    if not admins:
        found.append(f"No access entry has {CLUSTER_ADMIN} in the whole cluster. Give it to a principal first.")
    return found
