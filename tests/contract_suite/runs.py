# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Runs of ansible-playbook whose results are recorded whole."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.support import wait_until

COLLECTIONS = Path(__file__).parent / "collections"
RUN_SECONDS = 7200.0

WAYS = ("in process", "as module")


@dataclass
class Run:
    """One run of ansible-playbook, ended.

    ``records`` are the lines of the record callback; ``starts`` counts the Python processes that were started for
    hosts of the way "as module".
    """

    output: str
    code: int
    records: list[dict[str, Any]] = field(default_factory=list)
    starts: int = 0

    def results(self, task: str, host: str | None = None) -> list[dict[str, Any]]:
        """The results of a task, a loop's items before the loop itself."""
        return [
            record["result"] for record in self.records if record["task"] == task and host in (None, record["host"])
        ]

    def result(self, task: str, host: str | None = None) -> dict[str, Any]:
        """The one result of a task."""
        (only,) = self.results(task, host)
        return only

    def modules(self) -> dict[str, list[str]]:
        """The module files that each task started as processes, by the output of -vvv."""
        started: dict[str, list[str]] = {}
        task = ""
        for line in self.output.splitlines():
            header = re.match(r"TASK \[(.+?)\] \*+", line)
            if header:
                task = header[1]
            used = re.search(r"Using module file \S*/plugins/modules/(\w+)\.py", line)
            if used and "ekspress" in line:
                started.setdefault(task, []).append(used[1])
        return started


class Playground:
    """A directory with an inventory; each playbook runs in it with an environment of its own."""

    def __init__(self, directory: Path, environment: dict[str, str]) -> None:
        self.directory = directory
        self.environment = environment
        self.count = directory / "starts"
        self.python = directory / "bin" / "python"
        self.python.parent.mkdir(parents=True)
        self.python.write_text(f'#!/bin/sh\necho start >> "{self.count}"\nexec "{sys.executable}" "$@"\n')
        self.python.chmod(0o755)

    def interpreter(self, way: str) -> str:
        """The ansible_python_interpreter that makes modules run this way."""
        return "{{ ansible_playbook_python }}" if way == WAYS[0] else str(self.python)

    def start(
        self,
        plays: list[dict[str, Any]],
        hosts: dict[str, dict[str, Any]],
        arguments: tuple[str, ...] = (),
        **environment: str,
    ) -> Started:
        """Start ansible-playbook."""
        name = uuid.uuid4().hex
        home = self.directory / name
        home.mkdir()
        for host in hosts.values():
            host.setdefault("ansible_connection", "local")
        inventory = home / "inventory.yml"
        inventory.write_text(yaml.safe_dump({"all": {"hosts": hosts}}))
        # Not where ansible-playbook is started: a module runs in the playbook's directory.
        playbook = home / "play" / "playbook.yml"
        playbook.parent.mkdir()
        playbook.write_text(yaml.safe_dump(plays, sort_keys=False))
        return Started(self, home, ["-i", str(inventory), *arguments, str(playbook)], environment)

    def run(self, *arguments: Any, **environment: Any) -> Run:
        """Run ansible-playbook to its end; arguments are those of ``start``."""
        return self.start(*arguments, **environment).end()


class Started:
    """A run of ansible-playbook under way."""

    def __init__(self, ground: Playground, home: Path, arguments: list[str], environment: dict[str, str]) -> None:
        self._ground = ground
        self._record = home / "record"
        self._output = home / "output"
        self.mark = f"CONTRACT_RUN={home.name}"
        with self._output.open("wb") as output:
            self.process = subprocess.Popen(
                [str(Path(sys.executable).with_name("ansible-playbook")), *arguments],
                cwd=home,
                env={
                    **os.environ,
                    **ground.environment,
                    "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS),
                    "ANSIBLE_CALLBACKS_ENABLED": "ekspress_test.contract.record",
                    "ANSIBLE_PIPELINING": "true",
                    "ANSIBLE_NOCOLOR": "true",
                    "ANSIBLE_HOME": str(home / "ansible"),
                    # Its default depends on who expands ~: a job's start by HOME, its status by the user's record.
                    "ANSIBLE_ASYNC_DIR": str(home / "async"),
                    "ANSIBLE_LOCALHOST_WARNING": "false",
                    "CONTRACT_RECORD": str(self._record),
                    "CONTRACT_RUN": home.name,
                    **environment,
                },
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def interrupt(self) -> None:
        """Press Ctrl-C."""
        self.process.send_signal(signal.SIGINT)

    def end(self) -> Run:
        """Wait for the end, of ansible-playbook and of all that it started."""
        try:
            code = self.process.wait(RUN_SECONDS)
        finally:
            if self.process.poll() is None:
                self.process.kill()
                self.process.wait()
        wait_until(lambda: not self.processes(), f"the end of every process of {self.mark}")
        records = self._record.read_text().splitlines() if self._record.exists() else []
        starts = self._ground.count.read_text().count("start") if self._ground.count.exists() else 0
        return Run(self._output.read_text(), code, [json.loads(line) for line in records], starts)

    def processes(self) -> list[int]:
        """The processes of this run that are there."""
        found = []
        for path in Path("/proc").glob("[0-9]*"):
            try:
                if self.mark.encode() in (path / "environ").read_bytes().split(b"\0"):
                    found.append(int(path.name))
            except OSError:
                continue
        return found
