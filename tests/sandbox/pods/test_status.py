# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A pod's status is written where it differs from what its process does, and says what a kubelet's would."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sandbox.pods.status import CREATING, Shown, before, patch

NAME = "traefik"


def pod(*gates: str, conditions: tuple[str, ...] = (), phase: str = "Pending", state: Any = None) -> dict[str, Any]:
    """Return a pod with two containers, one of which runs."""
    containers = [{"name": NAME, "image": "traefik:v3"}, {"name": "side", "image": "side:1"}]
    spec = {"containers": containers, "readinessGates": [{"conditionType": gate} for gate in gates]}
    status: dict[str, Any] = {"phase": phase, "startTime": "2026-01-01T00:00:00Z"}
    status["conditions"] = [{"type": kind, "status": "True"} for kind in conditions]
    status["containerStatuses"] = [{"name": NAME, **state}] if state else []
    return {"metadata": {"uid": "u"}, "spec": spec, "status": status}


def merged(item: dict[str, Any], shown: Shown) -> dict[str, Any]:
    """Return the pod after its status was patched."""
    change = patch(item, NAME, shown)
    assert change is not None
    assert change["metadata"] == {"uid": "u"}
    status = {**item["status"], **change["status"]}
    conditions = {part["type"]: part for part in [*item["status"]["conditions"], *status["conditions"]]}
    for container in status["containerStatuses"]:
        container["state"] = {key: value for key, value in container["state"].items() if value}
    return {**item, "status": {**status, "conditions": list(conditions.values())}}


def test_nothing_is_written_twice() -> None:
    ready = replace(CREATING.running(), ready=True)
    once = merged(pod(), ready)
    assert patch(once, NAME, ready) is None
    assert patch(once, NAME, replace(ready, ready=False)) is not None


def test_ready_with_the_process_and_the_gates() -> None:
    ready = replace(CREATING.running(), ready=True)
    done = merged(pod("target-health.elbv2.k8s.aws/x"), ready)
    held = {item["type"]: item["status"] for item in done["status"]["conditions"]}
    assert held == {"ContainersReady": "True"}
    done = merged(pod("target-health.elbv2.k8s.aws/x", conditions=("target-health.elbv2.k8s.aws/x",)), ready)
    held = {item["type"]: item["status"] for item in done["status"]["conditions"]}
    assert held["Ready"] == "True"
    assert done["status"]["phase"] == "Running"
    assert {item["name"]: item["ready"] for item in done["status"]["containerStatuses"]} == {NAME: True, "side": True}


def test_a_state_takes_the_place_of_the_one_before() -> None:
    change = patch(pod(state={"state": {"waiting": {"reason": "ContainerCreating"}}}), NAME, CREATING.running())
    assert change is not None
    (container,) = (item for item in change["status"]["containerStatuses"] if item["name"] == NAME)
    assert container["state"]["waiting"] is None
    assert "startedAt" in container["state"]["running"]


def test_restarts_are_counted_as_they_begin() -> None:
    running = CREATING.running()
    assert (running.restarts, running.ready) == (0, None)
    looping = running.ended(-9).waiting("CrashLoopBackOff", "back-off")
    assert (looping.restarts, looping.ready) == (0, False)
    assert looping.last is not None
    assert looping.last["terminated"]["exitCode"] == 137
    again = looping.running()
    assert (again.restarts, again.ready) == (1, False)


def test_a_container_that_ran_before_this_process_began() -> None:
    state = {"state": {"running": {"startedAt": "2026-01-01T00:00:00Z"}}, "restartCount": 2}
    assert before(pod(state=state), NAME).running().restarts == 3
    assert before(pod(), NAME) is CREATING
