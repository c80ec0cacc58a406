# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Values of charts: merged, compared by meaning, shown without secrets, written for helm."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.ekspress.eks.plugins.module_utils._errors import EksError
from ansible_collections.ekspress.eks.plugins.module_utils._secrets import written_forms

SECRET_KEY = re.compile(
    r"passw|passphrase|secret|token|credential|api_?key|private|(^|[._-])(key|cert|auth)", re.IGNORECASE
)
HIDDEN = "(hidden)"


def merged(*parts: Mapping[str, Any]) -> dict[str, Any]:
    """Values merged key by key, the last one's last; a list is one value."""
    made: dict[str, Any] = {}
    for part in parts:
        for key, value in part.items():
            before = made.get(key)
            if isinstance(value, Mapping):
                made[key] = merged(before if isinstance(before, Mapping) else {}, value)
            else:
                made[key] = value
    return made


def placed(values: Any, path: Sequence[str], value: Any) -> dict[str, Any]:
    """Values with one at a path; what is given stays as it is. TypeError where something is in the way."""
    if not isinstance(values, Mapping):
        raise TypeError(f"there is {values!r}")
    first, *rest = path
    return {**values, first: placed(values.get(first) or {}, rest, value) if rest else value}


def value_at(values: Any, path: Sequence[str], missing: Any = None) -> Any:
    """The value at a path, ``missing`` where there is none."""
    for key in path:
        if not isinstance(values, Mapping) or key not in values:
            return missing
        values = values[key]
    return values


def same(left: Any, right: Any) -> bool:
    """Whether two values mean the same in JSON: order of keys and 1 against 1.0 do not count, true against 1 does."""
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(same(value, right[key]) for key, value in left.items())
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(same(one, other) for one, other in zip(left, right, strict=True))
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    return bool(left == right)


def changed_values(before: dict[str, Any], after: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The leaves that differ, as ``values.a.b``, on each side; what looks secret by its name is hidden."""
    old, new = dict(_leaves(before)), dict(_leaves(after))
    differing = sorted(
        path for path in {**old, **new} if path not in old or path not in new or not same(old[path][1], new[path][1])
    )
    return (
        {f"values.{path}": _censored(*old[path]) for path in differing if path in old},
        {f"values.{path}": _censored(*new[path]) for path in differing if path in new},
    )


def _leaves(values: dict[str, Any], path: str = "", name: str = "") -> Iterator[tuple[str, tuple[str, Any]]]:
    """The path of each leaf, the names on its way, and the leaf."""
    for key, value in values.items():
        here, named = f"{path}{key}", f"{name}{_named(key, values)}"
        if isinstance(value, dict) and value:
            yield from _leaves(value, f"{here}.", f"{named}.")
        else:
            yield here, (named, value)


def censored(values: dict[str, Any]) -> dict[str, Any]:
    """Values with what looks secret by its name hidden, in lists and in pairs of name and value too."""
    return {key: _censored(_named(key, values), value) for key, value in values.items()}


def _censored(name: str, value: Any) -> Any:
    if isinstance(value, bool) or value in (None, "", {}, []):
        return value
    if SECRET_KEY.search(name):
        return HIDDEN
    if isinstance(value, list):
        return [_censored("", item) for item in value]
    return censored(value) if isinstance(value, dict) else value


def _named(key: str, siblings: dict[str, Any]) -> str:
    """The name of a value: its key, or in a container's environment what stands beside it as ``name``."""
    return str(siblings.get("name", key)) if key == "value" else str(key)


def secrets(values: dict[str, Any]) -> set[str]:
    """Texts of the values that look secret by their name, which no message may show."""
    return {text for text in _secret_texts(values, False) if len(text) > 3}


def without(text: str, hidden: set[str]) -> str:
    """A text in which secrets are hidden, however they are written in it."""
    for secret in sorted(written_forms(hidden), key=len, reverse=True):
        text = text.replace(secret, HIDDEN)
    return text


def _secret_texts(value: Any, secret: bool) -> Iterator[str]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _secret_texts(item, secret or bool(SECRET_KEY.search(_named(key, value))))
    elif isinstance(value, list):
        for item in value:
            yield from _secret_texts(item, secret)
    elif secret and isinstance(value, str | int | float) and not isinstance(value, bool):
        yield str(value)


def check(values: dict[str, Any], owner: str, variable: str = "") -> None:
    """Raise EksError where a number would not come back from Helm's record as it was given.

    Helm keeps numbers as floats of 64 bits, and JSON has none that are not finite: every run would find a change.
    ``variable`` is the one by which the user sets the values, where it is known.
    """
    for path, number in _numbers(values, ""):
        if not _kept(number):
            where = f" in the variable {variable}" if variable else ""
            raise EksError(
                f"{owner}: Helm cannot keep the number {number} of the value {path}. Write it as a string{where}."
            )


def _kept(number: int | float) -> bool:
    try:
        return math.isfinite(number) and (isinstance(number, float) or int(float(number)) == number)
    except OverflowError:  # an integer beyond all floats
        return False


def _numbers(value: Any, path: str) -> Iterator[tuple[str, int | float]]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _numbers(item, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list):
        for position, item in enumerate(value):
            yield from _numbers(item, f"{path}[{position}]")
    elif isinstance(value, int | float):
        yield path, value


def written(values: dict[str, Any]) -> str:
    """Values as helm reads them on its standard input: JSON in ASCII, which is YAML too.

    JSON's escapes of what is beyond 16 bits are two halves of a character, which YAML does not allow:
    https://yaml.org/spec/1.2.2/#57-escaped-characters
    """
    text = json.dumps(values, ensure_ascii=False)
    return re.sub(r"[^\x00-\x7e]", lambda found: f"\\U{ord(found.group()):08x}", text)
