# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Texts of mapRoles as people and tools write them: every style of YAML, mixed.

A text comes as pieces, each with its owner, so that a test can say which pieces must stay as they are.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

ROLES = [f"arn:aws:iam::111122223333:role/{name}" for name in ("admin", "Nodes", "ci", "dev.ops@x", "a=b,c", "zz")]
USERNAMES = [
    "admin",
    "system:node:{{EC2PrivateDNSName}}",
    "ümläut 😀",
    'it\'s "quoted" \\ #',
    "a: b",
    "- x",
    "no",
    "123",
]
GROUPS = [
    "system:masters",
    "system:nodes",
    "system:bootstrappers",
    "dev",
    "yes",
    "0x1F",
    "2001-01-01",
    "a, b",
    "*x",
    "é",
]

COMMENT = st.sampled_from(["# a comment", "#", "# - rolearn: old", "# 'quote \" [ {", "# ünï 😀"])
PIECES = "kept"
"""Owner of what belongs to nobody and must stay."""
GLUE = ""
"""Owner of separators, which may go with an entry."""


@dataclass
class Text:
    """A text and its pieces (owner, text); an entry's owner is its ARN in small letters."""

    pieces: list[tuple[str, str]]
    listed: bool = True
    """Whether there is a list that may be empty, but is there."""

    def __repr__(self) -> str:
        return f"Text({str(self)!r})"

    def __str__(self) -> str:
        return "".join(text for _, text in self.pieces)

    def keeps(self, text: str, touched: set[str]) -> bool:
        """Whether ``text`` still has all pieces, in order and unchanged, but those of the ARNs that were touched."""
        place = 0
        kept = [piece for owner, piece in self.pieces if piece and owner != GLUE and owner not in touched]
        if kept and not str(self).endswith("\n"):
            # What is left of a text that ends without a line break does too.
            kept = [*kept[:-1], kept[-1].rstrip("\r\n")]
        for piece in kept:
            place = text.find(piece, place)
            if place < 0:
                return False
            place += len(piece)
        return True


@dataclass(frozen=True)
class Style:
    column: int
    key_offset: int
    group_offset: int
    line_break: str


@st.composite
def scalars(draw: DrawFn, value: str, *, flow: bool = False) -> str:
    """A value, quoted in some way; plain where that is the same text."""
    ways = ["double"]
    if "\\" not in value:
        ways.append("json")
    ways.append("single")
    if value[0].isalpha() and not set(value) & set("#,{}[]\"'") and ": " not in value:
        ways += ["plain", "plain"]
    way = draw(st.sampled_from(ways))
    if way == "single":
        return "'" + value.replace("'", "''") + "'"
    if way == "plain" and (not flow or "{" not in value):
        return value
    return json.dumps(value, ensure_ascii=way == "json" and all(ord(letter) < 0x10000 for letter in value))


ENTRY = st.tuples(
    st.sampled_from(ROLES),
    st.sampled_from(USERNAMES),
    st.lists(st.sampled_from(GROUPS), max_size=3, unique=True),
    st.sampled_from(["", "", "userid: AROAEXAMPLE", "team: {name: x, on: [1, 2]}", "note: |\n  kept\n   as it is\n"]),
)


@st.composite
def flow_entries(draw: DrawFn, entry: tuple[str, str, list[str], str]) -> str:
    """An entry in braces."""
    arn, username, groups, more = entry
    arn = draw(st.sampled_from([arn, arn, arn.upper().replace("ARN:AWS:IAM", "arn:aws:iam")]))
    if draw(st.booleans()):
        return json.dumps({"rolearn": arn, "username": username, "groups": groups}, ensure_ascii=False)
    items = [draw(scalars(group, flow=True)) for group in groups]
    pairs = [
        f"rolearn: {draw(scalars(arn, flow=True))}",
        f"username: {draw(scalars(username, flow=True))}",
        f"groups: [{draw(st.sampled_from([', ', ', ', ' , '])).join(items)}"
        + (", ]" if draw(st.booleans()) and items else "]"),
    ]
    if more and "\n" not in more:
        pairs.append(more)
    return (
        "{"
        + draw(st.sampled_from([", ", " , "])).join(draw(st.permutations(pairs)))
        + draw(st.sampled_from(["}", " }", ",}"]))
    )


@st.composite
def block_entries(draw: DrawFn, entry: tuple[str, str, list[str], str], style: Style) -> list[str]:
    """The lines of an entry, one key after the other, its comments included."""
    arn, username, groups, more = entry
    keys = [[f"rolearn: {draw(scalars(arn))}"], [f"username: {draw(usernames(username))}"]]
    if draw(st.booleans()) or groups:
        keys.append(draw(group_lines(groups, style)))
    if more:
        lines = more.rstrip("\n").split("\n")
        keys.append(lines)
    lines = []
    for key in draw(st.permutations(keys)):
        single = len(key) == 1 and "\n" not in key[0]
        tail = draw(st.sampled_from(["", "", "", "  # why", " "])) if single else ""
        lines += [key[0] + tail, *key[1:]]
        if single and lines and draw(st.integers(0, 9)) == 0:
            lines.append(draw(COMMENT))
    inner = " " * (style.column + style.key_offset)
    flat = [part for line in lines for part in line.split("\n")]
    return [" " * style.column + "-" + " " * (style.key_offset - 1) + flat[0], *(inner + line for line in flat[1:])]


@st.composite
def usernames(draw: DrawFn, value: str) -> str:
    if draw(st.integers(0, 7)) == 0 and value.isascii() and ": " not in value and value[0].isalpha():
        return draw(st.sampled_from([f"|-\n  {value}", f">-\n    {value}", f"\n  {json.dumps(value)}"]))
    if draw(st.integers(0, 9)) == 0:
        return draw(st.sampled_from(["123", "~", "true", "!!str yes", "&NAME anchored"]))
    return draw(scalars(value))


