# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A namespace of each test's own, which is gone, with the programs of its pods, when the test ends."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from tests.sandbox_fixtures import RunningSandbox
from tests.support import wait_until

from .workloads import Namespace


@pytest.fixture
def namespace(sandbox: RunningSandbox, request: pytest.FixtureRequest) -> Iterator[Namespace]:
    """An empty namespace, named after the test."""
    name = re.sub(r"[^a-z0-9]+", "-", request.node.name.removeprefix("test_"))[:40].strip("-")
    space = Namespace(sandbox, name)
    space.apply("v1", "Namespace", name)
    yield space
    started = space.processes()
    space.remove()
    wait_until(lambda: not space.alive(started), "the end of the namespace's programs")
    space.close()
