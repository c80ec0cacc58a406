# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Plays the AWS Load Balancer Controller of one cluster, as long as its pods are ready.

``python -m sandbox.alb --endpoint URL --pki DIRECTORY --aws URL --region REGION``
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from sandbox.alb.cluster import Cluster
from sandbox.alb.reconcile import Reconciler

if TYPE_CHECKING:
    from sandbox.alb.aws import Aws


def main() -> None:
    """Work until ended by a signal."""
    parser = argparse.ArgumentParser(prog="python -m sandbox.alb", description=__doc__)
    parser.add_argument("--endpoint", required=True, help="URL of the API server")
    parser.add_argument("--pki", required=True, type=Path, help="directory of ca.crt, admin.crt and admin.key")
    parser.add_argument("--aws", required=True, help="URL of the AWS server")
    parser.add_argument("--region", required=True, help="region of the cluster")
    options = parser.parse_args()

    def connect() -> Aws:
        from sandbox.alb.aws import Aws  # noqa: PLC0415 - big, and most clusters have no Ingress

        return Aws(options.aws, options.region)

    cluster = Cluster(options.endpoint, options.pki)
    cluster.start()
    Reconciler(cluster, connect).run()


if __name__ == "__main__":
    main()
