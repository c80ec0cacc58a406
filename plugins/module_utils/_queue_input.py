# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What is asked of each queue and its rules, checked against AWS's rules before any call.

https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_CreateQueue.html
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-queues.html
https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutRule.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.ekspress.eks.plugins.module_utils import _arn, _event_pattern, _iam_tags
from ansible_collections.ekspress.eks.plugins.module_utils._cluster import check_name
from ansible_collections.ekspress.eks.plugins.module_utils._errors import EksError
from ansible_collections.ekspress.eks.plugins.module_utils._irsa_tags import RESERVED

QUEUE_NAME = re.compile(r"[A-Za-z0-9_-]{1,80}")
RULE_NAME = re.compile(r"[.\-_A-Za-z0-9]{1,64}")
RETENTION = (60, 1_209_600)
DEFAULT_RETENTION = 300
DESCRIPTION_LENGTH = 512
TAGS = 50

KEY_ID = re.compile(r"(mrk-[0-9a-f]{32}|[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12})")
ALIAS = re.compile(r"alias/[A-Za-z0-9/_-]{1,250}")
"""https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateAlias.html"""
AWS_ALIAS = "alias/aws/"


@dataclass(frozen=True)
class WantedRule:
    """One rule as the task asks for it. ``description`` is None where it is left alone."""

    name: str
    event_pattern: Mapping[str, Any] = field(default_factory=dict)
    description: str | None = None


@dataclass(frozen=True)
class Wanted:
    """One queue as the task asks for it; None is left alone."""

    name: str
    cluster: str
    state: str = "present"
    message_retention: int = DEFAULT_RETENTION
    kms_key: str = ""
    """'' for SSE-SQS."""
    tags: Mapping[str, str] = field(default_factory=dict)
    rules: tuple[WantedRule, ...] | None = None

    @property
    def rule_names(self) -> frozenset[str]:
        """Names of the rules that are listed."""
        return frozenset(rule.name for rule in self.rules or ())


def wanted_queues(queues: list[dict[str, Any]], region: str, partition: str) -> list[Wanted]:
    """The queues of the task's options. Raises EksError, naming queue and field, for what AWS would refuse."""
    found: dict[str, Wanted] = {}
    owners: dict[str, str] = {}
    for queue in queues:
        wanted = _wanted(queue, region, partition)
        if wanted.name in found:
            raise EksError(f"The SQS queue {wanted.name!r} is listed twice; give each queue once, with all its rules.")
        found[wanted.name] = wanted
        for name in wanted.rule_names if wanted.state == "present" else ():
            other = owners.setdefault(name, wanted.name)
            if other != wanted.name:
                raise EksError(
                    f"The EventBridge rule {name!r} is listed for the queues {other!r} and {wanted.name!r}; a rule "
                    "here sends to one queue. Give the second a rule of another name."
                )
    return list(found.values())


def _wanted(queue: dict[str, Any], region: str, partition: str) -> Wanted:
    name, state = queue["name"], queue.get("state") or "present"
    if not QUEUE_NAME.fullmatch(name):
        raise EksError(
            f"{name!r} is not a name of an SQS queue: 1 to 80 letters, digits, hyphens and underscores. FIFO queues "
            "(.fifo) are not made here: interruptions have no order, and their consumers expect none."
        )
    check_name(queue["cluster"])
    retention = queue.get("message_retention")
    retention = DEFAULT_RETENTION if retention is None else retention
    if not RETENTION[0] <= retention <= RETENTION[1]:
        raise _refuse(name, "message_retention", f"{retention} is not from {RETENTION[0]} to {RETENTION[1]} seconds.")
    return Wanted(
        name=name,
        cluster=queue["cluster"],
        state=state,
        message_retention=retention,
        kms_key=_kms_key(name, queue.get("kms_key") or "", region, partition),
        tags=_tags(name, queue.get("tags") or {}),
        rules=_rules(name, queue.get("rules"), present=state == "present"),
    )


def _rules(queue: str, given: list[dict[str, Any]] | None, *, present: bool) -> tuple[WantedRule, ...] | None:
    if given is None:
        return None
    rules: dict[str, WantedRule] = {}
    for item in given:
        rule = _rule(queue, item, present=present)
        if rule.name in rules:
            raise _refuse(queue, "rules", f"{rule.name!r} is listed twice.")
        rules[rule.name] = rule
    return tuple(rules.values())


def _rule(queue: str, given: dict[str, Any], *, present: bool) -> WantedRule:
    name, pattern, description = given["name"], given.get("event_pattern"), given.get("description")
    if not RULE_NAME.fullmatch(name):
        raise _refuse(
            queue, "rules", f"{name!r} is not a name of an EventBridge rule: 1 to 64 letters, digits and .-_ only."
        )
    where = f"rules.{name}"
    if present:
        fault = "it is missing" if pattern is None else _event_pattern.fault(pattern)
        if fault:
            raise _refuse(queue, f"{where}.event_pattern", f"{fault}.")
    if description is not None and len(description) > DESCRIPTION_LENGTH:
        raise _refuse(
            queue,
            f"{where}.description",
            f"it has {len(description)} characters, and EventBridge takes {DESCRIPTION_LENGTH}.",
        )
    return WantedRule(name, pattern or {}, description)


def _kms_key(queue: str, given: str, region: str, partition: str) -> str:
    if not given:
        return ""
    identity = given
    if given.startswith("arn:"):
        arn = _arn.parse(given, f"SQS queue {queue!r}, kms_key:")
        if (arn.service, arn.partition, arn.region) != ("kms", partition, region):
            raise _refuse(
                queue, "kms_key", f"{given} is not a KMS key of {region}; a queue takes keys of its own region only."
            )
        identity = arn.resource.removeprefix("key/")
    if identity.startswith(AWS_ALIAS):
        raise _refuse(
            queue,
            "kms_key",
            f"{given} is a key that AWS manages: nobody can change its policy, and it does not let EventBridge use it, "
            "so that every event would be lost. Give a key of your own, or leave kms_key out (SSE-SQS).",
        )
    if not KEY_ID.fullmatch(identity) and not ALIAS.fullmatch(identity):
        raise _refuse(queue, "kms_key", f"{given!r} is not a KMS key: give its ID, its ARN, or an alias (alias/NAME).")
    return given


def _tags(queue: str, given: dict[str, Any]) -> dict[str, str]:
    tags: dict[str, str] = {}
    for key, value in ((str(key), value) for key, value in given.items()):
        text = _iam_tags.text_of("" if value is None else value)
        if text is None:
            raise _refuse(queue, f"tags.{key}", f"the value is {value!r}: quote it in YAML, tags have texts as values.")
        if key.lower().startswith(("aws:", RESERVED)) or text.lower().startswith("aws:"):
            raise _refuse(queue, f"tags.{key}", f"aws: and {RESERVED} are reserved; take another text.")
        fault = _iam_tags.fault(key, text) if text else "it is empty, and SQS takes no tag without a value"
        if fault:
            raise _refuse(queue, f"tags.{key}", f"{fault}.")
        tags[key] = text
    if len(tags) >= TAGS:
        raise _refuse(queue, "tags", f"there are {len(tags)}; with this module's own a queue would pass {TAGS}.")
    return tags


def _refuse(queue: str, where: str, reason: str) -> EksError:
    return EksError(f"SQS queue {queue!r}, {where}: {reason}")
