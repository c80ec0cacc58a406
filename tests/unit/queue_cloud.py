# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Queues and rules in memory, as strict as AWS is, changed by the calls of plans in any order that these allow."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from random import Random
from typing import Any

from ansible_collections.ekspress.eks.plugins.module_utils import _queue_policy
from ansible_collections.ekspress.eks.plugins.module_utils._interruption_queues import _claimed
from ansible_collections.ekspress.eks.plugins.module_utils._interruption_queues_plan import TARGETS, Plan, plan
from ansible_collections.ekspress.eks.plugins.module_utils._queue_input import Wanted
from ansible_collections.ekspress.eks.plugins.module_utils._queue_model import (
    TARGET_ID,
    Chain,
    Current,
    Place,
    Queue,
    Rule,
    Stage,
    Write,
)
from ansible_collections.ekspress.eks.plugins.module_utils._queue_tags import is_ours

PLACE = Place("aws", "eu-central-1", "111122223333")
CLUSTER = "blue"


class Cloud:
    """What SQS and EventBridge have."""

    def __init__(self) -> None:
        self.queues: dict[str, Queue] = {}
        self.rules: dict[str, Rule] = {}

    def look(self, wanted: Wanted) -> Current:
        """What the module reads for a queue."""
        arn = PLACE.queue_arn(wanted.name)
        queue = self.queues.get(wanted.name)
        sending = frozenset(name for name, rule in self.rules.items() if rule.target_ids(arn))
        named = map(PLACE.rule_name, _queue_policy.allowed(queue.policy) if queue else ())
        names = {*sending, *named, *wanted.rule_names}
        listed = wanted.rule_names if wanted.state == "present" else frozenset()
        rules = {
            name: self.rules[name] if name in listed else self._outline(self.rules[name])
            for name in sorted(names)
            if name in self.rules
        }
        return Current(wanted.name, arn, url(wanted.name), PLACE, queue, rules, sending)

    @staticmethod
    def _outline(rule: Rule) -> Rule:
        return Rule(rule.name, tags=rule.tags, targets=rule.targets if is_ours(rule.tags, CLUSTER) else ())

    def plans(self, wanted: Sequence[Wanted]) -> list[Plan]:
        """The plans of a task."""
        return [plan(item, self.look(item), _claimed(wanted, item)) for item in wanted]

    def run(self, wanted: Sequence[Wanted], random: Random, most: int | None = None) -> list[Write]:
        """Run a task, or its first calls only; gives the calls that were made."""
        made: list[Write] = []
        for write in in_some_order(self.plans(wanted), random):
            if most is not None and len(made) >= most:
                break
            getattr(self, f"_{write.operation}")(write.arguments)
            made.append(write)
            self.check_promises()
        return made

    def check_promises(self) -> None:
        """No rule of ours sends to a queue that is missing or refuses it."""
        for rule in self.rules.values():
            for target in rule.targets if is_ours(rule.tags, CLUSTER) else ():
                if target["Id"] == TARGET_ID:
                    queue = self.queues.get(target["Arn"].rpartition(":")[2])
                    assert queue, f"{rule.name} sends to a queue that is missing"
                    allowed = _queue_policy.allowed(queue.policy)
                    assert PLACE.rule_arn(rule.name) in allowed, f"{rule.name} sends to a queue that refuses it"

    def _create_queue(self, given: dict[str, Any]) -> None:
        name, attributes = given["QueueName"], given["Attributes"]
        assert name not in self.queues
        self.queues[name] = changed(Queue(url(name), 0, sse_sqs=False, tags=dict(given["tags"])), attributes)

    def _set_queue_attributes(self, given: dict[str, Any]) -> None:
        name = name_in(given)
        self.queues[name] = changed(self.queues[name], given["Attributes"])

    def _tag_queue(self, given: dict[str, Any]) -> None:
        name = name_in(given)
        self.queues[name] = replace(self.queues[name], tags={**self.queues[name].tags, **given["Tags"]})

    def _delete_queue(self, given: dict[str, Any]) -> None:
        del self.queues[name_in(given)]

    def _put_rule(self, given: dict[str, Any]) -> None:
        now = self.rules.get(given["Name"])
        assert (now is None) == ("Tags" in given), "tags of a rule that exists are ignored"
        self.rules[given["Name"]] = Rule(
            name=given["Name"],
            tags=now.tags if now else tags_in(given),
            targets=now.targets if now else (),
            event_pattern=given["EventPattern"],
            description=given.get("Description", ""),
            state=given["State"],
            role_arn=given.get("RoleArn", ""),
        )

    def _tag_resource(self, given: dict[str, Any]) -> None:
        name = PLACE.rule_name(given["ResourceARN"])
        self.rules[name] = replace(self.rules[name], tags={**self.rules[name].tags, **tags_in(given)})

    def _put_targets(self, given: dict[str, Any]) -> None:
        rule = self.rules[given["Rule"]]
        targets = {target["Id"]: target for target in (*rule.targets, *given["Targets"])}
        assert len(targets) <= TARGETS
        self.rules[rule.name] = replace(rule, targets=tuple(targets.values()))

    def _remove_targets(self, given: dict[str, Any]) -> None:
        rule = self.rules[given["Rule"]]
        left = tuple(target for target in rule.targets if target["Id"] not in given["Ids"])
        self.rules[rule.name] = replace(rule, targets=left)

    def _delete_rule(self, given: dict[str, Any]) -> None:
        assert not self.rules[given["Name"]].targets, "a rule with targets is not deleted"
        del self.rules[given["Name"]]


def url(name: str) -> str:
    return f"https://sqs.eu-central-1.amazonaws.com/111122223333/{name}"


def name_in(given: dict[str, Any]) -> str:
    return str(given["QueueUrl"]).rpartition("/")[2]


def tags_in(given: dict[str, Any]) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in given["Tags"]}


def changed(queue: Queue, attributes: dict[str, str]) -> Queue:
    """The queue with other attributes."""
    sse_sqs = attributes.get("SqsManagedSseEnabled", str(queue.sse_sqs).lower()) == "true"
    kms_key = attributes.get("KmsMasterKeyId", queue.kms_key)
    assert not (kms_key and sse_sqs), "SSE-KMS and SSE-SQS exclude each other"
    return replace(
        queue,
        message_retention=int(attributes.get("MessageRetentionPeriod", queue.message_retention)),
        kms_key=kms_key,
        sse_sqs=sse_sqs,
        policy=json.loads(attributes["Policy"]) if "Policy" in attributes else queue.policy,
    )


def in_some_order(plans: Sequence[Plan], random: Random) -> Iterator[Write]:
    """The calls of plans in one of the orders that they may be made in."""
    for part in ([item.stages for item in plans], [item.last for item in plans]):
        waiting: list[list[Stage]] = [list(stages) for stages in part]
        under_way: list[list[Chain]] = [[] for _stages in waiting]
        while any(waiting) or any(under_way):
            for number, chains in enumerate(under_way):
                if not chains and waiting[number]:
                    chains.extend(waiting[number].pop(0))
            chains = random.choice([chains for chains in under_way if chains])
            place = random.randrange(len(chains))
            yield chains[place][0]
            chains[place] = chains[place][1:]
            if not chains[place]:
                del chains[place]
