# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""interruption_queues against the AWS server: life of a queue, calls, what others have, removal."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import yaml
from ansible_collections.ekspress.eks.plugins.module_utils._queue_key import STATEMENT
from ansible_collections.ekspress.eks.plugins.modules import interruption_queues
from ansible_collections.ekspress.eks.tests.integration.eks_clusters import counted, written
from ansible_collections.ekspress.eks.tests.integration.queues import (
    ANALYSTS,
    HEALTH,
    LAMBDA,
    OURS,
    SPOT,
    TARGET,
    add_statement,
    allowed,
    attributes,
    converge,
    done,
    make_key,
    make_rule,
    policy_of,
    queue,
    queue_arn,
    queues_of,
    rule,
    rule_arn,
    rules_of,
    tags_of,
)
from ansible_collections.ekspress.eks.tests.support import run_held

from sandbox.aws.client import AwsServer


def test_a_queue_is_made_whole_and_a_second_run_only_reads(aws: AwsServer) -> None:
    wanted = queue(
        tags={"team": "platform"},
        rules=[rule("spot", description="Spot interruptions"), rule("health", event_pattern=HEALTH)],
    )
    first = done(wanted)
    assert first["queues"] == [
        {
            "name": "a",
            "url": f"{aws.endpoint}/123456789012/a",
            "arn": queue_arn("a"),
            "state": "created",
            "changes": [
                "queue: create",
                "rule spot: create",
                "rule spot: send to the queue",
                "rule health: create",
                "rule health: send to the queue",
            ],
            "rules": {"set": ["health", "spot"], "removed": []},
        }
    ]
    assert "warnings" not in first
    assert sorted(written(aws)) == sorted(["sqs:CreateQueue", *["events:PutRule", "events:PutTargets"] * 2])
    assert written(aws)[0] == "sqs:CreateQueue"
    found = attributes(aws, "a")
    assert (found["MessageRetentionPeriod"], found["SqsManagedSseEnabled"]) == ("300", "true")
    assert "KmsMasterKeyId" not in found
    assert allowed(aws, "a") == [rule_arn("health"), rule_arn("spot")]
    sqs, events = aws.client("sqs"), aws.client("events")
    assert sqs.list_queue_tags(QueueUrl=first["queues"][0]["url"])["Tags"] == {**OURS, "team": "platform"}
    described = events.describe_rule(Name="spot")
    assert (json.loads(described["EventPattern"]), described["State"]) == (SPOT, "ENABLED")
    assert described["Description"] == "Spot interruptions"
    assert rules_of(aws) == {name: [(TARGET, queue_arn("a"))] for name in ("health", "spot")}
    assert tags_of(aws, "spot") == {**OURS, "team": "platform"}
    aws.clear_calls()
    second = done(wanted)
    assert (second["changed"], second["diff"]) == (False, {"before": {}, "after": {}})
    assert second["queues"] == [
        {**first["queues"][0], "state": "unchanged", "changes": [], "rules": {"set": [], "removed": []}}
    ]
    assert counted(aws) == {
        "sqs:GetQueueUrl": 1,
        "sqs:GetQueueAttributes": 1,
        "sqs:ListQueueTags": 1,
        "events:ListRuleNamesByTarget": 1,
        "events:DescribeRule": 2,
        "events:ListTargetsByRule": 2,
        "events:ListTagsForResource": 2,
    }


def test_an_event_arrives(aws: AwsServer) -> None:
    url = done(queue("a", "spot"))["queues"][0]["url"]
    entry = {"Source": "aws.ec2", "Detail": json.dumps({"instance-id": "i-1"})}
    for kind in ("EC2 Spot Instance Interruption Warning", "EC2 Instance Rebalance Recommendation"):
        aws.client("events").put_events(Entries=[{**entry, "DetailType": kind}])
    messages = aws.client("sqs").receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]
    assert [json.loads(message["Body"])["detail-type"] for message in messages] == [
        "EC2 Spot Instance Interruption Warning"
    ]


