# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""EventBridge: rules, patterns, targets, quotas, writes that overlap and entries that fail."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from sandbox.aws.client import AwsServer, SandboxError
from tests.sandbox.aws.policies import Refused
from tests.support import FOR_EVER, PATIENCE, wait_until

SPOT = json.dumps({"source": ["aws.ec2"], "detail-type": ["EC2 Spot Instance Interruption Warning"]})
QUEUE = "arn:aws:sqs:eu-central-1:123456789012:a"
CONCURRENT = "ConcurrentModificationException"


@pytest.fixture
def events(aws: AwsServer) -> Any:
    """A client of EventBridge; the server must hold whatever a client lets pass."""
    return aws.client("events", validate=False)


def target(number: int = 1) -> dict[str, str]:
    return {"Id": f"id-{number}", "Arn": QUEUE}


@pytest.mark.parametrize(
    "fields",
    [
        {"Name": ""},
        {"Name": "a" * 65},
        {"Name": "a b"},
        {"Name": "ä"},
        {"Description": "d" * 513},
        {"EventPattern": json.dumps({"source": ["x" * 4096]})},
        {"Tags": [{"Key": "aws:k", "Value": "v"}]},
        {"Tags": [{"Key": "k", "Value": "v" * 257}]},
    ],
    ids=lambda fields: str(fields)[:40],
)
def test_rule_fields(events: Any, refused: Refused, fields: dict[str, Any]) -> None:
    refused("ValidationException", events.put_rule, **{"Name": "a", "EventPattern": SPOT, **fields})
    assert events.list_rules()["Rules"] == []


def test_rule_fields_at_their_limits(events: Any) -> None:
    events.put_rule(Name="._-" + "a" * 61, EventPattern=SPOT, Description="d" * 512)


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("no JSON", "Invalid JSON"),
        ("[]", "Filter is not an object"),
        ("{}", "Empty objects are not allowed"),
        ('{"detail": {}}', "Empty objects are not allowed"),
        ('{"source": "aws.ec2"}', '"source" must be an object or an array'),
        ('{"source": []}', "Empty arrays are not allowed"),
        ('{"source": [["aws.ec2"]]}', "Match value must be String"),
        ('{"source": [{"starts-with": "aws."}]}', "Unrecognized match type starts-with"),
        ('{"source": [{"prefix": "aws.", "suffix": "2"}]}', "Only one key allowed"),
        ('{"$or": [{"source": ["a"]}]}', "at least 2 Objects"),
        ('{"$or": {"source": ["a"]}}', "must be an Array"),
        ('{"$or": ["a", "b"]}', "Only JSON object is allowed"),
        ('{"$or": [{"source": []}, {"source": ["a"]}]}', "Empty arrays are not allowed"),
    ],
)
def test_invalid_patterns(events: Any, refused: Refused, pattern: str, reason: str) -> None:
    error = refused("InvalidEventPatternException", events.put_rule, Name="a", EventPattern=pattern)
    assert "Event pattern is not valid. Reason: " in str(error)
    assert reason in str(error)


def test_valid_patterns(events: Any) -> None:
    either = [{"a": [1, None, True]}, {"b": [{"anything-but": ["x"]}, {"exists": False}]}]
    for pattern in ({"source": [{"prefix": "aws."}], "detail": {"$or": either}}, {"detail": {"a": {"b": ["c"]}}}):
        events.put_rule(Name="a", EventPattern=json.dumps(pattern))
        assert json.loads(events.describe_rule(Name="a")["EventPattern"]) == pattern


def test_tags_of_an_existing_rule_are_ignored(events: Any) -> None:
    arn = events.put_rule(Name="a", EventPattern=SPOT, Tags=[{"Key": "k", "Value": "1"}])["RuleArn"]
    events.put_rule(Name="a", EventPattern=SPOT, Description="new", Tags=[{"Key": "k", "Value": "2"}])
    assert events.describe_rule(Name="a")["Description"] == "new"
    assert events.list_tags_for_resource(ResourceARN=arn)["Tags"] == [{"Key": "k", "Value": "1"}]
    events.tag_resource(ResourceARN=arn, Tags=[{"Key": "k", "Value": "2"}])
    assert events.list_tags_for_resource(ResourceARN=arn)["Tags"] == [{"Key": "k", "Value": "2"}]


def test_tags_of_a_rule(events: Any, refused: Refused) -> None:
    arn = events.put_rule(Name="a", EventPattern=SPOT)["RuleArn"]
    tags = [{"Key": f"k{number}", "Value": ""} for number in range(50)]
    events.tag_resource(ResourceARN=arn, Tags=tags)
    more = [{"Key": "one-more", "Value": "v"}]
    refused("LimitExceededException", events.tag_resource, ResourceARN=arn, Tags=more)
    refused("ValidationException", events.tag_resource, ResourceARN=arn, Tags=[{"Key": "AWS:k", "Value": "v"}])


