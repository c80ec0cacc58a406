# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Queues, rules and keys read: in three rounds, each of calls side by side, and nothing twice."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

from ansible_collections.ekspress.eks.plugins.module_utils import _queue_key, _queue_policy
from ansible_collections.ekspress.eks.plugins.module_utils._aws import Aws, unless_missing
from ansible_collections.ekspress.eks.plugins.module_utils._context import Context
from ansible_collections.ekspress.eks.plugins.module_utils._errors import CancelledError, EksError
from ansible_collections.ekspress.eks.plugins.module_utils._parallel import settle
from ansible_collections.ekspress.eks.plugins.module_utils._queue_input import Wanted
from ansible_collections.ekspress.eks.plugins.module_utils._queue_model import Current, Place, Queue, Rule
from ansible_collections.ekspress.eks.plugins.module_utils._queue_tags import is_ours

NO_QUEUE = ("AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist")
NO_RULE = "ResourceNotFoundException"
ATTRIBUTES = ("MessageRetentionPeriod", "KmsMasterKeyId", "SqsManagedSseEnabled", "Policy")
_ACCOUNT_IN_URL = re.compile(r"/([0-9]{12})/[^/]+")

Call = Callable[[], Any]
About = tuple[str, ...]
"""What is read of what: the part, then what it is a part of, in words."""


def read(aws: Aws, context: Context, wanted: Sequence[Wanted]) -> list[Current]:
    """The queues with all rules that may matter for them. Raises EksError, naming what cannot be read."""
    aws.client("sqs")
    aws.client("events")
    urls = _all(context, {_queue_part("url", item.name): partial(_url, aws, item.name) for item in wanted})
    place = Place(aws.partition, aws.region, _account(aws, urls.values()))
    calls: dict[About, Call] = {}
    for item in wanted:
        calls[_queue_part("rules", item.name)] = partial(_sending, aws, place.queue_arn(item.name))
        url = urls[_queue_part("url", item.name)]
        if url:
            calls[_queue_part("attributes", item.name)] = partial(_attributes, aws, url)
            calls[_queue_part("tags", item.name)] = partial(_queue_tags, aws, url)
        if item.kms_key and item.state == "present":
            calls.setdefault(("key", item.kms_key), partial(_queue_key.check, aws, item.kms_key, place.account))
        for name in _listed_names(item):
            calls[_rule_part("rule", name)] = partial(_described, aws, name)
            calls[_rule_part("targets", name)] = partial(_targets, aws, name)
            calls[_rule_part("tags", name)] = partial(_rule_tags, aws, place.rule_arn(name))
    found = _all(context, calls)
    # A URL is taken as SQS gave it where there is one: SQS may change its form.
    # https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-queue-message-identifiers.html
    queues = {item.name: _queue(item.name, urls[_queue_part("url", item.name)], found) for item in wanted}
    sending = {item.name: found[_queue_part("rules", item.name)] for item in wanted}
    about = {item.name: sending[item.name] | _named(queues[item.name], place) | item.rule_names for item in wanted}
    rules = _listed(wanted, found)
    others = frozenset[str]().union(*about.values()).difference(*map(_listed_names, wanted))
    rules |= _others(aws, context, place, others, frozenset(item.cluster for item in wanted))
    current = []
    for item in wanted:
        queue, key = queues[item.name], found.get(("key", item.kms_key))
        if key and key.warning:
            context.warn(key.warning)
        current.append(
            Current(
                name=item.name,
                arn=place.queue_arn(item.name),
                url=queue.url if queue else queue_url(aws, place.account, item.name),
                place=place,
                queue=queue,
                rules={name: rules[name] for name in sorted(about[item.name]) if name in rules},
                sending=sending[item.name],
                key_forms=key.forms if key else frozenset(),
            )
        )
    return current


def queue_url(aws: Aws, account: str, name: str) -> str:
    """The URL that a queue will have: its service's endpoint, as botocore knows it for the partition, and its owner."""
    return f"{aws.client('sqs').meta.endpoint_url.rstrip('/')}/{account}/{name}"


def policy_of(aws: Aws, url: str) -> dict[str, Any] | None:
    """The queue's policy as it is now; None where it has none."""
    answer = aws.call(aws.client("sqs"), "get_queue_attributes", QueueUrl=url, AttributeNames=["Policy"])
    return _document(answer.get("Attributes", {}))


def _listed_names(wanted: Wanted) -> frozenset[str]:
    """Names of the rules that are to be as they are listed, so that all of them must be known."""
    return wanted.rule_names if wanted.state == "present" else frozenset()


def _queue_part(part: str, name: str) -> About:
    return part, f"SQS queue {name!r}"


def _rule_part(part: str, name: str) -> About:
    return part, f"EventBridge rule {name!r}"


def _all(context: Context, calls: Mapping[About, Call]) -> dict[About, Any]:
    """The answers to calls made side by side. Raises one error for all that failed."""
    answers = dict(zip(calls, settle(context, lambda call: call(), calls.values()), strict=True))
    failed: dict[str, EksError] = {}
    for about, answer in answers.items():
        if isinstance(answer, EksError) and not isinstance(answer, CancelledError):
            prefix = "" if about[0] == "key" else f"{about[1]}: "
            failed.setdefault(f"{prefix}{answer.message.rstrip('.')}.", answer)
        elif isinstance(answer, Exception):
            raise answer
    if failed:
        first = next(iter(failed.values()))
        raise EksError(f"{' '.join(failed)} Nothing was changed.", **first.details) from first.__cause__
    return answers


