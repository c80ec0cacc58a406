# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The fixture `sandbox`: one running sandbox for the whole test session, shared by the workers of pytest-xdist."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from sandbox.aws.client import AwsServer
from sandbox.kube_client import KubeClient
from sandbox.lifecycle import DEFAULT_CLUSTER, Sandbox
from sandbox.pods import addresses
from sandbox.state import State
from tests.sandbox_guard import guarded


@dataclass(frozen=True)
class RunningSandbox:
    """A running sandbox: what `state.json` says, and ways to talk to it.

    Attributes:
        directory: value of EKSPRESS_SANDBOX_DIR.
    """

    directory: Path

    @property
    def state(self) -> dict[str, Any]:
        """The content of `state.json` (see sandbox/README.md)."""
        return State(self.directory).data

    @property
    def environment(self) -> dict[str, str]:
        """What SDKs, Ansible and Helm need in their environment."""
        return dict(self.state["environment"])

    def cluster(self, name: str = DEFAULT_CLUSTER) -> dict[str, Any]:
        """Return a cluster's entry of the state: endpoint, ca_file, kubeconfig, issuer, region …"""
        return dict(self.state["clusters"][name])

    def kube(self, name: str = DEFAULT_CLUSTER) -> KubeClient:
        """Return a new client of a cluster's API, as its administrator."""
        entry = self.cluster(name)
        return KubeClient(entry["endpoint"], Path(entry["ca_file"]).parent)

    def pod_port(self, namespace: str, pod: str, port: int, cluster: str = DEFAULT_CLUSTER) -> int | None:
        """Return the port of 127.0.0.1 that stands for one of a pod that really runs; None where nothing listens."""
        return addresses.of_pod(Path(self.cluster(cluster)["pods_file"]), namespace, pod, port)

    def service_port(
        self, namespace: str, service: str, port: int | str, *, cluster: str = DEFAULT_CLUSTER
    ) -> int | None:
        """Return the port of 127.0.0.1 behind a Service's (number or name); None where no ready pod listens."""
        kube = self.kube(cluster)
        try:
            return addresses.of_service(kube, Path(self.cluster(cluster)["pods_file"]), namespace, service, port)
        finally:
            kube.close()

    def aws(self) -> AwsServer:
        """Return a client of the AWS server: faults, log of calls, fixtures, SDK clients."""
        return AwsServer.at(self.state["aws"]["endpoint"])

    def up(self, *names: str) -> None:
        """Add clusters."""
        Sandbox(self.directory).up(list(names))

    def renew_account(self) -> None:
        """Empty the emulated account and make its fixtures anew (about 3 s); Kubernetes stays as it is."""
        Sandbox(self.directory).renew_account()


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSandbox]:
    """One running sandbox with the cluster sandbox-blue; the last worker that used it ends it."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base
    directory = shared / "sandbox"
    with guarded(directory):
        Sandbox(directory).up([DEFAULT_CLUSTER])
        yield RunningSandbox(directory)
