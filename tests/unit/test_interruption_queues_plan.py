# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Plans of queues, carried out in memory: idempotent, foreign-safe, to be cut anywhere, in any order they allow."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import replace
from random import Random
from typing import Any

import pytest
from ansible_collections.ekspress.eks.plugins.module_utils import _queue_policy
from ansible_collections.ekspress.eks.plugins.module_utils._errors import EksError
from ansible_collections.ekspress.eks.plugins.module_utils._interruption_queues_plan import plan
from ansible_collections.ekspress.eks.plugins.module_utils._queue_input import Wanted, WantedRule
from ansible_collections.ekspress.eks.plugins.module_utils._queue_model import TARGET_ID, Current, Queue, Rule
from ansible_collections.ekspress.eks.plugins.module_utils._queue_tags import CLUSTER, is_ours
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.queue_cloud import PLACE, Cloud, url

NAMES = ["one", "two", "three"]
QUEUES = ["a", "b"]
PATTERNS: list[dict[str, Any]] = [{"source": ["aws.ec2"]}, {"source": ["aws.health", "aws.ec2"]}]
LAMBDA = {"Id": "theirs", "Arn": "arn:aws:lambda:eu-central-1:111122223333:function:theirs"}
THEIRS = {
    "Sid": "Theirs",
    "Effect": "Allow",
    "Principal": {"AWS": "111122223333"},
    "Action": "sqs:ReceiveMessage",
    "Resource": PLACE.queue_arn("a"),
}

wanted_rules = st.builds(
    WantedRule,
    st.just(""),
    event_pattern=st.sampled_from(PATTERNS),
    description=st.none() | st.sampled_from(["", "text"]),
)


@st.composite
def tasks(draw: st.DrawFn) -> list[Wanted]:
    """One or two queues, with rules of which each is one queue's."""
    owners = {name: draw(st.sampled_from(["", *QUEUES])) for name in NAMES}
    rules = {name: replace(draw(wanted_rules), name=name) for name in NAMES}
    found = []
    for name in draw(st.sampled_from([QUEUES, QUEUES[:1], QUEUES[::-1]])):
        mine = tuple(rules[rule] for rule in NAMES if owners[rule] == name)
        found.append(
            Wanted(
                name=name,
                cluster="blue",
                state=draw(st.sampled_from(["present", "present", "absent"])),
                message_retention=draw(st.sampled_from([60, 300])),
                kms_key=draw(st.sampled_from(["", "alias/queues"])),
                tags=draw(st.sampled_from([{}, {"team": "x"}, {"team": "y"}])),
                rules=draw(st.sampled_from([mine, mine, None])),
            )
        )
    return found


seeds = st.builds(Random, st.integers(0, 10**6))


def with_others(cloud: Cloud, *, targets: bool) -> None:
    """Add what others have: a rule that sends to the queue, a statement of its policy, targets of our rules."""
    cloud.rules["foreign"] = Rule("foreign", targets=({"Id": "1", "Arn": PLACE.queue_arn("a")},), event_pattern="{}")
    cloud.rules["green"] = replace(cloud.rules["foreign"], name="green", tags={CLUSTER: "green"})
    queue = cloud.queues.get("a")
    if queue:
        arns = _queue_policy.allowed(queue.policy) | {PLACE.rule_arn("foreign"), "arn:aws:events:eu-west-1:1:rule/x"}
        policy = _queue_policy.merged(queue.policy, PLACE.queue_arn("a"), PLACE.account, arns)
        cloud.queues["a"] = replace(queue, policy={**policy, "Statement": [THEIRS, *policy["Statement"]]})
    for name in NAMES if targets else ():
        if name in cloud.rules:
            cloud.rules[name] = replace(cloud.rules[name], targets=(LAMBDA, *cloud.rules[name].targets))


def ours(cloud: Cloud) -> dict[str, Rule]:
    return {name: rule for name, rule in cloud.rules.items() if is_ours(rule.tags, "blue")}


def state(cloud: Cloud) -> Any:
    """All there is, policies by what they say and not by the order of it."""
    queues = {
        name: replace(queue, policy={item["Sid"]: item for item in (queue.policy or {})["Statement"]})
        for name, queue in cloud.queues.items()
    }
    rules = {
        name: replace(rule, targets=tuple(sorted(rule.targets, key=lambda target: str(target["Id"]))))
        for name, rule in cloud.rules.items()
    }
    return queues, rules


