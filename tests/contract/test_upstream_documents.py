# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The comparison with upstream's documents sees what is more, what is less and what is explained for nothing."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from tests.contract.check_values import load_facts
from tests.contract.upstream_documents import (
    actions_beyond,
    actions_missing,
    granted_actions,
    pattern_differences,
    upstream_actions,
)

FACTS: dict[str, Any] = {
    "chart": "x",
    "version": "1",
    "iam": [
        {
            "document": "iam_policy",
            "partitions": [],
            "statements": [
                {"effect": "Allow", "actions": ["sqs:DeleteMessage", "sqs:ReceiveMessage"], "resources": ["*"]},
                {"effect": "Allow", "actions": ["ec2:DescribeInstances"], "resources": ["*"]},
            ],
        }
    ],
    "event_patterns": {
        "Spot": {"source": ["aws.ec2"], "detail-type": ["Interruption", "Warning"]},
        "Health": {"source": ["aws.health"], "detail": {"service": ["EC2"]}},
    },
}
ALL = ["ec2:DescribeInstances", "sqs:DeleteMessage", "sqs:ReceiveMessage"]


def allow(*actions: str, **elements: Any) -> dict[str, Any]:
    return {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": [*actions], "Resource": "*", **elements}],
    }


@pytest.mark.parametrize(
    ("policy", "explained", "said"),
    [
        (allow(*ALL), {}, []),
        (allow("SQS:deletemessage"), {}, []),
        (allow(*ALL, "sqs:GetQueueUrl"), {}, ["sqs:GetQueueUrl is not in upstream's iam_policy"]),
        (allow(*ALL, "sqs:GetQueueUrl"), {"sqs:GetQueueUrl": "it asks for the URL"}, []),
        (allow("sqs:*"), {}, ["sqs:* is not in upstream's iam_policy"]),
        ({"Statement": {"Effect": "Allow", "Action": "sqs:*"}}, {}, ["sqs:* is not in upstream's iam_policy"]),
        (allow("sqs:*", Effect="Deny"), {}, []),
        (allow(*ALL), {"a:B": "c"}, ["a:B is explained, but is not granted beyond upstream's iam_policy"]),
        (
            allow(*ALL),
            {ALL[0]: "c"},
            ["ec2:DescribeInstances is explained, but is not granted beyond upstream's iam_policy"],
        ),
        (allow("a:B"), {"a:B": " "}, ["a:B is explained by nothing"]),
    ],
)
def test_what_is_granted_beyond_upstream_needs_a_reason(
    policy: dict[str, Any], explained: dict[str, str], said: list[str]
) -> None:
    assert actions_beyond(policy, FACTS, "iam_policy", explained) == said


@pytest.mark.parametrize(
    ("policy", "unneeded", "said"),
    [
        (allow(*ALL), {}, []),
        (allow("EC2:describe*", "sqs:*"), {}, []),
        (allow(*ALL[1:]), {}, ["ec2:DescribeInstances of upstream's iam_policy is not granted"]),
        (allow(*ALL[1:]), {ALL[0]: "it asks Kubernetes"}, []),
        (allow(*ALL, Effect="Deny"), {}, [f"{action} of upstream's iam_policy is not granted" for action in ALL]),
        (allow(*ALL), {ALL[0]: "a"}, [f"{ALL[0]} is explained, but is granted, or not in upstream's iam_policy"]),
        (allow(*ALL[1:]), {ALL[0]: ""}, ["ec2:DescribeInstances is explained by nothing"]),
    ],
)
def test_what_upstream_needs_is_granted_or_explained(
    policy: dict[str, Any], unneeded: dict[str, str], said: list[str]
) -> None:
    assert actions_missing(policy, FACTS, "iam_policy", unneeded) == said


def test_a_document_that_is_not_there_is_told_with_those_that_are() -> None:
    with pytest.raises(LookupError, match="x 1 has no IAM document policy; it has: iam_policy"):
        upstream_actions(FACTS, "policy")
    with pytest.raises(LookupError, match="it has: none"):
        actions_missing(allow(*ALL), {"chart": "x", "version": "1"}, "iam_policy")


def test_a_statement_that_allows_all_but_some_actions_is_refused() -> None:
    with pytest.raises(ValueError, match="all but some"):
        granted_actions({"Statement": [{"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}]})


def test_event_patterns_are_upstreams_whatever_their_order() -> None:
    ours: list[dict[str, Any]] = [
        {"detail": {"service": ["EC2"]}, "source": ["aws.health"]},
        {"detail-type": ["Warning", "Interruption"], "source": ["aws.ec2"]},
    ]
    assert pattern_differences(ours, FACTS) == []
    wrong = copy.deepcopy(ours)
    wrong[0]["detail"] = {"service": ["EC2", "RDS"]}
    assert pattern_differences(wrong, FACTS) == [
        'beyond upstream: {"detail": {"service": ["EC2", "RDS"]}, "source": ["aws.health"]}',
        'missing: Health {"detail": {"service": ["EC2"]}, "source": ["aws.health"]}',
    ]
    assert [said.split(" ")[1] for said in pattern_differences(ours[1:], FACTS)] == ["Health"]


def test_the_facts_of_the_node_add_ons_have_their_documents() -> None:
    handler = load_facts("aws-node-termination-handler", "0.27.6")
    autoscaler = load_facts("cluster-autoscaler", "9.59.0")
    assert "autoscaling:CompleteLifecycleAction" in upstream_actions(handler, "iam_policy")
    assert upstream_actions(handler, "sqs_queue_policy") == ["sqs:SendMessage"]
    assert "autoscaling:SetDesiredCapacity" in upstream_actions(autoscaler, "iam_policy_full_features")
    assert set(upstream_actions(autoscaler, "iam_policy_minimal")) < set(
        upstream_actions(autoscaler, "iam_policy_full_features")
    )
    assert len(handler["event_patterns"]) == 5
    assert pattern_differences(handler["event_patterns"].values(), handler) == []
