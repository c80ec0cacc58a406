# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Holds the values that a role gives a chart to the facts of that chart."""

from __future__ import annotations

import json
from typing import Any

from tests.contract.extract import ANY, FACTS, TYPES


def load_facts(chart: str, version: str) -> dict[str, Any]:
    """The committed facts of a chart's version; FileNotFoundError where there are none."""
    facts: dict[str, Any] = json.loads((FACTS / f"{chart}-{version}.json").read_text())
    return facts


def problems(facts: dict[str, Any], values: dict[str, Any]) -> list[str]:
    """What is wrong with values for a chart: keys that it does not have, types and texts that it does not take."""
    return [f"{facts['chart']} {facts['version']}: {problem}" for problem in _problems_in(facts["values"], "", values)]


def value_differences(own: dict[str, Any], upstream: dict[str, Any]) -> list[str]:
    """Where the values of two charts' facts differ: keys, types, defaults of scalars."""
    ours, theirs = own["values"], upstream["values"]
    return [
        f"{path}: {ours.get(path, 'nothing')}, upstream {theirs.get(path, 'nothing')}"
        for path in sorted(ours.keys() | theirs.keys())
        if ours.get(path) != theirs.get(path)
    ]


def _problems_in(known: dict[str, Any], path: str, values: dict[str, Any]) -> list[str]:
    found = []
    for key, value in values.items():
        here = f"{path}.{key}".removeprefix(".")
        if here not in known:
            found.append(f"there is no value {here}")
            continue
        fact = known[here]
        problem = _problem_with(fact, value)
        if problem:
            found.append(f"{here} {problem}")
        elif isinstance(value, dict) and not fact.get("open") and fact["type"] != ANY:
            found += _problems_in(known, here, value)
    return found


def _problem_with(fact: dict[str, Any], value: Any) -> str:
    if "allowed" in fact and value not in fact["allowed"]:
        return f"is {value!r}, not one of {fact['allowed']}"
    kind = TYPES.get(type(value), ANY)
    if value is None or fact["type"] in (ANY, kind) or (fact["type"], kind) == ("number", "integer"):
        return ""
    return f"is of type {kind}, not {fact['type']}"
