# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A kubeconfig on disk: read whole, replaced whole, for its owner alone."""

from __future__ import annotations

import contextlib
import os
import stat
import tempfile
import time
from dataclasses import dataclass

from ansible_collections.ekspress.eks.plugins.module_utils._errors import EksError

MODE = 0o600


@dataclass(frozen=True)
class Found:
    """A file as it was read; ``text`` is None where there is none."""

    path: str
    """Where it is, links followed: a link to it stays one."""
    text: str | None
    mode: int = MODE
    owner: tuple[int, int] = (-1, -1)


def read(path: str) -> Found:
    """Read the file. EksError where it is there and cannot be read."""
    real = os.path.realpath(os.path.expanduser(path))
    try:
        with open(real, encoding="utf-8", newline="") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise EksError(f"{path} is no ordinary file. Give another path.")
            return Found(real, file.read(), stat.S_IMODE(status.st_mode), (status.st_uid, status.st_gid))
    except FileNotFoundError:
        return Found(real, None)
    except UnicodeDecodeError as error:
        raise EksError(f"{path} is no text in UTF-8. Nothing was changed. Repair it, or give another path.") from error
    except OSError as error:
        raise EksError(f"{path} cannot be read: {error.strerror}. Correct its rights, or give another path.") from error


def write(found: Found, text: str, backup: bool) -> str:
    """Replace the file by a text, in one step, unless it changed since it was read; return the backup's path or ''.

    Raises ChangedMeanwhileError, and EksError where the file cannot be written: it is then as it was.
    """
    directory = os.path.dirname(found.path)
    kept = ""
    try:
        os.makedirs(directory, mode=0o700, exist_ok=True)
        if backup and found.text is not None:
            kept = f"{found.path}.{time.strftime('%Y-%m-%dT%H-%M-%S')}.{os.getpid()}~"
            os.replace(_beside(found, found.text), kept)
        new = _beside(found, text)
        try:
            if read(found.path).text != found.text:
                raise ChangedMeanwhileError(f"{found.path} was changed by somebody else several times. Run again.")
            os.replace(new, found.path)
        except BaseException:
            os.unlink(new)
            if kept:
                os.unlink(kept)
            raise
    except OSError as error:
        raise EksError(
            f"{found.path} cannot be written: {error.strerror}. It is as it was. Correct the rights of {directory}, or "
            "give another path."
        ) from error
    return kept


def restrict(found: Found) -> None:
    """Take the file's rights from all but its owner."""
    try:
        os.chmod(found.path, MODE)
    except OSError as error:
        raise EksError(f"The rights of {found.path} cannot be changed: {error.strerror}. Run as its owner.") from error


class ChangedMeanwhileError(EksError):
    """The file is no longer what was read."""


def _beside(found: Found, text: str) -> str:
    """A new file in the same directory with a text; its rights are its owner's alone from the start."""
    descriptor, path = tempfile.mkstemp(prefix=".ekspress-", dir=os.path.dirname(found.path))
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
            if found.text is not None:
                with contextlib.suppress(PermissionError):  # only root may, and only there it is needed
                    os.fchown(file.fileno(), *found.owner)
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        os.unlink(path)
        raise
    return path
