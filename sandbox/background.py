# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The process beside a cluster that plays what is not there: python -m sandbox.background.

It runs the pods that really run, and plays the AWS Load Balancer Controller as long as that one's pods are ready. They
have nothing to do with each other, but a second interpreter would cost more memory than either of them takes.
"""

from __future__ import annotations

import argparse
import signal
import threading
import traceback
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from sandbox.alb.cluster import Cluster
from sandbox.alb.reconcile import Reconciler
from sandbox.egress_answers import Control
from sandbox.pods.loop import Loop
from sandbox.pods.network import Network, ServiceLookup
from sandbox.pods.runner import Setting

if TYPE_CHECKING:
    from sandbox.alb.aws import Aws


def main() -> None:
    """Work until ended by a signal."""
    options = _options()
    loop = _pods(options)
    signal.signal(signal.SIGTERM, lambda *_: loop.stop())
    broken = threading.Event()

    def balance() -> None:
        try:
            _load_balancers(options).run()
        except BaseException:
            # Without it the process would look well; so it ends, and the next `up` starts both again.
            traceback.print_exc()
            broken.set()
            loop.stop()

    threading.Thread(target=balance, daemon=True, name="load balancers").start()
    try:
        loop.run()
    finally:
        loop.end_all()
    if broken.is_set():
        raise SystemExit(1)


def _options() -> Namespace:
    parser = argparse.ArgumentParser(prog="python -m sandbox.background", description=__doc__)
    parser.add_argument("--base", required=True, type=Path, help="directory of the sandbox")
    parser.add_argument("--files", required=True, type=Path, help="directory for what belongs to pods that run")
    parser.add_argument("--pods", required=True, type=Path, help="JSON file to write: which run, and their ports")
    parser.add_argument("--endpoint", required=True, help="URL of the API server")
    parser.add_argument("--pki", required=True, type=Path, help="directory of ca.crt, admin.crt and admin.key")
    parser.add_argument("--programs", required=True, type=Path, help="directory of the programs")
    parser.add_argument("--aws", required=True, help="URL of the AWS server")
    parser.add_argument("--region", required=True, help="region of the cluster")
    parser.add_argument("--control", required=True, type=Path, help="JSON file of simulated failures")
    return parser.parse_args()


def _pods(options: Namespace) -> Loop:
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
    return Loop(setting, options.pods)


def _load_balancers(options: Namespace) -> Reconciler:
    def connect() -> Aws:
        from sandbox.alb.aws import Aws  # noqa: PLC0415 - big, and most clusters have no Ingress

        return Aws(options.aws, options.region)

    cluster = Cluster(options.endpoint, options.pki)
    cluster.start()
    return Reconciler(cluster, connect)


if __name__ == "__main__":
    main()
