# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Charts that are fetched: once, kept by their digest, and held to it."""

from __future__ import annotations

import base64
import hashlib
import json
import tarfile
import threading
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.integration.helm_releases_support import CONFIG_MAP, NOWHERE, Ground, write_chart
from tests.sandbox_fixtures import RunningSandbox

LOGIN = "Basic " + base64.b64encode(b"us:er:hunter2-pass").decode()


@dataclass
class Repository:
    """A chart repository, and what was asked of it."""

    directory: Path
    files: dict[str, bytes] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    port: int = 0
    down: bool = False

    @property
    def url(self) -> str:
        """Its address, with user and password."""
        return f"http://us%3Aer:hunter2-pass@127.0.0.1:{self.port}/charts"

    def publish(self, name: str, version: str, *templates: str) -> str:
        """Publish a version of a chart and return its archive's digest."""
        write_chart(self.directory / name, *templates, version=version)
        archive = self.directory / f"{name}-{version}.tgz"
        with tarfile.open(archive, "w:gz") as packed:
            packed.add(self.directory / name, name)
        self.files[archive.name] = archive.read_bytes()
        entries: dict[str, list[dict[str, Any]]] = {}
        for file, content in self.files.items():
            if file.endswith(".tgz"):
                chart, _, number = file.removesuffix(".tgz").rpartition("-")
                digest = hashlib.sha256(content).hexdigest()
                entries.setdefault(chart, []).append({"version": number, "urls": [file], "digest": digest})
        self.files["index.yaml"] = json.dumps({"apiVersion": "v1", "entries": entries}).encode()
        return hashlib.sha256(self.files[archive.name]).hexdigest()

    def answer(self, path: str, login: str) -> tuple[int, bytes]:
        """What it answers to a GET."""
        name = path.removeprefix("/charts/")
        self.asked.append(name)
        if self.down:
            return 503, b"down"
        if login != LOGIN:
            return 401, b"who?"
        return (200, self.files[name]) if name in self.files else (404, b"no")


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Repository]:
    """A running repository."""
    monkeypatch.setattr("ansible_collections.ekspress.eks.plugins.module_utils._helm_index.PAUSE", 0.01)
    made = Repository(tmp_path / "repository")

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, content = made.answer(self.path, self.headers.get("Authorization", ""))
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_arguments: Any) -> None:
            """Say nothing."""

    with serving(Handler) as port:
        made.port = port
        yield made


class serving:
    """A server on a free port while the block runs."""

    def __init__(self, handler: type[BaseHTTPRequestHandler]) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def __enter__(self) -> int:
        self._thread.start()
        return self._server.server_address[1]

    def __exit__(self, *_error: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def fetched(ground: Ground, repository: Repository, name: str, chart: str = "web", **more: Any) -> dict[str, Any]:
    """A release of a chart of the repository."""
    return {**ground.release(name, chart), "repository": repository.url, "version": "1.0.0", **more}


def test_index_and_archives_are_asked_for_once_a_run(ground: Ground, repository: Repository) -> None:
    repository.publish("web", "1.0.0", CONFIG_MAP)
    repository.publish("shop", "1.0.0", CONFIG_MAP)
    releases = [fetched(ground, repository, name, name.partition("-")[0]) for name in ("web-1", "web-2", "shop-1")]
    run = ground.run(*releases)
    assert set(run.states.values()) == {"installed"}
    assert sorted(repository.asked) == ["index.yaml", "shop-1.0.0.tgz", "web-1.0.0.tgz"]
    assert "hunter2" not in json.dumps(run.result)
    assert "hunter2" not in "".join(run.calls)

    repository.asked.clear()
    again = ground.run(*releases, helm_binary=NOWHERE)
    assert (set(again.states.values()), repository.asked) == ({"unchanged"}, [])
    assert again.calls == ["kubernetes:GET /api/v1/secrets"]
    assert ground.run(fetched(ground, repository, "web-3")).states == {"web-3": "installed"}
    assert repository.asked == ["index.yaml"]


def test_what_the_repository_does_not_have_is_told(ground: Ground, repository: Repository) -> None:
    repository.publish("web", "1.0.0", CONFIG_MAP)
    for check in (True, False):
        run = ground.run(fetched(ground, repository, "web", version="9.9.9"), check=check)
        assert (run.states, run.helm, run.result["changed"]) == ({"web": "failed"}, [], False)
        assert "has no version 9.9.9 of the chart 'web'. It has: 1.0.0" in run.result["msg"]
    repository.files["web-1.0.0.tgz"] += b"more"
    run = ground.run(fetched(ground, repository, "web"))
    assert "but the repository's index says sha256:" in run.result["msg"]
    repository.files["web-1.0.0.tgz"] = b"<html>"
    index = json.loads(repository.files["index.yaml"])
    del index["entries"]["web"][0]["digest"]
    repository.files["index.yaml"] = json.dumps(index).encode()
    assert (
        "The archive of the chart web 1.0.0 cannot be read"
        in ground.run(fetched(ground, repository, "web")).result["msg"]
    )
    wrong = {**fetched(ground, repository, "web"), "repository": f"http://127.0.0.1:{repository.port}/charts"}
    assert "index.yaml cannot be fetched: HTTP Error 401" in ground.run(wrong).result["msg"]


def test_a_repository_that_is_down_is_no_harm_where_the_archive_is_cached(
    ground: Ground, repository: Repository
) -> None:
    repository.publish("web", "1.0.0", CONFIG_MAP)
    repository.publish("web", "1.1.0", CONFIG_MAP)
    assert ground.run(fetched(ground, repository, "web")).states == {"web": "installed"}
    repository.down = True
    run = ground.run(fetched(ground, repository, "web", values={"a": 1}), fetched(ground, repository, "more"))
    assert run.states == {"web": "upgraded", "more": "installed"}
    assert "its cached archive (sha256:" in run.warnings[0]
    assert "503" in run.warnings[0]
    lost = ground.run(fetched(ground, repository, "web", version="1.1.0"))
    assert (lost.states, lost.result["changed"]) == ({"web": "failed"}, False)
    assert "index.yaml cannot be fetched" in lost.result["msg"]


@pytest.mark.parametrize("cache", ["there", "gone"])
def test_a_chart_that_was_changed_under_its_version_is_refused_until_its_digest_is_given(
    ground: Ground, repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cache: str
) -> None:
    before = repository.publish("web", "1.0.0", CONFIG_MAP)
    assert ground.run(fetched(ground, repository, "web")).states == {"web": "installed"}
    after = repository.publish("web", "1.0.0", CONFIG_MAP + "  more: x\n")
    if cache == "gone":
        # On another controller it is the release that knows.
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "other"))
    changed = fetched(ground, repository, "web", values={"a": 1})
    for check in (True, False):
        run = ground.run(changed, check=check)
        assert (run.states, run.result["changed"]) == ({"web": "failed"}, False)
        assert f"has the digest sha256:{after}, not sha256:{before[:40]}" in run.result["msg"]
    pinned = fetched(ground, repository, "web", digest=f"sha256:{after}")
    run = ground.run(pinned)
    assert (run.states, run.result["releases"][0]["message"]) == (
        {"web": "upgraded"},
        "the digest of the chart changed",
    )
    assert ground.kube.get(ground.path("configmaps", "web"))["data"]["more"] == "x"
    assert ground.run(fetched(ground, repository, "web", values={"a": 2})).states == {"web": "upgraded"}
    assert ground.run({**pinned, "values": {"a": 2}}, helm_binary=NOWHERE).states == {"web": "unchanged"}


