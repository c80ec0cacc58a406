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
from ansible_collections.ekspress.eks.plugins.module_utils._gates_pods import moment
from ansible_collections.ekspress.eks.plugins.module_utils._helm_manifests import objects
from ansible_collections.ekspress.eks.plugins.module_utils._helm_uses import Use, label, of_release
from ansible_collections.ekspress.eks.plugins.module_utils._kubernetes import MANAGER, Kubernetes
from ansible_collections.ekspress.eks.plugins.module_utils._kubernetes_paths import UnknownKindError
from ansible_collections.ekspress.eks.plugins.module_utils._parallel import gather, settle

DEFINITION = "CustomResourceDefinition"
LOOK_SECONDS = 2.0
"""Between two looks at what is being deleted: its kinds may be many, and a watch tells of one."""

NAMED = 5
"""Objects that a message names."""

Key = tuple[str, str]
"""Namespace and name of a release."""

EVENTS = 3
"""Newest warnings that a message shows of an object."""


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
    """The argument spec of leftovers."""
    leftover = {
        **{name: {"type": "str", "required": True} for name in ("api_version", "kind", "name")},
        "namespace": {"type": "str", "default": ""},
    }
    return {"leftovers": {"type": "list", "elements": "dict", "default": [], "options": leftover}}


def leftovers(entries: Sequence[dict[str, Any]]) -> tuple[Leftover, ...]:
    """From options."""
    return tuple(Leftover(**entry) for entry in entries)


class Removal:
    """Looks at, and removes, what is around the releases of one cluster.

    ``going`` are the releases (namespace, name) that are removed in this run: what is theirs need not be gone yet.
    """

    def __init__(self, kubernetes: Kubernetes, context: Context, going: Collection[Key]) -> None:
        self._kubernetes = kubernetes
        self._context = context
        self._going = going

    def require_possible(self, release: Key, used_by: Sequence[Use]) -> None:
        """Raise EksError where an object that nobody deletes needs a release."""
        self._refuse_kept(_owner(release), self._found(release, used_by))

    def require_unused(self, release: Key, used_by: Sequence[Use], timeout: float) -> None:
        """Return once no object needs a release any more. Raises EksError where one does that nobody deletes.

        In check mode it does not wait for those that are being deleted.
        """
        deadline, owner = time.monotonic() + timeout, _owner(release)
        while True:
            found = self._found(release, used_by)
            self._refuse_kept(owner, found)
            if not found or self._context.check_mode:
                return
            if time.monotonic() > deadline:
                items = [item for _use, item in found]
                raise EksError(
                    f"{owner} is still needed: {_named(items)} still there after {timeout:.0f} s."
                    f"{self._why_still_there(items)} See what keeps them, and the logs of {owner}, then run again."
                )
            if self._context.cancelled.wait(LOOK_SECONDS):
                raise CancelledError(f"{owner} was not removed: the task was ended.")

    def explained(self, error: EksError, manifest: str, namespace: str) -> EksError:
        """The error of an uninstall that says also which objects of the manifest are not gone yet, and why."""
        if isinstance(error, CancelledError):
            return error
        try:
            items = objects(manifest, "")
        except EksError:
            return error

        def read(item: dict[str, Any]) -> dict[str, Any] | None:
            meta = item["metadata"]
            wanted = Leftover(item["apiVersion"], item["kind"], meta["name"], meta.get("namespace") or namespace)
            return self._live(wanted.api_version, wanted.kind, wanted)

        answers = settle(self._context, read, items)
        live = [
            {**item, **answer}
            for item, answer in zip(items, answers, strict=True)
            if isinstance(answer, dict) and answer["metadata"].get("deletionTimestamp")
        ]
        if not live:
            return error
        return EksError(f"{error.message} Being deleted and not gone: {_named(live)}.{self._why_still_there(live)}")

    def _found(self, release: Key, used_by: Sequence[Use]) -> list[tuple[Use, dict[str, Any]]]:
        """The objects that need a release; those of its own only where nothing would delete them."""
        lists = gather(self._context, self._users, used_by)
        found = [(use, item) for use, items in zip(used_by, lists, strict=True) for item in items]
        return [(use, item) for use, item in found if use.annotation or of_release(item) != release]

    def _refuse_kept(self, owner: str, found: Sequence[tuple[Use, dict[str, Any]]]) -> None:
        kept: dict[tuple[str, str], list[dict[str, Any]]] = {}
        for use, item in found:
            if use.counts(item, self._going):
                kept.setdefault((use.reason, use.advice), []).append(item)
        if kept:
            words = (f"{_named(items)} {reason}. {advice}" for (reason, advice), items in kept.items())
            raise EksError(f"{owner} is still needed: {' '.join(words)}")

    def _why_still_there(self, items: Sequence[dict[str, Any]]) -> str:
        """The finalizers and newest warnings of objects, as a message's next sentences."""
        words = []
        for item in items[:NAMED]:
            finalizers = ", ".join(item["metadata"].get("finalizers") or [])
            warnings = self._warnings(item)
            if finalizers or warnings:
                parts = [f"has the finalizers {finalizers}" if finalizers else "", *warnings]
                words.append(f" {label(item)}: {'; '.join(filter(None, parts))}.")
        return "".join(words)

    def _warnings(self, item: dict[str, Any]) -> list[str]:
        meta = item["metadata"]
        path = self._kubernetes.paths.collection("v1", "Event", meta.get("namespace") or "default")
        selector = f"involvedObject.name={meta['name']},involvedObject.kind={item['kind']},type=Warning"
        try:
            events = sorted(self._kubernetes.list(path, field_selector=selector), key=moment)
        except CancelledError:
            raise
        except EksError:
            return []
        return [f"{event.get('reason')}: {str(event.get('message', '')).strip(' .')}" for event in events[-EVENTS:]]

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
            path = self._kubernetes.paths.collection(use.api_version, use.kind, use.namespace)
        except UnknownKindError:
            return []
        items = self._kubernetes.list(path, use.label_selector)
        return [{"kind": use.kind, **item} for item in items if use.holds(item, self._going)]

    def _live(self, api_version: str, kind: str, item: Leftover) -> dict[str, Any] | None:
        """The object as it is now; None where there is none, or no such kind."""
        try:
            return self._kubernetes.find(self._kubernetes.paths.object(api_version, kind, item.name, item.namespace))
        except UnknownKindError:
            return None

    def _may_go(self, item: Leftover) -> bool:
        live = self._live(item.api_version, item.kind, item)
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
        return of_release(item) in self._going

    def _path(self, item: Leftover) -> str:
        return self._kubernetes.paths.object(item.api_version, item.kind, item.name, item.namespace)


def _ours(live: dict[str, Any]) -> bool:
    """Whether nobody but this collection has applied an object; the API server itself writes the status."""
    fields = live["metadata"].get("managedFields") or []
    return {entry.get("manager") for entry in fields if not entry.get("subresource")} == {MANAGER}


def _owner(release: Key) -> str:
    return f"Release {'/'.join(release)}"


def _named(items: Sequence[dict[str, Any]]) -> str:
    return named(sorted(map(label, items)), NAMED)
