# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is known of a kind is never older than what the watch has told, in whatever order answers come."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from sandbox.alb.watch import Store

Json = dict[str, Any]


def item(version: int, hostname: str = "", **meta: Any) -> Json:
    metadata = {"name": "web", "namespace": "team", "resourceVersion": str(version), **meta}
    return {"metadata": metadata, "status": {"hostname": hostname}}


class Api:
    """A client whose list has one object, and whose watch tells of some changes."""

    def __init__(self, *events: Json) -> None:
        self.events = events

    def get(self, _path: str) -> Json:
        return {"items": [item(1)], "metadata": {"resourceVersion": "1"}}

    def stream(self, _path: str, _timeout: float) -> Iterator[Json]:
        yield from self.events


def filled(*events: Json) -> Store:
    """A store that has read the list, and then a watch to its end."""
    store = Store(lambda: pytest.fail("no client is to be made"), "/things", lambda: None)
    api: Any = Api(*events)
    store._watch(api, store._list(api))
    return store


def test_the_answer_to_a_write_counts_before_the_watch_tells_of_it() -> None:
    store = filled()
    store.put(item(2, "written"))
    assert store.items() == {"team/web": item(2, "written")}


def test_an_answer_that_comes_after_a_later_change_was_told_does_not_count() -> None:
    store = filled({"type": "MODIFIED", "object": item(3, "changed by somebody")})
    store.put(item(2, "written"))
    assert store.items() == {"team/web": item(3, "changed by somebody")}


def test_what_has_lost_its_last_finalizer_is_gone() -> None:
    store = filled()
    store.put(item(2, deletionTimestamp="2026-01-01T00:00:00Z"))
    assert store.items() == {}


def test_what_is_gone_does_not_come_back() -> None:
    store = filled({"type": "DELETED", "object": item(2)})
    store.put(item(2, "written"))
    assert store.items() == {}
