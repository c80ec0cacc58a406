# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The registry holds the stand-in charts, and only what changed is pushed."""

from __future__ import annotations

import json
import os
import subprocess
import tarfile
from pathlib import Path

import pytest
import yaml

from sandbox.errors import SandboxError
from sandbox.registry import Registry, Version, digests, versions
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


def content(archive: Path, name: str) -> bytes:
    """A file of a chart's archive."""
    with tarfile.open(archive) as packed:
        (file,) = [packed.extractfile(member) for member in packed if member.name.partition("/")[2] == name]
        assert file is not None
        return file.read()


@pytest.mark.parametrize(
    "version",
    [version for chart in digests() for version in versions(chart)],
    ids=lambda version: f"{version.chart}-{version.version}",
)
def test_every_stand_in_chart_can_be_pulled_in_both_versions(
    sandbox: RunningSandbox, tmp_path: Path, version: Version
) -> None:
    archive = pull(sandbox, version.chart, version.version, tmp_path)
    assert archive.name == f"{version.chart}-{version.version}.tgz"
    described = yaml.safe_load(content(archive, "Chart.yaml"))
    assert (described["name"], described["version"]) == (version.chart, version.version)
    assert described["appVersion"] == version.app_version
    assert described["annotations"]["ekspress.eks/stand-in"] == "true"
    tag = yaml.safe_load(content(archive, "values.yaml"))["image"]["tag"]
    # Where the chart names no tag, its appVersion is meant.
    assert tag in (None, "", f"v{version.app_version.removeprefix('v')}")


@pytest.mark.parametrize("chart", digests())
def test_the_version_before_is_older(chart: str) -> None:
    newest, before = ([int(part) for part in version.version.split(".")] for version in versions(chart))
    assert before < newest


def test_a_chart_that_does_not_say_what_was_before_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "Chart.yaml").write_text("name: x\nversion: 1.0.0\n", encoding="utf-8")
    monkeypatch.setattr("sandbox.registry.CHARTS", tmp_path)
    with pytest.raises(SandboxError, match=r"does not say which version was before 1\.0\.0"):
        versions("x")


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
