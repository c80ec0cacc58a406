# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The plan for Auto Scaling groups' tags and hooks: what is set and removed, in how few calls. Pure, no calls here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Union

from ansible_collections.ekspress.eks.plugins.module_utils import _autoscaling_notes as notes
from ansible_collections.ekspress.eks.plugins.module_utils import _ec2_tags
from ansible_collections.ekspress.eks.plugins.module_utils._iam_tags import count, reserved

MAXIMUM_TAGS = 50
TAGS_A_CALL = 25
"""User-made tags a group may have, and tags that one call takes, whatever groups they are of.
https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-tagging.html#tag_restrictions"""
MAXIMUM_HOOKS = 50
"""https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-quotas.html"""


@dataclass(frozen=True)
class Hook:
    """What a lifecycle hook does; whom it notifies is left to its owner."""

    transition: str
    """terminating or launching."""
    heartbeat_timeout: int
    default_result: str


@dataclass(frozen=True)
class Tag:
    """A tag's value, and whether instances get it when they are launched."""

    value: str
    propagate: bool


@dataclass(frozen=True)
class Group:
    """A group as it was read."""

    name: str
    tags: Mapping[str, Tag]
    hooks: Mapping[str, Hook] = field(default_factory=dict)
    """Read only where hooks are asked for."""
    instances: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Tags of the instances that stay in the group, by id; read only where instances are to have tags, or lose some."""
    status: str = ""
    """What DescribeAutoScalingGroups says of a group that is being deleted; empty for all others."""


@dataclass(frozen=True)
class Wanted:
    """What is asked of one group by all its entries together."""

    name: str
    present: bool = False
    """Whether the group must exist; else one that does not needs nothing."""
    tags: Mapping[str, str] = field(default_factory=dict)
    propagated: frozenset[str] = frozenset()
    """Keys of ``tags`` that instances get, now and when they are launched."""
    required: Mapping[str, str] = field(default_factory=dict)
    hooks: Mapping[str, Hook] = field(default_factory=dict)
    purged: tuple[str, ...] = ()
    """Prefixes of keys that no tag has but those of ``tags`` and ``required``."""
    removed: Mapping[str, str] = field(default_factory=dict)
    untagged: frozenset[str] = frozenset()
    """Keys of ``removed`` that instances lose too."""
    removed_hooks: frozenset[str] = frozenset()
    owners: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Who asks, and the tags that it wants; those that it had set before and wants no more go."""
    only_noted: Mapping[str, str] = field(default_factory=dict)
    """Keys of ``removed`` that go only if they are noted as set by this owner."""
    instances_too: bool = False
    """Whether instances lose what an owner propagated and wants no more."""

    @property
    def reads_hooks(self) -> bool:
        return bool(self.hooks or self.removed_hooks)

    @property
    def reads_instances(self) -> bool:
        return bool(self.propagated or self.untagged or self.instances_too)


@dataclass(frozen=True)
class Change:
    """What happens to one group; what is removed is as it was read."""

    set: Mapping[str, Tag] = field(default_factory=dict)
    removed: Mapping[str, Tag] = field(default_factory=dict)
    hooks: Mapping[str, Hook] = field(default_factory=dict)
    removed_hooks: Mapping[str, Hook] = field(default_factory=dict)
    instances: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Tags that instances get, by id."""
    untagged: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Tags that instances lose, by id."""
    noted: Mapping[str, str] = field(default_factory=dict)
    """Notes that are written before all else, by key."""
    noted_after: Mapping[str, str] = field(default_factory=dict)
    """Notes that are written after all else, by key."""
    notes_gone: Mapping[str, str] = field(default_factory=dict)
    """Notes that are removed after all else, with the values that they have."""

    def __bool__(self) -> bool:
        tags = (self.set, self.removed, self.instances, self.untagged)
        return any((*tags, self.hooks, self.removed_hooks, self.noted, self.noted_after, self.notes_gone))


@dataclass(frozen=True)
class GroupTags:
    """One call of Auto Scaling: tags of any groups are set or removed, each (group, key, tag)."""

    operation: str
    """create_or_update_tags or delete_tags."""
    tags: tuple[tuple[str, str, Tag], ...]


@dataclass(frozen=True)
class GroupHook:
    """One call of Auto Scaling: a hook is put, or deleted where it is None."""

    group: str
    name: str
    hook: Hook | None


Write = Union[GroupTags, GroupHook, _ec2_tags.Write]  # noqa: UP007 - pylint of ansible-test does not know the other form


@dataclass(frozen=True)
class Plan:
    """Changes of the groups that change, by name, and what the operator should know of them."""

    changes: Mapping[str, Change]
    warnings: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    """Names of groups that must exist and do not."""
    problems: tuple[str, ...] = ()
    """Why the plan must not be carried out, a sentence each."""


