# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Entries as they stand in a text of aws-auth, read as the authenticator reads them.

It turns YAML into JSON and decodes that: keys match in any case, of equal keys the last counts, a value of a wrong type
is passed by (https://pkg.go.dev/encoding/json#Unmarshal).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from ansible_collections.ekspress.eks.plugins.module_utils._aws_auth_model import ARN_FIELDS, Entry, canonical
from ansible_collections.ekspress.eks.plugins.module_utils._aws_auth_nodes import Node, TextError

_MATCHING = re.compile(
    r"arn:[^:]+:iam::[0-9]{12}:(role/[^/]+|user/.+|root)|arn:[^:]+:sts::[0-9]{12}:federated-user/.+", re.IGNORECASE
)
_ACCOUNT = re.compile(r"[0-9]{12}")


@dataclass(frozen=True)
class Field:
    """A key of an entry, with its value."""

    key: Node
    value: Node
    own: bool
    """False where the entry has it from a mapping that it merges (<<)."""


@dataclass(frozen=True)
class Item:
    """One entry of a list."""

    node: Node
    entry: Entry
    """What it looks like."""
    taken: Entry
    """What the authenticator takes it for: what is no string is an empty one."""
    exact: bool
    """False where a part of it is no string, so that the authenticator does not take it for what it looks like."""
    fields: dict[str, list[Field]] = field(default_factory=dict)
    """By name in small letters, in the order in which they are decoded; an account has none."""

    @property
    def key(self) -> str:
        return self.entry.key

    @property
    def line(self) -> int:
        return self.node.line

    @property
    def matches(self) -> bool:
        """Whether any identity can have this ARN or account; none has a role with a path, for example."""
        if not self.fields:
            return bool(_ACCOUNT.fullmatch(self.key))
        return bool(_MATCHING.fullmatch(self.key)) and self.key == canonical(self.key)


def read_account(node: Node) -> Item:
    """An item of mapAccounts. Numbers are read as they are written, by the authenticator too."""
    found = node.resolved
    if found.kind != "scalar":
        raise TextError("an account is a list or a mapping; it must be 12 digits in quotes", node.line)
    entry = Entry("" if found.is_null else found.value)
    return Item(node, entry, entry, exact=True)


def read_entry(node: Node, section: str) -> Item:
    """An item of mapRoles or mapUsers."""
    found = node.resolved
    if found.kind != "mapping":
        raise TextError(f"an entry is no mapping; it must have {ARN_FIELDS[section]}, username and groups", node.line)
    fields = _fields(found)
    arns = [item.value.resolved.value for item in fields.get(ARN_FIELDS[section], []) if _is_string(item.value)]
    if not arns or not arns[-1]:
        raise TextError(f"an entry has no {ARN_FIELDS[section]} that is a string", node.line)
    usernames = [item.value for item in fields.get("username", [])]
    strings = [value.resolved.value for value in usernames if _is_string(value)]
    shown = strings or [value.resolved.value for value in usernames if value.resolved.kind == "scalar"]
    groups, taken, well_typed = _groups(fields.get("groups", []))
    entry = Entry(arns[-1], shown[-1] if shown else "", groups)
    as_taken = Entry(arns[-1], strings[-1] if strings else "", taken)
    return Item(node, entry, as_taken, well_typed and all(map(_is_string, usernames)), fields)


def _groups(fields: list[Field]) -> tuple[tuple[str, ...], tuple[str, ...], bool]:
    """The groups as they look, as they are taken, and whether that is the same."""
    groups: tuple[str, ...] = ()
    taken: tuple[str, ...] = ()
    exact = True
    for value in (item.value.resolved for item in fields):
        if value.kind == "sequence":
            texts = [child.resolved for child in value.children]
            groups = tuple(text.value for text in texts if text.kind == "scalar")
            taken = tuple(text.value if text.is_text else "" for text in texts)
            exact = exact and all(text.is_text for text in texts)
        elif value.is_null:
            groups = taken = ()
        else:
            exact = False
    return groups, taken, exact


def _is_string(value: Node) -> bool:
    return value.resolved.is_text


def _fields(mapping: Node) -> dict[str, list[Field]]:
    last: dict[str, Field] = {}
    for key, value in mapping.pairs:
        if _is_merge(key):
            for pair in _merged(value):
                last[pair[0].resolved.value] = Field(*pair, own=False)
        else:
            last[key.resolved.value] = Field(key, value, own=key.kind == "scalar")
    decoded: dict[str, list[Field]] = {}
    # Go sorts the keys of an object by their bytes.
    for name in sorted(last, key=lambda text: text.encode("utf-8", "surrogatepass")):
        decoded.setdefault(name.casefold(), []).append(last[name])
    return decoded


def _is_merge(key: Node) -> bool:
    return key.kind == "scalar" and key.plain and key.value == "<<"


def _merged(value: Node) -> list[tuple[Node, Node]]:
    """The pairs that ``<<`` brings in; of several mappings the first counts most, so it comes last."""
    found = value.resolved
    sources = [child.resolved for child in reversed(found.children)] if found.kind == "sequence" else [found]
    for source in sources:
        if source.kind != "mapping" or any(map(_is_merge, source.children[::2])):
            raise TextError("an entry merges (<<) what is no mapping, or merges again; write it out", value.line)
    return [pair for source in sources for pair in source.pairs]
