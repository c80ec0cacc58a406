# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The exec credential program as clients start it: tokens, who signed them, what is kept, what is said."""

from __future__ import annotations

import base64
import json
import time
from calendar import timegm
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from ansible_collections.ekspress.eks.plugins.module_utils._aws import Aws
from ansible_collections.ekspress.eks.plugins.module_utils._context import Context
from ansible_collections.ekspress.eks.plugins.module_utils._token import mint

from sandbox.aws.client import SECRET_KEY, AwsServer
from tests.credential_program import Ended, imported, run
from tests.dns_server import DnsServer, Record
from tests.integration.eks_clusters import counted

ROLE = "arn:aws:iam::123456789012:role/operator"
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Action": "sts:AssumeRole",
            "Principal": {"AWS": "arn:aws:iam::123456789012:root"},
            "Condition": {"StringEquals": {"sts:ExternalId": "x-1"}},
        }
    ],
}
BLUE = ("--cluster", "blue", "--region", "eu-central-1")
TEXT = '"v=eks1 cluster=blue region=eu-central-1"'
STABLE = "api.example.com"


def opened(token: str) -> tuple[str, dict[str, str]]:
    """The host and the parameters of the call that a token is."""
    kind, _, rest = token.partition(".")
    assert kind == "k8s-aws-v1"
    assert "=" not in rest
    parts = urlsplit(base64.urlsafe_b64decode(rest + "=" * (-len(rest) % 4)).decode())
    return f"{parts.scheme}://{parts.netloc}{parts.path}", {
        key: value[0] for key, value in parse_qs(parts.query).items()
    }


def signed_by(ended: Ended) -> str:
    """The access key of whoever signed a token."""
    return opened(ended.token)[1]["X-Amz-Credential"].split("/")[0]


def test_a_token_costs_no_call_and_is_made_for_its_cluster(aws: AwsServer, tmp_path: Path) -> None:
    ended = run(tmp_path, *BLUE)
    assert ended.errors == ""
    assert (ended.credential["apiVersion"], ended.credential["kind"]) == (
        "client.authentication.k8s.io/v1",
        "ExecCredential",
    )
    address, query = opened(ended.token)
    assert address == "https://sts.eu-central-1.amazonaws.com/"
    assert (query["Action"], query["X-Amz-Expires"]) == ("GetCallerIdentity", "60")
    assert query["X-Amz-SignedHeaders"] == "host;x-k8s-aws-id"
    lasts = timegm(time.strptime(ended.credential["status"]["expirationTimestamp"], "%Y-%m-%dT%H:%M:%SZ"))
    signed = timegm(time.strptime(query["X-Amz-Date"], "%Y%m%dT%H%M%SZ"))
    assert 0 <= lasts - signed - 14 * 60 <= 1
    assert counted(aws) == {}


