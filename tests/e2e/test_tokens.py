# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Plays that last longer than a token, and plays whose hosts are clusters with roles of their own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.ekspress.eks.plugins.module_utils._aws import Aws
from ansible_collections.ekspress.eks.plugins.module_utils._context import Context
from ansible_collections.ekspress.eks.plugins.module_utils._kubernetes import Kubernetes
from ansible_collections.ekspress.eks.plugins.module_utils._kubernetes_connection import Connection
from ansible_collections.ekspress.eks.plugins.module_utils._token import EksToken

from tests.contract_suite.runs import Playground, Run
from tests.sandbox_fixtures import RunningSandbox
from tests.token_gate import TokenGate

BLUE, GREEN = "sandbox-blue", "kubeconfig-green"
READ = {"name": "Read a namespace", "kubernetes.core.k8s_info": {"kind": "Namespace", "name": "default"}}
PATH = "/api/v1/namespaces/default"
LOOKUP = "{{ lookup('ekspress.eks.token', inventory_hostname, region='eu-central-1') }}"
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": "arn:aws:iam::123456789012:root"}}
    ],
}


@pytest.fixture
def gates(sandbox: RunningSandbox) -> Iterator[dict[str, TokenGate]]:
    """A way to each of two clusters on which a token lasts no longer than a task."""
    sandbox.up(GREEN)
    with ExitStack() as stack:
        yield {
            name: stack.enter_context(TokenGate(name, sandbox.cluster(name), PATH, sandbox.aws().endpoint))
            for name in (BLUE, GREEN)
        }


def play(sandbox: RunningSandbox, directory: Path, gates: dict[str, TokenGate], plays: list[dict[str, Any]]) -> Run:
    ground = Playground(directory / "ground", sandbox.environment)
    hosts = {
        name: {"ansible_python_interpreter": "{{ ansible_playbook_python }}", "gate": gate.url}
        for name, gate in gates.items()
    }
    return ground.run([{"hosts": "all", "gather_facts": False, **item} for item in plays], hosts)


def test_a_play_may_last_longer_than_a_token(
    sandbox: RunningSandbox, gates: dict[str, TokenGate], tmp_path: Path
) -> None:
    defaults = {"group/kubernetes.core.k8s": {"host": "{{ gate }}", "api_key": LOOKUP}}
    run = play(sandbox, tmp_path, gates, [{"module_defaults": defaults, "tasks": [READ] * 3}])
    assert run.code == 0, run.output
    for gate in gates.values():
        assert gate.refused == 0
        assert len(set(gate.tokens)) == 3


def test_a_token_that_is_kept_as_a_fact_ends(
    sandbox: RunningSandbox, gates: dict[str, TokenGate], tmp_path: Path
) -> None:
    """Else the test above would prove nothing."""
    kept = {"name": "Keep a token", "ansible.builtin.set_fact": {"kept": LOOKUP}, "no_log": True}
    defaults = {"group/kubernetes.core.k8s": {"host": "{{ gate }}", "api_key": "{{ kept }}"}}
    run = play(sandbox, tmp_path, gates, [{"module_defaults": defaults, "tasks": [kept, READ, READ]}])
    assert run.code != 0
    assert "Unauthorized" in run.output
    assert all(gate.refused for gate in gates.values())


def test_a_module_that_works_longer_than_a_token_gets_another_one(
    sandbox: RunningSandbox, gates: dict[str, TokenGate]
) -> None:
    """The API's word counts, whatever a token's age: the client asks once more with a new one."""
    keys = {name: sandbox.environment[f"AWS_{name.upper()}"] for name in ("access_key_id", "secret_access_key")}
    aws = Aws(
        {
            "region": "eu-central-1",
            "access_key": keys["access_key_id"],
            "secret_key": keys["secret_access_key"],
            "endpoint_url": sandbox.aws().endpoint,
        },
        Context(),
    )
    gate = gates[BLUE]
    connection = Connection(endpoint=gate.url, subject="the cluster", token=EksToken(aws, BLUE))
    client = Kubernetes(connection, Context())
    for _time in range(3):
        assert client.get(PATH)["metadata"]["name"] == "default"
    assert gate.refused == 2
    assert len(set(gate.tokens)) == 3


def test_each_cluster_is_reached_by_its_own_role(
    sandbox: RunningSandbox, gates: dict[str, TokenGate], tmp_path: Path
) -> None:
    """As docs/kubeconfig.md has it: the connection that the role cluster knows is that of the lookup too."""
    iam = sandbox.aws().client("iam")
    roles = {}
    for name in gates:
        made = iam.create_role(RoleName=f"token-test-{name}", AssumeRolePolicyDocument=json.dumps(TRUST))
        roles[name] = made["Role"]["Arn"]
    token = "{{ lookup('ekspress.eks.token', cluster_name, **cluster_connection) }}"
    tasks = [
        {
            "name": "Work on a cluster",
            "module_defaults": {"group/kubernetes.core.k8s": {"host": "{{ gate }}", "api_key": token}},
            "block": [READ, READ],
        }
    ]
    variables = {
        "cluster_region": "eu-central-1",
        "cluster_assume_role_arn": f"{{{{ {json.dumps(roles)}[inventory_hostname] }}}}",
    }
    run = play(
        sandbox, tmp_path, gates, [{"vars": variables, "roles": [{"role": "ekspress.eks.cluster"}], "tasks": tasks}]
    )
    try:
        assert run.code == 0, run.output
        for name, gate in gates.items():
            expected = f"arn:aws:sts::123456789012:assumed-role/token-test-{name}/ekspress.eks"
            assert gate.callers() == {expected}
            assert len(set(gate.tokens)) == 2
    finally:
        for name in gates:
            iam.delete_role(RoleName=f"token-test-{name}")
