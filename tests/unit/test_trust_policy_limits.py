# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What IAM would refuse is known before it is written."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.ekspress.eks.plugins.module_utils._trust_policy_limits import (
    dead_principals,
    obstacle,
    refused_principal,
)
from ansible_collections.ekspress.eks.plugins.module_utils._trust_policy_plan import Issuer, merge, subject, without

ACCOUNT = "111122223333"
BLUE = Issuer.of("https://oidc.eks.eu-central-1.amazonaws.com/id/B1", "aws", ACCOUNT)
ROLE_ID, USER_ID = "AROAEXAMPLE1234567890", "AIDAEXAMPLE1234567890"
ROLE_ARN = f"arn:aws:iam::{ACCOUNT}:role/gone"


def trusting(principal: Any, element: str = "Principal", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", element: principal, "Action": "sts:AssumeRole", **more}


def policy(*statements: Any) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        (trusting({"AWS": ROLE_ID}, Sid="Old"), ["statement 'Old' trusts AROAEXAMPLE1234567890"]),
        (trusting({"AWS": [f"arn:aws:iam::{ACCOUNT}:root", USER_ID]}), ["statement number 2 trusts AIDA"]),
        (trusting({"AWS": [ROLE_ID, USER_ID]}), ["trusts AROA", "trusts AIDA"]),
        (trusting({"AWS": ROLE_ID}, "NotPrincipal", Effect="Deny"), ["statement number 2 trusts AROA"]),
        (trusting({"AWS": f"{ROLE_ID}:session"}), [f"trusts {ROLE_ID}:session"]),
    ],
    ids=["sid", "position", "two", "not-principal", "session"],
)
def test_a_dead_principal_is_named_before_anything_is_written(statement: dict[str, Any], words: list[str]) -> None:
    document = policy(trusting({"Service": "ec2.amazonaws.com"}), statement)
    said = obstacle(merge(document, [BLUE], [subject("app:app")]), 2048, "max_length")
    for text in [*words, "deleted", "run again"]:
        assert text in said
    assert obstacle(merge(document, [BLUE], []), 2048, "max_length") == "", "nothing is written"


@pytest.mark.parametrize(
    "principal",
    ["*", {"AWS": "*"}, {"AWS": ACCOUNT}, {"AWS": ROLE_ARN}, {"Service": "ec2.amazonaws.com"}, {"AWS": "ALICE"}],
    ids=["star", "aws-star", "account", "arn", "service", "word"],
)
def test_the_living_are_not_taken_for_dead(principal: Any) -> None:
    assert dead_principals(policy(trusting(principal))) == ""


def test_who_iam_refuses_is_named() -> None:
    document = policy(trusting({"AWS": ROLE_ARN}, Sid="Old"), trusting({"AWS": [ROLE_ARN]}))
    for message in (
        f'Invalid principal in policy: "AWS":"{ROLE_ARN}"',
        f"Invalid principal in policy: {ROLE_ARN}",
        f'invalid principal in policy: "{ROLE_ARN}"',
    ):
        said = refused_principal(document, message)
        assert f"The principal {ROLE_ARN} is in statement 'Old' and statement number 2" in said
    assert refused_principal(document, "Syntax errors in policy.") == ""
    assert refused_principal(document, 'Invalid principal in policy: "AWS":"else"') == ""


def test_nobody_left_says_what_to_do() -> None:
    document = merge(None, [BLUE], [subject("app:app")]).after
    assert "state: absent" in obstacle(without(document, [BLUE]), 2048, "max_length")
