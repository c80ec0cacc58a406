# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Fixtures of the tests on a real Kubernetes API, on the AWS server's VPC, and of those that count calls."""

from __future__ import annotations

import fcntl
import os
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.ekspress.eks.plugins.module_utils import _trust_policy_write
from ansible_collections.ekspress.eks.tests.integration.subnet_vpc import Vpc, vpc_with

from sandbox.aws.client import AwsServer
from tests.integration.aws_auth_support import Mappings
from tests.integration.helm_releases_support import Ground, namespace, turn
from tests.sandbox_fixtures import RunningSandbox


@pytest.fixture
def fresh_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    """No trust policy is read again because the machine took long between read and write."""
    monkeypatch.setattr(_trust_policy_write, "GAP", 600.0)


@pytest.fixture(params=["helm", "helm3"])
def helm_program(request: pytest.FixtureRequest, sandbox: RunningSandbox) -> str:
    """Helm 4, then Helm 3."""
    return str(Path(sandbox.state["bin"]) / request.param)


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of the caller's Helm, and a home of the test's own for it."""
    for name in [name for name in os.environ if name.startswith(("HELM_", "K8S_AUTH_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture
def ground(sandbox: RunningSandbox, helm_program: str, environment: None) -> Iterator[Ground]:
    """A new namespace; tests of other workers may change releases of the cluster at the same time."""
    with turn(sandbox, "helm", fcntl.LOCK_SH), namespace(sandbox, helm_program) as made:
        yield made


@pytest.fixture
def ground_alone(sandbox: RunningSandbox, helm_program: str, environment: None) -> Iterator[Ground]:
    """A new namespace, while no other test changes releases of the cluster."""
    with turn(sandbox, "helm", fcntl.LOCK_EX), namespace(sandbox, helm_program) as made:
        yield made


@pytest.fixture
def mappings(sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch) -> Iterator[Mappings]:
    """A namespace for a ConfigMap aws-auth of the test's own; none yet."""
    for name in [name for name in os.environ if name.startswith("K8S_AUTH_")]:
        monkeypatch.delenv(name)
    made = Mappings(sandbox, f"aws-auth-{uuid.uuid4().hex[:8]}")
    path = "/api/v1/namespaces"
    assert made.call("POST", path, {"metadata": {"name": made.namespace}})[0] == 201
    yield made
    assert made.call("DELETE", f"{path}/{made.namespace}")[0] == 200


@pytest.fixture
def clusters_of_vpc() -> list[str]:
    """The clusters that the VPC has; a test that wants others parametrizes it."""
    return ["blue"]


@pytest.fixture
def vpc(aws_server: AwsServer, clusters_of_vpc: list[str], monkeypatch: pytest.MonkeyPatch) -> Vpc:
    """The AWS server's VPC as it was first, for tests of subnet_tags."""
    return vpc_with(aws_server, clusters_of_vpc, monkeypatch)
