# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What becomes of one queue and its rules: pure, from what was read and what is wanted to calls in their order.

The order keeps two promises, wherever a run is cut off. No rule sends to a queue that is missing or refuses it: the
queue and its policy come first and go last. And no rule is forgotten: the policy names a rule from before it is made
until after it is deleted, so that the next run finds it even while it has no target.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.ekspress.eks.plugins.module_utils import _queue_policy, _queue_views
from ansible_collections.ekspress.eks.plugins.module_utils._errors import EksError
from ansible_collections.ekspress.eks.plugins.module_utils._queue_input import TAGS, Wanted, WantedRule
from ansible_collections.ekspress.eks.plugins.module_utils._queue_model import (
    TARGET_ID,
    Current,
    Queue,
    Rule,
    Stage,
    Write,
)
from ansible_collections.ekspress.eks.plugins.module_utils._queue_tags import CLUSTER, is_ours, stranger
from ansible_collections.ekspress.eks.plugins.module_utils._queue_writes import (
    delete_chain,
    policy_chain,
    queue_chain,
    removal_chain,
    rule_chain,
)

TARGETS = 5
"""Targets that a rule has at most: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html"""


@dataclass(frozen=True)
class Plan:
    """What happens to one queue. ``before`` and ``after`` are for the difference, None where there is nothing."""

    name: str
    arn: str
    url: str
    state: str
    """unchanged, created, updated or removed."""
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    stages: tuple[Stage, ...] = ()
    last: tuple[Stage, ...] = ()
    """What is done once the ``stages`` of all queues of the task are: what takes away."""
    warnings: tuple[str, ...] = ()
    moving: frozenset[str] = frozenset()
    """Rules of this queue that the task gives to another one: ``last`` waits for that."""

    @property
    def writes(self) -> list[Write]:
        """All calls, in their order as far as they have one."""
        return [write for stage in (*self.stages, *self.last) for chain in stage for write in chain]


def plan(wanted: Wanted, current: Current, claimed: frozenset[str] = frozenset()) -> Plan:
    """The plan of one queue. ``claimed`` are the rules that the task gives to other queues.

    Raises EksError where it cannot be reached, before anything is written.
    """
    return _absent(wanted, current, claimed) if wanted.state == "absent" else _present(wanted, current, claimed)


def _present(wanted: Wanted, current: Current, claimed: frozenset[str]) -> Plan:
    queue = current.queue
    if queue and not is_ours(queue.tags, wanted.cluster):
        raise _refuse(wanted, stranger(queue.tags, wanted.cluster))
    for rule in wanted.rules or ():
        _check_rule(wanted, rule, current)
    removed = _unlisted(wanted, current, claimed) if wanted.rules is not None else {}
    kept, between = _rule_arns(wanted, current, removed, claimed)
    after = _after(wanted, current, kept)
    _check_limits(wanted, queue, after)
    return _finished(
        current,
        "updated" if queue else "created",
        stages=[
            (queue_chain(current, after, between),),
            tuple(rule_chain(wanted, rule, current) for rule in wanted.rules or ()),
            tuple(removal_chain(current, rule) for rule in removed.values()),
        ],
        last=[(policy_chain(current, kept) if between != kept else (),)],
        before=_queue_views.before(current, wanted.rule_names | set(removed)),
        after=_queue_views.after(wanted, current, after, removed),
        warnings=(*_other_targets(wanted, current), *_staying(current, removed)),
        moving=_moving(current, claimed),
    )


def _absent(wanted: Wanted, current: Current, claimed: frozenset[str]) -> Plan:
    queue = current.queue
    if queue and not is_ours(queue.tags, wanted.cluster):
        raise _refuse(
            wanted, f"it was not removed: {stranger(queue.tags, wanted.cluster)}, or delete it by other means"
        )
    removed = _unlisted(wanted, current, claimed)
    moving = _moving(current, claimed)
    return _finished(
        current,
        "removed",
        stages=[],
        last=[tuple(removal_chain(current, rule) for rule in removed.values()), (delete_chain(current),)],
        before=_queue_views.before(current, frozenset(removed)),
        after=_queue_views.after(wanted, current, None, removed),
        warnings=(*_staying(current, removed), *_bereft(current, current.sending - set(removed) - moving)),
        moving=moving,
    )


def _finished(
    current: Current,
    state: str,
    *,
    stages: Iterable[Stage],
    last: Iterable[Stage],
    before: dict[str, Any] | None,
    after: dict[str, Any] | None,
    warnings: tuple[str, ...],
    moving: frozenset[str],
) -> Plan:
    """The plan without what is empty; unchanged where nothing is left."""
    first, then = _filled(stages), _filled(last)
    changes = bool(first or then)
    return Plan(
        name=current.name,
        arn=current.arn,
        url=current.url,
        state=state if changes else "unchanged",
        before=before,
        after=after if changes else before,
        stages=first,
        last=then,
        warnings=warnings,
        moving=moving,
    )


def _filled(stages: Iterable[Stage]) -> tuple[Stage, ...]:
    return tuple(stage for stage in (tuple(filter(None, stage)) for stage in stages) if stage)


