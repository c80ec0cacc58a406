# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The server process and its client."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sandbox.aws.client import ROOT, AwsServer, SandboxError
from sandbox.process import alive, identify
from tests.support import FOR_EVER, PATIENCE, in_hand, wait_until


def test_health_and_identity(aws: AwsServer) -> None:
    health = aws.admin("GET", "health")
    assert health == {"status": "ok", "pid": aws.pid}
    identity = aws.client("sts").get_caller_identity()
    assert (identity["Account"], identity["Arn"]) == ("123456789012", "arn:aws:iam::123456789012:user/moto")
    assert aws.calls()[0]["caller"] == identity["Arn"]


def test_environment_leads_an_sdk_here(aws: AwsServer) -> None:
    code = "import boto3; print(boto3.client('sts').get_caller_identity()['Account'])"
    environment = {"PATH": os.environ["PATH"], **aws.environment}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "123456789012"
    assert [call["operation"] for call in aws.calls()] == ["GetCallerIdentity"]


def test_sigterm_ends_it_cleanly(tmp_path: Path) -> None:
    port_file = tmp_path / "port"
    command = [sys.executable, "-m", "sandbox.aws", "--port-file", str(port_file), "--fixtures"]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        server = AwsServer.waiting_for(port_file, process)
        assert list(server.admin("GET", "fixtures")["clusters"]) == ["sandbox-blue"]
        # A connection that stays open must not hold up the end.
        opened = urllib.request.urlopen(f"{server.endpoint}/sandbox/health")
        process.send_signal(signal.SIGTERM)
        output = process.communicate(timeout=PATIENCE)[0]
        opened.close()
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 0
    assert output == b""
    assert not port_file.exists()


def test_it_ends_with_a_parent_that_is_killed() -> None:
    code = (
        "from sandbox.aws.client import AwsServer\n"
        "server = AwsServer().start()\n"
        "print(server.endpoint, flush=True)\n"
        "input()"
    )
    command = [sys.executable, "-c", code]
    parent = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert parent.stdout is not None
        server = AwsServer.at(parent.stdout.readline().strip())
        identity = identify(server.admin("GET", "health")["pid"])
        assert alive(identity)
    finally:
        parent.kill()
        parent.communicate()
    wait_until(lambda: not alive(identity), "its end")


def test_it_listens_on_loopback_only(aws: AwsServer) -> None:
    port = int(aws.endpoint.rsplit(":", 1)[1])
    listening = []
    for name in ("tcp", "tcp6"):
        for line in Path(f"/proc/{aws.pid}/net/{name}").read_text().splitlines()[1:]:
            local, state = line.split()[1], line.split()[3]
            if state == "0A" and int(local.rsplit(":", 1)[1], 16) == port:
                listening.append(local.rsplit(":", 1)[0])
    assert listening == ["0100007F"]


def test_reset_puts_everything_back(aws: AwsServer) -> None:
    iam = aws.client("iam")
    iam.create_open_id_connect_provider(Url="https://example.com/a", ClientIDList=["sts.amazonaws.com"])
    aws.settings(page_size=1, iam_stale_seconds=3, rules_per_bus=1, queue_name_blocked_seconds=1)
    aws.fault("GetRole", "deny")
    aws.reset()
    assert aws.calls() == []
    assert aws.faults() == []
    assert aws.settings() == {
        "iam_stale_seconds": 0.0,
        "page_size": None,
        "trust_policy_size": 2048,
        "managed_policies_per_role": 10,
        "rules_per_bus": 300,
        "queue_name_blocked_seconds": 60.0,
        "route53_pending_seconds": 0.0,
        "cluster_update_seconds": 0.0,
        "cluster_update_error": None,
        "node_entries_on_mode_change": True,
        "access_entries_per_cluster": 1000,
    }
    assert iam.list_open_id_connect_providers()["OpenIDConnectProviderList"] == []


def test_reset_cuts_a_latency_short(aws: AwsServer) -> None:
    aws.fault("ListRoles", "latency", seconds=FOR_EVER)
    with ThreadPoolExecutor(1) as pool:
        pending = pool.submit(aws.client("iam").list_roles)
        wait_until(lambda: in_hand(aws, "ListRoles"), "the call")
        aws.reset()
        assert pending.result(timeout=PATIENCE)["Roles"] == []


def test_a_rule_that_is_lifted_lets_its_calls_go_on(aws: AwsServer) -> None:
    aws.fault("ListRoles", "latency", seconds=FOR_EVER, times=None)
    with ThreadPoolExecutor(2) as pool:
        pending = [pool.submit(aws.client("iam").list_roles) for _number in range(2)]
        wait_until(lambda: len(in_hand(aws, "ListRoles")) == 2, "both calls")
        aws.clear_faults()
        assert [call.result(timeout=PATIENCE)["Roles"] for call in pending] == [[], []]


@pytest.mark.parametrize(
    ("method", "path", "body", "message"),
    [
        ("PUT", "settings", {"speed": 1}, "unknown settings"),
        ("POST", "faults", {"effect": "explode"}, "unknown effect"),
        ("POST", "faults", {"effect": "error"}, "needs a code"),
        ("POST", "faults", {"effect": "latency"}, "needs seconds"),
        ("POST", "faults", {"effect": "deny", "nth": 0}, "start at 1"),
        ("POST", "faults", {"effect": "deny", "when": 0}, "unknown keys"),
        ("PUT", "clusters/none", {"region": "eu-central-1"}, "create it first"),
        ("PUT", "clusters/none", {}, "region is required"),
        ("POST", "accounts/12", {}, "12 digits"),
        ("GET", "nothing", None, "404"),
    ],
)
def test_admin_api_names_the_mistake(
    aws: AwsServer, method: str, path: str, body: dict[str, Any] | None, message: str
) -> None:
    with pytest.raises(SandboxError, match=message):
        aws.admin(method, path, body)


def test_operation_that_moto_lacks_says_so(aws: AwsServer) -> None:
    with pytest.raises(ClientError, match="extend sandbox/aws") as caught:
        aws.client("eks").list_insights(clusterName="none")
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 501


def test_answers_are_json_serializable(aws: AwsServer) -> None:
    fixtures = aws.fixtures()
    assert aws.admin("GET", "fixtures") == fixtures
    assert json.loads(json.dumps(fixtures)) == fixtures
