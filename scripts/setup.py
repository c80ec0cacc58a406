# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Makes .venv: every Python package at its pinned, hashed version, and this checkout as the collection ekspress.eks.

Runs with the machine's Python and its standard library alone. Where nothing is to do it costs a few milliseconds: a
stamp holds what the environment was made from.
"""

from __future__ import annotations

import fcntl
import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
STAMP = VENV / "ekspress.stamp"
UV_REQUIREMENTS = ROOT / "requirements" / "uv.txt"
REQUIREMENTS = ROOT / "requirements" / "development.txt"
SUPPORTED = ((3, 11), (3, 13))
"""First and last Python that ansible-core 2.19 runs on."""


class SetupError(Exception):
    """The environment could not be made; the message says what to do."""


def main() -> int:
    """Make the environment if need be; return the exit code."""
    try:
        check_machine(ROOT)
        if _stamp() == [base(), pins()]:
            return 0
        with _alone():
            if _stamp() != [base(), pins()]:
                _make()
    except SetupError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def check_machine(root: Path) -> None:
    """Refuse a Python, a machine or a place of the checkout that cannot do."""
    first, last = SUPPORTED
    if not first <= sys.version_info[:2] <= last:
        raise SetupError(
            f"{sys.executable} is Python {sys.version.split()[0]}, and ansible-core 2.19 needs 3.11 to 3.13. "
            "Install Python 3.11, or name one: make PYTHON=/path/to/python3.11"
        )
    if shutil.which("git") is None:
        raise SetupError("git is not installed. Install it with the system's package manager.")
    # The programs in .venv/bin begin with "#!" and their path, which ends at a blank; PATH ends at a colon.
    if any(sign.isspace() or sign in ":#$" for sign in str(root)):
        raise SetupError(
            f"the path of the checkout, {root}, has a blank or one of : # $ in it, with which the programs of a "
            "virtual environment do not start. Move the checkout to a path without."
        )


def base() -> str:
    """What a virtual environment belongs to and cannot change: the Python and the place of the checkout."""
    return _digest(sys.version, sys.base_prefix, str(ROOT))


def pins() -> str:
    """What is installed into it."""
    return _digest(*(path.read_text(encoding="utf-8") for path in (UV_REQUIREMENTS, REQUIREMENTS, Path(__file__))))


def link_collection(packages: Path, root: Path) -> None:
    """Make the checkout importable as ``ansible_collections.ekspress.eks``, for Ansible, pytest and linters alike."""
    link = packages / "ansible_collections" / "ekspress" / "eks"
    link.parent.mkdir(parents=True, exist_ok=True)
    if link.is_symlink():
        link.unlink()
    link.symlink_to(root)


def _make() -> None:
    began = time.monotonic()
    print("setting up .venv: once, half a minute to two minutes", flush=True)
    if not (_stamp()[:1] == [base()] and PYTHON.exists()):
        shutil.rmtree(VENV, ignore_errors=True)
        _run([sys.executable, "-m", "venv", "--without-pip", str(VENV)], "free some space, or look at its permissions")
        STAMP.write_text(base(), encoding="ascii")
    _run(
        [*_pip(), "install", "--quiet", "--only-binary", ":all:", "--require-hashes", "-r", str(UV_REQUIREMENTS)],
        "look at the network and at pip's index (pip config list), then run the same command again",
    )
    _run(
        [
            str(VENV / "bin" / "uv"),
            "pip",
            "sync",
            "--quiet",
            "--require-hashes",
            "--python",
            str(PYTHON),
            str(REQUIREMENTS),
        ],
        "look at the network and at uv's index (UV_DEFAULT_INDEX), then run the same command again",
    )
    link_collection(next((VENV / "lib").glob("python3*/site-packages")), ROOT)
    STAMP.write_text(f"{base()}\n{pins()}", encoding="ascii")
    print(f"set up .venv in {time.monotonic() - began:.0f} s", flush=True)


def _pip() -> list[str]:
    """The command of a pip that installs into the environment: its own, or the machine's."""
    environment = [str(PYTHON), "-m"]
    if subprocess.run([*environment, "pip", "--version"], capture_output=True, check=False).returncode == 0:
        return [*environment, "pip"]
    if importlib.util.find_spec("ensurepip"):
        _run([*environment, "ensurepip"], "install the system's package for virtual environments (python3.11-venv)")
        return [*environment, "pip"]
    if importlib.util.find_spec("pip"):
        return [sys.executable, "-m", "pip", "--python", str(PYTHON)]
    raise SetupError(
        f"{sys.executable} has neither ensurepip nor pip. Install one of them; on Debian and Ubuntu: "
        "apt-get install python3.11-venv"
    )


def _run(command: list[str], advice: str) -> None:
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, cwd=ROOT)
    if done.returncode:
        tail = "\n".join("  " + line for line in done.stdout.strip().splitlines()[-15:])
        raise SetupError(f"{' '.join(command)} failed:\n{tail}\nWhat to do: {advice}.")


def _stamp() -> list[str]:
    return STAMP.read_text(encoding="ascii").splitlines() if STAMP.exists() else []


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


@contextmanager
def _alone() -> Iterator[None]:
    """Two makes at once do not build the same environment; the kernel frees the lock of a killed one."""
    build = ROOT / ".build"
    build.mkdir(exist_ok=True)
    with (build / "setup.lock").open("w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


if __name__ == "__main__":
    # An environment cannot make itself anew: the Python that it was made with can.
    if sys.prefix != sys.base_prefix:
        machine_python = str(getattr(sys, "_base_executable", sys.executable))
        os.execv(machine_python, [machine_python, __file__])
    sys.exit(main())
