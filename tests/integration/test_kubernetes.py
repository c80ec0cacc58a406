# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The Kubernetes client on a real API, and against a server that misbehaves."""

from __future__ import annotations

import base64
import http.server
import json
import socket
import threading
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.ekspress.eks.plugins.module_utils import _kubernetes
from ansible_collections.ekspress.eks.plugins.module_utils._aws import Aws
from ansible_collections.ekspress.eks.plugins.module_utils._cluster import describe
from ansible_collections.ekspress.eks.plugins.module_utils._context import Context
from ansible_collections.ekspress.eks.plugins.module_utils._errors import CancelledError, EksError
from ansible_collections.ekspress.eks.plugins.module_utils._kubernetes import Kubernetes, connect
from ansible_collections.ekspress.eks.plugins.module_utils._kubernetes_errors import KubernetesError

from tests.sandbox_fixtures import RunningSandbox
from tests.support import wait_until


@pytest.fixture(autouse=True)
def sandbox_environment(sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment that leads SDKs to the sandbox."""
    for name, value in sandbox.environment.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def kubernetes(sandbox: RunningSandbox) -> Kubernetes:
    """A client with the administrator's certificate."""
    return connect({"kubeconfig": sandbox.cluster()["kubeconfig"]}, None, Context())


@pytest.fixture
def namespace(sandbox: RunningSandbox) -> Iterator[str]:
    """A new namespace."""
    kube = sandbox.kube()
    name = f"kubernetes-{uuid.uuid4().hex[:8]}"
    kube.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}, "tests")
    kube.close()
    yield name
    # A new connection: the API server may have closed the old one meanwhile.
    kube = sandbox.kube()
    assert kube.request("DELETE", f"/api/v1/namespaces/{name}")[0] == 200
    kube.close()