def test_unchanged_queues_are_read_side_by_side_each_once(aws: AwsServer) -> None:
    names = [f"q{number}" for number in range(3)]
    wanted = [queue(name, *(f"{name}-{number}" for number in range(2))) for name in names]
    done(*wanted)
    aws.clear_calls()
    assert not run_held(aws, lambda: done(*wanted), 3, "GetQueueUrl")["changed"]
    reads = ["GetQueueAttributes", "ListQueueTags", "ListRuleNamesByTarget"]
    aws.clear_calls()
    assert not run_held(aws, lambda: done(*wanted), 9, *reads)["changed"]
    assert [counted(aws)[f"{'events' if 'Rule' in name else 'sqs'}:{name}"] for name in reads] == [3, 3, 3]
    parts = ["DescribeRule", "ListTargetsByRule", "ListTagsForResource"]
    aws.clear_calls()
    assert not run_held(aws, lambda: done(*wanted), 10, *parts)["changed"]
    assert [counted(aws)[f"events:{name}"] for name in parts] == [6, 6, 6]
    assert "sts:GetCallerIdentity" not in counted(aws)


def test_queues_and_rules_are_written_side_by_side(aws: AwsServer) -> None:
    wanted = [queue(name, *(f"{name}-{number}" for number in range(3))) for name in ("a", "b")]
    result = run_held(aws, lambda: done(*wanted), 6, "PutTargets")
    assert [each["rules"]["set"] for each in result["queues"]] == [
        [f"{name}-{number}" for number in range(3)] for name in ("a", "b")
    ]
    gone = [{**item, "state": "absent"} for item in wanted]
    assert run_held(aws, lambda: done(*gone), 6, "DeleteRule")["changed"]
    assert (queues_of(aws), rules_of(aws)) == ([], {})


def test_check_mode_tells_the_same_as_the_run_and_writes_nothing(aws: AwsServer) -> None:
    done(queue("old", "kept", "dropped"), queue("gone", "gone-rule"))
    add_statement(aws, "old", ANALYSTS)
    make_rule(aws, "foreign", {"Id": "1", "Arn": queue_arn("gone")})
    queues = [
        queue("new", "fresh"),
        queue("old", "kept", "added", message_retention=60, tags={"team": "platform"}),
        queue("gone", state="absent"),
        queue("never", state="absent"),
    ]
    aws.clear_calls()
    checked = converge(*queues, check=True)
    assert written(aws) == []
    assert checked == converge(*queues)
    assert checked["changed"]
    assert [each["state"] for each in checked["queues"]] == ["created", "updated", "removed", "unchanged"]
    assert checked["queues"][1]["rules"] == {"set": ["added", "kept"], "removed": ["dropped"]}
    assert len(checked["warnings"]) == 1
    assert not done(*queues, check=True)["changed"]


def test_each_setting_is_changed_alone(aws: AwsServer) -> None:
    done(queue("a", "spot"))
    for change, writes in (
        ({"message_retention": 60}, ["sqs:SetQueueAttributes"]),
        ({"tags": {"team": "platform"}}, ["sqs:TagQueue", "events:TagResource"]),
        ({"rules": [rule("spot", description="text")]}, ["events:PutRule"]),
        ({"rules": [rule("spot", event_pattern=HEALTH)]}, ["events:PutRule"]),
    ):
        aws.clear_calls()
        result = done(queue("a", "spot", message_retention=60) | change)
        assert (result["queues"][0]["state"], written(aws)) == ("updated", writes), change
        assert not done(queue("a", "spot", message_retention=60) | change)["changed"]


def test_what_others_added_to_the_queues_policy_stays(aws: AwsServer) -> None:
    done(queue("a", "spot"))
    add_statement(aws, "a", ANALYSTS)
    aws.clear_calls()
    assert not done(queue("a", "spot"))["changed"]
    done(queue("a", "spot", "health"))
    assert counted(aws)["sqs:SetQueueAttributes"] == 1
    first = policy_of(aws, "a")["Statement"][0]
    assert json.dumps(first) == json.dumps(ANALYSTS)
    assert allowed(aws, "a") == [rule_arn("health"), rule_arn("spot")]
    done(queue("a"))
    assert allowed(aws, "a") == []
    assert json.dumps(policy_of(aws, "a")["Statement"][0]) == json.dumps(ANALYSTS)


