# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Gates: read once where they hold, watched where they do not, failed early where waiting is of no use."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from ansible_collections.ekspress.eks.plugins.module_utils._context import Context
from ansible_collections.ekspress.eks.plugins.module_utils._errors import CancelledError, EksError
from ansible_collections.ekspress.eks.plugins.module_utils._gates_plan import (
    FAILED,
    HOLDS,
    KINDS,
    OBJECTS,
    WAITS,
    WITHOUT_NAMESPACE,
    WORKLOADS,
    Gate,
    Verdict,
    judge,
    judge_admission,
    judge_scale,
    judge_webhooks,
    scaled_to_nothing,
    silent_services,
    webhook_services,
    webhooks_without_ca,
)
from ansible_collections.ekspress.eks.plugins.module_utils._gates_pods import (
    bad_end,
    final_failure,
    moment,
    never_created,
    newest_hashes,
    of_newest_version,
    selector,
)
from ansible_collections.ekspress.eks.plugins.module_utils._gates_reconciled import judge_reconciled
from ansible_collections.ekspress.eks.plugins.module_utils._kubernetes import Kubernetes
from ansible_collections.ekspress.eks.plugins.module_utils._kubernetes_errors import KubernetesError
from ansible_collections.ekspress.eks.plugins.module_utils._kubernetes_paths import UnknownKindError

Wanted = Callable[[Gate], "dict[str, Any] | None"]

WATCH_SECONDS = 5.0
"""A watch's length; at its end the workload's pods are looked at, which the watched object does not tell of."""

RETRY_SECONDS = 1.0
"""Between two dry runs: nothing tells when a webhook begins to answer."""

FORBIDDEN = 403

EVENTS = 3
"""Newest events that a failure shows."""

VERSIONS = {"deployment": "ReplicaSet", "daemonset": "ControllerRevision"}
"""Objects of apps/v1 that tell which pods are of a workload's newest version."""

TOLD_BY_EVENTS = frozenset({"statefulset", "daemonset", "job"})
"""Kinds whose status does not tell that their pods cannot be created."""

WEBHOOK_KINDS = ("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration")


def options() -> dict[str, Any]:
    """The argument spec of one gate."""
    return {
        "kind": {"type": "str", "required": True, "choices": list(KINDS)},
        "name": {"type": "str"},
        "namespace": {"type": "str"},
        "manifest": {"type": "dict"},
        "timeout": {"type": "int"},
        "reconciled": {"type": "bool", "default": False},
    }


def parse(params: dict[str, Any], namespace: str, timeout: int, owner: str) -> Gate:
    """A gate from its options; ``namespace`` and ``timeout`` are the release's. Raises EksError on contradictions."""
    kind, manifest = params["kind"], params.get("manifest")
    if kind == "admission":
        meta = (manifest or {}).get("metadata") or {}
        if not manifest or not all(isinstance(manifest.get(key), str) for key in ("apiVersion", "kind")):
            raise EksError(f"{owner}: the gate admission needs a manifest with apiVersion, kind and metadata.name.")
        if not meta.get("name"):
            raise EksError(f"{owner}: the manifest of the gate admission has no metadata.name.")
        params = {**params, "name": f"{manifest['kind']}/{meta['name']}", "namespace": meta.get("namespace")}
    elif manifest:
        raise EksError(f"{owner}: only the gate admission takes a manifest, not {kind}.")
    if params.get("reconciled") and kind != "ingress":
        raise EksError(f"{owner}: only the gate ingress takes reconciled, not {kind}.")
    if not params.get("name"):
        raise EksError(f"{owner}: the gate {kind} needs the name of the object.")
    where = "" if kind in WITHOUT_NAMESPACE else params.get("namespace") or namespace
    seconds = timeout if params.get("timeout") is None else params["timeout"]
    if seconds < 0:
        raise EksError(f"{owner}: the gate's timeout is {seconds}; give seconds, 0 or more.")
    return Gate(kind, params["name"], where, seconds, manifest, bool(params.get("reconciled")))


