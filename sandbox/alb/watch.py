# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The objects of one kind, kept up to date by a watch.

https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes
"""

from __future__ import annotations

import http.client
import sys
import threading
from collections.abc import Callable
from typing import Any

from sandbox.errors import SandboxError
from sandbox.kube_client import KubeClient

# The API server ends a watch after this time, and the next one begins where it ended.
WATCH_SECONDS = 300
_SHORTEST, _LONGEST = 0.1, 10.0

Json = dict[str, Any]


class Store:
    """What there is of a kind, by namespace and name.

    Args:
        make: returns a new client; its socket must wait longer than a watch lasts.
        path: of the list, such as ``/api/v1/services``.
        changed: called after every change, in the thread that watches.
    """

    def __init__(self, make: Callable[[], KubeClient], path: str, changed: Callable[[], None]) -> None:
        self._make = make
        self._path = path
        self._changed = changed
        self._lock = threading.Lock()
        self._items: dict[str, Json] = {}
        self.synced = threading.Event()

    def items(self) -> dict[str, Json]:
        """Return all objects by ``namespace/name``, or by name where they are in no namespace."""
        with self._lock:
            return dict(self._items)

    def put(self, item: Json) -> None:
        """Take over the answer to a write, so that it counts before the watch tells of it.

        Where the watch has told of a later change already, that one counts.
        """
        gone = item["metadata"].get("deletionTimestamp") and not item["metadata"].get("finalizers")
        with self._lock:
            known = self._items.get(_key(item))
            if known is None or _version(known) > _version(item):
                return
            self._items[_key(item)] = item
            if gone:
                del self._items[_key(item)]

    def start(self) -> None:
        """Keep it up to date from now on."""
        threading.Thread(target=self._run, name=f"watch {self._path}", daemon=True).start()

    def _run(self) -> None:
        pause = _SHORTEST
        rest = threading.Event()
        while True:
            try:
                client = self._make()
                try:
                    version = self._list(client)
                    pause = _SHORTEST
                    while True:
                        version = self._watch(client, version)
                finally:
                    client.close()
            except _Gone:
                continue
            except (OSError, http.client.HTTPException, SandboxError, ValueError) as failed:
                print(f"watch of {self._path}: {failed!r}; again in {pause:.1f} s", file=sys.stderr, flush=True)
                rest.wait(pause)
                pause = min(pause * 2, _LONGEST)

    def _list(self, client: KubeClient) -> str:
        answer = client.get(self._path) or {"items": [], "metadata": {"resourceVersion": "0"}}
        with self._lock:
            self._items = {_key(item): item for item in answer["items"]}
        self.synced.set()
        self._changed()
        return str(answer["metadata"]["resourceVersion"])

    def _watch(self, client: KubeClient, version: str) -> str:
        options = f"watch=1&allowWatchBookmarks=true&resourceVersion={version}&timeoutSeconds={WATCH_SECONDS}"
        for event in client.stream(f"{self._path}?{options}", WATCH_SECONDS * 2.0):
            if event["type"] == "ERROR":
                raise _Gone
            item = event["object"]
            version = str(item["metadata"]["resourceVersion"])
            if event["type"] == "BOOKMARK":
                continue
            with self._lock:
                if event["type"] == "DELETED":
                    self._items.pop(_key(item), None)
                else:
                    self._items[_key(item)] = item
            self._changed()
        return version


class _Gone(Exception):
    """The API server does not know any more what has changed since; list again."""


def _version(item: Json) -> int:
    """Return when an object was as it is: versions of one object can be compared.

    https://kubernetes.io/docs/reference/using-api/api-concepts/#resource-versions
    """
    return int(item["metadata"]["resourceVersion"])


def _key(item: Json) -> str:
    meta = item["metadata"]
    return f"{meta['namespace']}/{meta['name']}" if meta.get("namespace") else str(meta["name"])
