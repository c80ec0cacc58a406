# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Policies compared by meaning, against an oracle that evaluates requests, slowly and obviously."""

from __future__ import annotations

import fnmatch
import itertools
import json
from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.ekspress.eks.plugins.module_utils._errors import EksError
from ansible_collections.ekspress.eks.plugins.module_utils._policy import (
    meaning,
    parse,
    require_resources,
    same,
    size,
    to_json,
)
from hypothesis import given
from hypothesis import strategies as st

ACTIONS = ["s3:GetObject", "s3:ListBucket", "sts:AssumeRole", "s3:*", "*"]
RESOURCES = ["arn:aws:s3:::one/*", "arn:aws:s3:::two", "arn:aws:s3:::One/*", "*"]
PRINCIPALS: list[Any] = [
    "*",
    {"AWS": "*"},
    {"AWS": "111122223333"},
    {"AWS": ["arn:aws:iam::111122223333:root"]},
    {"AWS": ["arn:aws-cn:iam::444455556666:root", "AROAEXAMPLEEXAMPLE123"]},
    {"Service": "ec2.amazonaws.com"},
    {"Federated": "arn:aws:iam::111122223333:oidc-provider/example.com"},
]
CONDITION_VALUES: list[Any] = [True, "true", False, 3600, "3600", "a", "A"]
OPERATORS = ["StringEquals", "StringLike", "Bool"]
KEYS = ["aws:PrincipalTag/Team", "aws:SecureTransport", "s3:max-keys"]


