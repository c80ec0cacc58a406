# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The HTTP server, which is a proxy too: whatever host of AWS a client wants to reach over TLS, it is here."""

from __future__ import annotations

import logging
import ssl
from typing import TYPE_CHECKING

from moto.moto_server.werkzeug_app import MotoRequestHandler
from werkzeug.serving import ThreadedWSGIServer

from sandbox.aws.pipeline import Application

if TYPE_CHECKING:
    from sandbox.authority import Authority

HANDSHAKE_SECONDS = 10.0


class Server(ThreadedWSGIServer):
    """One thread a connection.

    Args:
        authority: gives the certificates of the hosts that clients connect to through this server as their proxy.
    """

    def __init__(self, host: str, port: int, authority: Authority | None) -> None:
        super().__init__(host, port, Application(), QuietRequestHandler)
        self.authority = authority


class QuietRequestHandler(MotoRequestHandler):
    """Writes no access log: the call log has it all, and presigned URLs hold signatures."""

    # A kept-alive connection answers at once only if small writes are not held back.
    disable_nagle_algorithm = True
    server: Server

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing."""

    def do_CONNECT(self) -> None:
        """Be the host that a client wants a tunnel to: speak TLS with its certificate, and answer what is asked there.

        Programs that know no AWS_ENDPOINT_URL are led here by HTTPS_PROXY.
        """
        self.close_connection = True
        if self.server.authority is None:
            self.send_error(501, "This server has no certificate authority")
            return
        self.send_response_only(200, "Connection established")
        self.end_headers()
        context = self.server.authority.context(self.path.rpartition(":")[0])
        self.connection.settimeout(HANDSHAKE_SECONDS)
        try:
            with context.wrap_socket(self.connection, server_side=True) as tunnel:
                tunnel.settimeout(None)
                QuietRequestHandler(tunnel, self.client_address, self.server)
        except (ssl.SSLError, OSError) as failed:
            self.log_error("TLS with %s: %s", self.path, failed)


def make(host: str, port: int, authority: Authority | None = None) -> Server:
    """Return a server that listens."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    # Its threads are daemons: a connection that a client keeps open does not hold up the end of the process.
    return Server(host, port, authority)
