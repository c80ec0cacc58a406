# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Threads in a time of their own: one runs at a time, and time passes only when all wait."""

from __future__ import annotations

import heapq
import threading
from collections.abc import Callable
from typing import Any

LONG = 60.0
"""Real seconds in which a thread must come to its next wait."""


class Clock:
    """The time, and the threads that wait for some point of it."""

    def __init__(self) -> None:
        self.now = 1000.0
        self._queue: list[tuple[float, int, threading.Event]] = []
        self._count = 0
        self._idle = threading.Event()
        self._failures: list[BaseException] = []

    def monotonic(self) -> float:
        return self.now

    def wait(self, seconds: float) -> bool:
        """Let ``seconds`` pass for this thread, and the others run meanwhile."""
        turn = threading.Event()
        self._enter(seconds, turn)
        self._idle.set()
        assert turn.wait(LONG), "the clock stands still"
        return False

    def run(self, *programs: tuple[float, Callable[[], Any]]) -> list[Any]:
        """Run programs, each from its second on, to their ends, and give their results in order."""
        results: list[Any] = [None] * len(programs)
        threads = []
        for number, (start, program) in enumerate(programs):
            turn = threading.Event()
            self._enter(start, turn)
            threads.append(threading.Thread(target=self._body, args=(turn, program, results, number), daemon=True))
        for thread in threads:
            thread.start()
        while self._queue:
            self.now, _number, turn = heapq.heappop(self._queue)
            self._idle.clear()
            turn.set()
            assert self._idle.wait(LONG), "a thread does not come to its next wait"
        for failure in self._failures:
            raise failure
        return results

    def _enter(self, seconds: float, turn: threading.Event) -> None:
        self._count += 1
        heapq.heappush(self._queue, (self.now + max(0.0, seconds), self._count, turn))

    def _body(self, turn: threading.Event, program: Callable[[], Any], results: list[Any], number: int) -> None:
        turn.wait(LONG)
        try:
            results[number] = program()
        except BaseException as failure:
            self._failures.append(failure)
        self._idle.set()
