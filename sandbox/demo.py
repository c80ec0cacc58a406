# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The main job, shown: python -m sandbox.demo converges a bare cluster, reads everything back, and runs again."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from pathlib import Path

from sandbox.errors import SandboxError
from sandbox.lifecycle import Sandbox
from sandbox.process import ROOT
from sandbox.readback import report
from sandbox.state import directory

USUAL_SECOND_RUN = 15.0
"""Seconds that a run with nothing to do takes at most, on two cores that have nothing else to do."""

RECAP = re.compile(r"^(?P<host>\S+)\s+: ok=(?P<ok>\d+)\s+changed=(?P<changed>\d+)\s+unreachable=(?P<unreachable>\d+)")


def main() -> int:
    """Run the demonstration; return 0 only if the second run changed nothing."""
    try:
        return _demonstrate()
    except SandboxError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted; make demo goes on from here, make down ends the sandbox", file=sys.stderr)
        return 130


def _demonstrate() -> int:
    heading("1. A bare EKS cluster and its AWS account, on this machine")
    sandbox = Sandbox(directory(), say=lambda text: print(text, flush=True))
    sandbox.up([])
    state = sandbox.status()

    heading("2. One playbook turns it into a platform")
    print("Warnings about two subnets are expected: as in real accounts, some are not what they seem.", flush=True)
    changed, seconds = converge(state["environment"])
    print(f"first run: changed={changed} in {seconds:.1f} s")
    if not changed:
        print("(An earlier run had converged this cluster; make down, then make demo, shows it from the start.)")

    heading("3. What exists now, read back from the APIs")
    for name in sorted(state["clusters"]):
        print(report(state, name))

    heading("4. The same playbook again")
    changed, seconds = converge(state["environment"])
    print(f"second run: changed={changed} in {seconds:.1f} s")
    if seconds > USUAL_SECOND_RUN:
        print(f"(Usual is less than {USUAL_SECOND_RUN:.0f} s: this machine has other work, or is slower than most.)")
    print("\nThe sandbox is still up (python3 -m sandbox status shows where). End it with: make down", flush=True)
    if changed:
        raise SandboxError("the second run changed something", "the tasks above that say changed are not idempotent")
    return 0


def heading(text: str) -> None:
    """Print a heading."""
    print(f"\n{text}\n{'-' * len(text)}", flush=True)


def converge(environment: dict[str, str]) -> tuple[int, float]:
    """Run the site playbook on the sandbox; return how many tasks changed something, and the seconds it took."""
    command = [str(Path(sys.executable).parent / "ansible-playbook"), "-i", "inventories/sandbox", "playbooks/site.yml"]
    print("$ ansible-playbook -i inventories/sandbox playbooks/site.yml", flush=True)
    began = time.monotonic()
    run = subprocess.Popen(command, cwd=ROOT, env=os.environ | environment, stdout=subprocess.PIPE, text=True)
    changed = 0
    for line in run.stdout or ():
        print(line, end="", flush=True)
        if recap := RECAP.match(line):
            changed += int(recap["changed"])
    if run.wait():
        raise SandboxError(f"the playbook ended with code {run.returncode}", "its last failed task says why")
    return changed, time.monotonic() - began


if __name__ == "__main__":
    sys.exit(main())