def test_a_statement_that_others_changed_is_put_right(aws: AwsServer) -> None:
    done(queue("a", "spot"))
    sound = policy_of(aws, "a")
    add_statement(aws, "a", ANALYSTS)
    broken = policy_of(aws, "a")
    for statement in broken["Statement"][1:]:
        statement["Condition"] = {"Bool": {"aws:SecureTransport": "true"}}
    url = aws.client("sqs").get_queue_url(QueueName="a")["QueueUrl"]
    aws.client("sqs").set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps(broken)})
    assert done(queue("a", "spot"))["changed"]
    assert policy_of(aws, "a")["Statement"] == [ANALYSTS, *sound["Statement"]]


def test_rules_of_others_stay_and_go_on_sending(aws: AwsServer) -> None:
    done(queue("a", "spot"))
    make_rule(aws, "foreign", {"Id": "1", "Arn": queue_arn("a")})
    make_rule(aws, "greens", {"Id": "1", "Arn": queue_arn("a")}, tags={"ekspress.eks/cluster": "green"})
    policy = policy_of(aws, "a")
    policy["Statement"][0]["Condition"]["ArnEquals"]["aws:SourceArn"].append(rule_arn("foreign"))
    url = aws.client("sqs").get_queue_url(QueueName="a")["QueueUrl"]
    aws.client("sqs").set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps(policy)})
    assert done(queue("a", "spot"))["changed"] is False
    aws.clear_calls()
    assert not done(queue("a", "spot"))["changed"]
    assert counted(aws)["events:ListTagsForResource"] == 3
    assert done(queue("a", "other"))["queues"][0]["rules"] == {"set": ["other"], "removed": ["spot"]}
    assert sorted(rules_of(aws)) == ["foreign", "greens", "other"]
    assert allowed(aws, "a") == [rule_arn("foreign"), rule_arn("other")]
    aws.client("events").remove_targets(Rule="foreign", Ids=["1"])
    assert done(queue("a", "other"))["queues"][0]["changes"] == ["queue: policy"]
    assert allowed(aws, "a") == [rule_arn("other")]


def test_targets_of_others_stay_and_are_told(aws: AwsServer) -> None:
    done(queue("a", "spot", "health"))
    aws.client("events").put_targets(Rule="spot", Targets=[LAMBDA])
    result = done(queue("a", "spot", "health"))
    assert not result["changed"]
    assert result["warnings"] == [
        f"EventBridge rule 'spot' has targets that are not this module's and were left alone: theirs ({LAMBDA['Arn']})."
    ]
    assert "rule 'spot' stays, but no longer sends" in done(queue("a", "health"))["warnings"][0]
    assert rules_of(aws)["spot"] == [("theirs", LAMBDA["Arn"])]
    assert allowed(aws, "a") == [rule_arn("health")]


def test_a_rule_moves_to_another_queue(aws: AwsServer) -> None:
    done(queue("a", "spot", "health"))
    result = done(queue("a", "health"), queue("b", "spot"))
    assert [each["rules"] for each in result["queues"]] == [
        {"set": [], "removed": []},
        {"set": ["spot"], "removed": []},
    ]
    assert rules_of(aws)["spot"] == [(TARGET, queue_arn("b"))]
    assert allowed(aws, "a") == [rule_arn("health")]
    assert not done(queue("a", "health"), queue("b", "spot"))["changed"]
    done(queue("a", state="absent"), queue("b", "spot", "health"))
    assert (queues_of(aws), sorted(rules_of(aws))) == (["b"], ["health", "spot"])