def test_it_signs_as_the_modules_do(aws: AwsServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same time, keys and cluster give the same token, but for the order in its URL."""
    program = imported()
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    for region in ("eu-central-1", "cn-north-1", "us-gov-west-1"):
        options = program._options(["--cluster", "blue", "--region", region])
        for _try in range(5):
            theirs = opened(mint(Aws({"region": region}, Context()), "blue"))
            ours = opened(program._mint(options, "blue", region)[0])
            if theirs[1]["X-Amz-Date"] == ours[1]["X-Amz-Date"]:
                break
        assert ours[0].rstrip("/") == theirs[0].rstrip("/")
        assert ours[1].keys() == theirs[1].keys()
        assert {**ours[1], "X-Amz-Signature": ""} == {**theirs[1], "X-Amz-Signature": ""}


def test_the_second_time_it_is_kept_and_botocore_is_not_loaded(aws: AwsServer, tmp_path: Path) -> None:
    first, second = (run(tmp_path, *BLUE, python=("-X", "importtime")) for _time in range(2))
    assert "botocore" in first.errors
    assert second.token == first.token
    assert second.credential == first.credential
    for module in ("botocore", "socket", "urllib", "subprocess", "ssl"):
        assert module not in second.errors


@pytest.mark.parametrize(
    ("arguments", "environment"),
    [
        (("--cluster", "green", "--region", "eu-central-1"), {}),
        (("--cluster", "blue", "--region", "eu-west-1"), {}),
        (BLUE, {"AWS_ACCESS_KEY_ID": "AKIAOTHER"}),
        (BLUE, {"AWS_SECRET_ACCESS_KEY": "other"}),
        (BLUE, {"AWS_SESSION_TOKEN": "other"}),
        ((*BLUE, "--profile", "default"), {}),
        (BLUE, {"AWS_PROFILE": "default", "AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}),
    ],
)
def test_a_token_is_kept_for_what_it_was_asked_for_alone(
    aws: AwsServer, tmp_path: Path, arguments: tuple[str, ...], environment: dict[str, str]
) -> None:
    profiles = tmp_path / "profiles"
    profiles.write_text("[default]\naws_access_key_id=AKIAFILE\naws_secret_access_key=x\n")
    known = {"AWS_SHARED_CREDENTIALS_FILE": str(profiles)}
    first = run(tmp_path, *BLUE, environment=known)
    assert run(tmp_path, *arguments, environment={**known, **environment}).token != first.token
    assert run(tmp_path, *BLUE, environment=known).token == first.token


def test_a_login_as_somebody_else_counts_at_once(
    aws: AwsServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    profiles = tmp_path / "profiles"
    for name in ("AKIAFIRST", "AKIASECONDONE"):
        profiles.write_text(f"[default]\naws_access_key_id={name}\naws_secret_access_key=x\n")
        assert signed_by(run(tmp_path, *BLUE, environment={"AWS_SHARED_CREDENTIALS_FILE": str(profiles)})) == name


def test_a_token_that_is_about_to_end_is_replaced(aws: AwsServer, tmp_path: Path) -> None:
    first = run(tmp_path, *BLUE)
    (file,) = (tmp_path / ".cache" / "ekspress.eks" / "credentials").iterdir()
    kept = json.loads(file.read_text())
    assert kept["value"]["token"] == first.token
    for left, again in ((120, False), (30, True)):
        token = f"k8s-aws-v1.{left}"
        file.write_text(json.dumps({**kept, "until": time.time() + left, "value": {**kept["value"], "token": token}}))
        assert (run(tmp_path, *BLUE).token != token) is again


@pytest.fixture
def role(aws: AwsServer) -> str:
    aws.client("iam").create_role(RoleName="operator", AssumeRolePolicyDocument=json.dumps(TRUST))
    aws.clear_calls()
    return ROLE


def test_a_role_is_assumed_once_and_named_after_the_person(aws: AwsServer, role: str, tmp_path: Path) -> None:
    arguments = (*BLUE, "--role-arn", role, "--external-id", "x-1")
    first = run(tmp_path, *arguments, environment={"LOGNAME": "alice"})
    assert signed_by(first).startswith("ASIA")
    assert run(tmp_path, *arguments, environment={"LOGNAME": "alice"}).token == first.token
    named = run(tmp_path, *arguments, "--session-name", "bob")
    assert named.token != first.token
    calls = [call["parameters"] for call in aws.calls()]
    assert [call["RoleSessionName"] for call in calls] == ["alice", "bob"]
    assert counted(aws) == {"sts:AssumeRole": 2}


def test_a_role_that_may_not_be_assumed_is_told(aws: AwsServer, role: str, tmp_path: Path) -> None:
    ended = run(tmp_path, *BLUE, "--role-arn", role)
    assert (ended.code, ended.output) == (1, "")
    assert f"assuming {role} failed for the cluster blue" in ended.errors
    assert "Ask for the right to assume the role" in ended.errors
    assert len(ended.errors.splitlines()) == 1


def test_a_wrong_signature_does_not_show_the_request(aws: AwsServer, role: str, tmp_path: Path) -> None:
    text = (
        "The request signature we calculated does not match.\n\nThe Canonical String was\nx-amz-security-token:SECRET"
    )
    aws.fault("AssumeRole", "error", code="SignatureDoesNotMatch", message=text, status=403, times=None)
    ended = run(tmp_path, *BLUE, "--role-arn", role)
    assert ended.code == 1
    assert "SignatureDoesNotMatch" in ended.errors
    assert "SECRET" not in ended.errors


def test_the_stable_name_leads_to_the_active_cluster(aws: AwsServer, tmp_path: Path) -> None:
    with DnsServer(lambda name: [Record("TXT", TEXT)] if name == f"_eks.{STABLE}" else []) as dns:
        environment = {"EKSPRESS_RESOLVER": dns.address}
        direct = run(tmp_path, *BLUE, environment=environment)
        for _time in range(2):
            ended = run(tmp_path, "--name", STABLE, "--among", "eu-central-1/blue", environment=environment)
            # The same cluster by its other name: no new token.
            assert ended.token == direct.token
        assert dns.asked == [("udp", f"_eks.{STABLE}")] * 2
        refused = run(tmp_path, "--name", STABLE, "--among", "eu-central-1/green", environment=environment)
        assert refused.code == 1
        assert "which is none of eu-central-1/green" in refused.errors
        unknown = run(tmp_path, "--name", "api.example.org", environment=environment)
        assert "DNS has no TXT record _eks.api.example.org" in unknown.errors


@pytest.mark.parametrize(
    ("arguments", "environment", "message"),
    [
        (BLUE, {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}, "no AWS credentials. Log in"),
        ((*BLUE, "--profile", "nobody"), {}, "The config profile (nobody) could not be found"),
        (("--cluster", "blue", "--region", "zz-nowhere-1"), {}, "opening an AWS session failed"),
        (("--cluster", "blue"), {"AWS_DEFAULT_REGION": ""}, "Give --region, or set AWS_REGION"),
        (BLUE, {"KUBERNETES_EXEC_INFO": "{}"}, "KUBERNETES_EXEC_INFO is no ExecCredential"),
    ],
)
def test_failures_name_cause_and_next_step(
    aws: AwsServer, tmp_path: Path, arguments: tuple[str, ...], environment: dict[str, str], message: str
) -> None:
    ended = run(tmp_path, *arguments, environment=environment)
    assert (ended.code, ended.output) == (1, "")
    assert message in ended.errors
    assert ended.errors.startswith("ekspress_credential: ")
    assert SECRET_KEY not in ended.errors


def test_without_boto3_it_says_how_to_install_it(aws: AwsServer, tmp_path: Path) -> None:
    ended = run(tmp_path, *BLUE, python=("-S",))
    assert ended.code == 1
    assert "-m pip install boto3" in ended.errors


def test_a_client_that_speaks_v1beta1_is_answered_so(aws: AwsServer, tmp_path: Path) -> None:
    version = "client.authentication.k8s.io/v1beta1"
    info: dict[str, Any] = {"apiVersion": version, "kind": "ExecCredential", "spec": {"interactive": True}}
    assert (
        run(tmp_path, *BLUE, environment={"KUBERNETES_EXEC_INFO": json.dumps(info)}).credential["apiVersion"] == version
    )
