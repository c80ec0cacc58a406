# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Restarts of workloads whose IAM role changed: marked before the change, so that they survive a run that is ended."""

from __future__ import annotations

from datetime import UTC, datetime

from ansible_collections.ekspress.eks.plugins.module_utils import _helm_drift, _helm_storage
from ansible_collections.ekspress.eks.plugins.module_utils._context import Context
from ansible_collections.ekspress.eks.plugins.module_utils._errors import EksError
from ansible_collections.ekspress.eks.plugins.module_utils._helm_changes import Change
from ansible_collections.ekspress.eks.plugins.module_utils._helm_manifests import objects
from ansible_collections.ekspress.eks.plugins.module_utils._helm_releases_plan import INSTALLED, Decision, Release
from ansible_collections.ekspress.eks.plugins.module_utils._helm_restarts_plan import (
    Mark,
    Workload,
    owed,
    owed_by_drift,
    with_role,
)
from ansible_collections.ekspress.eks.plugins.module_utils._helm_storage import MARK_LABEL
from ansible_collections.ekspress.eks.plugins.module_utils._kubernetes import Kubernetes
from ansible_collections.ekspress.eks.plugins.module_utils._kubernetes_errors import KubernetesError
from ansible_collections.ekspress.eks.plugins.module_utils._parallel import gather

ANNOTATION = "kubectl.kubernetes.io/restartedAt"
"""Of a pod template, as kubectl rollout restart writes it: https://kubernetes.io/docs/reference/labels-annotations-taints/"""

SIGN = "eks.amazonaws.com/"
"""What is in the manifest of every release that has a role."""


class Restarts:
    """Restarts of workloads of one cluster."""

    def __init__(self, kubernetes: Kubernetes, context: Context) -> None:
        self._kubernetes = kubernetes
        self._context = context

    def mark(self, release: Release, decision: Decision, *, removed: bool) -> Mark | None:
        """What helm is to put on the revision that it makes; None where all pods are new.

        ``removed`` is set where what was there of the release was uninstalled just now.
        """
        if decision.state != INSTALLED and not removed:
            return Mark(_now(), decision.mark.since if decision.mark else decision.revision)
        # What it adopts may have been started with the role that another tool gave it.
        return Mark(_now(), adopted=True) if release.take_ownership else None

    def foretold(self, release: Release, decision: Decision, manifest: str) -> list[Workload]:
        """What an install or upgrade that makes a manifest restarts. Reads only."""
        if SIGN not in decision.manifest + manifest:
            return []
        owner = f"Release {release.key}"
        made = objects(manifest, owner)
        if decision.manifest:
            return owed([objects(decision.manifest, owner), made], release.namespace)
        return self._older(with_role(made, release.namespace), _now()) if release.take_ownership else []

    def settle(self, release: Release, mark: Mark) -> list[Workload]:
        """Restart what is owed a restart since a mark on the newest revision, and take the mark away."""
        newest, workloads = self._pending(release, mark)
        self._restart(workloads, mark)
        self._label(release, newest, None)
        return workloads

    def owed(self, release: Release, decision: Decision, changes: list[Change]) -> list[Workload]:
        """What a repair restarts: what drifted is put back, and what an earlier run owes is done. Reads only."""
        pending = self._pending(release, decision.mark)[1] if decision.mark else []
        return list(dict.fromkeys([*_drift(release, decision, changes), *pending]))

    def repair(self, release: Release, decision: Decision, changes: list[Change]) -> list[Workload]:
        """Put back what drifted, and restart what is owed a restart."""
        workloads = self.owed(release, decision, changes)
        mark = decision.mark
        if _drift(release, decision, changes):
            # With a time of its own, as the one of an earlier mark may be on the templates already.
            mark = Mark(_now())
            self._label(release, decision.secret, mark.text)
        _helm_drift.repair(self._kubernetes, changes)
        if mark:
            self._restart(workloads, mark)
            self._label(release, decision.secret, None)
        return workloads

    def _pending(self, release: Release, mark: Mark) -> tuple[str, list[Workload]]:
        """The name of the newest revision's Secret, and what is owed a restart since a mark."""
        since = mark.since or 0
        history = _helm_storage.read_since(self._kubernetes, release.namespace, release.name, since)
        if not history:
            raise EksError(f"Release {release.key} is not there any more: somebody removed it meanwhile. Run again.")
        newest = history[-1]
        if not any(SIGN in revision.manifest for revision in history):
            return newest.secret, []
        owner = f"Release {release.key}"
        if mark.since is not None:
            return newest.secret, owed([objects(item.manifest, owner) for item in history], release.namespace)
        workloads = with_role(objects(newest.manifest, owner), release.namespace)
        return newest.secret, self._older(workloads, mark.moment) if mark.adopted else workloads

    def _older(self, workloads: list[Workload], moment: str) -> list[Workload]:
        """Those workloads that are there and were before the second of a moment."""
        found = gather(self._context, lambda workload: self._kubernetes.find(self._path(workload)), workloads)
        made = [str(item["metadata"]["creationTimestamp"]) if item else moment for item in found]
        return [workload for workload, made_at in zip(workloads, made, strict=True) if made_at[:19] < moment[:19]]

    def _restart(self, workloads: list[Workload], mark: Mark) -> None:
        """Change the pods' templates, once for each mark however often this is repeated."""
        body = {"spec": {"template": {"metadata": {"annotations": {ANNOTATION: mark.moment}}}}}

        def restart(workload: Workload) -> None:
            try:
                self._kubernetes.patch(self._path(workload), body)
            except KubernetesError as error:
                # Somebody removed it: then no pod of it has the old role.
                if error.status != 404:
                    raise

        gather(self._context, restart, workloads)

    def _label(self, release: Release, secret: str, text: str | None) -> None:
        path = self._kubernetes.paths.object("v1", "Secret", secret, release.namespace)
        self._kubernetes.patch(path, {"metadata": {"labels": {MARK_LABEL: text}}})

    def _path(self, workload: Workload) -> str:
        return self._kubernetes.paths.object("apps/v1", workload.kind, workload.name, workload.namespace)


def _drift(release: Release, decision: Decision, changes: list[Change]) -> list[Workload]:
    if not any(change.item["kind"] == "ServiceAccount" for change in changes):
        return []
    return owed_by_drift(changes, objects(decision.manifest, f"Release {release.key}"), release.namespace)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
