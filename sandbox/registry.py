# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The OCI registry that stands in ECR's place, and the stand-in charts in it."""

from __future__ import annotations

import hashlib
import http.client
import json
import subprocess
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from sandbox import process
from sandbox.errors import SandboxError
from sandbox.state import State, write_file

CHARTS = Path(__file__).resolve().parent / "charts"
_START_TIMEOUT = 180.0


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
        with ThreadPoolExecutor(max_workers=2) as pool:
            list(pool.map(lambda name: self._push(binaries, name), changed))
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

    def _push(self, binaries: Path, name: str) -> None:
        with tempfile.TemporaryDirectory(prefix="ekspress-chart-") as home:
            self._helm(binaries, home, ["package", str(CHARTS / name), "--destination", home])
            (package,) = Path(home).glob("*.tgz")
            target = f"{self.state.data['registry']['charts']}"
            self._helm(binaries, home, ["push", str(package), target, "--plain-http"])

    def _helm(self, binaries: Path, home: str, arguments: list[str]) -> None:
        folders = {f"HELM_{kind}_HOME": f"{home}/{kind.lower()}" for kind in ("CACHE", "CONFIG", "DATA")}
        extra = process.environment(self.state.base, folders)
        done = subprocess.run(
            [str(binaries / "helm"), *arguments], env=extra, capture_output=True, text=True, check=False, timeout=300
        )
        if done.returncode:
            raise SandboxError(f"helm {' '.join(arguments)} failed: {done.stderr.strip() or done.stdout.strip()}")


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