def _account(aws: Aws, urls: Iterable[str | None]) -> str:
    """The account: from a queue's URL, else by a call of its own."""
    for url in urls:
        found = _ACCOUNT_IN_URL.search(url or "")
        if found:
            return found[1]
    return aws.account


def _url(aws: Aws, name: str) -> str | None:
    answer = unless_missing(lambda: aws.call(aws.client("sqs"), "get_queue_url", QueueName=name), *NO_QUEUE)
    return answer["QueueUrl"] if answer else None


def _attributes(aws: Aws, url: str) -> dict[str, Any] | None:
    names = list(ATTRIBUTES)
    sqs = aws.client("sqs")
    return unless_missing(lambda: aws.call(sqs, "get_queue_attributes", QueueUrl=url, AttributeNames=names), *NO_QUEUE)


def _queue_tags(aws: Aws, url: str) -> dict[str, Any] | None:
    return unless_missing(lambda: aws.call(aws.client("sqs"), "list_queue_tags", QueueUrl=url), *NO_QUEUE)


def _sending(aws: Aws, arn: str) -> frozenset[str]:
    """Names of the rules of the default event bus that send to a queue."""
    return frozenset(aws.pages(aws.client("events"), "list_rule_names_by_target", "RuleNames", TargetArn=arn))


def _queue(name: str, url: str | None, found: Mapping[About, Any]) -> Queue | None:
    """The queue; None where there is none, or none any more."""
    answer, tags = found.get(_queue_part("attributes", name)), found.get(_queue_part("tags", name))
    if url is None or answer is None or tags is None:
        return None
    attributes = answer.get("Attributes", {})
    return Queue(
        url=url,
        message_retention=int(attributes["MessageRetentionPeriod"]),
        kms_key=attributes.get("KmsMasterKeyId") or "",
        sse_sqs=attributes.get("SqsManagedSseEnabled") == "true",
        policy=_document(attributes),
        tags=dict(tags.get("Tags", {})),
    )


def _document(attributes: Mapping[str, str]) -> dict[str, Any] | None:
    return dict(json.loads(attributes["Policy"])) if attributes.get("Policy") else None


def _named(queue: Queue | None, place: Place) -> frozenset[str]:
    """Names of the rules that our statement of the queue's policy names."""
    arns = _queue_policy.allowed(queue.policy) if queue else frozenset()
    return frozenset(filter(None, map(place.rule_name, arns)))


def _listed(wanted: Sequence[Wanted], found: Mapping[About, Any]) -> dict[str, Rule]:
    """Those of these rules that exist."""
    rules = {}
    for name in (name for item in wanted for name in _listed_names(item)):
        described, targets, tags = (found[_rule_part(part, name)] for part in ("rule", "targets", "tags"))
        if described is not None and targets is not None and tags is not None:
            rules[name] = _rule(name, described, targets, tags)
    return rules


def _others(
    aws: Aws, context: Context, place: Place, names: frozenset[str], clusters: frozenset[str]
) -> dict[str, Rule]:
    """Those of the other rules that exist: whose they are, and the targets of ours."""
    calls = {name: partial(_unlisted, aws, name, place.rule_arn(name), clusters) for name in sorted(names)}
    answers = _all(context, {_rule_part("unlisted", name): call for name, call in calls.items()})
    rules = dict(zip(calls, answers.values(), strict=True))
    return {name: rule for name, rule in rules.items() if rule is not None}


def _described(aws: Aws, name: str) -> dict[str, Any] | None:
    return unless_missing(lambda: aws.call(aws.client("events"), "describe_rule", Name=name), NO_RULE)


def _targets(aws: Aws, name: str) -> dict[str, Any] | None:
    events = aws.client("events")
    return unless_missing(lambda: {"Targets": aws.pages(events, "list_targets_by_rule", "Targets", Rule=name)}, NO_RULE)


def _rule_tags(aws: Aws, arn: str) -> dict[str, str] | None:
    events = aws.client("events")
    answer = unless_missing(lambda: aws.call(events, "list_tags_for_resource", ResourceARN=arn), NO_RULE)
    return {tag["Key"]: tag["Value"] for tag in answer.get("Tags", [])} if answer is not None else None


def _rule(name: str, described: Mapping[str, Any], targets: Mapping[str, Any], tags: Mapping[str, str]) -> Rule:
    return Rule(
        name=name,
        tags=tags,
        targets=tuple(targets["Targets"]),
        event_pattern=described.get("EventPattern") or "",
        description=described.get("Description") or "",
        state=described.get("State") or "",
        schedule=described.get("ScheduleExpression") or "",
        role_arn=described.get("RoleArn") or "",
        managed_by=described.get("ManagedBy") or "",
    )


def _unlisted(aws: Aws, name: str, arn: str, clusters: frozenset[str]) -> Rule | None:
    """A rule that is not to be as it is listed: its tags, and its targets if it is ours."""
    tags = _rule_tags(aws, arn)
    if tags is None or not any(is_ours(tags, cluster) for cluster in clusters):
        return None if tags is None else Rule(name, tags=tags)
    targets = _targets(aws, name)
    return Rule(name, tags=tags, targets=tuple(targets["Targets"])) if targets else None
