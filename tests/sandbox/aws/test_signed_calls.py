# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Presigned calls of STS are judged by their signature, and the server is a proxy to any host of AWS."""

from __future__ import annotations

import http.client
import json
import re
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import urlsplit

import pytest
from ansible_collections.ekspress.eks.plugins.module_utils._aws import Aws
from ansible_collections.ekspress.eks.plugins.module_utils._context import Context
from ansible_collections.ekspress.eks.plugins.module_utils._token import mint

from sandbox.authority import Authority
from sandbox.aws.client import AwsServer
from sandbox.aws.server import Server, make
from tests.doors import opened
from tests.sandbox.aws.policies import ACCOUNT, trust

HOST = "sts.eu-central-1.amazonaws.com"
NAMED = {"x-k8s-aws-id": "blue", "accept": "application/json"}


def asked(aws: AwsServer, url: str, headers: dict[str, str]) -> tuple[int, str]:
    """Send what a URL is to the server, as the host that the URL names; return status and body."""
    place, target = urlsplit(aws.endpoint), urlsplit(url)
    connection = http.client.HTTPConnection(place.netloc, timeout=60)
    try:
        connection.request("GET", f"{target.path}?{target.query}", headers={"host": target.netloc, **headers})
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


@pytest.fixture
def url(aws: AwsServer) -> str:
    """What a token of the account's first user for the cluster blue is."""
    return opened(mint(Aws({}, Context()), "blue"))


def test_whoever_asks_for_json_gets_it(aws: AwsServer, url: str) -> None:
    status, text = asked(aws, url, NAMED)
    assert status == 200
    identity = aws.client("sts").get_caller_identity()
    assert json.loads(text)["GetCallerIdentityResponse"]["GetCallerIdentityResult"] == {
        key: identity[key] for key in ("Account", "Arn", "UserId")
    }
    status, text = asked(aws, url, {"x-k8s-aws-id": "blue"})
    assert (status, f"<Account>{ACCOUNT}</Account>" in text) == (200, True)


def dated(url: str, moment: datetime) -> str:
    """The same signed at another time, as somebody would have it who does not know the secret."""
    return re.sub(r"X-Amz-Date=\w+", f"X-Amz-Date={moment:%Y%m%dT%H%M%SZ}", url)


def test_what_was_not_signed_so_is_refused(aws: AwsServer, url: str) -> None:
    now = datetime.now(UTC)
    other = url.replace(HOST, "sts.eu-west-1.amazonaws.com")
    for changed, headers in (
        (url, {**NAMED, "x-k8s-aws-id": "green"}),
        (url, {"accept": "application/json"}),
        (other, NAMED),
        (url.replace("X-Amz-Expires=60", "X-Amz-Expires=61"), NAMED),
        (url[:-1] + ("0" if url[-1] != "0" else "1"), NAMED),
        (dated(url, now - timedelta(minutes=16)), NAMED),
        (dated(url, now - timedelta(minutes=1)), NAMED),
        (dated(url, now + timedelta(minutes=6)), NAMED),
    ):
        status, text = asked(aws, changed, headers)
        assert status == 403
        assert "SignatureDoesNotMatch" in text
    status, text = asked(aws, re.sub(r"X-Amz-Date=\w+", "X-Amz-Date=yesterday", url), NAMED)
    assert (status, "IncompleteSignature" in text) == (400, True)


def test_sessions_sign_with_what_they_were_given(aws: AwsServer) -> None:
    role = aws.client("iam").create_role(RoleName="dev", AssumeRolePolicyDocument=trust({"AWS": ACCOUNT}))["Role"]
    keys = aws.client("sts").assume_role(RoleArn=role["Arn"], RoleSessionName="me")["Credentials"]
    given = {"access_key": keys["AccessKeyId"], "session_token": keys["SessionToken"]}

    def of(**more: str) -> tuple[int, str]:
        token = mint(Aws({**given, "secret_key": keys["SecretAccessKey"], **more}, Context()), "blue")
        return asked(aws, opened(token), NAMED)

    status, text = of()
    assert (status, f"arn:aws:sts::{ACCOUNT}:assumed-role/dev/me" in text) == (200, True)
    status, text = of(secret_key="x")
    assert (status, "SignatureDoesNotMatch" in text) == (403, True)
    status, text = of(session_token="x")
    assert (status, "InvalidClientTokenId" in text) == (403, True)


@pytest.fixture
def proxy(tmp_path: Path) -> Iterator[Server]:
    """A server with a certificate authority."""
    server = make("127.0.0.1", 0, Authority(tmp_path))
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def tunnel(server: Any, host: str, authority: Path) -> http.client.HTTPSConnection:
    """A connection over TLS to a host, by the server as the proxy."""
    context = ssl.create_default_context(cafile=authority)
    connection = http.client.HTTPSConnection("127.0.0.1", server.port, timeout=60, context=context)
    connection.set_tunnel(host, 443)
    return connection


def test_a_proxy_is_any_host_with_a_certificate_for_it(proxy: Server, tmp_path: Path) -> None:
    connection = tunnel(proxy, HOST, tmp_path / "ca.crt")
    for _ in range(2):
        connection.request("GET", "/sandbox/health")
        assert json.load(connection.getresponse())["status"] == "ok"
    connection.close()
    again = Authority(tmp_path)
    assert again.certificate_file.read_bytes() == (tmp_path / "ca.crt").read_bytes(), "it outlives the process"


def test_nobody_else_believes_its_certificates(proxy: Server, tmp_path: Path) -> None:
    other = Authority(tmp_path / "other").certificate_file
    with pytest.raises(ssl.SSLCertVerificationError):
        tunnel(proxy, HOST, other).connect()


def test_a_server_without_an_authority_is_no_proxy(aws: AwsServer) -> None:
    connection = http.client.HTTPSConnection(urlsplit(aws.endpoint).netloc, timeout=60)
    connection.set_tunnel(HOST, 443)
    with pytest.raises(OSError, match="501"):
        connection.connect()
