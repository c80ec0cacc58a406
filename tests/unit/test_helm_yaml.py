# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""YAML as Helm and Kubernetes read it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.ekspress.eks.plugins.module_utils._helm_yaml import load_all
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2024-01-31", "2024-01-31"),
        ("2024-01-31T10:11:12Z", "2024-01-31T10:11:12Z"),
        ("12:30:45", "12:30:45"),
        ("22:22", "22:22"),
        ("=", "="),
        ("1.2.3", "1.2.3"),
        ("1.31", 1.31),
        ("2.0", 2),
        ("1e3", 1000),
        ("1e-3", 0.001),
        (".5", 0.5),
        ("5.", 5),
        ("017", 15),
        ("0o17", 15),
        ("08", 8),
        ("0x1F", 31),
        ("-0b11", -3),
        ("1_000", 1000),
        ("+12", 12),
        ("18446744073709551615", 18446744073709551615),
        ("18446744073709551616", 18446744073709551616.0),
        ("1Mi", "1Mi"),
        ("100m", "100m"),
        ("10.0.0.1", "10.0.0.1"),
        ("0.0.0.0/0", "0.0.0.0/0"),
        ("1e", "1e"),
        ("yes", True),
        ("y", True),
        ("Off", False),
        ("n", False),
        ("oN", "oN"),
        ("null", None),
        ("~", None),
        ("", None),
        ('"yes"', "yes"),
        ("'1'", "1"),
        ("!!str 1", "1"),
    ],
)
def test_scalars(text: str, value: Any) -> None:
    made = load_all(f"a: {text}\n")[0]["a"]
    assert (made, type(made)) == (value, type(value))


def test_merges_and_documents() -> None:
    assert load_all("a: &a {b: 1}\nc: {<<: *a, d: 2}\n---\n- x\n---\n") == [
        {"a": {"b": 1}, "c": {"b": 1, "d": 2}},
        ["x"],
        None,
    ]


TEXT = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=6)


@given(st.recursive(st.none() | st.booleans() | st.integers(-(2**60), 2**60) | TEXT, st.lists))
def test_json_is_read_as_it_is(value: Any) -> None:
    assert load_all(json.dumps([value])) == [[value]]