@given(tasks(), tasks(), st.booleans(), st.booleans(), seeds)
def test_a_second_run_changes_nothing_and_others_lose_nothing(
    first: list[Wanted], second: list[Wanted], others: bool, targets: bool, random: Random
) -> None:
    cloud = Cloud()
    cloud.run(first, random)
    if others:
        with_others(cloud, targets=targets)
    before = copy.deepcopy(cloud)
    plans = cloud.plans(second)
    cloud.run(second, random)
    again = cloud.plans(second)
    assert [(each.state, each.writes) for each in again] == [("unchanged", [])] * len(second)
    for wanted, each, next_one in zip(second, plans, again, strict=True):
        if wanted.state == "present":
            assert shown(each.after, wanted) == shown(next_one.before, wanted)
        assert (each.before == each.after) == (each.state == "unchanged") == (not each.writes)
        assert set((each.after or {"rules": ()})["rules"]) <= set(cloud.rules)
    check_others(before, cloud, second)
    if not (others and targets):
        check_nothing_is_left(cloud, second)


def shown(view: dict[str, Any] | None, wanted: Wanted) -> Any:
    assert view
    listed = {name: rule for name, rule in view["rules"].items() if name in wanted.rule_names}
    return {**view, "rules": listed}


def check_others(before: Cloud, after: Cloud, task: Sequence[Wanted]) -> None:
    for name, rule in before.rules.items():
        if not is_ours(rule.tags, "blue"):
            assert after.rules[name] == rule
        elif LAMBDA in rule.targets:
            assert LAMBDA in after.rules[name].targets
    queue = after.queues.get("a")
    if queue and before.queues.get("a") and THEIRS in (before.queues["a"].policy or {})["Statement"]:
        assert (queue.policy or {})["Statement"][0] == THEIRS
        allowed = _queue_policy.allowed(queue.policy)
        assert {PLACE.rule_arn("foreign"), "arn:aws:events:eu-west-1:1:rule/x"} <= allowed


def check_nothing_is_left(cloud: Cloud, task: Sequence[Wanted]) -> None:
    """Rules of ours are listed, or of a queue that the task is not about or leaves its rules alone."""
    listed = {name for item in task if item.state == "present" for name in item.rule_names}
    strict = {item.name for item in task if item.rules is not None or item.state == "absent"}
    for name, rule in ours(cloud).items():
        (target,) = rule.targets
        assert target["Id"] == TARGET_ID
        assert name in listed or target["Arn"].rpartition(":")[2] not in strict


@given(tasks(), tasks(), st.booleans(), st.integers(0, 12), seeds)
def test_a_run_that_is_cut_off_is_completed_by_the_next(
    first: list[Wanted], second: list[Wanted], others: bool, most: int, random: Random
) -> None:
    cloud = Cloud()
    cloud.run(first, random)
    if others:
        with_others(cloud, targets=False)
    whole = copy.deepcopy(cloud)
    whole.run(second, random)
    cloud.run(second, random, most)
    cloud.run(second, random)
    assert state(cloud) == state(whole)


@given(tasks(), st.integers(0, 12), seeds)
def test_what_a_run_left_that_was_cut_off_is_found_by_one_that_removes_it(
    first: list[Wanted], most: int, random: Random
) -> None:
    cloud = Cloud()
    cloud.run(first, random, most)
    gone = [Wanted(name, "blue", "absent") for name in QUEUES]
    cloud.run(gone, random, most)
    cloud.run(gone, random)
    assert (cloud.queues, cloud.rules) == ({}, {})


def converged(*names: str, **more: Any) -> tuple[Cloud, Wanted]:
    wanted = Wanted("a", "blue", rules=tuple(WantedRule(name, PATTERNS[0]) for name in names), **more)
    cloud = Cloud()
    cloud.run([wanted], Random(0))
    return cloud, wanted


def operations(cloud: Cloud, *wanted: Wanted) -> list[str]:
    return [write.operation for each in cloud.plans(wanted) for write in each.writes]


def test_the_order_of_a_first_run_and_of_its_removal() -> None:
    wanted = Wanted("a", "blue", rules=(WantedRule("one", PATTERNS[0]),))
    cloud = Cloud()
    made = [write.operation for write in cloud.run([wanted], Random(0))]
    assert made == ["create_queue", "put_rule", "put_targets"]
    gone = cloud.run([replace(wanted, state="absent")], Random(0))
    assert [write.operation for write in gone] == ["remove_targets", "delete_rule", "delete_queue"]


