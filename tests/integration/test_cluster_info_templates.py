# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A template that somebody wrote into an AWS tag is text in Ansible, whatever a playbook does with the fact."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.ekspress.eks.tests.integration.eks_clusters import make_cluster

from sandbox.aws.client import AwsServer
from tests.contract_suite.runs import WAYS, Playground

FACT = "info.cluster.tags.trap"


def uses(out: Path) -> list[dict[str, Any]]:
    """Tasks that use the fact in each place where Ansible renders something; those that may fail are ignored."""
    return [
        {"name": "read", "ekspress.eks.cluster_info": {"cluster": "blue"}, "register": "info"},
        {"name": "message", "ansible.builtin.debug": {"msg": f"tag: {{{{ {FACT} }}}}"}},
        {"name": "variable", "ansible.builtin.debug": {"var": FACT}},
        {"name": "all", "ansible.builtin.debug": {"var": "info"}},
        {"name": "fact", "ansible.builtin.set_fact": {"copied": f"{{{{ {FACT} }}}}", "cacheable": True}},
        {"name": "fact again", "ansible.builtin.debug": {"msg": "{{ copied }} and {{ hostvars.cluster.copied }}"}},
        {
            "name": "task variable",
            "vars": {"inner": f"{{{{ {FACT} }}}}"},
            "ansible.builtin.debug": {"msg": "{{ inner }}"},
        },
        {"name": "equal", "ansible.builtin.debug": {"msg": "equal"}, "when": f"{FACT} == 'x'"},
        {"name": "condition", "ansible.builtin.debug": {"msg": "met"}, "when": FACT, "ignore_errors": True},
        {
            "name": "bare condition",
            "ansible.builtin.debug": {"msg": "met"},
            "when": "info.cluster.tags.bare",
            "ignore_errors": True,
        },
        {"name": "loop", "ansible.builtin.debug": {"msg": "{{ item }}"}, "loop": "{{ info.cluster.tags.values() }}"},
        {"name": "name {{ info.cluster.tags.trap }}", "ansible.builtin.debug": {"msg": "named"}},
        {
            "name": "template",
            "ansible.builtin.template": {"src": str(out / "source.j2"), "dest": str(out / "rendered"), "mode": "0600"},
        },
        {
            "name": "copy",
            "ansible.builtin.copy": {"content": "{{ info }}", "dest": str(out / "copied"), "mode": "0600"},
        },
        {"name": "lookup", "ansible.builtin.debug": {"msg": "{{ lookup('vars', 'copied') }}"}},
        {
            "name": "rendered by hand",
            "ansible.builtin.debug": {"msg": f"{{{{ lookup('ansible.builtin.template', '{out}/source.j2') }}}}"},
        },
        {
            "name": "passed on",
            "ekspress.eks.cluster_info": {"cluster": f"{{{{ {FACT} }}}}"},
            "register": "passed",
            "ignore_errors": True,
        },
        {"name": "passed on message", "ansible.builtin.debug": {"msg": "{{ passed.msg }}"}},
    ]


@pytest.mark.parametrize("way", WAYS)
def test_a_template_in_a_tag_is_never_run(aws: AwsServer, tmp_path: Path, way: str) -> None:
    made = tmp_path / "made-by-the-tag"
    trap = f"{{{{ lookup('pipe', 'touch {made}') }}}}"
    statement = f"{{% set x = lookup('pipe', 'touch {made}') %}}"
    bare = f"lookup('pipe', 'touch {made}') == ''"
    make_cluster(aws, tags={"trap": trap, "bare": bare, "statement": statement, trap: "key"})
    (tmp_path / "source.j2").write_text(f"{{{{ {FACT} }}}}")
    ground = Playground(tmp_path / "ground", aws.environment)
    hosts = {"cluster": {"ansible_python_interpreter": ground.interpreter(way)}}
    run = ground.run([{"hosts": "cluster", "gather_facts": False, "tasks": uses(tmp_path)}], hosts)
    assert run.code == 0, run.output
    assert not made.exists()
    assert run.result("read")["cluster"]["tags"] == {"trap": trap, "bare": bare, "statement": statement, trap: "key"}
    assert run.result("message")["msg"] == f"tag: {trap}"
    assert run.result("fact again")["msg"] == f"{trap} and {trap}"
    assert run.result("task variable")["msg"] == trap
    assert run.result("rendered by hand")["msg"] == trap
    assert (tmp_path / "rendered").read_text() == trap
    assert json.loads((tmp_path / "copied").read_text())["cluster"]["tags"]["trap"] == trap
    assert trap in run.result("passed on message")["msg"]


def test_the_same_template_in_a_playbook_is_run(aws: AwsServer, tmp_path: Path) -> None:
    """Else the test above would prove nothing."""
    made = tmp_path / "made-by-the-playbook"
    ground = Playground(tmp_path / "ground", aws.environment)
    play = {
        "hosts": "cluster",
        "gather_facts": False,
        "vars": {"trap": f"{{{{ lookup('pipe', 'touch {made}') }}}}"},
        "tasks": [{"name": "message", "ansible.builtin.debug": {"msg": "tag: {{ trap }}"}}],
    }
    hosts = {"cluster": {"ansible_python_interpreter": ground.interpreter(WAYS[0])}}
    run = ground.run([play], hosts)
    assert run.code == 0, run.output
    assert made.exists()
