# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The facts are up to date where the charts are at hand, and the checker sees what is wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.contract.check_values import load_facts, problems
from tests.contract.extract import CHARTS, FACTS, UPSTREAM, facts_of, path_of, schema_facts, text_of

FACTS_OF_A_CHART: dict[str, Any] = {
    "chart": "x",
    "version": "1",
    "values": {
        "replicas": {"type": "integer"},
        "ratio": {"type": "number"},
        "name": {"type": "any"},
        "kind": {"type": "string", "allowed": ["a", "b"]},
        "labels": {"type": "object", "open": True},
        "image": {"type": "object"},
        "image.tag": {"type": "string"},
    },
}


def test_facts_are_those_of_the_charts_where_these_are_at_hand() -> None:
    charts = [chart for chart in CHARTS if UPSTREAM.exists()]
    stale = [chart for chart in charts if path_of(facts := facts_of(chart)).read_text() != text_of(facts)]
    assert stale == [], "run python -m tests.contract.extract"


def test_every_file_of_facts_belongs_to_a_chart() -> None:
    names = {path.stem.rpartition("-")[0] for path in FACTS.glob("*.json")}
    assert names == set(CHARTS)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"replicas": 2, "ratio": 1, "name": ["x"], "kind": "a", "labels": {"any": {"thing": 1}}}, []),
        ({"image": {"tag": "v1"}, "replicas": None}, []),
        ({"replica": 2}, ["x 1: there is no value replica"]),
        (
            {"image": {"tags": "v1", "tag": 1}},
            ["x 1: there is no value image.tags", "x 1: image.tag is of type integer, not string"],
        ),
        ({"replicas": "2"}, ["x 1: replicas is of type string, not integer"]),
        ({"replicas": True}, ["x 1: replicas is of type boolean, not integer"]),
        ({"image": "v1"}, ["x 1: image is of type string, not object"]),
        ({"kind": "c"}, ["x 1: kind is 'c', not one of ['a', 'b']"]),
    ],
)
def test_the_checker_sees_unknown_keys_wrong_types_and_texts(values: dict[str, Any], said: list[str]) -> None:
    assert problems(FACTS_OF_A_CHART, values) == said


def test_facts_of_a_chart_without_and_with_a_schema(tmp_path: Path) -> None:
    folder = tmp_path / "x"
    folder.mkdir()
    (folder / "Chart.yaml").write_text("name: x\nversion: 1.0.0\nappVersion: v1\n")
    (folder / "values.yaml").write_text(yaml.safe_dump({"a": None, "b": {}, "c": {"d": 1.5, "e": []}, "f": True}))
    found = facts_of("x", tmp_path)
    assert found["values"] == {
        "a": {"type": "any"},
        "b": {"type": "object", "open": True},
        "c": {"type": "object"},
        "c.d": {"type": "number", "default": 1.5},
        "c.e": {"type": "array"},
        "f": {"type": "boolean", "default": True},
    }
    schema = {
        "properties": {
            "a": {"type": ["string", "null"], "enum": ["x", "y"]},
            "b": {"$ref": "#/$defs/closed"},
            "f": {"type": ["boolean", "string"]},
        },
        "$defs": {
            "closed": {"type": "object", "properties": {"g": {"type": "integer"}}, "additionalProperties": False}
        },
    }
    assert dict(schema_facts("", schema, schema)) == {
        "a": {"type": "string", "allowed": ["x", "y"], "open": True},
        "b": {"type": "object"},
        "b.g": {"type": "integer", "open": True},
        "f": {"type": "any", "open": True},
    }


def test_the_autoscalers_flags_are_open_though_some_have_defaults() -> None:
    facts = load_facts("cluster-autoscaler", "9.59.0")
    assert problems(facts, {"extraArgs": {"v": 2, "expander": "least-waste"}}) == []
    assert problems(facts, {"service": {"expander": "least-waste"}}) != []


def test_the_facts_of_the_controller_have_all_partitions() -> None:
    partitions = [
        name for found in load_facts("aws-load-balancer-controller", "3.5.0")["iam"] for name in found["partitions"]
    ]
    assert sorted(partitions) == sorted(set(partitions))
    assert len(partitions) == 8
