# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A cluster for the tests of who gets in, and names that no other test has."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest

from tests.sandbox_fixtures import RunningSandbox

from .doors import Doors

CLUSTER = "sandbox-doors"


@pytest.fixture
def name() -> str:
    """A name that no other test has."""
    return f"x{uuid.uuid4().hex[:10]}"


@pytest.fixture
def doors(sandbox: RunningSandbox) -> Iterator[Doors]:
    """The cluster in the mode that has both, with an empty aws-auth; its creator as it was first."""
    sandbox.up(CLUSTER)
    made = Doors(sandbox, CLUSTER)
    made.mode("API_AND_CONFIG_MAP")
    made.aws_auth()
    yield made
    made.mode("API_AND_CONFIG_MAP")
    made.aws.cluster(CLUSTER, creator=made.aws.client("sts").get_caller_identity()["Arn"])
