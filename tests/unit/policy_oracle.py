# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What IAM answers to a request under one policy, worked out slowly and by the letter of AWS's documents.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-single-vs-multi-valued-context-keys.html
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html

It shares nothing with the code under test.
"""

from __future__ import annotations

import base64
import functools
import ipaddress
import json
import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any


@dataclass(frozen=True)
class Principal:
    """Who asks: a service, a federated provider, or a user, role or root user (kind AWS) of an account."""

    kind: str
    name: str
    partition: str = ""
    account: str = ""
    unique_id: str = ""


@dataclass(frozen=True)
class Request:
    principal: Principal
    action: str
    resource: str
    context: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Keys in small letters; one that is not there is not in the request, one without values is null."""
    home: str = "aws"
    """The partition of what the policy belongs to: an account ID alone is of that one."""


class Unresolved(Exception):
    """A policy variable has no value, so its statement is invalid."""


def answer(policy: Mapping[str, Any], request: Request) -> str:
    """Deny, Allow or nothing: nothing is allowed unless a statement does so, and a denial wins over all."""
    variables = request.context if policy.get("Version") == "2012-10-17" else None
    effects = {item["Effect"] for item in listed(policy["Statement"]) if applies(item, request, variables)}
    return "Deny" if "Deny" in effects else "Allow" if "Allow" in effects else "nothing"


def applies(statement: Mapping[str, Any], request: Request, variables: Mapping[str, tuple[str, ...]] | None) -> bool:
    """Whether a statement is about a request: all of its elements must be, and all of its variables have values."""

    def about(name: str, value: Any, matches: Callable[[Any], bool]) -> bool:
        for element, wanted in ((name, True), (f"Not{name}", False)):
            if element in statement:
                found = [matches(item) for item in value(statement[element])]
                return any(found) is wanted
        return True

    try:
        return all(
            [
                about("Principal", principals, lambda item: is_principal(item, request)),
                about("Action", listed, lambda item: like(item.lower(), request.action.lower(), None)),
                about("Resource", listed, lambda item: like(item, request.resource, variables)),
                *(
                    holds(name, values, request.context.get(key.lower()), variables)
                    for name, keys in statement.get("Condition", {}).items()
                    for key, values in keys.items()
                ),
            ]
        )
    except Unresolved:
        return False


def listed(value: Any) -> list[Any]:
    """One value may stand without a list."""
    return value if isinstance(value, list) else [value]


def principals(value: Any) -> list[tuple[str, str]]:
    """The kinds and names of a Principal element; the kind * is anybody of any kind."""
    if value == "*":
        return [("*", "*")]
    return [(kind, name) for kind, names in value.items() for name in listed(names)]


def is_principal(item: tuple[str, str], request: Request) -> bool:
    kind, name = item
    who = request.principal
    if kind == "*":
        return True
    if kind != who.kind:
        return False
    if name in ("*", who.name):
        return True
    if name == who.account:
        return who.partition == request.home
    return name in (f"arn:{who.partition}:iam::{who.account}:root", who.unique_id)


def like(pattern: str, text: str, variables: Mapping[str, tuple[str, ...]] | None) -> bool:
    """Whether text is as the pattern says, with * for any characters and ? for one."""
    return bool(re.fullmatch(expression(pattern, variables, wild=True), text, re.DOTALL))


def expression(pattern: str, variables: Mapping[str, tuple[str, ...]] | None, *, wild: bool) -> str:
    """The regular expression of a pattern, its variables replaced by their values, which are no patterns."""
    if variables is None:
        return plain_expression(pattern, wild)
    return "".join(
        re.escape(resolved(part[2:-1], variables)) if part.startswith("${") else plain_expression(part, wild)
        for part in re.split(r"(\$\{[^}]*\})", pattern)
    )


@functools.cache
def plain_expression(pattern: str, wild: bool) -> str:
    if not wild:
        return re.escape(pattern)
    return "".join({"*": ".*", "?": "."}.get(part, re.escape(part)) for part in re.split(r"([*?])", pattern))


