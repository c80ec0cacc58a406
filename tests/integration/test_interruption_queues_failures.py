# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""interruption_queues when AWS refuses, throttles or has had enough, and when others write at the same time."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from ansible_collections.ekspress.eks.plugins.module_utils import _queue_writer
from ansible_collections.ekspress.eks.plugins.module_utils._aws import Aws
from ansible_collections.ekspress.eks.plugins.module_utils._context import Context
from ansible_collections.ekspress.eks.plugins.module_utils._interruption_queues import LOGIC, argument_spec
from ansible_collections.ekspress.eks.plugins.module_utils._queue_api import queue_url
from ansible_collections.ekspress.eks.plugins.module_utils._runner import execute
from ansible_collections.ekspress.eks.tests.integration.eks_clusters import counted, written
from ansible_collections.ekspress.eks.tests.integration.queues import (
    ANALYSTS,
    TARGET,
    add_statement,
    allowed,
    converge,
    done,
    policy_of,
    queue,
    queue_arn,
    queues_of,
    rule,
    rule_arn,
    rules_of,
)
from ansible_collections.ekspress.eks.tests.support import FOR_EVER, PATIENCE, wait_until

from sandbox.aws.client import AwsServer

READS = [
    ("sqs", "GetQueueUrl"),
    ("sqs", "GetQueueAttributes"),
    ("sqs", "ListQueueTags"),
    ("events", "ListRuleNamesByTarget"),
    ("events", "DescribeRule"),
    ("events", "ListTargetsByRule"),
    ("events", "ListTagsForResource"),
]
CREATES = [("sqs", "CreateQueue"), ("events", "PutRule"), ("events", "PutTargets")]
UPDATES = [
    ("sqs", "SetQueueAttributes"),
    ("sqs", "TagQueue"),
    ("events", "TagResource"),
    ("events", "RemoveTargets"),
    ("events", "DeleteRule"),
]
REMOVALS = [("sqs", "DeleteQueue")]
BEFORE = queue("a", "spot", "health")
AFTER = queue("a", "spot", tags={"team": "platform"}, message_retention=60)
GONE = queue("a", state="absent")
DELETED_RECENTLY = "AWS.SimpleQueueService.QueueDeletedRecently"
ONCE = {"retries": {"mode": "standard", "max_attempts": 0}}
"""For errors that botocore takes for throttling, such as LimitExceededException."""
NO_QUEUE = "AWS.SimpleQueueService.NonExistentQueue"


