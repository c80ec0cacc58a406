# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The OCI registry that stands in ECR's place, and the stand-in charts in it."""

from __future__ import annotations

import hashlib
import http.client
import json
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from sandbox import process
from sandbox.errors import SandboxError
from sandbox.state import State, write_file

CHARTS = Path(__file__).resolve().parent / "charts"
PREVIOUS_VERSION = "ekspress.eks/previous-version"
PREVIOUS_APP_VERSION = "ekspress.eks/previous-app-version"
"""Annotations of a stand-in chart: the versions of upstream's chart before it, under which it is pushed as well."""

_START_TIMEOUT = 180.0


@dataclass(frozen=True)
class Version:
    """A version of a stand-in chart in the registry."""

    chart: str
    version: str
    app_version: str


class Registry:
    """The one registry of a sandbox; what is pushed outlives `down`, not `reset`."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.storage = state.base / "registry"

    def healthy(self) -> bool:
        """Tell whether its process runs, answers and holds the charts of now."""
        entry = self.state.data["registry"]
        return process.alive(entry.get("process")) and self._answers(entry["port"]) and entry.get("pushed") == digests()

    def up(self, find_binaries: Callable[[], Path]) -> str:
        """Start it where it does not run, and push the charts that changed; return what was done."""
        entry = self.state.data["registry"]
        binaries = find_binaries()
        done = []
        if not (process.alive(entry.get("process")) and self._answers(entry["port"])):
            process.end_identities([entry.get("process")])
            self._start(binaries, entry.get("port"))
            done.append("started")
        pushed = self._pushed()
        wanted = digests()
        changed = [name for name, digest in wanted.items() if pushed.get(name) != digest]
        if changed:
            self._push(binaries, [version for name in changed for version in versions(name)])
        # Beside what it describes, as both outlive `down`.
        write_file(self.storage / "pushed.json", json.dumps(pushed | wanted, indent=2, sort_keys=True) + "\n")
        self.state.change("registry", pushed=wanted)
        if changed:
            done.append(f"pushed {', '.join(changed)}")
        return "; ".join(done) or "unchanged"

    def _pushed(self) -> dict[str, str]:
        try:
            return dict(json.loads((self.storage / "pushed.json").read_text(encoding="utf-8")))
        except (FileNotFoundError, ValueError):
            return {}

    def _start(self, binaries: Path, old_port: int | None) -> None:
        port = old_port if old_port and process.port_is_free(old_port) else process.free_ports(1)[0]
        configuration = self.storage / "config.yml"
        content = {
            "version": 0.1,
            "log": {"level": "warn", "accesslog": {"disabled": True}},
            "storage": {"filesystem": {"rootdirectory": str(self.storage / "data")}, "delete": {"enabled": True}},
            "http": {"addr": f"127.0.0.1:{port}"},
        }
        write_file(configuration, json.dumps(content, indent=2) + "\n")
        log = self.storage / "registry.log"
        identity = process.spawn([binaries / "registry", "serve", configuration], self.state.base, log)
        self.state.change(
            "registry",
            process=identity,
            port=port,
            address=f"127.0.0.1:{port}",
            charts=f"oci://127.0.0.1:{port}/charts",
        )
        process.wait_until(lambda: self._answers(port), "the registry", log, identity, _START_TIMEOUT)

    def _answers(self, port: int) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            connection.request("GET", "/v2/")
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def _push(self, binaries: Path, wanted: list[Version]) -> None:
        """Pack all with one helm, as starting it takes longer than its work, and push them side by side."""
        with tempfile.TemporaryDirectory(prefix="ekspress-charts-") as home:
            sources = [Path(home) / "sources" / f"{version.chart}-{version.version}" for version in wanted]
            for version, source in zip(wanted, sources, strict=True):
                write_source(version, source)
            self._helm(binaries, home, ["package", *map(str, sources), "--destination", home])
            archives = [str(Path(home) / f"{source.name}.tgz") for source in sources]
            target = self.state.data["registry"]["charts"]
            with ThreadPoolExecutor(max_workers=2) as pool:
                pushes = [["push", archive, target, "--plain-http"] for archive in archives]
                list(pool.map(lambda push: self._helm(binaries, home, push), pushes))

    def _helm(self, binaries: Path, home: str, arguments: list[str]) -> None:
        folders = {f"HELM_{kind}_HOME": f"{home}/{kind.lower()}" for kind in ("CACHE", "CONFIG", "DATA")}
        extra = process.environment(self.state.base, folders)
        done = subprocess.run(
            [str(binaries / "helm"), *arguments], env=extra, capture_output=True, text=True, check=False, timeout=300
        )
        if done.returncode:
            raise SandboxError(f"helm {' '.join(arguments)} failed: {done.stderr.strip() or done.stdout.strip()}")


def versions(chart: str) -> list[Version]:
    """Return the versions of a stand-in chart that the registry holds: its own, then the one before it."""
    described = _described(CHARTS / chart)
    notes = described.get("annotations", {})
    if PREVIOUS_VERSION not in notes or PREVIOUS_APP_VERSION not in notes:
        raise SandboxError(
            f"{CHARTS / chart} does not say which version was before {described['version']}, to upgrade from",
            f"add the annotations {PREVIOUS_VERSION} and {PREVIOUS_APP_VERSION}, those of upstream's release before",
        )
    return [
        Version(chart, str(described["version"]), str(described["appVersion"])),
        Version(chart, str(notes[PREVIOUS_VERSION]), str(notes[PREVIOUS_APP_VERSION])),
    ]


def write_source(version: Version, directory: Path) -> None:
    """Write a stand-in chart as it is packed for a version: with that version's numbers, and the image's tag of it."""
    shutil.copytree(CHARTS / version.chart, directory)
    described = _described(directory)
    newest = str(described["appVersion"])
    described |= {"version": version.version, "appVersion": version.app_version}
    (directory / "Chart.yaml").write_text(yaml.safe_dump(described), encoding="utf-8")
    values = directory / "values.yaml"
    values.write_text(values.read_text(encoding="utf-8").replace(newest, version.app_version), encoding="utf-8")


def _described(chart: Path) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((chart / "Chart.yaml").read_text(encoding="utf-8"))
    return found


def digests() -> dict[str, str]:
    """Return the digest of every stand-in chart's content."""
    return {chart.parent.name: _digest(chart.parent) for chart in sorted(CHARTS.glob("*/Chart.yaml"))}


def _digest(chart: Path) -> str:
    total = hashlib.sha256()
    for file in sorted(path for path in chart.rglob("*") if path.is_file()):
        content = file.read_bytes()
        total.update(f"{file.relative_to(chart)}\0{len(content)}\0".encode())
        total.update(content)
    return total.hexdigest()
