# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""IAM's rules for tags, in which keys that differ in case only are one.

https://docs.aws.amazon.com/IAM/latest/UserGuide/id_tags.html#id_tags_rules
https://docs.aws.amazon.com/IAM/latest/APIReference/API_Tag.html
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping

MAX_TAGS = 50
KEY_LENGTH = 128
VALUE_LENGTH = 256
SIGNS = frozenset("_.:/=+-@")
"""Allowed beside letters, numbers and spaces."""


def text_of(value: object) -> str | None:
    """A tag's value as text, numbers written out; None for what YAML has made of a text that was not quoted."""
    return None if isinstance(value, bool) or not isinstance(value, (str, int, float)) else str(value)


def fault(key: str, value: str) -> str:
    """Why IAM does not take a tag; '' where it does."""
    wrong = sorted({sign for sign in key + value if sign not in SIGNS and unicodedata.category(sign)[0] not in "LZN"})
    found = ""
    if not 1 <= len(key) <= KEY_LENGTH:
        found = f"a key has 1 to {KEY_LENGTH} characters"
    elif len(value) > VALUE_LENGTH:
        found = f"a value has at most {VALUE_LENGTH} characters"
    elif reserved(key):
        found = "only AWS sets tags that start with aws:"
    elif wrong:
        allowed = "".join(sorted(SIGNS))
        found = f"it holds {', '.join(map(repr, wrong))}; allowed are letters, numbers, spaces and {allowed}"
    return found


def reserved(key: str) -> bool:
    """Whether only AWS may set or remove the tag."""
    return key.lower().startswith("aws:")


def differ_in_case(keys: Iterable[str]) -> tuple[str, str] | None:
    """Two keys that IAM takes for one, or None."""
    folded: dict[str, str] = {}
    for key in keys:
        other = folded.setdefault(key.lower(), key)
        if other != key:
            return other, key
    return None


def after_setting(tags: Mapping[str, str], new: Mapping[str, str]) -> dict[str, str]:
    """The tags once ``new`` are set: a key that differs in case only from a new one is replaced by it."""
    folded = {key.lower() for key in new if key not in tags}
    return {key: value for key, value in tags.items() if key.lower() not in folded} | dict(new)


def to_untag(tags: Iterable[str], kept: Iterable[str]) -> list[str]:
    """Keys of ``tags`` that must be removed for ``kept`` to stay: removing one would remove its other spellings too."""
    folded = {key.lower() for key in kept}
    return sorted(key for key in tags if key.lower() not in folded)


def count(tags: Iterable[str]) -> int:
    """Tags that count against MAX_TAGS: those of AWS do not."""
    return sum(not reserved(key) for key in tags)