def _check_rule(wanted: Wanted, rule: WantedRule, current: Current) -> None:
    now = current.rules.get(rule.name)
    if now is None:
        return
    others = [target for target in now.targets if target["Id"] != TARGET_ID]
    reason = ""
    if now.managed_by:
        reason = f"it is managed by {now.managed_by}; take another name"
    elif not is_ours(now.tags, wanted.cluster):
        reason = stranger(now.tags, wanted.cluster)
    elif len(others) >= TARGETS:
        reason = (
            f"it has {len(others)} targets of others, and a rule has {TARGETS} at most; remove one of them, or give "
            "the queue a rule of another name"
        )
    elif _too_many(now.tags, {**now.tags, **wanted.tags}):
        reason = f"it would have more than {TAGS} tags; remove some of them"
    if reason:
        raise _refuse(wanted, f"EventBridge rule {rule.name!r}: {reason}")


def _unlisted(wanted: Wanted, current: Current, claimed: frozenset[str]) -> dict[str, Rule]:
    """Rules of ours that are to stop sending to the queue, by name.

    One that does not send to it is another queue's by now, unless it has no target: that is what a run left which was
    cut off.
    """
    listed = wanted.rule_names if wanted.state == "present" else frozenset()
    return {
        name: rule
        for name, rule in sorted(current.rules.items())
        if name not in listed | claimed
        and is_ours(rule.tags, wanted.cluster)
        and not rule.managed_by
        and (name in current.sending or not rule.targets)
    }


def _moving(current: Current, claimed: frozenset[str]) -> frozenset[str]:
    named = _queue_policy.allowed(current.queue.policy) if current.queue else frozenset()
    return (current.sending | {current.place.rule_name(arn) for arn in named}) & claimed


def _rule_arns(
    wanted: Wanted, current: Current, removed: Mapping[str, Rule], claimed: frozenset[str]
) -> tuple[frozenset[str], frozenset[str]]:
    """ARNs that the policy is to name in the end, and until rules have gone.

    Those of rules that are not ours stay as long as these send to the queue, and where that cannot be known: on another
    event bus, in another account.
    """
    place = current.place
    named = _queue_policy.allowed(current.queue.policy) if current.queue else frozenset()
    going = {place.rule_arn(name) for name in (*removed, *_moving(current, claimed))}
    if wanted.rules is None:
        listed = {name for name in current.sending if _ours(wanted, current, name)}
        stay = set(named)
    else:
        listed = set(wanted.rule_names)
        stay = {arn for arn in named if (place.rule_name(arn) or arn) in {arn, *current.sending}}
    kept = frozenset({*map(place.rule_arn, listed), *stay} - going)
    return kept, kept | (going & named)


def _ours(wanted: Wanted, current: Current, name: str) -> bool:
    rule = current.rules.get(name)
    return rule is not None and is_ours(rule.tags, wanted.cluster)


def _after(wanted: Wanted, current: Current, rule_arns: frozenset[str]) -> Queue:
    """The queue as it is to be."""
    queue = current.queue
    policy = _queue_policy.merged(queue.policy if queue else None, current.arn, current.place.account, rule_arns)
    key = wanted.kms_key
    if queue and queue.kms_key in current.key_forms:
        key = queue.kms_key
    return Queue(
        url=current.url,
        message_retention=wanted.message_retention,
        kms_key=key,
        sse_sqs=not key,
        policy=queue.policy if queue and _queue_policy.same(queue.policy, policy) else policy,
        tags={**(queue.tags if queue else {}), **wanted.tags, CLUSTER: wanted.cluster},
    )


def _check_limits(wanted: Wanted, now: Queue | None, after: Queue) -> None:
    problem = "" if now and now.policy == after.policy else _queue_policy.obstacle(after.policy or {})
    if not problem and _too_many(now.tags if now else {}, after.tags):
        problem = f"it would have {len(after.tags)} tags, and {TAGS} are the most; remove some of them"
    if problem:
        raise _refuse(wanted, problem)


def _too_many(now: Mapping[str, str], then: Mapping[str, str]) -> bool:
    return len(then) > TAGS and len(then) > len(now)


def _other_targets(wanted: Wanted, current: Current) -> list[str]:
    """What the operator is told about targets of others in rules that are listed."""
    found = []
    for rule in wanted.rules or ():
        now = current.rules.get(rule.name)
        others = [target for target in now.targets if target["Id"] != TARGET_ID] if now else []
        if others:
            named = ", ".join(sorted(f"{target['Id']} ({target['Arn']})" for target in others))
            twice = any(target["Arn"] == current.arn for target in others)
            found.append(
                f"EventBridge rule {rule.name!r} has targets that are not this module's and were left alone: {named}."
                + (" One is the queue itself, so that every event comes twice; remove it." if twice else "")
            )
    return found


def _staying(current: Current, removed: Mapping[str, Rule]) -> list[str]:
    """What the operator is told about rules that cannot go, for others use them."""
    return [
        f"EventBridge rule {name!r} stays, but no longer sends to the queue {current.name!r}: it has targets of others "
        f"({', '.join(sorted(target['Id'] for target in rule.targets if target['Arn'] != current.arn))})."
        for name, rule in removed.items()
        if len(rule.target_ids(current.arn)) < len(rule.targets)
    ]


def _bereft(current: Current, names: Iterable[str]) -> list[str]:
    """What the operator is told about rules of others that send to a queue that goes."""
    found = ", ".join(sorted(names))
    if not found or not current.queue:
        return []
    return [
        f"SQS queue {current.name!r} is removed though EventBridge rules that are not this module's send to it: "
        f"{found}. What they send is lost from now on; remove their target {current.arn}."
    ]


def _refuse(wanted: Wanted, reason: str) -> EksError:
    return EksError(f"SQS queue {wanted.name!r}: {reason}.")