def test_a_pinned_archive_that_is_cached_is_not_asked_for(ground: Ground, repository: Repository) -> None:
    digest = repository.publish("web", "1.0.0", CONFIG_MAP)
    pinned = fetched(ground, repository, "web", digest=digest)
    assert ground.run(pinned).states == {"web": "installed"}
    repository.asked.clear()
    assert ground.run({**pinned, "values": {"a": 1}}).states == {"web": "upgraded"}
    assert repository.asked == []
    run = ground.run({**pinned, "digest": "0" * 64})
    assert (run.states, run.result["changed"]) == ({"web": "failed"}, False)
    assert f"not sha256:{'0' * 64}, which the option digest asks for" in run.result["msg"]


ECR = "123456789012.dkr.ecr.eu-central-1.amazonaws.com"
SPY = """\
#!/bin/sh
{{ tr '\\0' ' ' < /proc/$$/cmdline; echo; env; }} >> {log}
exec {helm} "$@"
"""


def test_ecr_is_logged_in_to_by_the_tasks_own_session(
    ground: Ground, sandbox: RunningSandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A proxy stands in the place of ECR's host; it has the sandbox's registry behind it and wants ECR's login."""
    for name, value in sandbox.environment.items():
        monkeypatch.setenv(name, value)
    registry, logins = sandbox.state["registry"]["address"], []

    class Proxy(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            assert self.path.startswith(f"http://{ECR}/v2/")
            login = self.headers.get("Authorization", "")
            logins.append(login)
            status, headers, content = 401, {"WWW-Authenticate": f'Basic realm="http://{ECR}/"'}, b"{}"
            if login:
                wanted = {name: self.headers[name] for name in ("Accept",) if self.headers[name]}
                request = urllib.request.Request(self.path.replace(ECR, registry, 1), headers=wanted)
                request.method = self.command
                with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request) as response:
                    status, content = response.status, response.read()
                    headers = {name: response.headers[name] for name in ("Content-Type", "Docker-Content-Digest")}
            self.send_response(status)
            for name, value in headers.items():
                if value:
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content if self.command == "GET" else b"")

        do_HEAD = do_GET

        def log_message(self, *_arguments: Any) -> None:
            """Say nothing."""

    log, spy = tmp_path / "log", tmp_path / "spy"
    spy.write_text(SPY.format(log=log, helm=ground.options["helm_binary"]))
    spy.chmod(0o700)
    chart = "aws-load-balancer-controller"
    release = ground.release("web", chart, repository=f"oci://{ECR}/charts", version="3.5.0", plain_http=True)
    with serving(Proxy) as port:
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{port}")
        run = ground.run({**release, "values": {"clusterName": "x"}}, check=True, helm_binary=str(spy))
    assert run.states == {"web": "installed"}, run.result.get("msg")
    assert "ecr:GetAuthorizationToken" in run.calls
    token = max(logins).removeprefix("Basic ")
    password = base64.b64decode(token).decode()
    assert password.startswith("AWS:")
    shown = log.read_text() + json.dumps(run.result)
    left = b"".join(path.read_bytes() for path in (tmp_path / "cache").rglob("*") if path.is_file())
    for secret in (token, password.partition(":")[2]):
        assert secret not in shown
        assert secret.encode() not in left


def test_an_ecr_that_gives_no_token_is_told(
    ground: Ground, sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in sandbox.environment.items():
        monkeypatch.setenv(name, value)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nowhere/credentials")
    release = ground.release("web", "web", repository=f"oci://{ECR}/charts", version="1.0.0")
    run = ground.run(release)
    assert (run.states, run.helm) == ({"web": "failed"}, [])
    assert "ecr:GetAuthorizationToken" in run.result["msg"]
