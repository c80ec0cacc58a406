# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""When a gate holds: pure judgements on objects as the Kubernetes API gives them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

HOLDS, WAITS, FAILED = "holds", "waits", "failed"

OBJECTS: dict[str, tuple[str, str]] = {
    "deployment": ("apps/v1", "Deployment"),
    "daemonset": ("apps/v1", "DaemonSet"),
    "statefulset": ("apps/v1", "StatefulSet"),
    "job": ("batch/v1", "Job"),
    "crd": ("apiextensions.k8s.io/v1", "CustomResourceDefinition"),
    "apiservice": ("apiregistration.k8s.io/v1", "APIService"),
    "ingress": ("networking.k8s.io/v1", "Ingress"),
    "service": ("v1", "Service"),
}
"""Gates on one object: apiVersion and kind."""

WITHOUT_NAMESPACE = frozenset({"crd", "apiservice", "webhook"})
WORKLOADS = frozenset({"deployment", "daemonset", "statefulset", "job"})
SCALED = frozenset({"deployment", "statefulset"})
KINDS = (*OBJECTS, "webhook", "admission")

RESUME = "resume it (kubectl rollout resume), or leave spec.paused out of the release"

NEVER_CREATED = ("exceeded quota", "violates PodSecurity")
"""Why a controller cannot create pods and will not be able to by itself."""


WEBHOOK_URL = re.compile(r'"https://[^"]*"')


@dataclass(frozen=True)
class Gate:
    """A condition that must hold before what needs it goes on. ``timeout`` in seconds."""

    kind: str
    name: str
    namespace: str
    timeout: int
    manifest: dict[str, Any] | None = field(default=None, repr=False)
    reconciled: bool = False
    """Whether the controller of an Ingress must have worked on its newest version."""

    @property
    def label(self) -> str:
        """What messages call it."""
        if self.kind in WITHOUT_NAMESPACE:
            return f"{self.kind} {self.name}"
        return f"{self.kind} {self.namespace}/{self.name}"


@dataclass(frozen=True)
class Verdict:
    """Whether a gate holds, is waited for, or will not hold by waiting; and why."""

    state: str
    reason: str = ""


def judge(kind: str, item: dict[str, Any] | None) -> Verdict:
    """Whether the gate on one object holds."""
    if item is None:
        return Verdict(WAITS, "it does not exist")
    return {
        "deployment": _deployment,
        "daemonset": _daemonset,
        "statefulset": _statefulset,
        "job": _job,
        "crd": _crd,
        "apiservice": _apiservice,
        "ingress": _address,
        "service": _service,
    }[kind](item)


def scaled_to_nothing(kind: str, item: dict[str, Any]) -> bool:
    """Whether a workload that may have any number of pods is to have none."""
    return kind in SCALED and item["spec"].get("replicas") == 0 and not item["metadata"].get("deletionTimestamp")


def judge_scale(wanted: dict[str, Any] | None) -> Verdict:
    """Whether a workload without pods is what its release wants.

    One whose release leaves the number to others, such as an autoscaler, may have none.
    """
    replicas = ((wanted or {}).get("spec") or {}).get("replicas")
    if not isinstance(replicas, int) or replicas < 1:
        return Verdict(HOLDS)
    return Verdict(
        FAILED,
        f"it was scaled to 0, but its release wants {replicas} pods: scale it up, or leave spec.replicas out of the "
        "release if something else is to decide",
    )


