# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What the roles of the nodes' add-ons refuse before anything is done, and that they never refuse a removal."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sandbox.process import ROOT
from tests.e2e.playbook import Run, run

REFUSE = "Refuse what cannot work"
AUTOSCALER, HANDLER = "cluster_autoscaler", "node_termination_handler"
SPOT = {"name": "blue-spot", "node_group": "", "tags": {}}
MANAGED = {"name": "general", "status": "ACTIVE", "auto_scaling_group_names": ["eks-1"], "labels": {}, "taints": []}
FACTS: dict[str, Any] = {
    "name": "blue",
    "account": "123456789012",
    "partition": "aws",
    "region": "eu-central-1",
    "dns_suffix": "amazonaws.com",
    "version": "1.34",
    "auto_mode": False,
    "node_groups": [MANAGED],
    "auto_scaling_groups": [SPOT],
}
CASES: dict[str, tuple[str, dict[str, Any], dict[str, Any], str]] = {
    "ca-auto-mode": (AUTOSCALER, {"auto_mode": True}, {}, "runs in EKS Auto Mode: AWS scales its nodes there"),
    "ca-minor": (
        AUTOSCALER,
        {"version": "1.99"},
        {},
        "runs Kubernetes 1.99, and Cluster Autoscaler must be of the same",
    ),
    "ca-values": (AUTOSCALER, {}, {"cluster_autoscaler_values": {"autoDiscovery": {}}}, "sets autoDiscovery"),
    "nth-auto-mode": (HANDLER, {"auto_mode": True}, {}, "runs in EKS Auto Mode: AWS drains its nodes there"),
    "nth-managed": (HANDLER, {"auto_scaling_groups": []}, {}, "managed node groups (general), which EKS drains itself"),
    "nth-fargate": (
        HANDLER,
        {"auto_scaling_groups": [], "node_groups": []},
        {},
        "does not need AWS Node Termination Handler: it has Fargate or no nodes",
    ),
    "nth-ignored": (
        HANDLER,
        {},
        {"node_termination_handler_ignored_groups": ["blue-spot"]},
        "but those of node_termination_handler_ignored_groups (blue-spot)",
    ),
    "nth-heartbeat": (
        HANDLER,
        {},
        {"node_termination_handler_heartbeat_timeout": 120},
        "node_termination_handler_heartbeat_timeout (120 s) must be longer than",
    ),
    "nth-values": (
        HANDLER,
        {},
        {"node_termination_handler_values": {"managedTag": "x"}},
        "sets managedTag, which the role",
    ),
}
ALLOWED: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "ca-other-version": (AUTOSCALER, {"version": "1.99"}, {"cluster_autoscaler_image_tag": "v1.99.0"}),
    "nth-to-come": (HANDLER, {"auto_scaling_groups": []}, {"node_termination_handler_allow_unneeded": True}),
}


@pytest.fixture(scope="module")
def specified(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run of the specification's checks for every case, once as it is and once to be removed."""
    directory = tmp_path_factory.mktemp("roles")
    hosts = {}
    given = {case: wanted[:3] for case, wanted in CASES.items()} | ALLOWED
    for case, (role, facts, variables) in given.items():
        known = {"role": role, "cluster_facts": FACTS | facts, "cluster_name": "blue", "cluster_connection": {}}
        hosts[case] = {**known, **variables}
        hosts[f"{case}-absent"] = {**known, **variables, f"{role}_state": "absent"}
    common = {"ansible_connection": "local", "ansible_python_interpreter": "{{ ansible_playbook_python }}"}
    (directory / "hosts.json").write_text(json.dumps({"all": {"hosts": hosts, "vars": common}}))
    # Of lower precedence than the hosts' variables, as a role's defaults are.
    groups = directory / "group_vars"
    groups.mkdir()
    defaults = [(ROOT / "roles" / role / "defaults/main.yml").read_text() for role in (AUTOSCALER, HANDLER)]
    (groups / "all.yml").write_text("".join(text.replace("---\n", "") for text in defaults))
    known_as = "{{ lookup('ansible.builtin.vars', '__' ~ role ~ '_spec') }}"
    tasks = [
        {
            "name": "Know the role's variables",
            "ansible.builtin.include_vars": f"{ROOT}/roles/{{{{ role }}}}/vars/main.yml",
        },
        {
            "name": "Look",
            "ansible.builtin.include_tasks": f"{ROOT}/roles/addon/tasks/preflight.yml",
            "vars": {"addon_specs": [known_as], "role_path": f"{ROOT}/roles/addon"},
        },
    ]
    play = [{"name": "Roles", "hosts": "all", "gather_facts": False, "tasks": tasks}]
    (directory / "play.yml").write_text(json.dumps(play))
    return run({}, directory / "hosts.json", playbook=str(directory / "play.yml"))


@pytest.mark.parametrize("case", CASES)
def test_what_is_wrong_is_said_before_anything_is_done(specified: Run, case: str) -> None:
    assert CASES[case][3] in specified.failure(case)
    assert [task.name for task in specified.tasks if task.host == case][-1] == REFUSE


@pytest.mark.parametrize("case", [*ALLOWED, *(f"{name}-absent" for name in {**CASES, **ALLOWED})])
def test_what_is_asked_for_in_spite_of_it_and_every_removal_is_allowed(specified: Run, case: str) -> None:
    results = {task.name: task.result for task in specified.tasks if task.host == case}
    assert not any(result.get("failed") for result in results.values())
    assert REFUSE in results
