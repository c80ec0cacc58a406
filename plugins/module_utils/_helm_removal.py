# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What helm does not know of when a release is removed: objects that need it, and objects that its programs leave."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.ekspress.eks.plugins.module_utils._context import Context
from ansible_collections.ekspress.eks.plugins.module_utils._errors import CancelledError, EksError, named
from ansible_collections.ekspress.eks.plugins.module_utils._kubernetes import MANAGER, Kubernetes
from ansible_collections.ekspress.eks.plugins.module_utils._kubernetes_paths import UnknownKindError
from ansible_collections.ekspress.eks.plugins.module_utils._parallel import gather

DEFINITION = "CustomResourceDefinition"
LOOK_SECONDS = 2.0
"""Between two looks at what is being deleted: its kinds may be many, and a watch tells of one."""

NAMED = 5
"""Objects that a message names."""

OWNER = ("meta.helm.sh/release-namespace", "meta.helm.sh/release-name")
"""Annotations of Helm's on the objects of a release."""


@dataclass(frozen=True)
class Use:
    """Objects of a kind that cannot be deleted any more once the release is gone, as it clears their finalizers."""

    api_version: str
    kind: str
    finalizers: tuple[str, ...]
    """One that ends with a slash stands for all that begin with it."""
    label_selector: str = ""

    def holds(self, item: dict[str, Any]) -> bool:
        """Whether an object has such a finalizer."""
        found = item["metadata"].get("finalizers") or []
        return any(
            name == own or (own.endswith("/") and name.startswith(own)) for name in found for own in self.finalizers
        )


@dataclass(frozen=True)
class Leftover:
    """An object that is neither of the chart nor of anybody else."""

    api_version: str
    kind: str
    name: str
    namespace: str

    @property
    def label(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}" if self.namespace else f"{self.kind} {self.name}"


def options() -> dict[str, Any]:
    """The argument spec of used_by and leftovers."""
    what = {"api_version": {"type": "str", "required": True}, "kind": {"type": "str", "required": True}}
    finalizers = {"type": "list", "elements": "str", "required": True}
    used_by = {**what, "finalizers": finalizers, "label_selector": {"type": "str", "default": ""}}
    leftover = {**what, "name": {"type": "str", "required": True}, "namespace": {"type": "str", "default": ""}}
    lists = {"type": "list", "elements": "dict", "default": []}
    return {"used_by": {**lists, "options": used_by}, "leftovers": {**lists, "options": leftover}}


def uses(entries: Sequence[dict[str, Any]]) -> tuple[Use, ...]:
    """From options."""
    return tuple(Use(**{**entry, "finalizers": tuple(entry["finalizers"])}) for entry in entries)


def leftovers(entries: Sequence[dict[str, Any]]) -> tuple[Leftover, ...]:
    """From options."""
    return tuple(Leftover(**entry) for entry in entries)


class Removal:
    """Looks at, and removes, what is around the releases of one cluster.

    ``going`` are the releases (namespace, name) that are removed in this run: what is theirs need not be gone yet.
    """

    def __init__(self, kubernetes: Kubernetes, context: Context, going: Collection[tuple[str, str]]) -> None:
        self._kubernetes = kubernetes
        self._context = context
        self._going = going

    def require_unused(self, owner: str, used_by: Sequence[Use], timeout: float) -> None:
        """Return once no object needs a release any more. Raises EksError where one does that nobody deletes.

        In check mode it does not wait for those that are being deleted.
        """
        deadline = time.monotonic() + timeout
        while True:
            found = [item for items in gather(self._context, self._users, used_by) for item in items]
            kept = [item for item in found if not (item["metadata"].get("deletionTimestamp") or self._goes(item))]
            if kept:
                raise EksError(
                    f"{owner} is still needed: {_named(kept)} could not be deleted any more without it, as it is what "
                    "takes their finalizers away once it has cleaned up. Delete them before, then run again."
                )
            if not found or self._context.check_mode:
                return
            if time.monotonic() > deadline:
                raise EksError(
                    f"{owner} is still needed: {_named(found)} still there after {timeout:.0f} s, with finalizers that "
                    "it should have taken away. See the events of these objects and its logs, then run again."
                )
            if self._context.cancelled.wait(LOOK_SECONDS):
                raise CancelledError(f"{owner} was not removed: the task was ended.")

    def find(self, wanted: Sequence[Leftover], *, installed: bool) -> list[Leftover]:
        """Those that are there and may go.

        Where the release is not ``installed`` any more, objects may be those of somebody else's program of the same
        kind, but for CRDs, which tell who applied them. A CRD stays that others have applied too, or that has objects.
        """
        asked = [item for item in wanted if installed or item.kind == DEFINITION]
        found = gather(self._context, self._may_go, asked)
        return [item for item, there in zip(asked, found, strict=True) if there]

    def remove(self, wanted: Sequence[Leftover], done: Callable[[str], None], *, installed: bool) -> None:
        """Remove those that may go, and tell ``done`` of each by its label."""
        for item in self.find(wanted, installed=installed):
            self._kubernetes.delete(self._path(item))
            done(item.label)

    def _users(self, use: Use) -> list[dict[str, Any]]:
        try:
            path = self._kubernetes.paths.collection(use.api_version, use.kind)
        except UnknownKindError:
            return []
        items = self._kubernetes.list(path, use.label_selector)
        return [{"kind": use.kind, **item} for item in items if use.holds(item)]

    def _may_go(self, item: Leftover) -> bool:
        try:
            live = self._kubernetes.find(self._path(item))
        except UnknownKindError:
            return False
        if live is None or live["metadata"].get("deletionTimestamp"):
            return False
        return item.kind != DEFINITION or (_ours(live) and not self._objects(live))

    def _objects(self, definition: dict[str, Any]) -> bool:
        """Whether a CRD has objects that do not go in this run."""
        spec = definition["spec"]
        served = [item["name"] for item in spec["versions"] if item["served"]]
        if not served:
            # They cannot be seen, and so may be there.
            return True
        items = self._kubernetes.list(f"/apis/{spec['group']}/{served[0]}/{spec['names']['plural']}")
        return any(not self._goes(item) for item in items)

    def _goes(self, item: dict[str, Any]) -> bool:
        annotations = item["metadata"].get("annotations") or {}
        return (annotations.get(OWNER[0]), annotations.get(OWNER[1])) in self._going

    def _path(self, item: Leftover) -> str:
        return self._kubernetes.paths.object(item.api_version, item.kind, item.name, item.namespace)


def _ours(live: dict[str, Any]) -> bool:
    """Whether nobody but this collection has applied an object; the API server itself writes the status."""
    fields = live["metadata"].get("managedFields") or []
    return {entry.get("manager") for entry in fields if not entry.get("subresource")} == {MANAGER}


def _named(items: Sequence[dict[str, Any]]) -> str:
    names = sorted(
        f"{item['kind']} {item['metadata'].get('namespace', '')}/{item['metadata']['name']}" for item in items
    )
    return named(names, NAMED)
