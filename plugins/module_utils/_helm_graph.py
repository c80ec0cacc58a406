# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Work with needs: checked for cycles, then run side by side, each item as soon as what it needs is done."""

from __future__ import annotations

import graphlib
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import TypeVar

from ansible_collections.ekspress.eks.plugins.module_utils._context import Context
from ansible_collections.ekspress.eks.plugins.module_utils._errors import EksError

Outcome = TypeVar("Outcome")


def check(needs: Mapping[str, Sequence[str]]) -> None:
    """Raise EksError, naming the way round, where items need each other in a circle."""
    try:
        graphlib.TopologicalSorter(needs).prepare()
    except graphlib.CycleError as error:
        # The library's way leads from what is needed to what needs it.
        way = " needs ".join(reversed(error.args[1]))
        raise EksError(f"The releases need each other in a circle: {way}. Take one of these needs away.") from error


def run(
    context: Context,
    needs: Mapping[str, Sequence[str]],
    work: Callable[[str], Outcome],
    *,
    skip: Callable[[str, list[str]], Outcome],
    failed: Callable[[Outcome], bool],
    most: int,
) -> dict[str, Outcome]:
    """Do ``work`` for each item once all it needs are done; ``skip`` what needs a failed one, with the failed's names.

    At most ``most`` items are under way at once; of those that wait for room the one begins that was ready first.
    ``work`` must not raise for an item that fails. Returns or raises only once no work is under way.
    """
    order = graphlib.TopologicalSorter(needs)
    order.prepare()
    outcomes: dict[str, Outcome] = {}
    culprits: dict[str, list[str]] = {}
    running: dict[Future[Outcome], str] = {}

    def start(pool: ThreadPoolExecutor) -> None:
        ready = list(order.get_ready())
        while ready:
            for item in ready:
                causes = sorted({cause for need in needs.get(item, ()) for cause in culprits.get(need, [])})
                if causes:
                    culprits[item] = causes
                    outcomes[item] = skip(item, causes)
                    order.done(item)
                else:
                    running[pool.submit(work, item)] = item
            ready = list(order.get_ready())

    with ThreadPoolExecutor(max_workers=max(1, min(most, len(needs)))) as pool:
        try:
            start(pool)
            while running:
                done, _running = wait(running, return_when=FIRST_COMPLETED)
                for future in done:
                    item = running.pop(future)
                    outcomes[item] = future.result()
                    if failed(outcomes[item]):
                        culprits[item] = [item]
                    order.done(item)
                start(pool)
        except BaseException:
            context.cancelled.set()
            pool.shutdown(wait=True, cancel_futures=True)
            raise
    return outcomes
