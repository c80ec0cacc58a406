# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The HTTP server."""

from __future__ import annotations

import logging

from moto.moto_server.werkzeug_app import MotoRequestHandler
from werkzeug.serving import ThreadedWSGIServer

from sandbox.aws.pipeline import Application


class QuietRequestHandler(MotoRequestHandler):
    """Writes no access log: the call log has it all, and presigned URLs hold signatures."""

    # A kept-alive connection answers at once only if small writes are not held back.
    disable_nagle_algorithm = True

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing."""


def make(host: str, port: int) -> ThreadedWSGIServer:
    """Return a server that listens; one thread a connection."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    # Its threads are daemons: a connection that a client keeps open does not hold up the end of the process.
    return ThreadedWSGIServer(host, port, Application(), QuietRequestHandler)
