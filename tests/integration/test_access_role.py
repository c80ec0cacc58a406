# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What the role access says where its variables are wrong, before it asks any cluster."""

from __future__ import annotations

from pathlib import Path

from tests.contract_suite.runs import WAYS, Playground

ROLE = Path(__file__).parents[2] / "roles/access"
CLUSTER = {
    "account": "123456789012",
    "partition": "aws",
    "authentication_mode": "API_AND_CONFIG_MAP",
    "node_groups": [],
    "fargate_profiles": [],
}


def test_what_the_filter_finds_wrong_is_what_the_role_says(tmp_path: Path) -> None:
    ground = Playground(tmp_path / "ground", {})
    people = [{"role": "x", "user": "y", "groups": []}]
    known = {"cluster_facts": CLUSTER, "cluster_name": "none", "cluster_connection": {}, "access_people": people}
    play = {
        "hosts": "all",
        "gather_facts": False,
        "vars_files": [str(ROLE / part / "main.yml") for part in ("defaults", "vars")],
        "tasks": [{"ansible.builtin.set_fact": known}, {"ansible.builtin.include_tasks": str(ROLE / "tasks/main.yml")}],
    }
    run = ground.run([play], {"one": {"ansible_python_interpreter": ground.interpreter(WAYS[0])}})
    message = run.result("Converge aws-auth")["msg"]
    assert "access_people: entry 1 must have a role or a user, and not both" in message
