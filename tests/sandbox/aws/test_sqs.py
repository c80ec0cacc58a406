# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Queues: attributes, encryption, policies, tags, and names that were just deleted."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sandbox.aws.client import AwsServer
from tests.sandbox.aws.policies import Refused

ALLOW = {"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": "*"}
INVALID_VALUE = "InvalidAttributeValue"


@pytest.fixture
def sqs(aws: AwsServer) -> Any:
    """A client of SQS; the server must hold whatever a client lets pass."""
    return aws.client("sqs", validate=False)


@pytest.fixture
def url(sqs: Any) -> str:
    """A queue."""
    return str(sqs.create_queue(QueueName="a")["QueueUrl"])


def policy(*statements: dict[str, Any], **elements: Any) -> str:
    return json.dumps({"Version": "2012-10-17", **elements, "Statement": list(statements)})


def attributes(sqs: Any, url: str) -> dict[str, str]:
    found: dict[str, str] = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    return found


@pytest.mark.parametrize(
    ("name", "limits"),
    [
        ("DelaySeconds", (0, 900)),
        ("KmsDataKeyReusePeriodSeconds", (60, 86_400)),
        ("MaximumMessageSize", (1024, 1_048_576)),
        ("MessageRetentionPeriod", (60, 1_209_600)),
        ("ReceiveMessageWaitTimeSeconds", (0, 20)),
        ("VisibilityTimeout", (0, 43_200)),
    ],
)
def test_attribute_ranges(sqs: Any, url: str, refused: Refused, name: str, limits: tuple[int, int]) -> None:
    lowest, highest = limits
    for wrong in (str(lowest - 1), str(highest + 1), "many", "1.5"):
        refused(INVALID_VALUE, sqs.create_queue, QueueName="b", Attributes={name: wrong})
        refused(INVALID_VALUE, sqs.set_queue_attributes, QueueUrl=url, Attributes={name: wrong})
    for right in (lowest, highest):
        sqs.set_queue_attributes(QueueUrl=url, Attributes={name: str(right)})


def test_unknown_attributes_and_booleans(sqs: Any, url: str, refused: Refused) -> None:
    refused("InvalidAttributeName", sqs.set_queue_attributes, QueueUrl=url, Attributes={"Colour": "blue"})
    refused(INVALID_VALUE, sqs.create_queue, QueueName="b", Attributes={"SqsManagedSseEnabled": "yes"})


def test_an_attribute_that_is_not_given_stays(sqs: Any, url: str) -> None:
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy(ALLOW), "MessageRetentionPeriod": "60"})
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": "1"})
    found = attributes(sqs, url)
    assert json.loads(found["Policy"])["Statement"] == [ALLOW]
    assert (found["MessageRetentionPeriod"], found["VisibilityTimeout"]) == ("60", "1")
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": ""})
    assert "Policy" not in attributes(sqs, url)


def test_one_kind_of_encryption(sqs: Any, refused: Refused) -> None:
    both = {"SqsManagedSseEnabled": "true", "KmsMasterKeyId": "alias/queues"}
    refused("InvalidAttributeName", sqs.create_queue, QueueName="a", Attributes=both)
    url = sqs.create_queue(QueueName="a", Attributes={"KmsMasterKeyId": "alias/queues"})["QueueUrl"]
    found = attributes(sqs, url)
    assert (found["KmsMasterKeyId"], found["SqsManagedSseEnabled"]) == ("alias/queues", "false")
    refused("InvalidAttributeName", sqs.set_queue_attributes, QueueUrl=url, Attributes=both)
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"SqsManagedSseEnabled": "true"})
    found = attributes(sqs, url)
    assert (found.get("KmsMasterKeyId"), found["SqsManagedSseEnabled"]) == (None, "true")


