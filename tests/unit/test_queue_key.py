# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Which key policies let EventBridge use a key."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.ekspress.eks.plugins.module_utils._queue_key import ACTIONS, STATEMENT, judge

KEY = "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
ROOT = {
    "Sid": "Enable IAM policies",
    "Effect": "Allow",
    "Principal": {"AWS": "arn:aws:iam::111122223333:root"},
    "Action": "kms:*",
    "Resource": "*",
}
GRANT = {key: value for key, value in STATEMENT.items() if key != "Sid"}
CONDITION = {"StringEquals": {"aws:SourceAccount": "111122223333"}}
ALL = list(ACTIONS)


def verdict(*statements: Any) -> tuple[list[str], list[str]]:
    return judge({"Version": "2012-10-17", "Statement": list(statements)}, KEY)


@pytest.mark.parametrize(
    "statement",
    [
        STATEMENT,
        {**GRANT, "Principal": {"Service": ["sns.amazonaws.com", "events.amazonaws.com"]}},
        {**GRANT, "Principal": "*"},
        {**GRANT, "Principal": {"AWS": "*"}},
        {**GRANT, "Action": "kms:*"},
        {**GRANT, "Action": "*"},
        {**GRANT, "Action": ["KMS:generatedatakey*", "kms:decryp?"]},
        {**GRANT, "Resource": KEY},
        {**GRANT, "Resource": ["arn:aws:kms:*:111122223333:key/*"]},
        {**GRANT, "Condition": {}},
    ],
    ids=str,
)
def test_policies_that_let_it(statement: dict[str, Any]) -> None:
    assert verdict(ROOT, statement) == ([], [])


@pytest.mark.parametrize(
    "statement",
    [
        ROOT,
        {**GRANT, "Principal": {"Service": "sqs.amazonaws.com"}},
        {**GRANT, "Principal": {"AWS": "arn:aws:iam::111122223333:root"}},
        {**GRANT, "Principal": {"Service": "*"}},
        {**GRANT, "Action": "kms:Encrypt"},
        {**GRANT, "Action": ["kms:[G]enerateDataKey", "kms:[D]ecrypt"]},
        {**GRANT, "Resource": KEY.replace("1234abcd", "9999abcd")},
        {**{key: value for key, value in GRANT.items() if key != "Action"}, "NotAction": "kms:Encrypt"},
        {**{key: value for key, value in GRANT.items() if key != "Principal"}, "NotPrincipal": {"AWS": "x"}},
        {key: value for key, value in GRANT.items() if key != "Resource"},
        "no statement",
    ],
    ids=str,
)
def test_policies_that_do_not(statement: Any) -> None:
    assert verdict(ROOT, statement) == (ALL, [])


def test_each_action_counts() -> None:
    assert verdict({**GRANT, "Action": "kms:GenerateDataKey"}) == (["kms:Decrypt"], [])
    halves = [{**GRANT, "Action": action} for action in ACTIONS]
    assert verdict(*halves) == ([], [])


def test_a_condition_leaves_it_open_unless_another_statement_has_none() -> None:
    assert verdict({**GRANT, "Condition": CONDITION}) == ([], ALL)
    assert verdict({**GRANT, "Condition": CONDITION}, GRANT) == ([], [])
    assert verdict({**GRANT, "Condition": CONDITION}, {**GRANT, "Action": "kms:Decrypt"}) == ([], [ALL[0]])


@pytest.mark.parametrize(
    ("denial", "missing"),
    [
        ({"Principal": "*", "Action": "kms:Decrypt"}, ["kms:Decrypt"]),
        ({"Principal": "*", "Action": "kms:ScheduleKeyDeletion"}, []),
        ({"Principal": "*", "NotAction": "kms:GenerateDataKey"}, ["kms:Decrypt"]),
        ({"NotPrincipal": {"AWS": "arn:aws:iam::111122223333:root"}, "Action": "kms:*"}, ALL),
        ({"NotPrincipal": {"Service": "events.amazonaws.com"}, "Action": "kms:*"}, []),
        ({"Principal": {"AWS": "arn:aws:iam::111122223333:user/x"}, "Action": "kms:*"}, []),
        ({"Principal": "*", "Action": "kms:*", "Condition": CONDITION}, []),
    ],
    ids=str,
)
def test_denials(denial: dict[str, Any], missing: list[str]) -> None:
    assert verdict(GRANT, {"Effect": "Deny", "Resource": "*", **denial}) == (missing, [])


def test_a_statement_alone_needs_no_list() -> None:
    assert judge({"Version": "2012-10-17", "Statement": STATEMENT}, KEY) == ([], [])