def resolved(name: str, variables: Mapping[str, tuple[str, ...]]) -> str:
    if name in ("*", "?", "$"):
        return name
    key, comma, default = name.partition(", ")
    values = variables.get(key.lower()) or ()
    if len(values) == 1:
        return values[0]
    if comma and not values:
        return default.strip("'")
    raise Unresolved(name)


def holds(
    name: str, wanted: Any, actual: tuple[str, ...] | None, variables: Mapping[str, tuple[str, ...]] | None
) -> bool:
    """Whether one key's condition holds for its values in the request."""
    texts = [value if isinstance(value, str) else json.dumps(value) for value in listed(wanted)]
    if name == "Null":
        return ("false" if actual else "true") in texts
    quantifier, _colon, plain = name.rpartition(":")
    plain, if_exists = plain.removesuffix("IfExists"), plain.endswith("IfExists")
    negated, plain = "Not" in plain, plain.replace("Not", "")
    if not actual:
        if if_exists or quantifier == "ForAllValues":
            return True
        return negated and not quantifier
    found = [[matches(plain, text, value, variables) for text in texts] for value in actual]
    right = [any(some) != negated for some in found]
    return all(right) if quantifier == "ForAllValues" else any(right)


def matches(name: str, wanted: str, actual: str, variables: Mapping[str, tuple[str, ...]] | None) -> bool:
    """Whether one value of the request is as one value of the policy says, under an operator that is not negated."""
    if name in TEXTUAL:
        return TEXTUAL[name](wanted, actual, variables)
    for family, value_of in VALUES.items():
        if name.startswith(family):
            try:
                return bool(COMPARISONS[name.removeprefix(family)](value_of(actual), value_of(wanted)))
            except (ValueError, ArithmeticError):
                return False
    raise AssertionError(f"IAM has no operator {name}")


def string_equals(wanted: str, actual: str, variables: Mapping[str, tuple[str, ...]] | None) -> bool:
    return bool(re.fullmatch(expression(wanted, variables, wild=False), actual))


def string_equals_ignore_case(wanted: str, actual: str, variables: Mapping[str, tuple[str, ...]] | None) -> bool:
    return bool(re.fullmatch(expression(wanted, variables, wild=False), actual, re.IGNORECASE))


def arn_like(wanted: str, actual: str, variables: Mapping[str, tuple[str, ...]] | None) -> bool:
    """Each of the six parts between colons by itself."""
    parts, given = wanted.split(":", 5), actual.split(":", 5)
    return len(parts) == len(given) and all(like(one, two, variables) for one, two in zip(parts, given, strict=True))


def in_block(wanted: str, actual: str, _variables: Any) -> bool:
    try:
        return ipaddress.ip_address(actual) in ipaddress.ip_network(wanted)
    except ValueError:
        return False


def moment(text: str) -> Decimal:
    """Seconds since 1970, of a date of ISO 8601 or of such seconds."""
    if re.fullmatch(r"[0-9]+", text):
        return Decimal(text)
    return Decimal(str(datetime.fromisoformat(text).timestamp()))


TEXTUAL: dict[str, Callable[[str, str, Any], bool]] = {
    "StringEquals": string_equals,
    "StringEqualsIgnoreCase": string_equals_ignore_case,
    "StringLike": like,
    "ArnEquals": arn_like,
    "ArnLike": arn_like,
    "IpAddress": in_block,
    "Bool": lambda wanted, actual, _variables: wanted == actual,
    "BinaryEquals": lambda wanted, actual, _variables: base64.b64decode(wanted) == base64.b64decode(actual),
}
VALUES: dict[str, Callable[[str], Decimal]] = {"Numeric": Decimal, "Date": moment}
COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "Equals": operator.eq,
    "LessThan": operator.lt,
    "LessThanEquals": operator.le,
    "GreaterThan": operator.gt,
    "GreaterThanEquals": operator.ge,
}
