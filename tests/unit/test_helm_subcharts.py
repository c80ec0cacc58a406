# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Which CRDs a chart with subcharts brings."""

from __future__ import annotations

import io
import tarfile
from typing import Any

import pytest
from ansible_collections.ekspress.eks.plugins.module_utils._errors import EksError
from ansible_collections.ekspress.eks.plugins.module_utils._helm_subcharts import crd_objects


def crd(name: str) -> bytes:
    """A file with one object."""
    return f"kind: CustomResourceDefinition\napiVersion: apiextensions.k8s.io/v1\nmetadata: {{name: {name}}}\n".encode()


DEPENDENCIES = b"""
name: web
dependencies:
- {name: cache, condition: "cache.on,cache.enabled"}
- {name: store, alias: shop, tags: [stores]}
"""
CHART = {
    "Chart.yaml": DEPENDENCIES,
    "values.yaml": b"cache: {enabled: true}",
    "crds/own.yaml": crd("own"),
    "crds/more/own.json": crd("own") + b"---\n" + crd("second"),
    "crds/README.md": b"{{",
    "templates/crds/no.yaml": crd("template"),
    "charts/cache/Chart.yaml": b"{name: cache, dependencies: [{name: deep, condition: deep.enabled}]}",
    "charts/cache/values.yaml": b"{deep: {enabled: false}}",
    "charts/cache/crds/a.yaml": crd("cache"),
    "charts/cache/charts/deep/Chart.yaml": b"name: deep",
    "charts/cache/charts/deep/crds/a.yaml": crd("deep"),
    "charts/store/Chart.yaml": b"name: store",
    "charts/store/crds/a.yaml": crd("store"),
    "charts/loose/Chart.yaml": b"name: loose",
    "charts/loose/crds/a.yaml": crd("loose"),
    "charts/_hidden/Chart.yaml": b"name: hidden",
    "charts/_hidden/crds/a.yaml": crd("hidden"),
}
ALWAYS = {"own", "second", "loose"}


def names(values: dict[str, Any], files: dict[str, bytes] = CHART) -> set[str]:
    """Names of the objects."""
    return {item["metadata"]["name"] for item in crd_objects(files, values, "Release shop/web")}


@pytest.mark.parametrize(
    ("values", "found"),
    [
        ({}, {"cache", "store"}),
        ({"cache": {"enabled": False}}, {"store"}),
        ({"cache": {"enabled": None}}, {"cache", "store"}),
        ({"cache": {"on": True, "enabled": False}}, {"cache", "store"}),
        ({"cache": {"on": "no"}}, {"cache", "store"}),
        ({"cache": {"deep": {"enabled": True}}}, {"cache", "deep", "store"}),
        ({"tags": {"stores": False}}, {"cache"}),
        ({"shop": {"enabled": False}}, {"cache", "store"}),
    ],
)
def test_values_choose_the_subcharts(values: dict[str, Any], found: set[str]) -> None:
    assert names(values) == ALWAYS | found


def test_a_packed_subchart_counts() -> None:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as archive:
        for name, data in (("x/Chart.yaml", b"name: x"), ("x/crds/a.yaml", crd("x"))):
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    files = {"Chart.yaml": b"name: web", "charts/x-1.0.0.tgz": content.getvalue()}
    assert names({}, files) == {"x"}
    old = {**files, "requirements.yaml": b"dependencies: [{name: x, condition: x.on}]"}
    assert names({"x": {"on": False}}, old) == set()


def test_a_chart_without_crds_is_not_read() -> None:
    assert names({}, {"Chart.yaml": b"{"}) == set()


def test_a_chart_that_cannot_be_read_is_told() -> None:
    with pytest.raises(EksError, match="Release shop/web: its chart cannot be read"):
        names({}, {"Chart.yaml": b"{", "crds/a.yaml": crd("a")})
