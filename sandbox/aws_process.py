# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The process of the emulated AWS account: one a sandbox."""

from __future__ import annotations

import http.client
import json
from typing import Any

from sandbox import process
from sandbox.binaries import kubernetes_version
from sandbox.control_plane import ControlPlane
from sandbox.errors import SandboxError
from sandbox.state import State

_START_TIMEOUT = 180.0
_ANSWER_TIMEOUT = 300.0


class Aws:
    """The account. It lives in the memory of its process: a new process is a new account."""

    def __init__(self, state: State) -> None:
        self.state = state

    def healthy(self) -> bool:
        """Tell whether its process runs, answers and knows every cluster."""
        entry = self.state.data["aws"]
        registered = set(entry.get("registered", ())) == set(self.state.data["clusters"])
        return bool(process.alive(entry.get("process")) and registered and self._answers(entry["port"]))

    def up(self, port: int) -> str:
        """Start it on a port where it does not run; return what was done."""
        entry = self.state.data["aws"]
        if process.alive(entry.get("process")) and self._answers(entry["port"]):
            return "unchanged"
        process.end_identities([entry.get("process")])
        lost = bool(entry.get("registered"))
        log = self.state.base / "aws" / "server.log"
        self.state.remove("aws")
        command = [process.python(), "-m", "sandbox.aws", "--port", str(port)]
        command += ["--port-file", str(log.parent / "port"), "--authority", str(log.parent)]
        identity = process.spawn(command, self.state.base, log)
        self.state.change("aws", process=identity, port=port, endpoint=f"http://127.0.0.1:{port}", registered=[])
        process.wait_until(lambda: self._answers(port), "the AWS server", log, identity, _START_TIMEOUT)
        return "started anew; what was made in the emulated account before is gone" if lost else "started"

    def empty(self) -> None:
        """Forget everything in the account, faults and the log of calls too."""
        self.state.change("aws", registered=[])
        self._call("POST", "/sandbox/reset", {})

    def fill(self, names: list[str]) -> None:
        """Make the fixtures of clusters; those that exist stay as they are."""
        self._call("POST", "/sandbox/fixtures", {"clusters": names})

    def register(self, plane: ControlPlane) -> None:
        """Give a cluster the address, certificate authority, issuer, version and authenticator of its control plane."""
        body = {
            "region": plane.region,
            "endpoint": plane.endpoint,
            "ca_data": plane.ca_data(),
            "issuer": plane.issuer,
            "version": kubernetes_version().removeprefix("v").rpartition(".")[0],
            "authenticator": str(plane.authenticator_files),
        }
        self._call("PUT", f"/sandbox/clusters/{plane.name}", body)
        known = sorted({*self.state.data["aws"]["registered"], plane.name})
        self.state.change("aws", registered=known)

    def _answers(self, port: int) -> bool:
        try:
            return self._request(port, "GET", "/sandbox/health", None)[0] == 200
        except (OSError, http.client.HTTPException):
            return False

    def _call(self, method: str, path: str, body: Any) -> None:
        status, text = self._request(self.state.data["aws"]["port"], method, path, body)
        if status >= 300:
            log = self.state.base / "aws" / "server.log"
            raise SandboxError(f"the AWS server answered {method} {path} with {status}: {text}", process.tail(log))

    def _request(self, port: int, method: str, path: str, body: Any) -> tuple[int, str]:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_ANSWER_TIMEOUT)
        try:
            data = None if body is None else json.dumps(body)
            connection.request(method, path, data, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            return answer.status, answer.read().decode("utf-8", "replace")
        finally:
            connection.close()
