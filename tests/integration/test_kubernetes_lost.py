# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The Kubernetes client while an API server ends and begins anew."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from ansible_collections.ekspress.eks.plugins.module_utils import _kubernetes
from ansible_collections.ekspress.eks.plugins.module_utils._context import Context
from ansible_collections.ekspress.eks.plugins.module_utils._kubernetes import Kubernetes, connect
from ansible_collections.ekspress.eks.plugins.module_utils._kubernetes_errors import KubernetesError


@contextmanager
def ending_within_tls() -> Iterator[tuple[str, list[int]]]:
    """A server that closes each connection once the handshake has begun: its URL, and an item for each connection."""
    seen: list[int] = []
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]

        def serve() -> None:
            while True:
                try:
                    connection, _address = listening.accept()
                except OSError:
                    return
                with connection:
                    connection.recv(4096)
                    seen.append(1)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"https://127.0.0.1:{port}", seen
        finally:
            listening.shutdown(socket.SHUT_RDWR)
            thread.join()


def client(url: str, monkeypatch: pytest.MonkeyPatch) -> Kubernetes:
    """A client that waits as if the API had answered before."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    made = connect({"host": url}, None, Context())
    made._answered = True
    return made


def test_a_connection_that_ends_within_tls_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_kubernetes, "PATIENCE", 2.0)
    with ending_within_tls() as (url, seen):
        with pytest.raises(KubernetesError) as silent:
            client(url, monkeypatch).list("/api/v1/nodes")
        assert len(seen) >= 2
    # It is not the certificate's fault.
    assert "Check that the control plane runs" in silent.value.message
    assert "another cluster" not in silent.value.message


def test_what_may_have_been_done_is_not_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    item = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "one", "namespace": "default"}}
    with ending_within_tls() as (url, seen):
        with pytest.raises(KubernetesError):
            client(url, monkeypatch).create(item)
        assert len(seen) == 1
