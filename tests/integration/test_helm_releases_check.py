# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Check mode of helm_releases lets helm fetch and render what would change, and writes nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.integration.helm_releases_support import CONFIG_MAP, NOWHERE, Ground, write_chart

DEFINITION = """
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: checks.check.example.com}
spec:
  group: check.example.com
  names: {kind: Check, plural: checks}
  scope: Namespaced
  versions:
    - {name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object}}}
"""
CUSTOM = "apiVersion: check.example.com/v1\nkind: Check\nmetadata: {name: check}\n"
LIST = """\
apiVersion: v1
kind: List
items: [{apiVersion: check.example.com/v1, kind: Check, metadata: {name: check}}]
"""


def test_what_helm_would_refuse_is_refused_and_stops_what_needs_it(ground: Ground, tmp_path: Path) -> None:
    good = write_chart(tmp_path / "good", CONFIG_MAP)
    bad = write_chart(tmp_path / "bad", '{{ required "colour is needed" .Values.colour }}')
    before = ground.objects()
    wanted = [ground.release("bad", bad), ground.release("after", good, needs=["bad"]), ground.release("good", good)]
    foretold = ground.run(*wanted, check=True)
    assert foretold.states == {"bad": "failed", "after": "skipped", "good": "installed"}
    assert "colour is needed" in foretold.result["msg"]
    assert ground.objects() == before
    assert ground.run(*wanted).states == foretold.states


def test_values_that_the_schema_of_the_chart_refuses(ground: Ground, tmp_path: Path) -> None:
    chart = write_chart(tmp_path / "web", CONFIG_MAP)
    write_chart(tmp_path / "web" / "charts" / "cache", CONFIG_MAP)
    size = {"properties": {"size": {"type": "integer"}}}
    image = {"properties": {"tag": {"type": "string"}}, "additionalProperties": False, "required": ["name"]}
    schema = {"properties": {"replicas": {"type": "integer"}, "image": image}}
    (tmp_path / "web" / "values.schema.json").write_text(json.dumps(schema))
    (tmp_path / "web" / "charts" / "cache" / "values.schema.json").write_text(json.dumps(size))
    values = {"replicas": "many", "image": {"tag": 1, "tags": "x"}, "cache": {"size": "big"}}
    release = ground.release("web", chart, values=values, values_variable="web_values")
    for check in (True, False):
        run = ground.run(release, check=check)
        assert (run.states, run.result["changed"]) == ({"web": "failed"}, False)
        _words, _, refused = run.result["msg"].partition("The chart's schema refuses ")
        keys, _, where = refused.partition(": ")
        assert set(keys.split(", ")) == {
            "replicas",
            "image.name",
            "image.tag",
            "image.tags",
            "size of the subchart cache",
        }
        assert where == "correct that in the variable web_values."


def test_values_that_a_template_misses_are_asked_for_where_the_user_sets_them(ground: Ground, tmp_path: Path) -> None:
    chart = write_chart(tmp_path / "web", '{{ required "colour is needed" .Values.colour }}')
    run = ground.run(ground.release("web", chart, values_variable="web_values"), check=True)
    assert "colour is needed. If a value is missing or wrong, set it in the variable web_values." in run.result["msg"]


@pytest.mark.parametrize("template", [CUSTOM, LIST], ids=["object", "list"])
def test_a_kind_that_the_chart_itself_brings_is_no_fault(ground: Ground, tmp_path: Path, template: str) -> None:
    """Charts have Lists too: that of the ALB controller has its IngressClass and IngressClassParams in one."""
    chart = write_chart(tmp_path / "web", template)
    (tmp_path / "web" / "crds").mkdir()
    (tmp_path / "web" / "crds" / "checks.yaml").write_text(DEFINITION)
    assert ground.run(ground.release("web", chart), check=True).states == {"web": "installed"}
    definitions = ground.kube.get("/apis/apiextensions.k8s.io/v1/customresourcedefinitions")["items"]
    assert "checks.check.example.com" not in [item["metadata"]["name"] for item in definitions]


def test_a_namespace_that_a_release_makes_is_there_for_those_that_need_it(ground: Ground, tmp_path: Path) -> None:
    name = f"{ground.namespace}-made"
    space = write_chart(tmp_path / "space", f"apiVersion: v1\nkind: Namespace\nmetadata: {{name: {name}}}\n")
    inner = ground.release("web", write_chart(tmp_path / "web", CONFIG_MAP), namespace=name)
    alone = ground.run(inner, check=True)
    assert f"The namespace {name} does not exist" in alone.result["msg"]
    both = [ground.release("space", space), {**inner, "needs": ["space"]}]
    assert ground.run(*both, check=True).states == {"space": "installed", "web": "installed"}
    assert ground.kube.get(f"/api/v1/namespaces/{name}") is None
    assert ground.run(*both).states == {"space": "installed", "web": "installed"}
    gone = ground.run(*[{**release, "state": "absent"} for release in both])
    assert set(gone.states.values()) == {"removed"}
    assert ground.kube.get(f"/api/v1/namespaces/{name}") is None


@pytest.mark.parametrize("state", ["present", "absent"])
def test_no_helm_is_needed_where_nothing_is_rendered(ground: Ground, tmp_path: Path, state: str) -> None:
    release = ground.release("web", write_chart(tmp_path / "web", CONFIG_MAP))
    ground.run(release)
    foretold = ground.run({**release, "state": state}, check=True, helm_binary=NOWHERE)
    assert foretold.states == {"web": {"present": "unchanged", "absent": "removed"}[state]}
