# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The cases of the modules, and the plays made of them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
DIRECTORY = Path(__file__).parent / "cases"
MODULES = sorted(path.stem for path in (ROOT / "plugins" / "modules").glob("*.py") if not path.stem.startswith("_"))
WITH_CASE = [module for module in MODULES if (DIRECTORY / f"{module}.yml").exists()]
"""All of them: a test fails otherwise, and the others go on."""

OTHER_ACCOUNT = "222222222222"


@dataclass(frozen=True)
class Case:
    """What a module is run with: see cases/README.md."""

    module: str
    arguments: dict[str, Any]
    failing: dict[str, Any]
    alias: dict[str, str]
    writes: list[str]
    kubernetes: bool = False
    local: bool = False
    polled: Collection[str] = ()

    @property
    def changes(self) -> bool:
        """Whether its first run changes something."""
        return self.calls or self.local

    @property
    def calls(self) -> bool:
        """Whether its first run changes something by calls, which can be held up."""
        return bool(self.writes) or self.kubernetes

    @property
    def action(self) -> str:
        """The module's name in a task."""
        return f"ekspress.eks.{self.module}"

    def task(self, situation: str, arguments: dict[str, Any] | None = None, **keywords: Any) -> dict[str, Any]:
        """A task of the module; it never ends the play."""
        return {
            "name": f"{self.module}: {situation}",
            self.action: self.arguments if arguments is None else arguments,
            "ignore_errors": True,
            **keywords,
        }


def load(module: str) -> Case:
    """Read a module's case; FileNotFoundError where it brings none."""
    return Case(module=module, **yaml.safe_load((DIRECTORY / f"{module}.yml").read_text()))


def every() -> list[Case]:
    """All cases."""
    return [load(module) for module in WITH_CASE]


def files(programs: str) -> dict[str, str]:
    """Variables of the cases that are paths: Helm of a directory of programs, and a chart."""
    return {"helm": str(Path(programs, "helm")), "chart": str(DIRECTORY.parent / "chart")}


def situations(case: Case) -> list[dict[str, Any]]:
    """The tasks that a module goes through, in one play, both ways."""
    renamed = {case.alias.get(name, name): value for name, value in case.arguments.items()}
    both = {**case.arguments, **renamed}
    other = {"AWS_ACCESS_KEY_ID": "{{ other.access_key_id }}", "AWS_SECRET_ACCESS_KEY": "{{ other.secret_access_key }}"}
    profile = {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "AWS_PROFILE": "{{ item }}"}
    return [
        case.task("check and diff", check_mode=True, diff=True),
        case.task("change", diff=True),
        case.task("again", diff=True),
        case.task("without diff"),
        case.task("alias", renamed),
        case.task("option and alias", both),
        case.task("failing", case.failing),
        case.task("unsupported option", {**case.arguments, "no_such_option": 1}),
        case.task("no arguments", {}),
        case.task("environment", environment=other),
        case.task(
            "looped environment",
            environment={**profile, "AWS_SHARED_CREDENTIALS_FILE": "{{ profiles_file }}"},
            loop=["other", "nowhere", "default"],
        ),
        case.task("environment is restored"),
        case.task("no_log", no_log=True),
        case.task("registered and run once", register="before", run_once=True),
        case.task("delegated", delegate_to="neighbour"),
        case.task("delegated to another Python", delegate_to="elsewhere"),
        case.task("become", become=True, become_method="ekspress_test.contract.nothing"),
        case.task("async", None, **{"async": 900, "poll": 1}),
        case.task("async start", None, **{"async": 900, "poll": 0, "register": "job"}),
        {
            "name": f"{case.module}: async status",
            "ansible.builtin.async_status": {"jid": "{{ job.ansible_job_id }}"},
            "register": "job_status",
            "until": "job_status is finished",
            "retries": 900,
            "delay": 1,
            "ignore_errors": True,
        },
        case.task(
            "vaulted and dated",
            {
                **case.arguments,
                "access_key": "{{ default_access_key }}",
                "secret_key": "{{ vaulted }}",
                "assume_role_external_id": "{{ dated }}",
            },
        ),
        {
            "name": f"{case.module}: defaults of the group",
            "module_defaults": {"group/ekspress.eks.eks": case.arguments},
            "block": [case.task("with defaults", {})],
        },
        case.task("log of AWS's calls", {**case.arguments, "debug_botocore_endpoint_logs": True}),
    ]


SITUATIONS = [
    task.get("name", "").removeprefix("x: ") if "block" not in task else "with defaults"
    for task in situations(Case("x", {}, {}, {}, []))
]
"""Names of all situations."""

FALLBACKS = {"delegated to another Python", "become", "async", "async start"}
"""Situations in which the action starts the module."""
