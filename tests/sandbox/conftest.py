# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Sandboxes of their own for the tests that start, kill and end them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from sandbox import process
from tests.sandbox_guard import guarded

Run = subprocess.CompletedProcess[str]

UP_SECONDS = 900
"""Longest time of a command, on a machine that is very busy."""


class Box:
    """A sandbox in a directory of its own, driven through its command line."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    @property
    def environment(self) -> dict[str, str]:
        """The environment of its commands."""
        return os.environ | {"EKSPRESS_SANDBOX_DIR": str(self.directory)}

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start a command and do not wait for it."""
        return subprocess.Popen(
            [sys.executable, "-m", "sandbox", *arguments],
            cwd=process.ROOT,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str) -> Run:
        """Run a command to its end."""
        child = self.start(*arguments)
        output, errors = child.communicate(timeout=UP_SECONDS)
        return Run(arguments, child.returncode, output, errors)

    def up(self, *names: str) -> str:
        """Bring it up and return what that said."""
        done = self.run("up", *names)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def state(self) -> dict[str, Any]:
        """Return the state file's content."""
        return dict(json.loads((self.directory / "state.json").read_text(encoding="utf-8")))

    def processes(self, cluster: str = "sandbox-blue") -> dict[str, int]:
        """Return the recorded processes by name."""
        state = self.state()
        found = {"aws": state["aws"]["process"], "registry": state["registry"]["process"]}
        found |= state["clusters"][cluster]["processes"]
        return {name: item["pid"] for name, item in found.items()}

    def owned(self) -> dict[int, int]:
        """Return the running processes that carry its mark."""
        return process.owned(self.directory)


@pytest.fixture
def make_box(tmp_path: Path) -> Iterator[Callable[[str], Box]]:
    """Make sandboxes that are ended after the test."""
    boxes: list[Box] = []
    with ExitStack() as guards:

        def make(name: str) -> Box:
            boxes.append(Box((tmp_path / name).resolve()))
            guards.enter_context(guarded(boxes[-1].directory))
            return boxes[-1]

        yield make
    for box in boxes:
        assert not box.owned()


@pytest.fixture
def box(make_box: Callable[[str], Box]) -> Box:
    """A sandbox that is not up yet."""
    return make_box("box")
