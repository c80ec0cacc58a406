# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Values of charts: merged, compared, shown, written."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import Any

import pytest
from ansible.module_utils.common.yaml import yaml_load
from ansible_collections.ekspress.eks.plugins.module_utils._errors import EksError
from ansible_collections.ekspress.eks.plugins.module_utils._helm_options import shown
from ansible_collections.ekspress.eks.plugins.module_utils._helm_values import (
    HIDDEN,
    SECRET_KEY,
    censored,
    changed_values,
    check,
    merged,
    placed,
    same,
    secrets,
    value_at,
    written,
)
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.unit.helm_drawn import JSON, VALUES


@given(JSON)
def test_a_value_is_the_same_as_itself(value: Any) -> None:
    assert same(value, json.loads(json.dumps(value)))


@pytest.mark.parametrize(
    ("left", "right"), [(True, 1), (False, 0), ("1", 1), (None, False), ([1, 2], [2, 1]), ({}, [])]
)
def test_values_of_different_meaning_differ(left: Any, right: Any) -> None:
    assert not same(left, right)


def test_floats_of_whole_numbers_are_these_numbers() -> None:
    assert same({"a": [1.0]}, {"a": [1]})


def test_a_diff_hides_what_looks_secret_and_shows_the_rest() -> None:
    before, after = changed_values(
        {"db": {"password": "old-one", "host": "a"}, "apiKey": "k1"}, {"db": {"password": "new-one", "host": "b"}}
    )
    assert before == {"values.apiKey": HIDDEN, "values.db.host": "a", "values.db.password": HIDDEN}
    assert after == {"values.db.host": "b", "values.db.password": HIDDEN}


def test_switches_are_shown_whatever_their_name() -> None:
    assert changed_values({}, {"keepTLSSecret": True})[1] == {"values.keepTLSSecret": True}


def test_secrets_for_messages_are_texts_of_some_length() -> None:
    assert secrets({"auth": {"token": "s3cr3t-text", "enabled": True}, "key": "abc", "name": "web"}) == {"s3cr3t-text"}
    assert secrets({"password": 12345678, "pin": {"token": 1.25}, "port": 8080}) == {"12345678", "1.25"}


IN_LISTS: dict[str, Any] = {
    "users": [{"name": "a", "password": "hidden-one"}],
    "env": [{"name": "DB_PASSWORD", "value": "hidden-two"}, {"name": "MODE", "value": "shown-mode"}],
    "tokens": [["hidden-three"], {"a": "hidden-four"}],
    "set": {"name": "api_key", "value": "hidden-five"},
}


def test_secrets_within_lists_are_hidden() -> None:
    for text in (str(censored(IN_LISTS)), str(changed_values({}, IN_LISTS))):
        assert "hidden-" not in text
        assert "shown-mode" in text
    assert secrets(IN_LISTS) == {f"hidden-{number}" for number in ("one", "two", "three", "four", "five")}


def words(value: Any) -> Iterator[str]:
    """Every key and text within a value."""
    if isinstance(value, dict):
        yield from value
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from words(item)
    if isinstance(value, str):
        yield value


@given(VALUES)
def test_values_without_secret_names_are_shown_as_they_are(values: dict[str, Any]) -> None:
    assume(not any(SECRET_KEY.search(word) for word in words(values)))
    assert same(censored({"a": values}), {"a": values})


def test_an_invocation_shows_no_secret_and_survives_what_is_not_valid() -> None:
    entry: dict[str, Any] = {"name": "web", "values": {"auth": {"password": "x"}, "replicas": 2}}
    params: dict[str, Any] = {"cluster": "blue", "releases": [entry, {"name": "a", "values": "text"}, "b"]}
    hidden = {"name": "web", "values": {"auth": HIDDEN, "replicas": 2}}
    assert shown(params) == {"cluster": "blue", "releases": [hidden, *params["releases"][1:]]}
    assert shown({"releases": "a"}) == {"releases": "a"}
    assert entry["values"]["auth"]["password"] == "x"


@pytest.mark.parametrize("number", [2**53 + 1, 12345678901234567890, 10**400, math.inf, math.nan])
def test_numbers_that_helm_would_not_keep_are_refused(number: float) -> None:
    with pytest.raises(EksError, match=r"Release 'web': Helm cannot keep the number .* of the value a\.b\[0\]\.c"):
        check({"a": {"b": [{"c": number}]}}, "Release 'web'")
    with pytest.raises(EksError, match=r"Write it as a string in the variable web_values\.$"):
        check({"a": number}, "Release 'web'", "web_values")


def test_numbers_that_helm_keeps_are_taken() -> None:
    check({"account": 123456789012, "most": 2**53, "power": 2**60, "part": 0.1, "switch": True}, "Release 'web'")


@given(st.dictionaries(st.text(st.characters(codec="utf-8"), max_size=3), st.text(st.characters(codec="utf-8"))))
def test_what_helm_reads_as_yaml_is_what_was_given(values: dict[str, Any]) -> None:
    assert yaml_load(written(values)) == values
    assert written(values).isascii()


@given(VALUES, VALUES, st.lists(VALUES, max_size=2))
def test_merging_keeps_what_nobody_says_otherwise(one: Any, other: Any, more: list[Any]) -> None:
    assert merged(one) == one
    assert merged(one, one) == one
    assert merged(one, {}) == merged({}, one) == one
    assert merged(merged(one, other), *more) == merged(one, other, *more)
    assert {**merged(one, other), **other}.keys() == one.keys() | other.keys()


@given(VALUES, st.lists(st.text(max_size=3), min_size=1, max_size=3), JSON)
def test_what_is_placed_is_found_there_and_all_else_stays(values: Any, path: list[str], value: Any) -> None:
    before = json.dumps(values)
    try:
        made = placed(values, path, value)
    except TypeError:
        # Something is in the way, which is no map and not empty.
        assert any(not isinstance(found, dict) and found for found in _on_the_way(values, path))
        return
    assert json.dumps(values) == before
    assert value_at(made, path, "missing") is value
    assert {key: item for key, item in made.items() if key != path[0]} == {
        key: item for key, item in values.items() if key != path[0]
    }


def _on_the_way(values: Any, path: list[str]) -> Iterator[Any]:
    for end in range(1, len(path)):
        yield value_at(values, path[:end])


def test_what_is_not_there_is_missing_and_null_is_there() -> None:
    values = {"a": {"b": None, "c": "text"}}
    assert value_at(values, ["a", "b"], "missing") is None
    assert value_at(values, ["a", "c", "d"], "missing") == "missing"
    assert value_at(values, ["b"]) is None
