# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The ConfigMap aws-auth in the cluster: read, and written only as long as nobody else wrote it since."""

from __future__ import annotations

import base64
import contextlib
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from ansible_collections.ekspress.eks.plugins.module_utils._aws_auth_model import ANNOTATION
from ansible_collections.ekspress.eks.plugins.module_utils._context import Context
from ansible_collections.ekspress.eks.plugins.module_utils._errors import EksError
from ansible_collections.ekspress.eks.plugins.module_utils._kubernetes import Kubernetes
from ansible_collections.ekspress.eks.plugins.module_utils._kubernetes_errors import KubernetesError

DATA_LIMIT = 1024 * 1024
ANNOTATIONS_LIMIT = 256 * 1024
"""Bytes: of all values of data and binaryData, and of all keys and values of the annotations. The API server's limits:
https://kubernetes.io/docs/concepts/configuration/configmap/#motivation and
https://kubernetes.io/docs/concepts/overview/working-with-objects/annotations/"""

MISSING, CONFLICT = 404, 409


@dataclass(frozen=True)
class Place:
    """Where a ConfigMap is."""

    namespace: str = "kube-system"
    name: str = "aws-auth"

    def __str__(self) -> str:
        return f"ConfigMap {self.namespace}/{self.name}"


EKS = Place()
"""Where EKS reads it: https://docs.aws.amazon.com/eks/latest/userguide/auth-configmap.html"""


class ConflictError(Exception):
    """Somebody else wrote, created or deleted the ConfigMap since it was read, so nothing was written."""


class Document:
    """The one ConfigMap of a task."""

    def __init__(self, kubernetes: Kubernetes, context: Context, place: Place) -> None:
        self._kubernetes = kubernetes
        self._context = context
        self._place = place
        self._path = kubernetes.paths.object("v1", "ConfigMap", place.name, place.namespace)

    def read(self) -> dict[str, Any] | None:
        """The ConfigMap, or None where there is none (one call)."""
        return self._kubernetes.find(self._path)

    def write(self, live: dict[str, Any] | None, wanted: dict[str, Any]) -> None:
        """Create it, or replace the version that was read; in check mode, try whether it could be.

        Raises ConflictError where somebody else was quicker.
        """
        dry_run = self._context.check_mode
        try:
            with unless_unable(dry_run=dry_run):
                if live is None:
                    self._kubernetes.create(wanted, dry_run=dry_run)
                else:
                    self._kubernetes.replace(self._path, wanted, dry_run=dry_run)
        except KubernetesError as error:
            if error.status == CONFLICT or (error.status == MISSING and live is not None):
                raise ConflictError from error
            raise


@contextlib.contextmanager
def unless_unable(*, dry_run: bool) -> Iterator[None]:
    """Take it for no refusal of a dry run where an admission webhook does not support any.

    https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/#side-effects
    """
    try:
        yield
    except KubernetesError as error:
        if not dry_run or "does not support dry run" not in error.text:
            raise


def data_of(item: Mapping[str, Any] | None) -> dict[str, str]:
    """The texts of a ConfigMap, {} where there is none."""
    return dict((item or {}).get("data") or {})


def entries_of(item: Mapping[str, Any] | None) -> str:
    """What the ConfigMap says of the entries that are ours, '' where it says nothing."""
    annotations = (item or {}).get("metadata", {}).get("annotations") or {}
    return str(annotations.get(ANNOTATION, ""))


def written(
    live: dict[str, Any] | None,
    place: Place,
    data: Mapping[str, str],
    entries: str,
    binary: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """The ConfigMap with other texts and entries of ours, and other binaryData where given; all else as it was read."""
    item = deepcopy(live) if live is not None else _new(place)
    _put(item, "data", dict(data))
    if binary is not None:
        _put(item, "binaryData", dict(binary))
    others = {key: value for key, value in (item["metadata"].get("annotations") or {}).items() if key != ANNOTATION}
    _put(item["metadata"], "annotations", {**others, **({ANNOTATION: entries} if entries else {})})
    return item


def _put(item: dict[str, Any], key: str, value: dict[str, str]) -> None:
    if value:
        item[key] = value
    else:
        item.pop(key, None)


def _new(place: Place) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": place.name, "namespace": place.namespace},
    }


def check(live: dict[str, Any] | None, wanted: dict[str, Any], place: Place) -> None:
    """Raise EksError where the API would refuse a ConfigMap for what can be known without asking it."""
    if live is not None and live.get("immutable"):
        raise EksError(
            f"{place} is immutable, so nothing can be written. Delete and create it without immutable: true "
            f"(kubectl -n {place.namespace} get configmap {place.name} -o yaml shows it), and run again."
        )
    for size, limit, what in (
        (_data_size, DATA_LIMIT, "data and binaryData"),
        (_annotations_size, ANNOTATIONS_LIMIT, "annotations"),
    ):
        if size(wanted) > limit:
            raise EksError(
                f"{place} would grow too large: its {what} take {size(live or {})} bytes now, {size(wanted)} would be "
                f"needed, and Kubernetes allows {limit}; nothing was written. Map fewer identities: let people share a "
                "role, remove entries and keys that nobody needs, or use EKS access entries, which have no such limit."
            )


def _data_size(item: Mapping[str, Any]) -> int:
    texts = (item.get("data") or {}).values()
    binaries = (item.get("binaryData") or {}).values()
    return sum(len(text.encode()) for text in texts) + sum(len(base64.b64decode(text)) for text in binaries)


def _annotations_size(item: Mapping[str, Any]) -> int:
    annotations = item.get("metadata", {}).get("annotations") or {}
    return sum(len(key.encode()) + len(value.encode()) for key, value in annotations.items())
