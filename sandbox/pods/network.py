# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the programs that really run may reach: an HTTP proxy that knows the cluster's pods and Services, nothing else.

Programs are told of it by HTTP_PROXY, so that a connection to a pod's address becomes a request to this proxy instead
of a packet. A pod that runs is connected to; one that KWOK plays answers what it was asked; all else is refused.
"""

from __future__ import annotations

import json
import re
import socketserver
from urllib.parse import urlsplit

from sandbox.egress_answers import Control, echo
from sandbox.egress_lookup import Lookup
from sandbox.egress_proxy import Refused, Threads, Tunnel, connected, join
from sandbox.kube_client import KubeClient
from sandbox.pods import addresses

_SERVICE_NAME = re.compile(r"(?P<name>[a-z0-9-]+)\.(?P<namespace>[a-z0-9-]+)\.svc(\.cluster\.local\.?)?")
_LONGEST_BODY = 1 << 20


class ServiceLookup(Lookup):
    """Knows Services by their addresses and names too, as a node's network does."""

    def resolve(self, client: KubeClient, address: str, port: int) -> tuple[str, int]:
        """Return the address and port of a Service's first ready endpoint; what is no Service is left as it is."""
        found = _SERVICE_NAME.fullmatch(address)
        if found is not None:
            services = [(found["namespace"], found["name"])]
        else:
            path = f"/api/v1/services?fieldSelector=spec.clusterIP%3D{address}"
            metas = [item["metadata"] for item in client.get(path)["items"]]
            services = [(meta["namespace"], meta["name"]) for meta in metas]
        for namespace, name in services:
            for endpoint in addresses.endpoints(client, namespace, name, port):
                return endpoint
        return address, port


class Network(Threads, socketserver.TCPServer):
    """The proxy, on a free port of 127.0.0.1."""

    allow_reuse_address = True

    def __init__(self, lookup: Lookup, control: Control) -> None:
        super().__init__(("127.0.0.1", 0), Forward)
        self.lookup = lookup
        self.control = control

    @property
    def url(self) -> str:
        """What HTTP_PROXY is set to."""
        return f"http://127.0.0.1:{self.server_address[1]}"


class Forward(Tunnel):
    """A request for an absolute URL, or a CONNECT."""

    def _forward(self) -> None:
        self.close_connection = True
        parts = urlsplit(self.path)
        try:
            target = self.target(parts.hostname or "", parts.port or 80)
            program = connected(target)
        except (Refused, ValueError) as error:
            self.refuse(parts.netloc, error)
            return
        path = parts._replace(scheme="", netloc="").geturl() or "/"
        if program is None:
            self._play(target.pod, path)
            return
        upgrade = "upgrade" in self.headers.get("Connection", "").lower()
        lines = [f"{self.command} {path} {self.request_version}"]
        for name, value in self.headers.items():
            if not name.lower().startswith("proxy-") and (upgrade or name.lower() != "connection"):
                lines.append(f"{name}: {value}")
        if not upgrade:
            lines.append("Connection: close")
        program.sendall("\r\n".join([*lines, "", ""]).encode("latin-1"))
        join(self.connection, program, self.rfile.read1)

    def _play(self, pod: str, path: str) -> None:
        self.rfile.read(min(int(self.headers.get("Content-Length") or 0), _LONGEST_BODY))
        data = json.dumps(echo(pod, self.command, path, self.headers.items())).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = _forward

    def address_string(self) -> str:
        """Return the peer's name for the log."""
        return "program"