@pytest.fixture
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is waited for comes at once."""
    monkeypatch.setattr(_queue_writer, "NAME_PAUSE", 0.01)
    monkeypatch.setattr(_queue_writer, "ENTRY_PAUSES", (0.01,) * 3)


def before(operation: tuple[str, str]) -> dict[str, Any]:
    """Make what there is before an operation is called; gives what is asked for then."""
    if operation in CREATES:
        return BEFORE
    done(BEFORE)
    return GONE if operation in REMOVALS else AFTER


@pytest.mark.parametrize("operation", [*READS, *CREATES, *UPDATES, *REMOVALS], ids=lambda item: item[1])
def test_a_denied_call_is_named_and_the_next_run_completes(aws: AwsServer, operation: tuple[str, str]) -> None:
    wanted = before(operation)
    aws.fault(operation[1], "deny", service=operation[0], times=None)
    aws.clear_calls()
    result = converge(wanted)
    assert result["failed"]
    assert "add the action to its policy" in result["msg"]
    assert f"{operation[0]}:{operation[1]} failed" in result["msg"]
    assert "'a'" in result["msg"] or "'spot'" in result["msg"] or "'health'" in result["msg"]
    if operation in READS:
        assert "Nothing was changed." in result["msg"]
        assert written(aws) == []
    else:
        assert result["queues"][0]["state"] == "failed"
        assert operation[1] in result["queues"][0]["error"]
    aws.clear_faults()
    done(wanted)
    assert not done(wanted)["changed"]


@pytest.mark.parametrize("operation", [*READS, *CREATES, *UPDATES, *REMOVALS], ids=lambda item: item[1])
def test_throttled_calls_are_made_again(aws: AwsServer, operation: tuple[str, str]) -> None:
    wanted = before(operation)
    aws.fault(operation[1], "throttle", service=operation[0])
    done(wanted)
    assert [each["hit"] for each in aws.faults()] == [1]
    assert not done(wanted)["changed"]


@pytest.mark.parametrize("operation", [*CREATES[1:], *UPDATES[2:]], ids=lambda item: item[1])
def test_writes_of_rules_that_meet_anothers_are_made_again(aws: AwsServer, operation: tuple[str, str]) -> None:
    wanted = before(operation)
    aws.fault(operation[1], "error", code="ConcurrentModificationException")
    done(wanted)
    assert [each["hit"] for each in aws.faults()] == [1]
    assert not done(wanted)["changed"]


@pytest.mark.parametrize("operation", ["PutTargets", "RemoveTargets"])
def test_targets_that_fail_are_tried_again(aws: AwsServer, short_pauses: None, operation: str) -> None:
    wanted = BEFORE if operation == "PutTargets" else GONE
    if wanted is GONE:
        done(BEFORE)
    aws.fault(operation, "fail_entries", times=3)
    done(wanted)
    assert [each["hit"] for each in aws.faults()] == [3]
    assert not done(wanted)["changed"]
    assert rules_of(aws) == (
        {} if wanted is GONE else {name: [(TARGET, queue_arn("a"))] for name in ("health", "spot")}
    )


def test_targets_that_go_on_failing_are_named(aws: AwsServer, short_pauses: None) -> None:
    aws.fault(
        "PutTargets", "fail_entries", match={"Rule": "spot"}, times=None, code="InternalException", message="busy"
    )
    result = converge(BEFORE, queue("b", "other"))
    assert result["failed"]
    assert (
        "1 of 2 SQS queues failed; the others are as wanted. SQS queue 'a': EventBridge rule 'spot': " in result["msg"]
    )
    assert "events:PutTargets failed: ekspress.eks: InternalException: busy" in result["msg"]
    assert [each["state"] for each in result["queues"]] == ["failed", "created"]
    assert result["queues"][0]["rules"] == {"set": ["health", "spot"], "removed": []}
    assert result["changed"]


def test_a_queue_that_fails_stops_its_own_rules_only(aws: AwsServer) -> None:
    aws.fault("CreateQueue", "deny", match={"QueueName": "a"}, times=None)
    result = converge(BEFORE, queue("b", "other"))
    assert [each["state"] for each in result["queues"]] == ["failed", "created"]
    assert (queues_of(aws), sorted(rules_of(aws))) == (["b"], ["other"])


def test_a_queue_is_not_removed_while_a_rule_of_it_could_not_move(aws: AwsServer) -> None:
    done(queue("a", "spot"), queue("c", "health"))
    aws.fault("PutTargets", "deny", match={"Rule": "spot"}, times=None)
    wanted = [queue("a", state="absent"), queue("b", "spot"), queue("c", state="absent")]
    result = converge(*wanted)
    assert [each["state"] for each in result["queues"]] == ["failed", "failed", "removed"]
    assert "its rules that move to b send to it still" in result["queues"][0]["error"]
    assert rules_of(aws)["spot"] == [(TARGET, queue_arn("a"))]
    assert allowed(aws, "a") == [rule_arn("spot")]
    aws.clear_faults()
    done(*wanted)
    assert (queues_of(aws), rules_of(aws)) == (["b"], {"spot": [(TARGET, queue_arn("b"))]})


def test_the_name_of_a_queue_that_was_just_deleted_is_waited_for(aws: AwsServer, short_pauses: None) -> None:
    aws.fault("CreateQueue", "error", code=DELETED_RECENTLY, times=3)
    result = done(BEFORE)
    assert counted(aws)["sqs:CreateQueue"] == 4
    assert "SQS queue 'a' was deleted less than 60 seconds ago" in result["warnings"][0]
    assert not done(BEFORE)["changed"]


def test_the_name_of_a_queue_is_waited_for_only_so_long(aws: AwsServer, short_pauses: None) -> None:
    aws.settings(queue_name_blocked_seconds=FOR_EVER)
    done(BEFORE)
    done(GONE)
    result = converge(BEFORE)
    assert result["failed"]
    assert "SQS did not give the name out again within" in result["msg"]
    assert "run again in a minute" in result["msg"]
    assert rules_of(aws) == {}
    aws.settings(queue_name_blocked_seconds=0)
    done(BEFORE)


def test_the_wait_for_a_name_ends_with_the_task(aws: AwsServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_queue_writer, "NAME_PAUSE", FOR_EVER)
    aws.fault("CreateQueue", "error", code=DELETED_RECENTLY, times=None)
    context = Context()
    params: dict[str, Any] = dict.fromkeys(argument_spec())
    params |= {"validate_certs": True, "queues": [{**BEFORE, "message_retention": 300}]}
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(execute, LOGIC, params, context)
        wait_until(lambda: context.warnings or running.done(), "the wait")
        assert not running.done(), running.result()
        context.cancelled.set()
        result = running.result(timeout=PATIENCE)
    assert result["failed"]
    assert result["msg"] == "sqs:CreateQueue was not called: the task was ended before."
    assert result["queues"][0]["changes"] == []
    assert counted(aws)["sqs:CreateQueue"] == 1


def test_a_policy_that_others_change_meanwhile_is_merged_again(aws: AwsServer, monkeypatch: pytest.MonkeyPatch) -> None:
    done(BEFORE)
    real = _queue_writer.policy_of
    looked: list[str] = []

    def policy_meanwhile(caller: Aws, url: str) -> Any:
        if not looked:
            add_statement(aws, "a", ANALYSTS)
        looked.append(url)
        return real(caller, url)

    monkeypatch.setattr(_queue_writer, "policy_of", policy_meanwhile)
    done(queue("a", "spot", "health", "third"))
    assert len(looked) == 1
    assert policy_of(aws, "a")["Statement"][0] == ANALYSTS
    assert allowed(aws, "a") == [rule_arn(name) for name in ("health", "spot", "third")]


def test_a_policy_that_others_put_right_meanwhile_is_not_written(
    aws: AwsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    done(BEFORE)
    sound = policy_of(aws, "a")
    url = aws.client("sqs").get_queue_url(QueueName="a")["QueueUrl"]
    aws.client("sqs").set_queue_attributes(QueueUrl=url, Attributes={"Policy": ""})
    monkeypatch.setattr(_queue_writer, "policy_of", lambda _aws, _url: sound)
    aws.clear_calls()
    assert not done(BEFORE)["changed"]
    assert written(aws) == []


def test_what_is_gone_before_it_is_removed_is_no_failure(aws: AwsServer) -> None:
    done(BEFORE)
    for operation, code in (
        ("RemoveTargets", "ResourceNotFoundException"),
        ("DeleteRule", "ResourceNotFoundException"),
        ("DeleteQueue", NO_QUEUE),
    ):
        aws.fault(operation, "error", code=code, times=None)
    result = done(GONE)
    assert (result["changed"], result["queues"][0]["changes"]) == (False, [])


@pytest.mark.parametrize("operation", ["GetQueueAttributes", "ListQueueTags"])
def test_a_queue_that_goes_while_it_is_read_is_made_anew(aws: AwsServer, operation: str) -> None:
    done(BEFORE)
    aws.fault(operation, "error", code=NO_QUEUE)
    assert done(BEFORE)["queues"][0]["changes"] == ["queue: create"]


@pytest.mark.parametrize(
    ("operation", "code", "advice"),
    [
        ("PutRule", "LimitExceededException", "Ask for a higher quota of EventBridge in Service Quotas"),
        ("PutRule", "InvalidEventPatternException", "eb-event-patterns.html"),
        ("PutTargets", "ResourceNotFoundException", "The rule was removed by another"),
        ("CreateQueue", "QueueAlreadyExists", "Another run made it meanwhile with other settings; run again"),
        ("CreateQueue", "InvalidAttributeValue", "take statements that name deleted users or roles"),
    ],
)
def test_refusals_say_what_to_do(aws: AwsServer, operation: str, code: str, advice: str) -> None:
    aws.fault(operation, "error", code=code, times=None)
    assert advice in converge(BEFORE, aws_config=ONCE)["msg"]


def test_the_quota_of_rules_is_told(aws: AwsServer) -> None:
    aws.settings(rules_per_bus=1)
    result = converge(BEFORE, aws_config=ONCE)
    assert "LimitExceededException" in result["msg"]
    assert len(result["queues"][0]["rules"]["set"]) == 1
    aws.settings(rules_per_bus=2)
    assert [change for change in done(BEFORE)["queues"][0]["changes"] if "create" in change]


def test_what_eventbridge_alone_knows_to_be_wrong_is_told(aws: AwsServer) -> None:
    wanted = queue(rules=[rule("spot", event_pattern={"source": [{"starts-with": "aws."}]})])
    result = converge(wanted)
    assert "EventBridge rule 'spot': events:PutRule failed: InvalidEventPatternException" in result["msg"]
    assert "Unrecognized match type starts-with" in result["msg"]


def test_bad_input_makes_no_call(aws: AwsServer) -> None:
    assert converge(queue("a.fifo"))["failed"]
    assert done()["queues"] == []
    assert aws.calls() == []


@pytest.mark.parametrize(
    ("region", "url", "arn"),
    [
        ("eu-central-1", "https://sqs.eu-central-1.amazonaws.com/111122223333/a", "arn:aws:sqs:eu-central-1"),
        ("cn-north-1", "https://sqs.cn-north-1.amazonaws.com.cn/111122223333/a", "arn:aws-cn:sqs:cn-north-1"),
        ("us-gov-west-1", "https://sqs.us-gov-west-1.amazonaws.com/111122223333/a", "arn:aws-us-gov:sqs"),
    ],
)
def test_a_url_that_sqs_has_not_given_yet_follows_from_the_partition(
    aws: AwsServer, monkeypatch: pytest.MonkeyPatch, region: str, url: str, arn: str
) -> None:
    assert converge(queue("a"), check=True, region=region)["queues"][0]["arn"].startswith(arn)
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    assert queue_url(Aws({"region": region}, Context()), "111122223333", "a") == url
