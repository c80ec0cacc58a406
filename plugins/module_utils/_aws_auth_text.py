# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The YAML texts in aws-auth: read, and edited so that nothing of others changes by a byte.

Every edit is read again, and must say what was planned.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from ansible_collections.ekspress.eks.plugins.module_utils import _aws_auth_nodes as nodes
from ansible_collections.ekspress.eks.plugins.module_utils._aws_auth_edits import Edits
from ansible_collections.ekspress.eks.plugins.module_utils._aws_auth_items import Field, Item, read_account, read_entry
from ansible_collections.ekspress.eks.plugins.module_utils._aws_auth_model import ARN_FIELDS, SECTIONS, Entry
from ansible_collections.ekspress.eks.plugins.module_utils._aws_auth_nodes import Node, Shape, TextError, Tree
from ansible_collections.ekspress.eks.plugins.module_utils._aws_auth_scalars import (
    Layout,
    flow_entry,
    flow_list,
    plain_or_quoted,
    quoted,
)
from ansible_collections.ekspress.eks.plugins.module_utils._errors import EksError

_SKIPPED = ("", "``", '""', "''")
"""Texts that the authenticator takes for nothing at all."""
_EDIT = "kubectl -n kube-system edit configmap aws-auth"


@dataclass(frozen=True)
class Listing:
    """One of the texts, and the entries in it."""

    section: str
    text: str
    tree: Tree
    items: tuple[Item, ...]

    def edited(
        self, *, gone: Collection[int] = (), changed: Mapping[int, Entry] | None = None, added: Sequence[Entry] = ()
    ) -> str:
        """The text without the items of the numbers ``gone``, with others ``changed`` and ``added`` at the end.

        Raises EksError where that cannot be done without touching what is not meant.
        """
        changed = changed or {}
        if not gone and not changed and not added:
            return self.text
        try:
            text = self._edit(gone, changed, added)
        except TextError as error:
            raise self._refusal(error.problem, error.line) from error
        lines = [self.items[number].line for number in (*gone, *changed)]
        line = min(lines, default=self.items[-1].line if self.items else 1)
        try:
            if not self._says(text, gone, changed, added):
                raise TextError("it has a form in which entries cannot be edited one by one", line)
        except TextError as error:
            raise self._refusal(error.problem, error.line) from error
        return text

    def _refusal(self, problem: str, line: int) -> EksError:
        return EksError(
            f"{_name(self.section)}, line {line}: {problem}. Write that part in the usual form (a list of entries, one "
            f"key a line, a line break at the end) with {_EDIT!r}, and run again. Nothing was written."
        )

    def _edit(self, gone: Collection[int], changed: Mapping[int, Entry], added: Sequence[Entry]) -> str:
        root = self.tree.root
        if self.text.strip() in _SKIPPED or root is None or root.is_null:
            return self._first(added)
        edits = Edits(self.tree)
        for number, entry in changed.items():
            _change(edits, self.items[number], entry)
        layout = self._layout(edits, root)
        lines = [line for entry in added for line in layout.entry(self.section, entry)]
        flow = [flow_entry(self.section, entry) for entry in added]
        if not root.children and edits.alone(root) and self.text[root.start : root.end] == "[]":
            edits.replace(root.start, root.end, edits.line_break.join(lines).lstrip(" "))
        else:
            edits.edit_list(root, gone, lines, flow)
        return edits.made()

    def _first(self, added: Sequence[Entry]) -> str:
        """The text with its first entries, where it had no list."""
        edits = Edits(self.tree)
        root = self.tree.root
        if self.text.strip() in _SKIPPED:
            lines = [line for entry in added for line in Layout().entry(self.section, entry)]
            return "".join(line + edits.line_break for line in lines)
        if root is None or root.empty:
            lines = [line for entry in added for line in Layout().entry(self.section, entry)]
            place = self.tree.content_end
            text = "".join(line + edits.line_break for line in lines)
            edits.replace(place, place, text if edits.line_start(place) == place else edits.line_break + text)
        elif edits.alone(root):
            layout = Layout(root.start - edits.line_start(root.start))
            lines = [line for entry in added for line in layout.entry(self.section, entry)]
            edits.replace(root.start, root.end, edits.line_break.join(lines).lstrip(" "))
        else:
            items = ", ".join(flow_entry(self.section, entry) for entry in added)
            edits.replace(root.start, root.end, f"[{items}]")
        return edits.made()

    def _layout(self, edits: Edits, root: Node) -> Layout:
        """How entries of this list are indented: as the last one is that is in block style."""
        if not root.block:
            return Layout(root.column)
        column = edits.block_column(root)
        for item in reversed(self.items):
            if item.node.kind == "mapping" and item.node.block and item.node.children:
                keys = item.node.children[0].column
                offsets = [
                    edits.block_column(value) - keys
                    for key, value in item.node.pairs
                    if key.value.casefold() == "groups" and value.kind == "sequence" and value.block
                ]
                return Layout(column, max(2, keys - column), offsets[0] if offsets else 2)
        return Layout(column)

    def _says(self, text: str, gone: Collection[int], changed: Mapping[int, Entry], added: Sequence[Entry]) -> bool:
        """Whether a text says exactly what this one says, edited. Raises TextError where it says too much."""
        try:
            other = read(text, self.section)
        except EksError:
            return False
        kept = [number for number in range(len(self.items)) if number not in gone]
        if len(other.items) != len(kept) + len(added):
            return False
        for number, item in zip(kept, other.items, strict=False):
            if number in changed:
                same = _means(item, changed[number]) and other._rest(item) == self._rest(self.items[number])
            else:
                same = other.tree.shape(item.node) == self.tree.shape(self.items[number].node)
            if not same:
                return False
            if number not in changed and item.node.meaning != self.items[number].node.meaning:
                raise TextError("the entry takes over (* or <<) what would change in another", self.items[number].line)
        new = other.items[len(kept) :]
        return all(map(_means, new, added)) and not any(other._rest(item) for item in new)

    def _rest(self, item: Item) -> list[tuple[list[Shape], int]]:
        """What an entry says beside ARN, username and groups."""
        if item.node.kind != "mapping":
            return []
        known = {"username", "groups", ARN_FIELDS[self.section]}
        return [
            (self.tree.shape(node), node.meaning)
            for key, value in item.node.pairs
            if key.resolved.value.casefold() not in known
            for node in (key, value)
        ]


