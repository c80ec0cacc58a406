# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The one error that the sandbox's commands end with."""

from __future__ import annotations


class SandboxError(Exception):
    """What went wrong with which object, and what to do next."""

    def __init__(self, what: str, next_step: str = "") -> None:
        super().__init__(f"{what}\n{next_step}".rstrip())
