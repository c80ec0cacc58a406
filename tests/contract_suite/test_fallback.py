# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Where a module cannot run in process it runs as a module, which then says what is wrong."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from sandbox.aws.client import ACCESS_KEY, SECRET_KEY
from tests.contract_suite import cases
from tests.contract_suite.runs import WAYS, Playground

PROBE = "ekspress_test.contract.probe"

HIDE = """
import sys
from importlib.machinery import PathFinder

HIDDEN = {"boto3", "botocore", "amazon"}


class Finder(PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        return None if name.partition(".")[0] in HIDDEN else super().find_spec(name, path, target)


sys.meta_path[:] = [Finder if finder is PathFinder else finder for finder in sys.meta_path]
"""


def play(*tasks: dict[str, Any]) -> list[dict[str, Any]]:
    """A play of these tasks, none of which ends it."""
    return [{"hosts": "all", "gather_facts": False, "tasks": [{"ignore_errors": True, **task} for task in tasks]}]


def host(ground: Playground, **variables: Any) -> dict[str, dict[str, Any]]:
    """A host whose modules run in process, unless its variables say otherwise."""
    return {"one": {"ansible_python_interpreter": ground.interpreter(WAYS[0]), **variables}}


def test_a_missing_library_is_explained_by_every_module(ground: Playground, tmp_path: Path) -> None:
    (tmp_path / "hide").mkdir()
    (tmp_path / "hide" / "sitecustomize.py").write_text(HIDE)
    tasks = [case.task("run") for case in cases.every()]
    fixtures = {
        "clusters": {"blue": {"auto_scaling_groups": {"spot": "blue-spot", "general": "eks-general"}}},
        "account": "123456789012",
        "hosted_zones": {"public": "Z0123456789ABCDEFGHIJ"},
        "vpc_id": "vpc-01234567",
    }
    run = ground.run(
        play(*tasks),
        host(ground, fixtures=fixtures, kubeconfig="/nowhere/kubeconfig", **cases.files("/nowhere")),
        ("-vvv",),
        PYTHONPATH=str(tmp_path / "hide"),
        AWS_ENDPOINT_URL="http://127.0.0.1:9",
    )
    for task in tasks:
        assert "Failed to import the required Python library (botocore)" in run.result(task["name"])["msg"]
        assert len(run.modules()[task["name"]]) == 1


def test_logic_that_cannot_be_imported_fails_its_task_only(ground: Playground) -> None:
    broken = {"name": "broken", "ekspress_test.contract.broken": {}}
    run = ground.run(play(broken, {"name": "next", PROBE: {}}), host(ground), ("-vvv",))
    assert run.code == 0
    assert "This file is broken." in run.result("broken")["msg"]
    assert run.modules() == {"broken": ["broken"]}
    assert run.result("next")["changed"] is False


INTERPRETERS = ["{{ omit }}", "auto_silent", "/usr/bin/env python3", f"{sys.executable} -B", "{{ other_python }}"]
SAME = [
    str(path)
    for path in sorted(Path(sys.executable).parent.glob("python*"))
    if path.name != Path(sys.executable).name and path.samefile(sys.executable)
]
VARIABLES = ["PYTHONPATH", "PYTHONWARNINGS", "LD_LIBRARY_PATH"]


def test_what_needs_a_process_gets_one(ground: Playground) -> None:
    """Another interpreter, and variables that count at a start only; not the same Python by another name."""
    interpreters = [
        {"name": f"interpreter {number}", PROBE: {}, "vars": {"ansible_python_interpreter": text}}
        for number, text in enumerate([*INTERPRETERS, *SAME])
    ]
    variables = [{"name": name, PROBE: {}, "environment": {name: "/nowhere"}} for name in VARIABLES]
    run = ground.run(play(*interpreters, *variables), host(ground, other_python=ground.interpreter(WAYS[1])), ("-vvv",))
    names = [str(task["name"]) for task in interpreters]
    assert run.modules() == {name: ["probe"] for name in [*names[: len(INTERPRETERS)], *VARIABLES]}
    assert [run.result(name)["changed"] for name in names[len(INTERPRETERS) :]] == [False] * len(SAME)
    assert SAME


def test_a_profile_that_does_not_exist_costs_nothing_but_the_tasks_that_use_it(
    ground: Playground, tmp_path: Path
) -> None:
    profiles = tmp_path / "credentials"
    profiles.write_text(f"[good]\naws_access_key_id={ACCESS_KEY}\naws_secret_access_key={SECRET_KEY}\n")
    tasks = [
        {"name": "bad", PROBE: {"end": "who"}},
        {"name": "good", PROBE: {"end": "who"}, "environment": {"AWS_PROFILE": "good"}},
    ]
    no_keys = {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "AWS_SHARED_CREDENTIALS_FILE": str(profiles)}
    run = ground.run(play(*tasks), host(ground), ("-vvv",), AWS_PROFILE="nowhere", **no_keys)
    assert "(nowhere)" in run.result("bad")["msg"]
    assert run.result("good")["arn"].startswith("arn:aws:iam::123456789012:")
    assert run.modules() == {}


def test_nothing_of_one_worker_or_item_reaches_another(ground: Playground) -> None:
    """Credentials are those of the item, whatever ran before it."""
    task = {
        "name": "who",
        PROBE: {"end": "who"},
        "loop": ["AKIAONE0000000000000", "AKIATWO0000000000000", ""],
        "environment": {"AWS_ACCESS_KEY_ID": "{{ item or lookup('env', 'AWS_ACCESS_KEY_ID') }}"},
    }
    run = ground.run(play(task), host(ground), ("-vvv",))
    keys = [result["invocation"]["module_args"]["access_key"] for result in run.results("who")[:-1]]
    assert keys == ["AKIAONE0000000000000", "AKIATWO0000000000000", ground.environment["AWS_ACCESS_KEY_ID"]]
    assert run.modules() == {}
