# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A sandbox of tests ends with the last of its users, even where they are killed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from sandbox import process
from tests.support import wait_until

USER = """
import sys
from pathlib import Path
from tests.sandbox_guard import guarded

with guarded(Path(sys.argv[1])):
    print("in use", flush=True)
    input()
"""


def start(directory: Path) -> subprocess.Popen[str]:
    """Start a process that uses a sandbox until its input ends."""
    child = subprocess.Popen(
        [sys.executable, "-c", USER, str(directory)],
        cwd=process.ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "in use\n"
    return child


def test_a_killed_user_leaves_nothing_running(tmp_path: Path) -> None:
    directory = tmp_path / "sandbox"
    users = [start(directory), start(directory)]
    pause = [sys.executable, "-c", "import signal; signal.pause()"]
    of_the_sandbox = process.spawn(pause, directory, directory / "log")
    try:
        users[0].kill()
        users[0].communicate()
        count = tmp_path / "sandbox.users"
        wait_until(lambda: count.read_text(encoding="ascii") == "1", "the end of the first user")
        assert process.alive(of_the_sandbox)
        users[1].kill()
        users[1].communicate()
        wait_until(lambda: not process.alive(of_the_sandbox), "the end of the sandbox")
    finally:
        process.end_identities([of_the_sandbox])
