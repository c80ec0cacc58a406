# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A queue's policy: our statements among those of others."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from ansible_collections.ekspress.eks.plugins.module_utils._policy import parse
from ansible_collections.ekspress.eks.plugins.module_utils._queue_policy import (
    SECURE,
    SEND,
    SIDS,
    allowed,
    merged,
    obstacle,
    same,
)
from hypothesis import given
from hypothesis import strategies as st

ACCOUNT = "111122223333"
QUEUE = f"arn:aws:sqs:eu-central-1:{ACCOUNT}:interruptions"
RULES = [f"arn:aws:events:eu-central-1:{ACCOUNT}:rule/rule-{number}" for number in range(3)]
ANALYSTS = {
    "Sid": "Analysts",
    "Effect": "Allow",
    "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:role/analysts"},
    "Action": ["SQS:ReceiveMessage"],
    "Resource": QUEUE,
}
NO_SID = {**{key: value for key, value in ANALYSTS.items() if key != "Sid"}, "Action": "sqs:GetQueueAttributes"}

rules = st.lists(st.sampled_from(RULES), unique=True)
documents = st.none() | st.builds(
    lambda version, foreign, ours: {
        "Version": version,
        "Id": "theirs",
        "Statement": [*foreign, *merged(None, QUEUE, ACCOUNT, ours)["Statement"]],
    },
    st.sampled_from(["2008-10-17", "2012-10-17"]),
    st.lists(st.sampled_from([ANALYSTS, NO_SID]), max_size=2),
    rules,
)


def foreign(document: dict[str, Any] | None) -> list[Any]:
    return [item for item in (document or {}).get("Statement", []) if item.get("Sid") not in SIDS]


def test_a_new_policy_lets_the_rules_send_and_nobody_without_tls() -> None:
    assert merged(None, QUEUE, ACCOUNT, reversed(RULES[:2])) == {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": SEND,
                "Effect": "Allow",
                "Principal": {"Service": "events.amazonaws.com"},
                "Action": "sqs:SendMessage",
                "Resource": QUEUE,
                "Condition": {
                    "ArnEquals": {"aws:SourceArn": RULES[:2]},
                    "StringEquals": {"aws:SourceAccount": ACCOUNT},
                },
            },
            {
                "Sid": SECURE,
                "Effect": "Deny",
                "Principal": "*",
                "Action": "sqs:*",
                "Resource": QUEUE,
                "Condition": {"Bool": {"aws:SecureTransport": "false"}},
            },
        ],
    }


def test_without_rules_nobody_may_send() -> None:
    assert [item["Sid"] for item in merged(None, QUEUE, ACCOUNT, [])["Statement"]] == [SECURE]


@given(documents, rules)
def test_merging_keeps_the_statements_of_others_and_is_done_once(document: Any, arns: list[str]) -> None:
    before = copy.deepcopy(document)
    made = merged(document, QUEUE, ACCOUNT, arns)
    assert document == before
    assert json.dumps(foreign(made)) == json.dumps(foreign(document))
    assert allowed(made) == set(arns)
    assert same(merged(made, QUEUE, ACCOUNT, arns), made)
    parse(made, "policy")
    if document:
        assert (made["Version"], made["Id"]) == (document["Version"], document["Id"])
        assert same(document, made) == (allowed(document) == set(arns))


def test_a_statement_alone_needs_no_list() -> None:
    made = merged({"Version": "2012-10-17", "Statement": ANALYSTS}, QUEUE, ACCOUNT, RULES)
    assert made["Statement"][0] == ANALYSTS


@pytest.mark.parametrize(
    ("key", "values", "found"),
    [
        ("aws:SourceArn", RULES[0], RULES[:1]),
        ("AWS:sourcearn", RULES[:2], RULES[:2]),
        ("aws:SourceAccount", RULES[0], []),
    ],
)
def test_rules_are_found_in_any_spelling(key: str, values: Any, found: list[str]) -> None:
    statement = {**ANALYSTS, "Sid": SEND, "Condition": {"ArnLike": {key: values}}}
    assert allowed({"Version": "2012-10-17", "Statement": [statement, ANALYSTS]}) == set(found)


@pytest.mark.parametrize("condition", [None, "text", {"ArnLike": "text"}, {"ArnLike": {"aws:SourceArn": 1}}], ids=str)
def test_a_condition_of_another_form_names_no_rule(condition: Any) -> None:
    assert allowed({"Statement": [{**ANALYSTS, "Sid": SEND, "Condition": condition}]}) == set()
    assert allowed(None) == set()


def test_a_policy_in_another_form_is_the_same() -> None:
    made = merged({"Version": "2012-10-17", "Statement": [ANALYSTS]}, QUEUE, ACCOUNT, RULES)
    other = copy.deepcopy(made)
    other["Statement"].reverse()
    other["Statement"][1]["Action"] = ["SQS:SendMessage"]
    other["Statement"][1]["Condition"]["ArnEquals"]["aws:SourceArn"].reverse()
    assert same(made, other)
    other["Statement"][1]["Condition"]["StringEquals"]["aws:SourceAccount"] = "222233334444"
    assert not same(made, other)


@pytest.mark.parametrize(
    ("statements", "problem"),
    [
        ([{**NO_SID, "Sid": f"S{number}"} for number in range(19)], "21 statements, and SQS takes 20"),
        ([{**ANALYSTS, "Sid": "S" * 8192}], "bytes, and SQS takes 8192"),
        (
            [{**ANALYSTS, "Condition": {"StringEquals": {f"aws:PrincipalTag/{number}": "x" for number in range(8)}}}],
            "11 conditions, and SQS takes 10",
        ),
    ],
)
def test_what_sqs_does_not_take_is_told_before(statements: list[dict[str, Any]], problem: str) -> None:
    most = {"Version": "2012-10-17", "Statement": statements}
    found = obstacle(merged(most, QUEUE, ACCOUNT, RULES))
    assert problem in found
    assert f"It has {len(statements)} statements of others" in found
    assert obstacle(merged(None, QUEUE, ACCOUNT, RULES)) == ""
