# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""CRDs of charts are applied before installs and upgrades, where they differ."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.ekspress.eks.plugins.module_utils._helm_charts import chart_files
from ansible_collections.ekspress.eks.plugins.module_utils._helm_subcharts import crd_objects

from sandbox.kube_client import KubeClient
from tests.integration.helm_releases_support import CONFIG_MAP, NOWHERE, Ground, write_chart
from tests.sandbox_fixtures import RunningSandbox

COLLECTION = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
APPLY = "application/apply-patch+yaml"


def definition(group: str, *fields: str, plural: str = "webs", scope: str = "Namespaced") -> dict[str, Any]:
    """A CRD with fields."""
    properties = {name: {"type": "string"} for name in fields}
    schema = {"type": "object", "properties": {"spec": {"type": "object", "properties": properties}}}
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{group}"},
        "spec": {"group": group, "names": {"kind": "Web", "plural": plural}, "scope": scope, "versions": [version]},
    }


class Definitions:
    """The CRD of a test in its chart and in the cluster."""

    def __init__(self, kube: KubeClient, group: str, chart: Path) -> None:
        self.kube, self.group, self.chart = kube, group, chart
        self.path = f"{COLLECTION}/webs.{group}"

    def write(self, *fields: str, scope: str = "Namespaced") -> None:
        """Put the CRD with these fields into the chart."""
        (self.chart / "crds").mkdir(exist_ok=True)
        item = definition(self.group, *fields, scope=scope)
        (self.chart / "crds" / "webs.yaml").write_text(yaml.safe_dump(item))

    @property
    def live(self) -> dict[str, Any]:
        """The CRD in the cluster."""
        return dict(self.kube.get(self.path))

    @property
    def fields(self) -> set[str]:
        """Fields of the CRD in the cluster."""
        schema = self.live["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
        return set(schema["properties"]["spec"].get("properties", {}))

    @property
    def version(self) -> str:
        """What tells whether the CRD's content was written."""
        return str(self.live["metadata"]["generation"])

    def apply_as(self, manager: str, *fields: str) -> None:
        """Apply the CRD as somebody else."""
        path = f"{self.path}?fieldManager={manager}&force=true"
        assert self.kube.request("PATCH", path, definition(self.group, *fields), APPLY)[0] in (200, 201)


@pytest.fixture
def crds(ground: Ground, tmp_path: Path) -> Iterator[Definitions]:
    """A chart `web` with a CRD of a group of its own."""
    write_chart(tmp_path / "web", CONFIG_MAP)
    made = Definitions(ground.kube, f"{ground.namespace}.example.com", tmp_path / "web")
    made.write("a")
    yield made
    ground.kube.request("DELETE", made.path)


def custom(crds: Definitions, field: str) -> str:
    """A template of an object that has a field."""
    return f"apiVersion: {crds.group}/v1\nkind: Web\nmetadata: {{name: web}}\nspec: {{{field}: x}}\n"


def test_an_upgrade_brings_the_crds_that_it_needs(ground: Ground, crds: Definitions) -> None:
    release = ground.release("web", str(crds.chart))
    (crds.chart / "templates" / "web.yaml").write_text(custom(crds, "a"))
    first = ground.run(release, check=True)
    assert (first.states, ground.kube.get(crds.path)) == ({"web": "installed"}, None)
    assert ground.run(release).states == {"web": "installed"}
    assert "ekspress.eks" in [entry["manager"] for entry in crds.live["metadata"]["managedFields"]]

    crds.write("a", "b")
    (crds.chart / "templates" / "web.yaml").write_text(custom(crds, "b"))
    version = crds.version
    foretold = ground.run(release, check=True)
    assert (foretold.states, crds.version) == ({"web": "upgraded"}, version)
    run = ground.run(release)
    assert (run.states, crds.fields) == ({"web": "upgraded"}, {"a", "b"})
    path = f"CustomResourceDefinition webs.{crds.group}: spec.versions[v1].schema.openAPIV3Schema.properties.spec."
    for result in (foretold.result, run.result):
        assert result["diff"]["after"][f"{ground.namespace}/web"][f"{path}properties.b.type"] == "string"
    stored = ground.kube.get(f"/apis/{crds.group}/v1/namespaces/{ground.namespace}/webs/web")
    assert stored["spec"] == {"b": "x"}

    version = crds.live["metadata"]["managedFields"]
    assert ground.run(release, helm_binary=NOWHERE).states == {"web": "unchanged"}
    assert ground.run({**release, "values": {"x": 1}}).states == {"web": "upgraded"}
    assert crds.live["metadata"]["managedFields"] == version


def test_what_helm_installed_before_is_taken_over(ground: Ground, crds: Definitions) -> None:
    command = [ground.options["helm_binary"], "install", "web", str(crds.chart), "--namespace", ground.namespace]
    subprocess.run([*command, "--kubeconfig", ground.options["kubeconfig"]], check=True, capture_output=True)
    assert crds.fields == {"a"}
    crds.write("b")
    assert ground.run(ground.release("web", str(crds.chart))).states == {"web": "upgraded"}
    assert crds.fields == {"b"}


def test_what_somebody_else_holds_is_not_taken_over_silently(ground: Ground, crds: Definitions) -> None:
    release = ground.release("web", str(crds.chart))
    crds.apply_as("operator-team", "a")
    assert ground.run(release).states == {"web": "installed"}
    crds.write("a", "b")
    for check in (True, False):
        run = ground.run(release, check=check)
        assert (run.states, run.helm, run.result["changed"]) == ({"web": "failed"}, [], False)
        assert f"webs.{crds.group} of the chart differs" in run.result["msg"]
        assert "operator-team" in run.result["msg"]
    assert ground.run({**release, "crds": "skip"}).states == {"web": "upgraded"}
    assert crds.fields == {"a"}
    crds.write("c")
    assert ground.run({**release, "crds": "take_over"}).states == {"web": "upgraded"}
    assert crds.fields == {"c"}


def test_a_crd_that_the_api_refuses_fails_before_helm_is_started(ground: Ground, crds: Definitions) -> None:
    release = ground.release("web", str(crds.chart))
    ground.run(release)
    crds.write("a", scope="Cluster")
    for check in (True, False):
        run = ground.run(release, check=check)
        assert (run.states, run.helm, run.result["changed"]) == ({"web": "failed"}, [], False)
        assert "scope" in run.result["msg"]


def test_what_in_crds_says_nothing_fails_its_release_alone(ground: Ground, crds: Definitions, tmp_path: Path) -> None:
    (crds.chart / "crds" / "more.yaml").write_text("kind: CustomResourceDefinition\n")
    other = ground.release("other", write_chart(tmp_path / "other", CONFIG_MAP))
    run = ground.run(ground.release("web", str(crds.chart)), other)
    assert run.states == {"web": "failed", "other": "installed"}
    assert "crds/ of its chart: an object of kind CustomResourceDefinition has no apiVersion" in run.result["msg"]


def test_a_failure_after_crds_were_applied_is_a_change(ground: Ground, crds: Definitions) -> None:
    (crds.chart / "templates" / "web.yaml").write_text('{{ fail "no" }}')
    run = ground.run(ground.release("web", str(crds.chart)))
    assert (run.states, run.result["changed"], crds.fields) == ({"web": "failed"}, True, {"a"})


@pytest.mark.parametrize(
    "values",
    [{}, {"cache": {"on": False}}, {"cache": {"on": True}, "tags": {"t": False}}, {"tags": {"t": False}},
     {"cache": {"deep": {"on": True}}}],
    ids=["none", "off", "on-over-tag", "tag", "deep"],
)  # fmt: skip
def test_helm_chooses_the_same_crds_of_subcharts(
    sandbox: RunningSandbox, tmp_path: Path, values: dict[str, Any]
) -> None:
    chart = tmp_path / "web"
    for name, plural in ((".", "webs"), ("charts/cache", "caches"), ("charts/cache/charts/deep", "deeps")):
        write_chart(chart / name, CONFIG_MAP)
        (chart / name / "crds").mkdir()
        (chart / name / "crds" / "a.yaml").write_text(yaml.safe_dump(definition("x.example", plural=plural)))
    for name, entry in (
        (".", {"name": "cache", "version": "1.0.0", "condition": "cache.on", "tags": ["t"]}),
        ("charts/cache", {"name": "deep", "version": "1.0.0", "condition": "deep.on"}),
    ):
        with (chart / name / "Chart.yaml").open("a") as file:
            file.write(f"dependencies: {json.dumps([entry])}\n")
    (chart / "charts" / "cache" / "values.yaml").write_text("deep: {on: false}\n")
    command = [f"{sandbox.state['bin']}/helm", "template", "web", str(chart), "--include-crds", "--values", "-"]
    made = subprocess.run(command, input=json.dumps(values), capture_output=True, text=True, check=True)
    documents = [item for item in yaml.safe_load_all(made.stdout) if item]
    wanted = {item["metadata"]["name"] for item in documents if item["kind"] == "CustomResourceDefinition"}
    found = crd_objects(dict(chart_files(chart)), values, "web")
    assert {item["metadata"]["name"] for item in found} == wanted
