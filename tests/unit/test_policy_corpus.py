# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Policies in the shapes that tools and IAM write: the same in every form, and told from those that nearly are."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.ekspress.eks.plugins.module_utils._policy_meaning import same

from tests.unit.policy_requests import difference

FOLDER = Path(__file__).resolve().parent / "policies"
UPSTREAM = Path(__file__).resolve().parents[3] / "shared" / "upstream"


def cases(key: str) -> list[Any]:
    """Each case with the documents it has under a key."""
    found = []
    for path in sorted(FOLDER.glob("*.yml")):
        for case in yaml.safe_load(path.read_text(encoding="utf-8")):
            policy, others = whole(case.get("policy"), case), [whole(item, case) for item in case.get(key, [])]
            found += [pytest.param(policy, others, id=f"{path.stem}: {case['name']}")] if others else []
    return found


def whole(item: Any, case: dict[str, Any]) -> Any:
    """A case may give conditions only."""
    if "condition" not in case:
        return item
    condition = case["condition"] if item is None else item
    statement = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*", "Condition": condition}
    return {"Version": "2012-10-17", "Statement": [statement]}


def read(document: Any) -> Any:
    return json.loads(document) if isinstance(document, str) else document


@pytest.mark.parametrize(("policy", "others"), cases("same"))
def test_every_form_of_a_policy_is_the_same(policy: Any, others: list[Any]) -> None:
    for one, other in itertools.permutations([policy, *others], 2):
        assert same(one, other), (one, other)
        assert same(json.dumps(read(one), indent=1), other), (one, other)
    for other in others:
        assert difference(read(policy), read(other)) is None, other


@pytest.mark.parametrize(("policy", "others"), cases("different"))
def test_what_some_request_tells_apart_differs(policy: Any, others: list[Any]) -> None:
    for other in others:
        assert not same(policy, other), other
        assert not same(other, policy), other
        assert difference(read(policy), read(other)) is not None, other


@pytest.mark.parametrize(("policy", "others"), cases("in_doubt"))
def test_what_is_in_doubt_differs(policy: Any, others: list[Any]) -> None:
    for other in others:
        assert not same(policy, other), other
        assert not same(other, policy), other


def test_no_policy_of_one_case_is_that_of_another() -> None:
    policies = [parameters.values[0] for parameters in cases("same")]
    assert [(one, other) for one, other in itertools.combinations(policies, 2) if same(one, other)] == []


def test_upstreams_documents_are_told_apart_where_they_are_at_hand() -> None:
    documents = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(UPSTREAM.glob("*/iam/*policy*.json"))]
    for document in documents:
        assert same(turned(document), document)
    for one, other in itertools.combinations(documents, 2):
        assert same(one, other) == (one == other)


def turned(value: Any) -> Any:
    """All lists and dictionaries from the end to the beginning, lists of one value without the list."""
    if isinstance(value, dict):
        return {name: turned(value[name]) for name in reversed(value)}
    if isinstance(value, list):
        return turned(value[0]) if len(value) == 1 else [turned(item) for item in reversed(value)]
    return value


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"Action": [None]}, {"Action": ["null"]}),
        ({"Action": "a:\u212a"}, {"Action": "a:k"}),
        ({"Resource": 5}, {"Resource": "5"}),
        ({"Principal": {"AWS": 111122223333}}, {"Principal": {"AWS": "111122223333"}}),
        ({"Principal": "x"}, {"Principal": {"AWS": "x"}}),
        ({"Condition": {"StringEquals": {"k": None}}}, {"Condition": {"StringEquals": {"k": "null"}}}),
        ({"Condition": {"StringEquals": {"k": {"a": 1}}}}, {"Condition": {"StringEquals": {"k": '{"a": 1}'}}}),
        ({"Condition": {"stringEquals": {"k": "a"}}}, {"Condition": {"StringEquals": {"k": "a"}}}),
        ({"Condition": "x"}, {}),
        ({"Condition": None}, {}),
        ({"Effect": "allow"}, {}),
        ({"Extra": "x"}, {}),
    ],
)
def test_documents_that_iam_must_refuse_are_the_same_as_none_that_it_takes(one: Any, other: Any) -> None:
    statement = {"Effect": "Allow", "Action": "a:B", "Resource": "*"}
    bad, good = ({"Version": "2012-10-17", "Statement": [{**statement, **elements}]} for elements in (one, other))
    assert same(bad, bad)
    assert not same(bad, good)
    assert not same(good, bad)


def test_what_is_no_policy_at_all_is_compared_too() -> None:
    assert same(None, None)
    assert not same(None, {})
    assert not same({"Statement": []}, {})
    assert not same({"Statement": ["x"]}, {"Statement": ["y"]})
    assert same("[]", [])
    assert not same({"Statement": [], "Statements": []}, {"Statement": []})
