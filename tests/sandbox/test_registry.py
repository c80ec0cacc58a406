# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The registry holds the stand-in charts, and only what changed is pushed."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from sandbox.registry import CHARTS, Registry, digests
from sandbox.state import State, locked
from tests.sandbox_fixtures import RunningSandbox
from tests.support import PATIENCE


def pull(sandbox: RunningSandbox, chart: str, version: str, target: Path) -> Path:
    """Pull a chart with Helm and return its archive."""
    state = sandbox.state
    command = [f"{state['bin']}/helm", "pull", f"{state['registry']['charts']}/{chart}", "--version", version]
    environment = os.environ | {f"HELM_{kind}_HOME": str(target / kind) for kind in ("CACHE", "CONFIG", "DATA")}
    command += ["--plain-http", "--destination", str(target)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=PATIENCE)
    assert done.returncode == 0, done.stderr
    (archive,) = target.glob("*.tgz")
    return archive


def charts() -> list[tuple[str, str]]:
    """Return name and version of every stand-in chart."""
    found = []
    for file in sorted(CHARTS.glob("*/Chart.yaml")):
        lines = file.read_text(encoding="utf-8").splitlines()
        (version,) = [line.split(":", 1)[1].strip().strip('"') for line in lines if line.startswith("version:")]
        found.append((file.parent.name, version))
    return found


@pytest.mark.parametrize(("chart", "version"), charts())
def test_every_stand_in_chart_can_be_pulled(sandbox: RunningSandbox, tmp_path: Path, chart: str, version: str) -> None:
    assert pull(sandbox, chart, version, tmp_path).name == f"{chart}-{version}.tgz"


def test_only_a_changed_chart_is_pushed_again(sandbox: RunningSandbox) -> None:
    name = next(iter(digests()))
    pushed = sandbox.directory / "registry" / "pushed.json"
    # As a command does, for other workers add clusters to this sandbox.
    with locked(sandbox.directory):
        registry = Registry(State(sandbox.directory))
        older = json.loads(pushed.read_text(encoding="utf-8")) | {name: "older"}
        pushed.write_text(json.dumps(older), encoding="utf-8")
        registry.state.change("registry", pushed={})
        assert not registry.healthy()
        assert registry.up(lambda: Path(registry.state.data["bin"])) == f"pushed {name}"
        assert registry.healthy()
    assert sandbox.state["registry"]["pushed"] == digests()
