# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What becomes of an access entry, and the calls that lead there. Pure.

What an entry gains is written before what it loses, so that nobody is without a right that stays wanted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ansible_collections.ekspress.eks.plugins.module_utils._access_entries_model import (
    OWNER,
    STANDARD,
    TAGS,
    WITH_POLICIES,
    Entry,
    Wanted,
    access_scope,
    all_rights,
    default_username,
)

DEAD = (
    "its entry is dead: the role or user was deleted and made anew since, and EKS goes by the unique id of the one "
    "that is gone"
)


@dataclass(frozen=True)
class Write:
    """One call of EKS (its Python name), without the cluster and the principal, and what it changes, in words."""

    operation: str
    arguments: Mapping[str, Any]
    change: str


@dataclass(frozen=True)
class Plan:
    """What happens to one entry."""

    principal: str
    state: str
    """unchanged, created, updated, recreated, removed or absent (there was none to remove)."""
    before: Entry | None = None
    after: Entry | None = None
    writes: tuple[Write, ...] = ()
    fault: str = ""
    """Why it cannot be done as asked, a sentence; '' where it can."""
    purged: bool = field(default=False, compare=False)
    """Removed because it is no longer listed."""


def plan(wanted: Wanted, current: Entry | None, owner: str, *, dead: bool = False) -> Plan:
    """Make an entry be as wanted.

    Args:
        wanted: what is asked for.
        current: what there is, with its policies where those are wanted or it may be made anew.
        owner: who is noted as the maker of a new entry.
        dead: whether the principal is another one than the entry was made for.
    """
    if current is None:
        after = _new(wanted, None, owner)
        return Plan(wanted.principal, "created", None, after, _creation(after))
    if current.kind != wanted.kind or dead:
        return _anew(wanted, current, owner, dead=dead)
    after = replace(
        current,
        username=current.username if wanted.username is None else wanted.username,
        groups=current.groups if wanted.groups is None else wanted.groups,
        policies=current.policies if wanted.policies is None else dict(wanted.policies),
        tags={**current.tags, **wanted.tags},
    )
    if len(after.tags) > TAGS:
        fault = (
            f"with the tags of others it would have {len(after.tags)} of them, and {TAGS} are the most. Remove some."
        )
        return Plan(wanted.principal, "updated", current, after, fault=fault)
    writes = _update(current, after)
    return Plan(wanted.principal, "updated" if writes else "unchanged", current, after, writes)


def _new(wanted: Wanted, current: Entry | None, owner: str) -> Entry:
    """The entry that is made; what the task leaves alone comes from the one that it replaces."""
    standard = wanted.kind == STANDARD
    kept = current if current is not None and current.kind == wanted.kind else None
    username = wanted.username or (kept.username if kept else "")
    groups = wanted.groups if wanted.groups is not None else (kept.groups if kept else frozenset())
    policies = wanted.policies if wanted.policies is not None else (kept.policies if kept else None)
    return Entry(
        principal=wanted.principal,
        kind=wanted.kind,
        username=(username or default_username(wanted.principal)) if standard else "",
        groups=groups if standard else frozenset(),
        policies=dict(policies or {}),
        tags={**(current.tags if current else {}), **wanted.tags, OWNER: owner},
    )


def _creation(after: Entry) -> tuple[Write, ...]:
    arguments: dict[str, Any] = {"type": after.kind, "tags": dict(sorted(after.tags.items()))}
    if after.kind == STANDARD:
        if after.username != default_username(after.principal):
            arguments["username"] = after.username
        if after.groups:
            arguments["kubernetesGroups"] = sorted(after.groups)
    made = Write("create_access_entry", arguments, f"create ({after.kind})")
    return (made, *_associations({}, after.policies or {}))


