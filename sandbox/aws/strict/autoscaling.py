# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""EC2 Auto Scaling groups: their tags and lifecycle hooks.

https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-tagging.html (50 tags a group, 25 a call, 128 and
256 characters, no prefix aws:, whose tags do not count), …/delete-tag.html (a value that is not the tag's deletes
nothing), https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_PutLifecycleHook.html (name, 30 to 7200 seconds,
50 hooks a group, what an update leaves out stays), …/API_LifecycleHook.html (global timeout),
https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_DescribeAutoScalingGroups.html (50 names, or MaxRecords)
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from moto.autoscaling.models import LifecycleHook, autoscaling_backends

from sandbox.aws.answers import Answer, Refusal
from sandbox.aws.hooks import check, correct, operation
from sandbox.aws.request import AwsRequest
from sandbox.aws.state import State

TAGS = 50
TAGS_A_CALL = 25
HOOKS = 50
NAMES = 50
RECORDS = 100
TRANSITIONS = ("autoscaling:EC2_INSTANCE_LAUNCHING", "autoscaling:EC2_INSTANCE_TERMINATING")
RESULTS = ("CONTINUE", "ABANDON")
HEARTBEAT = range(30, 7201)
LONGEST_WAIT = 172_800
_HOOK_NAME = re.compile(r"[A-Za-z0-9\-_/]{1,255}")


def _invalid(message: str) -> Refusal:
    return Refusal("ValidationError", message)


def _backend(request: AwsRequest) -> Any:
    return autoscaling_backends[request.caller.account][request.region]


def _group(request: AwsRequest) -> Any:
    name = str(request.parameters.get("AutoScalingGroupName") or "")
    groups = _backend(request).autoscaling_groups
    if name not in groups:
        raise _invalid(f"AutoScalingGroup name not found - AutoScalingGroup '{name}' not found")
    return groups[name]


def _own(keys: Iterable[str]) -> set[str]:
    return {key for key in keys if not key.startswith("aws:")}


def _check_tag(position: int, tag: dict[str, Any]) -> None:
    key, value = str(tag.get("Key") or ""), str(tag.get("Value") or "")
    for what, text, low, high in (("key", key, 1, 128), ("value", value, 0, 256)):
        if not low <= len(text) <= high:
            raise _invalid(
                f"1 validation error detected: Value '{text}' at 'tags.{position}.member.{what}' failed to satisfy "
                f"constraint: Member must have length between {low} and {high}"
            )
        if text.lower().startswith("aws:"):
            raise _invalid(f"The prefix aws: is reserved for AWS: tag {what} '{text}'")


def _tags(request: AwsRequest) -> list[tuple[Any, dict[str, Any]]]:
    """Return the groups and tags of a call of CreateOrUpdateTags or DeleteTags, or refuse them all."""
    groups, tags = _backend(request).autoscaling_groups, request.parameters.get("Tags") or []
    if not 1 <= len(tags) <= TAGS_A_CALL:
        raise _invalid(f"The request has {len(tags)} tags; a call takes 1 to {TAGS_A_CALL}.")
    seen: set[tuple[str, str]] = set()
    for position, tag in enumerate(tags, start=1):
        name = str(tag.get("ResourceId") or "")
        _check_tag(position, tag)
        if tag.get("ResourceType") != "auto-scaling-group":
            raise _invalid(f"The resource type {tag.get('ResourceType')!r} is not auto-scaling-group")
        if name not in groups:
            raise _invalid(f"AutoScalingGroup not found - AutoScaling Group {name} not found")
        if (name, tag["Key"]) in seen:
            raise _invalid(f"Duplicate tag key {tag['Key']} for {name}")
        seen.add((name, tag["Key"]))
    return [(groups[tag["ResourceId"]], tag) for tag in tags]


@operation("autoscaling", "CreateOrUpdateTags")
def create_or_update_tags(request: AwsRequest, state: State) -> dict[str, Any]:
    """Set tags on all groups, or on none; an earlier definition of a tag is replaced whole."""
    wanted = _tags(request)
    keys: dict[str, set[str]] = {}
    for group, tag in wanted:
        keys.setdefault(group.name, {item["Key"] for item in group.tags}).add(tag["Key"])
    if any(len(_own(of_group)) > TAGS for of_group in keys.values()):
        raise Refusal("LimitExceeded", f"The maximum number of tags for an Auto Scaling group is {TAGS}.")
    for group, tag in wanted:
        made = {
            "Key": tag["Key"],
            "Value": tag.get("Value") or "",
            "PropagateAtLaunch": bool(tag.get("PropagateAtLaunch")),
        }
        group.tags = [item for item in group.tags if item["Key"] != tag["Key"]] + [made]
    return {}


@operation("autoscaling", "DeleteTags")
def delete_tags(request: AwsRequest, state: State) -> dict[str, Any]:
    """Remove tags whose value matches, or that come without a value."""
    for group, tag in _tags(request):
        group.tags = [
            item for item in group.tags if item["Key"] != tag["Key"] or tag.get("Value") not in (None, item["Value"])
        ]
    return {}


@check("autoscaling", "CreateAutoScalingGroup")
def tags_of_a_new_group(request: AwsRequest, state: State) -> None:
    """Refuse tags that AWS refuses."""
    tags = request.parameters.get("Tags") or []
    for position, tag in enumerate(tags, start=1):
        _check_tag(position, tag)
    if len(tags) > TAGS:
        raise Refusal("LimitExceeded", f"The maximum number of tags for an Auto Scaling group is {TAGS}.")


