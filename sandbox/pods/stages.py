# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What KWOK does with nodes and pods: it plays every pod but those that really run, and gives those their address.

https://kwok.sigs.k8s.io/docs/user/stages-configuration/
"""

from __future__ import annotations

import json
from typing import Any

from sandbox.pods.programs import IMAGE, OPT_OUT

Json = dict[str, Any]

_RUNS = (
    f'.spec.restartPolicy == "Always" and .metadata.annotations["{OPT_OUT}"] != "false"'
    f" and ([.spec.containers[].image | test({json.dumps(IMAGE)})] | any)"
)

# Templates of YAML, in Go's language for templates.
_NODE_CONDITIONS = """
{{ $now := Now }}
conditions:
{{ range NodeConditions }}
- {type: {{ .type | Quote }}, status: {{ .status | Quote }}, reason: {{ .reason | Quote }},
   message: {{ .message | Quote }}, lastHeartbeatTime: {{ $now | Quote }}, lastTransitionTime: {{ $now | Quote }}}
{{ end }}
"""

_PLACE = """
{{ $now := Now }}
startTime: {{ $now | Quote }}
{{ with NodeIPsWith .spec.nodeName }}
hostIP: {{ index . 0 | Quote }}
hostIPs: [{{ range . }}{ip: {{ . | Quote }}},{{ end }}]
{{ end }}
{{ with PodIPsWith .spec.nodeName (or .spec.hostNetwork false) (or .metadata.uid "") (or .metadata.name "") (or .metadata.namespace "") }}
podIP: {{ index . 0 | Quote }}
podIPs: [{{ range . }}{ip: {{ . | Quote }}},{{ end }}]
{{ end }}
"""  # noqa: E501

_CONDITION = '- {type: %s, status: "%s", lastTransitionTime: {{ $now | Quote }}}\n'
_GATES = "{{ range .spec.readinessGates }}" + _CONDITION % ("{{ .conditionType | Quote }}", "True") + "{{ end }}"

_INITIALIZED = """
initContainerStatuses:
{{ range .spec.initContainers }}
- name: {{ .name | Quote }}
  image: {{ .image | Quote }}
  ready: true
  restartCount: 0
{{ if eq .restartPolicy "Always" }}
  started: true
  state: {running: {startedAt: {{ $now | Quote }}}}
{{ else }}
  state:
    terminated: {exitCode: 0, reason: Completed, startedAt: {{ $now | Quote }}, finishedAt: {{ $now | Quote }}}
{{ end }}
{{ end }}
"""


def _containers(state: str, *, ready: bool) -> str:
    return f"""
containerStatuses:
{{{{ range .spec.containers }}}}
- name: {{{{ .name | Quote }}}}
  image: {{{{ .image | Quote }}}}
  ready: {str(ready).lower()}
  started: {str(ready).lower()}
  restartCount: 0
  state: {{{state}}}
{{{{ end }}}}
"""


def _conditions(ready: bool) -> str:
    values = {"Initialized": True, "ContainersReady": ready, "Ready": ready}
    return "conditions:\n" + "".join(_CONDITION % item for item in values.items()) + _GATES + "\n"


_READY = (
    _PLACE
    + "phase: Running\n"
    + _conditions(True)
    + _INITIALIZED
    + _containers("running: {startedAt: {{ $now | Quote }}}", ready=True)
)
_PLACED = (
    _PLACE
    + "phase: Pending\n"
    + _conditions(False)
    + _INITIALIZED
    + _containers("waiting: {reason: ContainerCreating}", ready=False)
)
_COMPLETED = (
    "{{ $now := Now }}\nphase: Succeeded\n"
    + "conditions:\n"
    + "".join(_CONDITION % (kind, "False") for kind in ("ContainersReady", "Ready"))
    + _containers(
        "running: null, terminated: {exitCode: 0, reason: Completed, startedAt: {{ $now | Quote }},"
        " finishedAt: {{ $now | Quote }}}",
        ready=False,
    )
)

_DELETED = (".metadata.deletionTimestamp", "Exists")
_LIVES = (".metadata.deletionTimestamp", "DoesNotExist")
_PENDING = (".status.phase", "In", "Pending")
_RUNNING = (".status.phase", "In", "Running")
_OF_A_JOB = (".metadata.ownerReferences[].kind", "In", "Job")
_REAL = (_RUNS, "In", "true")
_PLAYED = (_RUNS, "NotIn", "true")


def stages() -> list[Json]:
    """Return the stages; KWOK has none beside them."""
    not_ready = ('.status.conditions[] | select(.type == "Ready") | .status', "NotIn", "True")
    return [
        _stage("Node", "node-ready", [not_ready], status=_NODE_CONDITIONS),
        _stage("Pod", "pod-ready", [_LIVES, _PENDING, not_ready, _PLAYED], status=_READY),
        _stage("Pod", "pod-placed", [_LIVES, (".status.podIP", "DoesNotExist"), _REAL], status=_PLACED),
        _stage("Pod", "pod-complete", [_LIVES, _RUNNING, _OF_A_JOB], status=_COMPLETED),
        _stage("Pod", "pod-delete", [_DELETED, _PLAYED]),
    ]


def _stage(kind: str, name: str, selector: list[tuple[str, ...]], status: str | None = None) -> Json:
    expressions = [
        {"key": key, "operator": operator, **({"values": values} if values else {})}
        for key, operator, *values in selector
    ]
    return {
        "apiVersion": "kwok.x-k8s.io/v1alpha1",
        "kind": "Stage",
        "metadata": {"name": name},
        "spec": {
            "resourceRef": {"apiGroup": "v1", "kind": kind},
            "selector": {"matchExpressions": expressions},
            "next": {"delete": True} if status is None else {"statusTemplate": status},
        },
    }
