# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Runs of one user on one machine take turns at a trust policy, so that they need not repair each other's writes.

Nothing depends on it for correctness: where no lock can be had, the run goes on without.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import random
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager

from ansible_collections.ekspress.eks.plugins.module_utils._context import Context
from ansible_collections.ekspress.eks.plugins.module_utils._errors import CancelledError

PATIENCE = 120.0
"""Seconds that the lock is waited for: a dozen runs on one role, each of which waits until its write shows."""

POLL = (0.02, 0.1)


def directory() -> str:
    """Where the locks are: a directory of this user alone, though the temporary directory is everybody's."""
    return os.path.join(tempfile.gettempdir(), f"ekspress.eks-{os.getuid()}")


@contextmanager
def turn(context: Context, key: str) -> Iterator[None]:
    """Hold the lock of ``key`` while the block runs. Raises CancelledError where the task is ended while waiting."""
    descriptor = _opened(key)
    if descriptor is None:
        yield
        return
    try:
        _wait(context, descriptor, key)
        yield
    finally:
        os.close(descriptor)  # which gives the lock back, as the end of the process does


def _opened(key: str) -> int | None:
    """The lock's file; None where there is no directory that is safe to make it in."""
    path = directory()
    try:
        os.makedirs(path, mode=0o700, exist_ok=True)
        found = os.lstat(path)
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or stat.S_IMODE(found.st_mode) & 0o077:
            return None
        name = hashlib.sha256(key.encode()).hexdigest()[:32]
        return os.open(
            os.path.join(path, f"trust-{name}"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600
        )
    except OSError:
        return None


def _wait(context: Context, descriptor: int, key: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                return
        except OSError:
            return
        else:
            return
        if context.cancelled.wait(random.uniform(*POLL)):
            raise CancelledError(f"The task was ended while another run was writing the trust policy of {key}.")
