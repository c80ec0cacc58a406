# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The way out of one API server: an HTTP CONNECT proxy on a Unix socket that stands where pods would listen.

The API server dials webhooks and aggregated APIs at pod addresses. Few pods run here, so this proxy looks the
address up: one that really runs is connected to; a ready pod that serves the port is answered for, with the
certificate from the Secret that the pod mounts (so that a caBundle that does not match fails as it does on EKS);
anything else is refused. It never connects to anything but the API server itself and local ports of pods.
"""

from __future__ import annotations

import argparse
import contextlib
import http.server
import json
import os
import socket
import socketserver
import ssl
import sys
import threading
from pathlib import Path
from typing import Any

from sandbox.egress_answers import Control, answer
from sandbox.egress_lookup import Lookup, Target

_HANDSHAKE_TIMEOUT = 30.0
# Longer than any webhook may take (30 s), so that it is always the caller who gives up.
_DROP_TIMEOUT = 60.0


class Refused(Exception):
    """The connection is refused, with the reason as a network would have it."""


class Threads(socketserver.ThreadingMixIn):
    """A server with one thread a connection."""

    daemon_threads = True
    request_queue_size = 64
    lookup: Lookup
    control: Control

    def target(self, connection: socket.socket, host: str, port: int) -> Target:
        """Return the pod at an address, or raise what becomes of a connection to it."""
        fate = self.control.read()["ports"].get(str(port), "open")
        target = self.lookup.find(host, port)
        if target is not None and str(port) in target.dropped_ports:
            fate = "drop"
        if fate == "drop":
            # A security group without the port drops packets: nobody answers until the caller gives up.
            connection.settimeout(_DROP_TIMEOUT)
            with contextlib.suppress(TimeoutError):
                connection.recv(1)
            raise Refused("connection timed out")
        if target is None or fate == "refuse":
            raise Refused("connection refused")
        return target

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Keep peers that go away out of the log."""
        if not isinstance(sys.exception(), (ConnectionError, ssl.SSLError, TimeoutError)):
            super().handle_error(request, client_address)  # type: ignore[misc]


class Proxy(Threads, socketserver.UnixStreamServer):
    """The server on the Unix socket."""

    def __init__(self, path: str, lookup: Lookup, control: Control) -> None:
        super().__init__(path, Tunnel)
        self.lookup = lookup
        self.control = control


class Tunnel(http.server.BaseHTTPRequestHandler):
    """One CONNECT, and behind it one connection of the API server to a pod."""

    protocol_version = "HTTP/1.1"
    server: Threads  # type: ignore[assignment]

    def do_CONNECT(self) -> None:
        """Answer for the pod at the address, or refuse."""
        self.close_connection = True
        host, _, port = self.path.rpartition(":")
        try:
            target = self.server.target(self.connection, host.strip("[]"), int(port))
            program = connected(target)
        except (Refused, ValueError) as error:
            self.log_message("%s", f"{self.path}: {error}")
            # The API server shows the status line's text in its own error.
            self.send_response(502, f"dial tcp {self.path}: connect: {error}")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self.send_response(200, "Connection Established")
        self.end_headers()
        self.wfile.flush()
        if program is not None:
            join(self.connection, program)
        else:
            self._serve(target)

    def _serve(self, target: Target) -> None:
        self.connection.settimeout(_HANDSHAKE_TIMEOUT)
        try:
            stream = tls_context(target).wrap_socket(self.connection, server_side=True)
        except (ssl.SSLError, OSError) as error:
            self.log_message("%s", f"{self.path}: TLS with {target.pod}: {error}")
            return
        stream.settimeout(None)
        with stream:
            Backend(stream, target, self.server.control)

    def address_string(self) -> str:
        """Return the peer's name for the log; a Unix socket's has none."""
        return "api-server"

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Log refusals only; they are logged where they happen."""


class Backend(http.server.BaseHTTPRequestHandler):
    """The HTTP side of a pod: admission reviews are allowed unless told otherwise, API groups are discovered."""

    protocol_version = "HTTP/1.1"

    def __init__(self, stream: socket.socket, target: Target, control: Control) -> None:
        self._target = target
        self._control = control
        super().__init__(stream, ("pod", 0), None)  # type: ignore[arg-type]

    def do_GET(self) -> None:
        """Answer a discovery request."""
        self._answer()

    def do_POST(self) -> None:
        """Answer an admission or conversion review."""
        self._answer()

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        status, content = answer(self.path, json.loads(body) if body else None, self._target.pod, self._control.read())
        data = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        # A kept connection would go on answering for a pod that has gone or a port that was closed since.
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(data)

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Log what was asked of which pod."""
        self.log_message("%s", f"{self._target.pod} {self.requestline.split('?')[0]} {code}")

    def address_string(self) -> str:
        """Return the peer's name for the log."""
        return "api-server"


def connected(target: Target) -> socket.socket | None:
    """Return a connection to the program of a pod that really runs, None where the pod is played."""
    if target.local is None:
        return None
    try:
        return socket.create_connection(("127.0.0.1", target.local))
    except OSError as error:
        raise Refused("connection refused") from error


def join(client: socket.socket, program: socket.socket) -> None:
    """Carry bytes both ways until both sides have ended."""

    def carry() -> None:
        with contextlib.suppress(OSError):
            while data := client.recv(65536):
                program.sendall(data)
        with contextlib.suppress(OSError):
            program.shutdown(socket.SHUT_WR)

    with program:
        up = threading.Thread(target=carry, daemon=True)
        up.start()
        with contextlib.suppress(OSError):
            while data := program.recv(65536):
                client.sendall(data)
        with contextlib.suppress(OSError):
            client.shutdown(socket.SHUT_RDWR)
        up.join()


def tls_context(target: Target) -> ssl.SSLContext:
    """Return a server context with the pod's certificate; the key never reaches a disk."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    handle = os.memfd_create("serving-certificate", os.MFD_CLOEXEC)
    try:
        os.write(handle, target.certificate + b"\n" + target.key + b"\n")
        context.load_cert_chain(f"/proc/self/fd/{handle}")
    finally:
        os.close(handle)
    return context


def main() -> None:
    """Serve until ended by a signal."""
    parser = argparse.ArgumentParser(prog="python -m sandbox.egress_proxy", description=__doc__)
    parser.add_argument("--socket", required=True, help="path of the Unix socket")
    parser.add_argument("--endpoint", required=True, help="URL of the API server")
    parser.add_argument("--pki", required=True, type=Path, help="directory of ca.crt, admin.crt and admin.key")
    parser.add_argument("--pods", required=True, type=Path, help="JSON file of the pods that really run")
    parser.add_argument("--control", required=True, type=Path, help="JSON file of simulated failures")
    options = parser.parse_args()
    # The socket appears under its name only once it listens.
    early = f"{options.socket}.{os.getpid()}"
    os.umask(0o177)
    server = Proxy(early, Lookup(options.endpoint, options.pki, options.pods), Control(options.control))
    os.rename(early, options.socket)
    server.serve_forever()


if __name__ == "__main__":
    main()