def make(wanted: Sequence[Wanted], groups: Mapping[str, Group]) -> Plan:
    """Plan the tags and hooks of ``wanted``, of whose groups those that exist are in ``groups``."""
    missing = tuple(item.name for item in wanted if item.present and item.name not in groups)
    found = [(item, groups[item.name]) for item in wanted if item.name in groups]
    problems = [
        f"The Auto Scaling group {item.name!r} is being deleted ({group.status}); leave it out."
        for item, group in found
        if item.present and group.status
    ]
    living = [(item, group) for item, group in found if not group.status]
    changes = {item.name: _change(item, group) for item, group in living}
    problems += [text for item, group in living for text in _problems(item, group, changes[item.name])]
    warnings = [text for item, group in living for text in _kept(item, group, changes[item.name])]
    made = {name: change for name, change in changes.items() if change}
    return Plan(made, tuple(warnings), missing, tuple(problems))


def after(group: Group, change: Change) -> Group:
    """The group as it is once the change is made."""

    def instance(instance_id: str) -> dict[str, str]:
        lost = change.untagged.get(instance_id, {})
        kept = {key: value for key, value in group.instances[instance_id].items() if key not in lost}
        return {**kept, **change.instances.get(instance_id, {})}

    tags = {**{key: tag for key, tag in group.tags.items() if key not in change.removed}, **change.set}
    for key, value in {**change.noted, **change.noted_after}.items():
        tags[key] = Tag(value, False)
    return replace(
        group,
        tags={key: tag for key, tag in tags.items() if key not in change.notes_gone},
        hooks={
            **{name: hook for name, hook in group.hooks.items() if name not in change.removed_hooks},
            **change.hooks,
        },
        instances={instance_id: instance(instance_id) for instance_id in group.instances},
    )


def writes(plan: Plan) -> list[list[Write]]:
    """The calls that carry out a plan, in steps; those of a step may be made side by side.

    Hooks go before the tags by which their handler knows its instances, and come after them: an instance must never
    wait for a hook that nobody handles. Tags go before others come, so that none passes its limit between them. Notes
    come before and go after what they note.
    """
    changes = sorted(plan.changes.items())
    removed: list[Write] = _batches("delete_tags", ((name, change.removed) for name, change in changes))
    removed += _ec2_tags.grouped("delete_tags", _by_instance(change.untagged for _name, change in changes))
    made: list[Write] = _batches("create_or_update_tags", ((name, change.set) for name, change in changes))
    made += _ec2_tags.grouped("create_tags", _by_instance(change.instances for _name, change in changes))
    before = [(name, _as_tags(change.noted)) for name, change in changes]
    after = [(name, _as_tags(change.noted_after)) for name, change in changes]
    gone = [(name, _as_tags(change.notes_gone)) for name, change in changes]
    steps: list[list[Write]] = [
        [GroupHook(name, hook, None) for name, change in changes for hook in sorted(change.removed_hooks)],
        _batches("create_or_update_tags", before),
        removed,
        made,
        [GroupHook(name, hook, put) for name, change in changes for hook, put in sorted(change.hooks.items())],
        _batches("create_or_update_tags", after) + _batches("delete_tags", gone),
    ]
    return [step for step in steps if step]


def _as_tags(found: Mapping[str, str]) -> dict[str, Tag]:
    return {key: Tag(value, False) for key, value in found.items()}


def _batches(operation: str, tags_by_group: Iterable[tuple[str, Mapping[str, Tag]]]) -> list[Write]:
    tags = [(name, key, tag) for name, tags in tags_by_group for key, tag in sorted(tags.items())]
    return [
        GroupTags(operation, tuple(tags[start : start + TAGS_A_CALL])) for start in range(0, len(tags), TAGS_A_CALL)
    ]


def _by_instance(parts: Iterable[Mapping[str, Mapping[str, str]]]) -> dict[str, Mapping[str, str]]:
    return {instance_id: tags for part in parts for instance_id, tags in part.items()}


def _change(wanted: Wanted, group: Group) -> Change:
    values = {key: tag.value for key, tag in group.tags.items()}
    stale = _stale(wanted, group, values)
    removed = {
        key: value
        for key, value in wanted.removed.items()
        if key not in wanted.only_noted or notes.mark(key, value) in notes.read(values, wanted.only_noted[key])
    }
    gets = {
        instance_id: {key: wanted.tags[key] for key in sorted(wanted.propagated) if tags.get(key) != wanted.tags[key]}
        for instance_id, tags in group.instances.items()
    }
    loses = {
        instance_id: {
            key: value
            for key, value in sorted({**_propagated(stale), **removed}.items())
            if (key in stale or key in wanted.untagged) and tags.get(key) == value
        }
        for instance_id, tags in group.instances.items()
    }
    written = _set(wanted, group)
    noted, noted_after, notes_gone = _notes(wanted, values)
    return Change(
        set=written,
        removed=stale | {key: tag for key, tag in group.tags.items() if _goes(wanted, removed, key, tag.value)},
        hooks={name: hook for name, hook in wanted.hooks.items() if group.hooks.get(name) != hook},
        removed_hooks={name: hook for name, hook in group.hooks.items() if name in wanted.removed_hooks},
        instances={instance_id: tags for instance_id, tags in gets.items() if tags},
        untagged={instance_id: tags for instance_id, tags in loses.items() if tags},
        noted=noted,
        noted_after=noted_after,
        notes_gone=notes_gone,
    )


