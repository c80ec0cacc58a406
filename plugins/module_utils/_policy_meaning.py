# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""IAM policy documents compared by what they mean instead of how they are written.

Two documents are the same here only where every request gets the same answer from both. These differences of form are
looked through, each by the document it names:

- order and repetition, of statements as of values; one value or a list of it
  https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
- Sid and Id, which decide nothing; a Condition without any operator, as the console writes it
- case of actions: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_action.html
- case of condition keys: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition.html
- case of the values of operators that ignore it, and how the numbers of numeric operators are written
  https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
- quotes around the numbers and booleans of conditions, which the grammar calls optional
- ``arn:PARTITION:iam::ID:root`` and the account ID, as long as there is one partition that the ID can belong to
  https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html#principal-accounts

Everything else counts as a difference, also what may well mean the same: a doubt costs one write more, and never leaves
a policy that is wrong. So these differ:

- the two versions, of which the newer has more features "such as policy variables", not all of them told
  https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_version.html
- ``"*"`` and ``{"AWS": "*"}`` as Principal, equivalent "for anonymous users" only, and not in trust policies:
  https://registry.terraform.io/providers/hashicorp/aws/latest/docs/data-sources/iam_policy_document#wildcard-principals
- the unique ID (AROA…, AIDA…) that IAM shows for a deleted role or user, and the ARN of a new one of its name
- case of anything else, condition operators and "True" for "true" included
- ways to say one thing in other words: dates, CIDR blocks, patterns, ArnEquals for ArnLike, statements joined or split
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ansible_collections.ekspress.eks.plugins.module_utils._policy import OLD_VERSION, as_list, read, statements

ACTIONS = frozenset({"Action", "NotAction"})
RESOURCES = frozenset({"Resource", "NotResource"})
PRINCIPALS = frozenset({"Principal", "NotPrincipal"})

SET_OPERATORS = ("ForAllValues:", "ForAnyValue:")
IF_EXISTS = "IfExists"
IGNORING_CASE = frozenset({"StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase"})
NUMERIC = frozenset(
    {
        *("NumericEquals", "NumericNotEquals", "NumericLessThan", "NumericLessThanEquals"),
        *("NumericGreaterThan", "NumericGreaterThanEquals"),
    }
)

_ARN = re.compile(r"arn:([^:]+):")
_ACCOUNT_ROOT = re.compile(r"arn:[a-z0-9-]+:iam::([0-9]{12}):root")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?")


def same(one: Any, other: Any) -> bool:
    """Whether two documents (dictionaries or JSON text, or None for none) have the same meaning.

    Raises ValueError for text that is not JSON.
    """
    if one is None or other is None:
        return one is other
    one, other = read(one), read(other)
    ids_are_clear = len({*_partitions(one), *_partitions(other)}) <= 1
    return bool(_document(one, ids_are_clear) == _document(other, ids_are_clear))


def _partitions(document: Any) -> Iterator[str]:
    """The partitions of the principals that a document names by ARN."""
    if not isinstance(document, Mapping):
        return
    for statement in statements(document):
        for name in PRINCIPALS if isinstance(statement, Mapping) else ():
            value = statement.get(name)
            for items in value.values() if isinstance(value, Mapping) else ():
                arns = (_ARN.match(item) for item in as_list(items) if isinstance(item, str))
                yield from (arn[1] for arn in arns if arn)


def _document(document: Any, ids_are_clear: bool) -> Any:
    """A form that two documents have in common where they have one meaning; so for all parts of them below."""
    if not isinstance(document, Mapping):
        return _as_written(document)
    return (
        _as_written(document.get("Version", OLD_VERSION)),
        frozenset(_statement(statement, ids_are_clear) for statement in statements(document)),
        frozenset((name, _as_written(document[name])) for name in set(document) - {"Version", "Id", "Statement"}),
    )


def _statement(statement: Any, ids_are_clear: bool) -> Any:
    if not isinstance(statement, Mapping):
        return _as_written(statement)
    return frozenset(
        (name, _element(name, value, ids_are_clear))
        for name, value in statement.items()
        if name != "Sid" and not (name == "Condition" and value == {})
    )


def _element(name: str, value: Any, ids_are_clear: bool) -> Any:
    if name in ACTIONS:
        return _strings(value, _small)
    if name in RESOURCES:
        return _strings(value, str)
    if name in PRINCIPALS and isinstance(value, Mapping):
        account = _account if ids_are_clear else str
        return frozenset((kind, _strings(items, account if kind == "AWS" else str)) for kind, items in value.items())
    if name == "Condition" and isinstance(value, Mapping):
        return frozenset((operator, _keys(operator, keys)) for operator, keys in value.items())
    return _as_written(value)


def _strings(value: Any, form: Callable[[str], str]) -> frozenset[Any]:
    return frozenset(form(item) if isinstance(item, str) else _as_written(item) for item in as_list(value))


def _account(principal: str) -> str:
    root = _ACCOUNT_ROOT.fullmatch(principal)
    return root[1] if root else principal


def _keys(operator: str, keys: Any) -> Any:
    """The condition keys under an operator, with their values."""
    if not isinstance(keys, Mapping) or len({_small(key) for key in keys}) < len(keys):
        # What IAM makes of one key in two spellings is told nowhere; it may take the last.
        return ("in this order", json.dumps(keys, default=repr))
    form = _form_of_values(operator)
    return frozenset((_small(key), frozenset(map(form, as_list(values)))) for key, values in keys.items())


def _form_of_values(operator: str) -> Callable[[Any], Any]:
    for prefix in SET_OPERATORS:
        operator = operator.removeprefix(prefix)
    operator = operator.removesuffix(IF_EXISTS)
    if operator in NUMERIC:
        return _number
    return _text_of_any_case if operator in IGNORING_CASE else _text


def _text(value: Any) -> Any:
    """A condition's value without the difference that quotes make.

    Numbers with a fraction keep it: how IAM writes one down to compare it as a string is told nowhere.
    """
    if isinstance(value, str):
        return value
    return json.dumps(value) if isinstance(value, int) else _as_written(value)


def _text_of_any_case(value: Any) -> Any:
    text = _text(value)
    return _small(text) if isinstance(text, str) else text


def _number(value: Any) -> Any:
    text = json.dumps(value) if isinstance(value, float) else _text(value)
    if not isinstance(text, str) or not _NUMBER.fullmatch(text):
        return _as_written(value) if isinstance(value, float) else text
    return text.rstrip("0").removesuffix(".") if "." in text else text


def _small(text: str) -> str:
    """In small letters; only of ASCII, for whether IAM takes other letters for one another is told nowhere."""
    return text.lower() if text.isascii() else text


def _as_written(value: Any) -> tuple[str, str]:
    """What equals only itself, whatever its type; the order of a dictionary does not count."""
    return ("as written", json.dumps(value, sort_keys=True, default=repr))
