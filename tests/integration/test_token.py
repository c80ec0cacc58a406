# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Tokens: what they hold, that they cost no call, and that a cluster accepts them."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from ansible_collections.ekspress.eks.plugins.module_utils._aws import Aws
from ansible_collections.ekspress.eks.plugins.module_utils._context import Context
from ansible_collections.ekspress.eks.plugins.module_utils._errors import EksError
from ansible_collections.ekspress.eks.plugins.module_utils._token import RENEW_SECONDS, EksToken, mint

from sandbox.aws.client import AwsServer
from tests.integration.eks_clusters import counted

ROLE = "arn:aws:iam::123456789012:role/operator"
TRUST = (
    '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole",'
    ' "Principal": {"AWS": "arn:aws:iam::123456789012:root"}}]}'
)


def opened(token: str) -> tuple[str, dict[str, str]]:
    """The address and the parameters of the call that a token is."""
    kind, _, rest = token.partition(".")
    assert kind == "k8s-aws-v1"
    assert "=" not in rest
    parts = urlsplit(base64.urlsafe_b64decode(rest + "=" * (-len(rest) % 4)).decode())
    return f"{parts.scheme}://{parts.netloc}", {key: value for key, [value] in parse_qs(parts.query).items()}


def test_a_token_is_a_signed_call_bound_to_the_cluster_and_costs_no_call(aws: AwsServer) -> None:
    address, query = opened(mint(Aws({}, Context()), "blue"))
    assert address == "https://sts.eu-central-1.amazonaws.com"
    assert query["Action"] == "GetCallerIdentity"
    assert query["X-Amz-Expires"] == "60"
    assert "x-k8s-aws-id" in query["X-Amz-SignedHeaders"].split(";")
    assert counted(aws) == {}


@pytest.mark.parametrize("given", [{}, {"endpoint_url": "https://vpce-1.sts.cn-north-1.vpce.amazonaws.com.cn"}])
def test_it_is_for_the_regions_own_sts_whatever_is_configured(aws: AwsServer, given: dict[str, str]) -> None:
    """EKS accepts no other host."""
    address, query = opened(mint(Aws({"region": "cn-north-1", **given}, Context()), "blue"))
    assert address == "https://sts.cn-north-1.amazonaws.com.cn"
    assert "/cn-north-1/sts/" in query["X-Amz-Credential"]


def test_an_endpoint_of_a_profile_does_not_count_either(
    aws: AwsServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    (tmp_path / "config").write_text("[default]\nendpoint_url = https://127.0.0.1:9\nregion = eu-west-1\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    address, _ = opened(mint(Aws({}, Context()), "blue"))
    assert address == "https://sts.eu-central-1.amazonaws.com"


def test_tokens_of_two_clusters_differ_in_what_is_signed(aws: AwsServer) -> None:
    session = Aws({}, Context())
    signatures = [opened(mint(session, name))[1]["X-Amz-Signature"] for name in ("blue", "green")]
    assert signatures[0] != signatures[1]


def test_an_assumed_role_signs_with_its_own_session(aws: AwsServer) -> None:
    aws.client("iam").create_role(RoleName="operator", AssumeRolePolicyDocument=TRUST)
    aws.clear_calls()
    _, query = opened(mint(Aws({"assume_role_arn": ROLE}, Context()), "blue"))
    assert "X-Amz-Security-Token" in query
    assert counted(aws) == {"sts:AssumeRole": 1}


def test_a_token_is_kept_until_it_may_expire(aws: AwsServer, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [1000.0]
    monkeypatch.setattr("time.monotonic", lambda: clock[0])
    token = EksToken(Aws({}, Context()), "blue")
    first = token()
    clock[0] += RENEW_SECONDS - 1
    assert token._minted == 1000.0
    assert token() == first
    clock[0] += 2
    token()
    assert token._minted == clock[0]


def test_no_credentials_are_told(aws: AwsServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(EksError, match="no usable AWS credentials"):
        mint(Aws({}, Context()), "blue")


LOOKUPS = {
    "two": "lookup('ekspress.eks.token', 'blue', 'green', region='eu-west-1')",
    "profile": "lookup('ekspress.eks.token', 'blue', profile='other')",
    "name": "lookup('ekspress.eks.token', 'not a name!')",
    "arn": "lookup('ekspress.eks.token', 'arn:aws:eks:eu-central-1:123456789012:cluster/blue')",
    "unknown profile": "lookup('ekspress.eks.token', 'blue', profile='nowhere')",
    "half a key": "lookup('ekspress.eks.token', 'blue', access_key='AKIA')",
    "no cluster": "lookup('ekspress.eks.token')",
}


@pytest.fixture
def looked_up(aws: AwsServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, str]:
    """What Ansible makes of templates with the lookup: values, or messages of failures."""
    (tmp_path / "credentials").write_text("[other]\naws_access_key_id = AKIAOTHER\naws_secret_access_key = x\n")
    tasks = [
        {"name": name, "ansible.builtin.debug": {"msg": f"{{{{ {text} }}}}"}, "ignore_errors": True}
        for name, text in LOOKUPS.items()
    ]
    play = [{"hosts": "localhost", "gather_facts": False, "tasks": tasks}]
    (tmp_path / "play.json").write_text(json.dumps(play))
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")},
        "ANSIBLE_STDOUT_CALLBACK": "ansible.posix.json",
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "credentials"),
    }
    program = Path(sys.executable).parent / "ansible-playbook"
    done = subprocess.run(
        [program, "-i", "localhost,", "-c", "local", str(tmp_path / "play.json")],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    shown = json.loads(done.stdout)["plays"][0]["tasks"]
    return {task["task"]["name"]: task["hosts"]["localhost"]["msg"] for task in shown}


def test_the_lookup_in_templates(looked_up: dict[str, str], aws: AwsServer) -> None:
    first, second = looked_up["two"].split(",")
    assert "/eu-west-1/sts/" in opened(first)[1]["X-Amz-Credential"]
    assert first != second
    # A profile that is an option wins over the keys that the controller's environment has.
    assert opened(looked_up["profile"])[1]["X-Amz-Credential"].startswith("AKIAOTHER/")
    assert "not an EKS cluster name" in looked_up["name"]
    assert "Give the name, not the ARN" in looked_up["arn"]
    assert "nowhere" in looked_up["unknown profile"]
    assert "belong together" in looked_up["half a key"]
    assert "name of an EKS cluster" in looked_up["no cluster"]
    assert counted(aws) == {}
