# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The process that runs a cluster's pods: python -m sandbox.pods."""

from __future__ import annotations

import argparse
import signal
import threading
from pathlib import Path

from sandbox.egress_answers import Control
from sandbox.pods.loop import Loop
from sandbox.pods.network import Network, ServiceLookup
from sandbox.pods.runner import Setting


def main() -> None:
    """Run until ended by a signal."""
    parser = argparse.ArgumentParser(prog="python -m sandbox.pods", description=__doc__)
    parser.add_argument("--base", required=True, type=Path, help="directory of the sandbox")
    parser.add_argument("--files", required=True, type=Path, help="directory for what belongs to pods that run")
    parser.add_argument("--pods", required=True, type=Path, help="JSON file to write: which run, and their ports")
    parser.add_argument("--endpoint", required=True, help="URL of the API server")
    parser.add_argument("--pki", required=True, type=Path, help="directory of ca.crt, admin.crt and admin.key")
    parser.add_argument("--programs", required=True, type=Path, help="directory of the programs")
    parser.add_argument("--aws", required=True, help="URL of the AWS server")
    parser.add_argument("--region", required=True, help="region of the cluster")
    parser.add_argument("--control", required=True, type=Path, help="JSON file of simulated failures")
    options = parser.parse_args()
    network = Network(ServiceLookup(options.endpoint, options.pki, options.pods), Control(options.control))
    threading.Thread(target=network.serve_forever, daemon=True, name="network").start()
    setting = Setting(
        base=options.base,
        files=options.files,
        endpoint=options.endpoint,
        pki=options.pki,
        programs=options.programs,
        aws=options.aws,
        region=options.region,
        proxy=network.url,
    )
    loop = Loop(setting, options.pods)
    signal.signal(signal.SIGTERM, lambda *_: loop.stop())
    try:
        loop.run()
    finally:
        loop.end_all()


if __name__ == "__main__":
    main()