def test_removal_leaves_nothing_behind_whatever_is_gone_already(aws: AwsServer) -> None:
    sqs, events = aws.client("sqs"), aws.client("events")
    gone = queue("a", state="absent")
    aws.settings(queue_name_blocked_seconds=0)
    done(queue("a", "spot", "health"))
    aws.clear_calls()
    assert done(gone)["queues"][0]["rules"] == {"set": [], "removed": ["health", "spot"]}
    assert written(aws)[-1] == "sqs:DeleteQueue"
    assert (queues_of(aws), rules_of(aws)) == ([], {})
    assert not done(gone)["changed"]
    url = done(queue("a", "spot", "health"))["queues"][0]["url"]
    events.remove_targets(Rule="spot", Ids=[TARGET])
    events.delete_rule(Name="spot")
    assert done(gone)["queues"][0]["rules"]["removed"] == ["health"]
    done(queue("a", "spot", "health"))
    sqs.delete_queue(QueueUrl=url)
    result = done(gone)
    assert (result["queues"][0]["state"], result["queues"][0]["url"]) == ("removed", url)
    assert (queues_of(aws), rules_of(aws)) == ([], {})


def test_a_queue_whose_name_alone_is_ours_is_left(aws: AwsServer) -> None:
    aws.client("sqs").create_queue(QueueName="a")
    make_rule(aws, "theirs")
    for wanted, message in (
        (queue("a", state="absent"), "was not removed: it exists and is not marked as this module's"),
        (queue("a", "spot"), "SQS queue 'a': it exists and is not marked"),
        (queue("b", "theirs"), "EventBridge rule 'theirs': it exists and is not marked"),
    ):
        aws.clear_calls()
        result = converge(queue("c", "fine"), wanted)
        assert result["failed"]
        assert "1 of 2 SQS queues cannot be converged; nothing was changed. " in result["msg"]
        assert message in result["msg"]
        assert written(aws) == []
    url = aws.client("sqs").get_queue_url(QueueName="a")["QueueUrl"]
    aws.client("sqs").tag_queue(QueueUrl=url, Tags=OURS)
    assert done(queue("a", state="absent"))["queues"][0]["state"] == "removed"


def test_every_page_is_read(aws: AwsServer) -> None:
    names = [f"rule-{number}" for number in range(4)]
    done(queue("a", *names))
    aws.client("events").put_targets(Rule=names[0], Targets=[LAMBDA])
    aws.settings(page_size=1)
    result = done(queue("a", names[0]))
    assert result["queues"][0]["rules"]["removed"] == names[1:]
    assert "theirs" in result["warnings"][0]


def test_runs_at_once_lose_nothing(aws: AwsServer) -> None:
    wanted = [queue("a", *(f"rule-{number}" for number in range(5))), queue("b", "other")]
    with ThreadPoolExecutor(3) as pool:
        results = list(pool.map(lambda _number: converge(*wanted), range(3)))
    assert [result.get("msg") for result in results] == [None] * 3
    assert not done(*wanted)["changed"]
    assert allowed(aws, "a") == [rule_arn(f"rule-{number}") for number in range(5)]
    assert [len(targets) for targets in rules_of(aws).values()] == [1] * 6


def test_the_documented_permissions_are_those_that_it_needs(aws: AwsServer) -> None:
    make_key(aws, STATEMENT)
    aws.clear_calls()
    done(queue("a", "spot", "health"))
    changed: dict[str, Any] = {"kms_key": "alias/queues", "tags": {"team": "platform"}}
    done(queue("a", "spot", **changed))
    done(queue("a", state="absent"))
    called = set(counted(aws)) - {"sts:GetCallerIdentity"}
    (role,) = yaml.safe_load(interruption_queues.EXAMPLES)[-1]["ekspress.eks.irsa_roles"]["roles"]
    actions = [item["Action"] for item in role["policies"]["queues"]["Statement"]]
    listed = {action for item in actions for action in ([item] if isinstance(item, str) else item)}
    assert called == listed
    described = " ".join(yaml.safe_load(interruption_queues.DOCUMENTATION)["description"])
    assert {action for action in listed if f"C({action})" not in described} == set()


@pytest.mark.parametrize("example", [0, 2, 3])
def test_the_examples_are_valid(aws: AwsServer, example: int) -> None:
    make_key(aws, STATEMENT)
    arguments = yaml.safe_load(interruption_queues.EXAMPLES)[example]["ekspress.eks.interruption_queues"]
    done(*arguments["queues"])
