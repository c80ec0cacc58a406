# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a container's environment, command and arguments come to, as a kubelet computes it.

https://kubernetes.io/docs/tasks/inject-data-application/define-interdependent-environment-variables/,
https://kubernetes.io/docs/concepts/workloads/pods/downward-api/
"""

from __future__ import annotations

import base64
import math
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from urllib.parse import quote

from sandbox.kube_client import KubeClient
from sandbox.pods.programs import CannotRun

Json = dict[str, Any]

_REFERENCE = re.compile(r"\$\$|\$\(([^()]*)\)")
_ENTRY = re.compile(r"metadata\.(?P<kind>labels|annotations)\['(?P<key>[^']+)'\]")
_UNITS = {"m": Decimal("0.001"), "k": Decimal(1000), "": Decimal(1)}
_UNITS |= {unit: Decimal(1000) ** power for power, unit in enumerate("MGTPE", start=2)}
_UNITS |= {f"{unit}i": Decimal(1024) ** power for power, unit in enumerate("KMGTPE", start=1)}
_QUANTITY = re.compile(r"(?P<number>[\d.]+(?:[eE][+-]?\d+)?)(?P<unit>[a-zA-Z]*)")


class Source:
    """The objects of a namespace that a pod's fields refer to."""

    def __init__(self, client: KubeClient, namespace: str) -> None:
        self.client = client
        self.namespace = namespace

    def data(self, kind: str, name: str, optional: bool) -> dict[str, bytes]:
        """Return the entries of a ConfigMap or Secret ("configmaps", "secrets"); none of an optional absent one."""
        found = self.client.get(f"/api/v1/namespaces/{self.namespace}/{kind}/{quote(name)}")
        if found is None and not optional:
            singular = {"configmaps": "configmap", "secrets": "secret"}[kind]
            raise CannotRun("CreateContainerConfigError", f'{singular} "{name}" not found')
        found = found or {}
        plain = {key: value.encode() for key, value in (found.get("data") or {}).items()}
        if kind == "secrets":
            return {key: base64.b64decode(value) for key, value in plain.items()}
        return plain | {key: base64.b64decode(value) for key, value in (found.get("binaryData") or {}).items()}

    def entry(self, kind: str, reference: Json) -> str | None:
        """Return what a configMapKeyRef or secretKeyRef refers to, None where an optional one does not exist."""
        optional = bool(reference.get("optional"))
        data = self.data(kind, reference["name"], optional)
        if reference["key"] not in data:
            if optional:
                return None
            message = f"couldn't find key {reference['key']} in {self.namespace}/{reference['name']} ({kind})"
            raise CannotRun("CreateContainerConfigError", message)
        return data[reference["key"]].decode("utf-8", "replace")


def expanded(text: str, variables: Mapping[str, str]) -> str:
    """Return a text with $(NAME) replaced; unknown names stay, and $$ is a dollar sign."""

    def value(found: re.Match[str]) -> str:
        return "$" if found[0] == "$$" else variables.get(found[1], found[0])

    return _REFERENCE.sub(value, text)


def field(pod: Json, path: str) -> str:
    """Return a field of a pod for a fieldRef."""
    meta, status = pod["metadata"], pod.get("status", {})
    entry = _ENTRY.fullmatch(path)
    if entry is not None:
        return str((meta.get(entry["kind"]) or {}).get(entry["key"], ""))
    if path in ("metadata.labels", "metadata.annotations"):
        items = sorted((meta.get(path.rpartition(".")[2]) or {}).items())
        return "\n".join(f'{key}="{value}"' for key, value in items)
    values = {
        "metadata.name": meta["name"],
        "metadata.namespace": meta["namespace"],
        "metadata.uid": meta["uid"],
        "spec.nodeName": pod["spec"].get("nodeName", ""),
        "spec.serviceAccountName": pod["spec"].get("serviceAccountName", "default"),
        "status.hostIP": status.get("hostIP", ""),
        "status.hostIPs": ",".join(item["ip"] for item in status.get("hostIPs", [])),
        "status.podIP": status.get("podIP", ""),
        "status.podIPs": ",".join(item["ip"] for item in status.get("podIPs", [])),
    }
    if path not in values:
        raise CannotRun("CreateContainerConfigError", f"unsupported fieldPath: {path}")
    return str(values[path])


def resource(container: Json, reference: Json, allocatable: Mapping[str, str]) -> str:
    """Return what a resourceFieldRef refers to; a limit that is not set is what the node has."""
    kind, _, name = reference["resource"].partition(".")
    given = container.get("resources", {}).get(kind, {}).get(name)
    if given is None:
        given = allocatable.get(name, "0") if kind == "limits" else "0"
    divisor = reference.get("divisor") or "1"
    return str(math.ceil(quantity(str(given)) / (quantity(str(divisor)) or Decimal(1))))


def quantity(text: str) -> Decimal:
    """Return the value of a quantity (500m, 128Mi)."""
    found = _QUANTITY.fullmatch(text)
    if found is None or found["unit"] not in _UNITS:
        raise CannotRun("CreateContainerConfigError", f"{text} is no quantity")
    return Decimal(found["number"]) * _UNITS[found["unit"]]


def variables(source: Source, pod: Json, container: Json) -> dict[str, str]:
    """Return the variables that a container's env and envFrom define."""
    found: dict[str, str] = {}
    for item in container.get("envFrom", []):
        for kind, key in (("configmaps", "configMapRef"), ("secrets", "secretRef")):
            if key in item:
                data = source.data(kind, item[key]["name"], bool(item[key].get("optional")))
                prefix = item.get("prefix", "")
                found |= {f"{prefix}{name}": value.decode("utf-8", "replace") for name, value in data.items()}
    for item in container.get("env", []):
        origin = item.get("valueFrom")
        value = expanded(item.get("value", ""), found) if not origin else _from(source, pod, container, origin)
        if value is not None:
            found[item["name"]] = value
    return found


def _from(source: Source, pod: Json, container: Json, origin: Json) -> str | None:
    if "fieldRef" in origin:
        return field(pod, origin["fieldRef"]["fieldPath"])
    if "resourceFieldRef" in origin:
        node = source.client.get(f"/api/v1/nodes/{quote(pod['spec']['nodeName'])}") or {}
        return resource(container, origin["resourceFieldRef"], node.get("status", {}).get("allocatable", {}))
    if "configMapKeyRef" in origin:
        return source.entry("configmaps", origin["configMapKeyRef"])
    if "secretKeyRef" in origin:
        return source.entry("secrets", origin["secretKeyRef"])
    raise CannotRun("CreateContainerConfigError", f"valueFrom with {', '.join(origin)} is not known here")
