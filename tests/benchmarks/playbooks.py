# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Runs playbooks and measures them."""

from __future__ import annotations

import json
import os
import re
import resource
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

RUN_SECONDS = 900


@dataclass(frozen=True)
class Ran:
    """A run of ansible-playbook.

    Attributes:
        times: start and end of each task by its name, in seconds of the system's monotonic clock.
        seconds: the whole run, start-up included.
        cpu: seconds of CPU of the whole run, all its processes included.
        changed: how many tasks changed something.
    """

    times: dict[str, list[float]]
    seconds: float
    cpu: float
    changed: int

    def spent(self, *tasks: str) -> float:
        """Seconds of these tasks together."""
        return sum(end - start for start, end in (self.times[name] for name in tasks))


def local(*hosts: str) -> dict[str, Any]:
    """An inventory of local hosts."""
    variables = {"ansible_connection": "local", "ansible_python_interpreter": "{{ ansible_playbook_python }}"}
    return {"eks": {"hosts": {host: dict(variables) for host in hosts}}}


def run(
    environment: dict[str, str],
    directory: Path,
    plays: list[dict[str, Any]],
    inventory: dict[str, Any],
    *arguments: str,
) -> Ran:
    """Run a playbook; SystemExit with its output where it fails."""
    (directory / "playbook.yml").write_text(yaml.safe_dump(plays, sort_keys=False))
    (directory / "inventory.yml").write_text(yaml.safe_dump(inventory))
    times = directory / "times.json"
    variables = {
        **{key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "ANSIBLE_"))},
        **environment,
        "ANSIBLE_CALLBACK_PLUGINS": str(Path(__file__).parent / "callback"),
        "ANSIBLE_CALLBACKS_ENABLED": "task_times",
        "ANSIBLE_PIPELINING": "true",
        "ANSIBLE_LOCAL_TEMP": str(directory / "tmp"),
        "TASK_TIMES_FILE": str(times),
    }
    if "ANSIBLE_COLLECTIONS_PATH" in os.environ:
        variables["ANSIBLE_COLLECTIONS_PATH"] = os.environ["ANSIBLE_COLLECTIONS_PATH"]
    before, started = _cpu(), time.monotonic()
    ended = subprocess.run(
        [sys.executable, "-m", "ansible", "playbook", "-i", "inventory.yml", "playbook.yml", *arguments],
        cwd=directory,
        env=variables,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=RUN_SECONDS,
        check=False,
    )
    seconds, cpu = time.monotonic() - started, _cpu() - before
    if ended.returncode:
        raise SystemExit(f"ansible-playbook ended with {ended.returncode}:\n{ended.stdout}\n{ended.stderr}")
    changed = sum(int(found) for found in re.findall(r"^\S+ +: ok=\d+ +changed=(\d+) ", ended.stdout, re.MULTILINE))
    return Ran(json.loads(times.read_text()), seconds, cpu, changed)


def _cpu() -> float:
    """Seconds of CPU of all child processes that have ended, and of theirs."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def calls_during(calls: list[dict[str, Any]], span: list[float]) -> dict[str, int]:
    """Calls that the server saw between two times of the system's monotonic clock, which both processes read."""
    return dict(Counter(call["operation"] for call in calls if span[0] <= call["started"] <= span[1]))
