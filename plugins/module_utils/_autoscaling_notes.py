# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Notes on an Auto Scaling group of which of its tags an owner set, so that they can go when it wants them no more.

An owner is who asks, such as an add-on. Its note is a tag of the group, which holds a short digest of each tag's key
and value: a tag that was there before, or that another hand has changed since, is nobody's of ours. A note is written
before the tags and taken back after them: a run that is killed in between leaves a note too many, never one too few.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Mapping

RESERVED = "ekspress.eks/"
PREFIX = f"{RESERVED}tags/"
"""Beginning of a note's key; the owner follows."""

MARK_BYTES = 6
"""48 bits: by chance one of 50 foreign tags is taken for one of 28 noted ones once in 200 billion groups."""

MOST = 28
"""Marks in a note: 8 characters each and a space between them, in the 256 characters of a tag's value."""


def mark(key: str, value: str) -> str:
    """The digest of a tag."""
    digest = hashlib.sha256(f"{key}\0{value}".encode()).digest()
    return base64.urlsafe_b64encode(digest[:MARK_BYTES]).decode()


def read(tags: Mapping[str, str], owner: str) -> frozenset[str]:
    """The marks in an owner's note; none where there is no note."""
    return frozenset(tags.get(f"{PREFIX}{owner}", "").split())


def text(marks: Iterable[str]) -> str:
    """The value of a note."""
    return " ".join(sorted(marks))
