# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Policies to draw, other forms of a policy, and policies that differ from it a little."""

from __future__ import annotations

import copy
import itertools
import json
import re
from collections.abc import Callable, Iterator
from typing import Any

from hypothesis import strategies as st

from tests.unit.policy_oracle import listed

Document = dict[str, Any]
Draw = Callable[..., Any]

ACTIONS = ["s3:GetObject", "s3:getObject", "s3:Get*", "sts:AssumeRole", "*"]
RESOURCES = ["arn:aws:s3:::one/*", "arn:aws:s3:::One/*", "arn:aws:s3:::one/${aws:username}", "*"]
ROOT = "arn:aws:iam::111122223333:root"
PRINCIPALS: list[Any] = [
    "*",
    {"AWS": "*"},
    {"AWS": "111122223333"},
    {"AWS": [ROOT, "arn:aws:iam::444455556666:role/x"]},
    {"AWS": ["arn:aws-cn:iam::444455556666:root", "AROAEXAMPLEEXAMPLE123"]},
    {"Service": ["ec2.amazonaws.com", "pods.eks.amazonaws.com"]},
    {"Federated": "arn:aws:iam::111122223333:oidc-provider/example.com", "AWS": "111122223333"},
]
KEYS = ["aws:PrincipalTag/Team", "aws:TagKeys"]
VALUES: dict[str, list[Any]] = {
    "StringEquals": ["a", "A", "a*", "true", True, 3600, "3600", "3600.0", "${aws:username}"],
    "StringNotEquals": ["a", "A", 3600, "3600.0"],
    "StringEqualsIgnoreCase": ["a", "A", "b"],
    "StringLike": ["a*", "A*", "?", "*"],
    "StringNotEqualsIfExists": ["a", "A"],
    "ForAllValues:StringLike": ["a*", "A", "b"],
    "ForAnyValue:StringEquals": ["a", "A", "b"],
    "ForAnyValue:StringNotEquals": ["a", "b"],
    "NumericEquals": [3600, "3600", "3600.0", 3600.0, 3600.5, "3601"],
    "NumericLessThanIfExists": [3600, "3600.0", "3601"],
    "Bool": [True, "true", False, "false"],
    "Null": [True, "true", "false"],
    "DateGreaterThan": ["2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"],
    "IpAddress": ["10.0.0.0/8", "10.0.0.1", "10.0.0.1/32"],
    "ArnLike": ["arn:aws:iam::111122223333:role/*", "arn:aws:iam::111122223333:role/x", "arn:aws:iam::*:role/x"],
}


