# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Values of records, by type.

https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/ResourceRecordTypes.html (TXT: strings in quotation marks, 255
characters each, several with spaces between them; formats of the other types),
https://docs.aws.amazon.com/Route53/latest/APIReference/API_ResourceRecord.html (one value for CNAME and SOA),
https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/DNSLimitations.html (400 values a record set).
"""

from __future__ import annotations

import ipaddress
import re
from collections import Counter
from collections.abc import Callable

from sandbox.aws.strict.route53_names import BadName, normal

MOST = 400
SINGLE = frozenset({"CNAME", "SOA"})
_STRING = re.compile(r'"((?:[^"\\]|\\.)*)"')
_ESCAPED = re.compile(r"\\([0-7]{3}|.)")

Problem = tuple[str, str]


def problems(kind: str, values: list[str]) -> list[str]:
    """Return, in AWS's words, what is wrong with the values of one record set."""
    most = 1 if kind in SINGLE else MOST
    found = [f"Cannot have more than {most} records in a RRSet."] if len(values) > most else []
    found += [f"Duplicate Resource Record: '{value}'" for value, count in Counter(values).items() if count > 1]
    for value in values:
        problem = _CHECKS[kind](kind, value) if kind in _CHECKS else None
        if problem is not None:
            code, words = problem
            found.append(f"Invalid Resource Record: 'FATAL problem: {code} ({words}) encountered with '{value}''")
    return found


def _fields(kind: str, value: str, count: int) -> list[str] | Problem:
    fields = value.split(" ")
    if len(fields) != count or not all(fields):
        words = "Value contains spaces" if count == 1 else "Value has the wrong number of fields"
        return f"{kind}RRDATANot{'SingleField' if count == 1 else 'AllFields'}", words
    return fields


def _address(kind: str, value: str) -> Problem | None:
    fields = _fields(kind, value, 1)
    if isinstance(fields, tuple):
        return fields
    version = 4 if kind == "A" else 6
    try:
        wrong = ipaddress.ip_address(value).version != version or "%" in value
    except ValueError:
        wrong = True
    return (f"{kind}RRDATAIllegalIPv{version}Address", f"Value is not a valid IPv{version} address") if wrong else None


def _name(kind: str, value: str) -> Problem | None:
    fields = _fields(kind, value, 1)
    return fields if isinstance(fields, tuple) else _domain(value)


def _domain(value: str) -> Problem | None:
    if value == ".":
        return None
    if not value.isascii() or any(char in value for char in "/:@\"'"):
        return "UnsupportedCharacter", "Value contains unsupported characters"
    try:
        normal(value)
    except BadName as wrong:
        match = re.search(r"problem: (\w+) \((.*?)\)", str(wrong))
        return (match[1], match[2]) if match else ("DomainNameInvalid", "Domain name is invalid")
    return None


def _numbered(count: int) -> Callable[[str, str], Problem | None]:
    """Return a check of some numbers of 16 bits and a domain name after them (MX, SRV)."""

    def check(kind: str, value: str) -> Problem | None:
        fields = _fields(kind, value, count + 1)
        if isinstance(fields, tuple):
            return fields
        if not all(number.isdigit() and int(number) < 65536 for number in fields[:-1]):
            return f"{kind}RRDATAIllegalNumber", "Value is not a number of 16 bits"
        return _domain(fields[-1])

    return check


def _text(kind: str, value: str) -> Problem | None:
    rest, strings = value.strip(" \t"), []
    while match := _STRING.match(rest):
        strings.append(match[1])
        after = rest[match.end() :]
        rest = after.lstrip(" \t")
        if after == rest:
            break
    if rest or not strings:
        return "InvalidCharacterString", "Value should be enclosed in quotation marks"
    if any(len(_ESCAPED.sub("?", string).encode()) > 255 for string in strings):
        return "CharacterStringTooLong", "Value is too long"
    return None


_CHECKS: dict[str, Callable[[str, str], Problem | None]] = {
    "A": _address,
    "AAAA": _address,
    "CNAME": _name,
    "MX": _numbered(1),
    "NS": _name,
    "PTR": _name,
    "SPF": _text,
    "SRV": _numbered(3),
    "TXT": _text,
}
