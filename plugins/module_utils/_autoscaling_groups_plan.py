# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The plan for Auto Scaling groups' tags and hooks: what is set and removed, in how few calls. Pure, no calls here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

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

    @property
    def reads_hooks(self) -> bool:
        return bool(self.hooks or self.removed_hooks)

    @property
    def reads_instances(self) -> bool:
        return bool(self.propagated or self.untagged)


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

    def __bool__(self) -> bool:
        return any((self.set, self.removed, self.hooks, self.removed_hooks, self.instances, self.untagged))


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


Write = GroupTags | GroupHook | _ec2_tags.Write


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

    return replace(
        group,
        tags={**{key: tag for key, tag in group.tags.items() if key not in change.removed}, **change.set},
        hooks={
            **{name: hook for name, hook in group.hooks.items() if name not in change.removed_hooks},
            **change.hooks,
        },
        instances={instance_id: instance(instance_id) for instance_id in group.instances},
    )


def writes(plan: Plan) -> list[list[Write]]:
    """The calls that carry out a plan, in steps; those of a step may be made side by side.

    Hooks go before the tags by which their handler knows its instances, and come after them: an instance must never
    wait for a hook that nobody handles. Tags go before others come, so that none passes its limit between them.
    """
    changes = sorted(plan.changes.items())
    removed: list[Write] = _batches("delete_tags", ((name, change.removed) for name, change in changes))
    removed += _ec2_tags.grouped("delete_tags", _by_instance(change.untagged for _name, change in changes))
    made: list[Write] = _batches("create_or_update_tags", ((name, change.set) for name, change in changes))
    made += _ec2_tags.grouped("create_tags", _by_instance(change.instances for _name, change in changes))
    return [
        [GroupHook(name, hook, None) for name, change in changes for hook in sorted(change.removed_hooks)],
        removed,
        made,
        [GroupHook(name, hook, made) for name, change in changes for hook, made in sorted(change.hooks.items())],
    ]


def _batches(operation: str, tags_by_group: Iterable[tuple[str, Mapping[str, Tag]]]) -> list[Write]:
    tags = [(name, key, tag) for name, tags in tags_by_group for key, tag in sorted(tags.items())]
    return [
        GroupTags(operation, tuple(tags[start : start + TAGS_A_CALL])) for start in range(0, len(tags), TAGS_A_CALL)
    ]


def _by_instance(parts: Iterable[Mapping[str, Mapping[str, str]]]) -> dict[str, Mapping[str, str]]:
    return {instance_id: tags for part in parts for instance_id, tags in part.items()}


def _change(wanted: Wanted, group: Group) -> Change:
    gets = {
        instance_id: {key: wanted.tags[key] for key in sorted(wanted.propagated) if tags.get(key) != wanted.tags[key]}
        for instance_id, tags in group.instances.items()
    }
    loses = {
        instance_id: {
            key: wanted.removed[key] for key in sorted(wanted.untagged) if tags.get(key) == wanted.removed[key]
        }
        for instance_id, tags in group.instances.items()
    }
    return Change(
        set=_set(wanted, group),
        removed={key: tag for key, tag in group.tags.items() if _goes(wanted, key, tag.value)},
        hooks={name: hook for name, hook in wanted.hooks.items() if group.hooks.get(name) != hook},
        removed_hooks={name: hook for name, hook in group.hooks.items() if name in wanted.removed_hooks},
        instances={instance_id: tags for instance_id, tags in gets.items() if tags},
        untagged={instance_id: tags for instance_id, tags in loses.items() if tags},
    )


def _set(wanted: Wanted, group: Group) -> dict[str, Tag]:
    """Tags to set. One that is not to be propagated keeps what it says of that: another hand may rely on it."""
    tags = {}
    for key, value in wanted.tags.items():
        before = group.tags.get(key)
        tag = Tag(value, key in wanted.propagated or (before is not None and before.propagate))
        if tag != before:
            tags[key] = tag
    return tags


def _goes(wanted: Wanted, key: str, value: str) -> bool:
    if wanted.removed.get(key) == value:
        return True
    kept = key in wanted.tags or key in wanted.required or reserved(key)
    return not kept and key.startswith(wanted.purged)


def _problems(wanted: Wanted, group: Group, change: Change) -> list[str]:
    then = after(group, change)
    problems = []
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
        if key in group.tags and key not in change.removed
    ]
