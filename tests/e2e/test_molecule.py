# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Every molecule scenario: converge, idempotence, verify, cleanup, on a sandbox that the scenario default makes."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from sandbox.process import ROOT
from tests.e2e.playbook import BIN
from tests.sandbox_guard import guarded


def test_all_scenarios(tmp_path: Path) -> None:
    environment = os.environ | {
        "EKSPRESS_SANDBOX_DIR": str(tmp_path / "sandbox"),
        # Its default is one directory for all checkouts of the same name.
        "MOLECULE_EPHEMERAL_DIRECTORY": str(tmp_path / "molecule"),
        "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
    }
    command = [str(BIN / "molecule"), "test", "--all", "--report", "--command-borders"]
    # Molecule leaves the sandbox running where a scenario fails.
    with guarded(tmp_path / "sandbox"):
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    print(done.stdout[-20000:], done.stderr[-20000:])
    assert done.returncode == 0
