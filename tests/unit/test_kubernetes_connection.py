# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Which Kubernetes API a module's options mean, and paths of objects."""

from __future__ import annotations

import base64
import sys
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.ekspress.eks.plugins.module_utils._context import Context
from ansible_collections.ekspress.eks.plugins.module_utils._errors import EksError
from ansible_collections.ekspress.eks.plugins.module_utils._kubernetes_connection import resolve
from ansible_collections.ekspress.eks.plugins.module_utils._kubernetes_paths import Paths, UnknownKindError


def config(cluster: dict[str, Any], user: dict[str, Any]) -> dict[str, Any]:
    """A kubeconfig with one context `here`."""
    return {
        "clusters": [{"name": "c", "cluster": {"server": "https://api.example:6443/", **cluster}}],
        "users": [{"name": "u", "user": user}],
        "contexts": [{"name": "here", "context": {"cluster": "c", "user": "u"}}],
        "current-context": "here",
    }


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """No proxy of the caller's environment."""
    for name in (
        "HTTPS_PROXY",
        "https_proxy",
        "HTTP_PROXY",
        "http_proxy",
        "ALL_PROXY",
        "all_proxy",
        "NO_PROXY",
        "no_proxy",
    ):
        monkeypatch.delenv(name, raising=False)


def test_a_kubeconfig_as_a_dictionary() -> None:
    encoded = base64.b64encode(b"PEM").decode()
    source = config(
        {"certificate-authority-data": encoded, "tls-server-name": "other", "proxy-url": "http://p:1"},
        {"token": "t0ken", "as": "someone", "as-groups": ["g"]},
    )
    made = resolve({"kubeconfig": source}, None, Context(), None)
    assert (made.endpoint, made.ca_certificate, made.tls_server_name) == ("https://api.example:6443", "PEM", "other")
    assert made.headers() == [
        ("Authorization", "Bearer t0ken"),
        ("Impersonate-User", "someone"),
        ("Impersonate-Group", "g"),
    ]
    assert made.proxy == "http://p:1"
    assert "t0ken" not in repr(made)


def test_paths_in_a_kubeconfig_file_are_beside_it(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("PEM")
    (tmp_path / "token").write_text("t0ken\n")
    lines = [
        "clusters: [{name: c, cluster: {server: 'https://api.example', certificate-authority: ca.pem}}]",
        "users: [{name: u, user: {tokenFile: token}}]",
        "contexts: [{name: here, context: {cluster: c, user: u}}]",
    ]
    (tmp_path / "config").write_text("\n".join(lines))
    made = resolve({"kubeconfig": str(tmp_path / "config"), "context": "here"}, None, Context(), None)
    assert made.ca_certificate == "PEM"
    assert made.headers() == [("Authorization", "Bearer t0ken")]


def test_a_program_in_a_kubeconfig_gives_the_token(tmp_path: Path) -> None:
    count = tmp_path / "count"
    program = tmp_path / "program"
    program.write_text(
        f"#!{sys.executable}\n"
        "import json, pathlib\n"
        f"count = pathlib.Path({str(count)!r})\n"
        "number = len(count.read_text()) if count.exists() else 0\n"
        "count.write_text('x' * (number + 1))\n"
        "version = 'client.authentication.k8s.io/v1'\n"
        "print(json.dumps({'apiVersion': version, 'kind': 'ExecCredential', 'status': {'token': f'token-{number}'}}))\n"
    )
    program.chmod(0o700)
    settings = {"apiVersion": "client.authentication.k8s.io/v1", "command": str(program)}
    made = resolve({"kubeconfig": config({}, {"exec": settings})}, None, Context(), None)
    assert made.headers() == made.headers() == [("Authorization", "Bearer token-0")]
    assert made.headers(renew=True) == [("Authorization", "Bearer token-1")]


def test_a_program_that_fails_is_named(tmp_path: Path) -> None:
    settings = {"apiVersion": "client.authentication.k8s.io/v1", "command": str(tmp_path / "nothing")}
    with pytest.raises(EksError, match="nothing' gave no credentials"):
        resolve({"kubeconfig": config({}, {"exec": settings})}, None, Context(), None)


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({}, "set cluster to an EKS cluster's name"),
        ({"kubeconfig": "/nowhere/config"}, "cannot be read"),
        ({"kubeconfig": config({}, {}), "context": "there"}, "no context 'there'; it has: here"),
        ({"kubeconfig": config({}, {"auth-provider": {"name": "gcp"}})}, "use exec"),
        ({"host": "api.example"}, "not the URL"),
        ({"host": "https://[::1"}, "not the URL"),
        ({"host": "https://api.example:99999"}, "not the URL"),
        ({"host": "https://api.example", "api_key": "t0k\nen"}, r"api_key is not a bearer token: it holds [^0]*$"),
        ({"kubeconfig": config({}, {"token": "t0k€n"})}, r"kubeconfig's token is not a bearer token: it holds [^0]*$"),
        ({"kubeconfig": {"contexts": "here"}}, "contexts is not a list of entries"),
        ({"kubeconfig": {"contexts": [{"name": "here", "context": "text"}]}}, "contexts is not a list of entries"),
        ({"host": "https://api.example", "ca_cert": "/nowhere/ca"}, "ca_cert: /nowhere/ca cannot be read"),
    ],
)
def test_options_that_do_not_name_an_api_are_refused(params: dict[str, Any], words: str) -> None:
    with pytest.raises(EksError, match=words):
        resolve(params, None, Context(), None)


