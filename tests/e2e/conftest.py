# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A sandbox of its own for the whole way through: two bare clusters, and faults that disturb nobody else."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sandbox.lifecycle import Sandbox
from tests.sandbox_fixtures import RunningSandbox
from tests.sandbox_guard import guarded

BLUE = "site-blue"
GREEN = "site-green"


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSandbox]:
    """A sandbox with the bare clusters site-blue and site-green."""
    directory = tmp_path_factory.mktemp("site")
    with guarded(directory):
        Sandbox(directory).up([BLUE, GREEN])
        yield RunningSandbox(directory)