def test_a_rule_that_goes_is_named_by_the_policy_until_it_has_gone() -> None:
    cloud, wanted = converged("one", "two")
    task = replace(wanted, rules=(*wanted.rules[:1], WantedRule("three", PATTERNS[0])) if wanted.rules else ())
    assert operations(cloud, task) == [
        "set_queue_attributes",
        "put_rule",
        "put_targets",
        "remove_targets",
        "delete_rule",
        "set_queue_attributes",
    ]
    fewer = replace(wanted, rules=wanted.rules[:1] if wanted.rules else ())
    assert operations(cloud, fewer) == ["remove_targets", "delete_rule", "set_queue_attributes"]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"message_retention": 60}, {"MessageRetentionPeriod": "60"}),
        ({"kms_key": "alias/queues"}, {"KmsMasterKeyId": "alias/queues", "SqsManagedSseEnabled": "false"}),
    ],
)
def test_only_what_differs_is_set(change: dict[str, Any], expected: dict[str, str]) -> None:
    cloud, wanted = converged("one")
    (write,) = cloud.plans([replace(wanted, **change)])[0].writes
    assert write.arguments["Attributes"] == expected
    cloud.run([replace(wanted, **change)], Random(0))
    (back,) = cloud.plans([wanted])[0].writes
    assert {name: back.arguments["Attributes"][name] for name in expected} != expected


def test_a_key_that_is_written_in_another_way_is_the_same() -> None:
    cloud, wanted = converged("one", kms_key="alias/queues")
    other = replace(wanted, kms_key="1234abcd-12ab-34cd-56ef-1234567890ab")
    current = cloud.look(other)
    forms = frozenset({other.kms_key, "alias/queues"})
    assert plans_of(other, replace(current, key_forms=forms)) == []
    assert plans_of(other, replace(current, key_forms=frozenset({other.kms_key}))) == ["set_queue_attributes"]


def plans_of(wanted: Wanted, current: Current) -> list[str]:
    return [write.operation for write in plan(wanted, current).writes]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"state": "DISABLED"}, ["put_rule"]),
        ({"state": "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"}, []),
        ({"schedule": "rate(1 minute)"}, ["put_rule"]),
        ({"event_pattern": '{ "source" : ["aws.ec2"] }'}, []),
        ({"event_pattern": '{"source":["aws.s3"]}'}, ["put_rule"]),
        ({"event_pattern": ""}, ["put_rule"]),
        ({"description": "theirs"}, []),
        ({"tags": {CLUSTER: "blue", "more": "x"}}, []),
        ({"targets": ()}, ["put_targets"]),
        ({"targets": ({"Id": TARGET_ID, "Arn": PLACE.queue_arn("a"), "Input": "{}"},)}, ["put_targets"]),
        ({"targets": ({"Id": TARGET_ID, "Arn": PLACE.queue_arn("b")},)}, ["put_targets"]),
        ({"targets": ({"Id": "1", "Arn": PLACE.queue_arn("a")},)}, ["put_targets"]),
    ],
    ids=str,
)
def test_what_others_did_to_a_rule(fields: dict[str, Any], expected: list[str]) -> None:
    cloud, wanted = converged("one")
    cloud.rules["one"] = replace(cloud.rules["one"], **fields)
    assert operations(cloud, wanted) == expected


def test_a_rule_keeps_its_role_and_description_where_it_is_changed() -> None:
    cloud, wanted = converged("one")
    cloud.rules["one"] = replace(cloud.rules["one"], state="DISABLED", description="theirs", role_arn="arn:aws:iam::1")
    cloud.run([wanted], Random(0))
    assert cloud.rules["one"].description == "theirs"
    assert cloud.rules["one"].role_arn == "arn:aws:iam::1"
    named = replace(wanted, rules=(WantedRule("one", PATTERNS[0], ""),))
    cloud.run([named], Random(0))
    assert cloud.rules["one"].description == ""


