# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What a module's logic knows of the task it runs in, whether in process or as a module."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.ekspress.eks.plugins.module_utils._errors import CancelledError, EksError


@dataclass
class Context:
    """The task around a run of a module's logic.

    ``check_mode`` and ``diff_mode`` are the task's. ``warnings`` are shown to the operator once the run ended.
    ``cancelled`` is set when the task must stop: no call starts after that.
    """

    check_mode: bool = False
    diff_mode: bool = False
    warnings: list[str] = field(default_factory=list)
    cancelled: threading.Event = field(default_factory=threading.Event)
    actions: list[str] = field(default_factory=list)

    def warn(self, message: str) -> None:
        """Show ``message`` to the operator, once."""
        if message not in self.warnings:
            self.warnings.append(message)

    def before_call(self, description: str, *, write: bool) -> None:
        """Guard every call to an API: called by the clients, not by modules.

        Raises CancelledError once the task is ended, and EksError for a write in check mode, so that a
        mistake in a module cannot make check mode change anything.
        """
        if self.cancelled.is_set():
            raise CancelledError(f"{description} was not called: the task was ended before.")
        if write and self.check_mode:
            raise EksError(
                f"{description} was stopped because this is check mode, which never writes. "
                "This is a defect of the module; please report it with the task's arguments."
            )


@dataclass(frozen=True)
class Logic:
    """A module: its argument spec and the function that runs it.

    ``run(params, context)`` gets validated parameters and returns the result; it raises EksError and never
    talks to Ansible. ``argument_spec`` is a function so that importing costs nothing. ``services`` are the
    botocore services whose models the action plugin loads before the workers fork. ``libraries`` are the
    Python packages without which the module cannot run. ``shown`` gives the parameters, validated or not, as a result's
    invocation may show them, where options that are not secret as a whole hold secrets.
    """

    run: Callable[[dict[str, Any], Context], dict[str, Any]]
    argument_spec: Callable[[], dict[str, Any]]
    services: tuple[str, ...] = ()
    libraries: tuple[str, ...] = ("botocore",)
    constraints: dict[str, Any] = field(default_factory=dict)
    """mutually_exclusive, required_together, required_one_of, required_if, required_by."""
    shown: Callable[[dict[str, Any]], dict[str, Any]] = dict