def read(text: str, section: str) -> Listing:
    """Read a text. Raises EksError, naming key and line, where the authenticator could not or only in part."""
    try:
        if text.strip() in _SKIPPED:
            return Listing(section, text, Tree(text, None, len(text), [], [], []), ())
        tree = nodes.parse(text)
        root = tree.root
        if root is None or root.is_null:
            return Listing(section, text, tree, ())
        if root.kind != "sequence":
            found = "a mapping" if root.kind == "mapping" else "a single value"
            raise TextError(f"it is {found}, and must be a list", root.line)
        items = [read_account(node) if section == "accounts" else read_entry(node, section) for node in root.children]
    except TextError as error:
        raise EksError(
            f"{_name(section)}, line {error.line}: {error.problem}. Correct it with {_EDIT!r}, or bring a backup back "
            "with state: restored. Nothing was written."
        ) from error
    return Listing(section, text, tree, tuple(items))


def _name(section: str) -> str:
    return f"{SECTIONS[section]} of the ConfigMap kube-system/aws-auth"


def _means(item: Item, entry: Entry) -> bool:
    return item.exact and item.key == entry.key and item.entry.same_as(entry)


def _change(edits: Edits, item: Item, entry: Entry) -> None:
    """Give an entry another username and groups."""
    if item.node.kind != "mapping":
        raise TextError("the entry is an alias (*) of another, which would change with it", item.line)
    for name in ("groups", "username"):
        found = item.fields.get(name, [])
        if len(found) > 1 or (found and not found[0].own):
            raise TextError(f"the entry's {name} is merged (<<), aliased or given twice", item.line)
        if sum(key.resolved.value.casefold() == name for key, _value in item.node.pairs) > 1:
            raise TextError(f"the entry's {name} is given twice", item.line)
    groups = item.fields.get("groups", [])
    if groups:
        _change_groups(edits, groups[0], entry)
    elif entry.groups:
        _add_field(edits, item.node, f'"groups": {flow_list(entry.groups)}', Layout().groups(entry))
    username = item.fields.get("username", [])
    if not username:
        _add_field(edits, item.node, f'"username": {quoted(entry.username)}', [Layout.username(entry)])
    elif not username[0].value.resolved.is_text or username[0].value.resolved.value != entry.username:
        text = plain_or_quoted(entry.username) if item.node.block else quoted(entry.username)
        edits.set_value(username[0].key, username[0].value, text)


def _change_groups(edits: Edits, field: Field, entry: Entry) -> None:
    value = field.value
    if value.kind != "sequence":
        if value.resolved.kind != "sequence" or _texts(value.resolved) != set(entry.groups):
            if value.is_null and not entry.groups:
                return
            edits.set_value(field.key, value, flow_list(entry.groups))
        return
    items = [child.resolved for child in value.children]
    gone = [number for number, item in enumerate(items) if not item.is_text or item.value not in entry.groups]
    there = {item.value for item in items if item.is_text}
    missing = tuple(group for group in entry.groups if group not in there)
    lines = Layout().groups(Entry("", "", missing))[1:] if missing else []
    if value.block:
        column = edits.block_column(value)
        lines = [" " * column + line.lstrip(" ") for line in lines]
    colon = edits.text.index(":", field.key.end) + 1
    edits.edit_list(value, gone, lines, [quoted(group) for group in missing], colon)


def _texts(node: Node) -> set[str] | None:
    if not all(child.resolved.is_text for child in node.children):
        return None
    return {child.resolved.value for child in node.children}


def _add_field(edits: Edits, node: Node, flow: str, lines: Sequence[str]) -> None:
    if node.block:
        column = node.children[0].column
        edits.add_lines(column - 1, node.end, [" " * column + line for line in lines])
    else:
        edits.replace(node.children[-1].end, node.children[-1].end, f", {flow}")
