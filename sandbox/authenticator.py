# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The aws-iam-authenticator of a cluster: the API server asks it who a bearer token belongs to, as on EKS.

It reads access entries and the order of its backends from files that the AWS server writes, and the ConfigMap aws-auth
from the cluster; it lets STS judge tokens, which it reaches through the AWS server as its proxy.
https://github.com/kubernetes-sigs/aws-iam-authenticator/tree/v0.6.13
"""

from __future__ import annotations

import http.client
import json
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from sandbox import process
from sandbox.aws.client import ACCESS_KEY, SECRET_KEY
from sandbox.state import write_file

if TYPE_CHECKING:
    from sandbox.authority import Authority

NAME = "aws-iam-authenticator"
ADDRESS = "127.0.0.1"
ENTRIES_FILE, MODE_FILE = "access-entries.json", "backend-mode.json"
_BACKENDS = ["DynamicFile", "EKSConfigMap"]
# Where it would listen on all addresses for questions about its health: no option keeps it from that.
PUBLIC_PORT = 21363


class Authenticator:
    """The files and the process of a cluster's authenticator.

    Args:
        directory: for its files.
        port: that it listens on.
        certificate_authority: file of the certificate of the sandbox's authority.
    """

    def __init__(self, directory: Path, port: int, certificate_authority: Path) -> None:
        self.directory = directory
        self.port = port
        self._certificate_authority = certificate_authority
        self.webhook_file = directory / "webhook.json"
        self.log = directory / f"{NAME}.log"

    def prepare(self, cluster: str, kubeconfig: Path, authority: Authority) -> None:
        """Write its files, and for the API server how to ask it."""
        certificate, key = authority.issue(ADDRESS)
        write_file(self.directory / "cert.pem", certificate)
        write_file(self.directory / "key.pem", key)
        for name, content in (
            (ENTRIES_FILE, {"mapRoles": [], "mapUsers": []}),
            (MODE_FILE, {"backendMode": " ".join(_BACKENDS)}),
        ):
            write_file(self.directory / name, json.dumps(content))
        server = {
            "address": ADDRESS,
            "hostname": ADDRESS,
            "port": self.port,
            "stateDir": str(self.directory),
            "kubeconfig": str(kubeconfig),
            "kubeconfigPregenerated": True,
            "backendMode": _BACKENDS,
            "dynamicFilePath": str(self.directory / ENTRIES_FILE),
            "dynamicFileUserIDStrict": True,
            "dynamicBackendModePath": str(self.directory / MODE_FILE),
        }
        write_file(self.directory / "config.json", json.dumps({"clusterID": cluster, "server": server}, indent=2))
        webhook = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [
                {
                    "name": NAME,
                    "cluster": {
                        "server": f"https://{ADDRESS}:{self.port}/authenticate",
                        "certificate-authority": str(self._certificate_authority),
                    },
                }
            ],
            "users": [{"name": "api-server", "user": {}}],
            "contexts": [{"name": NAME, "context": {"cluster": NAME, "user": "api-server"}}],
            "current-context": NAME,
        }
        write_file(self.webhook_file, json.dumps(webhook, indent=2))

    def start(self, program: Path, base: Path, region: str, aws_port: int) -> process.Identity:
        """Start it for the sandbox in a directory; return what its process is known by."""
        environment = {
            "AWS_ACCESS_KEY_ID": ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
            "AWS_REGION": region,
            "HTTPS_PROXY": f"http://127.0.0.1:{aws_port}",
            "NO_PROXY": ADDRESS,
            "SSL_CERT_FILE": str(self._certificate_authority),
        }
        command: list[str | Path] = [program, "server", "--config", self.directory / "config.json"]
        with taken(PUBLIC_PORT) as held:
            return process.spawn(command, base, self.log, environment, held)

    def answers(self) -> bool:
        """Tell whether it answers."""
        context = ssl.create_default_context(cafile=self._certificate_authority)
        connection = http.client.HTTPSConnection(ADDRESS, self.port, timeout=10, context=context)
        try:
            connection.request("GET", "/healthz")
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()


@contextmanager
def taken(port: int) -> Iterator[list[int]]:
    """Have a socket that a process can inherit, and as long as any does, none can listen on the port.

    Sockets of several sandboxes may share it, none of them listens. Where it is another program's, that one keeps it.
    """
    with socket.socket() as held:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        try:
            held.bind((ADDRESS, port))
        except OSError:
            yield []
        else:
            yield [held.fileno()]
