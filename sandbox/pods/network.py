# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the programs that really run may reach: a SOCKS proxy that knows the cluster's pods and Services, nothing else.

Programs are told of it by HTTP_PROXY, so that a connection to a pod's address is asked for here and no packet leaves
for it. (An HTTP proxy would not do: Go names it the Host header's host, not the address.) A pod that runs is connected
to; one that KWOK plays answers what it was asked; all else is refused.
https://www.rfc-editor.org/rfc/rfc1928
"""

from __future__ import annotations

import http.server
import ipaddress
import json
import re
import socket
import socketserver
import struct
from collections.abc import Iterator

from sandbox.egress_answers import Control, echo
from sandbox.egress_lookup import Lookup, Target
from sandbox.egress_proxy import Refused, Threads, connected, join, tls_context
from sandbox.kube_client import KubeClient
from sandbox.pods import addresses

_SERVICE_NAME = re.compile(r"(?P<name>[a-z0-9-]+)\.(?P<namespace>[a-z0-9-]+)\.svc(\.cluster\.local\.?)?")
_LONGEST_BODY = 1 << 20
_VERSION, _CONNECT = 5, 1
_NO_AUTHENTICATION, _NO_METHOD = 0, 0xFF
_SUCCEEDED, _REFUSED, _NOT_SUPPORTED = 0, 5, 7
_IPV4, _NAME, _IPV6 = 1, 3, 4
_TLS_HANDSHAKE = b"\x16"


class ServiceLookup(Lookup):
    """Knows Services by their addresses and names too, as a node's network does."""

    def resolve(self, client: KubeClient, address: str, port: int) -> tuple[str, int]:
        """Return the address and port of a Service's first ready endpoint; what is no Service is left as it is."""
        return next(self._endpoints(client, address, port), (address, port))

    def _endpoints(self, client: KubeClient, address: str, port: int) -> Iterator[tuple[str, int]]:
        found = _SERVICE_NAME.fullmatch(address)
        if found is not None:
            yield from addresses.endpoints(client, found["namespace"], found["name"], port)
        elif _is_address(address):
            path = f"/api/v1/services?fieldSelector=spec.clusterIP%3D{address}"
            for meta in [item["metadata"] for item in client.get(path)["items"]]:
                yield from addresses.endpoints(client, meta["namespace"], meta["name"], port)


class Network(Threads, socketserver.TCPServer):
    """The proxy, on a free port of 127.0.0.1."""

    allow_reuse_address = True

    def __init__(self, lookup: Lookup, control: Control) -> None:
        super().__init__(("127.0.0.1", 0), Connection)
        self.lookup = lookup
        self.control = control

    @property
    def url(self) -> str:
        """What HTTP_PROXY is set to."""
        return f"socks5://127.0.0.1:{self.server_address[1]}"


class Connection(socketserver.StreamRequestHandler):
    """One connection of a program to an address."""

    # Nothing of what follows the handshake may be read too early.
    rbufsize = 0
    server: Network

    def handle(self) -> None:
        """Connect to the pod at the address, or refuse."""
        asked = self._asked()
        if asked is None:
            return
        try:
            target = self.server.target(self.connection, *asked)
            program = connected(target)
        except Refused as error:
            print(f"{asked[0]}:{asked[1]}: {error}", flush=True)
            self._reply(_REFUSED)
            return
        self._reply(_SUCCEEDED)
        if program is not None:
            join(self.connection, program)
        else:
            self._play(target)

    def _asked(self) -> tuple[str, int] | None:
        """Return the address and the port that the program wants, None where it does not ask for any."""
        version, count = self._read(2)
        methods = self._read(count)
        if version != _VERSION or _NO_AUTHENTICATION not in methods:
            self.wfile.write(bytes([_VERSION, _NO_METHOD]))
            return None
        self.wfile.write(bytes([_VERSION, _NO_AUTHENTICATION]))
        _, command, _, kind = self._read(4)
        if kind == _NAME:
            host = self._read(self._read(1)[0]).decode("ascii", "replace")
        else:
            host = str(ipaddress.ip_address(self._read({_IPV4: 4, _IPV6: 16}[kind])))
        (port,) = struct.unpack("!H", self._read(2))
        if command != _CONNECT:
            self._reply(_NOT_SUPPORTED)
            return None
        return host, port

    def _read(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            more = self.rfile.read(count - len(data))
            if not more:
                raise ConnectionResetError("the program went away")
            data += more
        return data

    def _reply(self, code: int) -> None:
        self.wfile.write(bytes([_VERSION, code, 0, _IPV4]) + bytes(6))

    def _play(self, target: Target) -> None:
        first = self.connection.recv(1, socket.MSG_PEEK)
        if first == _TLS_HANDSHAKE:
            with tls_context(target).wrap_socket(self.connection, server_side=True) as stream:
                Played(stream, target)
        elif first:
            Played(self.connection, target)


class Played(http.server.BaseHTTPRequestHandler):
    """The HTTP side of a pod that KWOK plays: it tells who it is and what it was asked."""

    protocol_version = "HTTP/1.1"

    def __init__(self, stream: socket.socket, target: Target) -> None:
        self._target = target
        super().__init__(stream, ("program", 0), None)  # type: ignore[arg-type]

    def _answer(self) -> None:
        self.rfile.read(min(int(self.headers.get("Content-Length") or 0), _LONGEST_BODY))
        data = json.dumps(echo(self._target.pod, self.command, self.path, self.headers.items())).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        # A kept connection would go on answering for a pod that has gone since.
        self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = _answer

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Keep what is answered well out of the log."""

    def address_string(self) -> str:
        """Return the peer's name for the log."""
        return "program"


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