def config_map(namespace: str, name: str = "one", **data: str) -> dict[str, Any]:
    """A ConfigMap."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": namespace, "labels": {"of": "test"}},
        "data": data,
    }


def test_an_eks_cluster_is_reached_by_its_name_with_a_token() -> None:
    context = Context()
    client = connect({"cluster": "sandbox-blue"}, Aws({}, context), context)
    assert client.list("/api/v1/nodes")
    assert context.actions == ["eks:DescribeCluster", "kubernetes:GET /api/v1/nodes"]


def test_options_of_another_api_beside_a_clusters_name_are_said_not_to_count() -> None:
    context = Context()
    client = connect({"cluster": "sandbox-blue", "host": "https://elsewhere.example"}, Aws({}, context), context)
    assert client.connection.endpoint.startswith("https://127.0.0.1:")
    assert "host (options or K8S_AUTH_ variables) do not count" in context.warnings[0]


def test_an_identity_that_the_cluster_does_not_know_is_named(sandbox: RunningSandbox) -> None:
    keys = sandbox.aws().account("210987654321", user="stranger")
    params = {"access_key": keys["access_key_id"], "secret_key": keys["secret_access_key"], "cluster": "sandbox-blue"}
    context = Context()
    # The stranger's account has no such cluster; its description comes from whoever may read it.
    cluster = describe(Aws({}, context), "sandbox-blue")
    with pytest.raises(KubernetesError, match=r"does not know arn:aws:iam::210987654321:user/stranger.*It needs "):
        connect(params, Aws(params, context), context, cluster).list("/api/v1/nodes")


def test_what_is_applied_is_read_listed_patched_replaced_and_deleted(kubernetes: Kubernetes, namespace: str) -> None:
    made = kubernetes.apply(config_map(namespace, a="1"))
    assert made["metadata"]["managedFields"][0]["manager"] == "ekspress.eks"
    path = kubernetes.paths.object("v1", "ConfigMap", "one", namespace)
    assert kubernetes.get(path)["data"] == {"a": "1"}
    assert kubernetes.patch(path, {"data": {"b": "2"}})["data"] == {"a": "1", "b": "2"}
    stale = {**made, "data": {"c": "3"}}
    with pytest.raises(KubernetesError) as refused:
        kubernetes.replace(path, stale)
    assert refused.value.status == 409
    with pytest.raises(KubernetesError) as other:
        kubernetes.delete(path, uid="another")
    assert other.value.status == 409
    assert kubernetes.delete(path, uid=made["metadata"]["uid"])
    assert not kubernetes.delete(path)
    assert kubernetes.find(path) is None


def test_a_list_is_read_page_by_page(kubernetes: Kubernetes, namespace: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_kubernetes, "PAGE", 2)
    for number in range(5):
        kubernetes.create(config_map(namespace, f"m{number}"))
    found = kubernetes.list(kubernetes.paths.collection("v1", "ConfigMap", namespace), "of=test")
    assert sorted(item["metadata"]["name"] for item in found) == [f"m{number}" for number in range(5)]


def test_a_watch_tells_what_is_there_and_what_changes(kubernetes: Kubernetes, namespace: str) -> None:
    kubernetes.create(config_map(namespace, a="1"))
    seen = []
    path = kubernetes.paths.collection("v1", "ConfigMap", namespace)
    for kind, item in kubernetes.watch(path, 300, "of=test"):
        seen.append((kind, item["data"]["a"]))
        if kind == "ADDED":
            kubernetes.apply(config_map(namespace, a="2"))
        elif kind == "MODIFIED":
            kubernetes.delete(kubernetes.paths.object("v1", "ConfigMap", "one", namespace))
        else:
            break
    assert seen == [("ADDED", "1"), ("MODIFIED", "2"), ("DELETED", "2")]


def test_a_watch_ends_by_itself(kubernetes: Kubernetes, namespace: str) -> None:
    path = kubernetes.paths.collection("v1", "ConfigMap", namespace)
    assert list(kubernetes.watch(path, 1, "of=test")) == []


def test_dry_runs_are_admitted_in_check_mode_and_writes_are_not(sandbox: RunningSandbox, namespace: str) -> None:
    client = connect({"kubeconfig": sandbox.cluster()["kubeconfig"]}, None, Context(check_mode=True))
    path = client.paths.object("v1", "ConfigMap", "one", namespace)
    assert client.create(config_map(namespace), dry_run=True)["metadata"]["name"] == "one"
    assert client.apply(config_map(namespace), dry_run=True)["metadata"]["name"] == "one"
    writes: list[Callable[[], Any]] = [
        lambda: client.create(config_map(namespace)),
        lambda: client.apply(config_map(namespace)),
        lambda: client.patch(path, {}),
        lambda: client.replace(path, config_map(namespace)),
        lambda: client.delete(path),
    ]
    for write in writes:
        with pytest.raises(EksError, match="check mode"):
            write()
    assert client.find(path) is None


def test_a_dry_run_deletes_nothing(kubernetes: Kubernetes, namespace: str) -> None:
    made = kubernetes.create(config_map(namespace))
    path = kubernetes.paths.object("v1", "ConfigMap", "one", namespace)
    assert kubernetes.delete(path, uid=made["metadata"]["uid"], dry_run=True)
    assert kubernetes.find(path) == made
    assert not kubernetes.delete(f"{path}-more", dry_run=True)


def test_a_virtual_object_is_posted_in_check_mode_too(sandbox: RunningSandbox) -> None:
    params = {"kubeconfig": sandbox.cluster()["kubeconfig"], "impersonate_user": "somebody"}
    client = connect(params, None, Context(check_mode=True))
    answer = client.review({"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"})
    assert answer["status"]["userInfo"]["username"] == "somebody"


def test_no_call_after_the_end_of_the_task(sandbox: RunningSandbox) -> None:
    context = Context()
    client = connect({"kubeconfig": sandbox.cluster()["kubeconfig"]}, None, context)
    context.cancelled.set()
    with pytest.raises(CancelledError):
        client.list("/api/v1/nodes")


def test_a_forbidden_call_names_verb_resource_and_user(sandbox: RunningSandbox) -> None:
    params = {"kubeconfig": sandbox.cluster()["kubeconfig"], "impersonate_user": "somebody"}
    with pytest.raises(KubernetesError, match=r'User "somebody" cannot list resource "secrets".*RBAC'):
        connect(params, None, Context()).list("/api/v1/secrets")


def test_an_endpoint_of_another_ca_is_told(sandbox: RunningSandbox) -> None:
    with pytest.raises(KubernetesError, match="not of the CA that is expected"):
        connect({"host": sandbox.cluster()["endpoint"], "api_key": "x"}, None, Context()).list("/api/v1/nodes")


def test_the_certificate_is_not_checked_where_that_is_asked_for(sandbox: RunningSandbox) -> None:
    params = {"host": sandbox.cluster()["endpoint"], "api_key": "wr0ng", "validate_certs": False}
    with (
        pytest.warns(match="Unverified HTTPS"),
        pytest.raises(KubernetesError, match="does not know the credentials") as refused,
    ):
        connect(params, None, Context()).list("/api/v1/nodes")
    assert "wr0ng" not in str(refused.value.__dict__)


def test_client_certificates_by_path(sandbox: RunningSandbox) -> None:
    pki = Path(sandbox.cluster()["ca_file"]).parent
    params = {
        "host": sandbox.cluster()["endpoint"],
        "ca_cert": str(pki / "ca.crt"),
        "client_cert": str(pki / "admin.crt"),
        "client_key": str(pki / "admin.key"),
    }
    assert connect(params, None, Context()).list("/api/v1/nodes")


def test_an_endpoint_where_nothing_listens_is_told_soon() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        host = f"https://127.0.0.1:{free.getsockname()[1]}"
        with pytest.raises(KubernetesError, match=r"gave no answer.*Connection refused.*public access") as refused:
            connect({"host": host}, None, Context()).list("/api/v1/nodes")
    assert refused.value.status == 0


class Misbehaving(http.server.ThreadingHTTPServer):
    """An API that answers as it is told, then well."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers: list[int | str] = []
        self.seen: list[str] = []
        self.headers: list[dict[str, str]] = []


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Misbehaving

    def _answer(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.seen.append(self.command)
        self.server.headers.append({name.lower(): value for name, value in self.headers.items()})
        answer = self.server.answers.pop(0) if self.server.answers else 200
        if answer == "reset":
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        words = "etcdserver: leader changed" if answer == "no leader" else "busy"
        content = json.dumps({"items": [], "metadata": {}, "message": words}).encode()
        answer = 500 if answer == "no leader" else answer
        if answer == "page":
            answer, content = 200, b"<html>Log in</html>"
        self.send_response(int(answer))
        self.send_header("Retry-After", "0")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_CONNECT = do_GET = do_POST = do_PATCH = do_DELETE = do_PUT = _answer

    def log_message(self, *arguments: Any) -> None:
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[Misbehaving]:
    """A server that misbehaves."""
    with Misbehaving() as made:
        thread = threading.Thread(target=made.serve_forever)
        thread.start()
        yield made
        made.shutdown()
        thread.join()


@pytest.fixture
def client(server: Misbehaving) -> Kubernetes:
    """A client of the server that misbehaves."""
    return connect({"host": f"http://127.0.0.1:{server.server_address[1]}"}, None, Context())


@pytest.mark.parametrize("answer", [429, 503, "no leader", "reset"])
def test_what_may_be_repeated_is_repeated(server: Misbehaving, client: Kubernetes, answer: int | str) -> None:
    calls: list[Callable[[], Any]] = [
        lambda: client.list("/api/v1/nodes"),
        lambda: client.apply(config_map("x")),
        lambda: client.create(config_map("x"), dry_run=True),
        lambda: client.delete("/api/v1/nodes/a"),
    ]
    for call in calls:
        server.answers, server.seen[:] = [answer], []
        call()
        assert len(server.seen) == 2


@pytest.mark.parametrize(("answer", "tries"), [(500, 1), (503, 1), ("no leader", 1), ("reset", 1), (429, 2)])
def test_a_creation_is_repeated_only_where_nothing_was_done(
    server: Misbehaving, client: Kubernetes, answer: int | str, tries: int
) -> None:
    server.answers = [answer]
    if tries == 1:
        with pytest.raises(KubernetesError):
            client.create(config_map("x"))
    else:
        client.create(config_map("x"))
    assert server.seen == ["POST"] * tries


def test_patience_ends(server: Misbehaving, client: Kubernetes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_kubernetes, "PATIENCE", 1.0)
    server.answers = [503] * 100
    with pytest.raises(KubernetesError, match=r"overloaded or starting.*503: busy"):
        client.list("/api/v1/nodes")
    assert server.seen


def test_the_end_of_the_task_ends_a_retry(server: Misbehaving) -> None:
    context = Context()
    client = connect({"host": f"http://127.0.0.1:{server.server_address[1]}"}, None, context)
    server.answers = [503] * 1_000_000

    def end() -> None:
        wait_until(lambda: len(server.seen) >= 2, "the first retry")
        context.cancelled.set()

    ending = threading.Thread(target=end)
    ending.start()
    with pytest.raises(CancelledError):
        client.list("/api/v1/nodes")
    ending.join()


def test_a_page_in_the_apis_place_is_told(server: Misbehaving, client: Kubernetes) -> None:
    server.answers = ["page"]
    with pytest.raises(KubernetesError, match=r"is no Kubernetes API: '<html>Log in</html>'.*login page"):
        client.get("/api/v1/nodes/a")


def test_a_watch_from_a_version_that_is_too_old_ends(server: Misbehaving, client: Kubernetes) -> None:
    server.answers = [410]
    assert list(client.watch("/api/v1/nodes", 5, resource_version="1")) == []
    assert server.seen == ["GET"]


def test_a_list_that_expires_between_two_pages_is_begun_again(
    kubernetes: Kubernetes, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in "abc":
        kubernetes.create(config_map(namespace, name))
    monkeypatch.setattr(_kubernetes, "PAGE", 1)
    real, queries = kubernetes.get, []

    def get(path: str, **query: Any) -> dict[str, Any]:
        queries.append(query.get("continue"))
        if len(queries) == 3:
            raise KubernetesError("expired", 410, "Expired", "too old", "GET")
        return real(path, **query)

    monkeypatch.setattr(kubernetes, "get", get)
    path = kubernetes.paths.collection("v1", "ConfigMap", namespace)
    names = [item["metadata"]["name"] for item in kubernetes.list(path)]
    assert [name for name in names if len(name) == 1] == ["a", "b", "c"]
    assert queries.count(None) == 2


def test_a_proxy_is_told_who_we_are(server: Misbehaving) -> None:
    server.answers = [407]
    proxy = f"http://us%40er:pass%3Aword@127.0.0.1:{server.server_address[1]}"
    with pytest.raises(KubernetesError, match=r"Check the proxy") as refused:
        connect({"host": "https://api.example", "proxy": proxy}, None, Context()).get("/version")
    expected = base64.b64encode(b"us@er:pass:word").decode()
    assert [found["proxy-authorization"] for found in server.headers] == [f"Basic {expected}"]
    assert "word" not in refused.value.message.replace("password", "")


@pytest.mark.parametrize("proxy", ["socks5://user:word@127.0.0.1:1", "nonsense", "http://127.0.0.1:99999"])
def test_a_proxy_that_cannot_be_used_is_told_without_its_password(proxy: str) -> None:
    with pytest.raises(EksError, match=r"proxy cannot be used: give http://") as refused:
        connect({"host": "https://api.example", "proxy": proxy}, None, Context())
    assert "user:word" not in refused.value.message
