# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What autoscaling_groups reads of AWS and writes to it."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ansible_collections.ekspress.eks.plugins.module_utils import _ec2_tags
from ansible_collections.ekspress.eks.plugins.module_utils._autoscaling_groups_plan import (
    Group,
    GroupHook,
    GroupTags,
    Hook,
    Plan,
    Tag,
    Wanted,
    Write,
    writes,
)
from ansible_collections.ekspress.eks.plugins.module_utils._aws import (
    EC2_FILTER_VALUES,
    Aws,
    error_code,
    unless_missing,
)
from ansible_collections.ekspress.eks.plugins.module_utils._context import Context
from ansible_collections.ekspress.eks.plugins.module_utils._errors import EksError
from ansible_collections.ekspress.eks.plugins.module_utils._parallel import batches, gather, settle, together

NAMES_A_CALL = 100
"""https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_DescribeAutoScalingGroups.html (MaxRecords)"""

LEAVING = ("Terminat", "Detach")
"""How the lifecycle states of instances begin that will not be in the group much longer.
https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-lifecycle.html"""

TRANSITIONS = {"terminating": "autoscaling:EC2_INSTANCE_TERMINATING", "launching": "autoscaling:EC2_INSTANCE_LAUNCHING"}
SHORT_TRANSITIONS = {value: key for key, value in TRANSITIONS.items()}

INVALID = "ValidationError"
"""What Auto Scaling answers for a group, or a hook, that does not exist (and for whatever else is not valid)."""
NO_INSTANCE = "InvalidInstanceID.NotFound"
INSTANCE_ID = re.compile(r"\bi-(?:[0-9a-f]{17}|[0-9a-f]{8})\b")


def read(aws: Aws, context: Context, wanted: Sequence[Wanted]) -> dict[str, Group]:
    """The groups that exist, by name: all at once, their hooks side by side with them, then their instances' tags."""
    with_hooks = [item.name for item in wanted if item.reads_hooks]
    names = batches([item.name for item in wanted], NAMES_A_CALL)
    answers = together(
        context,
        *(functools.partial(_described, aws, batch) for batch in names),
        *(functools.partial(_hooks, aws, name) for name in with_hooks),
    )
    groups = {group.name: group for described in answers[: len(names)] for group in map(from_description, described)}
    for name, hooks in zip(with_hooks, answers[len(names) :], strict=True):
        if name in groups:
            groups[name] = replace(groups[name], hooks=_required(name, hooks))
    tagged = {item.name for item in wanted if item.reads_instances}
    ids = [instance_id for name in sorted(tagged & set(groups)) for instance_id in groups[name].instances]
    tags = _instance_tags(aws, context, ids)
    return {
        name: replace(group, instances={item: tags[item] for item in sorted(group.instances)} if name in tagged else {})
        for name, group in groups.items()
    }


def from_description(described: Mapping[str, Any]) -> Group:
    """A group as DescribeAutoScalingGroups tells it; of its instances those that stay in it, without their tags."""
    return Group(
        name=described["AutoScalingGroupName"],
        tags={
            tag["Key"]: Tag(tag.get("Value") or "", bool(tag.get("PropagateAtLaunch")))
            for tag in described.get("Tags") or []
        },
        instances={
            instance["InstanceId"]: {}
            for instance in described.get("Instances") or []
            if not instance["LifecycleState"].startswith(LEAVING)
        },
        status=described.get("Status") or "",
    )


def _described(aws: Aws, names: Sequence[str]) -> list[dict[str, Any]]:
    return aws.pages(
        aws.client("autoscaling"),
        "describe_auto_scaling_groups",
        "AutoScalingGroups",
        AutoScalingGroupNames=list(names),
        MaxRecords=NAMES_A_CALL,
    )


def _hooks(aws: Aws, name: str) -> dict[str, Hook] | None:
    """The hooks of a group; None where there is no such group."""
    client = aws.client("autoscaling")
    answer = unless_missing(lambda: aws.call(client, "describe_lifecycle_hooks", AutoScalingGroupName=name), INVALID)
    if answer is None:
        return None
    return {
        hook["LifecycleHookName"]: Hook(
            SHORT_TRANSITIONS.get(hook["LifecycleTransition"], hook["LifecycleTransition"]),
            int(hook["HeartbeatTimeout"]),
            hook["DefaultResult"],
        )
        for hook in answer["LifecycleHooks"]
    }


def _required(name: str, hooks: dict[str, Hook] | None) -> dict[str, Hook]:
    if hooks is None:
        raise EksError(f"The Auto Scaling group {name!r} was made or deleted while it was read; run again.")
    return hooks


def _instance_tags(aws: Aws, context: Context, instance_ids: Sequence[str]) -> dict[str, dict[str, str]]:
    if not instance_ids:
        return {}
    ec2 = aws.client("ec2")

    def described(batch: list[str]) -> list[dict[str, Any]]:
        return aws.pages(ec2, "describe_tags", "Tags", Filters=[{"Name": "resource-id", "Values": batch}])

    tags: dict[str, dict[str, str]] = {instance_id: {} for instance_id in instance_ids}
    for answer in gather(context, described, batches(sorted(instance_ids), EC2_FILTER_VALUES)):
        for tag in answer:
            tags[tag["ResourceId"]][tag["Key"]] = tag.get("Value") or ""
    return tags