@st.composite
def group_lines(draw: DrawFn, groups: list[str], style: Style) -> list[str]:
    if not groups:
        return [draw(st.sampled_from(["groups: []", "groups:", "groups: ~", "groups: [ ]"]))]
    items = [draw(scalars(group, flow=True)) for group in groups]
    if draw(st.integers(0, 3)) == 0:
        return [f"groups: [{', '.join(items)}]"]
    lines = ["groups:" + draw(st.sampled_from(["", "", "  # these"]))]
    for item in items:
        lines.append(" " * style.group_offset + "- " + item + draw(st.sampled_from(["", "", " # one"])))
        if draw(st.integers(0, 9)) == 0:
            lines.append(" " * style.group_offset + draw(COMMENT))
    return lines


@st.composite
def block_texts(draw: DrawFn) -> Text:
    """A list with a dash for each entry."""
    style = Style(
        draw(st.sampled_from([0, 0, 0, 2, 3])),
        draw(st.sampled_from([2, 2, 4])),
        draw(st.sampled_from([0, 2, 2, 4])),
        draw(st.sampled_from(["\n", "\n", "\r\n"])),
    )
    head = draw(st.sampled_from(["", "", "---\n", "# head\n", "\n", "%YAML 1.1\n--- # top\n", "\ufeff"]))
    pieces = [(PIECES, head.replace("\n", style.line_break))]
    for entry in draw(st.lists(ENTRY, min_size=1, max_size=5)):
        owner = entry[0].lower()
        if draw(st.integers(0, 4)) == 0:
            indentation = " " * draw(st.integers(0, 4))
            pieces.append((PIECES, indentation + draw(COMMENT) + style.line_break))
        if draw(st.integers(0, 5)) == 0:
            lines = [" " * style.column + "- " + draw(flow_entries(entry)) + draw(st.sampled_from(["", " # one line"]))]
        else:
            lines = draw(block_entries(entry, style))
        name = f"&a{len(pieces)}"
        pieces.append((owner, "".join(line.replace("&NAME", name) + style.line_break for line in lines)))
        if draw(st.integers(0, 5)) == 0:
            pieces.append((PIECES, style.line_break))
    tail = draw(st.sampled_from(["", "", "", "# tail\n", "\n\n", "...\n", "# tail without a break"]))
    pieces.append((PIECES, tail.replace("\n", style.line_break)))
    text = Text(pieces)
    owner, last = pieces[-2]
    # With a break after it, a block scalar at the very end would be another text.
    if not tail and "note" not in last and draw(st.booleans()):
        pieces[-2] = (owner, last.removesuffix(style.line_break))
    return text


@st.composite
def flow_texts(draw: DrawFn) -> Text:
    """A list in brackets, JSON among them."""
    entries = draw(st.lists(ENTRY, max_size=4))
    if draw(st.booleans()):
        data = [{"rolearn": arn, "username": name, "groups": groups} for arn, name, groups, _ in entries]
        # YAML knows no pairs of escapes for one character, so no reader of aws-auth takes those of JSON.
        return whole(data, json.dumps(data, indent=draw(st.sampled_from([None, 2])), ensure_ascii=False))
    apart = draw(st.sampled_from([", ", ",", " ,\n  ", ",\n  ", ",\r\n  "]))
    pieces = [(PIECES, draw(st.sampled_from(["[", "[ ", "[\n  ", "--- [", "# head\n[\n  "])))]
    for number, entry in enumerate(entries):
        if number:
            pieces.append((GLUE, apart))
        pieces.append((entry[0].lower(), draw(flow_entries(entry))))
    if draw(st.booleans()) and entries:
        pieces.append((GLUE, ","))
        pieces.append((PIECES, draw(st.sampled_from(["", " # last\n"]))))
    pieces.append((GLUE, draw(st.sampled_from(["", " ", "\n"]))))
    pieces.append((PIECES, draw(st.sampled_from(["]", "]\n", "] # tail\n", "]\n# tail"]))))
    return Text(pieces)


def whole(data: Sequence[Mapping[str, object]], text: str) -> Text:
    """JSON of a program: cut at the entries where they are found."""
    pieces: list[tuple[str, str]] = []
    place = 0
    for item in data:
        start = text.index("{", place)
        _, end = json.JSONDecoder().raw_decode(text, start)
        pieces += [(GLUE, text[place:start]), (str(item["rolearn"]).lower(), text[start:end])]
        place = end
    return Text([*pieces, (GLUE, text[place:])])


NOTHING = st.sampled_from(
    [
        "",
        "\n",
        " \r\n",
        "''",
        '""',
        "``",
        "# none\n",
        "# none",
        "---\n",
        "---",
        "--- # x\n...\n",
        "null",
        "~\n",
        "null # x\n",
    ]
).map(
    lambda text: (
        Text(
            [
                (GLUE if "null" in line else PIECES, line)
                for line in text.splitlines(keepends=True)
                if line[0] in "#-.n"
            ],
            listed=False,
        )
        if text.strip()[:1] in ("#", "-", "n")
        else Text([(GLUE, text)], listed=False)
    )
)
EMPTY = st.sampled_from(
    ["[]", "[]\n", "  []\r\n", "[ ]", "[] # none yet\n", "--- []\n", "[\n]\n", "# head\n[]\n# tail"]
).map(lambda text: Text([(GLUE, text)]))
TEXTS = st.one_of(block_texts(), block_texts(), flow_texts(), NOTHING, EMPTY)
