# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What is asked of queues, checked before any call."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.ekspress.eks.plugins.module_utils._errors import EksError
from ansible_collections.ekspress.eks.plugins.module_utils._queue_input import Wanted, WantedRule, wanted_queues

SPOT = {"source": ["aws.ec2"]}
KEY_ID = "1234abcd-12ab-34cd-56ef-1234567890ab"
KEY = "arn:aws:kms:eu-central-1:111122223333"


def read(*queues: dict[str, Any]) -> list[Wanted]:
    return wanted_queues([{"name": "a", "cluster": "blue", **queue} for queue in queues], "eu-central-1", "aws")


def rule(name: str = "spot", **more: Any) -> dict[str, Any]:
    return {"name": name, "event_pattern": SPOT, **more}


def test_what_is_given_is_read() -> None:
    given: dict[str, Any] = {
        "name": "n" * 76 + "_-0A",
        "message_retention": 60,
        "kms_key": "alias/queues",
        "tags": {"team": "platform", 1: 2},
        "rules": [rule(description="text"), rule("._-" + "r" * 61)],
    }
    assert read(given) == [
        Wanted(
            name=given["name"],
            cluster="blue",
            message_retention=60,
            kms_key="alias/queues",
            tags={"team": "platform", "1": "2"},
            rules=(WantedRule("spot", SPOT, "text"), WantedRule("._-" + "r" * 61, SPOT)),
        )
    ]


def test_defaults() -> None:
    assert read({}) == [Wanted("a", "blue", message_retention=300, kms_key="", rules=None)]
    assert read({"rules": []})[0].rules == ()


@pytest.mark.parametrize(
    "key",
    [
        KEY_ID,
        f"mrk-{'0a' * 16}",
        f"{KEY}:key/{KEY_ID}",
        "alias/queues",
        "alias/team/queues",
        f"{KEY}:alias/queues",
    ],
)
def test_forms_of_a_key(key: str) -> None:
    assert read({"kms_key": key})[0].kms_key == key


@pytest.mark.parametrize(
    ("queue", "message"),
    [
        ({"name": ""}, "'' is not a name of an SQS queue: 1 to 80"),
        ({"name": "a" * 81}, "is not a name of an SQS queue"),
        ({"name": "a.fifo"}, "'a.fifo' is not a name of an SQS queue.*FIFO queues"),
        ({"cluster": "blue!"}, "'blue!' is not an EKS cluster name"),
        ({"message_retention": 59}, "queue 'a', message_retention: 59 is not from 60 to 1209600 seconds"),
        ({"message_retention": 1_209_601}, "message_retention: 1209601 is not"),
        ({"kms_key": "queues"}, "queue 'a', kms_key: 'queues' is not a KMS key: give its ID, its ARN, or an alias"),
        ({"kms_key": "alias/aws/sqs"}, "alias/aws/sqs is a key that AWS manages.*leave kms_key out"),
        ({"kms_key": f"{KEY}:alias/aws/sqs"}, "is a key that AWS manages"),
        ({"kms_key": f"{KEY}:key/x"}, "is not a KMS key"),
        ({"kms_key": f"arn:aws:kms:eu-west-1:111122223333:key/{KEY_ID}"}, "is not a KMS key of eu-central-1"),
        ({"kms_key": f"arn:aws-cn:kms:eu-central-1:111122223333:key/{KEY_ID}"}, "is not a KMS key of eu-central-1"),
        ({"kms_key": "arn:aws:sqs:eu-central-1:111122223333:a"}, "is not a KMS key of eu-central-1"),
        ({"kms_key": "arn:aws:kms"}, "queue 'a', kms_key: 'arn:aws:kms' is not an ARN"),
        ({"tags": {"a": ""}}, "tags.a: it is empty, and SQS takes no tag without a value"),
        ({"tags": {"a": None}}, "tags.a: it is empty"),
        ({"tags": {"a": True}}, "tags.a: the value is True: quote it in YAML"),
        ({"tags": {"a": ["b"]}}, "tags.a: the value is"),
        ({"tags": {"aws:a": "b"}}, "tags.aws:a: aws: and ekspress.eks/ are reserved"),
        ({"tags": {"Ekspress.EKS/cluster": "b"}}, "are reserved"),
        ({"tags": {"a": "AWS:b"}}, "are reserved"),
        ({"tags": {"a" * 129: "b"}}, "a key has 1 to 128 characters"),
        ({"tags": {"a": "b#"}}, "it holds '#'"),
        ({"tags": {f"k{number}": "v" for number in range(50)}}, "tags: there are 50; with this module's own"),
        ({"rules": [rule("a b")]}, "queue 'a', rules: 'a b' is not a name of an EventBridge rule"),
        ({"rules": [rule("r" * 65)]}, "is not a name of an EventBridge rule"),
        ({"rules": [rule(), rule()]}, "queue 'a', rules: 'spot' is listed twice"),
        ({"rules": [{"name": "spot"}]}, "queue 'a', rules.spot.event_pattern: it is missing"),
        ({"rules": [rule(event_pattern={})]}, "rules.spot.event_pattern: the pattern is empty"),
        ({"rules": [rule(event_pattern={"source": "aws.ec2"})]}, "rules.spot.event_pattern: source is a str"),
        ({"rules": [rule(description="d" * 513)]}, "rules.spot.description: it has 513 characters"),
    ],
    ids=lambda value: str(value)[:60],
)
def test_what_aws_would_refuse_is_named(queue: dict[str, Any], message: str) -> None:
    with pytest.raises(EksError, match=message):
        read(queue)


def test_a_queue_to_be_removed_needs_the_names_of_its_rules_only() -> None:
    wanted = read({"state": "absent", "rules": [{"name": "spot"}]})[0]
    assert wanted.rule_names == {"spot"}


def test_each_queue_once_and_each_rule_for_one_queue() -> None:
    with pytest.raises(EksError, match="The SQS queue 'a' is listed twice"):
        read({}, {})
    with pytest.raises(EksError, match="rule 'spot' is listed for the queues 'a' and 'b'"):
        read({"rules": [rule()]}, {"name": "b", "rules": [rule()]})
    moved = read({"state": "absent", "rules": [rule()]}, {"name": "b", "rules": [rule()]})
    assert [queue.name for queue in moved] == ["a", "b"]
