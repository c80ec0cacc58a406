# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The charts of upstream, without which these tests fail: they are never left out silently."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.upstream.charts import VARIABLE, ChartsError, charts_directory


@pytest.fixture(scope="session")
def charts() -> Path:
    """The directory of upstream's unpacked charts."""
    try:
        return charts_directory(os.environ.get(VARIABLE, ""))
    except ChartsError as error:
        pytest.fail(str(error), pytrace=False)
