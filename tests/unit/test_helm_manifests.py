# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The objects of a release, from Helm's manifests."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.ekspress.eks.plugins.module_utils._errors import EksError
from ansible_collections.ekspress.eks.plugins.module_utils._helm_manifests import find, objects, require_name

MANIFEST = """\
---
# Source: web/templates/empty.yaml
---
kind: Deployment
metadata: {name: web}
---
kind: List
items:
- {kind: ConfigMap, metadata: {name: web, namespace: other}}
- {kind: ConfigMap, metadata: {name: web}}
"""


def test_objects_are_found_by_kind_name_and_namespace() -> None:
    items = objects(MANIFEST, "x")
    assert [item["kind"] for item in items] == ["Deployment", "ConfigMap", "ConfigMap"]
    assert find(items, "Deployment", "shop", "web", "shop") == items[0]
    assert find(items, "ConfigMap", "other", "web", "shop") == items[1]
    assert find(items, "ConfigMap", "shop", "web", "shop") == items[2]
    assert find(items, "ConfigMap", "elsewhere", "web", "shop") is None


def test_what_is_no_yaml_is_told() -> None:
    with pytest.raises(EksError, match="Release shop/web: its manifest is not YAML"):
        objects("{", "Release shop/web")


@pytest.mark.parametrize(
    "item",
    [
        {"kind": "ConfigMap", "metadata": {"name": "web"}},
        {"kind": "ConfigMap", "apiVersion": 1, "metadata": {"name": "web"}},
        {"kind": "ConfigMap", "apiVersion": "v1", "metadata": None},
        {"kind": "ConfigMap", "apiVersion": "v1", "metadata": {"name": ""}},
    ],
)
def test_an_object_that_does_not_say_what_it_is_is_told(item: dict[str, Any]) -> None:
    require_name({"kind": "ConfigMap", "apiVersion": "v1", "metadata": {"name": "web"}}, "x")
    with pytest.raises(EksError, match=r"^Release shop/web: an object of kind ConfigMap has no apiVersion or no"):
        require_name(item, "Release shop/web")