def _stale(wanted: Wanted, group: Group, values: Mapping[str, str]) -> dict[str, Tag]:
    """Tags that an owner of the run had set and that nobody of the run wants any more."""
    marks = {mark for owner in wanted.owners for mark in notes.read(values, owner)}
    return {
        key: tag
        for key, tag in group.tags.items()
        if notes.mark(key, tag.value) in marks and key not in wanted.tags and key not in wanted.required
    }


def _propagated(tags: Mapping[str, Tag]) -> dict[str, str]:
    return {key: tag.value for key, tag in tags.items() if tag.propagate}


def _notes(wanted: Wanted, values: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str], dict[str, str]]:
    """The notes before and after the writes, and those that go. A tag that is there, unnoted, is somebody else's."""
    before: dict[str, str] = {}
    after: dict[str, str] = {}
    gone: dict[str, str] = {}
    for owner, tags in wanted.owners.items():
        key, old = f"{notes.PREFIX}{owner}", notes.read(values, owner)
        marks = {notes.mark(*tag) for tag in tags.items()}
        new = {mark for mark in marks if mark in old} | {
            notes.mark(name, value) for name, value in tags.items() if values.get(name) != value
        }
        if not new <= old:
            before[key] = notes.text(new | old)
        if not new and key in values:
            gone[key] = values[key]
        elif new != new | old:
            after[key] = notes.text(new)
    return before, after, gone


def _set(wanted: Wanted, group: Group) -> dict[str, Tag]:
    """Tags to set. One that is not to be propagated keeps what it says of that: another hand may rely on it."""
    tags = {}
    for key, value in wanted.tags.items():
        before = group.tags.get(key)
        tag = Tag(value, key in wanted.propagated or (before is not None and before.propagate))
        if tag != before:
            tags[key] = tag
    return tags


def _goes(wanted: Wanted, removed: Mapping[str, str], key: str, value: str) -> bool:
    if removed.get(key) == value:
        return True
    kept = key in wanted.tags or key in wanted.required or reserved(key) or key.startswith(notes.RESERVED)
    return not kept and key.startswith(wanted.purged)


def _problems(wanted: Wanted, group: Group, change: Change) -> list[str]:
    then = after(group, change)
    problems = [
        f"The note of {owner} on the Auto Scaling group {group.name!r} has room for {notes.MOST} tags, and it wants "
        f"{len(tags)}; ask for fewer."
        for owner, tags in wanted.owners.items()
        if len(tags) > notes.MOST
    ]
    lacking = {
        key: value for key, value in wanted.required.items() if key not in then.tags or then.tags[key].value != value
    }
    if lacking:
        problems.append(_lacks(group, lacking))
    tags = count(then.tags)
    if change.set and tags > MAXIMUM_TAGS:
        problems.append(
            f"The Auto Scaling group {group.name!r} would have {tags} tags, and {MAXIMUM_TAGS} is the most; remove "
            "tags from it, or ask for fewer."
        )
    if change.hooks and len(then.hooks) > MAXIMUM_HOOKS:
        problems.append(
            f"The Auto Scaling group {group.name!r} would have {len(then.hooks)} lifecycle hooks, and {MAXIMUM_HOOKS} "
            "is the most; remove hooks from it, or ask for fewer."
        )
    full = [
        f"{instance_id} ({count(then.instances[instance_id])})"
        for instance_id in sorted(change.instances)
        if count(then.instances[instance_id]) > _ec2_tags.MAXIMUM_TAGS
    ]
    if full:
        problems.append(
            f"Instances of the Auto Scaling group {group.name!r} would have more than {_ec2_tags.MAXIMUM_TAGS} tags, "
            f"which is the most: {', '.join(full)}; remove tags from them, or propagate fewer."
        )
    return problems


def _lacks(group: Group, lacking: Mapping[str, str]) -> str:
    texts = [
        f"{key}={value}" + (f" (it is {group.tags[key].value!r})" if key in group.tags else "")
        for key, value in sorted(lacking.items())
    ]
    return (
        f"The Auto Scaling group {group.name!r} lacks required tags: {', '.join(texts)}. Who made the group sets them: "
        "EKS for a managed node group (find out who took them away), else what made it; or list them under tags."
    )


def _kept(wanted: Wanted, group: Group, change: Change) -> list[str]:
    """Why some tags stay although removal was asked for."""
    return [
        f"The tag {key} of the Auto Scaling group {group.name!r} stays: its value is {group.tags[key].value!r} and not "
        f"{value!r}, so another hand made it."
        for key, value in sorted(wanted.removed.items())
        if key in group.tags and key not in change.removed and key not in wanted.only_noted
    ]
