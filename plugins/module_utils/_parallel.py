# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Calls made side by side, ended together."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from ansible_collections.ekspress.eks.plugins.module_utils._context import Context
from ansible_collections.ekspress.eks.plugins.module_utils._errors import CancelledError

Item = TypeVar("Item")
Outcome = TypeVar("Outcome")

WORKERS = 16
"""Calls in flight at once: below botocore's pool of connections, above what IAM answers per second unthrottled."""


def settle(
    context: Context, function: Callable[[Item], Outcome], items: Iterable[Item], workers: int = WORKERS
) -> list[Outcome | Exception]:
    """Call ``function`` for each item side by side; give each item's outcome or exception, in order.

    Returns once every started call has ended. What has not started when the task is ended never starts: its outcome
    is a CancelledError. Signals reach the main thread only, and the logic of a task in process runs in another.
    """
    work = list(items)

    def outcome(item: Item) -> Outcome | Exception:
        if context.cancelled.is_set():
            return CancelledError("The task was ended before this was begun.")
        try:
            return function(item)
        except Exception as error:  # an outcome among others: the caller decides
            return error

    if len(work) < 2:
        return [outcome(item) for item in work]
    with ThreadPoolExecutor(max_workers=min(workers, len(work))) as pool:
        return list(pool.map(outcome, work))


def gather(
    context: Context, function: Callable[[Item], Outcome], items: Iterable[Item], workers: int = WORKERS
) -> list[Outcome]:
    """As settle, but the first exception in item order is raised once all calls have ended."""
    outcomes = settle(context, function, items, workers)
    for outcome in outcomes:
        if isinstance(outcome, Exception):
            raise outcome
    return [outcome for outcome in outcomes if not isinstance(outcome, Exception)]


def together(context: Context, *functions: Callable[[], Any]) -> list[Any]:
    """Call different functions side by side and give their results in order; errors as in gather."""
    return gather(context, lambda function: function(), functions)


def batches(items: Iterable[Item], size: int) -> list[list[Item]]:
    """The items in lists of at most ``size``, as many as one call takes."""
    work = list(items)
    return [work[start : start + size] for start in range(0, len(work), size)]
