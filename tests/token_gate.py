# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A way to a cluster's API where tokens end early, and which asks STS whose they are, as EKS does."""

from __future__ import annotations

import http.client
import http.server
import json
import re
import threading
import time
import urllib.request
from calendar import timegm
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from sandbox.kube_client import KubeClient
from tests.doors import opened

UNAUTHORIZED = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "Unauthorized", "code": 401}
ASKED = ("Accept", "Content-Type", "User-Agent")


class TokenGate(http.server.ThreadingHTTPServer):
    """Passes requests on as the administrator where their token has not ended yet.

    A token ends with the answer to a request whose path begins with ``last``: whoever asks again needs one that was
    signed in a later second. So what takes longer than a token lasts is tried without waiting.
    ``tokens`` are those that came, ``refused`` counts requests with one that has ended.
    """

    daemon_threads = True

    def __init__(self, name: str, cluster: dict[str, Any], last: str, sts: str) -> None:
        super().__init__(("127.0.0.1", 0), _Passage)
        self.name = name
        self.endpoint = cluster["endpoint"]
        self.pki = Path(cluster["ca_file"]).parent
        self.last = last
        self.sts = sts
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.not_before = 0.0
        self.tokens: list[str] = []
        self.refused = 0

    def __enter__(self) -> TokenGate:
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_unused: object) -> None:
        self.shutdown()
        self.server_close()

    def callers(self) -> set[str]:
        """The ARNs of who signed the tokens: STS says so to whoever makes the call that a token is."""
        return {self._caller(token) for token in dict.fromkeys(self.tokens)}

    def _caller(self, token: str) -> str:
        url = urlsplit(opened(token))
        headers = {"Host": url.netloc, "x-k8s-aws-id": self.name}
        request = urllib.request.Request(f"{self.sts}/?{url.query}", headers=headers)
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=60) as answer:
            (arn,) = set(re.findall(r"arn:[^\s<\"]+", answer.read().decode()))
        return str(arn)


def signed(token: str) -> int:
    """The second in which a token was signed."""
    return timegm(time.strptime(parse_qs(urlsplit(opened(token)).query)["X-Amz-Date"][0], "%Y%m%dT%H%M%SZ"))


class _Passage(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: TokenGate

    def _pass(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        token = (self.headers.get("Authorization") or "").removeprefix("Bearer ")
        self.server.tokens.append(token)
        if signed(token) < self.server.not_before:
            self.server.refused += 1
            self._send(401, json.dumps(UNAUTHORIZED).encode())
            return
        client = KubeClient(self.server.endpoint, self.server.pki)
        headers = {name: value for name in ASKED if (value := self.headers.get(name))}
        try:
            client.connection.request(self.command, self.path, body or None, headers)
            answer: http.client.HTTPResponse = client.connection.getresponse()
            content = answer.read()
        finally:
            client.close()
        if self.path.startswith(self.server.last):
            while time.time() < signed(token) + 1:
                time.sleep(0.02)
            self.server.not_before = signed(token) + 1
        self._send(answer.status, content)

    def _send(self, status: int, content: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _pass

    def log_message(self, *arguments: Any) -> None:
        """Say nothing."""