def write(aws: Aws, context: Context, plan: Plan) -> frozenset[str]:
    """Carry out a plan step by step, the calls of a step side by side. Gives the ids of instances that are gone.

    Raises EksError that says what was written before a call failed; the next run does the rest.
    """
    owners = {
        instance_id: name
        for name, change in plan.changes.items()
        for instance_id in {**change.instances, **change.untagged}
    }
    done: list[Write] = []
    gone: set[str] = set()
    for step in writes(plan):
        outcomes = settle(context, lambda item: _write(aws, item), step)
        for item, outcome in zip(step, outcomes, strict=True):
            if not isinstance(outcome, Exception):
                done.append(item)
                gone |= outcome
        _raise_first(step, outcomes, sorted({name for item in done for name in _groups_of(item, owners)}))
    return frozenset(gone)


def _write(aws: Aws, item: Write) -> set[str]:
    """Make the call; give the ids of instances that were gone by then."""
    if isinstance(item, _ec2_tags.Write):
        return _write_instance_tags(aws, item)
    if isinstance(item, GroupTags):
        _write_group_tags(aws, item)
    else:
        _write_hook(aws, item)
    return set()


def _write_instance_tags(aws: Aws, item: _ec2_tags.Write) -> set[str]:
    """Set or remove tags of instances. EC2 refuses the whole call where one of them is gone, and names it."""
    ec2, left = aws.client("ec2"), list(item.resource_ids)
    tags = [{"Key": key, "Value": value} for key, value in item.tags]
    while left:
        try:
            aws.call(ec2, item.operation, Resources=left, Tags=tags)
            break
        except EksError as error:
            named = set(INSTANCE_ID.findall(error.message)) & set(left)
            if error_code(error) != NO_INSTANCE or not named:
                raise
            left = [instance_id for instance_id in left if instance_id not in named]
    return set(item.resource_ids) - set(left)


def _write_group_tags(aws: Aws, item: GroupTags) -> None:
    """Set or remove tags of groups. To be removed from a group that is gone is to be removed."""
    client, left = aws.client("autoscaling"), list(item.tags)
    while left:
        try:
            aws.call(client, item.operation, Tags=[_as_tag(*tag) for tag in left])
            break
        except EksError as error:
            if error_code(error) != INVALID or item.operation != "delete_tags":
                raise
            names = sorted({name for name, _key, _tag in left})
            there = {described["AutoScalingGroupName"] for described in _described(aws, names)}
            if there.issuperset(names):
                raise
            left = [tag for tag in left if tag[0] in there]


def _as_tag(group: str, key: str, tag: Tag) -> dict[str, Any]:
    return {
        "ResourceId": group,
        "ResourceType": "auto-scaling-group",
        "Key": key,
        "Value": tag.value,
        "PropagateAtLaunch": tag.propagate,
    }


def _write_hook(aws: Aws, item: GroupHook) -> None:
    client = aws.client("autoscaling")
    named = {"AutoScalingGroupName": item.group, "LifecycleHookName": item.name}
    if item.hook is not None:
        aws.call(
            client,
            "put_lifecycle_hook",
            **named,
            LifecycleTransition=TRANSITIONS[item.hook.transition],
            HeartbeatTimeout=item.hook.heartbeat_timeout,
            DefaultResult=item.hook.default_result,
        )
    else:
        # The name is one that was read: what is not valid about it now is that hook or group are gone.
        unless_missing(lambda: aws.call(client, "delete_lifecycle_hook", **named), INVALID)


def _groups_of(item: Write, owners: Mapping[str, str]) -> Iterable[str]:
    if isinstance(item, _ec2_tags.Write):
        return {owners[instance_id] for instance_id in item.resource_ids}
    return {name for name, _key, _tag in item.tags} if isinstance(item, GroupTags) else {item.group}


def _title(item: Write) -> str:
    if isinstance(item, _ec2_tags.Write):
        return f"Tags {_listed(key for key, _value in item.tags)} of {', '.join(item.resource_ids)}"
    if isinstance(item, GroupTags):
        groups = _listed(name for name, _key, _tag in item.tags)
        return f"Tags {_listed(key for _name, key, _tag in item.tags)} of the Auto Scaling groups {groups}"
    return f"Lifecycle hook {item.name} of the Auto Scaling group {item.group}"


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(set(names)))


def _raise_first(step: Sequence[Write], outcomes: Sequence[set[str] | Exception], written: Sequence[str]) -> None:
    failed = [(item, error) for item, error in zip(step, outcomes, strict=True) if isinstance(error, Exception)]
    if not failed:
        return
    item, error = failed[0]
    if not isinstance(error, EksError):
        raise error
    was = f"Written before: {', '.join(written)}; run again for the rest." if written else "Nothing was changed."
    raise EksError(
        f"{_title(item)}: {error.message} {was}",
        **{**error.details, "changed": bool(written), "written_groups": list(written)},
    ) from error
