# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the server does around moto: checks before a call, corrections after it.

A check raises ``Refusal``; a correction may change moto's state and returns the answer, changed or not.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Any

from sandbox.aws.answers import Answer
from sandbox.aws.request import AwsRequest
from sandbox.aws.state import State

Check = Callable[[AwsRequest, State], None]
Correction = Callable[[AwsRequest, State, Answer], Answer]

Operation = Callable[[AwsRequest, State], dict[str, Any] | None]

OPERATIONS: dict[tuple[str, str], Operation] = {}
CHECKS: dict[tuple[str, str], list[Check]] = defaultdict(list)
CORRECTIONS: dict[tuple[str, str], list[Correction]] = defaultdict(list)


def check(service: str, *operations: str) -> Callable[[Check], Check]:
    """Run a function before these operations are applied."""

    def register(function: Check) -> Check:
        for operation in operations:
            CHECKS[service, operation].append(function)
        return function

    return register


def correct(service: str, *operations: str) -> Callable[[Correction], Correction]:
    """Run a function after these operations succeeded."""

    def register(function: Correction) -> Correction:
        for operation in operations:
            CORRECTIONS[service, operation].append(function)
        return function

    return register


def operation(service: str, name: str) -> Callable[[Operation], Operation]:
    """Answer an operation that moto lacks; the function returns the result that AWS's model of it describes.

    None leaves a call to moto, for an operation that moto lacks in part.
    """

    def register(function: Operation) -> Operation:
        if (service, name) in OPERATIONS:
            raise ValueError(f"{service} {name} has an emulation already: {OPERATIONS[service, name].__module__}")
        OPERATIONS[service, name] = function
        return function

    return register
