# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Ends a sandbox once all tests that use it have ended, however they ended: python -m tests.sandbox_guard DIRECTORY."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from sandbox.lifecycle import Sandbox
from sandbox.process import ROOT

READY = b"ready\n"


@contextmanager
def guarded(directory: Path) -> Iterator[None]:
    """Use a sandbox; the last of its users brings it down, one that was killed too."""
    guard = subprocess.Popen(
        [sys.executable, "-m", "tests.sandbox_guard", str(directory)],
        cwd=ROOT,
        # The other end closes when this process ends.
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        # Ctrl-C is for the tests alone.
        start_new_session=True,
    )
    assert guard.stdout is not None
    assert guard.stdout.readline() == READY
    try:
        yield
    finally:
        guard.communicate()
    assert guard.returncode == 0


@contextmanager
def _users(directory: Path) -> Iterator[Callable[[int], int]]:
    """Change the number of users, which nobody else does meanwhile."""
    count = directory.with_name(f"{directory.name}.users")
    with count.with_suffix(".lock").open("w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)

        def change(step: int) -> int:
            number = int(count.read_text(encoding="ascii") if count.exists() else 0) + step
            count.write_text(str(number), encoding="ascii")
            return number

        yield change


def main(directory: Path) -> None:
    """Wait for the end of one user."""
    with _users(directory) as change:
        change(1)
    sys.stdout.buffer.write(READY)
    sys.stdout.flush()
    while os.read(0, 4096):
        continue
    with _users(directory) as change:
        if change(-1) == 0:
            Sandbox(directory, say=lambda _text: None).down()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
