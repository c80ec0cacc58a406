# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The objects of a release, from Helm's manifests."""

from __future__ import annotations

import pytest
from ansible_collections.ekspress.eks.plugins.module_utils._errors import EksError
from ansible_collections.ekspress.eks.plugins.module_utils._helm_manifests import find, objects

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
