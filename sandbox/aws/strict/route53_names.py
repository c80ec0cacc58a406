# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""DNS names as Route 53 keeps, orders and refuses them.

https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/DomainNameFormat.html (lower case; characters other than a-z,
0-9, - and _ are kept as escapes of three octal digits; labels of 63, names of 255 characters),
https://docs.aws.amazon.com/Route53/latest/APIReference/API_ListResourceRecordSets.html ("Sort order").
"""

from __future__ import annotations

import re

_ESCAPE = re.compile(r"\\([0-7]{3})")
_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-_")


class BadName(Exception):
    """Why Route 53 does not take a name; the message is AWS's."""


def normal(name: str) -> str:
    """Return a name as Route 53 keeps it: absolute, in lower case, with escapes; raise BadName where it is none."""
    bare = name.removesuffix(".")
    if not bare:
        raise BadName(_problem("DomainNameEmpty", "Domain name is empty", name))
    kept = [_label(label, name) for label in bare.split(".")]
    absolute = ".".join(kept) + "."
    if len(_ESCAPE.sub("?", absolute)) > 256:
        raise BadName(_problem("DomainNameTooLong", "Domain name is too long", name))
    return absolute


def order(name: str) -> str:
    """Return what names are ordered by: their labels reversed, with the dot at the end (``com.example.www.``)."""
    return ".".join(reversed(name.removesuffix(".").split("."))) + "."


def within(name: str, zone: str) -> bool:
    """Tell whether a name lies in a zone; both as ``normal`` returns them."""
    return name == zone or name.endswith(f".{zone}")


def _label(label: str, name: str) -> str:
    if not label:
        raise BadName(_problem("DomainLabelEmpty", "Domain label is empty", name))
    plain = _ESCAPE.sub(lambda match: chr(int(match[1], 8)), label).lower()
    if len(plain) > 63:
        raise BadName(_problem("DomainLabelTooLong", "Domain label is too long", name))
    return "".join(char if char in _PLAIN else f"\\{ord(char):03o}" for char in plain)


def _problem(code: str, words: str, name: str) -> str:
    return f"FATAL problem: {code} ({words}) encountered with '{name}'"
