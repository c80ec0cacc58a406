# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What the role access says where its variables are wrong, before it asks any cluster."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.contract_suite.runs import WAYS, Playground

ROLE = Path(__file__).parents[2] / "roles/access"
CLUSTER = {
    "account": "123456789012",
    "partition": "aws",
    "authentication_mode": "API_AND_CONFIG_MAP",
    "node_groups": [],
    "fargate_profiles": [],
}


PERSON = {"role": "x", "groups": ["readonly"]}


@pytest.mark.parametrize(
    ("mode", "variables", "message"),
    [
        (
            "API_AND_CONFIG_MAP",
            {"access_people": [{"role": "x", "user": "y", "groups": []}]},
            "access_people: entry 1 must have a role or a user, and not both",
        ),
        ("API_AND_CONFIG_MAP", {"access_people": [{"role": "x"}]}, "has neither groups nor policies"),
        (
            "CONFIG_MAP",
            {"access_people": [{"role": "x", "policies": [{"policy": "AmazonEKSViewPolicy"}]}]},
            "has policies, which only access entries have",
        ),
        ("CONFIG_MAP", {"access_through": "both"}, "CONFIG_MAP, which has no access entries"),
        ("API", {"access_through": "aws_auth", "access_purge": True}, "API, which does not read aws-auth"),
        ("API", {"access_through": "both", "access_people": [PERSON]}, "API, which does not read aws-auth"),
        ("API", {"access_accounts": ["111122223333"]}, "has the authentication mode API: it does not read aws-auth"),
        ("API", {"access_managed_nodes": "always"}, "has the authentication mode API: it does not read aws-auth"),
    ],
    ids=str,
)
def test_what_is_wrong_is_said_before_anything_is_done(
    tmp_path: Path, mode: str, variables: dict[str, Any], message: str
) -> None:
    ground = Playground(tmp_path / "ground", {})
    facts = {**CLUSTER, "authentication_mode": mode}
    known = {"cluster_facts": facts, "cluster_name": "none", "cluster_connection": {}, **variables}
    play = {
        "hosts": "all",
        "gather_facts": False,
        "vars_files": [str(ROLE / part / "main.yml") for part in ("defaults", "vars")],
        "tasks": [{"ansible.builtin.set_fact": known}, {"ansible.builtin.include_tasks": str(ROLE / "tasks/main.yml")}],
    }
    run = ground.run([play], {"one": {"ansible_python_interpreter": ground.interpreter(WAYS[0])}})
    assert message in run.result("Check what people get in by")["msg"]