class Gates:
    """Checks and waits for gates of one cluster."""

    def __init__(self, kubernetes: Kubernetes, context: Context) -> None:
        self._kubernetes = kubernetes
        self._context = context

    def wait(self, gate: Gate, wanted: Wanted = lambda _gate: None) -> None:
        """Return once the gate holds. Raises EksError early where it will not, and after its timeout.

        ``wanted`` gives the gate's object as its release has it, None where the release has none such.
        """
        deadline = time.monotonic() + gate.timeout
        verdict = self.look(gate, wanted)
        while verdict.state == WAITS:
            if self._context.cancelled.is_set():
                raise CancelledError(f"The gate {gate.label} was not waited for: the task was ended.")
            remaining = deadline - time.monotonic()
            if remaining <= 0:
                reason = f"{verdict.reason}{self._last_words(gate)}"
                raise EksError(f"The gate {gate.label} does not hold after {gate.timeout} s: {reason}")
            verdict = self._next(gate, wanted, min(WATCH_SECONDS, remaining))
        if verdict.state == FAILED:
            raise EksError(f"The gate {gate.label} failed: {verdict.reason}{self._last_words(gate)}")

    def look(self, gate: Gate, wanted: Wanted = lambda _gate: None) -> Verdict:
        """Whether the gate holds now."""
        if gate.kind == "admission":
            return self._admission(gate)
        if gate.kind == "webhook":
            return self._webhooks(gate)
        return self._judge(gate, self._object(gate), wanted)

    def _judge(self, gate: Gate, item: dict[str, Any] | None, wanted: Wanted) -> Verdict:
        if item is not None and scaled_to_nothing(gate.kind, item):
            return judge_scale(wanted(gate))
        verdict = judge(gate.kind, item)
        if verdict.state != HOLDS or item is None or not gate.reconciled:
            return verdict
        return judge_reconciled(item, lambda: self._readable_events(gate), datetime.now(UTC))

    def _readable_events(self, gate: Gate) -> list[dict[str, Any]] | None:
        """The events of a gate's object; None, with a warning, where they may not be read."""
        try:
            return self._events_about(gate.namespace, gate.name)
        except KubernetesError as error:
            if error.status != FORBIDDEN:
                raise
            self._context.warn(
                f"Whether the load balancer of {gate.label} is that of its newest version is not known, as its events "
                f"may not be read. {error.message}"
            )
            return None

    def _next(self, gate: Gate, wanted: Wanted, seconds: float) -> Verdict:
        """What the next change, or the end of a while without one, says."""
        if gate.kind == "admission":
            self._context.cancelled.wait(min(RETRY_SECONDS, seconds))
            return self.look(gate)
        started = time.monotonic()
        for item in self._changes(gate, seconds):
            verdict = self.look(gate) if gate.kind == "webhook" else self._judge(gate, item, wanted)
            if verdict.state != WAITS:
                return verdict
        # A watch that ends at once (a connection lost, a proxy that does not stream) must not become a busy loop.
        self._context.cancelled.wait(max(0.0, min(RETRY_SECONDS, seconds) - (time.monotonic() - started)))
        verdict = self.look(gate, wanted)
        if verdict.state == WAITS and gate.kind in WORKLOADS:
            failure = self._failure(gate, datetime.now(UTC))
            if failure:
                raise EksError(f"The gate {gate.label} failed: {verdict.reason}: {failure}")
        return verdict

    def _changes(self, gate: Gate, seconds: float) -> Iterator[dict[str, Any] | None]:
        if gate.kind == "webhook":
            for collection, selectors in self._webhook_watches(gate)[:1]:
                for _event in self._kubernetes.watch(collection, seconds, **selectors):
                    yield None
            return
        path = self._kubernetes.paths.collection(*OBJECTS[gate.kind], gate.namespace)
        for event, item in self._kubernetes.watch(path, seconds, field_selector=f"metadata.name={gate.name}"):
            yield None if event == "DELETED" else item

    def _object(self, gate: Gate) -> dict[str, Any] | None:
        return self._kubernetes.find(self._kubernetes.paths.object(*OBJECTS[gate.kind], gate.name, gate.namespace))

    def _webhook_configurations(self, gate: Gate) -> list[dict[str, Any]]:
        version = "admissionregistration.k8s.io/v1"
        paths = [self._kubernetes.paths.object(version, kind, gate.name) for kind in WEBHOOK_KINDS]
        return [item for item in map(self._kubernetes.find, paths) if item is not None]

    def _webhooks(self, gate: Gate) -> Verdict:
        configurations = self._webhook_configurations(gate)
        return judge_webhooks(configurations, self._slices(configurations))

    def _slices(self, configurations: list[dict[str, Any]]) -> dict[tuple[str, str], list[dict[str, Any]]]:
        """The EndpointSlices of each Service (namespace, name) that webhooks call."""
        slices = {}
        for namespace, name in webhook_services(configurations):
            path = self._kubernetes.paths.collection("discovery.k8s.io/v1", "EndpointSlice", namespace)
            slices[(namespace, name)] = self._kubernetes.list(path, f"kubernetes.io/service-name={name}")
        return slices

    def _webhook_watches(self, gate: Gate) -> list[tuple[str, dict[str, str]]]:
        """Collections and selectors to watch for what a gate on webhooks waits for; none where nothing exists yet.

        Of what may become one of two kinds no single watch tells.
        """
        configurations = self._webhook_configurations(gate)
        paths, found = self._kubernetes.paths, []
        for item in configurations:
            if webhooks_without_ca([item]):
                collection = paths.collection(item["apiVersion"], item["kind"])
                found.append((collection, {"field_selector": f"metadata.name={gate.name}"}))
        for namespace, name in silent_services(configurations, self._slices(configurations)):
            collection = paths.collection("discovery.k8s.io/v1", "EndpointSlice", namespace)
            found.append((collection, {"label_selector": f"kubernetes.io/service-name={name}"}))
        return found

    def _admission(self, gate: Gate) -> Verdict:
        manifest = gate.manifest or {}
        try:
            item = manifest
            if self._kubernetes.paths.namespaced(manifest["apiVersion"], manifest["kind"]):
                item = {**manifest, "metadata": {**manifest["metadata"], "namespace": gate.namespace}}
            self._kubernetes.create(item, dry_run=True)
        except UnknownKindError as error:
            return Verdict(WAITS, error.message)
        except KubernetesError as error:
            return judge_admission(error.status, error.text)
        return Verdict(HOLDS)

    def _last_words(self, gate: Gate) -> str:
        """What pods and events say of a gate whose time is up, or which failed."""
        if gate.kind in WORKLOADS:
            # Whatever might yet have passed has not.
            failure = self._pod_failure(gate, datetime.now(UTC) + timedelta(days=1), at_the_end=True)
            if failure:
                return f": {failure}"
        return self._events(gate.namespace, gate.name) if gate.kind in OBJECTS else ""

    def _failure(self, gate: Gate, now: datetime) -> str | None:
        """Why waiting for a workload is of no use; None where it may be."""
        for event in self._found_events(gate.namespace, gate.name) if gate.kind in TOLD_BY_EVENTS else []:
            if never_created(event, now):
                return str(event["message"]).strip()
        return self._pod_failure(gate, now)

    def _pod_failure(self, gate: Gate, now: datetime, *, at_the_end: bool = False) -> str | None:
        workload = self._object(gate)
        if workload is None:
            return None
        labels = selector(workload)
        paths = self._kubernetes.paths
        pods = self._kubernetes.list(paths.collection("v1", "Pod", gate.namespace), labels)
        hashes: set[str] = set()
        if gate.kind in VERSIONS:
            versions = self._kubernetes.list(paths.collection("apps/v1", VERSIONS[gate.kind], gate.namespace), labels)
            hashes = newest_hashes(workload, versions)
        for pod in of_newest_version(workload, pods, hashes):
            failure = bad_end(pod) if at_the_end else None
            failure = failure or final_failure(pod, now, crashes=gate.kind != "job" or at_the_end)
            if failure:
                return failure + self._events(gate.namespace, pod["metadata"]["name"])
        return None

    def _events(self, namespace: str, name: str) -> str:
        """The newest events of an object in words, '' where there are none."""
        found = self._found_events(namespace, name)[-EVENTS:]
        words = [f"{event.get('reason')}: {str(event.get('message', '')).strip()}" for event in found]
        return f". Events: {'; '.join(words)}" if words else ""

    def _found_events(self, namespace: str, name: str) -> list[dict[str, Any]]:
        """The events of an object, the newest last; none where they may not be read."""
        try:
            return sorted(self._events_about(namespace, name), key=moment)
        except CancelledError:
            raise
        except EksError:
            return []

    def _events_about(self, namespace: str, name: str) -> list[dict[str, Any]]:
        path = self._kubernetes.paths.collection("v1", "Event", namespace or "default")
        return self._kubernetes.list(path, field_selector=f"involvedObject.name={name}")
