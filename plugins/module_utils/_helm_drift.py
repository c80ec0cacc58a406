# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Drift: what of a release's objects is not in the cluster as Helm recorded it, and putting it back."""

from __future__ import annotations

from typing import Any

from ansible_collections.ekspress.eks.plugins.module_utils import _helm_manifests
from ansible_collections.ekspress.eks.plugins.module_utils._context import Context
from ansible_collections.ekspress.eks.plugins.module_utils._helm_changes import Change, meant
from ansible_collections.ekspress.eks.plugins.module_utils._helm_differences import difference
from ansible_collections.ekspress.eks.plugins.module_utils._helm_releases_plan import Release
from ansible_collections.ekspress.eks.plugins.module_utils._kubernetes import APPLY, Kubernetes
from ansible_collections.ekspress.eks.plugins.module_utils._parallel import gather

FIELD_MANAGER = "helm"
"""Helm's own, so that what is put back stays Helm's to change."""


def find(kubernetes: Kubernetes, context: Context, release: Release, manifest: str) -> list[Change]:
    """The objects of a release that are missing or differ in a field that the release gives.

    The API server tells, by a dry run: it knows its defaults and spellings. Fields that others added do not count.
    """
    items = [_as_helm_makes(item, release) for item in _helm_manifests.objects(manifest, f"Release {release.key}")]
    found = gather(context, lambda item: _drifted(kubernetes, item), items)
    return [change for change in found if change is not None]


def repair(kubernetes: Kubernetes, changes: list[Change]) -> None:
    """Put objects back."""
    for change in changes:
        _apply(kubernetes, change.item, dry_run=False)


def _as_helm_makes(item: dict[str, Any], release: Release) -> dict[str, Any]:
    """An object of a manifest with the marks that Helm gives every object of a release."""
    _helm_manifests.require_name(item, f"Release {release.key}")
    meta = item["metadata"]
    labels = {**(meta.get("labels") or {}), "app.kubernetes.io/managed-by": "Helm"}
    marks = {"meta.helm.sh/release-name": release.name, "meta.helm.sh/release-namespace": release.namespace}
    annotations = {**(meta.get("annotations") or {}), **marks}
    namespace = meta.get("namespace") or release.namespace
    return {**item, "metadata": {**meta, "namespace": namespace, "labels": labels, "annotations": annotations}}


def _drifted(kubernetes: Kubernetes, item: dict[str, Any]) -> Change | None:
    if not kubernetes.paths.namespaced(item["apiVersion"], item["kind"]):
        item = {**item, "metadata": {key: value for key, value in item["metadata"].items() if key != "namespace"}}
    live = kubernetes.find(_path(kubernetes, item))
    planned = _apply(kubernetes, item, dry_run=True)
    if live is not None and difference(meant(live), meant(planned)) == ({}, {}):
        return None
    return Change(item, live, planned, force=True)


def _apply(kubernetes: Kubernetes, item: dict[str, Any], *, dry_run: bool) -> dict[str, Any]:
    query = {"fieldManager": FIELD_MANAGER, "force": "true"}
    path = _path(kubernetes, item)
    return kubernetes.request("PATCH", path, query=query, body=item, content_type=APPLY, dry_run=dry_run)


def _path(kubernetes: Kubernetes, item: dict[str, Any]) -> str:
    meta = item["metadata"]
    return kubernetes.paths.object(item["apiVersion"], item["kind"], meta["name"], meta.get("namespace"))
