# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The one exception that tells an operator what went wrong and what to do, and what its messages are made of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def named(names: Sequence[str], most: int) -> str:
    """The first of some names, for a message, and how many more there are."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


class EksError(Exception):
    """A failure that is explained: the message names the object, the cause and the next step.

    ``details`` become keys of the task's result beside ``msg`` (JSON-serialisable values only).
    """

    def __init__(self, message: str, **details: Any) -> None:
        super().__init__(message)
        self.message = message
        self.details = details


class CancelledError(EksError):
    """The task was ended (timeout, Ctrl-C) and this call was not made."""


class MissingLibraryError(EksError):
    """A Python library is not importable; the in-process action falls back to the module on it."""

    def __init__(self, message: str, traceback: str) -> None:
        super().__init__(message, exception=traceback)
