# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Edits of a YAML text at the places of its nodes; every character that is not named stays as it is."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Collection, Sequence

from ansible_collections.ekspress.eks.plugins.module_utils._aws_auth_nodes import (
    BREAK,
    COMMA,
    Node,
    TextError,
    Tree,
    after_dash,
)

_COMMENTED = re.compile(r"( *)#")


class Edits:
    """Edits of one tree's text, gathered first and made at once."""

    def __init__(self, tree: Tree) -> None:
        self.tree = tree
        self.text = tree.text
        found = [match.end() for match in BREAK.finditer(tree.text)]
        # A byte order mark takes no column.
        self.line_starts = [1 if tree.text.startswith("\ufeff") else 0, *found]
        first = BREAK.search(tree.text)
        self.line_break = first.group() if first else "\n"
        self.removed: list[tuple[int, int]] = []
        self.put: list[tuple[int, int, str]] = []

    def made(self) -> str:
        """The new text. Raises TextError where an alias would lose its anchor."""
        removed = self._united()
        spans = sorted([*removed, *(edit[:2] for edit in self.put if edit[0] < edit[1])])
        self._check_anchors(spans)
        done = 0
        edits = sorted([(start, end, "") for start, end in removed] + self.put, key=lambda edit: edit[:1])
        parts: list[str] = []
        for start, end, text in edits:
            parts.append(self.text[done : max(done, start)])
            if done == len(self.text) and _ends_line("".join(parts[-2:]) or "".join(parts)):
                # The line before is gone, and the break before that one does.
                parts.append(text.removeprefix(self.line_break))
            else:
                parts.append(text)
            done = max(done, end)
        result = "".join([*parts, self.text[done:]])
        cut = bool(removed) and removed[-1][1] == len(self.text) and self.line_starts[-1] != len(self.text)
        return _without_break(result) if cut else result

    def replace(self, start: int, end: int, text: str) -> None:
        """Put ``text`` in the place of a span, which may be empty. Of several at one place the first comes first."""
        self.put.append((start, end, text))

    def _united(self) -> list[tuple[int, int]]:
        spans: list[tuple[int, int]] = []
        for start, end in sorted(self.removed):
            if spans and start <= spans[-1][1]:
                spans[-1] = (spans[-1][0], max(end, spans[-1][1]))
            else:
                spans.append((start, end))
        return spans

    def _check_anchors(self, spans: Sequence[tuple[int, int]]) -> None:
        starts = [span[0] for span in spans]

        def goes(place: int) -> bool:
            number = bisect_right(starts, place) - 1
            return number >= 0 and place < spans[number][1]

        lost = {name for name, place in self.tree.anchors if goes(place)}
        for name, place in self.tree.aliases:
            if name in lost and not goes(place):
                line = bisect_right(self.line_starts, place)
                raise TextError(f"the alias *{name} needs the anchor &{name}, which would go with its entry", line)

    def line_start(self, place: int) -> int:
        return self.line_starts[bisect_right(self.line_starts, place) - 1]

    def next_line(self, place: int) -> int:
        """The start of the line after the one with ``place``; the end of the text for the last one."""
        number = bisect_right(self.line_starts, place)
        return self.line_starts[number] if number < len(self.line_starts) else len(self.text)

    def end_of_lines(self, end: int) -> int:
        """The end of the lines of a node that ends at ``end``, their break included; block scalars end so already."""
        return end if end and self.line_start(end) == end else self.next_line(end)

    def alone(self, node: Node) -> bool:
        """Whether nothing but spaces is before the node in its line, and nothing after it."""
        before = self.text[self.line_start(node.start) : node.start]
        after = self.text[node.end : self.next_line(node.end)]
        return not before.strip(" ") and not after.strip("\r\n\x85\u2028\u2029")

    def add_lines(self, column: int, end: int, lines: Sequence[str]) -> None:
        """Put lines after the node that ends at ``end``, whose collection has its dashes or keys at ``column``.

        Comments that are further in belong to the node and stay with it.
        """
        place = self.end_of_lines(end)
        ahead = place
        while ahead < len(self.text):
            following = self.next_line(ahead)
            commented = _COMMENTED.match(self.text, ahead)
            if commented and len(commented[1]) > column:
                place = following
            elif self.text[ahead:following].strip():
                break
            ahead = following
        text = self.line_break.join(lines)
        complete = place == self.line_start(place)
        self.replace(place, place, text + self.line_break if complete else self.line_break + text)

    def edit_list(
        self, node: Node, gone: Collection[int], block_lines: Sequence[str], flow_items: Sequence[str], colon: int = -1
    ) -> None:
        """Remove the items of some numbers from a list, and add others at its end, given for either style.

        ``colon`` is the place after the key's colon where the list is a value: there a block list that gets empty
        becomes ``[]``.
        """
        if not gone and not block_lines:
            return
        if node.block:
            self._edit_block(node, gone, block_lines, colon)
        else:
            self._edit_flow(node, gone, flow_items)

    def _edit_block(self, node: Node, gone: Collection[int], lines: Sequence[str], colon: int) -> None:
        empties = len(gone) == len(node.children) and not lines
        dashes = self._dashes(node)
        for number in sorted(gone):
            dash, end = dashes[number], node.children[number].end
            start = self.line_start(dash)
            if self.text[start:dash].strip(" "):
                raise TextError("its list has a form that cannot be edited", node.children[number].line)
            if empties and number == 0 and colon < 0:
                whole = end > dash and self.line_start(end) == end
                self.replace(dash, end, "[]" + (self.line_break if whole else ""))
            else:
                self.removed.append((start, self.end_of_lines(end)))
        if empties and colon >= 0:
            if self.line_start(node.start) <= colon:
                raise TextError("its list has a form that cannot be edited", node.line)
            self.replace(colon, colon, " []")
        if lines:
            self.add_lines(self._column(dashes[0]), node.children[-1].end, lines)

    def _dashes(self, node: Node) -> list[int]:
        items = node.children
        return [after_dash(self.text, node, items[number - 1] if number else None) - 1 for number in range(len(items))]

    def _column(self, place: int) -> int:
        return place - self.line_start(place)

    def block_column(self, node: Node) -> int:
        """The column of the dashes of a list in block style."""
        return self._column(after_dash(self.text, node, None) - 1)

    def _edit_flow(self, node: Node, gone: Collection[int], items: Sequence[str]) -> None:
        children = node.children
        kept = [number for number in range(len(children)) if number not in gone]
        for number in sorted(gone):
            if kept and kept[0] < number:
                self._remove_with_comma_before(children[number - 1], children[number])
            else:
                self._remove_with_comma_after(children[number], children[number + 1 : number + 2])
        if not items:
            return
        if not kept:
            self.replace(node.end - 1, node.end - 1, ", ".join(items))
            return
        last = children[-1]
        start = self.line_start(last.start)
        indentation = self.text[start : last.start]
        apart = "," + (self.line_break + indentation if start and not indentation.strip(" \t") else " ")
        self.replace(last.end, last.end, "".join(apart + item for item in items))

    def _remove_with_comma_before(self, before: Node, item: Node) -> None:
        comma = COMMA.match(self.text, before.end)
        if not comma:
            raise TextError("its list has a form that cannot be edited", item.line)
        between = self.text[comma.end() : item.start]
        if between.strip():
            self.removed += [(comma.end() - 1, comma.end()), (item.start, item.end)]
        else:
            self.removed.append((comma.end() - 1, item.end))

    def _remove_with_comma_after(self, item: Node, following: Sequence[Node]) -> None:
        comma = COMMA.match(self.text, item.end)
        if not comma:
            self.removed.append((item.start, item.end))
            return
        start, end = self.line_start(item.start), self.next_line(comma.end())
        alone = not self.text[start : item.start].strip() and not self.text[comma.end() : end].strip()
        if "#" in self.text[item.end : comma.end()]:
            self.removed += [(item.start, item.end), (comma.end() - 1, comma.end())]
        elif alone and following:
            self.removed.append((start, end))
        elif following and not self.text[comma.end() : following[0].start].strip():
            self.removed.append((item.start, following[0].start))
        else:
            self.removed.append((item.start, comma.end()))

    def set_value(self, key: Node, value: Node, text: str) -> None:
        """Put another value, in flow style or quoted, in the place of one."""
        if not value.empty:
            broken = value.block and value.kind == "scalar" and self.line_start(value.end) == value.end
            self.replace(value.start, value.end, text + (self.line_break if broken else ""))
        elif ":" in self.text[key.end : value.start]:
            self.replace(value.start, value.start, " " + text)
        else:
            self.replace(value.start, value.start, ": " + text)


def _ends_line(text: str) -> bool:
    return not text or bool(BREAK.fullmatch(text[-1]))


def _without_break(text: str) -> str:
    """A text without the line break at its end: the text that it comes from had none either."""
    for length in (2, 1):
        if BREAK.fullmatch(text[-length:]):
            return text[:-length]
    return text
