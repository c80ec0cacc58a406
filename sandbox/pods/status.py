# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a pod's status says of the process that runs for it.

https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

Json = dict[str, Any]

_STATES = ("running", "terminated", "waiting")


def now() -> str:
    """Return the time as the API writes it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass(frozen=True)
class Shown:
    """A container's state.

    Attributes:
        state: running, waiting or terminated, with its details.
        last: the end before, None where there was none.
        ready: whether it is ready, None where that is not known yet.
        started: whether it has run at all.
    """

    state: Json
    last: Json | None = None
    restarts: int = 0
    ready: bool | None = None
    started: bool = False

    def running(self) -> Shown:
        """Return the state once the process has started: not ready where it ran before, else not known yet."""
        state, ready = {"running": {"startedAt": now()}}, False if self.started else None
        return replace(self, state=state, restarts=self.restarts + self.started, ready=ready, started=True)

    def waiting(self, reason: str, message: str) -> Shown:
        """Return the state of one that waits for its next start."""
        return replace(self, state={"waiting": {"reason": reason, "message": message}}, ready=False)

    def ended(self, code: int) -> Shown:
        """Return the state after the process has ended with a code (negative: by a signal)."""
        began = self.state.get("running", {}).get("startedAt")
        details = {"exitCode": code if code >= 0 else 128 - code, "startedAt": began, "finishedAt": now()}
        details["reason"] = "Error" if code else "Completed"
        return replace(self, last={"terminated": details}, ready=False)


CREATING = Shown({"waiting": {"reason": "ContainerCreating"}})


def before(pod: Json, name: str) -> Shown:
    """Return what a container begins with; its pod may say that it has run before."""
    for item in pod.get("status", {}).get("containerStatuses", []):
        if item["name"] == name and ("running" in item.get("state", {}) or item.get("restartCount")):
            return replace(CREATING, restarts=item.get("restartCount", 0), started=True)
    return CREATING


def patch(pod: Json, name: str, shown: Shown) -> Json | None:
    """Return a strategic merge patch of a pod's status, None where it says all already."""
    status = pod.get("status", {})
    ready = bool(shown.ready)
    gates = {gate["conditionType"] for gate in pod["spec"].get("readinessGates", [])}
    held = {item["type"] for item in status.get("conditions", []) if item["status"] == "True"}
    conditions = {"ContainersReady": ready, "Ready": ready and gates <= held}
    changed: Json = {}
    differing = [_condition(kind, value) for kind, value in conditions.items() if (kind in held) != value]
    if differing:
        changed["conditions"] = differing
    phase = "Running" if shown.started else "Pending"
    if status.get("phase") != phase:
        changed["phase"] = phase
    containers = [
        item
        for container in pod["spec"]["containers"]
        if (item := _container(status, container, shown if container["name"] == name else _beside(shown, pod)))
    ]
    if containers:
        changed["containerStatuses"] = containers
    # The uid: a pod of the same name may have taken its place.
    return {"metadata": {"uid": pod["metadata"]["uid"]}, "status": changed} if changed else None


def _beside(shown: Shown, pod: Json) -> Shown:
    """Return the state of the pod's other containers: they are played."""
    began = pod.get("status", {}).get("startTime") or now()
    state = {"running": {"startedAt": began}} if shown.started else CREATING.state
    return Shown(state, ready=shown.started, started=shown.started)


def _condition(kind: str, value: bool) -> Json:
    condition = {"type": kind, "status": str(value), "lastTransitionTime": now(), "reason": None}
    return condition if value else condition | {"reason": "ContainersNotReady"}


def _container(status: Json, container: Json, shown: Shown) -> Json | None:
    old: Json = next((item for item in status.get("containerStatuses", []) if item["name"] == container["name"]), {})
    runs = "running" in shown.state
    wanted: Json = {
        "name": container["name"],
        "image": container["image"],
        "imageID": old.get("imageID", ""),
        "ready": bool(shown.ready),
        "started": runs,
        "restartCount": shown.restarts,
        "state": shown.state,
    }
    if shown.last is not None:
        wanted["lastState"] = shown.last
    if all(old.get(key) == value for key, value in wanted.items()):
        return None
    # A merge keeps what it is not told to drop.
    wanted["state"] = {**dict.fromkeys(_STATES), **shown.state}
    return wanted
