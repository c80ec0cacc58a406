# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A container's probes, asked of the real process.

https://kubernetes.io/docs/tasks/configure-pod-container/configure-liveness-readiness-startup-probes/
"""

from __future__ import annotations

import http.client
import socket
import ssl
import time
from typing import Any

Json = dict[str, Any]

_EAGER_SECONDS = 0.1
"""Between the first questions of a readiness probe, until one is answered well: nobody gains by its long period."""


class Probe:
    """A probe and what its answers come to. Those that ask nothing of a port always succeed."""

    def __init__(self, container: Json, key: str, ports: dict[int, int], began: float) -> None:
        self._container = container
        self._wanted: Json = container.get(key) or {}
        self._ports = ports
        self._period = float(self._wanted.get("periodSeconds", 10))
        self._failures = 0
        self._successes = 0
        self._eager = key == "readinessProbe"
        self.good: bool | None = None if self._asks() else True
        """Whether it holds; None until there were enough answers."""
        self.message = ""
        delay = 0.0 if self._eager else float(self._wanted.get("initialDelaySeconds", 0))
        self.due = began + delay if self._asks() else float("inf")

    def _asks(self) -> bool:
        return "httpGet" in self._wanted or "tcpSocket" in self._wanted

    def ask(self) -> None:
        """Ask once and count the answer."""
        problem = self._problem()
        if problem is None:
            self._failures, self._successes = 0, self._successes + 1
            if self._successes >= int(self._wanted.get("successThreshold", 1)):
                self.good, self._eager, self.message = True, False, ""
        else:
            self._failures, self._successes = self._failures + 1, 0
            # While it is eager it asks more often than the threshold is meant for.
            if not self._eager and self._failures >= int(self._wanted.get("failureThreshold", 3)):
                self.good, self.message = False, problem
        self.due = time.monotonic() + (_EAGER_SECONDS if self._eager else self._period)

    def _problem(self) -> str | None:
        wanted = self._wanted.get("httpGet") or self._wanted["tcpSocket"]
        port = self._number(wanted["port"])
        if port not in self._ports:
            return f"dial tcp: port {wanted['port']}: connect: connection refused"
        timeout = float(self._wanted.get("timeoutSeconds", 1))
        try:
            if "httpGet" in self._wanted:
                return _get(wanted, self._ports[port], timeout)
            socket.create_connection(("127.0.0.1", self._ports[port]), timeout).close()
        except (OSError, http.client.HTTPException) as error:
            return str(error) or type(error).__name__
        return None

    def _number(self, port: int | str) -> int:
        named = {item.get("name"): item["containerPort"] for item in self._container.get("ports", [])}
        return port if isinstance(port, int) else int(named.get(port, port if port.isdigit() else 0))


def _get(wanted: Json, port: int, timeout: float) -> str | None:
    connection: http.client.HTTPConnection
    if wanted.get("scheme") == "HTTPS":
        # As a kubelet, which checks no certificate.
        context = ssl._create_unverified_context()
        connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=timeout, context=context)
    else:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        headers = {item["name"]: item["value"] for item in wanted.get("httpHeaders", [])}
        connection.request("GET", wanted.get("path", "/"), headers={"User-Agent": "kube-probe/sandbox", **headers})
        answer = connection.getresponse()
        answer.read(10240)
    finally:
        connection.close()
    return None if 200 <= answer.status < 400 else f"HTTP probe failed with statuscode: {answer.status}"
