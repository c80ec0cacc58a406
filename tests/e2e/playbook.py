# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Runs playbooks as a user does and reads what they say."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandbox.aws.client import UNWANTED
from sandbox.process import ROOT

SITE = "playbooks/site.yml"
VARIABLES = ROOT / "inventories" / "sandbox" / "group_vars" / "eks.yml"
BIN = Path(sys.executable).parent


@dataclass(frozen=True)
class Task:
    """One task's outcome on one host."""

    name: str
    host: str
    action: str
    result: dict[str, Any]

    @property
    def changed(self) -> bool:
        return bool(self.result.get("changed"))


@dataclass(frozen=True)
class Run:
    """A finished run of a playbook."""

    code: int
    output: str
    tasks: list[Task]
    stats: dict[str, dict[str, int]]

    def changed(self, host: str) -> list[str]:
        """Names of the tasks that changed something (or would, in check mode) on a host."""
        return [task.name for task in self.tasks if task.host == host and task.changed]

    def problems(self) -> list[str]:
        """What failed, for a test's own failure message."""
        return [f"{task.host}: {task.name}: {task.result}" for task in self.tasks if task.result.get("failed")]

    def failure(self, host: str) -> str:
        """The message of the task that failed on a host."""
        failed = [task for task in self.tasks if task.host == host and task.result.get("failed")]
        assert failed, f"nothing failed on {host}:\n{self.output}"
        return str(failed[-1].result.get("msg"))


def command(inventory: Path, playbook: str, *arguments: str) -> list[str]:
    """The command line of a run on the sandbox's variables."""
    return [str(BIN / "ansible-playbook"), "-i", str(inventory), "-e", f"@{VARIABLES}", playbook, *arguments]


def surroundings(environment: dict[str, str], **more: str) -> dict[str, str]:
    """The environment of a run: the sandbox's, without what the user's shell says of AWS."""
    clean = {key: value for key, value in os.environ.items() if key not in UNWANTED}
    return {**clean, **environment, "ANSIBLE_STDOUT_CALLBACK": "ansible.posix.json", **more}


def run(environment: dict[str, str], inventory: Path, *arguments: str, playbook: str = SITE, **more: str) -> Run:
    """Run a playbook and read its JSON report."""
    done = subprocess.run(
        command(inventory, playbook, *arguments),
        cwd=ROOT,
        env=surroundings(environment, **more),
        capture_output=True,
        text=True,
        check=False,
    )
    report = json.loads(done.stdout[done.stdout.index("{") :])
    tasks = [
        Task(name=task["task"]["name"], host=host, action=result.get("action", ""), result=result)
        for play in report["plays"]
        for task in play["tasks"]
        for host, result in task["hosts"].items()
    ]
    return Run(done.returncode, done.stdout + done.stderr, tasks, report["stats"])


def inventory(directory: Path, *hosts: str, **variables: object) -> Path:
    """An inventory of clusters, with variables of their group."""
    path = directory / "hosts.json"
    group = {"hosts": dict.fromkeys(hosts), "vars": variables}
    path.write_text(json.dumps({"eks": group}), encoding="utf-8")
    return path