@pytest.mark.parametrize(
    "text",
    [
        "no JSON",
        "[]",
        policy(),
        policy(ALLOW, Version="2020-01-01"),
        policy({**ALLOW, "Effect": "allow"}),
        policy({**ALLOW, "Action": "s3:GetObject"}),
        policy({**ALLOW, "Resource": "a-queue"}),
        policy({**ALLOW, "Colour": "blue"}),
        policy({**ALLOW, "Condition": {"ArnEquals": {"aws:SourceArn": []}}}),
        policy({key: value for key, value in ALLOW.items() if key != "Principal"}),
        policy({**ALLOW, "Sid": "Twice"}, {**ALLOW, "Sid": "Twice"}),
        policy({**ALLOW, "Sid": "S" * 8192}),
    ],
    ids=lambda text: text[:60],
)
def test_malformed_policies(sqs: Any, url: str, refused: Refused, text: str) -> None:
    refused(INVALID_VALUE, sqs.set_queue_attributes, QueueUrl=url, Attributes={"Policy": text})
    refused(INVALID_VALUE, sqs.create_queue, QueueName="b", Attributes={"Policy": text})


@pytest.mark.parametrize(
    ("most", "one_more"),
    [
        pytest.param([ALLOW] * 20, [ALLOW] * 21, id="statements"),
        pytest.param(
            [{**ALLOW, "Principal": {"AWS": [f"{number:012d}" for number in range(50)]}}],
            [{**ALLOW, "Principal": {"AWS": [f"{number:012d}" for number in range(51)]}}],
            id="principals",
        ),
        pytest.param(
            [{**ALLOW, "Condition": {"StringEquals": {f"aws:PrincipalTag/{number}": "x" for number in range(10)}}}],
            [{**ALLOW, "Condition": {"StringEquals": {f"aws:PrincipalTag/{number}": "x" for number in range(11)}}}],
            id="conditions",
        ),
        pytest.param(
            [{**ALLOW, "Action": [f"sqs:Action{number}" for number in range(7)]}],
            [{**ALLOW, "Action": [f"sqs:Action{number}" for number in range(8)]}],
            id="actions",
        ),
    ],
)
def test_policy_quotas(
    sqs: Any, url: str, refused: Refused, most: list[dict[str, Any]], one_more: list[dict[str, Any]]
) -> None:
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy(*most)})
    refused("OverLimit", sqs.set_queue_attributes, QueueUrl=url, Attributes={"Policy": policy(*one_more)})


def test_a_name_is_free_again_after_a_while(aws: AwsServer, sqs: Any, url: str, refused: Refused) -> None:
    sqs.delete_queue(QueueUrl=url)
    refused("AWS.SimpleQueueService.QueueDeletedRecently", sqs.create_queue, QueueName="a")
    sqs.create_queue(QueueName="b")
    aws.client("sqs", region="eu-west-1").create_queue(QueueName="a")
    aws.settings(queue_name_blocked_seconds=0)
    sqs.create_queue(QueueName="a")


def test_unknown_queue(sqs: Any, url: str, refused: Refused) -> None:
    missing = f"{url}-missing"
    code = "AWS.SimpleQueueService.NonExistentQueue"
    refused(code, sqs.set_queue_attributes, QueueUrl=missing, Attributes={"VisibilityTimeout": "1"})
    refused(code, sqs.get_queue_url, QueueName="a-missing")


@pytest.mark.parametrize(
    "tags",
    [
        {"k": ""},
        {"k" * 129: "v"},
        {"k": "v" * 257},
        {"AWS:k": "v"},
        {"k": "aws:v"},
        {"k#": "v"},
        {f"k{number}": "v" for number in range(51)},
    ],
    ids=lambda tags: str(tags)[:40],
)
def test_tags(sqs: Any, url: str, refused: Refused, tags: dict[str, str]) -> None:
    refused("InvalidParameterValue", sqs.tag_queue, QueueUrl=url, Tags=tags)
    refused("InvalidParameterValue", sqs.create_queue, QueueName="b", tags=tags)


def test_tags_add_up(sqs: Any, url: str, refused: Refused) -> None:
    sqs.tag_queue(QueueUrl=url, Tags={f"k{number}": "v" for number in range(50)})
    sqs.tag_queue(QueueUrl=url, Tags={"k0": "other"})
    refused("InvalidParameterValue", sqs.tag_queue, QueueUrl=url, Tags={"one-more": "v"})
