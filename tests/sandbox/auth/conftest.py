# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Names that no other test has."""

from __future__ import annotations

import uuid

import pytest


@pytest.fixture
def name() -> str:
    """A name that no other test has."""
    return f"x{uuid.uuid4().hex[:10]}"
