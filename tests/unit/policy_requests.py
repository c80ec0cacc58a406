# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""All requests of a small world made from two policies, to find one that they answer differently."""

from __future__ import annotations

import contextlib
import ipaddress
import itertools
import random
import re
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from functools import partial
from math import prod
from typing import Any, TypeVar

from tests.unit.policy_oracle import Principal, Request, answer, holds, is_principal, like, listed, principals

T = TypeVar("T")

FRESH_ACCOUNT = "999999999999"
MOST_CONTEXTS = 150
VARIABLE = re.compile(r"\$\{([^},]+)")
Context = dict[str, tuple[str, ...]]


def difference(one: Mapping[str, Any], other: Mapping[str, Any]) -> Request | None:
    """A request that two policies answer differently, or None where this world has none."""
    for request in requests([*listed(one["Statement"]), *listed(other["Statement"])]):
        if answer(one, request) != answer(other, request):
            return request
    return None


def requests(statements: list[Mapping[str, Any]]) -> Iterator[Request]:
    """One request of each kind that these statements could tell apart."""
    actions = _representatives(
        _actions(statements),
        lambda action: tuple(like(item.lower(), action.lower(), None) for item in _strings(statements, "Action")),
    )
    contexts = _contexts(statements)
    resources = None if any("${" in item for item in _strings(statements, "Resource")) else _resources(statements, {})
    for home in _partitions(statements):
        people = _representatives(_people(statements, home), partial(_recognised, statements, home))
        for context in contexts:
            for resource in resources or _resources(statements, context):
                for who, action in itertools.product(people, actions):
                    yield Request(who, action, resource, context, home)


def _representatives(candidates: Iterable[T], signature: Callable[[T], Hashable]) -> list[T]:
    """Of candidates that the policies cannot tell from one another, the first."""
    found: dict[Hashable, T] = {}
    for candidate in candidates:
        found.setdefault(signature(candidate), candidate)
    return list(found.values())


def _recognised(statements: list[Mapping[str, Any]], home: str, who: Principal) -> tuple[bool, ...]:
    request = Request(who, "", "", {}, home)
    return tuple(is_principal(item, request) for item in _principals(statements))


def _strings(statements: list[Mapping[str, Any]], name: str) -> list[str]:
    """What the element and its Not have anywhere, each once."""
    places = [statement.get(key, []) for statement in statements for key in (name, f"Not{name}")]
    return list(dict.fromkeys(item for place in places for item in listed(place)))


def _principals(statements: list[Mapping[str, Any]]) -> list[tuple[str, str]]:
    places = [statement.get(key, {}) for statement in statements for key in ("Principal", "NotPrincipal")]
    return list(dict.fromkeys(item for place in places for item in principals(place)))


def _instances(pattern: str) -> list[str]:
    """Texts that a pattern matches, some that it does not, and the pattern as plain text."""
    filled = [re.sub(r"[*?]", filling, pattern) for filling in ("", "x", "X/y", "a:b")]
    return [pattern, *filled, *(text.swapcase() for text in (pattern, filled[1])), f"{filled[1]}x", f"x{filled[1]}"]


def _actions(statements: list[Mapping[str, Any]]) -> list[str]:
    return [text for item in _strings(statements, "Action") for text in _instances(item)] + ["fresh:Action"]


def _partitions(statements: list[Mapping[str, Any]]) -> list[str]:
    named = {name.split(":")[1] for _kind, name in _principals(statements) if name.startswith("arn:")}
    return sorted(named) or ["aws"]


def _people(statements: list[Mapping[str, Any]], home: str) -> Iterator[Principal]:
    """Everybody whom the statements name, somebody else of each account, and strangers of each kind."""
    for kind, name in _principals(statements):
        for text in (name, name.swapcase()):
            if kind != "AWS":
                yield Principal(kind, text)
            elif text.startswith("arn:") and text.count(":") >= 5:
                _arn, partition, _service, _region, account, _rest = text.split(":", 5)
                yield Principal(kind, text, partition, account, f"NEW-ID-OF-{text}")
                yield _person(partition, account)
            elif re.fullmatch("[0-9]{12}", text):
                yield _person(home, text)
            else:
                yield Principal(kind, f"NEW-ARN-OF-{text}", home, FRESH_ACCOUNT, text)
    for partition in _partitions(statements):
        yield _person(partition, FRESH_ACCOUNT)
    for kind in ("Service", "Federated", "CanonicalUser"):
        yield Principal(kind, "fresh")


