# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Each rule finds what it is there to find: a sound sample passes, and each way to break it is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.lint import inventory_rules, module_rules, role_rules, task_rules, text_rules

ROLE = {
    "README.md": "# Sample\n",
    "defaults/main.yml": "sample_replicas: 2\nsample_kind: alb\n",
    "meta/main.yml": "galaxy_info: {}\n",
    "meta/argument_specs.yml": """\
argument_specs:
  main: &main
    short_description: Sample
    description: [A sample.]
    options: &options
      sample_replicas: {type: int, default: 2}
      sample_kind: {type: str, default: alb, choices: [alb, nlb]}
  spec:
    short_description: Sample
    description: [A sample.]
    options: *options
""",
    "tasks/main.yml": "[]\n",
    "tasks/spec.yml": "[]\n",
    "vars/main.yml": "__sample_spec: {}\n",
}

MODULE = {
    "meta/runtime.yml": "action_groups:\n  eks: [sample]\n",
    "plugins/action/sample.py": 'LOGIC = load("_sample")\n',
    "plugins/modules/sample.py": '''\
DOCUMENTATION = """
extends_documentation_fragment: [ekspress.eks.aws, ekspress.eks.attributes]
attributes:
  check_mode: {support: full}
  diff_mode: {support: full}
  idempotent: {support: full}
"""
EXAMPLES = "- name: Sample"
RETURN = "changed: {type: bool}"
from ansible_collections.ekspress.eks.plugins.module_utils._sample import LOGIC
def main() -> None:
    run_module(LOGIC)
''',
}

TASKS = """\
- name: Sample
  hosts: all
  module_defaults:
    kubernetes.core.k8s_info: {kubeconfig: here}
    group/kubernetes.core.k8s: {kubeconfig: here}
  tasks:
    - name: Group
      block:
        - name: Look
          kubernetes.core.k8s_info: {kind: Pod, namespace: "{{ place }}"}
          loop: [1]
      rescue:
        - name: Say
          ansible.builtin.debug: {msg: no}
    - name: Wait
      ansible.builtin.wait_for: {port: 80, state: started}
"""

INVENTORY = {
    "roles/sample/meta/argument_specs.yml": ROLE["meta/argument_specs.yml"],
    "playbooks/site.yml": "- hosts: all\n  roles: '{{ platform_addons }}'\n",
    "inventories/dev/hosts.yml": "eks: {children: {dev: {hosts: {one: {sample_kind: nlb}}}}}\n",
    "inventories/dev/group_vars/eks.yml": "ansible_connection: local\nplatform_addons: []\nsample_replicas: 1\n",
}


def write(root: Path, files: dict[str, str]) -> Path:
    """Write the files below root; return root."""
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return root


def changed(files: dict[str, str], name: str, old: str, new: str) -> dict[str, str]:
    """The files with one text replaced in one of them; the old text must be there."""
    assert old in files[name]
    return files | {name: files[name].replace(old, new)}


def role_problems(root: Path, files: dict[str, str]) -> list[str]:
    return role_rules.problems(write(root / "sample", files))


def test_sound_role_passes(tmp_path: Path) -> None:
    assert role_problems(tmp_path, ROLE) == []


@pytest.mark.parametrize("name", role_rules.FILES)
def test_missing_file_of_a_role_is_told(tmp_path: Path, name: str) -> None:
    assert role_problems(tmp_path, {key: ROLE[key] for key in ROLE if key != name}) == [f"sample: {name} is missing"]


@pytest.mark.parametrize(
    ("name", "old", "new", "told"),
    [
        ("defaults/main.yml", "sample_kind: alb\n", "", "sample_kind is in argument_specs and not in defaults"),
        ("defaults/main.yml", "sample_kind", "sample_knid", "sample_knid is in defaults and not in argument_specs"),
        ("defaults/main.yml", "2", "3", "sample_replicas is 3 in defaults and 2 in argument_specs"),
        ("defaults/main.yml", "2", "'2'", "sample_replicas is '2' in defaults and 2 in argument_specs"),
        ("meta/argument_specs.yml", "choices: [alb", "choices: [clb", "the default of sample_kind does not fit"),
        ("meta/argument_specs.yml", "default: 2", "required: true", "sample_replicas is required and has a default"),
        ("meta/argument_specs.yml", "options: *options", "options: {}", "the entry point spec must have the options"),
        ("meta/argument_specs.yml", "  spec:", "  other:", "there is no tasks/other.yml"),
        ("meta/argument_specs.yml", "[A sample.]", "[]", "lacks a description"),
        ("vars/main.yml", "__sample_spec", "__spec", "vars/main.yml must have __sample_spec"),
    ],
)
def test_role_that_disagrees_is_told(tmp_path: Path, name: str, old: str, new: str, told: str) -> None:
    assert told in "\n".join(role_problems(tmp_path, changed(ROLE, name, old, new)))


def test_sound_module_passes(tmp_path: Path) -> None:
    assert module_rules.problems(write(tmp_path, MODULE)) == []