@check("autoscaling", "DescribeAutoScalingGroups")
def names_of_one_call(request: AwsRequest, state: State) -> None:
    """Refuse more names than a page has room for."""
    names = request.parameters.get("AutoScalingGroupNames") or []
    most = int(request.parameters.get("MaxRecords") or NAMES)
    if len(names) > min(most, RECORDS):
        raise _invalid(f"The request has {len(names)} names; without a greater MaxRecords it takes {most}.")


@correct("autoscaling", "DeleteAutoScalingGroup")
def hooks_go_with_their_group(request: AwsRequest, state: State, answer: Answer) -> Answer:
    """Forget the hooks of a group that is gone."""
    forget_hooks(_backend(request), str(request.parameters["AutoScalingGroupName"]))
    return answer


def put_hook(backend: Any, group: str, name: str, *, transition: str, heartbeat: int, result: str) -> Any:
    """Make or replace a lifecycle hook that notifies nobody, and return it."""
    hook: Any = LifecycleHook(name, group, transition, heartbeat, result)
    hook.role_arn = hook.notification_target_arn = hook.notification_metadata = None
    hook.global_timeout = min(LONGEST_WAIT, 100 * heartbeat)
    backend.lifecycle_hooks[f"{group}_{name}"] = hook
    return hook


def forget_hooks(backend: Any, group: str) -> None:
    """Forget all hooks of a group."""
    for key, hook in list(backend.lifecycle_hooks.items()):
        if hook.auto_scaling_group_name == group:
            del backend.lifecycle_hooks[key]


def _hooks(request: AwsRequest) -> dict[str, Any]:
    group = _group(request)
    hooks = _backend(request).lifecycle_hooks.values()
    return {hook.name: hook for hook in hooks if hook.auto_scaling_group_name == group.name}


def _hook_name(request: AwsRequest) -> str:
    name = str(request.parameters.get("LifecycleHookName") or "")
    if not _HOOK_NAME.fullmatch(name):
        raise _invalid(
            f"1 validation error detected: Value '{name}' at 'lifecycleHookName' failed to satisfy constraint: Member "
            "must satisfy regular expression pattern: [A-Za-z0-9\\-_\\/]+"
        )
    return name


@operation("autoscaling", "PutLifecycleHook")
def put_lifecycle_hook(request: AwsRequest, state: State) -> dict[str, Any]:
    """Make a hook, or change what the call names of one that exists."""
    parameters, name, hooks = request.parameters, _hook_name(request), _hooks(request)
    before = hooks.get(name)
    if before is None and len(hooks) >= HOOKS:
        raise Refusal("LimitExceeded", f"The maximum number of lifecycle hooks for an Auto Scaling group is {HOOKS}.")
    transition = parameters.get("LifecycleTransition") or (before.lifecycle_transition if before else None)
    heartbeat = parameters.get("HeartbeatTimeout") or (before.heartbeat_timeout if before else 3600)
    result = parameters.get("DefaultResult") or (before.default_result if before else "ABANDON")
    if transition not in TRANSITIONS:
        raise _invalid(f"Invalid lifecycle transition {transition!r}: it is one of {', '.join(TRANSITIONS)}")
    if heartbeat not in HEARTBEAT:
        raise _invalid(f"Heartbeat timeout {heartbeat} is not between {HEARTBEAT[0]} and {HEARTBEAT[-1]} seconds")
    if result not in RESULTS:
        raise _invalid(f"Invalid default result {result!r}: it is one of {', '.join(RESULTS)}")
    group = str(parameters["AutoScalingGroupName"])
    hook = put_hook(_backend(request), group, name, transition=transition, heartbeat=heartbeat, result=result)
    for field, key in (
        ("role_arn", "RoleARN"),
        ("notification_target_arn", "NotificationTargetARN"),
        ("notification_metadata", "NotificationMetadata"),
    ):
        kept = getattr(before, field) if before else None
        setattr(hook, field, parameters.get(key, kept))
    return {}


@operation("autoscaling", "DescribeLifecycleHooks")
def describe_lifecycle_hooks(request: AwsRequest, state: State) -> dict[str, Any]:
    """Show the hooks of a group that exists."""
    names = request.parameters.get("LifecycleHookNames") or []
    if len(names) > HOOKS:
        raise _invalid(f"The request has {len(names)} names of hooks; a call takes {HOOKS}.")
    shown = [hook for name, hook in _hooks(request).items() if not names or name in names]
    return {"LifecycleHooks": [_described(hook) for hook in shown]}


def _described(hook: Any) -> dict[str, Any]:
    described = {
        "LifecycleHookName": hook.name,
        "AutoScalingGroupName": hook.auto_scaling_group_name,
        "LifecycleTransition": hook.lifecycle_transition,
        "HeartbeatTimeout": hook.heartbeat_timeout,
        "GlobalTimeout": hook.global_timeout,
        "DefaultResult": hook.default_result,
        "RoleARN": hook.role_arn,
        "NotificationTargetARN": hook.notification_target_arn,
        "NotificationMetadata": hook.notification_metadata,
    }
    return {key: value for key, value in described.items() if value}


@check("autoscaling", "DeleteLifecycleHook")
def hook_exists(request: AwsRequest, state: State) -> None:
    """Refuse to delete a hook that is not there; moto does nothing."""
    name = _hook_name(request)
    if name not in _hooks(request):
        raise _invalid(f"No Lifecycle Hook found with name: {name}")
