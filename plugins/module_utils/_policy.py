# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""IAM policy documents: read, checked, measured and written. They are compared in _policy_meaning.py."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from ansible_collections.ekspress.eks.plugins.module_utils._errors import EksError

VERSIONS = ("2012-10-17", "2008-10-17")
OLD_VERSION = "2008-10-17"
"""What a document without Version has; policy variables are plain text in it.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_version.html"""

ELEMENTS = frozenset({"Version", "Id", "Statement"})
STATEMENT_ELEMENTS = frozenset(
    {
        *("Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource"),
        "Condition",
    }
)
"""https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html"""

FORMS = {
    "Action": (re.compile(r"\*|[^:\s]+:[^:\s]+"), "SERVICE:ACTION, such as s3:GetObject"),
    "Resource": (re.compile(r"\*|[^:]+:.+", re.DOTALL), "an ARN"),
}
"""Of which IAM takes each string, or "*"; what a service knows of its own is not judged here.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_action.html
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html"""


def parse(document: Any, where: str) -> dict[str, Any]:
    """A policy document given as a dictionary or as JSON text, as a dictionary.

    Raises EksError, naming ``where``, for text that is not JSON and for documents that IAM can only refuse.
    """
    try:
        document = read(document)
    except ValueError as error:
        raise EksError(
            f"{where} is not JSON: {error}. Give the policy as a dictionary or as valid JSON text."
        ) from error
    if not isinstance(document, Mapping):
        raise EksError(f"{where} is {_kind(document)}, not a policy document: a dictionary with Version and Statement.")
    if "Version" not in document:
        raise EksError(
            f'{where} has no Version: add "Version": "2012-10-17" '
            "(without it IAM takes 2008-10-17, which knows no policy variables)."
        )
    if str(document["Version"]) not in VERSIONS:
        raise EksError(f"{where} has Version {document['Version']!r}; IAM knows {' and '.join(VERSIONS)}.")
    if not isinstance(document.get("Statement"), Mapping | list) or not document["Statement"]:
        raise EksError(f"{where} has no Statement: a policy needs at least one.")
    _check_elements(document, ELEMENTS, where)
    for number, statement in enumerate(statements(document), 1):
        _check_statement(statement, f"{where}, statement {number}")
    return {**document, "Version": str(document["Version"])}


def read(document: Any) -> Any:
    """What JSON text says; anything else as it is.

    Raises ValueError for text that is not JSON and for what Python would read though IAM does not: one name twice in an
    object, of which Python keeps the last, and numbers that JSON does not have.
    """
    if not isinstance(document, str):
        return document
    return json.loads(document, object_pairs_hook=_object, parse_constant=_no_number)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        names = [name for name, _value in pairs]
        twice = sorted({name for name in names if names.count(name) > 1})
        raise ValueError(f"{', '.join(twice)} is there twice in one object")
    return made


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is no number of JSON")


def _check_statement(statement: Any, where: str) -> None:
    if not isinstance(statement, Mapping):
        raise EksError(f"{where} is {_kind(statement)}, not a dictionary with Effect, Action and Resource.")
    _check_elements(statement, STATEMENT_ELEMENTS, where)
    if statement.get("Effect") not in ("Allow", "Deny"):
        raise EksError(f"{where} has Effect {statement.get('Effect')!r}; it must be Allow or Deny.")
    for name, (pattern, form) in FORMS.items():
        given = [key for key in (name, f"Not{name}") if statement.get(key)]
        if len(given) == 2:
            raise EksError(f"{where} has both {name} and Not{name}; give one of them.")
        if not given and name == "Action":
            raise EksError(f"{where} has no Action and no NotAction; give one of them.")
        for key in given:
            if not all(isinstance(item, str) for item in as_list(statement[key])):
                raise EksError(f"{where} has {key} {statement[key]!r}; it must be a string or a list of strings.")
            wrong = [item for item in as_list(statement[key]) if not pattern.fullmatch(item)]
            if wrong:
                raise EksError(f'{where} has {key} {wrong[0]!r}; it must be {form}, or "*".')
    _check_condition(statement.get("Condition", {}), where)


def _check_elements(given: Mapping[str, Any], known: frozenset[str], where: str) -> None:
    unknown = sorted(str(name) for name in given if name not in known)
    if unknown:
        raise EksError(f"{where} has {', '.join(unknown)}; IAM knows {', '.join(sorted(known))} there.")


def _check_condition(condition: Any, where: str) -> None:
    form = (
        'it has the form {"OPERATOR": {"KEY": VALUE}}, with a VALUE that is a string, number, boolean or list of them'
    )
    if not isinstance(condition, Mapping):
        raise EksError(f"{where} has Condition {condition!r}; {form}.")
    for operator, keys in condition.items():
        values = [as_list(value) for value in keys.values()] if isinstance(keys, Mapping) else [[None]]
        if not all(isinstance(item, str | int | float) for some in values for item in some):
            raise EksError(f"{where} has Condition {operator} {keys!r}; {form}.")


def require_resources(document: Mapping[str, Any], where: str) -> None:
    """Raise EksError unless every statement is one of an identity's policy: with Resource, without Principal."""
    for number, statement in enumerate(statements(document), 1):
        if not (statement.get("Resource") or statement.get("NotResource")):
            raise EksError(f"{where}, statement {number} has no Resource and no NotResource; give one of them.")
        if "Principal" in statement or "NotPrincipal" in statement:
            raise EksError(
                f"{where}, statement {number} has a Principal: a role's own policies have none, "
                "for the role is the principal. Who may assume the role follows from service_accounts."
            )


def statements(document: Mapping[str, Any]) -> list[Any]:
    """The statements of a document, in order; one statement may be written without a list."""
    found = document.get("Statement")
    return list(found) if isinstance(found, list) else [found]


def as_list(value: Any) -> list[Any]:
    """The values of an element that may be written as one value or as a list."""
    return list(value) if isinstance(value, list | tuple) else [value]


def to_json(document: Mapping[str, Any]) -> str:
    """The document as it is sent to IAM: in its own order, without white space, each character as itself."""
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False)


def size(document: Mapping[str, Any]) -> int:
    """Characters that count against IAM's quotas: all but white space.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
    """
    return sum(not character.isspace() for character in to_json(document))


def _kind(value: Any) -> str:
    return "empty" if value is None else f"a {type(value).__name__}"
