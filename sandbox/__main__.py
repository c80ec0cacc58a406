# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""python3 -m sandbox, with any Python: the commands run with that of .venv, which has the packages they need."""

from __future__ import annotations

import os
import sys
from importlib import import_module
from pathlib import Path

VENV = Path(__file__).resolve().parent.parent / ".venv"


def main() -> int:
    """Run one command and return its exit code."""
    python = VENV / "bin" / "python"
    if Path(sys.prefix) != VENV and Path(sys.executable) != python and python.exists():
        os.execv(python, [str(python), "-m", "sandbox", *sys.argv[1:]])
    try:
        commands = import_module("sandbox.commands")
    except ModuleNotFoundError as error:
        print(f"error: {sys.executable} has no package {error.name}\nrun: make sandbox", file=sys.stderr)
        return 1
    return int(commands.main())


if __name__ == "__main__":
    sys.exit(main())
