# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""YAML texts as trees whose nodes know where they stand, and in which aliases stay aliases.

yaml.compose puts an anchor's node in every alias's place, and gives block collections the end of what follows them;
who edits a text in place needs neither.
"""

from __future__ import annotations

import re
import traceback
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.ekspress.eks.plugins.module_utils._errors import MissingLibraryError

try:
    import yaml
except ImportError:
    YAML_TRACEBACK: str | None = traceback.format_exc()
    LOADER: Any = None
else:
    YAML_TRACEBACK = None
    LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

BREAK = re.compile("\r\n|[\r\n\x85\u2028\u2029]")
"""Line breaks of YAML 1.1, which libyaml, PyYAML and Go's yaml.v2 read: https://yaml.org/spec/1.1/#id871136"""
_SPACE = "(?:[ \t\r\n\x85\u2028\u2029]|#[^\r\n\x85\u2028\u2029]*)*"
_DASH = re.compile(f"{_SPACE}-")
_FIRST_DASH = re.compile(f"(?:{_SPACE}[&!][^ \t\r\n\x85\u2028\u2029]*)*{_SPACE}-")
_COLON = re.compile(f"{_SPACE}:")
COMMA = re.compile(f"{_SPACE},")

NULLS = frozenset(("", "~", "null", "Null", "NULL"))
_STRING_TAG = "tag:yaml.org,2002:str"
# What yaml.v2 takes for something else than a string; it drops underscores before it looks for numbers:
# https://github.com/go-yaml/yaml/blob/v2.4.0/resolve.go
_WORDS = frozenset(
    form
    for word in ("y", "yes", "true", "on", "n", "no", "false", "off")
    for form in (word, word.title(), word.upper())
)
_NUMBER = re.compile(
    r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?0([xX][0-9a-fA-F]+|[oO][0-7]+|[bB][01]+)"
    r"|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)"
)
_NOT_JSON = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")

Shape = tuple[str, str, str, bool, str]
"""An event without its place: kind, value, tag, whether it is plain, anchor."""


class TextError(Exception):
    """The text is not what YAML allows, or what can be edited. ``line`` counts from 1."""

    def __init__(self, problem: str, line: int) -> None:
        super().__init__(problem)
        self.problem = problem
        self.line = line


@dataclass(slots=True)
class Node:
    """A scalar, sequence, mapping or alias."""

    kind: str
    start: int
    """With anchor and tag. Where an empty value would begin: after the colon or dash."""
    end: int
    """After its last character; comments and breaks that follow are not its own, save where a scalar keeps them."""
    line: int
    column: int
    value: str = ""
    plain: bool = False
    """Whether the value decides on the type; not where it is quoted or has a tag."""
    tag: str = ""
    anchor: str = ""
    block: bool = False
    """In block style, scalars included."""
    children: list[Node] = field(default_factory=list)
    """Keys and values in turn, for a mapping."""
    target: Node | None = None
    first: int = 0
    last: int = 0
    """Where its shapes are in the tree's."""
    meaning: int = 0
    """A hash of all that it says, what its aliases stand for included; to be compared in one process only."""

    @property
    def empty(self) -> bool:
        """Whether it has no character of its own: a value that was left out."""
        return self.start == self.end

    @property
    def resolved(self) -> Node:
        """What an alias stands for."""
        return self.target or self

    @property
    def is_null(self) -> bool:
        return self.kind == "scalar" and self.plain and self.value in NULLS

    @property
    def is_text(self) -> bool:
        """Whether the authenticator reads a string."""
        if self.kind != "scalar":
            return False
        if not self.plain:
            return not self.tag or self.tag == _STRING_TAG
        return not (self.value in NULLS or self.value in _WORDS or _is_number(self.value))

    @property
    def pairs(self) -> list[tuple[Node, Node]]:
        return list(zip(self.children[::2], self.children[1::2], strict=True))


def _is_number(value: str) -> bool:
    return value[0] in "+-.0123456789" and bool(_NUMBER.fullmatch(value.replace("_", "")))


@dataclass(frozen=True)
class Tree:
    """A text of at most one document."""

    text: str
    root: Node | None
    """None for a text without any document, such as one of comments only."""
    content_end: int
    """Where the document's content may go on: before a ``...``, or at the end of the text."""
    shapes: list[Shape]
    anchors: list[tuple[str, int]]
    """Names and places of anchors,"""
    aliases: list[tuple[str, int]]
    """and of the aliases that need them."""

    def shape(self, node: Node) -> list[Shape]:
        """All that a node says, without its place and comments."""
        return self.shapes[node.first : node.last]


def parse(text: str) -> Tree:
    """Read a text. Raises TextError."""
    if YAML_TRACEBACK:
        raise MissingLibraryError(
            "The Python that runs this task has no PyYAML, which aws-auth's texts are read with: install PyYAML there, "
            "or set ansible_python_interpreter to a Python that has it.",
            YAML_TRACEBACK,
        )
    try:
        return _Builder(text).build()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        problem = " ".join(filter(None, (error.context, error.problem)))
        raise TextError(f"it is not valid YAML: {problem}", mark.line + 1 if mark else 1) from error
    except yaml.reader.ReaderError as error:
        line = len(BREAK.findall(text[: error.position])) + 1 if isinstance(error.position, int) else 1
        raise TextError(f"it is not valid YAML: {error.reason}", line) from error
    except (yaml.YAMLError, UnicodeError) as error:
        raise TextError(f"it is not valid YAML: {error}", 1) from error


