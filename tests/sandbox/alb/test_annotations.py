# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Annotations are read as the controller reads them."""

from __future__ import annotations

import pytest

from sandbox.alb.annotations import PREFIX, Annotations, ModelError


def _of(**values: str) -> Annotations:
    return Annotations({PREFIX + name: value for name, value in values.items()})


@pytest.mark.parametrize(
    ("text", "pairs"),
    [
        ("a=b, c = d", {"a": "b", "c": "d"}),
        ("a=b=c", {"a": "b=c"}),
        ("a=", {"a": ""}),
        (r"a=x\,y,b=1", {"a": "x,y", "b": "1"}),
        ("a=b,", {"a": "b,"}),
        ("", {}),
    ],
)
def test_pairs(text: str, pairs: dict[str, str]) -> None:
    assert _of(tags=text).mapping("tags") == pairs


@pytest.mark.parametrize("text", ["a", "a=b,c", "=b"])
def test_bad_pairs(text: str) -> None:
    with pytest.raises(ModelError) as caught:
        _of(tags=text).mapping("tags")
    assert str(caught.value) == f"failed to parse stringMap annotation, {PREFIX}tags: {text}"


def test_other_kinds() -> None:
    annotations = _of(list="a, ,b", number="7", yes="true", no="0", json='{"a": 1}')
    assert annotations.items("list") == ["a", "b"]
    assert annotations.integer("number") == 7
    assert (annotations.boolean("yes"), annotations.boolean("no")) == (True, False)
    assert annotations.document("json") == {"a": 1}
    absent = Annotations(None)
    found = [absent.items("x"), absent.integer("x"), absent.boolean("x"), absent.document("x"), absent.text("x")]
    assert found == [None] * 5
    assert absent.mapping("x") == {}


@pytest.mark.parametrize(("read", "words"), [("integer", "int32"), ("boolean", "bool"), ("document", "json")])
def test_bad_values(read: str, words: str) -> None:
    with pytest.raises(ModelError, match=f"failed to parse {words} annotation, {PREFIX}x: {{x:"):
        getattr(_of(x="{x"), read)("x")


def test_the_first_object_wins() -> None:
    both = Annotations({PREFIX + "a": "1"}, {PREFIX + "a": "2", PREFIX + "b": "3"})
    assert (both.text("a"), both.text("b")) == ("1", "3")


def test_what_is_not_played_is_named() -> None:
    annotations = _of(**{"auth-type": "oidc", "conditions.web": "[]", "waf-acl-id": "none", "scheme": "internal"})
    assert annotations.not_played() == ["auth-type", "conditions.web"]
