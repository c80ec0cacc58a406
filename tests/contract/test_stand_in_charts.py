# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Every stand-in chart of the sandbox takes exactly upstream's values: keys, types and the defaults of scalars."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from sandbox.registry import CHARTS as STAND_INS
from tests.contract.check_values import load_facts, value_differences
from tests.contract.extract import CHARTS, facts_of

NAMES = sorted(path.parent.name for path in STAND_INS.glob("*/Chart.yaml") if path.parent.name in CHARTS)


def test_every_chart_with_facts_has_a_stand_in() -> None:
    assert sorted(CHARTS) == NAMES


@pytest.mark.parametrize("chart", NAMES)
def test_a_stand_in_takes_upstreams_values(chart: str) -> None:
    own = facts_of(chart, STAND_INS)
    upstream = load_facts(chart, own["version"])
    assert own["app_version"] == upstream["app_version"]
    assert value_differences(own, upstream) == []


def test_the_comparison_sees_other_keys_types_and_defaults() -> None:
    facts: dict[str, Any] = {
        "values": {
            "image": {"type": "object"},
            "image.tag": {"type": "string", "default": "v1"},
            "labels": {"type": "object", "open": True},
            "replicas": {"type": "integer", "default": 1},
        }
    }
    assert value_differences(copy.deepcopy(facts), facts) == []
    other = {
        "values": {
            "image": {"type": "object"},
            "labels": {"type": "object"},
            "replicas": {"type": "integer", "default": 2},
            "tags": {"type": "array"},
        }
    }
    assert value_differences(other, facts) == [
        "image.tag: nothing, upstream {'type': 'string', 'default': 'v1'}",
        "labels: {'type': 'object'}, upstream {'type': 'object', 'open': True}",
        "replicas: {'type': 'integer', 'default': 2}, upstream {'type': 'integer', 'default': 1}",
        "tags: {'type': 'array'}, upstream nothing",
    ]
    # True is no 1, though Python says they are equal.
    truth = {"values": facts["values"] | {"replicas": {"type": "boolean", "default": True}}}
    assert value_differences(truth, facts) != []