def _person(partition: str, account: str) -> Principal:
    return Principal("AWS", f"arn:{partition}:iam::{account}:user/fresh", partition, account, f"AIDA{account}")


def _resources(statements: list[Mapping[str, Any]], context: Context) -> list[str]:
    patterns = _strings(statements, "Resource")
    filled = [_filled(item, context) for item in patterns]
    texts = [text for item in (*patterns, *filled) for text in _instances(item)]
    return _representatives(
        dict.fromkeys([*texts, "arn:aws:fresh:::fresh"]),
        lambda text: tuple(like(item, text, None) for item in (*patterns, *filled)),
    )


def _filled(text: str, context: Context) -> str:
    """The text with the variables' values, for those that the context has."""
    return re.sub(
        r"\$\{([^},]+)(?:, '([^']*)')?\}",
        lambda found: found[1] if found[1] in "*?$" else (context.get(found[1].lower()) or (found[2] or "",))[0],
        text,
    )


def _contexts(statements: list[Mapping[str, Any]]) -> list[Context]:
    """Contexts with and without each key, with each value that may make a difference."""
    tests: dict[str, list[tuple[str, list[Any]]]] = {}
    for statement in statements:
        for name, keys in statement.get("Condition", {}).items():
            for key, values in keys.items():
                test = (name, listed(values))
                if repr(test) not in map(repr, tests.setdefault(key.lower(), [])):
                    tests[key.lower()].append(test)
    used = {key.lower() for statement in statements for key in VARIABLE.findall(str(statement)) if key not in "*?$"}
    choices: list[list[tuple[str, tuple[str, ...] | None]]] = []
    for key in sorted(tests.keys() | used):
        values = _values(tests.get(key, []))
        if key not in used and not VARIABLE.search(str(tests[key])):
            values = _representatives(values, partial(_outcomes, tests[key]))
        choices.append([(key, value) for value in values])
    every: Iterable[tuple[tuple[str, tuple[str, ...] | None], ...]] = itertools.product(*choices)
    if prod(map(len, choices)) > MOST_CONTEXTS:
        dice = random.Random(0)
        every = (tuple(map(dice.choice, choices)) for _ in range(MOST_CONTEXTS))
    return [{key: value for key, value in chosen if value is not None} for chosen in every]


def _outcomes(tests: list[tuple[str, list[Any]]], value: tuple[str, ...] | None) -> tuple[bool, ...]:
    return tuple(holds(name, [item], value, None) for name, wanted in tests for item in wanted) + tuple(
        holds(name, wanted, value, None) for name, wanted in tests
    )


def _values(tests: list[tuple[str, list[Any]]]) -> list[tuple[str, ...] | None]:
    """What a key may have in a request: nothing, null, one value or two."""
    texts = ["fresh", "true", "false"]
    for name, wanted in tests:
        for item in wanted:
            text = item if isinstance(item, str) else str(item).lower()
            texts += _near(name, text)
    texts = sorted(set(texts))
    sets = any(":" in name for name, _wanted in tests)
    pairs = list(itertools.combinations(texts, 2)) if sets else []
    return [None, (), *((text,) for text in texts), *pairs]


def _near(name: str, text: str) -> list[str]:
    """A text, and others that an operator may or may not take for it."""
    found = _instances(text)
    if "Numeric" in name and re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", text):
        found += [str(float(text) + step) for step in (-1, 0, 0.5, 1)]
    if "IpAddress" in name:
        found.append(text.partition("/")[0])
        with contextlib.suppress(ValueError):
            found.append(str(ipaddress.ip_network(text)[-1]))
    return found
