# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Backups of aws-auth: ConfigMaps beside it, one for each version of it that a run replaced."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from ansible_collections.ekspress.eks.plugins.module_utils._aws_auth_api import (
    CONFLICT,
    MISSING,
    ConflictError,
    Place,
    entries_of,
    unless_unable,
)
from ansible_collections.ekspress.eks.plugins.module_utils._aws_auth_model import ANNOTATION
from ansible_collections.ekspress.eks.plugins.module_utils._context import Context
from ansible_collections.ekspress.eks.plugins.module_utils._errors import EksError
from ansible_collections.ekspress.eks.plugins.module_utils._kubernetes import Kubernetes
from ansible_collections.ekspress.eks.plugins.module_utils._kubernetes_errors import KubernetesError

LABEL = "ekspress.eks/backup-of"
BY_RESTORE = "ekspress.eks/made-by-restore"
"""Annotation of the backups of what a restore replaced: no later restore takes one of them unless it is named."""


@dataclass(frozen=True)
class Backup:
    """A version of aws-auth that was replaced."""

    name: str
    version: int
    """The resourceVersion that it had, a number that grows:
    https://kubernetes.io/docs/reference/using-api/api-concepts/#resource-versions"""
    by_restore: bool
    item: dict[str, Any]
    """The ConfigMap that holds it."""


class Backups:
    """The backups of one ConfigMap, in its namespace."""

    def __init__(self, kubernetes: Kubernetes, context: Context, place: Place) -> None:
        self._kubernetes = kubernetes
        self._context = context
        self._place = place

    def every(self) -> list[Backup]:
        """All backups, the oldest version first."""
        path = self._kubernetes.paths.collection("v1", "ConfigMap", self._place.namespace)
        found = self._kubernetes.list(path, label_selector=f"{LABEL}={self._place.name}")
        return sorted(map(self._read, found), key=lambda backup: (backup.version, backup.name))

    def _read(self, item: dict[str, Any]) -> Backup:
        name = item["metadata"]["name"]
        version = name.rpartition("-")[2]
        by_restore = BY_RESTORE in (item["metadata"].get("annotations") or {})
        return Backup(name, int(version) if version.isascii() and version.isdigit() else 0, by_restore, item)

    def chosen(self, backups: list[Backup], name: str) -> Backup:
        """The backup of a name; without one the newest that no restore made. Raises EksError, naming all there are."""
        for backup in reversed(backups):
            if backup.name == name or (not name and not backup.by_restore):
                return backup
        there = ", ".join(backup.name for backup in reversed(backups)) or "none"
        what = f"no backup {name!r}" if name else "no backup that a change made"
        raise EksError(
            f"There is {what} of {self._place}; nothing was written. The backups there are, newest first: {there}. "
            "Give one of them as backup, or write the ConfigMap anew (state: present)."
        )

    def make(self, live: dict[str, Any], *, by_restore: bool) -> str:
        """Make sure that there is a backup of what was read, and return its name; in check mode, try whether it could.

        It cannot be edited, only deleted. Each version has one, whichever run made it. Raises ConflictError where the
        version is no longer what is there, or others are at the same backup.
        """
        name = f"{self._place.name}-backup-{live['metadata']['resourceVersion']}"
        item = self._item(name, live, by_restore)
        try:
            with unless_unable(dry_run=self._context.check_mode):
                self._kubernetes.create(item, dry_run=self._context.check_mode)
        except KubernetesError as error:
            if error.status != CONFLICT:
                raise
            self._compare(name, item)
        return name

    def _item(self, name: str, live: dict[str, Any], by_restore: bool) -> dict[str, Any]:
        annotations = {ANNOTATION: entries_of(live), BY_RESTORE: "true" if by_restore else ""}
        item: dict[str, Any] = {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {
                "name": name,
                "namespace": self._place.namespace,
                "labels": {LABEL: self._place.name},
                "annotations": {key: value for key, value in annotations.items() if value},
            },
            "immutable": True,
        }
        return {**item, **{key: live[key] for key in ("data", "binaryData") if live.get(key)}}

    def _compare(self, name: str, wanted: dict[str, Any]) -> None:
        path = self._kubernetes.paths.object("v1", "ConfigMap", name, self._place.namespace)
        there = self._kubernetes.find(path)
        if there is None:
            # Pruned by a run after the version that it is of was replaced.
            raise ConflictError
        meta = there["metadata"]
        same = all((there.get(key) or {}) == (wanted.get(key) or {}) for key in ("data", "binaryData"))
        if not same or LABEL not in (meta.get("labels") or {}):
            raise EksError(
                f"ConfigMap {self._place.namespace}/{name} is there and is not the backup of {self._place} that its "
                "name says, so none could be made; nothing was written. Look at it, delete it, and run again."
            )
        if BY_RESTORE in (meta.get("annotations") or {}) and BY_RESTORE not in wanted["metadata"]["annotations"]:
            self._unmark(path, there)

    def _unmark(self, path: str, item: dict[str, Any]) -> None:
        """Make a backup that of a change; the restore that made it was ended before it wrote."""
        meta = item["metadata"]
        kept = {key: value for key, value in meta["annotations"].items() if key != BY_RESTORE}
        dry_run = self._context.check_mode
        try:
            with unless_unable(dry_run=dry_run):
                self._kubernetes.replace(path, {**item, "metadata": {**meta, "annotations": kept}}, dry_run=dry_run)
        except KubernetesError as error:
            if error.status in (CONFLICT, MISSING):
                raise ConflictError from error
            raise

    def outnumbered(self, backups: list[Backup], most: int, needed: Collection[str]) -> list[Backup]:
        """The oldest backups, beyond ``most``, but none of those ``needed``."""
        surplus = backups[: max(0, len(backups) - most)]
        return [backup for backup in surplus if backup.name not in needed]

    def remove(self, backup: Backup, *, dry_run: bool = False) -> None:
        """Delete a backup, or try whether it could be; one that is gone by now is fine."""
        path = self._kubernetes.paths.object("v1", "ConfigMap", backup.name, self._place.namespace)
        try:
            with unless_unable(dry_run=dry_run):
                self._kubernetes.delete(path, uid=backup.item["metadata"]["uid"], dry_run=dry_run)
        except KubernetesError as error:
            if error.status not in (MISSING, CONFLICT):
                raise
