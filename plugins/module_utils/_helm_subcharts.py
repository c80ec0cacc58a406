# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The objects in crds/ of a chart and of those of its subcharts that its values enable, as Helm chooses them.

https://helm.sh/docs/chart_best_practices/custom_resource_definitions/ and, for conditions and tags,
https://helm.sh/docs/topics/charts/#tags-and-condition-fields-in-dependencies
"""

from __future__ import annotations

import io
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible.module_utils.common.yaml import yaml_load
from ansible_collections.ekspress.eks.plugins.module_utils._errors import EksError
from ansible_collections.ekspress.eks.plugins.module_utils._helm_charts import MOST_BYTES
from ansible_collections.ekspress.eks.plugins.module_utils._helm_manifests import objects

SUFFIXES = (".yaml", ".yml", ".json")


@dataclass
class Node:
    """A chart with its subcharts, as far as it decides which CRDs there are."""

    name: str
    dependencies: list[dict[str, Any]]
    values: dict[str, Any]
    crds: dict[str, bytes]
    children: list[Node] = field(default_factory=list)

    def subcharts(self) -> list[tuple[str, dict[str, Any], Node]]:
        """Its subcharts under the names that values know them by, each with its entry among the dependencies."""
        listed = {str(entry.get("name")) for entry in self.dependencies}
        found: list[tuple[str, dict[str, Any], Node]] = []
        for child in self.children:
            entries = [entry for entry in self.dependencies if entry.get("name") == child.name]
            found += [(str(entry.get("alias") or child.name), entry, child) for entry in entries]
            if child.name not in listed:
                found.append((child.name, {}, child))
        return found


def crd_objects(files: Mapping[str, bytes], values: dict[str, Any], owner: str) -> list[dict[str, Any]]:
    """The objects, without what is found twice. ``files`` are a chart's by their names within it."""
    if not any("crds/" in name or name.endswith(".tgz") for name in files):
        return []
    try:
        root = _node(files)
    except Exception as error:  # whatever the YAML library raises for what is not YAML
        raise EksError(f"{owner}: its chart cannot be read: {error}") from error
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for content in _enabled(root, _coalesced(root, values), ""):
        for item in objects(content.decode("utf-8-sig", "replace"), owner):
            found.setdefault((item["kind"], str((item.get("metadata") or {}).get("name"))), item)
    return list(found.values())


def _node(files: Mapping[str, bytes]) -> Node:
    metadata = _yaml(files.get("Chart.yaml"))
    # Charts of Helm 2 have their dependencies in a file of its own.
    listed = metadata.get("dependencies") or _yaml(files.get("requirements.yaml")).get("dependencies") or []
    crds = {name: files[name] for name in sorted(files) if name.startswith("crds/") and name.endswith(SUFFIXES)}
    made = Node(str(metadata.get("name")), [dict(entry) for entry in listed], _yaml(files.get("values.yaml")), crds)
    inner: dict[str, dict[str, bytes]] = {}
    for name in sorted(files):
        directory, _slash, rest = name.removeprefix("charts/").partition("/")
        if not name.startswith("charts/") or directory.startswith(("_", ".")):
            continue
        if rest:
            inner.setdefault(directory, {})[rest] = files[name]
        elif directory.endswith(".tgz"):
            inner[directory] = _unpacked(files[name])
    made.children = [_node(content) for content in inner.values() if "Chart.yaml" in content]
    return made


def _unpacked(content: bytes) -> dict[str, bytes]:
    files = {}
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        for member in archive:
            stream = archive.extractfile(member) if member.isfile() else None
            if stream:
                files[member.name.partition("/")[2]] = stream.read(MOST_BYTES)
    return files


def _yaml(content: bytes | None) -> dict[str, Any]:
    parsed = yaml_load(content) if content else None
    return dict(parsed) if isinstance(parsed, dict) else {}


def _coalesced(node: Node, values: dict[str, Any]) -> dict[str, Any]:
    """Values with the defaults of a chart and, under their names, of its subcharts."""
    made = _merged(node.values, values)
    for name, _entry, child in node.subcharts():
        inner = made.get(name)
        if inner is None or isinstance(inner, dict):
            made[name] = _coalesced(child, inner or {})
    return made


def _merged(defaults: dict[str, Any], values: dict[str, Any]) -> dict[str, Any]:
    """Values over defaults; null takes a default away."""
    made = dict(defaults)
    for key, value in values.items():
        if value is None:
            made.pop(key, None)
        elif isinstance(value, dict) and isinstance(made.get(key), dict):
            made[key] = _merged(made[key], value)
        else:
            made[key] = value
    return made


def _enabled(node: Node, values: dict[str, Any], path: str) -> list[bytes]:
    found = list(node.crds.values())
    subcharts = node.subcharts()
    off = {name for name, entry, _child in subcharts if not _wanted(entry, values, path)}
    for name, _entry, child in subcharts:
        if name not in off:
            found += _enabled(child, values, f"{path}{name}.")
    return found


def _wanted(entry: dict[str, Any], values: dict[str, Any], path: str) -> bool:
    """Whether a dependency is enabled: by its first condition that values have, else by its tags."""
    for condition in str(entry.get("condition") or "").strip().split(","):
        value = _value(values, f"{path}{condition}") if condition else None
        if isinstance(value, bool):
            return value
    tags = values.get("tags") if isinstance(values.get("tags"), dict) else {}
    known = [tags[tag] for tag in entry.get("tags") or [] if isinstance((tags or {}).get(tag), bool)] if tags else []
    return any(known) or not known


def _value(values: Any, path: str) -> Any:
    for key in path.split("."):
        values = values.get(key) if isinstance(values, dict) else None
    return values