@pytest.mark.parametrize(
    ("name", "old", "new", "told"),
    [
        ("meta/runtime.yml", "[sample]", "[]", "sample is not in the action group"),
        ("meta/runtime.yml", "[sample]", "[sample, other]", "names other, which is no module"),
        ("plugins/action/sample.py", "_sample", "_other", "must set LOGIC"),
        ("plugins/modules/sample.py", "  idempotent: {support: full}\n", "", "how far idempotent is supported"),
        ("plugins/modules/sample.py", ", ekspress.eks.attributes", "", "does not extend the fragment"),
        ("plugins/modules/sample.py", "changed: {type: bool}", "", "RETURN is missing or empty"),
        ("plugins/modules/sample.py", "run_module(LOGIC)", "pass", "main() must run the LOGIC"),
    ],
)
def test_module_that_lacks_something_is_told(tmp_path: Path, name: str, old: str, new: str, told: str) -> None:
    assert told in "\n".join(module_rules.problems(write(tmp_path, changed(MODULE, name, old, new))))


def test_module_without_action_plugin_is_told(tmp_path: Path) -> None:
    files = {name: text for name, text in MODULE.items() if "action/" not in name}
    assert module_rules.problems(write(tmp_path, files)) == ["sample has no action plugin, so it never runs in process"]


def test_sound_tasks_pass(tmp_path: Path) -> None:
    assert task_rules.problems(write(tmp_path, {"playbooks/site.yml": TASKS})) == []


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("kind: Pod", "knid: Pod", "Look: kubernetes.core.k8s_info has no option knid"),
        ("{msg: no}", "{mgs: no}", "Say: ansible.builtin.debug has no option mgs"),
        ("state: started", "state: begun", "ansible.builtin.wait_for.state cannot be 'begun'"),
        ("kubernetes.core.k8s_info: {kind", "kubernetes.core.k8s_inof: {kind", "there is no module"),
        ("k8s_info: {kubeconfig", "k8s_info: {kubecfg", "has no option kubecfg"),
        ("core.k8s: {kubeconfig", "core.k8s: {kubecfg", "(module_defaults group/kubernetes.core.k8s)"),
        ("          loop: [1]", "          lop: [1]", "a task has one module, this one has"),
        ("{msg: no}", "msg=no", "write the arguments of ansible.builtin.debug as a mapping"),
    ],
)
def test_task_with_a_wrong_argument_is_told(tmp_path: Path, old: str, new: str, told: str) -> None:
    files = changed({"playbooks/site.yml": TASKS}, "playbooks/site.yml", old, new)
    assert told in "\n".join(task_rules.problems(write(tmp_path, files)))


def test_options_within_options_are_checked(tmp_path: Path) -> None:
    task = "- name: Ask\n  ansible.builtin.validate_argument_spec: {argument_spec: {}}\n"
    metadata = "- name: Send\n  amazon.aws.ec2_instance: {network: {assign_public_pi: true}}\n"
    found = task_rules.problems(
        write(tmp_path, {"roles/a/tasks/main.yml": task, "roles/a/handlers/main.yml": metadata})
    )
    assert len(found) == 1
    assert "amazon.aws.ec2_instance.network has no option assign_public_pi" in found[0]


def test_sound_inventory_passes(tmp_path: Path) -> None:
    assert inventory_rules.problems(write(tmp_path, INVENTORY)) == []


@pytest.mark.parametrize("name", ["inventories/dev/hosts.yml", "inventories/dev/group_vars/eks.yml"])
def test_misspelt_variable_is_told(tmp_path: Path, name: str) -> None:
    files = changed(INVENTORY, name, "sample_", "smaple_")
    assert "has a variable smaple_" in "\n".join(inventory_rules.problems(write(tmp_path, files)))


@pytest.mark.parametrize(
    ("name", "line", "told"),
    [
        ("plugins/a.py", "path = '/ro" + "ot/a'", "a path of one machine"),
        ("guides/a.md", "see /ho" + "me/someone/a", "a path of one machine"),
        ("guides/a.md", "https://py" + "pi.org/simple", "a package registry"),
        ("plugins/a.py", "# TO" + "DO: later", "work left for later"),
        ("plugins/a.py", "x = 1  # type: ig" + "nore", "a silence without a reason"),
        ("scripts/a.sh", "false || tr" + "ue", "a failure that is swallowed"),
        (
            "guides/a.md",
            "[b](b.md) [c](https://example.com/c.md) [a](../guides/a.md#x)",
            "links to b.md, which does not exist",
        ),
        ("plugins/a.py", "# See docs/no" + "where.md.", "names docs/no" + "where.md, which does not exist"),
        ("tests/test_a.py", "@pytest.mark.sk" + "ip\nclass A: ...", "switched off"),
        ("tests/test_a.py", "import time; time.sleep(1)", "a fixed sleep"),
    ],
)
def test_line_that_may_not_stand_is_told(tmp_path: Path, name: str, line: str, told: str) -> None:
    write(tmp_path, {name: text_rules.HEADER + line + "\n"})
    found = text_rules.problems(tmp_path, [name])
    assert len(found) == 1
    assert told in found[0]


def test_sleep_of_a_poll_may_stand(tmp_path: Path) -> None:
    poll = "import time\nwhile not done():\n    time.sleep(0.1)\n"
    write(tmp_path, {"tests/test_a.py": text_rules.HEADER + poll})
    assert text_rules.problems(tmp_path, ["tests/test_a.py"]) == []


def test_header_and_length_are_asked_for(tmp_path: Path) -> None:
    write(tmp_path, {"plugins/a.py": "import os\n" * 401, "plugins/b.py": f"#!/usr/bin/python\n{text_rules.HEADER}"})
    found = text_rules.problems(tmp_path, ["plugins/a.py", "plugins/b.py"])
    assert [line.split(";")[0] for line in found] == [
        "plugins/a.py: does not begin with the two lines of copyright and licence",
        "plugins/a.py: has 401 lines",
    ]
