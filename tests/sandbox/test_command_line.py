# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The command line works with the machine's Python, which has none of the packages."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from sandbox import process

BARE = (str(Path(sys.base_prefix) / "bin" / f"python{sys.version_info[0]}.{sys.version_info[1]}"), "-S")
"""The Python that .venv was made with, without any package."""


def run(checkout: Path, base: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command of the sandbox of a checkout with a bare Python."""
    environment = os.environ | {"EKSPRESS_SANDBOX_DIR": str(base)}
    command = [*BARE, "-m", "sandbox", *arguments]
    return subprocess.run(command, cwd=checkout, env=environment, capture_output=True, text=True, check=False)


def test_any_python_uses_the_environment_of_the_checkout(tmp_path: Path) -> None:
    """Status of a sandbox that is not up says how to start it."""
    done = run(process.ROOT, tmp_path / "box", "status")
    assert (done.returncode, done.stderr) == (3, "")
    assert done.stdout == f"not up ({tmp_path / 'box'}); start it with: make sandbox\n"


def test_without_an_environment_it_says_how_to_make_one(tmp_path: Path) -> None:
    """No traceback in a fresh clone."""
    shutil.copytree(process.ROOT / "sandbox", tmp_path / "sandbox", ignore=shutil.ignore_patterns("__pycache__"))
    done = run(tmp_path, tmp_path / "box", "up")
    assert done.returncode == 1
    assert "has no package" in done.stderr
    assert "run: make sandbox" in done.stderr
    assert "Traceback" not in done.stderr
