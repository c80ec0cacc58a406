# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""IAM's rules for tags."""

from __future__ import annotations

import pytest
from ansible_collections.ekspress.eks.plugins.module_utils import _iam_tags
from hypothesis import given
from hypothesis import strategies as st

KEYS = st.sampled_from(["team", "Team", "TEAM", "name", "aws:x"])
TAGS = st.dictionaries(KEYS, st.sampled_from(["a", "b"])).filter(lambda tags: not _iam_tags.differ_in_case(tags))


@given(TAGS, TAGS)
def test_setting_replaces_one_spelling_by_another(tags: dict[str, str], new: dict[str, str]) -> None:
    after = _iam_tags.after_setting(tags, new)
    assert _iam_tags.differ_in_case(after) is None
    assert new.items() <= after.items()
    assert {key.lower() for key in after} == {key.lower() for key in {**tags, **new}}


@given(TAGS, TAGS)
def test_untagging_never_takes_what_is_kept(tags: dict[str, str], kept: dict[str, str]) -> None:
    gone = _iam_tags.to_untag(tags, kept)
    assert set(gone) <= set(tags)
    assert not {key.lower() for key in gone} & {key.lower() for key in kept}


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("A b_.:/=+-@\u00e4", "", ""),
        ("k" * 128, "v" * 256, ""),
        ("k" * 129, "", "1 to 128"),
        ("", "", "1 to 128"),
        ("k", "v" * 257, "at most 256"),
        ("AWS:k", "", "only AWS"),
        ("k", "a\tb", r"'\t'"),
        ("k", "a\nb", r"'\n'"),
        ("k", "{{ x }}", "'{', '}'"),
    ],
)
def test_faults(key: str, value: str, said: str) -> None:
    fault = _iam_tags.fault(key, value)
    assert said in fault
    assert bool(said) == bool(fault)


@pytest.mark.parametrize("value", [True, None, ["a"], {"a": "b"}])
def test_what_is_no_text(value: object) -> None:
    assert _iam_tags.text_of(value) is None


def test_numbers_are_written_out() -> None:
    assert [_iam_tags.text_of(value) for value in ("1", 1, 1.5)] == ["1", "1", "1.5"]
