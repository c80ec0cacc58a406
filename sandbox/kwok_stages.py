# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What KWOK makes of nodes and pods.

Nodes are ready. Pods become ready, at once or after the time that an annotation asks for; those of Jobs end, deleted
ones go.

https://kwok.sigs.k8s.io/docs/user/stages-configuration/
"""

from __future__ import annotations

from typing import Any

READY_AFTER = "sandbox.ekspress/ready-after"
"""Annotation of a pod: the time after which it becomes ready, such as 5s; at once where it has none."""

NODE, POD = "Node", "Pod"

_DELETED = {"key": ".metadata.deletionTimestamp", "operator": "Exists"}
_LIVING = {"key": ".metadata.deletionTimestamp", "operator": "DoesNotExist"}

_NODE = """\
{{ $now := Now }}
phase: Running
conditions:
{{ range NodeConditions }}
- type: {{ .type | Quote }}
  status: {{ .status | Quote }}
  reason: {{ .reason | Quote }}
  message: {{ .message | Quote }}
  lastHeartbeatTime: {{ $now | Quote }}
  lastTransitionTime: {{ or $.metadata.creationTimestamp $now | Quote }}
{{ end }}
{{ with NodePort }}
daemonEndpoints: {kubeletEndpoint: {Port: {{ . }}}}
{{ end }}
"""
_CONTAINER = """\
- name: {{ .name | Quote }}
  image: {{ .image | Quote }}
  restartCount: 0
"""
_TERMINATED = """\
  state:
    terminated:
      exitCode: 0
      reason: Completed
      startedAt: {{ $now | Quote }}
      finishedAt: {{ $now | Quote }}
"""
_RUNNING = """\
  started: true
  state:
    running:
      startedAt: {{ $now | Quote }}
"""
_READY = (
    """\
{{ $now := Now }}
phase: Running
startTime: {{ $now | Quote }}
conditions:
- {type: Initialized, status: "True", lastTransitionTime: {{ $now | Quote }}}
- {type: ContainersReady, status: "True", lastTransitionTime: {{ $now | Quote }}}
- {type: Ready, status: "True", lastTransitionTime: {{ $now | Quote }}}
{{ range .spec.readinessGates }}
- {type: {{ .conditionType | Quote }}, status: "True", lastTransitionTime: {{ $now | Quote }}}
{{ end }}
containerStatuses:
{{ range .spec.containers }}
"""
    + _CONTAINER
    + "  ready: true\n"
    + _RUNNING
    + """\
{{ end }}
initContainerStatuses:
{{ range .spec.initContainers }}
"""
    + _CONTAINER
    + """\
  ready: true
{{ if eq .restartPolicy "Always" }}
"""
    + _RUNNING
    + "{{ else }}\n"
    + _TERMINATED
    + """\
{{ end }}
{{ end }}
{{ with NodeIPsWith .spec.nodeName }}
hostIP: {{ index . 0 | Quote }}
hostIPs:
{{ range . }}
- ip: {{ . | Quote }}
{{ end }}
{{ end }}
{{ $host := or .spec.hostNetwork false }}
{{ $uid := or .metadata.uid "" }}
{{ with PodIPsWith .spec.nodeName $host $uid (or .metadata.name "") (or .metadata.namespace "") }}
podIP: {{ index . 0 | Quote }}
podIPs:
{{ range . }}
- ip: {{ . | Quote }}
{{ end }}
{{ end }}
"""
)
_COMPLETED = (
    """\
{{ $now := Now }}
phase: Succeeded
containerStatuses:
{{ range .spec.containers }}
"""
    + _CONTAINER
    + "  ready: false\n  started: false\n"
    + _TERMINATED
    + "{{ end }}\n"
)


def stages() -> list[dict[str, Any]]:
    """The stages of all nodes and pods; KWOK's own ones count no more once there is one."""
    ready = '.status.conditions.[] | select( .type == "Ready" ) | .status'
    waiting: list[dict[str, Any]] = [
        _LIVING,
        {"key": ".status.phase", "operator": "In", "values": ["Pending"]},
        {"key": ready, "operator": "NotIn", "values": ["True"]},
    ]
    of_a_job: list[dict[str, Any]] = [
        _LIVING,
        {"key": ".status.phase", "operator": "In", "values": ["Running"]},
        {"key": ".metadata.ownerReferences.[].kind", "operator": "In", "values": ["Job"]},
    ]
    delay = {"durationMilliseconds": 0, "durationFrom": {"expressionFrom": f'.metadata.annotations["{READY_AFTER}"]'}}
    not_ready = [{"key": ready, "operator": "NotIn", "values": ["True"]}]
    return [
        _stage(NODE, "node-ready", not_ready, {"statusTemplate": _NODE}),
        _stage(POD, "pod-ready", waiting, {"statusTemplate": _READY}, delay=delay),
        _stage(POD, "pod-complete", of_a_job, {"statusTemplate": _COMPLETED}),
        _stage(POD, "pod-delete", [_DELETED], {"delete": True}),
    ]


def _stage(
    kind: str, name: str, conditions: list[dict[str, Any]], following: dict[str, Any], **more: Any
) -> dict[str, Any]:
    spec = {
        "resourceRef": {"apiGroup": "v1", "kind": kind},
        "selector": {"matchExpressions": conditions},
        "next": following,
        **more,
    }
    return {"apiVersion": "kwok.x-k8s.io/v1alpha1", "kind": "Stage", "metadata": {"name": name}, "spec": spec}
