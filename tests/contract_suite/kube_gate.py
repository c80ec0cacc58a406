# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A way to a cluster's API on which writes take longer, with a log of them as the AWS server has one of its calls."""

from __future__ import annotations

import http.client
import http.server
import json
import select
import socket
import threading
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from sandbox.kube_client import KubeClient

WRITES = ("POST", "PUT", "PATCH", "DELETE")
ASKED = ("Accept", "Content-Type", "User-Agent")


class KubeGate(http.server.ThreadingHTTPServer):
    """Passes every request on as the administrator; ``latency`` (seconds) holds up writes to the paths it is for.

    ``calls`` has of each write its ``agent``, ``operation`` (verb and path), ``started``, ``ended`` (monotonic
    seconds), ``fault`` (whether it was held up) and ``passed``: a caller that goes away meanwhile has written nothing.
    ``kubeconfig`` is the path of one that leads here.
    """

    daemon_threads = True

    def __init__(self, cluster: dict[str, Any], kubeconfig: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Passage)
        self.endpoint = cluster["endpoint"]
        self.pki = Path(cluster["ca_file"]).parent
        self.kubeconfig = str(kubeconfig)
        self.latency = 0.0
        self.calls: list[dict[str, Any]] = []
        self.lifted = threading.Event()
        self._thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05})
        kubeconfig.write_text(json.dumps(_kubeconfig(f"http://127.0.0.1:{self.server_address[1]}")))

    def __enter__(self) -> KubeGate:
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.lifted.set()
        self.shutdown()
        self._thread.join()
        self.server_close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: callers that are killed are what this is for."""


def _kubeconfig(server: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "gate", "cluster": {"server": server}}],
        "users": [{"name": "gate", "user": {}}],
        "contexts": [{"name": "gate", "context": {"cluster": "gate", "user": "gate"}}],
        "current-context": "gate",
    }


class _Passage(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: KubeGate

    def _pass(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        call = {"operation": f"{self.command} {urlsplit(self.path).path}", "fault": "", "passed": False}
        call["agent"] = self.headers.get("User-Agent", "")
        call |= {"started": time.monotonic(), "ended": None}
        if self.command in WRITES:
            self.server.calls.append(call)
        try:
            # A lease only says whose turn it is.
            if self.command in WRITES and "/leases" not in self.path and not self._held_up(call):
                self.close_connection = True
                return
            call["passed"] = True
            self._forward(body)
        finally:
            call["ended"] = time.monotonic()

    def _held_up(self, call: dict[str, Any]) -> bool:
        """Wait as long as writes take here; False where the caller has gone."""
        call["fault"] = "latency" if self.server.latency else ""
        deadline = time.monotonic() + self.server.latency
        while time.monotonic() < deadline and not self.server.lifted.wait(0.02):
            # A caller that has gone has closed its end.
            if select.select([self.connection], [], [], 0)[0] and not self.connection.recv(1, socket.MSG_PEEK):
                return False
        return True

    def _forward(self, body: bytes) -> None:
        client = KubeClient(self.server.endpoint, self.server.pki)
        upstream = client.connection
        headers = {name: value for name in ASKED if (value := self.headers.get(name))}
        try:
            upstream.request(self.command, self.path, body or None, headers)
            self._answer(upstream.getresponse())
        finally:
            client.close()

    def _answer(self, answer: http.client.HTTPResponse) -> None:
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.headers.get("Content-Type", "application/json"))
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        while part := answer.read1(65536):
            self.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))
        self.wfile.write(b"0\r\n\r\n")

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _pass

    def log_message(self, *arguments: Any) -> None:
        """Say nothing."""