class _Builder:
    """Turns the parser's events into a tree; without recursion, for texts of others may be deep."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.open: list[Node] = []
        self.root: Node | None = None
        self.known: dict[str, Node] = {}
        self.shapes: list[Shape] = []
        self.anchors: list[tuple[str, int]] = []
        self.aliases: list[tuple[str, int]] = []
        self.documents = 0
        self.content_end = len(text)

    def build(self) -> Tree:
        # Loaders differ in whether they count a byte order mark, which is no content.
        shift = 1 if self.text.startswith("\ufeff") else 0
        for event in yaml.parse(self.text[shift:], Loader=LOADER):
            self.take(event, shift)
        return Tree(self.text, self.root, self.content_end, self.shapes, self.anchors, self.aliases)

    def take(self, event: Any, shift: int) -> None:
        mark = event.start_mark
        if isinstance(event, yaml.NodeEvent):
            self.take_node(event, shift)
        elif isinstance(event, yaml.CollectionEndEvent):
            self.close(event, shift)
        elif isinstance(event, yaml.DocumentStartEvent):
            self.documents += 1
            if self.documents > 1:
                raise TextError("it has several YAML documents (---), of which only the first counts", _line(event))
        elif isinstance(event, yaml.DocumentEndEvent) and event.explicit:
            self.content_end = mark.index + shift

    def take_node(self, event: Any, shift: int) -> None:
        mark, end, name = event.start_mark, event.end_mark, event.anchor or ""
        node = Node("alias", mark.index + shift, end.index + shift, mark.line + 1, mark.column)
        node.first = len(self.shapes)
        if isinstance(event, yaml.AliasEvent):
            node.target = self.target(name, node.line)
            self.aliases.append((name, node.start))
        else:
            self.describe(node, event)
        self.shapes.append((node.kind, node.value, node.tag, node.plain, name))
        node.last = len(self.shapes)
        node.meaning = node.target.meaning if node.target else hash((node.value, node.tag, node.plain))
        self.put(node)
        if node.kind in ("mapping", "sequence"):
            self.open.append(node)

    def describe(self, node: Node, event: Any) -> None:
        node.anchor, node.tag = event.anchor or "", event.tag or ""
        if isinstance(event, yaml.ScalarEvent):
            node.kind, node.value, node.plain = "scalar", event.value, event.implicit[0]
            node.block = event.style in ("|", ">")
            if node.block:
                node.end = self.end_of_block(node)
            if node.plain and _NOT_JSON.fullmatch(node.value):
                raise TextError(f"with a value {node.value} in it the authenticator reads nothing", node.line)
        else:
            node.kind = "mapping" if isinstance(event, yaml.MappingStartEvent) else "sequence"
            node.block = not event.flow_style
        if node.anchor:
            self.known[node.anchor] = node
            self.anchors.append((node.anchor, node.start))

    def end_of_block(self, node: Node) -> int:
        """Empty lines after a scalar in block style are its own only where a + keeps them."""
        span = self.text[node.start : node.end]
        if "+" in BREAK.split(span, maxsplit=1)[0].partition("#")[0]:
            return node.end
        return node.start + len(span.rstrip(" \t\r\n\x85\u2028\u2029"))

    def target(self, name: str, line: int) -> Node:
        found = self.known.get(name)
        if found is None:
            raise TextError(f"it is not valid YAML: the alias *{name} has no anchor before it", line)
        if any(found is node for node in self.open):
            raise TextError(f"the anchor &{name} holds an alias of itself", line)
        return found

    def put(self, node: Node) -> None:
        if not self.open:
            self.root = node
            return
        parent = self.open[-1]
        if node.kind == "scalar" and node.empty:
            node.start = node.end = self.place_of_nothing(parent, node)
        parent.children.append(node)

    def place_of_nothing(self, parent: Node, node: Node) -> int:
        """Where a left-out value would stand; the parsers give places anywhere between it and what comes next."""
        children = parent.children
        if parent.kind == "mapping":
            if len(children) % 2 == 0:
                return node.start
            after = children[-1].end
            colon = _COLON.match(self.text, after)
            return colon.end() if colon else after
        if not parent.block:
            return node.start
        return after_dash(self.text, parent, children[-1] if children else None)

    def close(self, event: Any, shift: int) -> None:
        node = self.open.pop()
        self.shapes.append((f"end of {node.kind}", "", "", False, ""))
        node.last = len(self.shapes)
        node.meaning = hash((node.kind, node.tag, *(child.meaning for child in node.children)))
        if node.block:
            node.end = max([node.end, *(child.end for child in node.children[-2:])])
        else:
            node.end = event.end_mark.index + shift
        if node.kind == "mapping":
            _check_keys(node)


def after_dash(text: str, parent: Node, before: Node | None) -> int:
    """The place after the dash of the item of a block sequence that follows the item ``before``."""
    pattern, start = (_DASH, before.end) if before else (_FIRST_DASH, parent.start)
    dash = pattern.match(text, start)
    if not dash:
        raise TextError("its list has a form that cannot be edited", parent.line)
    return dash.end()


def _check_keys(node: Node) -> None:
    """Raise TextError for keys that cannot be JSON's: the authenticator turns the text into it, or drops all of it."""
    for key in node.children[::2]:
        if key.resolved.kind != "scalar" or key.resolved.is_null:
            raise TextError("with a key that is empty, a list or a mapping the authenticator reads nothing", key.line)


def _line(event: Any) -> int:
    line: int = event.start_mark.line + 1
    return line
