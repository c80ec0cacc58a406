# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Texts of new entries. No scalar can be taken for anything but a string, by YAML 1.1, YAML 1.2 or Go's yaml."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ansible_collections.ekspress.eks.plugins.module_utils._aws_auth_model import ARN_FIELDS, Entry

_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_./@=+-]*(:+[A-Za-z0-9_./@=+-]+)*")
# Words that some YAML takes for a boolean, null or number.
_TAKEN = frozenset(("y", "yes", "true", "on", "n", "no", "false", "off", "null", "nan", "inf", "infinity"))


def plain_or_quoted(value: str) -> str:
    """A scalar for block style."""
    return value if _PLAIN.fullmatch(value) and value.lower() not in _TAKEN else quoted(value)


def quoted(value: str) -> str:
    """A scalar in double quotes, which is JSON too wherever JSON needs no more than four digits for a character."""
    return '"' + "".join(map(_escaped, value)) + '"'


def _escaped(character: str) -> str:
    if character in '"\\':
        return "\\" + character
    if character.isprintable():
        return character
    return f"\\u{ord(character):04x}" if ord(character) <= 0xFFFF else f"\\U{ord(character):08x}"


def flow_list(values: tuple[str, ...]) -> str:
    """A list in flow style."""
    return f"[{', '.join(map(quoted, values))}]"


def flow_entry(section: str, entry: Entry) -> str:
    """An entry in flow style, which is JSON too."""
    if section == "accounts":
        return quoted(entry.arn)
    arn, username = f'"{ARN_FIELDS[section]}": {quoted(entry.arn)}', f'"username": {quoted(entry.username)}'
    return f'{{{arn}, {username}, "groups": {flow_list(entry.groups)}}}'


@dataclass(frozen=True)
class Layout:
    """Indentation of a list in block style: the column of its dashes, of keys and of the dashes of groups after it."""

    column: int = 0
    key_offset: int = 2
    group_offset: int = 2

    def entry(self, section: str, entry: Entry) -> list[str]:
        """The lines of an entry."""
        dash = " " * self.column + "-" + " " * (self.key_offset - 1)
        if section == "accounts":
            return [dash + quoted(entry.arn)]
        lines = [
            f"{ARN_FIELDS[section]}: {plain_or_quoted(entry.arn)}",
            self.username(entry),
            *self.groups(entry),
        ]
        return [(" " * len(dash) if number else dash) + line for number, line in enumerate(lines)]

    @staticmethod
    def username(entry: Entry) -> str:
        """The line of the username, without indentation."""
        return f"username: {plain_or_quoted(entry.username)}"

    def groups(self, entry: Entry) -> list[str]:
        """The lines of the groups, without the indentation of the entry's keys."""
        if not entry.groups:
            return ["groups: []"]
        return ["groups:", *(f"{' ' * self.group_offset}- {plain_or_quoted(group)}" for group in entry.groups)]
