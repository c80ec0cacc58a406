# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Servers and hosts of the contract suite."""

from __future__ import annotations

import os
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from sandbox.aws.client import UNWANTED, AwsServer
from tests.contract_suite.runs import Playground
from tests.integration.eks_nodes import add_node

CLUSTERS = ["blue", "green"]
WITH_PROVIDER = "green"
"""The cluster that has its OIDC provider already; the case of oidc_provider makes that of the other."""


def furnish(server: AwsServer) -> dict[str, Any]:
    """Put the fixtures into an empty server, with the same identifiers each time."""
    server.reset()
    seed = urllib.request.Request(f"{server.endpoint}/moto-api/seed?a=1", method="POST")
    urllib.request.urlopen(seed).close()
    fixtures = server.fixtures(CLUSTERS)
    server.client("iam").create_open_id_connect_provider(
        Url=fixtures["clusters"][WITH_PROVIDER]["issuer"], ClientIDList=["sts.amazonaws.com"]
    )
    # A node whose security group lets the control plane reach nothing but HTTPS, for node_ports_info to warn of.
    add_node(server, CLUSTERS[0], fixtures["subnets"]["private-a"], [fixtures["security_groups"]["load-balancer"]])
    server.clear_calls()
    return fixtures


def clean(variables: pytest.MonkeyPatch) -> None:
    """Remove the caller's variables that lead SDKs or Ansible elsewhere."""
    for name in [*UNWANTED, *(name for name in os.environ if name.startswith(("ANSIBLE_", "K8S_AUTH_")))]:
        variables.delenv(name, raising=False)


@pytest.fixture
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No variable of the caller's that leads SDKs or Ansible elsewhere."""
    clean(monkeypatch)


@pytest.fixture
def ground(tmp_path: Path, aws_server: AwsServer, clean_environment: None) -> Playground:
    """Hosts whose tasks reach the AWS server, empty."""
    aws_server.reset()
    return Playground(tmp_path / "ground", aws_server.environment)
