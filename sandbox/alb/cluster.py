# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the controller reads and writes in Kubernetes."""

from __future__ import annotations

import hashlib
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sandbox.alb.watch import WATCH_SECONDS, Store
from sandbox.errors import SandboxError
from sandbox.kube_client import KubeClient

COMPONENT = "ingress"
_INGRESSES = "/apis/networking.k8s.io/v1"
_PARAMETERS = "/apis/elbv2.k8s.aws/v1beta1/ingressclassparams"
_MERGE = "application/merge-patch+json"

Json = dict[str, Any]


class Cluster:
    """One cluster's API, and what is known of it.

    Args:
        endpoint: URL of the API server.
        pki: directory of ca.crt, admin.crt and admin.key.
    """

    def __init__(self, endpoint: str, pki: Path) -> None:
        self._endpoint = endpoint
        self._pki = pki
        self.changed = threading.Event()
        self._client: KubeClient | None = None

        def store(path: str) -> Store:
            return Store(lambda: KubeClient(endpoint, pki, timeout=WATCH_SECONDS * 2.0), path, self.changed.set)

        self.deployments = store("/apis/apps/v1/deployments")
        self.ingresses = store(f"{_INGRESSES}/ingresses")
        self.classes = store(f"{_INGRESSES}/ingressclasses")
        self.services = store("/api/v1/services")

    def start(self) -> None:
        """Begin to watch."""
        for store in self._stores():
            store.start()

    def synced(self) -> bool:
        """Tell whether everything has been read at least once."""
        return all(store.synced.is_set() for store in self._stores())

    def _stores(self) -> tuple[Store, ...]:
        return self.deployments, self.ingresses, self.classes, self.services

    def close(self) -> None:
        """Close the connection; the API server would not keep it for ever either."""
        if self._client is not None:
            self._client.close()
            self._client = None

    def parameters(self) -> dict[str, Json]:
        """Return the spec of all IngressClassParams by name; none where there is no such kind."""
        listed = self._call("GET", _PARAMETERS) or {"items": []}
        return {item["metadata"]["name"]: item.get("spec") or {} for item in listed["items"]}

    def add_finalizer(self, ingress: Json, finalizer: str) -> None:
        """Let an Ingress stay until its load balancer is gone."""
        present = ingress["metadata"].get("finalizers") or []
        if finalizer not in present:
            self._finalizers(ingress, [*present, finalizer])

    def remove_finalizer(self, ingress: Json, finalizer: str) -> None:
        """Let an Ingress go."""
        present = ingress["metadata"].get("finalizers") or []
        self._finalizers(ingress, [item for item in present if item != finalizer])

    def _finalizers(self, ingress: Json, wanted: list[str]) -> None:
        meta = {"finalizers": wanted, "resourceVersion": ingress["metadata"]["resourceVersion"]}
        self._write(_path(ingress), {"metadata": meta})

    def set_status(self, ingress: Json, hostname: str, ports: list[int]) -> None:
        """Write the name of the load balancer into the status of an Ingress, where it is not there yet."""
        wanted = [{"hostname": hostname, "ports": [{"port": port, "protocol": "TCP"} for port in ports]}]
        if (ingress.get("status", {}).get("loadBalancer") or {}).get("ingress") != wanted:
            self._write(f"{_path(ingress)}/status", {"status": {"loadBalancer": {"ingress": wanted}}})

    def _write(self, path: str, body: Json) -> None:
        written = self._call("PATCH", path, body, _MERGE)
        if written is not None:
            self.ingresses.put(written)

    def event(self, ingress: Json, kind: str, reason: str, message: str) -> None:
        """Tell about an Ingress; the same words again are counted."""
        meta = ingress["metadata"]
        # Kubernetes' own limit of an event's message.
        message = message[:1024]
        digest = hashlib.sha256(f"{meta['uid']}{kind}{reason}{message}".encode()).hexdigest()[:16]
        where = f"/api/v1/namespaces/{meta['namespace']}/events"
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        present = self._call("GET", f"{where}/{meta['name']}.{digest}")
        if present is not None:
            again = {"count": int(present.get("count", 1)) + 1, "lastTimestamp": now}
            self._call("PATCH", f"{where}/{meta['name']}.{digest}", again, _MERGE)
            return
        about = {"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "namespace": meta["namespace"]}
        about |= {"name": meta["name"], "uid": meta["uid"], "resourceVersion": meta["resourceVersion"]}
        self._call(
            "POST",
            where,
            {
                "apiVersion": "v1",
                "kind": "Event",
                "metadata": {"name": f"{meta['name']}.{digest}", "namespace": meta["namespace"]},
                "involvedObject": about,
                "type": kind,
                "reason": reason,
                "message": message,
                "source": {"component": COMPONENT},
                "reportingComponent": COMPONENT,
                "reportingInstance": "",
                "count": 1,
                "firstTimestamp": now,
                "lastTimestamp": now,
            },
        )

    def _call(self, method: str, path: str, body: Json | None = None, kind: str = "application/json") -> Json | None:
        """Call the API; None where there is no such object."""
        if self._client is None:
            self._client = KubeClient(self._endpoint, self._pki)
        status, answer = self._client.request(method, path, body, kind)
        if status == 404:
            return None
        if status >= 300:
            message = answer.get("message", answer) if isinstance(answer, dict) else answer
            raise SandboxError(f"{method} {path} answered {status}: {message}")
        return dict(answer)


def _path(ingress: Json) -> str:
    meta = ingress["metadata"]
    return f"{_INGRESSES}/namespaces/{meta['namespace']}/ingresses/{meta['name']}"