def test_a_kubeconfig_that_is_not_yaml_is_named_and_not_quoted(tmp_path: Path) -> None:
    path = tmp_path / "config"
    path.write_text("users:\n- user: {token: t0ken\n  x: [\n")
    with pytest.raises(EksError, match=f"{path} is not YAML") as refused:
        resolve({"kubeconfig": str(path)}, None, Context(), None)
    assert "t0ken" not in refused.value.message


def test_options_win_over_the_kubeconfigs_own() -> None:
    params = {"kubeconfig": config({"proxy-url": "http://p:1"}, {}), "proxy": "http://q:2", "validate_certs": False}
    made = resolve({**params, "impersonate_user": "u", "impersonate_groups": ["g", "h"]}, None, Context(), None)
    assert (made.proxy, made.verify, made.impersonate_user, made.impersonate_groups) == (
        "http://q:2",
        False,
        "u",
        ("g", "h"),
    )


def test_the_environments_proxy_counts_but_for_its_exceptions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://p:1")
    monkeypatch.setenv("NO_PROXY", "near.example")
    assert resolve({"host": "https://api.example"}, None, Context(), None).proxy == "http://p:1"
    assert resolve({"host": "https://near.example"}, None, Context(), None).proxy == ""


def test_certificates_that_are_none_are_refused(tmp_path: Path) -> None:
    (tmp_path / "ca").write_text("no certificate")
    made = resolve({"host": "https://api.example", "ca_cert": str(tmp_path / "ca")}, None, Context(), None)
    with pytest.raises(EksError, match="must be PEM"):
        made.tls_context()


def test_paths_of_known_kinds_need_no_call_and_others_are_discovered_once() -> None:
    asked = []

    def read(path: str) -> dict[str, Any] | None:
        asked.append(path)
        if path != "/apis/example.com/v1":
            return None
        return {
            "resources": [
                {"name": "things", "kind": "Thing", "namespaced": True},
                {"name": "things/status", "kind": "Thing", "namespaced": False},
            ]
        }

    paths = Paths(read)
    assert paths.object("v1", "Secret", "a", "b") == "/api/v1/namespaces/b/secrets/a"
    assert paths.collection("apps/v1", "Deployment") == "/apis/apps/v1/deployments"
    assert asked == []
    assert paths.object("example.com/v1", "Thing", "a/b", "c") == "/apis/example.com/v1/namespaces/c/things/a%2Fb"
    assert paths.collection("example.com/v1", "Thing", "c") == "/apis/example.com/v1/namespaces/c/things"
    assert asked == ["/apis/example.com/v1"]
    with pytest.raises(UnknownKindError, match=r"no kind 'Other' in other.com/v1"):
        paths.collection("other.com/v1", "Other")
    with pytest.raises(EksError, match="needs a namespace"):
        paths.object("v1", "Secret", "a")
