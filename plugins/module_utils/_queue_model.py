# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A queue and its rules as AWS has them, and the calls that change them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.ekspress.eks.plugins.module_utils import _arn, _event_pattern

TARGET_ID = "ekspress.eks"
"""Id of our target in each rule: the same in every run, so that a target is replaced and never doubled."""


@dataclass(frozen=True)
class Place:
    """Where queues and rules are: their ARNs follow from it."""

    partition: str
    region: str
    account: str

    def queue_arn(self, name: str) -> str:
        """The ARN of a queue."""
        return str(_arn.Arn(self.partition, "sqs", self.region, self.account, name))

    def rule_arn(self, name: str) -> str:
        """The ARN of a rule on the default event bus."""
        return str(_arn.Arn(self.partition, "events", self.region, self.account, f"rule/{name}"))

    def rule_name(self, arn: str) -> str:
        """The name of a rule on this place's default event bus; '' for any other ARN."""
        name = arn.removeprefix(self.rule_arn(""))
        return "" if name == arn or "/" in name else name


@dataclass(frozen=True)
class Queue:
    """A queue as SQS has it."""

    url: str
    message_retention: int
    kms_key: str = ""
    sse_sqs: bool = True
    policy: Mapping[str, Any] | None = None
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Rule:
    """A rule as EventBridge has it. Of one that is not wanted, only tags are read, and targets if it is ours."""

    name: str
    tags: Mapping[str, str] = field(default_factory=dict)
    targets: tuple[Mapping[str, Any], ...] = ()
    event_pattern: str = ""
    """JSON text."""
    description: str = ""
    state: str = "ENABLED"
    schedule: str = ""
    role_arn: str = ""
    managed_by: str = ""

    @property
    def enabled(self) -> bool:
        """Whether it matches events: there are two states of that kind."""
        return self.state.startswith("ENABLED")

    @property
    def pattern(self) -> Any:
        """The event pattern, read."""
        return _event_pattern.read(self.event_pattern) if self.event_pattern else None

    def target_ids(self, queue_arn: str) -> list[str]:
        """Ids of the targets that are the queue."""
        return sorted(target["Id"] for target in self.targets if target["Arn"] == queue_arn)


@dataclass(frozen=True)
class Current:
    """What was read of a queue and of the rules that may matter for it."""

    name: str
    arn: str
    url: str
    """That of the queue; where there is none, the one that it would have."""
    place: Place
    queue: Queue | None = None
    rules: Mapping[str, Rule] = field(default_factory=dict)
    """Rules that exist, by name: those that are listed, that send to the queue, or that its policy names."""
    sending: frozenset[str] = frozenset()
    """Names of the rules of the default event bus that send to the queue."""
    key_forms: frozenset[str] = frozenset()
    """All ways to write the wanted KMS key."""


@dataclass(frozen=True)
class Write:
    """One call (its Python name) and what it changes, in words."""

    service: str
    operation: str
    arguments: Mapping[str, Any]
    change: str
    rule: str = ""
    """The rule that it is about; '' for the queue."""
    rule_arns: frozenset[str] | None = None
    """What our statement of the queue's policy is to name, where that is written to a queue that exists."""


Chain = tuple[Write, ...]
"""Calls that are made one after the other."""
Stage = tuple[Chain, ...]
"""Chains that are made side by side."""
