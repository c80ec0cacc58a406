# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which pod is behind an address that is dialled: a local port where it really runs, else the certificate it serves."""

from __future__ import annotations

import base64
import http.client
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sandbox.kube_client import KubeClient
from sandbox.pods import addresses

DROPPED_PORTS = "sandbox.ekspress/closed-ports"


@dataclass(frozen=True)
class Target:
    """A ready pod that serves a port with a certificate (PEM), or one that runs and listens on a local port."""

    pod: str
    certificate: bytes
    key: bytes
    dropped_ports: frozenset[str]
    local: int | None = None


class Lookup:
    """Asks the API server, anew for every connection: what is ready now counts."""

    def __init__(self, endpoint: str, pki: Path, pods_file: Path) -> None:
        self._endpoint = endpoint
        self._pki = pki
        self._pods_file = pods_file

    def find(self, address: str, port: int) -> Target | None:
        """Return the pod that would answer at an address and port, None where a connection would be refused."""
        client = KubeClient(self._endpoint, self._pki)
        try:
            address, port = self.resolve(client, address, port)
            pods = client.get(f"/api/v1/pods?fieldSelector=status.podIP%3D{quote(address)}")["items"]
            for pod in pods:
                real = addresses.read(self._pods_file).get(_name(pod))
                if real is not None:
                    local = real["ports"].get(str(port))
                    return Target(_name(pod), b"", b"", _dropped(pod), local) if local else None
                if _ready(pod) and port in _ports(pod):
                    return self._target(client, pod)
        except (OSError, http.client.HTTPException):
            return None
        finally:
            client.close()
        return None

    def resolve(self, client: KubeClient, address: str, port: int) -> tuple[str, int]:
        """Return the pod's address and port behind an address: the API server dials pods only."""
        return address, port

    def _target(self, client: KubeClient, pod: dict[str, Any]) -> Target:
        name, namespace, ports = _name(pod), pod["metadata"]["namespace"], _dropped(pod)
        for secret_name in _secret_names(pod):
            secret = client.get(f"/api/v1/namespaces/{namespace}/secrets/{secret_name}")
            data = (secret or {}).get("data", {})
            if "tls.crt" in data and "tls.key" in data:
                return Target(name, base64.b64decode(data["tls.crt"]), base64.b64decode(data["tls.key"]), ports)
        # Programs that mount none make one for themselves (metrics-server does), which nobody's bundle trusts.
        own = [(self._pki / f"admin.{kind}").read_bytes() for kind in ("crt", "key")]
        return Target(name, own[0], own[1], ports)


def _name(pod: dict[str, Any]) -> str:
    return f"{pod['metadata']['namespace']}/{pod['metadata']['name']}"


def _dropped(pod: dict[str, Any]) -> frozenset[str]:
    dropped = pod["metadata"].get("annotations", {}).get(DROPPED_PORTS, "")
    return frozenset(part.strip() for part in dropped.split(",") if part.strip())


def _ready(pod: dict[str, Any]) -> bool:
    conditions = pod["status"].get("conditions", [])
    return any(item["type"] == "Ready" and item["status"] == "True" for item in conditions)


def _ports(pod: dict[str, Any]) -> Iterator[int]:
    for container in pod["spec"]["containers"]:
        for port in container.get("ports", []):
            yield port["containerPort"]


def _secret_names(pod: dict[str, Any]) -> Iterator[str]:
    for volume in pod["spec"].get("volumes", []):
        if "secret" in volume:
            yield volume["secret"]["secretName"]
        for source in volume.get("projected", {}).get("sources", []):
            if "secret" in source:
                yield source["secret"]["name"]
