# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What no real module shows: every kind of argument, result and end, in process and as an ordinary module."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.contract_suite import compare
from tests.contract_suite.runs import WAYS, Playground, Run
from tests.contract_suite.vault import PASSWORD, vaulted

SECRET = 'hush/line one\nit\'s "two"'
PROBE = "ekspress_test.contract.probe"

SITUATIONS: dict[str, dict[str, Any]] = {
    "values of every type": {"end": "values"},
    "arguments of every type": {
        "value": {
            "text": "{{ 'a' ~ 1 }}",
            "day": "{{ day }}",
            "moment": "{{ moment }}",
            "none": None,
            "list": [1, 2.5, True],
        },
        "number": "7",
    },
    "vaulted argument": {"value": {"in a dictionary": "{{ vaulted }}"}, "name": "{{ vaulted }}"},
    "unsafe argument": {"value": "{{ raw }}"},
    "facts as arguments": {"value": "{{ hostvars[inventory_hostname]['nested'] }}"},
    "noise": {"end": "noise"},
    "failure": {"end": "fail"},
    "crash": {"end": "crash"},
    "exit": {"end": "leave"},
    "result of no known type": {"end": "strange"},
    "warning with a secret": {"name": "warn"},
    "deprecated option": {"old": "x", "dated": "x"},
    "deprecated alias": {"former": "x"},
    "option and alias": {"name": "a", "title": "b"},
    "mutually exclusive": {"exclusive": "a", "number": 1},
    "wrong choice": {"end": "{{ secret }}"},
    "wrong type": {"number": "many"},
    "wrong type of a secret": {"secret": {"a": SECRET}},
    "unsupported option": {"nothing": 1},
    "unsupported option inside": {"items_of": [{"inner": "x", "nothing": 1}]},
    "secret inside a list": {"items_of": [{"inner": "very deep"}], "value": "a very deep secret"},
    "call with a secret of the wrong type": {"end": "invalid_call"},
    "check mode": {"name": "a"},
    "diff": {"name": "a"},
    "no environment": {},
    "environment": {"value": "{{ lookup('env', 'CONTRACT_VALUE') }}"},
    "secret from the environment": {"value": "from the environment"},
    "loop": {"value": "{{ item }}"},
    "loop with an environment for one item": {"value": "{{ item }}"},
    "no environment again": {},
    "until": {"end": "fail"},
    "no_log": {"name": "warn"},
    "failed_when": {},
}
KEYWORDS: dict[str, dict[str, Any]] = {
    "check mode": {"check_mode": True},
    "diff": {"diff": True},
    "environment": {"environment": {"CONTRACT_VALUE": "given", "CONTRACT_NUMBER": 3, "CONTRACT_FLAG": True}},
    "secret from the environment": {"environment": {"CONTRACT_SECRET": "from the environment"}},
    "loop": {"loop": ["one", "two", "three"], "environment": {"CONTRACT_VALUE": "{{ item }}"}},
    "loop with an environment for one item": {
        "loop": ["one", "none"],
        "environment": "{{ {'CONTRACT_VALUE': item} if item == 'one' else {} }}",
    },
    "until": {"until": "false", "retries": 2, "delay": 0},
    "no_log": {"no_log": True},
    "failed_when": {"failed_when": True},
}
SHOWN = {"wrong choice", "loop"}
"""A value that is no secret of the module's options, and the word "two"."""

VARIABLES = {
    "day": "{{ '2026-01-02' | to_datetime('%Y-%m-%d') }}",
    "moment": "{{ '2026-01-02 03:04:05' | to_datetime }}",
    "secret": SECRET,
}
AWS = {"region": "eu-central-1", "access_key": "key", "secret_key": "kept apart"}


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Run]:
    """Each way's run of all situations."""
    directory = tmp_path_factory.mktemp("probe")
    password = directory / "password"
    password.write_text(PASSWORD)
    tasks = [
        {
            "name": name,
            PROBE: {"secret": "{{ secret }}", **AWS, **arguments},
            "ignore_errors": True,
            **KEYWORDS.get(name, {}),
        }
        for name, arguments in SITUATIONS.items()
    ]
    found = {}
    for way in WAYS:
        ground = Playground(directory / way.replace(" ", "_"), {})
        variables = ground.directory / "variables.yml"
        variables.write_text(f"raw: !unsafe '{{{{ not }}}}'\nvaulted: {vaulted('from the vault')}")
        play = {
            "hosts": "all",
            "gather_facts": False,
            "vars": VARIABLES,
            "vars_files": [str(variables)],
            "tasks": tasks,
        }
        nested = {"list": [{"key": "{{ 'v' ~ 1 }}"}]}
        host = {"probe": {"ansible_python_interpreter": ground.interpreter(way), "nested": nested}}
        found[way] = ground.run([play], host, ("-vvv", "--vault-password-file", str(password)))
        assert found[way].code == 0, found[way].output
    return found


