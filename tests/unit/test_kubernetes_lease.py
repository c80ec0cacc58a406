# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""When a run that waits for its turn may take it: in a time of the test's own."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from ansible_collections.ekspress.eks.plugins.module_utils import _kubernetes_lease
from ansible_collections.ekspress.eks.plugins.module_utils._context import Context
from ansible_collections.ekspress.eks.plugins.module_utils._kubernetes import Kubernetes
from ansible_collections.ekspress.eks.plugins.module_utils._kubernetes_connection import Connection
from ansible_collections.ekspress.eks.plugins.module_utils._kubernetes_lease import SECONDS, Lease


class Api:
    """A lease that another run holds, renews every five seconds, and at some time no more; and the time."""

    def __init__(self, renewed_until: float, away: tuple[float, float]) -> None:
        self.now = 1000.0
        self.end = self.now + renewed_until
        self.away = self.now + away[0], self.now + away[1]
        self.taken_at = 0.0

    def monotonic(self) -> float:
        return self.now

    def version(self) -> str:
        """Changes as long as it is renewed; nobody can renew it while the API is away."""
        times = range(1000, int(min(self.now, self.end)) + 1, 5)
        return str(max(moment for moment in times if not self.away[0] <= moment < self.away[1]))

    def find(self, _path: str) -> dict[str, Any]:
        if self.away[0] <= self.now < self.away[1]:
            # The client repeats a call until it is answered.
            self.now = self.away[1]
        spec = {"holderIdentity": "elsewhere/1/a", "renewTime": datetime.now(UTC).isoformat()}
        return {"metadata": {"resourceVersion": self.version(), "uid": "u"}, "spec": spec}

    def watch(self, _path: str, seconds: float, **_more: Any) -> Iterator[Any]:
        before = self.version()
        end = self.now + seconds
        while self.now < end:
            self.now += 0.5
            if self.away[0] <= self.now < self.away[1]:
                return
            if self.version() != before:
                yield "MODIFIED", {}
                return

    def replace(self, _path: str, item: dict[str, Any]) -> dict[str, Any]:
        self.taken_at = self.now
        return item


def taken_after(monkeypatch: pytest.MonkeyPatch, renewed_until: float, away: tuple[float, float]) -> float:
    """Seconds after which a run that waits takes its turn."""
    api = Api(renewed_until, away)
    lease = Lease(Kubernetes(Connection("http://127.0.0.1:1", "it"), Context()), Context(), "x", "testing")
    for name in ("find", "watch", "replace"):
        monkeypatch.setattr(lease._kubernetes, name, getattr(api, name))
    monkeypatch.setattr(_kubernetes_lease.time, "monotonic", api.monotonic)
    monkeypatch.setattr(lease._renewer, "start", lambda: None)
    lease.__enter__()
    return api.taken_at - 1000.0


def test_a_run_that_renews_no_more_is_waited_for_as_long_as_the_lease_says(monkeypatch: pytest.MonkeyPatch) -> None:
    assert SECONDS <= taken_after(monkeypatch, 12, (0, 0)) - 10 <= SECONDS + 3


@pytest.mark.parametrize("length", range(1, 60, 3))
def test_a_run_that_could_not_renew_as_the_api_was_away_keeps_its_turn(
    monkeypatch: pytest.MonkeyPatch, length: int
) -> None:
    """It renews again once the API is back, and only then ends."""
    for start in range(20, 25):
        last = (start + length) // 5 * 5 + 10
        assert taken_after(monkeypatch, last, (start, start + length)) >= last + SECONDS
