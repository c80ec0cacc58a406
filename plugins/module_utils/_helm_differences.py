# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What differs between objects and between manifests: leaf by leaf, without the content of Secrets."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ansible_collections.ekspress.eks.plugins.module_utils._helm_values import HIDDEN, SECRET_KEY, same

HIDDEN_ANEW = "(hidden, changed)"
CONTENT = ("data.", "stringData.")
"""What is secret of a Secret."""

Leaves = dict[str, Any]


def difference(before: dict[str, Any], after: dict[str, Any]) -> tuple[Leaves, Leaves]:
    """The leaves of an object that differ, as ``spec.containers[main].image``, on each side."""
    secret = "Secret" in (before.get("kind"), after.get("kind"))
    old = {path: (name, value) for path, name, value in _leaves(before, "", "")}
    new = {path: (name, value) for path, name, value in _leaves(after, "", "")}
    differing = sorted(
        path for path in {**old, **new} if path not in old or path not in new or not same(old[path][1], new[path][1])
    )

    def shown(path: str, leaf: tuple[str, Any], hidden: str) -> Any:
        content = secret and path.startswith(CONTENT)
        return _shown(leaf[1], hidden if content or SECRET_KEY.search(leaf[0]) else "")

    return (
        {path: shown(path, old[path], HIDDEN) for path in differing if path in old},
        {path: shown(path, new[path], HIDDEN_ANEW if path in old else HIDDEN) for path in differing if path in new},
    )


def _shown(value: Any, hidden: str) -> Any:
    if value in (None, "", {}, []) or isinstance(value, bool):
        return value
    # A date without quotes, which YAML reads as one, is a text to Kubernetes.
    return hidden or (value if isinstance(value, str | int | float) else str(value))


def _leaves(value: Any, path: str, name: str) -> Iterator[tuple[str, str, Any]]:
    """The path of each leaf, the name that tells whether it is secret, and the leaf."""
    if isinstance(value, dict) and value:
        for key, item in value.items():
            # In a container's environment the name stands beside the value.
            named = str(value.get("name", key)) if key == "value" else str(key)
            yield from _leaves(item, f"{path}.{key}" if path else str(key), named)
    elif isinstance(value, list) and value:
        for label, item in zip(_names(value), value, strict=True):
            yield from _leaves(item, f"{path}[{label}]", name)
    elif path:
        yield path, name, value


def _names(items: list[Any]) -> list[str]:
    """What tells the items of a list apart: their names where all have one of their own, else their positions."""
    names = [str(item.get("name")) if isinstance(item, dict) and item.get("name") else "" for item in items]
    return names if all(names) and len(set(names)) == len(names) else [str(number) for number in range(len(items))]


def manifests(before: list[dict[str, Any]], after: list[dict[str, Any]], namespace: str) -> tuple[Leaves, Leaves]:
    """What differs between the objects of two manifests of a release in a namespace."""
    old, new = _by_name(before, namespace), _by_name(after, namespace)
    shown_old: Leaves = {}
    shown_new: Leaves = {}
    for name in sorted({**old, **new}):
        left, right = difference(old.get(name, {}), new.get(name, {}))
        shown_old |= {f"{name}: {path}": value for path, value in left.items()}
        shown_new |= {f"{name}: {path}": value for path, value in right.items()}
    return shown_old, shown_new


def _by_name(items: list[dict[str, Any]], namespace: str) -> dict[str, dict[str, Any]]:
    found = {}
    for item in items:
        meta = item.get("metadata") or {}
        where = meta.get("namespace") or namespace
        found[f"{item['kind']} {'' if where == namespace else f'{where}/'}{meta.get('name')}"] = item
    return found
