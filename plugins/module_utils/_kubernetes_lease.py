# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A lock that lives in the cluster, so that two runs on it do not undo each other's work.

https://kubernetes.io/docs/concepts/architecture/leases/
"""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time
import uuid
from datetime import UTC, datetime
from types import TracebackType
from typing import Any

from ansible_collections.ekspress.eks.plugins.module_utils._context import Context
from ansible_collections.ekspress.eks.plugins.module_utils._errors import CancelledError, EksError
from ansible_collections.ekspress.eks.plugins.module_utils._kubernetes import Kubernetes
from ansible_collections.ekspress.eks.plugins.module_utils._kubernetes_errors import KubernetesError

SECONDS = 15
"""A holder that has not renewed for so long, as we see it, has ended; clocks of different machines are not compared."""

SILENCE_SECONDS = 4.0
"""Time without an answer after which the count begins anew: the API may have been away, for the holder too."""

WATCH_SECONDS = 2.0

LONG_AGO_SECONDS = 600
"""A renewal so long ago counts as ended at first sight, as no two clocks differ that much."""

PATIENCE_SECONDS = 900
"""Longest wait for another run."""

NAMESPACE = "kube-system"
CONFLICT = 409
NO_ANSWER = 0


class Lease:
    """Holds a lease of the cluster while the block runs; waits for another run that holds it.

    Raises EksError after PATIENCE_SECONDS, naming the holder. A run that was killed is waited for SECONDS. Where
    another run takes the lease, as it was not renewed for so long, the context is cancelled and an EksError says why.
    """

    def __init__(self, kubernetes: Kubernetes, context: Context, name: str, purpose: str) -> None:
        # Of a context without an end: what an ended task holds must be given back all the same.
        own = Context(check_mode=context.check_mode, warnings=context.warnings, actions=context.actions)
        self._kubernetes = Kubernetes(kubernetes.connection, own)
        self._context = context
        self._name = name
        self._purpose = purpose
        self._path = kubernetes.paths.object("coordination.k8s.io/v1", "Lease", name, NAMESPACE)
        self._collection = kubernetes.paths.collection("coordination.k8s.io/v1", "Lease", NAMESPACE)
        self._holder = f"{socket.gethostname()}/{os.getpid()}/{uuid.uuid4().hex[:8]}"
        self._held: dict[str, Any] = {}
        self._lost = False
        self._ended = threading.Event()
        self._renewer = threading.Thread(target=self._renew, name=f"lease {name}", daemon=True)

    def __enter__(self) -> Lease:
        deadline = time.monotonic() + PATIENCE_SECONDS
        seen, since, answered = "", 0.0, 0.0
        while True:
            current = self._kubernetes.find(self._path)
            now = time.monotonic()
            version = (current or {}).get("metadata", {}).get("resourceVersion", "")
            if version != seen or now - answered > SILENCE_SECONDS:
                seen, since = version, now
            answered = now
            if current and current["spec"].get("holderIdentity") == self._holder:
                # We took it, and the answer was lost.
                self._held = current
                self._renewer.start()
                return self
            if current is None or _ended(current) or now - since >= SECONDS:
                if self._take(current):
                    self._renewer.start()
                    return self
                continue
            if now > deadline:
                raise EksError(
                    f"Another run ({current['spec'].get('holderIdentity')}) has been {self._purpose} for "
                    f"{PATIENCE_SECONDS} s; nothing was changed. Run again once it has ended."
                )
            self._wait(version, SECONDS - (now - since))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._ended.set()
        self._renewer.join()
        if self._lost:
            words = (
                f"Another run took over while this one was {self._purpose}, as it did not hear of this one for "
                f"{SECONDS} s."
            )
            if isinstance(error, CancelledError):
                raise EksError(f"{words} So this one was stopped; run again once the other has ended.") from error
            self._context.warn(f"{words} Run again, one at a time.")
            return
        # The cluster is out of reach, or another run took over: the lease expires by itself.
        with contextlib.suppress(EksError):
            self._give_back()

    def _give_back(self) -> None:
        meta = self._held["metadata"]
        try:
            self._kubernetes.delete(self._path, uid=meta["uid"], version=meta["resourceVersion"])
        except KubernetesError as error:
            current = self._kubernetes.find(self._path) if error.status == CONFLICT else None
            if not current or current["spec"].get("holderIdentity") != self._holder:
                raise
            # The answer to the last renewal was lost.
            version = current["metadata"]["resourceVersion"]
            self._kubernetes.delete(self._path, uid=meta["uid"], version=version)

    def _take(self, current: dict[str, Any] | None) -> bool:
        """Make the lease ours; False where another was quicker."""
        item = {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {"name": self._name, "namespace": NAMESPACE},
            "spec": {"holderIdentity": self._holder, "leaseDurationSeconds": SECONDS, "renewTime": _now()},
        }
        try:
            if current is None:
                self._held = self._kubernetes.create(item)
            else:
                self._held = self._kubernetes.replace(self._path, {**item, "metadata": current["metadata"]})
        except KubernetesError as error:
            # Without an answer it may be ours nevertheless, which the next look tells.
            if error.status in (CONFLICT, 404, NO_ANSWER):
                return False
            raise
        return True

    def _wait(self, version: str, seconds: float) -> None:
        """Return once the lease changes, or after some seconds."""
        if self._context.cancelled.is_set():
            raise CancelledError(f"Another run was {self._purpose}, and the task was ended while it was waited for.")
        started = time.monotonic()
        changes = self._kubernetes.watch(
            self._collection, max(1.0, min(WATCH_SECONDS, seconds)), field_selector=f"metadata.name={self._name}",
            resource_version=version,
        )  # fmt: skip
        for _change in changes:
            return
        self._context.cancelled.wait(max(0.0, min(1.0, seconds) - (time.monotonic() - started)))

    def _renew(self) -> None:
        while not self._ended.wait(SECONDS / 3):
            # What fails now may work again before another run takes the lease, so it is tried to the end.
            with contextlib.suppress(EksError):
                if not self._renewed():
                    # What two runs do at once undoes each other: the other has read what is there and goes on.
                    self._lost = True
                    self._context.cancelled.set()
                    return

    def _renewed(self) -> bool:
        """Renew the lease once; False where it is another's."""
        item = {**self._held, "spec": {**self._held["spec"], "renewTime": _now()}}
        try:
            self._held = self._kubernetes.replace(self._path, item)
        except KubernetesError as error:
            if error.status not in (CONFLICT, 404):
                raise
            # A renewal whose answer was lost conflicts with itself when it is repeated.
            current = self._kubernetes.find(self._path)
            if not current or current["spec"].get("holderIdentity") != self._holder:
                return False
            self._held = current
        return True


def _ended(current: dict[str, Any]) -> bool:
    renewed = current.get("spec", {}).get("renewTime")
    if not renewed or not current["spec"].get("holderIdentity"):
        return True
    return (datetime.now(UTC) - datetime.fromisoformat(renewed)).total_seconds() > LONG_AGO_SECONDS


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
