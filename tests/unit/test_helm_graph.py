# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The graph of releases: order, failures, cycles, side by side."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from ansible_collections.ekspress.eks.plugins.module_utils._context import Context
from ansible_collections.ekspress.eks.plugins.module_utils._errors import EksError
from ansible_collections.ekspress.eks.plugins.module_utils._helm_graph import check, run
from ansible_collections.ekspress.eks.plugins.module_utils._helm_options import argument_spec, order, parse, shown
from hypothesis import given
from hypothesis import strategies as st

WAIT_SECONDS = 20.0


def skip_none(_item: str, _causes: list[str]) -> str:
    """For graphs in which nothing fails."""
    return ""


def none_failed(_outcome: str) -> bool:
    """Whether an item failed: none does."""
    return False


@st.composite
def graphs(draw: st.DrawFn) -> tuple[dict[str, list[str]], set[str]]:
    """Items that need earlier ones, and those that fail."""
    names = [f"r{number}" for number in range(draw(st.integers(1, 7)))]
    needs = {
        name: sorted(draw(st.sets(st.sampled_from(names[:index]), max_size=3))) if index else []
        for index, name in enumerate(names)
    }
    return needs, draw(st.sets(st.sampled_from(names), max_size=2))


@given(graphs(), st.integers(1, 8))
def test_everything_is_done_once_after_what_it_needs_and_only_dependents_of_failures_are_skipped(
    graph: tuple[dict[str, list[str]], set[str]], most: int
) -> None:
    needs, failing = graph
    done: list[str] = []
    under_way: set[str] = set()
    lock = threading.Lock()

    def work(item: str) -> str:
        with lock:
            under_way.add(item)
            assert len(under_way) <= most
            assert all(need in done for need in needs[item])
        with lock:
            done.append(item)
            under_way.remove(item)
        return "failed" if item in failing else "ok"

    def skip(item: str, causes: list[str]) -> str:
        return f"skipped {causes}"

    outcomes = run(Context(), needs, work, skip=skip, failed=lambda outcome: outcome == "failed", most=most)

    def causes(item: str) -> set[str]:
        return {
            cause
            for need in needs[item]
            for cause in (({need} if need in failing else set()) if not causes(need) else causes(need))
        }

    assert set(outcomes) == set(needs)
    assert len(done) == len(set(done))
    for item in needs:
        expected = f"skipped {sorted(causes(item))}" if causes(item) else "failed" if item in failing else "ok"
        assert outcomes[item] == expected


def test_what_does_not_need_each_other_runs_side_by_side() -> None:
    meeting = threading.Barrier(3, timeout=WAIT_SECONDS)

    def work(item: str) -> str:
        if item != "last":
            meeting.wait()
        return "ok"

    needs = {"a": [], "b": [], "c": [], "last": ["a", "b", "c"]}
    assert set(run(Context(), needs, work, skip=skip_none, failed=none_failed, most=4).values()) == {"ok"}


def test_with_room_for_one_the_order_of_the_list_counts() -> None:
    begun: list[str] = []

    def work(item: str) -> str:
        begun.append(item)
        return "ok"

    run(Context(), {"c": [], "b": ["c"], "a": [], "d": []}, work, skip=skip_none, failed=none_failed, most=1)
    assert begun == ["c", "a", "d", "b"]


def test_a_slow_item_holds_up_only_what_needs_it() -> None:
    free = threading.Event()

    def work(item: str) -> str:
        if item == "slow":
            assert free.wait(WAIT_SECONDS)
        if item == "after quick":
            free.set()
        return "ok"

    needs = {"slow": [], "quick": [], "after quick": ["quick"], "after slow": ["slow"]}
    assert len(run(Context(), needs, work, skip=skip_none, failed=none_failed, most=4)) == 4


def test_an_end_of_the_task_stops_what_has_not_begun() -> None:
    context = Context()
    begun = []

    def work(item: str) -> str:
        begun.append(item)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(context, {"a": [], "b": ["a"]}, work, skip=skip_none, failed=none_failed, most=4)
    assert begun == ["a"]
    assert context.cancelled.is_set()