def one_or_list(values: list[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(st.sampled_from(values), st.lists(st.sampled_from(values), min_size=1, max_size=3))


@st.composite
def conditions(draw: st.DrawFn) -> Document:
    operators = draw(st.lists(st.sampled_from(sorted(VALUES)), max_size=2, unique=True))
    return {
        name: draw(st.dictionaries(st.sampled_from(KEYS), one_or_list(VALUES[name]), min_size=1)) for name in operators
    }


@st.composite
def statements(draw: st.DrawFn) -> Document:
    statement: Document = {"Effect": draw(st.sampled_from(["Allow", "Deny"]))}
    statement[draw(st.sampled_from(["Action", "NotAction"]))] = draw(one_or_list(ACTIONS))
    statement[draw(st.sampled_from(["Resource", "NotResource"]))] = draw(one_or_list(RESOURCES))
    if draw(st.booleans()):
        statement[draw(st.sampled_from(["Principal", "NotPrincipal"]))] = draw(st.sampled_from(PRINCIPALS))
    if draw(st.booleans()):
        statement["Condition"] = draw(conditions())
    if draw(st.booleans()):
        statement["Sid"] = draw(st.sampled_from(["One", "Two"]))
    return statement


@st.composite
def policies(draw: st.DrawFn) -> Document:
    version = draw(st.sampled_from(["2012-10-17", "2012-10-17", "2008-10-17", None]))
    return {
        **({"Version": version} if version else {}),
        "Statement": draw(st.lists(statements(), min_size=1, max_size=2)),
    }


def rewritten(draw: Draw, policy: Document) -> Any:
    """The same policy in another form."""

    def chance() -> bool:
        return bool(draw(st.booleans()))

    def shuffled(value: Any, form: Callable[[Any], Any]) -> Any:
        items = [form(item) for item in listed(value)]
        items = draw(st.permutations([*items, form(draw(st.sampled_from(listed(value))))]) if items else st.just([]))
        alike = len({json.dumps(item) for item in items}) == 1
        return items[0] if alike and chance() else items

    def recased(text: str) -> str:
        return text.swapcase() if chance() else text

    def quoted(value: Any) -> Any:
        return json.dumps(value) if isinstance(value, bool | int) and chance() else value

    def counted(value: Any) -> Any:
        text = value if isinstance(value, str) else json.dumps(value)
        whole = re.fullmatch(r"([0-9]+)(\.0+)?", text)
        choices = [value, text, f"{whole[1]}.00", whole[1], int(whole[1]), float(whole[1])] if whole else [value, text]
        return draw(st.sampled_from(choices))

    def account(name: str) -> str:
        if name == "111122223333" and "aws-cn" not in json.dumps(policy):
            return ROOT if chance() else name
        return "111122223333" if name == ROOT and "aws-cn" not in json.dumps(policy) and chance() else name

    def values(name: str, value: Any) -> Any:
        if "Numeric" in name:
            return shuffled(value, counted)
        return shuffled(value, lambda item: recased(item) if "IgnoreCase" in name else quoted(item))

    def element(name: str, value: Any) -> Any:
        match name.removeprefix("Not"):
            case "Action":
                return shuffled(value, recased)
            case "Resource":
                return shuffled(value, str)
            case "Principal" if isinstance(value, dict):
                return {kind: shuffled(value[kind], account if kind == "AWS" else str) for kind in reordered(value)}
            case "Condition":
                return {
                    operator: {
                        recased(key): values(operator, value[operator][key]) for key in reordered(value[operator])
                    }
                    for operator in reordered(value)
                }
        return value

    def reordered(items: Any) -> list[Any]:
        return list(draw(st.permutations(list(items))))

    def statement(old: Document) -> Document:
        made = {name: element(name, old[name]) for name in reordered(old) if name != "Sid"}
        return made if "Condition" in made or chance() else {**made, "Condition": {}}

    made = reordered([*map(statement, policy["Statement"]), statement(draw(st.sampled_from(policy["Statement"])))])
    document = {**policy, "Statement": made, "Id": "other"}
    if "Version" not in policy and chance():
        document["Version"] = "2008-10-17"
    document = {name: document[name] for name in reordered(document)}
    return json.dumps(document, indent=2) if chance() else document


def neighbours(policy: Document) -> Iterator[Document]:
    """Every policy that is one small step away; some mean the same, most do not."""
    for path in _paths(policy):
        found = _at(policy, path)
        for other in _others(path, found):
            yield _with(policy, path, other)
    for first, second in itertools.pairwise(listed(policy["Statement"])):
        for name in sorted(set(first) & set(second)):
            swapped = [{**first, name: second[name]}, {**second, name: first[name]}]
            yield {**policy, "Statement": swapped}


def _paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    for key in value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
        yield from _paths(value[key], (*path, key))


def _at(value: Any, path: tuple[Any, ...]) -> Any:
    for key in path:
        value = value[key]
    return value


def _with(policy: Document, path: tuple[Any, ...], value: Any) -> Document:
    made = copy.deepcopy(policy)
    if not path:
        return dict(value)
    _at(made, path[:-1])[path[-1]] = copy.deepcopy(value)
    return made


def _others(path: tuple[Any, ...], value: Any) -> Iterator[Any]:
    """What may stand in a value's place, within IAM's grammar."""
    place = [key for key in path if isinstance(key, str)]
    if isinstance(value, dict):
        yield from _other_dictionaries(place, value)
    elif isinstance(value, list):
        if len(value) > 1:
            yield from (value[:number] + value[number + 1 :] for number in range(len(value)))
            yield value[0]
        if place[-1:] != ["Statement"]:
            yield []
    elif place[-1] == "Version":
        yield from ("2012-10-17", "2008-10-17")
    elif place[-1] == "Effect":
        yield {"Allow": "Deny", "Deny": "Allow"}[value]
    elif place[-1] in ("Principal", "NotPrincipal"):
        yield {"AWS": value}
    elif place[-1] != "Sid":
        yield from _other_values(place, value)


RENAMED = {
    name: other
    for one in ("Action", "Resource", "Principal")
    for name, other in ((one, f"Not{one}"), (f"Not{one}", one))
}
OPERATOR_TAILS = {"Equals": "NotEquals", "Like": "Equals", "NotEquals": "Equals", "EqualsIgnoreCase": "Equals"}


def _other_dictionaries(place: list[str], value: Document) -> Iterator[Document]:
    for name in value:
        rest = {key: item for key, item in value.items() if key != name}
        if name not in ("Statement", "Effect", "Action", "NotAction"):
            yield rest
        for other in _other_names(place, name):
            if other not in value:
                yield {**rest, other: value[name]}
                if place[-2:-1] == ["Condition"]:
                    yield {**value, other: value[name]}


def _other_names(place: list[str], name: str) -> Iterator[str]:
    if name in RENAMED:
        yield RENAMED[name]
    if place[-1:] == ["Condition"]:
        plain = name.rpartition(":")[2].removesuffix("IfExists")
        if plain != "Null":
            yield from (plain, f"{plain}IfExists", f"ForAllValues:{plain}", f"ForAnyValue:{plain}")
        yield from (f"String{tail}" for tail in ("Equals", "NotEquals", "Like", "EqualsIgnoreCase"))
        yield from ("NumericEquals", "NumericLessThanEquals", "Bool", "Null", "ArnLike")
    elif place[-2:-1] == ["Condition"]:
        yield from (*KEYS, name.swapcase(), f"{name}x")
    elif place[-1:] in (["Principal"], ["NotPrincipal"]):
        yield from ("AWS", "Service", "Federated")


def _other_values(place: list[str], value: Any) -> Iterator[Any]:
    in_condition = "Condition" in place
    text = value if isinstance(value, str) else json.dumps(value)
    yield from (text, text.swapcase(), f"{text}x", f"{text}*", [value, "fresh"], [value])
    yield text.replace("*", "").replace("?", "") or "x"
    yield re.sub(r"^arn:aws[a-z-]*:", "arn:aws-us-gov:", text)
    if "AWS" in place:
        yield from (re.sub(r"^arn:.*::([0-9]{12}):root$", r"\1", text), f"arn:aws:iam::{text[:12]}:root", "*")
        yield from ("AROAEXAMPLEEXAMPLE124", "arn:aws:iam::444455556666:role/x", "arn:aws:iam::444455556666:role/X")
    if in_condition:
        yield from (
            True,
            "True",
            3600,
            "3600",
            3600.0,
            "3600.0",
            3600.5,
            "3600.5",
            "03600",
            "3.6e3",
            "",
            "null",
            "${aws:username}",
        )
