# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What tests of modules share."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from typing import Any

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.ekspress.eks.plugins.module_utils._context import Context, Logic
from ansible_collections.ekspress.eks.plugins.module_utils._runner import execute

from sandbox.aws.client import AwsServer

PATIENCE = 300.0
"""Seconds that a test waits for what must come. No verdict is about how soon: a machine may be very busy."""

FOR_EVER = 3600.0
"""Seconds of a delay, a validity or a pause that must not end by itself while a test runs."""


def run_logic(logic: Logic, params: dict[str, Any], *, check: bool = False, diff: bool = False) -> dict[str, Any]:
    """Validate ``params`` as Ansible does, run the logic and return its result with the warnings it gave."""
    validated = ArgumentSpecValidator(logic.argument_spec(), **logic.constraints).validate(deepcopy(params))
    if validated.error_messages:
        return {"failed": True, "changed": False, "msg": "; ".join(validated.error_messages)}
    context = Context(check_mode=check, diff_mode=diff)
    result = execute(logic, validated.validated_parameters, context)
    if context.warnings:
        result["warnings"] = context.warnings
    return result


def wait_until(condition: Callable[[], Any], what: str = "what was waited for", seconds: float = PATIENCE) -> Any:
    """Wait until a condition gives something true, and return it; AssertionError where it does not come."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, f"{what} did not come within {seconds:.0f} s"
        time.sleep(0.02)
    return found


def in_hand(aws: AwsServer, *operations: str) -> list[dict[str, Any]]:
    """The calls of some operations that the server has not answered yet."""
    return [call for call in aws.calls() if call["operation"] in operations and call["ended"] is None]


def run_held(aws: AwsServer, run: Callable[[], Any], count: int, *operations: str) -> Any:
    """Run something while the server answers none of some operations until it has that many of their calls in hand.

    So it shows that they are made side by side, however slow the machine is.
    """
    for operation in operations:
        aws.fault(operation, "latency", seconds=FOR_EVER, times=None)
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(run)
        try:
            wait_until(lambda: running.done() or len(in_hand(aws, *operations)) >= count, f"{count} calls at once")
            assert not running.done(), running.result()
        finally:
            aws.clear_faults()
        return running.result()
