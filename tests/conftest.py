# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Fixtures that every test may use."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from ansible.plugins.loader import init_plugin_loader
from hypothesis import HealthCheck, settings

from sandbox.aws.client import UNWANTED, AwsServer

pytest_plugins = ["tests.sandbox_fixtures", "tests.doors"]

# Templates find the collection's filters only if this comes before any import of it, as in Ansible's programs.
init_plugin_loader()

# The same examples in every run, however slow the machine: a failure is then of the code that changed.
settings.register_profile(
    "steady", deadline=None, derandomize=True, database=None, suppress_health_check=[HealthCheck.too_slow]
)
# To search for more: pytest --hypothesis-profile search
settings.register_profile("search", deadline=None, max_examples=2000, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("steady")


@pytest.fixture(scope="session")
def aws_server() -> Iterator[AwsServer]:
    """One AWS server for the session (for each worker of pytest-xdist)."""
    with AwsServer() as server:
        yield server


@pytest.fixture
def aws(aws_server: AwsServer, monkeypatch: pytest.MonkeyPatch) -> AwsServer:
    """The AWS server, empty, with the environment that leads every SDK to it."""
    aws_server.reset()
    for name in UNWANTED:
        monkeypatch.delenv(name, raising=False)
    for name, value in aws_server.environment.items():
        monkeypatch.setenv(name, value)
    return aws_server
