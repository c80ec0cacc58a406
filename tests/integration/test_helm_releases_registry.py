# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""An OCI registry that lacks what is asked for, and one that is down."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.integration.helm_releases_support import Ground
from tests.sandbox_fixtures import RunningSandbox

NAME = "aws-load-balancer-controller"
VALUES = {"clusterName": "x"}


@contextmanager
def forwarded(address: str) -> Iterator[str]:
    """Another address of a server, where nothing listens once the block has ended."""
    host, _, port = address.partition(":")
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def copy(source: socket.socket, target: socket.socket) -> None:
            while content := source.recv(65536):
                target.sendall(content)
            target.shutdown(socket.SHUT_WR)

        def serve(client: socket.socket) -> None:
            with client, socket.create_connection((host, int(port))) as server:
                back = threading.Thread(target=copy, args=(server, client), daemon=True)
                back.start()
                copy(client, server)
                back.join()

        def accept() -> None:
            while True:
                try:
                    client, _address = listening.accept()
                except OSError:
                    return
                threading.Thread(target=serve, args=(client,), daemon=True).start()

        accepting = threading.Thread(target=accept)
        accepting.start()
        try:
            yield "{}:{}".format(*listening.getsockname())
        finally:
            listening.shutdown(socket.SHUT_RDWR)
            accepting.join()


def test_a_registry_that_is_down_is_no_harm_where_the_archive_is_cached(
    ground: Ground, sandbox: RunningSandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, _, path = sandbox.state["registry"]["charts"].removeprefix("oci://").partition("/")
    with forwarded(sandbox.state["registry"]["address"]) as address:
        release = ground.release(
            "web", NAME, repository=f"oci://{address}/{path}", version="3.5.0", values=VALUES, plain_http=True
        )
        assert ground.run(release, check=True).states == {"web": "installed"}
    run = ground.run(release, check=True)
    assert (run.states, len(run.warnings)) == ({"web": "installed"}, 1)
    assert "could not be asked for, so its cached archive (sha256:" in run.warnings[0]
    assert "refused" in run.warnings[0]
    other = ground.run({**release, "version": "3.4.0"}, check=True)
    assert other.states == {"web": "failed"}
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "empty"))
    lost = ground.run(release)
    assert (lost.states, lost.result["changed"]) == ({"web": "failed"}, False)
    assert f"The chart was asked for as {NAME} 3.5.0: check its name and version" in lost.result["msg"]


@pytest.mark.parametrize(("chart", "version"), [("no-such-chart", "3.5.0"), (NAME, "0.0.1")])
def test_what_the_registry_does_not_have_is_told(
    ground: Ground, sandbox: RunningSandbox, chart: str, version: str
) -> None:
    charts = sandbox.state["registry"]["charts"]
    release = ground.release("web", chart, repository=charts, version=version, plain_http=True)
    for check in (True, False):
        run = ground.run(release, check=check)
        assert (run.states, run.helm, run.result["changed"]) == ({"web": "failed"}, ["pull"], False)
        assert f"The chart was asked for as {chart} {version}: check its name and version" in run.result["msg"]
