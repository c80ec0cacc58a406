# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Logic that cannot be imported, as after an incomplete upgrade."""

from __future__ import annotations

from typing import Any

LOGIC: Any = None
raise RuntimeError("This file is broken.")
