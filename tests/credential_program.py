# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The exec credential program, imported from its file, and as a process of its own."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from sandbox.aws.client import UNWANTED
from sandbox.process import ROOT

PROGRAM = ROOT / "roles" / "kubeconfig" / "files" / "ekspress_credential.py"


def imported() -> ModuleType:
    """The program as a module."""
    spec = importlib.util.spec_from_file_location("ekspress_credential", PROGRAM)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@dataclass(frozen=True)
class Ended:
    """A run of the program."""

    code: int
    output: str
    errors: str

    @property
    def credential(self) -> dict[str, Any]:
        assert self.code == 0, self.errors
        return dict(json.loads(self.output))

    @property
    def token(self) -> str:
        return str(self.credential["status"]["token"])


def run(
    home: Path, *arguments: str, python: tuple[str, ...] = (), environment: Mapping[str, str] | None = None
) -> Ended:
    """Run the program with a home directory, and so a cache, of a test's own."""
    clean = {key: value for key, value in os.environ.items() if key not in UNWANTED and not key.startswith("XDG_")}
    done = subprocess.run(
        [sys.executable, *python, str(PROGRAM), *arguments],
        env={**clean, "HOME": str(home), **(environment or {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    return Ended(done.returncode, done.stdout, done.stderr)