def one_or_list(values: list[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(st.sampled_from(values), st.lists(st.sampled_from(values), min_size=1, max_size=3))


conditions = st.dictionaries(
    st.sampled_from(OPERATORS),
    st.dictionaries(st.sampled_from(KEYS), one_or_list(CONDITION_VALUES), min_size=1, max_size=2),
    min_size=1,
    max_size=2,
)


@st.composite
def statements(draw: st.DrawFn) -> dict[str, Any]:
    statement: dict[str, Any] = {"Effect": draw(st.sampled_from(["Allow", "Deny"]))}
    statement[draw(st.sampled_from(["Action", "NotAction"]))] = draw(one_or_list(ACTIONS))
    statement[draw(st.sampled_from(["Resource", "NotResource"]))] = draw(one_or_list(RESOURCES))
    if draw(st.booleans()):
        statement[draw(st.sampled_from(["Principal", "NotPrincipal"]))] = draw(st.sampled_from(PRINCIPALS))
    if draw(st.booleans()):
        statement["Condition"] = draw(conditions)
    if draw(st.booleans()):
        statement["Sid"] = draw(st.sampled_from(["One", "Two"]))
    return statement


@st.composite
def policies(draw: st.DrawFn) -> dict[str, Any]:
    return {
        "Version": draw(st.sampled_from(["2012-10-17", "2008-10-17"])),
        "Statement": draw(st.lists(statements(), min_size=1, max_size=3)),
    }


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _words(value: Any) -> list[str]:
    return [item if isinstance(item, str) else json.dumps(item) for item in _list(value)]


REQUESTS = [
    {"principal": principal, "action": action, "resource": resource, "context": context}
    for principal, action, resource, context in itertools.product(
        [
            ("AWS", "111122223333"),
            ("AWS", "444455556666"),
            ("AWS", "AROAEXAMPLEEXAMPLE123"),
            ("Service", "ec2.amazonaws.com"),
            ("Federated", "arn:aws:iam::111122223333:oidc-provider/example.com"),
        ],
        ["s3:getobject", "s3:listbucket", "sts:assumerole", "ec2:x"],
        ["arn:aws:s3:::one/key", "arn:aws:s3:::One/key", "arn:aws:s3:::two"],
        [
            dict(zip(KEYS, values, strict=True))
            for values in itertools.product(["true", "3600", "a"], ["A", "a"], ["false"])
        ],
    )
]


def applies(statement: dict[str, Any], request: dict[str, Any]) -> bool:
    """Whether a statement is about a request, by IAM's rules, one after the other."""

    def listed(name: str, matches: Callable[[Any], bool]) -> bool:
        if name in statement:
            return any(matches(item) for item in _list(statement[name]))
        if f"Not{name}" in statement:
            return not any(matches(item) for item in _list(statement[f"Not{name}"]))
        return True

    def principal_matches(value: Any) -> bool:
        kind, name = request["principal"]
        given_by_kind = {"AWS": ["*"]} if value == "*" else value
        for item in _list(given_by_kind.get(kind, [])):
            account = item.split(":")[4] if item.endswith(":root") else item
            if account in ("*", name):
                return True
        return False

    def condition_holds(operator: str, key: str, values: Any) -> bool:
        actual = request["context"][key]
        if operator == "StringLike":
            return any(fnmatch.fnmatchcase(actual, value) for value in _words(values))
        return any(actual == value for value in _words(values))

    return (
        listed("Action", lambda item: fnmatch.fnmatchcase(request["action"], item.lower()))
        and listed("Resource", lambda item: fnmatch.fnmatchcase(request["resource"], item))
        and listed("Principal", principal_matches)
        and all(
            condition_holds(operator, key, values)
            for operator, keys in statement.get("Condition", {}).items()
            for key, values in keys.items()
        )
    )


def decisions(policy: dict[str, Any]) -> list[str]:
    """What the policy says to each request of a small world."""
    answers = []
    for request in REQUESTS:
        effects = {statement["Effect"] for statement in policy["Statement"] if applies(statement, request)}
        answers.append("Deny" if "Deny" in effects else "Allow" if "Allow" in effects else "no")
    return answers


@given(policies(), policies())
def test_documents_called_the_same_decide_the_same(one: dict[str, Any], other: dict[str, Any]) -> None:
    if same(one, other):
        assert decisions(one) == decisions(other)


@given(policies(), st.data())
def test_a_small_difference_in_decisions_is_seen(policy: dict[str, Any], data: st.DataObject) -> None:
    changed = json.loads(json.dumps(policy))
    statement = data.draw(st.sampled_from(changed["Statement"]))
    replacement = data.draw(statements())
    key = data.draw(st.sampled_from(sorted(replacement)))
    statement[key] = replacement[key]
    for pair in (("Action", "NotAction"), ("Resource", "NotResource"), ("Principal", "NotPrincipal")):
        if key in pair:
            statement.pop(pair[1 - pair.index(key)], None)
    if decisions(policy) != decisions(changed):
        assert not same(policy, changed)


@st.composite
def rewritten(draw: st.DrawFn, policy: dict[str, Any]) -> Any:
    """The same policy in another form."""

    def reordered(value: Any) -> Any:
        items = _list(value)
        items = draw(st.permutations([*items, draw(st.sampled_from(items))]))
        return items[0] if len(set(map(json.dumps, items))) == 1 and draw(st.booleans()) else items

    def statement(old: dict[str, Any]) -> dict[str, Any]:
        new = {key: old[key] for key in draw(st.permutations(sorted(old))) if key != "Sid"}
        for key in ("Action", "NotAction"):
            if key in new:
                new[key] = reordered([item.upper() if draw(st.booleans()) else item for item in _list(new[key])])
        for key in ("Resource", "NotResource"):
            if key in new:
                new[key] = reordered(new[key])
        for key in ("Principal", "NotPrincipal"):
            if isinstance(new.get(key), dict):
                new[key] = {kind: reordered(items) for kind, items in new[key].items()}
        if "Condition" in new:
            new["Condition"] = {
                operator: {
                    (key.upper() if draw(st.booleans()) else key): reordered(
                        _words(values) if draw(st.booleans()) else values
                    )
                    for key, values in keys.items()
                }
                for operator, keys in new["Condition"].items()
            }
        return new

    made = [statement(old) for old in policy["Statement"]]
    made = draw(st.permutations([*made, draw(st.sampled_from(made))]))
    document = {"Statement": made[0] if len(made) == 1 else made, "Version": policy["Version"], "Id": "other"}
    return json.dumps(document, indent=2) if draw(st.booleans()) else document


@given(st.data())
def test_another_form_is_the_same(data: st.DataObject) -> None:
    policy = data.draw(policies())
    other = data.draw(rewritten(policy))
    assert same(policy, other)
    assert hash(meaning(policy)) == hash(meaning(other))


def with_statement(**elements: Any) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "a:B", "Resource": "*", **elements}]}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"Principal": {"AWS": "111122223333"}}, {"Principal": {"AWS": "arn:aws-us-gov:iam::111122223333:root"}}),
        ({"Principal": "*"}, {"Principal": {"AWS": ["*"]}}),
        (
            {"Condition": {"Bool": {"aws:SecureTransport": True}}},
            {"Condition": {"Bool": {"aws:securetransport": "true"}}},
        ),
        (
            {"Condition": {"NumericEquals": {"s3:max-keys": 10}}},
            {"Condition": {"NumericEquals": {"s3:max-keys": ["10"]}}},
        ),
        ({"Sid": "A"}, {"Sid": "B"}),
        ({"Action": ["A:b", "a:B"]}, {"Action": "a:b"}),
    ],
)
def test_one_meaning(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert same(with_statement(**one), with_statement(**other))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"Principal": {"AWS": "AROAEXAMPLE"}}, {"Principal": {"AWS": "arn:aws:iam::111122223333:role/x"}}),
        ({"Principal": {"AWS": "111122223333"}}, {"Principal": {"AWS": "arn:aws:iam::111122223333:user/root"}}),
        ({"Principal": {"AWS": "111122223333"}}, {"NotPrincipal": {"AWS": "111122223333"}}),
        ({"Principal": {"Federated": "x"}}, {"Principal": {"AWS": "x"}}),
        ({"Principal": {"AWS": "x"}}, {}),
        ({"Principal": {"Federated": "X"}}, {"Principal": {"Federated": "x"}}),
        ({"Resource": "arn:aws:s3:::A"}, {"Resource": "arn:aws:s3:::a"}),
        ({"Effect": "Deny"}, {"Effect": "Allow"}),
        ({"Condition": {"StringEquals": {"k": "A"}}}, {"Condition": {"StringEquals": {"k": "a"}}}),
        ({"Condition": {"StringEquals": {"k": "a"}}}, {"Condition": {"StringLike": {"k": "a"}}}),
        ({"Condition": {"StringEquals": {"k": []}}}, {}),
        ({"Condition": {"StringEquals": {"k": "1", "K": "2"}}}, {"Condition": {"StringEquals": {"k": ["1", "2"]}}}),
    ],
)
def test_two_meanings(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert not same(with_statement(**one), with_statement(**other))


def test_a_document_without_version_is_of_the_old_one() -> None:
    document = with_statement()
    without = {"Statement": document["Statement"]}
    assert same(without, {**document, "Version": "2008-10-17"})
    assert not same(without, document)
    assert not same(None, document)
    assert same(None, None)


def test_white_space_does_not_count() -> None:
    assert size({"Version": "2012-10-17", "Statement": [{"Sid": "a b\tc"}]}) == len(
        '{"Version":"2012-10-17","Statement":[{"Sid":"ab\\tc"}]}'
    )
    assert to_json({"a": [1, 2]}) == '{"a":[1,2]}'


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ("{", "is not JSON"),
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
