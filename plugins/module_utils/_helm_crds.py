# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""CRDs of charts: applied server-side before each install and upgrade, as Helm never changes those that are there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from ansible_collections.ekspress.eks.plugins.module_utils._context import Context
from ansible_collections.ekspress.eks.plugins.module_utils._errors import EksError
from ansible_collections.ekspress.eks.plugins.module_utils._gates import Gates
from ansible_collections.ekspress.eks.plugins.module_utils._gates_plan import Gate
from ansible_collections.ekspress.eks.plugins.module_utils._helm_changes import Change, meant
from ansible_collections.ekspress.eks.plugins.module_utils._helm_charts import UNREADABLE, chart_files
from ansible_collections.ekspress.eks.plugins.module_utils._helm_differences import difference
from ansible_collections.ekspress.eks.plugins.module_utils._helm_manifests import require_name
from ansible_collections.ekspress.eks.plugins.module_utils._helm_releases_plan import Release
from ansible_collections.ekspress.eks.plugins.module_utils._helm_subcharts import crd_objects
from ansible_collections.ekspress.eks.plugins.module_utils._kubernetes import MANAGER, Kubernetes
from ansible_collections.ekspress.eks.plugins.module_utils._kubernetes_errors import KubernetesError
from ansible_collections.ekspress.eks.plugins.module_utils._parallel import gather

APPLY, TAKE_OVER, SKIP = "apply", "take_over", "skip"

OURS = frozenset({MANAGER, "helm"})
"""Field managers whose fields are the release's own: Helm's, which installed it before, and this collection's."""

CONFLICT = 409
DEFINITION = "CustomResourceDefinition"
HOLDER = re.compile(r'conflicts? with "([^"]+)"')


class Crds:
    """The CRDs of the charts of one cluster."""

    def __init__(self, kubernetes: Kubernetes, gates: Gates, context: Context) -> None:
        self._kubernetes = kubernetes
        self._gates = gates
        self._context = context

    def plan(self, release: Release) -> list[Change]:
        """What is to be done before a release, whose chart is on this machine, is installed or upgraded.

        Raises EksError where somebody else holds fields that would change.
        """
        if release.chart is None or release.crds == SKIP:
            return []
        try:
            files = dict(chart_files(Path(release.chart.reference)))
        except UNREADABLE as error:
            raise EksError(f"The chart {release.chart.reference} cannot be read: {error}.") from error
        items = crd_objects(files, release.values, f"Release {release.key}")
        found = gather(self._context, lambda item: self._planned(release, item), items)
        return [change for change in found if change is not None]

    def apply(self, release: Release, changes: list[Change]) -> None:
        """Apply what was planned, and return once all CRDs among it are established."""
        for change in changes:
            self._kubernetes.apply(change.item, force=change.force)
        for change in changes:
            if change.item["kind"] == DEFINITION:
                self._gates.wait(Gate("crd", change.item["metadata"]["name"], "", release.timeout))

    def _planned(self, release: Release, item: dict[str, Any]) -> Change | None:
        require_name(item, f"Release {release.key}: crds/ of its chart")
        paths, meta = self._kubernetes.paths, item["metadata"]
        if paths.namespaced(item["apiVersion"], item["kind"]) and not meta.get("namespace"):
            meta = {**meta, "namespace": release.namespace}
            item = {**item, "metadata": meta}
        live = self._kubernetes.find(
            paths.object(item["apiVersion"], item["kind"], meta["name"], meta.get("namespace"))
        )
        force = release.crds == TAKE_OVER
        try:
            planned = self._kubernetes.apply(item, dry_run=True, force=force)
        except KubernetesError as error:
            if error.status != CONFLICT:
                raise
            others = sorted(set(HOLDER.findall(error.text)) - OURS)
            if others:
                raise EksError(
                    f"{item['kind']} {meta['name']} of the chart differs from the one in the cluster in fields that "
                    f"{', '.join(others)} holds: {error.text}. Let that keep it (crds: skip), or take the fields over "
                    "(crds: take_over)."
                ) from error
            force = True
            planned = self._kubernetes.apply(item, dry_run=True, force=True)
        if live is not None and difference(meant(live), meant(planned)) == ({}, {}):
            return None
        return Change(item, live, planned, force)
