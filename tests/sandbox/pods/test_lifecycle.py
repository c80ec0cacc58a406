# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The programs of pods belong to their sandbox: left alone by `up`, started again with their loop, ended by `down`."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from typing import Any

from sandbox import process
from sandbox.control_plane import BACKGROUND
from sandbox.pods import addresses
from tests.sandbox.conftest import Box, make_box
from tests.sandbox_fixtures import RunningSandbox
from tests.support import wait_until

from .workloads import Namespace, answer_of

__all__ = ["make_box"]


def running(box: Box) -> dict[str, Any]:
    """Return the process of the one pod that runs, empty where none does."""
    found = addresses.read(box.directory / "clusters" / "sandbox-blue" / "pods.json")
    return next((entry["process"] for entry in found.values() if process.alive(entry["process"])), {})


def test_programs_live_and_end_with_their_sandbox(make_box: Callable[[str], Box]) -> None:
    box = make_box("box")
    box.up()
    space = Namespace(RunningSandbox(box.directory), "traefik")
    space.apply("v1", "Namespace", "traefik")
    space.traefik("traefik")
    space.ready("traefik")
    first = running(box)
    assert "already up" in box.up()
    assert running(box) == first
    status = box.run("status").stdout
    assert "pod traefik/traefik-" in status
    # What a killed component had no part in stays as it is.
    os.kill(box.processes()["registry"], signal.SIGKILL)
    box.up()
    assert running(box) == first
    # A loop that is killed leaves a program that nobody looks after.
    os.kill(box.processes()[BACKGROUND], signal.SIGKILL)
    assert f"started again: {BACKGROUND}" in box.up()
    wait_until(lambda: running(box), "the program's next start")
    assert not process.alive(first)
    space.ready("traefik")
    assert answer_of(space.port("traefik", "traefik"), "/ping")[0] == 200
    last = running(box)
    space.close()
    assert box.run("down").returncode == 0
    assert not box.owned()
    assert not process.alive(last)
