# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Follows a cluster's pods: one real process for each set of equal pods, which the status of all of them follows."""

from __future__ import annotations

import http.client
import json
import queue
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from sandbox.errors import SandboxError
from sandbox.pods import status
from sandbox.pods.programs import container_of
from sandbox.pods.runner import Runner, Setting
from sandbox.state import write_file

Json = dict[str, Any]

_PAUSE = 0.5
"""Seconds before an API server that did not answer is asked again."""
_WATCH = 240
"""Seconds after which a watch begins anew, so that nothing that it missed is missed for ever."""
_GONE_GRACE = 1.0
"""Seconds to end for a program whose pod was removed at once."""
_STRATEGIC = "application/strategic-merge-patch+json"


@dataclass
class Group:
    """Equal pods: those of one controller and one revision of its template."""

    members: list[Json] = field(default_factory=list)
    leader: str = ""
    shown: status.Shown | None = None


class Loop:
    """Decides what runs and writes the status of pods; all of it in the one thread that calls `run`."""

    def __init__(self, setting: Setting, published: Path) -> None:
        self._setting = setting
        self._published = published
        self._client = setting.client()
        self._events: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._pods: dict[str, Json] = {}
        self._groups: dict[str, Group] = {}
        self._runners: dict[str, Runner] = {}
        self._last = ""

    def run(self) -> None:
        """Run until stopped."""
        threading.Thread(target=self._watch, daemon=True, name="watch").start()
        wait: float | None = None
        while True:
            try:
                event = self._events.get(timeout=wait)
                while True:
                    if event is None:
                        return
                    event()
                    event = self._events.get_nowait()
            except queue.Empty:
                pass
            try:
                self._reconcile()
                wait = None
            except (OSError, http.client.HTTPException, SandboxError) as error:
                print(f"the API server: {error}", flush=True)
                wait = _PAUSE
            self._publish()

    def stop(self) -> None:
        """Let `run` return."""
        self._events.put(None)

    def end_all(self) -> None:
        """Kill every program: the cluster ends with this process."""
        for runner in self._runners.values():
            runner.end(0.0)
        for runner in self._runners.values():
            runner.join()

    def _watch(self) -> None:
        while True:
            client = self._setting.client()
            try:
                listed = client.get("/api/v1/pods")
                self._events.put(partial(self._all, listed["items"]))
                version = listed["metadata"]["resourceVersion"]
                path = f"/api/v1/pods?watch=1&resourceVersion={version}&timeoutSeconds={_WATCH}"
                for event in client.stream(path, _WATCH + 30.0):
                    if event["type"] == "ERROR":
                        break
                    self._events.put(partial(self._one, event["type"], event["object"]))
            except (OSError, http.client.HTTPException, SandboxError, ValueError) as error:
                print(f"the watch: {error}", flush=True)
                threading.Event().wait(_PAUSE)
            finally:
                client.close()

    def _all(self, items: list[Json]) -> None:
        self._pods = {item["metadata"]["uid"]: item for item in items if container_of(item)}

    def _one(self, kind: str, item: Json) -> None:
        uid = item["metadata"]["uid"]
        if kind == "DELETED":
            self._pods.pop(uid, None)
        elif container_of(item):
            self._pods[uid] = item

    def _reconcile(self) -> None:
        self._sort()
        for group in self._groups.values():
            self._lead(group)
        for uid, runner in list(self._runners.items()):
            pod = self._pods.get(uid)
            if pod is None:
                runner.end(_GONE_GRACE)
            elif _ending(pod):
                runner.end(float(pod["metadata"].get("deletionGracePeriodSeconds", 30)))
            if runner.ended:
                del self._runners[uid]
        for group in self._groups.values():
            for pod in group.members:
                self._show(group, pod)
        for uid, pod in self._pods.items():
            if _ending(pod) and uid not in self._runners:
                self._remove(pod)

    def _sort(self) -> None:
        for group in self._groups.values():
            group.members = []
        for pod in self._pods.values():
            if pod.get("status", {}).get("podIP") and not _ending(pod):
                self._groups.setdefault(_key(pod), Group()).members.append(pod)
        self._groups = {key: group for key, group in self._groups.items() if group.members}
        for group in self._groups.values():
            group.members.sort(key=lambda pod: (pod["metadata"]["creationTimestamp"], pod["metadata"]["name"]))

    def _lead(self, group: Group) -> None:
        """Have the oldest pod run; the others take over one after the other."""
        runner = self._runners.get(group.leader)
        if runner is None or group.leader not in {pod["metadata"]["uid"] for pod in group.members}:
            pod = group.members[0]
            group.leader = pod["metadata"]["uid"]
            container = container_of(pod)
            assert container is not None
            # Where another one led before, this one's container has not run, whatever its status says.
            begin = status.CREATING if group.shown else status.before(pod, container["name"])
            runner = Runner(self._setting, pod, begin, lambda: self._events.put(lambda: None))
            self._runners[group.leader] = runner
            runner.start()
        shown = runner.shown
        # Until there is a verdict on a new leader, that on the one before it holds.
        if group.shown is None or shown.ready is not None:
            group.shown = shown

    def _show(self, group: Group, pod: Json) -> None:
        container = container_of(pod)
        if container is None or group.shown is None:
            return
        change = status.patch(pod, container["name"], group.shown)
        if change is None:
            return
        meta = pod["metadata"]
        path = f"/api/v1/namespaces/{meta['namespace']}/pods/{meta['name']}/status"
        code, answer = self._client.request("PATCH", path, change, _STRATEGIC)
        if code == 200:
            self._pods[meta["uid"]] = answer
        elif code not in (404, 409):
            raise SandboxError(f"PATCH {path} answered {code}: {answer}")

    def _remove(self, pod: Json) -> None:
        meta = pod["metadata"]
        path = f"/api/v1/namespaces/{meta['namespace']}/pods/{meta['name']}"
        body = {"gracePeriodSeconds": 0, "preconditions": {"uid": meta["uid"]}}
        code, answer = self._client.request("DELETE", path, body)
        if code not in (200, 404, 409):
            raise SandboxError(f"DELETE {path} answered {code}: {answer}")

    def _publish(self) -> None:
        """Write what runs where, for the egress proxy and for whoever wants to talk to a pod."""
        pods = dict(self._entries())
        text = json.dumps({"pods": pods}, indent=2, sort_keys=True) + "\n"
        if text != self._last:
            write_file(self._published, text)
            self._last = text

    def _entries(self) -> Iterator[tuple[str, Json]]:
        """Yield the entries of all pods; those that do not run themselves have the ports of the one that does."""
        groups = {pod["metadata"]["uid"]: group for group in self._groups.values() for pod in group.members}
        for uid, pod in self._pods.items():
            group = groups.get(uid)
            runner = self._runners.get(uid) or self._runners.get(group.leader if group else "")
            if runner is None or not pod.get("status", {}).get("podIP"):
                continue
            meta = pod["metadata"]
            yield (
                f"{meta['namespace']}/{meta['name']}",
                {
                    "uid": meta["uid"],
                    "address": pod["status"]["podIP"],
                    "ports": {str(port): local for port, local in sorted(runner.ports.items())},
                    "process": runner.identity if uid in self._runners else None,
                    "ready": bool(runner.shown.ready) and not _ending(pod),
                    "log": str(runner.log),
                },
            )


def _ending(pod: Json) -> bool:
    return "deletionTimestamp" in pod["metadata"]


def _key(pod: Json) -> str:
    meta = pod["metadata"]
    for owner in meta.get("ownerReferences", []):
        if owner.get("controller"):
            revision = (meta.get("labels") or {}).get("controller-revision-hash", "")
            return f"{owner['uid']}/{revision}"
    return str(meta["uid"])
