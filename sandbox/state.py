# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is running, as one JSON file that every command, test and program reads.

The file is `state.json` in the sandbox's directory; `sandbox/README.md` documents its keys. It is replaced
atomically, so a reader never sees half of it and a killed writer leaves the one before.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sandbox.process import ROOT

VERSION = 1


def directory() -> Path:
    """Return the sandbox's directory: EKSPRESS_SANDBOX_DIR, or .sandbox in the checkout."""
    return Path(os.environ.get("EKSPRESS_SANDBOX_DIR") or ROOT / ".sandbox").resolve()


def socket_directory(base: Path) -> Path:
    """Return where this sandbox's Unix sockets are: short, as their paths may have 107 bytes at most."""
    digest = hashlib.sha256(str(base).encode()).hexdigest()[:12]
    return Path(tempfile.gettempdir(), f"ekspress-{os.getuid()}-{digest}")


class State:
    """The sandbox's state file; changes are made by one locked process at a time, from any of its threads."""

    def __init__(self, base: Path) -> None:
        self.base = base
        self.path = base / "state.json"
        self._guard = threading.Lock()
        self.data: dict[str, Any] = self._read()

    def _read(self) -> dict[str, Any]:
        empty: dict[str, Any] = {"version": VERSION, "directory": str(self.base)}
        empty |= {"environment": {}, "clusters": {}, "aws": {}, "registry": {}}
        try:
            data = json.loads(self.path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return empty
        except ValueError:
            # Its processes are then unknown ones, which `up` and `down` find by their mark and end.
            return empty
        # A copied or moved checkout must not take over the processes of the one it came from.
        if data.get("version") != VERSION or data.get("directory") != str(self.base):
            return empty
        return dict(data)

    def change(self, section: str, key: str | None = None, /, **values: Any) -> None:
        """Merge values into a section (or one entry of it) and write the file."""
        with self._guard:
            target = self.data[section] if key is None else self.data[section].setdefault(key, {})
            target.update(values)
            self._write()

    def remove(self, section: str, key: str | None = None) -> None:
        """Empty a section or remove one entry of it, and write the file."""
        with self._guard:
            if key is None:
                self.data[section] = {}
            else:
                self.data[section].pop(key, None)
            self._write()

    def put(self, key: str, value: Any) -> None:
        """Set a top-level key and write the file."""
        with self._guard:
            self.data[key] = value
            self._write()

    def _write(self) -> None:
        text = json.dumps(self.data, indent=2, sort_keys=True) + "\n"
        write_file(self.path, text)


def write_file(path: Path, text: str, mode: int = 0o600) -> None:
    """Write a file so that it holds either the old or the new text whenever the machine stops."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(name, mode)
        os.replace(name, path)
    except OSError:
        os.unlink(name)
        raise


def prepare(base: Path) -> None:
    """Create the sandbox's directory, private to its user and ignored by git."""
    base.mkdir(parents=True, exist_ok=True, mode=0o700)
    ignore = base / ".gitignore"
    if not ignore.exists():
        write_file(ignore, "*\n")


@contextmanager
def locked(base: Path) -> Iterator[None]:
    """Hold the sandbox's lock; the kernel releases it even if the holder is killed."""
    prepare(base)
    with (base / "lock").open("w", encoding="ascii") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(f"waiting for another sandbox command in {base}", flush=True)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
