# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What KWOK makes of nodes and pods.

Nodes are ready. Pods become ready, at once or after the time that an annotation asks for; those of Jobs end, deleted
ones go. Pods that really run (sandbox/pods) get their address from KWOK, and all else from their process.

https://kwok.sigs.k8s.io/docs/user/stages-configuration/
"""

from __future__ import annotations

import json
from typing import Any

from sandbox.pods.programs import IMAGE, OPT_OUT

Json = dict[str, Any]

READY_AFTER = "sandbox.ekspress/ready-after"
"""Annotation of a pod: the time after which it becomes ready, such as 5s; at once where it has none."""

NODE, POD = "Node", "Pod"

# sandbox/pods/programs.py (container_of) asks the same.
_RUNS = (
    f'.spec.restartPolicy == "Always" and .metadata.annotations["{OPT_OUT}"] != "false"'
    f" and ([.spec.containers[].image | test({json.dumps(IMAGE)})] | any)"
)

# Templates of YAML, in Go's language for templates.
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
_PLACE = """\
{{ $now := Now }}
startTime: {{ $now | Quote }}
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
_CONDITION = '- {type: %s, status: "%s", lastTransitionTime: {{ $now | Quote }}}\n'
_GATES = "{{ range .spec.readinessGates }}\n" + _CONDITION % ("{{ .conditionType | Quote }}", "True") + "{{ end }}\n"
_RUNNING = "{running: {startedAt: {{ $now | Quote }}}}"
_ENDED = "terminated: {exitCode: 0, reason: Completed, startedAt: {{ $now | Quote }}, finishedAt: {{ $now | Quote }}}"
_TERMINATED = f"{{{_ENDED}}}"
_CREATING = "{waiting: {reason: ContainerCreating}}"
_INITIALIZED = f"""\
initContainerStatuses:
{{{{ range .spec.initContainers }}}}
- name: {{{{ .name | Quote }}}}
  image: {{{{ .image | Quote }}}}
  restartCount: 0
  ready: true
{{{{ if eq .restartPolicy "Always" }}}}
  started: true
  state: {_RUNNING}
{{{{ else }}}}
  state: {_TERMINATED}
{{{{ end }}}}
{{{{ end }}}}
"""


def _containers(state: str, *, ready: bool) -> str:
    return f"""\
containerStatuses:
{{{{ range .spec.containers }}}}
- name: {{{{ .name | Quote }}}}
  image: {{{{ .image | Quote }}}}
  restartCount: 0
  ready: {str(ready).lower()}
  started: {str(ready).lower()}
  state: {state}
{{{{ end }}}}
"""


def _conditions(ready: bool) -> str:
    values = {"Initialized": True, "ContainersReady": ready, "Ready": ready}
    return "conditions:\n" + "".join(_CONDITION % item for item in values.items()) + _GATES


_READY = _PLACE + "phase: Running\n" + _conditions(True) + _INITIALIZED + _containers(_RUNNING, ready=True)
_PLACED = _PLACE + "phase: Pending\n" + _conditions(False) + _INITIALIZED + _containers(_CREATING, ready=False)
_COMPLETED = (
    "{{ $now := Now }}\nphase: Succeeded\nconditions:\n"
    + "".join(_CONDITION % (kind, "False") for kind in ("ContainersReady", "Ready"))
    # A merge keeps what it is not told to drop.
    + _containers(f"{{running: null, {_ENDED}}}", ready=False)
)

Expression = tuple[str, str] | tuple[str, str, str]

_DELETED = (".metadata.deletionTimestamp", "Exists")
_LIVES = (".metadata.deletionTimestamp", "DoesNotExist")
_NOT_READY = ('.status.conditions.[] | select( .type == "Ready" ) | .status', "NotIn", "True")
_PENDING = (".status.phase", "In", "Pending")
_RUNS_NOW = (".status.phase", "In", "Running")
_HOMELESS = (".status.podIP", "DoesNotExist")
_OF_A_JOB = (".metadata.ownerReferences.[].kind", "In", "Job")
_REAL = (_RUNS, "In", "true")
_PLAYED = (_RUNS, "NotIn", "true")


def stages() -> list[Json]:
    """The stages of all nodes and pods; KWOK's own ones count no more once there is one."""
    delay = {"durationMilliseconds": 0, "durationFrom": {"expressionFrom": f'.metadata.annotations["{READY_AFTER}"]'}}
    return [
        _stage(NODE, "node-ready", [_NOT_READY], {"statusTemplate": _NODE}),
        _stage(POD, "pod-ready", [_LIVES, _PENDING, _NOT_READY, _PLAYED], {"statusTemplate": _READY}, delay=delay),
        _stage(POD, "pod-placed", [_LIVES, _HOMELESS, _REAL], {"statusTemplate": _PLACED}),
        _stage(POD, "pod-complete", [_LIVES, _RUNS_NOW, _OF_A_JOB], {"statusTemplate": _COMPLETED}),
        _stage(POD, "pod-delete", [_DELETED, _PLAYED], {"delete": True}),
    ]


def _stage(kind: str, name: str, selector: list[Expression], following: Json, **more: Any) -> Json:
    expressions = [
        {"key": key, "operator": operator, **({"values": values} if values else {})}
        for key, operator, *values in selector
    ]
    spec = {
        "resourceRef": {"apiGroup": "v1", "kind": kind},
        "selector": {"matchExpressions": expressions},
        "next": following,
        **more,
    }
    return {"apiVersion": "kwok.x-k8s.io/v1alpha1", "kind": "Stage", "metadata": {"name": name}, "spec": spec}