def _anew(wanted: Wanted, current: Entry, owner: str, *, dead: bool) -> Plan:
    """Delete the entry and make it again, where the task says so."""
    reason = DEAD if dead else f"its entry has the type {current.kind}, and AWS lets nobody change a type"
    after = _new(wanted, current, owner)
    plan_of = Plan(wanted.principal, "recreated", current, after)
    lost = "" if dead or current.kind != STANDARD else " Its people are cut off between the two calls."
    if not wanted.recreate:
        return replace(
            plan_of,
            fault=f"{reason}. Set recreate: true on the entry, which deletes it and makes it anew.{lost}",
        )
    unnamed = _unnamed(wanted, current)
    if unnamed:
        return replace(
            plan_of,
            fault=f"{reason}, and making it anew would lose what the task does not list if it were ended between the "
            f"two calls. List {' and '.join(unnamed)} beside recreate: true.",
        )
    words = "delete, to be made anew" if dead else "delete, to be made anew: its people are cut off until then"
    return replace(plan_of, writes=(Write("delete_access_entry", {}, words), *_creation(after)))


def _unnamed(wanted: Wanted, current: Entry) -> list[str]:
    """What the entry has that the task leaves alone, with its values."""
    if current.kind != STANDARD or wanted.kind != STANDARD:
        return []
    found = []
    if wanted.username is None and current.username != default_username(current.principal):
        found.append(f"username: {current.username}")
    if wanted.groups is None and current.groups:
        found.append(f"groups: [{', '.join(sorted(current.groups))}]")
    if wanted.policies is None and current.policies:
        found.append(f"policies: {current.shown()['policies']}")
    return found


def _update(current: Entry, after: Entry) -> tuple[Write, ...]:
    writes = list(_associations(current.policies or {}, after.policies or {}))
    arguments: dict[str, Any] = {}
    changes = []
    if current.username != after.username:
        arguments["username"] = after.username
        changes.append(f"username {current.username!r} to {after.username!r}")
    if current.groups != after.groups:
        arguments["kubernetesGroups"] = sorted(after.groups)
        signs = [f"+{group}" for group in sorted(after.groups - current.groups)]
        changes.append(f"groups {' '.join(signs + [f'-{group}' for group in sorted(current.groups - after.groups)])}")
    if arguments:
        writes.append(Write("update_access_entry", arguments, ", ".join(changes)))
    gone = sorted(set(current.policies or {}) - set(after.policies or {}))
    writes += [
        Write("disassociate_access_policy", {"policyArn": arn}, f"take policy {arn.rpartition('/')[2]} away")
        for arn in gone
    ]
    tags = {key: value for key, value in after.tags.items() if current.tags.get(key) != value}
    if tags:
        arguments = {"resourceArn": current.arn, "tags": dict(sorted(tags.items()))}
        writes.append(Write("tag_resource", arguments, f"set tags {', '.join(sorted(tags))}"))
    return tuple(writes)


def _associations(before: Mapping[str, tuple[str, ...]], after: Mapping[str, tuple[str, ...]]) -> tuple[Write, ...]:
    """Give policies, or other scopes to those that there are; what gives all rights first."""
    return tuple(
        Write(
            "associate_access_policy",
            {"policyArn": arn, "accessScope": access_scope(scope)},
            f"policy {arn.rpartition('/')[2]} {_words(scope)}",
        )
        for arn, scope in sorted(after.items(), key=lambda item: (not all_rights(*item), item))
        if before.get(arn) != scope
    )


def _words(scope: tuple[str, ...]) -> str:
    return f"in {', '.join(scope)}" if scope else "in the whole cluster"


def removal(principal: str, current: Entry | None, *, purged: bool = False) -> Plan:
    """Delete an entry, if there is one; its associations go with it."""
    if current is None:
        return Plan(principal, "absent")
    writes = (Write("delete_access_entry", {}, "delete"),)
    return Plan(principal, "removed", current, None, writes, purged=purged)


def needs_policies(wanted: Wanted, current: Entry, *, dead: bool) -> bool:
    """Whether the plan depends on the access policies that the entry has."""
    return current.kind in WITH_POLICIES and (
        wanted.policies is not None or dead or current.kind != wanted.kind or wanted.recreate
    )
