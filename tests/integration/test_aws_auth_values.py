# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Values as a play has them, templated, vaulted, dated and unsafe, end as plain text in kube-system/aws-auth."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.contract_suite.runs import WAYS, Playground, Run
from tests.contract_suite.vault import PASSWORD, vaulted
from tests.integration.aws_auth_support import arn
from tests.sandbox_fixtures import RunningSandbox

PATH = "/api/v1/namespaces/kube-system/configmaps/aws-auth"
NUMBER = 999988887777
GROUPS = [
    "{{ 'team-' ~ 1 }}",
    "{{ day }}",
    "{{ moment }}",
    "{{ vaulted }}",
    "{{ raw }}",
    "{{ hostvars[inventory_hostname]['nested']['group'] }}",
    7,
    "no",
    "0x1F",
    "1e3",
    "~",
    "2026-01-02",
    "12:30:45",
    "a: b # c",
    "é",
]
MEANT = [
    "team-1",
    "2026-01-02",
    "2026-01-02T03:04:05",
    "from the vault",
    "{{AccountID}}",
    "nested-1",
    "7",
    "no",
    "0x1F",
    "1e3",
    "~",
    "2026-01-02",
    "12:30:45",
    "a: b # c",
    "é",
]


@pytest.fixture
def name() -> str:
    """A name that no other test uses."""
    return f"values-{uuid.uuid4().hex[:8]}"


@pytest.fixture
def left_as_it_was(sandbox: RunningSandbox) -> Iterator[None]:
    """No list of accounts is left where there was none; the entries are removed by the play."""
    yield
    kube = sandbox.kube()
    change = [
        {"op": "test", "path": "/data/mapAccounts", "value": "[]\n"},
        {"op": "remove", "path": "/data/mapAccounts"},
    ]
    kube.request("PATCH", PATH, change, "application/json-patch+json")
    kube.close()


def play(directory: Path, tasks: list[dict[str, Any]]) -> Run:
    """Run tasks in process, with values of every kind."""
    ground = Playground(directory / "ground", {})
    password, variables = directory / "password", directory / "variables.yml"
    password.write_text(PASSWORD)
    variables.write_text(f"day: 2026-01-02\nraw: !unsafe '{{{{AccountID}}}}'\nvaulted: {vaulted('from the vault')}")
    known = {"moment": "{{ '2026-01-02 03:04:05' | to_datetime }}"}
    plays = [{"hosts": "all", "gather_facts": False, "vars": known, "vars_files": [str(variables)], "tasks": tasks}]
    host = {
        "one": {"ansible_python_interpreter": ground.interpreter(WAYS[0]), "nested": {"group": "{{ 'nested-' ~ 1 }}"}}
    }
    run = ground.run(plays, host, ("-vvv", "--vault-password-file", str(password)))
    assert run.code == 0, run.output
    assert run.modules() == {}, "it ran in process"
    return run


def test_values_of_every_kind_are_plain_text_in_the_config_map(
    sandbox: RunningSandbox, tmp_path: Path, name: str, left_as_it_was: None
) -> None:
    wanted = {
        "kubeconfig": sandbox.cluster()["kubeconfig"],
        "roles": [{"arn": arn(name), "username": "{{ vaulted }}", "groups": GROUPS}],
        "users": [{"arn": arn(name, "user"), "username": "{{ day }}", "groups": ["{{ raw }}"]}],
        "accounts": [NUMBER],
    }
    absent = {**wanted, "state": "absent"}
    tasks: list[dict[str, Any]] = [
        {"name": "check", "ekspress.eks.aws_auth": wanted, "check_mode": True, "diff": True},
        {"name": "change", "ekspress.eks.aws_auth": wanted, "diff": True},
        {"name": "again", "ekspress.eks.aws_auth": wanted},
        {"name": "remove", "ekspress.eks.aws_auth": absent, "diff": True},
    ]
    run = play(tmp_path, tasks)
    results = {task["name"]: run.result(str(task["name"])) for task in tasks}
    changes = [f"roles: add {arn(name)}", f"users: add {arn(name, 'user')}", f"accounts: add {NUMBER}"]
    assert results["check"]["changes"] == results["change"]["changes"] == changes
    assert not results["again"]["changed"]
    texts = {diff["after_header"].rpartition(" ")[2]: diff["after"] for diff in results["change"]["diff"]}
    for diff in results["change"]["diff"]:
        for line in set(diff["after"].splitlines()) - set(diff["before"].splitlines()):
            assert "!" not in line, "no tag"
            assert "python" not in line.lower()
    (role,) = [item for item in yaml.safe_load(texts["mapRoles"]) if item["rolearn"] == arn(name)]
    (user,) = [item for item in yaml.safe_load(texts["mapUsers"]) if item["userarn"] == arn(name, "user")]
    assert (role["username"], user["username"]) == ("from the vault", "2026-01-02")
    assert set(role["groups"]) == set(MEANT)
    assert user["groups"] == ["{{AccountID}}"]
    assert yaml.safe_load(texts["mapAccounts"])[-1] == str(NUMBER)
    kube = sandbox.kube()
    live, backup = kube.get(PATH), kube.get(f"{PATH}-backup-{results['remove']['backup'].rpartition('-')[2]}")
    kube.close()
    assert name not in json.dumps(live["data"])
    # What the removal replaced is what the cluster held after the change.
    assert arn(name) in backup["data"]["mapRoles"]
    assert set(MEANT) <= {group for item in yaml.safe_load(backup["data"]["mapRoles"]) for group in item["groups"]}
