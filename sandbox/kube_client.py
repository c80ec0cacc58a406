# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A few calls of the Kubernetes API with the administrator's client certificate.

The official client takes up to a second to import, which `up` when up has no time for.
"""

from __future__ import annotations

import http
import http.client
import json
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from sandbox.errors import SandboxError


class KubeClient:
    """The API of one control plane; not to be shared between threads."""

    def __init__(self, endpoint: str, pki: Path, timeout: float = 60.0) -> None:
        """Prepare for an endpoint (https URL) with ca.crt, admin.crt and admin.key of a directory; timeout in s."""
        parts = urlsplit(endpoint)
        context = ssl.create_default_context(cafile=str(pki / "ca.crt"))
        context.load_cert_chain(pki / "admin.crt", pki / "admin.key")
        self.endpoint = endpoint
        self.connection = http.client.HTTPSConnection(
            parts.hostname or "", parts.port, context=context, timeout=timeout
        )

    def request(self, method: str, path: str, body: Any = None, kind: str = "application/json") -> tuple[int, Any]:
        """Return the status and the decoded body of an answer."""
        data = None if body is None else json.dumps(body)
        try:
            self.connection.request(method, path, data, {"Content-Type": kind, "Accept": "application/json"})
            answer = self.connection.getresponse()
            text = answer.read()
        except (OSError, http.client.HTTPException):
            self.connection.close()
            raise
        is_json = "json" in answer.headers.get("Content-Type", "")
        return answer.status, json.loads(text) if is_json else text.decode("utf-8", "replace")

    def get(self, path: str) -> Any:
        """Return an object or list, None where there is none."""
        status, body = self.request("GET", path)
        if status == 404:
            return None
        self._check("GET", path, status, body)
        return body

    def stream(self, path: str, timeout: float) -> Iterator[Any]:
        """Yield the events of a watch until it ends, or until nothing has come for a time (seconds).

        One of the type ERROR tells that what has changed since is not known any more, also where the answer itself is.
        """
        if self.connection.sock is not None:
            self.connection.sock.settimeout(timeout)
        self.connection.timeout = timeout
        self.connection.request("GET", path, headers={"Accept": "application/json"})
        answer = self.connection.getresponse()
        if answer.status != 200:
            text = answer.read().decode("utf-8", "replace")
            if answer.status == http.HTTPStatus.GONE:
                yield {"type": "ERROR", "object": text}
                return
            self._check("GET", path, answer.status, text)
        for line in answer:
            yield json.loads(line)

    def apply(self, item: dict[str, Any], manager: str) -> Any:
        """Apply an object server-side for a field manager, taking over fields that others hold."""
        path = object_path(item) + f"?fieldManager={quote(manager)}&force=true"
        status, body = self.request("PATCH", path, item, "application/apply-patch+yaml")
        self._check("PATCH", path, status, body)
        return body

    def ready(self) -> bool:
        """Tell whether the API server says that it is ready."""
        try:
            return self.request("GET", "/readyz")[0] == 200
        except (OSError, http.client.HTTPException):
            return False

    def close(self) -> None:
        """Close the connection."""
        self.connection.close()

    def _check(self, method: str, path: str, status: int, body: Any) -> None:
        if status >= 300:
            message = body.get("message", body) if isinstance(body, dict) else body
            raise SandboxError(f"{method} {self.endpoint}{path} answered {status}: {message}")


_PLURALS = {"StorageClass": "storageclasses", "Ingress": "ingresses", "IngressClass": "ingressclasses"}
_CLUSTER_WIDE = frozenset(
    {
        "ClusterRole",
        "ClusterRoleBinding",
        "CustomResourceDefinition",
        "IngressClass",
        "MutatingWebhookConfiguration",
        "Namespace",
        "Node",
        "StorageClass",
        "ValidatingWebhookConfiguration",
    }
)


def object_path(item: dict[str, Any]) -> str:
    """Return the URL path of an object of the kinds that the fixtures use."""
    version, kind, meta = item["apiVersion"], item["kind"], item["metadata"]
    prefix = f"/apis/{version}" if "/" in version else f"/api/{version}"
    plural = _PLURALS.get(kind, kind.lower() + "s")
    where = "" if kind in _CLUSTER_WIDE else f"/namespaces/{meta['namespace']}"
    return f"{prefix}{where}/{plural}/{meta['name']}"
