# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The calls that lead from a queue and its rules as they are to what is wanted."""

from __future__ import annotations

from collections.abc import Mapping

from ansible_collections.ekspress.eks.plugins.module_utils import _event_pattern, _policy, _queue_policy
from ansible_collections.ekspress.eks.plugins.module_utils._queue_input import Wanted, WantedRule
from ansible_collections.ekspress.eks.plugins.module_utils._queue_model import (
    TARGET_ID,
    Chain,
    Current,
    Queue,
    Rule,
    Write,
)
from ansible_collections.ekspress.eks.plugins.module_utils._queue_tags import CLUSTER


def queue_chain(current: Current, after: Queue, rule_arns: frozenset[str]) -> Chain:
    """What makes or changes the queue; its policy is to name these rules."""
    now = current.queue
    if now is None:
        attributes = {
            "MessageRetentionPeriod": str(after.message_retention),
            **{name: value for name, value in _encryption(after).items() if value},
            "Policy": _policy.to_json(after.policy or {}),
        }
        arguments = {"QueueName": current.name, "Attributes": attributes, "tags": dict(sorted(after.tags.items()))}
        return (Write("sqs", "create_queue", arguments, "queue: create"),)
    changed: dict[str, str] = {}
    words = []
    if now.message_retention != after.message_retention:
        changed["MessageRetentionPeriod"] = str(after.message_retention)
        words.append(f"message retention {after.message_retention} s")
    if (now.kms_key, now.sse_sqs) != (after.kms_key, after.sse_sqs):
        changed |= _encryption(after)
        words.append(f"encryption by {after.kms_key or 'SSE-SQS'}")
    policy = _queue_policy.merged(now.policy, current.arn, current.place.account, rule_arns)
    new_policy = not _queue_policy.same(now.policy, policy)
    if new_policy:
        changed["Policy"] = _policy.to_json(policy)
        words.append("policy")
    writes = []
    if changed:
        arguments = {"QueueUrl": now.url, "Attributes": changed}
        named = rule_arns if new_policy else None
        writes.append(Write("sqs", "set_queue_attributes", arguments, f"queue: {', '.join(words)}", rule_arns=named))
    tags = {key: value for key, value in sorted(after.tags.items()) if now.tags.get(key) != value}
    if tags:
        arguments = {"QueueUrl": now.url, "Tags": tags}
        writes.append(Write("sqs", "tag_queue", arguments, f"queue: tags {', '.join(tags)}"))
    return tuple(writes)


def _encryption(queue: Queue) -> dict[str, str]:
    """SSE-KMS and SSE-SQS exclude each other, and SQS refuses a key beside SSE-SQS."""
    return {"KmsMasterKeyId": queue.kms_key, "SqsManagedSseEnabled": "true" if queue.sse_sqs else "false"}


def policy_chain(current: Current, rule_arns: frozenset[str]) -> Chain:
    """The policy once rules are gone."""
    if current.queue is None:
        return ()
    policy = _queue_policy.merged(current.queue.policy, current.arn, current.place.account, rule_arns)
    arguments = {"QueueUrl": current.queue.url, "Attributes": {"Policy": _policy.to_json(policy)}}
    change = "queue: policy without the rules that are gone"
    return (Write("sqs", "set_queue_attributes", arguments, change, rule_arns=rule_arns),)


def delete_chain(current: Current) -> Chain:
    """The end of the queue."""
    if current.queue is None:
        return ()
    return (Write("sqs", "delete_queue", {"QueueUrl": current.queue.url}, "queue: delete"),)


def rule_chain(wanted: Wanted, rule: WantedRule, current: Current) -> Chain:
    """What makes or changes a rule, and lets it send to the queue."""
    now = current.rules.get(rule.name)
    tags = {**wanted.tags, CLUSTER: wanted.cluster}
    writes = []
    if now is None:
        arguments = {**_put(rule, None), "Tags": _tag_list(tags)}
        writes.append(Write("events", "put_rule", arguments, f"rule {rule.name}: create", rule.name))
    elif _differs(rule, now):
        writes.append(Write("events", "put_rule", _put(rule, now), f"rule {rule.name}: update", rule.name))
    missing = {key: value for key, value in tags.items() if now and now.tags.get(key) != value}
    if missing:
        arguments = {"ResourceARN": current.place.rule_arn(rule.name), "Tags": _tag_list(missing)}
        change = f"rule {rule.name}: tags {', '.join(sorted(missing))}"
        writes.append(Write("events", "tag_resource", arguments, change, rule.name))
    target = {"Id": TARGET_ID, "Arn": current.arn}
    if now is None or target not in now.targets:
        arguments = {"Rule": rule.name, "Targets": [target]}
        writes.append(Write("events", "put_targets", arguments, f"rule {rule.name}: send to the queue", rule.name))
    return tuple(writes)


def _put(rule: WantedRule, now: Rule | None) -> dict[str, object]:
    """The arguments of PutRule, which takes away what it is not given."""
    description = rule.description if rule.description is not None or now is None else now.description
    arguments = {
        "Name": rule.name,
        "EventPattern": _event_pattern.to_json(rule.event_pattern),
        "State": now.state if now and now.enabled else "ENABLED",
        "Description": description,
        "RoleArn": now.role_arn if now else "",
    }
    return {name: value for name, value in arguments.items() if value}


def _differs(rule: WantedRule, now: Rule) -> bool:
    return (
        not now.enabled
        or bool(now.schedule)
        or not _event_pattern.same(now.pattern, rule.event_pattern)
        or rule.description not in (None, now.description)
    )


def removal_chain(current: Current, rule: Rule) -> Chain:
    """What keeps a rule from sending to the queue, and deletes it where it has no other target."""
    ids = rule.target_ids(current.arn)
    writes = []
    if ids:
        arguments = {"Rule": rule.name, "Ids": ids}
        writes.append(Write("events", "remove_targets", arguments, f"rule {rule.name}: stop sending", rule.name))
    if len(ids) == len(rule.targets):
        writes.append(Write("events", "delete_rule", {"Name": rule.name}, f"rule {rule.name}: delete", rule.name))
    return tuple(writes)


def _tag_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in sorted(tags.items())]
