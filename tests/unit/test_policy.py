# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Policies read, checked and measured."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.ekspress.eks.plugins.module_utils._errors import EksError
from ansible_collections.ekspress.eks.plugins.module_utils._policy import (
    parse,
    require_resources,
    size,
    to_json,
)


def with_statement(**elements: Any) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "a:B", "Resource": "*", **elements}]}


def test_white_space_does_not_count() -> None:
    assert size({"Version": "2012-10-17", "Statement": [{"Sid": "a b\tc"}]}) == len(
        '{"Version":"2012-10-17","Statement":[{"Sid":"ab\\tc"}]}'
    )
    assert to_json({"a": [1, 2]}) == '{"a":[1,2]}'


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ("{", "is not JSON"),
        ('{"Version": "2012-10-17", "Statement": [], "Statement": []}', "Statement is there twice in one object"),
        ('{"Version": NaN}', "NaN is no number of JSON"),
        ("[]", "is a list, not a policy document"),
        (None, "is empty, not a policy document"),
        ({"Statement": []}, 'no Version: add "Version": "2012-10-17"'),
        ({"Version": "2012-10-18", "Statement": [{}]}, "IAM knows 2012-10-17 and 2008-10-17"),
        ({"Version": "2012-10-17"}, "has no Statement"),
        ({"Version": "2012-10-17", "Statement": []}, "has no Statement"),
        ({"Version": "2012-10-17", "Statement": ["x"]}, "statement 1 is a str"),
        (with_statement(Effect="allow"), "Effect 'allow'; it must be Allow or Deny"),
        (with_statement(NotAction="b:C"), "both Action and NotAction"),
        (with_statement(NotResource="b"), "both Resource and NotResource"),
        (with_statement(Action=[]), "no Action and no NotAction"),
        (with_statement(Action=5), "has Action 5; it must be a string"),
        (with_statement(Action=["a:B", "b"]), "has Action 'b'; it must be SERVICE:ACTION"),
        (with_statement(Action="a:b:C"), "has Action 'a:b:C'; it must be SERVICE:ACTION"),
        (with_statement(Resource="bucket/*"), "has Resource 'bucket/*'; it must be an ARN"),
        (with_statement(Resource=[["b"]]), "has Resource [['b']]; it must be a string"),
        (with_statement(Actions="b"), "statement 1 has Actions; IAM knows Action, "),
        ({**with_statement(), "Statements": []}, "has Statements; IAM knows Id, Statement, Version there"),
        (with_statement(Condition="b"), "has Condition 'b'; it has the form"),
        (with_statement(Condition=None), "has Condition None; it has the form"),
        (with_statement(Condition={"StringEquals": "b"}), "has Condition StringEquals 'b'; it has the form"),
        (with_statement(Condition={"StringEquals": {"a": {"b": "c"}}}), "has Condition StringEquals {'a': {'b': 'c'}}"),
        (with_statement(Condition={"StringEquals": {"a": None}}), "has Condition StringEquals {'a': None}"),
    ],
)
def test_what_iam_must_refuse_is_refused_with_its_place(document: Any, said: str) -> None:
    with pytest.raises(EksError, match=r"^the policy") as error:
        parse(document, "the policy")
    assert said in error.value.message


@pytest.mark.parametrize(
    ("document", "said"),
    [
        (with_statement(Resource=None), "no Resource and no NotResource"),
        (with_statement(Principal="*"), "has a Principal"),
    ],
)
def test_a_roles_own_policy_has_resources_and_no_principal(document: Any, said: str) -> None:
    with pytest.raises(EksError) as error:
        require_resources(document, "the policy")
    assert said in error.value.message
