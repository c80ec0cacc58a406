# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The objects of a release: read from Helm's manifests."""

from __future__ import annotations

from typing import Any

from ansible_collections.ekspress.eks.plugins.module_utils._errors import EksError
from ansible_collections.ekspress.eks.plugins.module_utils._helm_yaml import load_all


def objects(manifest: str, owner: str) -> list[dict[str, Any]]:
    """The objects of a manifest; ``owner`` is what messages call where it comes from."""
    try:
        found = load_all(manifest)
    except Exception as error:  # whatever the YAML library raises for what is not YAML
        raise EksError(f"{owner}: its manifest is not YAML: {error}") from error
    made: list[Any] = []
    for item in found:
        inner = item.get("items") if isinstance(item, dict) and str(item.get("kind")).endswith("List") else None
        made += inner if isinstance(inner, list) else [item]
    return [item for item in made if isinstance(item, dict) and item.get("kind")]


def require_name(item: dict[str, Any], owner: str) -> None:
    """Raise EksError where an object does not say what it is."""
    if not isinstance(item.get("apiVersion"), str) or not (item.get("metadata") or {}).get("name"):
        raise EksError(f"{owner}: an object of kind {item['kind']} has no apiVersion or no metadata.name.")


def find(items: list[dict[str, Any]], kind: str, namespace: str, name: str, release: str) -> dict[str, Any] | None:
    """The object of a kind and name; one that names no namespace is in the release's."""
    for item in items:
        meta = item.get("metadata") or {}
        if (item["kind"], meta.get("namespace") or release, meta.get("name")) == (kind, namespace, name):
            return item
    return None


def namespaces(manifest: str) -> set[str]:
    """The names of the Namespaces in a manifest; none where it cannot be read."""
    if "Namespace" not in manifest:
        return set()
    try:
        found = objects(manifest, "")
    except EksError:
        return set()
    return {str((item.get("metadata") or {}).get("name")) for item in found if item["kind"] == "Namespace"}
