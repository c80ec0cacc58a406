# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The loop: groups of Ingresses that changed, or that failed a while ago, are brought about in AWS."""

from __future__ import annotations

import http.client
import json
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sandbox.alb.annotations import ModelError
from sandbox.alb.build import build
from sandbox.alb.cluster import Cluster
from sandbox.alb.controller import Controller, running
from sandbox.alb.groups import Group, load
from sandbox.alb.model import Model
from sandbox.alb.names import GroupId
from sandbox.errors import SandboxError

if TYPE_CHECKING:
    from sandbox.alb.aws import Aws, AwsAccount

_SHORTEST, _LONGEST = 0.5, 30.0
_NORMAL, _WARNING = "Normal", "Warning"
_TROUBLE = (OSError, http.client.HTTPException, SandboxError)

Json = dict[str, Any]


@dataclass(frozen=True)
class _Failure:
    """What failed, when it is tried again (monotonic seconds), and the pause before that."""

    inputs: str
    due: float
    pause: float


class Reconciler:
    """Brings about what Ingresses want.

    Args:
        cluster: Kubernetes.
        connect: returns clients of AWS; called once there is something to do.
    """

    def __init__(self, cluster: Cluster, connect: Callable[[], Aws]) -> None:
        self._cluster = cluster
        self._connect = connect
        self._aws: Aws | None = None
        self._done: dict[GroupId, str] = {}
        self._failed: dict[GroupId, _Failure] = {}
        self._told: set[tuple[str, str]] = set()

    def run(self) -> None:
        """Work for ever: wait for changes, or for the time of what failed."""
        pause: float | None = None
        while True:
            self._cluster.changed.wait(pause)
            self._cluster.changed.clear()
            try:
                self.work()
                pause = self.pause()
            except _TROUBLE as failed:
                pause = min((pause or _SHORTEST) * 2, _LONGEST)
                _log(f"{failed!r}; again in {pause:.1f} s")
            finally:
                self._cluster.close()

    def pause(self) -> float | None:
        """Return the seconds until what failed is tried again, None where nothing did."""
        due = [failure.due for failure in self._failed.values()]
        return max(0.0, min(due) - time.monotonic()) if due else None

    def work(self) -> None:
        """Bring about what changed since; nothing while no controller runs."""
        controller = running(self._cluster.deployments.items().values()) if self._cluster.synced() else None
        ingresses = self._cluster.ingresses.items().values()
        if controller is None or not ingresses:
            # Whoever starts again looks at everything again.
            self._done.clear()
            self._failed.clear()
            return
        found = load(controller, ingresses, self._cluster.classes.items(), self._cluster.parameters())
        self._tell_wrong(found.wrong)
        services = self._cluster.services.items()
        for known in (*self._done, *self._failed):
            if known not in found.groups:
                self._done.pop(known, None)
                self._failed.pop(known, None)
        for group in found.groups.values():
            self._consider(controller, group, services)

    def _consider(self, controller: Controller, group: Group, services: dict[str, Json]) -> None:
        inputs = _inputs(controller, group, services)
        failure = self._failed.get(group.id)
        again = failure is not None and failure.inputs == inputs
        if failure is not None and again and time.monotonic() < failure.due:
            return
        if failure is None and self._done.get(group.id) == inputs and not group.leaving and _kept(group):
            return
        self._done.pop(group.id, None)
        try:
            self._reconcile(controller, group, services)
        except Exception as failed:
            if not isinstance(failed, (*_TROUBLE, _Failed)):
                # A mistake in here must not keep the other groups from their load balancers.
                traceback.print_exc()
            pause = min(failure.pause * 2, _LONGEST) if failure is not None and again else _SHORTEST
            self._failed[group.id] = _Failure(inputs, time.monotonic() + pause, pause)
            _log(f"{group.id}: {failed!r}; again in {pause:.1f} s")
            return
        self._failed.pop(group.id, None)
        if group.members:
            self._done[group.id] = inputs

    def _reconcile(self, controller: Controller, group: Group, services: dict[str, Json]) -> None:
        for member in group.members:
            self._cluster.add_finalizer(member.ingress, group.id.finalizer)
        model, hostname = self._bring_about(controller, group, services)
        if hostname is not None:
            for member in group.members:
                self._cluster.set_status(member.ingress, hostname, sorted(model.listeners))
        for ingress in group.leaving:
            self._cluster.remove_finalizer(ingress, group.id.finalizer)
        self._tell(group, _NORMAL, "SuccessfullyReconciled", "Successfully reconciled")
        _log(f"{group.id}: {hostname or 'removed'}")

    def _bring_about(self, controller: Controller, group: Group, services: dict[str, Json]) -> tuple[Model, str | None]:
        from sandbox.alb.aws import AwsAccount, AwsError  # noqa: PLC0415 - big, and most clusters have no Ingress
        from sandbox.alb.deploy import Deployer  # noqa: PLC0415 - as above

        if self._aws is None:
            self._aws = self._connect()
        account: AwsAccount = AwsAccount(self._aws, controller.cluster, controller.vpc)
        try:
            model = build(controller, group, services, account)
        except (ModelError, AwsError) as wrong:
            raise self._failure(group, "FailedBuildModel", f"Failed build model due to {wrong}") from wrong
        try:
            return model, Deployer(self._aws, account).deploy(model)
        except AwsError as wrong:
            raise self._failure(group, "FailedDeployModel", f"Failed deploy model due to {wrong}") from wrong

    def _failure(self, group: Group, reason: str, message: str) -> _Failed:
        self._tell(group, _WARNING, reason, message)
        return _Failed(message)

    def _tell(self, group: Group, kind: str, reason: str, message: str) -> None:
        for member in group.members:
            self._cluster.event(member.ingress, kind, reason, message)

    def _tell_wrong(self, wrong: list[tuple[Json, str]]) -> None:
        """Tell once about each Ingress that names no group that could be."""
        told = {(ingress["metadata"]["uid"], words) for ingress, words in wrong}
        for ingress, words in wrong:
            if (ingress["metadata"]["uid"], words) not in self._told:
                self._cluster.event(ingress, _WARNING, "FailedLoadGroupID", f"failed load groupID due to {words}")
        self._told = told


class _Failed(Exception):
    """A group could not be brought about, and its Ingresses have been told so."""


def _inputs(controller: Controller, group: Group, services: dict[str, Json]) -> str:
    """Return all that the model of a group is made of, as a text to compare."""
    spaces = {member.namespace for member in group.members}
    parts = [
        repr(controller),
        [[member.key, member.own, member.params, member.ingress["spec"]] for member in group.members],
        [member.ingress["metadata"]["uid"] for member in group.members],
        {
            key: [item["metadata"]["uid"], item["metadata"].get("annotations"), item["spec"]]
            for key, item in services.items()
            if item["metadata"]["namespace"] in spaces
        },
    ]
    return json.dumps(parts, sort_keys=True)


def _kept(group: Group) -> bool:
    """Tell whether all of its Ingresses have the finalizer."""
    return all(group.id.finalizer in (member.ingress["metadata"].get("finalizers") or []) for member in group.members)


def _log(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
