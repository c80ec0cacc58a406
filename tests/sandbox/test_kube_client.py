# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Watches of the Kubernetes API: what they yield, and how they say that they know no more."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast

import pytest

from sandbox.errors import SandboxError
from sandbox.kube_client import KubeClient

EVENTS: list[dict[str, Any]] = [
    {"type": "ADDED", "object": {"metadata": {"name": "a"}}},
    {"type": "ERROR", "object": {"code": 410}},
]


class Handler(BaseHTTPRequestHandler):
    """Answers with the status that is the last part of the path."""

    def do_GET(self) -> None:
        status = int(self.path.rpartition("/")[2])
        self.send_response(status)
        self.end_headers()
        lines = EVENTS if status == 200 else [{"message": "too old resource version"}]
        self.wfile.write("".join(json.dumps(line) + "\n" for line in lines).encode())

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def client() -> Iterator[KubeClient]:
    """A client of a server without TLS."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    made = KubeClient.__new__(KubeClient)
    made.endpoint = "http://api"
    made.connection = cast(http.client.HTTPSConnection, http.client.HTTPConnection("127.0.0.1", server.server_port))
    yield made
    made.close()
    server.shutdown()
    server.server_close()


def test_events_come_as_they_are(client: KubeClient) -> None:
    assert list(client.stream("/200", 60.0)) == EVENTS


def test_an_answer_that_too_much_has_changed_is_an_event_as_well(client: KubeClient) -> None:
    assert [event["type"] for event in client.stream("/410", 60.0)] == ["ERROR"]


def test_any_other_answer_is_an_error(client: KubeClient) -> None:
    with pytest.raises(SandboxError, match="GET http://api/403 answered 403: "):
        list(client.stream("/403", 60.0))