@pytest.mark.parametrize("situation", SITUATIONS)
def test_same_result(runs: dict[str, Run], situation: str) -> None:
    here, there = (compare.results(runs[way])[situation] for way in WAYS)
    assert here == there


@pytest.mark.parametrize("situation", [name for name in SITUATIONS if name not in SHOWN])
def test_no_secret_is_shown(runs: dict[str, Run], situation: str) -> None:
    for run in runs.values():
        shown = json.dumps([record["result"] for record in run.records if record["task"] == situation])
        for part in ("hush", "line one", "it's", "two", "very deep", "kept apart"):
            assert part not in shown, shown


def test_nothing_ran_as_module_in_process(runs: dict[str, Run]) -> None:
    assert runs[WAYS[0]].modules() == {}
    assert runs[WAYS[0]].starts == 0
    assert set(runs[WAYS[1]].modules()) == set(SITUATIONS)
    assert runs[WAYS[1]].starts >= len(SITUATIONS)


def result(runs: dict[str, Run], situation: str) -> dict[str, Any]:
    """The in-process result of a situation."""
    return runs[WAYS[0]].results(situation)[-1]


def test_environment_reaches_options_and_the_process(runs: dict[str, Run]) -> None:
    given = result(runs, "environment")
    assert given["from_environment"] == "given"
    assert (
        given["variables"] | {"CONTRACT_VALUE": "given", "CONTRACT_NUMBER": "3", "CONTRACT_FLAG": "True"}
        == given["variables"]
    )
    assert given["value"] == ""  # lookups never see it
    items = [item["from_environment"] for item in runs[WAYS[0]].results("loop")[:-1]]
    assert items == ["one", "two", "three"]
    items = [item["from_environment"] for item in runs[WAYS[0]].results("loop with an environment for one item")[:-1]]
    assert items == ["one", None]
    for situation in ("no environment", "no environment again"):
        assert result(runs, situation)["from_environment"] is None
        assert "CONTRACT_VALUE" not in result(runs, situation)["variables"]


def test_values_are_plain(runs: dict[str, Run]) -> None:
    assert result(runs, "arguments of every type")["kinds"] == {
        "text": "str",
        "day": "str",
        "moment": "str",
        "none": "NoneType",
        "list": ["int", "float", "bool"],
    }
    assert result(runs, "vaulted argument")["value"] == {"in a dictionary": "from the vault"}
    assert result(runs, "values of every type")["text"] == "{{ not_a_template }}"


def test_deprecations_and_warnings(runs: dict[str, Run]) -> None:
    assert len(result(runs, "deprecated option")["deprecations"]) == 2
    assert len(result(runs, "deprecated alias")["deprecations"]) == 1
    assert "Both option name and its alias title" in json.dumps(result(runs, "option and alias")["warnings"])
    assert "The secret is ********" in json.dumps(result(runs, "warning with a secret")["warnings"])


def test_what_is_printed_is_not_seen(runs: dict[str, Run]) -> None:
    for run in runs.values():
        assert "warnings" not in run.result("noise")
        for text in ("on standard output", "on standard error", "a Python warning", "errantly"):
            assert text not in run.output


def test_the_playbooks_directory_is_the_modules(runs: dict[str, Run]) -> None:
    assert result(runs, "no environment")["directory"].endswith("/play")


def test_a_traceback_is_shown_where_asked_for(tmp_path: Path) -> None:
    for way in WAYS:
        ground = Playground(tmp_path / way.replace(" ", "_"), {})
        task = {"name": "crash", PROBE: {"end": "crash", "secret": SECRET}, "ignore_errors": True}
        run = ground.run(
            [{"hosts": "all", "gather_facts": False, "tasks": [task]}],
            {"probe": {"ansible_python_interpreter": ground.interpreter(way)}},
            ANSIBLE_DISPLAY_TRACEBACK="error",
        )
        shown = run.result("crash")["exception"]
        assert "in _crash" in shown
        assert "KeyError" in shown
        assert "hush" not in shown + json.dumps(run.records)
