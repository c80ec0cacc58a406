# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Runs the server: ``python -m sandbox.aws --port-file FILE``."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
from pathlib import Path
from types import FrameType

from sandbox.authority import Authority
from sandbox.aws.client import AwsServer
from sandbox.aws.server import make

HOST = "127.0.0.1"
# Nothing that runs in this process may ask the metadata service or read the user's credentials.
ENVIRONMENT = {
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_ACCESS_KEY_ID": "AKIASANDBOX000000000",
    "AWS_SECRET_ACCESS_KEY": "sandbox",
    "AWS_DEFAULT_REGION": "eu-central-1",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "MOTO_ALLOW_NONEXISTENT_REGION": "true",
    # A thousand images a region, of which nothing here is started, take longer than all else that fixtures build.
    "MOTO_EC2_LOAD_DEFAULT_AMIS": "false",
}
UNWANTED = ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL", "MOTO_ACCOUNT_ID")


def write_atomically(path: Path, text: str) -> None:
    """Write a file so that a reader sees all of it or none."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_text(text)
    temporary.replace(path)


def _wait_for_end_of_input(stopped: threading.Event) -> None:
    while os.read(0, 4096):
        continue
    stopped.set()


def main() -> None:
    """Serve until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(prog="python -m sandbox.aws", description=__doc__)
    parser.add_argument("--port-file", type=Path, required=True, help="file that gets the port once it accepts")
    parser.add_argument("--port", type=int, default=0, help="port on 127.0.0.1; 0 (default) for a free one")
    parser.add_argument("--authority", type=Path, help="directory of the certificate authority for TLS by CONNECT")
    parser.add_argument("--fixtures", action="store_true", help="build the default fixtures before it accepts")
    parser.add_argument("--until-stdin-closes", action="store_true", help="end with the process that holds our input")
    arguments = parser.parse_args()
    os.environ.update(ENVIRONMENT)
    for name in UNWANTED:
        os.environ.pop(name, None)

    server = make(HOST, arguments.port, Authority(arguments.authority) if arguments.authority else None)
    stopped = threading.Event()

    def stop(signum: int, frame: FrameType | None) -> None:
        stopped.set()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    if arguments.until_stdin_closes:
        threading.Thread(target=_wait_for_end_of_input, args=(stopped,), daemon=True).start()
    serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    serving.start()
    if arguments.fixtures:
        AwsServer.at(f"http://{HOST}:{server.port}").fixtures()
    write_atomically(arguments.port_file, f"{server.port}\n")
    stopped.wait()
    server.shutdown()
    server.server_close()
    arguments.port_file.unlink(missing_ok=True)
    # Freeing moto's models one by one takes longer than all else here; the system takes them back at once.
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