def _deployment(item: dict[str, Any]) -> Verdict:
    status, wanted = item.get("status", {}), item["spec"].get("replicas", 1)
    progressing, failure = condition(item, "Progressing"), condition(item, "ReplicaFailure")
    if not _observed(item):
        return Verdict(WAITS, "its controller has not seen its newest version")
    if progressing.get("reason") == "ProgressDeadlineExceeded":
        return Verdict(FAILED, str(progressing.get("message", "its progress deadline is exceeded")))
    if failure.get("status") == "True" and any(cause in failure.get("message", "") for cause in NEVER_CREATED):
        return Verdict(FAILED, failure["message"])
    updated, available = status.get("updatedReplicas", 0), status.get("availableReplicas", 0)
    reason = ""
    if updated < wanted and item["spec"].get("paused"):
        return Verdict(FAILED, f"it is paused, so its newest version is not rolled out: {RESUME}")
    if updated < wanted:
        why = f": {failure['message']}" if failure.get("status") == "True" else ""
        reason = f"{updated} of {wanted} pods are of its newest version{why}"
    elif status.get("replicas", 0) > updated:
        reason = f"{status['replicas'] - updated} pods of its former version still run"
    elif available < wanted:
        reason = f"{available} of {wanted} pods are available"
    return Verdict(WAITS, reason) if reason else Verdict(HOLDS)


def _daemonset(item: dict[str, Any]) -> Verdict:
    status = item.get("status", {})
    if not _observed(item):
        return Verdict(WAITS, "its controller has not seen its newest version")
    wanted = status.get("desiredNumberScheduled", 0)
    updated, available = status.get("updatedNumberScheduled", 0), status.get("numberAvailable", 0)
    manual = item["spec"].get("updateStrategy", {}).get("type") == "OnDelete"
    if updated < wanted and not manual:
        return Verdict(WAITS, f"{updated} of {wanted} pods are of its newest version")
    if available < wanted:
        return Verdict(WAITS, f"{available} of {wanted} pods are available")
    return Verdict(HOLDS)


def _statefulset(item: dict[str, Any]) -> Verdict:
    status, spec = item.get("status", {}), item["spec"]
    wanted = spec.get("replicas", 1)
    strategy = spec.get("updateStrategy", {})
    if not _observed(item):
        return Verdict(WAITS, "its controller has not seen its newest version")
    to_update = max(0, wanted - ((strategy.get("rollingUpdate") or {}).get("partition") or 0))
    current = status.get("currentRevision") == status.get("updateRevision")
    if not current and strategy.get("type") != "OnDelete" and status.get("updatedReplicas", 0) < to_update:
        return Verdict(WAITS, f"{status.get('updatedReplicas', 0)} of {to_update} pods are of its newest version")
    available = status.get("availableReplicas", 0)
    if available < wanted:
        return Verdict(WAITS, f"{available} of {wanted} pods are available")
    return Verdict(HOLDS)


def _job(item: dict[str, Any]) -> Verdict:
    failed = condition(item, "Failed")
    if condition(item, "Complete").get("status") == "True":
        return Verdict(HOLDS)
    if failed.get("status") == "True":
        return Verdict(FAILED, f"{failed.get('reason', 'Failed')}: {failed.get('message', 'the job failed')}")
    if item["spec"].get("suspend"):
        return Verdict(WAITS, "it is suspended")
    return Verdict(WAITS, "it has not completed")


def _crd(item: dict[str, Any]) -> Verdict:
    names = condition(item, "NamesAccepted")
    if condition(item, "Established").get("status") == "True":
        return Verdict(HOLDS)
    if names.get("status") == "False":
        return Verdict(FAILED, f"its names are refused: {names.get('message', names.get('reason', ''))}")
    return Verdict(WAITS, "it is not established")


def _apiservice(item: dict[str, Any]) -> Verdict:
    available = condition(item, "Available")
    if available.get("status") == "True":
        return Verdict(HOLDS)
    return Verdict(WAITS, f"it is not available: {available.get('message', 'not checked yet')}")


def _service(item: dict[str, Any]) -> Verdict:
    kind = item["spec"].get("type", "ClusterIP")
    if kind != "LoadBalancer":
        return Verdict(FAILED, f"it is of type {kind}, which never has the address of a load balancer")
    return _address(item)


