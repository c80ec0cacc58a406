# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Runs commands side by side and tells how each went: one line where it passes, its whole output where it fails."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / ".build"
VENV = Path(sys.prefix)
CORES = len(os.sched_getaffinity(0))
SEARCHED = {"PATH": f"{VENV / 'bin'}{os.pathsep}{os.environ.get('PATH', os.defpath)}"}
"""Linters start Ansible's programs by name, whoever starts them."""


def program(name: str) -> str:
    """Path of a program of the virtual environment."""
    return str(VENV / "bin" / name)


@dataclass(frozen=True)
class Step:
    """A command, or a function that prepares and then gives one."""

    title: str
    command: Sequence[str] | Callable[[], Sequence[str]]
    environment: Mapping[str, str] = field(default_factory=dict)
    directory: Path = ROOT
    refuses: str = ""
    """Text in the output by which a program says that something is wrong although it exits with 0."""


@dataclass(frozen=True)
class Outcome:
    """How a step ended: its output, its time in seconds, and whether it passed."""

    title: str
    passed: bool
    seconds: float
    output: str


def run(step: Step) -> Outcome:
    """Run one step to its end."""
    began = time.monotonic()
    try:
        command = step.command() if callable(step.command) else step.command
        done = subprocess.run(
            command,
            cwd=step.directory,
            env={**os.environ, **SEARCHED, **step.environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            check=False,
        )
    except (OSError, subprocess.SubprocessError) as error:
        return Outcome(step.title, False, time.monotonic() - began, f"{type(error).__name__}: {error}")
    passed = done.returncode == 0 and not (step.refuses and step.refuses in done.stdout)
    return Outcome(step.title, passed, time.monotonic() - began, done.stdout)


def run_all(steps: Sequence[Step], at_once: int = CORES) -> list[Outcome]:
    """Run all steps, in order as places get free; each is told about as it ends. A failure stops no other step."""
    lock = threading.Lock()
    width = max(len(step.title) for step in steps)

    def one(step: Step) -> Outcome:
        outcome = run(step)
        with lock:
            print(
                f"{'ok    ' if outcome.passed else 'FAILED'}  {step.title:<{width}}  {outcome.seconds:6.1f} s",
                flush=True,
            )
            if not outcome.passed:
                print("".join(f"    {line}\n" for line in outcome.output.rstrip().splitlines()), end="", flush=True)
        return outcome

    with ThreadPoolExecutor(max_workers=max(at_once, 1)) as pool:
        return list(pool.map(one, steps))