def test_a_cycle_is_refused_with_the_way_round() -> None:
    with pytest.raises(
        EksError, match=r"a needs b needs c needs a|b needs c needs a needs b|c needs a needs b needs c"
    ):
        check({"a": ["b"], "b": ["c"], "c": ["a"], "d": []})


def parsed(*entries: dict[str, Any], **options: Any) -> Any:
    """Releases as the module parses them, with its defaults."""
    suboptions = argument_spec()["releases"]["options"]
    defaults = {name: spec.get("default") for name, spec in suboptions.items()}
    given = {"repository": "https://charts.example", "chart": "web", "version": "1.0.0"}
    releases = [{**defaults, **given, **entry} for entry in entries]
    return parse({"releases": releases, "concurrency": 4, "plain_http": False, **options})


def test_needs_name_a_release_or_its_namespace_too() -> None:
    releases = parsed(
        {"name": "a"}, {"name": "b", "namespace": "shop", "needs": ["a"]}, {"name": "c", "needs": ["shop/b"]}
    )
    assert order(releases) == {"default/a": [], "shop/b": ["default/a"], "default/c": ["shop/b"]}


def test_removals_go_the_other_way_round() -> None:
    gone = {"state": "absent"}
    releases = parsed(
        {"name": "a", **gone}, {"name": "b", "needs": ["a"], **gone}, {"name": "c", "needs": ["b"], **gone}
    )
    assert order(releases) == {"default/a": ["default/b"], "default/b": ["default/c"], "default/c": []}


def test_what_is_absent_does_not_wait_for_what_stays() -> None:
    releases = parsed({"name": "a"}, {"name": "b", "needs": ["a"], "state": "absent"})
    assert order(releases) == {"default/a": [], "default/b": []}


@pytest.mark.parametrize(
    ("entries", "words"),
    [
        ([{"name": "a"}, {"name": "a"}], "listed twice"),
        ([{"name": "a", "needs": ["b"]}], "not among the releases"),
        ([{"name": "a"}, {"name": "a", "namespace": "x"}, {"name": "b", "needs": ["a"]}], "several: write one of"),
        ([{"name": "a", "state": "absent"}, {"name": "b", "needs": ["a"]}], "which is to be absent"),
        ([{"name": "a", "needs": ["b"]}, {"name": "b", "needs": ["a"]}], "in a circle"),
        ([{"name": "a", "needs": ["a"]}], "in a circle"),
        ([{"name": "a", "chart": None}], "chart is missing"),
        ([{"name": "a", "timeout": 0}], "timeout is 0"),
        ([{"name": "a", "gates": [{"kind": "deployment"}]}], "needs the name"),
        ([{"name": "a", "gates": [{"kind": "admission"}]}], "needs a manifest"),
        (
            [{"name": "a", "gates": [{"kind": "admission", "manifest": {"apiVersion": "v1", "kind": "X"}}]}],
            "metadata.name",
        ),
        (
            [{"name": "a", "gates": [{"kind": "crd", "name": "x", "manifest": {"kind": "X"}}]}],
            "only the gate admission",
        ),
        ([{"name": "a", "gates": [{"kind": "crd", "name": "x", "timeout": -1}]}], "timeout is -1"),
    ],
)
def test_what_contradicts_itself_is_refused(entries: list[dict[str, Any]], words: str) -> None:
    with pytest.raises(EksError, match=words):
        parsed(*entries)


def test_a_concurrency_of_none_is_refused() -> None:
    with pytest.raises(EksError, match="concurrency is 0"):
        parsed({"name": "a"}, concurrency=0)


def test_passwords_are_not_shown() -> None:
    entry = {"name": "a", "repository": "https://us:hunter2@charts.example/x", "values": {"password": "hunter2"}}
    made = shown({"releases": [entry, "no release"]})
    assert "hunter2" not in str(made)
    assert made["releases"][0]["repository"] == "https://(hidden)@charts.example/x"
    assert shown({"releases": None}) == {"releases": None}
