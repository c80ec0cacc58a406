# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What a task that finds nothing to do costs, in process and as an ordinary module.

``make bench-tasks``: CPU seconds of ansible-playbook and all that it starts (resource usage, waited-for children
included), less those of a run of the same play without tasks. The modules get pipelining, which spares them the copying
of files. The last line is the ratio; the exit code is 1 where it, or the memory for one cluster, misses the budget.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from sandbox.aws.client import UNWANTED, AwsServer

CLUSTERS = 10
FORKS = 10
LEAST_SPEEDUP = 5.0
MOST_MEMORY = 200.0
"""MiB."""

COLOURS = [f"bench-{number:02d}" for number in range(CLUSTERS)]
TASKS: list[dict[str, Any]] = [
    {"name": "cluster", "ekspress.eks.cluster_info": {}},
    {"name": "subnets", "ekspress.eks.subnet_tags": {}},
    {"name": "provider", "ekspress.eks.oidc_provider": {}},
    {
        "name": "roles",
        "ekspress.eks.irsa_roles": {
            "roles": [{"name": "{{ inventory_hostname }}-dns", "service_accounts": ["external-dns:external-dns"]}]
        },
    },
    {
        "name": "cluster alone",
        "ekspress.eks.cluster_info": {"node_groups": False, "fargate_profiles": False, "auto_scaling_groups": False},
    },
]


@dataclass(frozen=True)
class Cost:
    """What a run cost: seconds of CPU and of the clock, and MiB at its peak where that was asked for."""

    cpu: float
    wall: float
    memory: float = 0.0


class Bench:
    """A directory with an inventory a way and a play with and without tasks."""

    def __init__(self, directory: Path, server: AwsServer) -> None:
        self._directory = directory
        self._environment = {
            **{name: value for name, value in os.environ.items() if name not in UNWANTED},
            **server.environment,
            "ANSIBLE_PIPELINING": "true",
            "ANSIBLE_STDOUT_CALLBACK": "default",
            "ANSIBLE_HOME": str(directory / "ansible"),
        }
        python = directory / "python"
        python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
        python.chmod(0o755)
        self._interpreters = {"in process": "{{ ansible_playbook_python }}", "as modules": str(python)}

    def run(self, way: str, tasks: list[dict[str, Any]], hosts: list[str], *, watch: bool = False) -> Cost:
        """Run the play and return its cost. Raises SystemExit where it fails or changes something."""
        inventory, playbook, output = (self._directory / name for name in ("hosts.yml", "play.yml", "output"))
        variables = {"ansible_connection": "local", "ansible_python_interpreter": self._interpreters[way]}
        inventory.write_text(yaml.safe_dump({"all": {"hosts": dict.fromkeys(hosts, variables)}}))
        play = {
            "hosts": "all",
            "gather_facts": False,
            "module_defaults": {"group/ekspress.eks.eks": {"cluster": "{{ inventory_hostname }}"}},
            "tasks": tasks,
        }
        playbook.write_text(yaml.safe_dump([play], sort_keys=False))
        command = [str(Path(sys.executable).with_name("ansible-playbook")), "-i", str(inventory), "-f", str(FORKS)]
        started = time.monotonic()
        with output.open("wb") as text:
            process = subprocess.Popen([*command, str(playbook)], env=self._environment, stdout=text, stderr=text)
        memory = _peak(process.pid) if watch else 0.0
        _pid, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise SystemExit(f"{' '.join(command)} failed:\n{output.read_text()[-4000:]}")
        self.text = output.read_text()
        return Cost(usage.ru_utime + usage.ru_stime, time.monotonic() - started, memory)


def _peak(pid: int) -> float:
    """MiB that a process and its descendants share out among them (PSS) at most, until it ends."""
    highest = 0.0
    while os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
        highest = max(highest, sum(_share(process) for process in _tree(pid)))
    return highest / 1024


def _tree(pid: int) -> list[int]:
    found = [pid]
    for parent in found:
        with suppress(OSError):
            found += [int(child) for child in Path(f"/proc/{parent}/task/{parent}/children").read_text().split()]
    return found


def _share(pid: int) -> int:
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1])
    return 0


def _tell(text: str) -> None:
    print(text, flush=True)


def _show(what: str, cost: Cost) -> None:
    _tell(f"{what:<28} {cost.cpu:7.2f} s CPU  {cost.wall:7.2f} s wall")


def main() -> int:
    """Measure, print, and say by the exit code whether the budgets hold."""
    with tempfile.TemporaryDirectory(prefix="bench-tasks-") as name, AwsServer() as server:
        bench = Bench(Path(name), server)
        server.fixtures(COLOURS)
        _tell(
            f"{CLUSTERS} clusters x {len(TASKS)} tasks, {FORKS} forks, {os.cpu_count()} cores, "
            f"load {os.getloadavg()[0]:.1f}; AWS is the sandbox's, in a process that is not counted"
        )
        bench.run("in process", TASKS, COLOURS)
        server.clear_calls()
        empty = bench.run("in process", [], COLOURS)
        _show("start-up (no tasks)", empty)
        ours = bench.run("in process", TASKS, COLOURS)
        calls = len(server.calls())
        _show("in process", ours)
        if server.calls(writes=True):
            raise SystemExit("The tasks were to find nothing to do, but wrote.")
        server.clear_calls()
        modules = bench.run("as modules", TASKS, COLOURS)
        _show("as modules", modules)
        if len(server.calls()) != calls:
            raise SystemExit(f"{calls} calls in process, but {len(server.calls())} as modules.")
        memory = bench.run("in process", TASKS, COLOURS[:1], watch=True).memory
    _tell(f"{calls} AWS calls either way, none of them a write")
    tasks = CLUSTERS * len(TASKS)
    for what, cost in (("in process", ours), ("as modules", modules)):
        _tell(f"a task {what}: {(cost.cpu - empty.cpu) / tasks * 1000:.0f} ms of CPU")
    _tell(f"controller memory for one cluster: {memory:.0f} MiB (budget {MOST_MEMORY:.0f})")
    speedup = (modules.cpu - empty.cpu) / (ours.cpu - empty.cpu)
    _tell(f"speedup: {speedup:.1f}")
    return 0 if speedup >= LEAST_SPEEDUP and memory <= MOST_MEMORY else 1


if __name__ == "__main__":
    sys.exit(main())