def test_rules_of_a_bus(aws: AwsServer, events: Any, refused: Refused) -> None:
    assert aws.settings()["rules_per_bus"] == 300
    aws.settings(rules_per_bus=2)
    for name in "ab":
        events.put_rule(Name=name, EventPattern=SPOT)
    refused("LimitExceededException", events.put_rule, Name="c", EventPattern=SPOT)
    events.put_rule(Name="a", EventPattern=SPOT, Description="updates are no more rules")


def test_targets_of_a_rule(events: Any, refused: Refused) -> None:
    events.put_rule(Name="a", EventPattern=SPOT)
    events.put_targets(Rule="a", Targets=[target(number) for number in range(5)])
    refused("LimitExceededException", events.put_targets, Rule="a", Targets=[target(5)])
    events.put_targets(Rule="a", Targets=[{**target(1), "Input": "{}"}])
    for wrong in ([], [target(number) for number in range(11)], [{"Id": "a b", "Arn": QUEUE}]):
        refused("ValidationException", events.put_targets, Rule="a", Targets=wrong)
    refused("ValidationException", events.remove_targets, Rule="a", Ids=[f"id-{number}" for number in range(11)])


def test_a_rule_with_targets_is_not_deleted(events: Any, refused: Refused) -> None:
    events.put_rule(Name="a", EventPattern=SPOT)
    events.put_targets(Rule="a", Targets=[target()])
    refused("ValidationException", events.delete_rule, Name="a")
    events.remove_targets(Rule="a", Ids=["id-1", "never-there"])
    events.delete_rule(Name="a")
    events.delete_rule(Name="a")
    refused("ResourceNotFoundException", events.remove_targets, Rule="a", Ids=["id-1"])


def test_overlapping_writes_on_one_rule(aws: AwsServer, events: Any, refused: Refused) -> None:
    for name in "ab":
        events.put_rule(Name=name, EventPattern=SPOT)
    arn = events.describe_rule(Name="a")["Arn"]
    aws.fault("PutTargets", "latency", seconds=FOR_EVER)
    slow = aws.client("events")
    with ThreadPoolExecutor(1) as pool:
        pending = pool.submit(slow.put_targets, Rule="a", Targets=[target()])
        wait_until(lambda: aws.faults()[0]["hit"], "the write")
        refused(CONCURRENT, events.put_rule, Name="a", EventPattern=SPOT)
        refused(CONCURRENT, events.tag_resource, ResourceARN=arn, Tags=[{"Key": "k", "Value": "v"}])
        # Reads and other rules are not in the way.
        events.describe_rule(Name="a")
        events.put_targets(Rule="b", Targets=[target()])
        assert not pending.done()
        aws.clear_faults()
        pending.result(timeout=PATIENCE)
    events.put_rule(Name="a", EventPattern=SPOT)


def test_entries_that_fail(aws: AwsServer, events: Any) -> None:
    events.put_rule(Name="a", EventPattern=SPOT)
    aws.fault("PutTargets", "fail_entries", message="busy")
    answer = events.put_targets(Rule="a", Targets=[target()])
    assert answer["FailedEntryCount"] == 1
    assert answer["FailedEntries"] == [{"TargetId": "id-1", "ErrorCode": CONCURRENT, "ErrorMessage": "busy"}]
    assert events.list_targets_by_rule(Rule="a")["Targets"] == []
    assert events.put_targets(Rule="a", Targets=[target()])["FailedEntryCount"] == 0
    aws.fault("RemoveTargets", "fail_entries", code="InternalException")
    answer = events.remove_targets(Rule="a", Ids=["id-1"])
    assert [entry["ErrorCode"] for entry in answer["FailedEntries"]] == ["InternalException"]
    assert len(events.list_targets_by_rule(Rule="a")["Targets"]) == 1
    aws.fault("PutRule", "fail_entries")
    with pytest.raises(events.exceptions.ClientError, match="no entries that could fail"):
        events.put_rule(Name="a", EventPattern=SPOT)


def test_an_unknown_effect_names_the_known(aws: AwsServer) -> None:
    with pytest.raises(SandboxError, match="fail_entries"):
        aws.fault("PutTargets", "half")


def test_lists_have_pages(aws: AwsServer, events: Any, refused: Refused) -> None:
    names = [f"rule-{number}" for number in range(5)]
    for name in names:
        events.put_rule(Name=name, EventPattern=SPOT)
        events.put_targets(Rule=name, Targets=[target()])
    first = events.list_rule_names_by_target(TargetArn=QUEUE, Limit=2)
    assert (first["RuleNames"], bool(first["NextToken"])) == (names[:2], True)
    aws.settings(page_size=2)
    pages = events.get_paginator("list_rule_names_by_target").paginate(TargetArn=QUEUE)
    assert [page["RuleNames"] for page in pages] == [names[:2], names[2:4], names[4:]]
    refused("ValidationException", events.list_rule_names_by_target, TargetArn=QUEUE, NextToken="made up")
    refused("ValidationException", events.list_rule_names_by_target, TargetArn=QUEUE, Limit=101)
