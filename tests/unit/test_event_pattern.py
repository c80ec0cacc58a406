# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Event patterns: what is never valid, and which are the same."""

from __future__ import annotations

import copy
import json
import re
from random import Random
from typing import Any

import pytest
from ansible_collections.ekspress.eks.plugins.module_utils._event_pattern import LENGTH, fault, read, same, to_json
from hypothesis import given
from hypothesis import strategies as st

SPOT = {"source": ["aws.ec2"], "detail-type": ["EC2 Spot Instance Interruption Warning"]}

scalars = st.none() | st.booleans() | st.integers(0, 2) | st.sampled_from(["a", "b", "ä"])
operators = st.sampled_from(
    [{"prefix": "a"}, {"exists": True}, {"numeric": [">", 0, "<", 5]}, {"anything-but": ["a", "b"]}]
)
values = st.lists(scalars | operators, min_size=1, max_size=3)
names = st.sampled_from(["source", "detail-type", "x"])
patterns = st.recursive(
    st.dictionaries(names, values, min_size=1, max_size=3),
    lambda inner: (
        st.dictionaries(names, values | inner, min_size=1, max_size=3)
        | st.builds(lambda one, other: {"$or": [one, other]}, inner, inner)
    ),
    max_leaves=4,
)


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        (None, "the pattern is empty, not a dictionary"),
        (["aws.ec2"], "the pattern is a list"),
        ({}, "the pattern is empty; a pattern names at least one field"),
        ({"source": "aws.ec2"}, "source is a str; it must be a list of values"),
        ({"source": None}, "source is empty; it must be a list"),
        ({"source": []}, "source is an empty list, which matches nothing"),
        ({"detail": {}}, "detail is empty"),
        ({"detail": {"service": {"name": "EC2"}}}, "detail.service.name is a str"),
        ({"source": [["aws.ec2"]]}, "source holds a list"),
        ({"$or": [SPOT, {"source": []}]}, r"\$or\[1\].source is an empty list"),
        ({"$or": ["aws.ec2"]}, r"\$or\[0\] is a str"),
        ({"source": ["x" * LENGTH]}, "it has 4111 characters as JSON, and EventBridge takes 4096 at most"),
    ],
)
def test_what_is_never_valid_is_named(pattern: Any, reason: str) -> None:
    assert re.search(reason, fault(pattern)), fault(pattern)


@given(patterns)
def test_valid_patterns_have_no_fault_and_are_the_same_as_what_is_sent(pattern: dict[str, Any]) -> None:
    assert fault(pattern) == ""
    assert same(pattern, json.loads(to_json(pattern)))
    assert read(to_json(pattern)) == pattern


@given(patterns, st.integers(0, 1000))
def test_order_and_repetition_do_not_count(pattern: dict[str, Any], seed: int) -> None:
    assert same(pattern, shuffled(pattern, Random(seed)))


def shuffled(pattern: dict[str, Any], random: Random) -> dict[str, Any]:
    """The pattern with its fields, values and alternatives in another order, and some of the latter twice."""
    items = [(name, rearranged(name, value, random)) for name, value in pattern.items()]
    random.shuffle(items)
    return dict(items)


def rearranged(name: str, value: Any, random: Random) -> Any:
    if isinstance(value, dict):
        return shuffled(value, random)
    many = [shuffled(item, random) if name == "$or" else copy.deepcopy(item) for item in value]
    many.append(random.choice(many))
    random.shuffle(many)
    return many


@pytest.mark.parametrize(
    "other",
    [
        {**SPOT, "source": ["aws.EC2"]},
        {**SPOT, "source": ["aws.ec2", "aws.health"]},
        {**SPOT, "detail": {"instance-action": ["terminate"]}},
        {"source": ["aws.ec2"]},
        {**SPOT, "source": {"x": ["aws.ec2"]}},
        {**SPOT, "source": [{"prefix": "aws.ec2"}]},
        "not a pattern",
        None,
    ],
    ids=str,
)
def test_what_matches_other_events_differs(other: Any) -> None:
    assert not same(SPOT, other)
    assert not same(other, SPOT)


@pytest.mark.parametrize(
    ("one", "other"), [(1, "1"), (1, True), (0, False), (None, "null"), ([">", 0], ["<", 0])], ids=str
)
def test_types_and_what_operators_hold_count(one: Any, other: Any) -> None:
    assert not same({"a": [{"numeric": one}]}, {"a": [{"numeric": other}]})
    if not isinstance(one, list):
        assert not same({"a": [one]}, {"a": [other]})


def test_a_text_that_is_no_json_is_read_as_it_is() -> None:
    assert read("{") == "{"
    assert not same(read("{"), SPOT)
