# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Everything that must hold: the linters, then one run of all tests. Ends with pytest's summary.

The sandbox's tools, which most tests run, are built in the background meanwhile where they are not cached.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from pathlib import Path

from scripts import lint
from scripts.steps import CORES, ROOT

BUILD_TOOLS = "from sandbox.binaries import ensure; ensure(lambda text: print(text, flush=True))"
ORDER = ("e2e", "contract_suite", "sandbox", "integration", "lint", "contract", "unit")
"""Directories of tests: those with the longest files first, so that no worker is left alone with one at the end."""
APART = ("benchmarks", "upstream")
"""Directories that have a target of their own."""
MOST_WORKERS = 4
"""A worker may run a control plane, which takes about 1 GiB."""
SECOND_TRIES = 3
"""Tests that failed and may try again, alone: where a machine stalls, a control plane may not come up in time.

What fails twice, or is more than this, fails the run; what passes then is named, for it wants mending too."""
TESTS_FAILED = 1
"""https://docs.pytest.org/en/stable/reference/exit-codes.html"""
LAST_FAILED = ".pytest_cache/v/cache/lastfailed"


class Tools:
    """The build of the sandbox's tools in the background, with its progress told line by line."""

    def __init__(self) -> None:
        command = [sys.executable, "-u", "-c", BUILD_TOOLS]
        self._process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self._teller = threading.Thread(target=self._tell)
        self._teller.start()

    def _tell(self) -> None:
        for line in self._process.stdout or ():
            print(f"tools: {line}", end="", flush=True)

    def built(self) -> bool:
        """Wait for the end of the build; whether it succeeded."""
        self._teller.join()
        return self._process.wait() == 0

    def stop(self) -> None:
        """End the build if it runs; the next one goes on from Go's cache."""
        if self._process.poll() is None:
            self._process.terminate()
        self._teller.join()


def main() -> int:
    """Run everything; return 0 only if all of it passed."""
    began = time.monotonic()
    tools = Tools()
    try:
        linted = lint.lint(lint.steps()) == 0
        waited = time.monotonic()
        if not tools.built():
            print("error: the sandbox's tools could not be built; the lines above that begin with tools: say why")
            return 1
        print(f"tools: ready, waited {time.monotonic() - waited:.0f} s for them after the linters", flush=True)
    finally:
        tools.stop()
    tested = test(ROOT, pytest_command(ROOT / "tests"))
    if not linted:
        print("lint failed: see its lines above, or run: make lint")
    elif tested:
        return 0
    print(f"failed after {time.monotonic() - began:.0f} s")
    return 1


def test(root: Path, command: list[str]) -> bool:
    """Run tests, and those that fail once more, alone, if they are few; whether all passed in the end."""
    (root / LAST_FAILED).unlink(missing_ok=True)
    code = subprocess.run(command, cwd=root, check=False).returncode
    failed = failed_tests(root) if code == TESTS_FAILED else []
    if not failed or len(failed) > SECOND_TRIES:
        return code == 0
    names = "\n".join(f"  {name}" for name in failed)
    print(f"failed, and run once more alone:\n{names}", flush=True)
    if subprocess.run([sys.executable, "-m", "pytest", *failed], cwd=root, check=False).returncode:
        return False
    print(f"UNSTABLE, passed at the second try only; find out why:\n{names}", flush=True)
    return True


def failed_tests(root: Path) -> list[str]:
    """The tests that failed in the last run, as pytest names them."""
    try:
        noted = json.loads((root / LAST_FAILED).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return []
    return sorted(noted)


def pytest_command(tests: Path) -> list[str]:
    """One run of every directory of tests, so that the summary counts them all."""
    names = sorted(path.name for path in tests.iterdir() if any(path.rglob("test_*.py")) and path.name not in APART)
    names.sort(key=lambda name: ORDER.index(name) if name in ORDER else len(ORDER))
    workers = max(2, min(CORES, MOST_WORKERS))
    # By itself xdist starts the files with most tests first, which are the fast ones.
    spread = ["-n", str(workers), "--dist", "loadfile", "--no-loadscope-reorder"]
    slow = ["--durations", "15", "--durations-min", "2"]
    return [sys.executable, "-m", "pytest", *spread, *slow, *(f"tests/{name}" for name in names)]


if __name__ == "__main__":
    sys.exit(main())
