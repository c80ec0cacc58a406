# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Runs ansible-test sanity on a copy of the checkout: python -m scripts.sanity [arguments of ansible-test sanity].

ansible-test installs the pinned requirements of its tests into virtual environments of its own, and gets the first pip
of each from a script that it downloads from a host of the Ansible project. That is one host more than a package index,
which a build behind a mirror often does not reach. So the script is put where ansible-test looks for a downloaded one:
a few lines that install the same version of pip from its wheel, which pip itself got from the index by its hash.
"""

from __future__ import annotations

import fcntl
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from scripts import collection_tree
from scripts.steps import BUILD, ROOT, program

REQUIREMENTS = ROOT / "requirements" / "ansible-test-pip.txt"

BOOTSTRAP = '''\
"""Stands in for get-pip.py: installs pip {version} from the wheel beside this file."""

import sys
from pathlib import Path

wheel = Path(__file__).with_name("pip-{version}-py3-none-any.whl")
sys.path.insert(0, str(wheel))

from pip._internal.cli.main import main

sys.exit(main(["install", "--quiet", "--disable-pip-version-check", "--no-index", str(wheel)]))
'''


def pip_version() -> str:
    """The version of pip that ansible-test wants, as its requirements file pins it."""
    found = re.search(r"^pip==(\S+)", REQUIREMENTS.read_text(encoding="utf-8"), re.MULTILINE)
    if found is None:
        raise ValueError(f"{REQUIREMENTS} pins no pip; restore it, or run: make requirements")
    return found[1]


def provide_pip(cache: Path) -> None:
    """Put the script and its wheel into ansible-test's cache, unless a script is there."""
    version = pip_version()
    script = cache / f"get_pip_{version.replace('.', '_')}.py"
    if script.exists():
        return
    download = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes"]
    subprocess.run([*download, "--only-binary", ":all:", "-d", str(cache), "-r", str(REQUIREMENTS)], check=True)
    partial = script.with_suffix(f".{os.getpid()}")
    partial.write_text(BOOTSTRAP.format(version=version), encoding="ascii")
    partial.replace(script)


@contextmanager
def alone(cache: Path) -> Iterator[None]:
    """One ansible-test at a time: two at once would build the same virtual environment."""
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "ekspress.lock").open("w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def run(parent: Path, arguments: list[str]) -> int:
    """Run ansible-test sanity in the copy below parent with this environment's Python; return its exit code."""
    cache = Path.home() / ".ansible" / "test" / "cache"
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    command = [program("ansible-test"), "sanity", "--python", version, "--color", "no", *arguments]
    with alone(cache):
        provide_pip(cache)
        return subprocess.run(command, cwd=parent / collection_tree.COLLECTION, check=False).returncode


def main(arguments: list[str]) -> int:
    """Copy the checkout and run ansible-test there; return its exit code."""
    collection_tree.copy(ROOT, BUILD / "sanity")
    return run(BUILD / "sanity", arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
