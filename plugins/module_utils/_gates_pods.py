# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Pods that will not run by waiting: pure judgements on pods, with the pod's own reason."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from ansible_collections.ekspress.eks.plugins.module_utils._gates_plan import NEVER_CREATED, condition

AT_ONCE = frozenset({"InvalidImageName", "ErrImageNeverPull"})
"""Waiting reasons that nothing but a change of the pod ends."""

AFTER_SECONDS = {
    "ImagePullBackOff": 15.0,
    "CreateContainerConfigError": 60.0,
    "CreateContainerError": 60.0,
    "RunContainerError": 60.0,
}
"""Waiting reasons that may pass (a registry that throttles, a Secret that another release makes), and the pod's age in
seconds from which they count as final."""

CRASHES = 3
"""Restarts from which a crash loop counts as final: one that starts before what it needs may crash twice."""

UNSCHEDULABLE_SECONDS = 120.0
"""Time for which no node takes a pod; below, a Cluster Autoscaler may be at work."""


FRESH_SECONDS = 60.0
"""Age to which an event tells of the present; what it complains of may have been put right since."""


def final_failure(pod: dict[str, Any], now: datetime, *, crashes: bool = True) -> str | None:
    """Why a pod will not become ready by waiting; None where it may.

    Without ``crashes`` a loop of them is not final, as for a Job, which has a limit of its own.
    """
    name = pod["metadata"]["name"]
    scheduled = condition(pod, "PodScheduled")
    unscheduled = scheduled.get("reason") == "Unschedulable"
    if unscheduled and _seconds(scheduled.get("lastTransitionTime"), now) > UNSCHEDULABLE_SECONDS:
        return f"pod {name} cannot be scheduled: {scheduled.get('message', '')}"
    age = _seconds(pod["metadata"].get("creationTimestamp"), now)
    for container in _containers(pod):
        waiting = container.get("state", {}).get("waiting") or {}
        reason = waiting.get("reason", "")
        crashed = crashes and reason == "CrashLoopBackOff" and container.get("restartCount", 0) >= CRASHES
        if reason in AT_ONCE or crashed or age > AFTER_SECONDS.get(reason, float("inf")):
            words = " ".join(part for part in (waiting.get("message", ""), _last_end(container)) if part)
            return f"pod {name}, container {container['name']}: {reason}: {words}".rstrip(": ")
    return None


def bad_end(pod: dict[str, Any]) -> str | None:
    """How a pod failed that has ended; None where it has not."""
    name, status = pod["metadata"]["name"], pod.get("status", {})
    if status.get("phase") != "Failed":
        return None
    for container in _containers(pod):
        ended = container.get("state", {}).get("terminated") or {}
        if ended.get("exitCode"):
            return f"pod {name}, container {container['name']} {_end(ended)}"
    return f"pod {name} failed: {status.get('reason', 'no reason')}: {status.get('message', '')}".rstrip(": ")


def never_created(event: dict[str, Any], now: datetime) -> bool:
    """Whether an event tells that a workload's pods cannot be created now and will not be by waiting."""
    if event.get("reason") != "FailedCreate" or _seconds(moment(event), now) > FRESH_SECONDS:
        return False
    return any(cause in event.get("message", "") for cause in NEVER_CREATED)


def moment(event: dict[str, Any]) -> str:
    """When an event was seen last."""
    return str(event.get("lastTimestamp") or event.get("eventTime") or event["metadata"]["creationTimestamp"])


def _containers(pod: dict[str, Any]) -> Iterator[dict[str, Any]]:
    status = pod.get("status", {})
    yield from status.get("initContainerStatuses") or []
    yield from status.get("containerStatuses") or []


def _last_end(container: dict[str, Any]) -> str:
    ended = container.get("lastState", {}).get("terminated") or {}
    if not ended:
        return ""
    return f"(it {_end(ended)})"


def _end(ended: dict[str, Any]) -> str:
    words = f": {ended['message'].strip()}" if ended.get("message") else ""
    return f"ended with status {ended.get('exitCode')}, {ended.get('reason', 'no reason')}{words}"


def _seconds(moment: str | None, now: datetime) -> float:
    return (now - datetime.fromisoformat(moment)).total_seconds() if moment else 0.0


def of_newest_version(workload: dict[str, Any], pods: list[dict[str, Any]], hashes: set[str]) -> list[dict[str, Any]]:
    """The pods of a workload's newest version, where that can be told.

    ``hashes`` are those of its newest ReplicaSet or ControllerRevision; a StatefulSet's status has its own.
    """
    revision = workload.get("status", {}).get("updateRevision")
    wanted = {revision} if revision else hashes
    return [pod for pod in pods if _hash(pod) in wanted] if wanted else pods


def newest_hashes(workload: dict[str, Any], versions: list[dict[str, Any]]) -> set[str]:
    """The hashes of a workload's newest version, from the ReplicaSets or ControllerRevisions with its labels."""
    own = [
        item
        for item in versions
        if any(owner["uid"] == workload["metadata"]["uid"] for owner in item["metadata"].get("ownerReferences") or [])
    ]
    newest = max(map(_revision, own), default=0)
    return {_hash(item) for item in own if _revision(item) == newest} - {""}


def _hash(item: dict[str, Any]) -> str:
    labels = item["metadata"].get("labels") or {}
    return str(labels.get("pod-template-hash") or labels.get("controller-revision-hash") or "")


def _revision(item: dict[str, Any]) -> int:
    """The number of a ControllerRevision, or of a Deployment's ReplicaSet."""
    annotations = item["metadata"].get("annotations") or {}
    return int(item.get("revision") or annotations.get("deployment.kubernetes.io/revision") or 0)


def selector(workload: dict[str, Any]) -> str:
    """A workload's selector as a label selector's text."""
    wanted = workload["spec"].get("selector") or {}
    parts = [f"{key}={value}" for key, value in (wanted.get("matchLabels") or {}).items()]
    for rule in wanted.get("matchExpressions") or []:
        key, values = rule["key"], ",".join(rule.get("values") or [])
        parts.append(
            {
                "In": f"{key} in ({values})",
                "NotIn": f"{key} notin ({values})",
                "Exists": key,
                "DoesNotExist": f"!{key}",
            }[rule["operator"]]
        )
    return ",".join(parts)