def _address(item: dict[str, Any]) -> Verdict:
    given = item.get("status", {}).get("loadBalancer", {}).get("ingress") or []
    if any(entry.get("hostname") or entry.get("ip") for entry in given):
        return Verdict(HOLDS)
    return Verdict(WAITS, "it has no address of a load balancer")


def webhook_services(configurations: list[dict[str, Any]]) -> dict[tuple[str, str], list[str]]:
    """The Services (namespace, name) that webhook configurations call, each with the names of its webhooks."""
    found: dict[tuple[str, str], list[str]] = {}
    for configuration in configurations:
        for webhook in configuration.get("webhooks") or []:
            service = webhook["clientConfig"].get("service")
            if service:
                found.setdefault((service["namespace"], service["name"]), []).append(webhook["name"])
    return found


def judge_webhooks(
    configurations: list[dict[str, Any]], slices: dict[tuple[str, str], list[dict[str, Any]]]
) -> Verdict:
    """Whether all webhooks of configurations have a CA and ready endpoints.

    ``slices`` are the EndpointSlices of each Service (namespace, name) that they call.
    """
    if not configurations:
        return Verdict(WAITS, "there is no webhook configuration of this name")
    for name in webhooks_without_ca(configurations):
        return Verdict(WAITS, f"webhook {name} has no CA certificate")
    for (namespace, name), webhooks in silent_services(configurations, slices).items():
        return Verdict(WAITS, f"Service {namespace}/{name} of webhook {webhooks[0]} has no ready endpoint")
    return Verdict(HOLDS)


def webhooks_without_ca(configurations: list[dict[str, Any]]) -> list[str]:
    """Names of webhooks on Services without a CA certificate."""
    webhooks = [webhook for item in configurations for webhook in item.get("webhooks") or []]
    return [
        webhook["name"]
        for webhook in webhooks
        if webhook["clientConfig"].get("service") and not webhook["clientConfig"].get("caBundle")
    ]


def silent_services(
    configurations: list[dict[str, Any]], slices: dict[tuple[str, str], list[dict[str, Any]]]
) -> dict[tuple[str, str], list[str]]:
    """The Services that webhooks call and that have no ready endpoint, each with the names of its webhooks."""
    called = webhook_services(configurations)
    return {key: names for key, names in called.items() if not any(map(_ready_endpoint, slices.get(key, [])))}


def _ready_endpoint(item: dict[str, Any]) -> bool:
    # An absent condition counts as ready:
    # https://kubernetes.io/docs/reference/kubernetes-api/service-resources/endpoint-slice-v1/
    return any((entry.get("conditions") or {}).get("ready") is not False for entry in item.get("endpoints") or [])


def judge_admission(status: int, text: str) -> Verdict:
    """Whether a dry run of a manifest that the API refused with an HTTP status and these words may yet be admitted."""
    if status == 409:
        # The object exists: admission comes before that check.
        return Verdict(HOLDS)
    if "failed calling webhook" in text or "failed to call webhook" in text:
        return Verdict(WAITS, f"{text}{_webhook_advice(text)}")
    if status in (0, 429) or status >= 500:
        return Verdict(WAITS, text)
    return Verdict(FAILED, text)


def _webhook_advice(text: str) -> str:
    # The URL that was called always has a parameter timeout.
    text = WEBHOOK_URL.sub("", text)
    if "x509" in text or "certificate" in text:
        return " (the webhook's CA does not match the certificate that its pods serve)"
    if "deadline exceeded" in text or "timed out" in text or "imeout" in text:
        return " (the control plane's security group may not reach the webhook's port on the nodes)"
    return ""


def condition(item: dict[str, Any], kind: str) -> dict[str, Any]:
    """The condition of a type in an object's status, {} where there is none."""
    for entry in item.get("status", {}).get("conditions") or []:
        if entry.get("type") == kind:
            return dict(entry)
    return {}


def _observed(item: dict[str, Any]) -> bool:
    return int(item.get("status", {}).get("observedGeneration", 0)) >= int(item["metadata"].get("generation", 0))