@pytest.mark.parametrize(
    ("tags", "message"),
    [
        ({}, "SQS queue 'a': it exists and is not marked as this module's; .* the tag ekspress.eks/cluster=blue"),
        ({CLUSTER: "green"}, "SQS queue 'a': it exists and was made for the cluster 'green'"),
    ],
)
def test_a_queue_that_is_not_ours_is_refused(tags: dict[str, str], message: str) -> None:
    cloud, wanted = Cloud(), Wanted("a", "blue")
    cloud.queues["a"] = Queue(url("a"), 300, tags=tags)
    with pytest.raises(EksError, match=message):
        cloud.plans([wanted])
    with pytest.raises(EksError, match=r"it was not removed: it exists .*, or delete it by other means"):
        cloud.plans([replace(wanted, state="absent")])


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"tags": {}}, "rule 'one': it exists and is not marked as this module's"),
        ({"tags": {CLUSTER: "green"}}, "rule 'one': it exists and was made for the cluster 'green'"),
        ({"managed_by": "aws.ssm"}, "rule 'one': it is managed by aws.ssm; take another name"),
        ({"targets": tuple({**LAMBDA, "Id": str(number)} for number in range(5))}, "it has 5 targets of others"),
        ({"tags": {CLUSTER: "blue", **{f"k{number}": "v" for number in range(49)}}}, "more than 50 tags"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_rule_that_cannot_be_had_is_refused(fields: dict[str, Any], message: str) -> None:
    cloud, wanted = converged("one")
    cloud.rules["one"] = replace(cloud.rules["one"], **fields)
    with pytest.raises(EksError, match=message):
        cloud.plans([replace(wanted, tags={"team": "x"})])


def test_limits_of_a_queue_are_told_before() -> None:
    cloud, wanted = converged("one")
    many = {f"k{number}": "v" for number in range(48)}
    cloud.queues["a"] = replace(cloud.queues["a"], tags={CLUSTER: "blue", **many, "more": "v"})
    with pytest.raises(EksError, match="it would have 51 tags, and 50 are the most"):
        cloud.plans([replace(wanted, tags={"team": "x"})])
    assert operations(cloud, wanted) == []
    rules = tuple(WantedRule(f"{number:03}-{'r' * 60}", PATTERNS[0]) for number in range(80))
    with pytest.raises(EksError, match="bytes, and SQS takes 8192"):
        cloud.plans([replace(wanted, rules=rules)])


def warnings(cloud: Cloud, *wanted: Wanted) -> str:
    return " ".join(text for each in cloud.plans(wanted) for text in each.warnings)


def test_what_others_have_is_told() -> None:
    cloud, wanted = converged("one")
    assert warnings(cloud, wanted) == ""
    again = {"Id": "1", "Arn": PLACE.queue_arn("a")}
    cloud.rules["one"] = replace(cloud.rules["one"], targets=(LAMBDA, again, *cloud.rules["one"].targets))
    assert "rule 'one' has targets that are not this module's and were left alone: 1 (" in warnings(cloud, wanted)
    assert "every event comes twice" in warnings(cloud, wanted)
    assert "rule 'one' stays, but no longer sends to the queue 'a'" in warnings(cloud, replace(wanted, rules=()))
    with_others(cloud, targets=False)
    assert "foreign" not in warnings(cloud, wanted)
    gone = replace(wanted, state="absent")
    assert "removed though EventBridge rules that are not this module's send to it: foreign, green" in warnings(
        cloud, gone
    )
    cloud.run([gone], Random(0))
    assert cloud.rules["one"].targets == (LAMBDA,)
    assert warnings(cloud, gone) == ""


def test_a_rule_that_another_task_has_moved_is_not_deleted() -> None:
    cloud, wanted = converged("one", "two")
    cloud.run([replace(wanted, name="b", rules=wanted.rules[1:] if wanted.rules else ())], Random(0))
    fewer = replace(wanted, rules=wanted.rules[:1] if wanted.rules else ())
    cloud.run([fewer], Random(0))
    assert cloud.rules["two"].target_ids(PLACE.queue_arn("b")) == [TARGET_ID]
    assert PLACE.rule_arn("two") not in _queue_policy.allowed(cloud.queues["a"].policy)


def test_rules_that_are_left_alone_may_send_to_a_queue_that_is_made_anew() -> None:
    cloud, wanted = converged("one")
    del cloud.queues["a"]
    (write,) = cloud.plans([replace(wanted, rules=None)])[0].writes
    assert write.operation == "create_queue"
    assert PLACE.rule_arn("one") in write.arguments["Attributes"]["Policy"]
