# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Which workloads are owed a restart because the role of their service account changed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.ekspress.eks.plugins.module_utils._helm_changes import Change
from ansible_collections.ekspress.eks.plugins.module_utils._helm_charts import Chart
from ansible_collections.ekspress.eks.plugins.module_utils._helm_releases_plan import Release, decide
from ansible_collections.ekspress.eks.plugins.module_utils._helm_restarts_plan import (
    Mark,
    Workload,
    owed,
    owed_by_drift,
    parse_mark,
    reason,
    with_role,
)
from ansible_collections.ekspress.eks.plugins.module_utils._helm_storage import Stored
from hypothesis import given
from hypothesis import strategies as st

WEB = Workload("Deployment", "shop", "web")


def account(role: str, name: str = "web", **more: str) -> dict[str, Any]:
    """A service account with a role."""
    annotations = {**({"eks.amazonaws.com/role-arn": role} if role else {}), **more}
    return {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name, "annotations": annotations}}


def workload(image: str = "1", kind: str = "Deployment", account: str | None = "web", **meta: str) -> dict[str, Any]:
    """A workload `web` whose pods use a service account."""
    pod = {"containers": [{"name": "main", "image": image}], **({"serviceAccountName": account} if account else {})}
    meta = {"name": "web", **meta}
    return {"apiVersion": "apps/v1", "kind": kind, "metadata": meta, "spec": {"template": {"spec": pod}}}


def revision(role: str, image: str = "1") -> list[dict[str, Any]]:
    """A revision's objects."""
    return [account(role), workload(image)]


@pytest.mark.parametrize("kind", ["Deployment", "DaemonSet", "StatefulSet"])
def test_a_role_that_changes_restarts_what_uses_it(kind: str) -> None:
    before, after = ([account(role), workload(kind=kind)] for role in ("a", "b"))
    assert owed([before, after], "shop") == [Workload(kind, "shop", "web")]


@pytest.mark.parametrize(
    ("history", "restarted"),
    [
        ([revision("a"), revision("a")], False),
        ([revision("a")], False),
        # The change of the template restarts by itself.
        ([revision("a"), revision("b", "2")], False),
        # A workload that is new, or a role that comes or goes.
        ([[account("a")], revision("b")], False),
        ([[workload()], revision("a")], True),
        ([revision("a"), revision("")], True),
        ([revision("a"), [workload()]], True),
        # A run that ended before it had restarted: the next one made another revision.
        ([revision("a"), revision("b"), revision("b")], True),
        ([revision("a"), revision("b"), revision("a")], True),
        ([revision("a"), revision("b", "2"), revision("b", "2")], False),
        ([revision("a"), revision("b", "2"), revision("c", "2")], True),
        ([revision("a"), revision("b"), revision("b", "2")], False),
    ],
)
def test_pods_that_may_have_another_role_are_restarted_and_no_others(
    history: list[list[dict[str, Any]]], restarted: bool
) -> None:
    assert owed(history, "shop") == ([WEB] if restarted else [])


STEP = st.tuples(st.sampled_from(["", "a", "b"]), st.sampled_from(["1", "2"]))


@given(st.lists(STEP, min_size=1, max_size=6))
def test_no_pod_keeps_a_role_that_its_service_account_has_not(steps: list[tuple[str, str]]) -> None:
    """The roles that pods may run with are followed through the revisions."""
    (role, image), *rest = steps
    running = {role}
    for after_role, after_image in rest:
        # A new template replaces all pods; else any of them may be started anew at any time.
        running = {after_role} if after_image != image else {*running, after_role}
        role, image = after_role, after_image
    assert bool(owed([revision(*step) for step in steps], "shop")) == (running != {role})


@pytest.mark.parametrize("name", ["role-arn", "audience", "sts-regional-endpoints", "token-expiration"])
def test_whatever_pods_are_started_by_counts(name: str) -> None:
    before, after = ([account("", **{f"eks.amazonaws.com/{name}": value}), workload()] for value in ("1", "2"))
    assert owed([before, after], "shop") == [WEB]


def test_other_annotations_and_other_service_accounts_do_not_count() -> None:
    before, after = ([account("a", team=value), account(value, "other"), workload()] for value in ("x", "y"))
    assert owed([before, after], "shop") == []


def test_service_accounts_are_found_by_either_name_and_in_their_namespace() -> None:
    old = workload(account=None)
    old["spec"]["template"]["spec"]["serviceAccount"] = "web"
    assert owed([[account("a"), old], [account("b"), old]], "shop") == [WEB]
    plain = workload(account=None)
    assert owed([[account("a", "default"), plain], [account("b", "default"), plain]], "shop") == [WEB]
    away = workload(namespace="away")
    assert owed([[account("a"), away], [account("b"), away]], "shop") == []
    moved = [[{**account(role), "metadata": {**account(role)["metadata"], "namespace": "away"}}, away] for role in "ab"]
    assert owed(moved, "shop") == [Workload("Deployment", "away", "web")]


def test_what_is_no_workload_is_left_alone() -> None:
    job = {**workload(kind="Job"), "apiVersion": "batch/v1"}
    foreign = {**workload(), "apiVersion": "example.com/v1"}
    empty = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "x"}}
    objects = [job, foreign, empty]
    assert owed([[account("a"), *objects], [account("b"), *objects]], "shop") == []
    assert with_role([account("a"), *objects], "shop") == []


def test_workloads_with_a_role() -> None:
    assert with_role([account("a"), workload()], "shop") == [WEB]
    assert with_role([account(""), workload()], "shop") == []
    assert with_role([account("a"), workload(account="other")], "shop") == []


def change(wanted: dict[str, Any], live: dict[str, Any] | None) -> Change:
    """An object that drifted."""
    return Change(wanted, live, wanted, force=True)


def test_a_role_that_drifted_restarts_what_uses_it_once_it_is_put_back() -> None:
    drifted = change(account("a"), account("by-hand"))
    objects = revision("a")
    assert owed_by_drift([drifted], objects, "shop") == [WEB]
    assert owed_by_drift([change(account("a"), None)], objects, "shop") == [WEB]
    assert owed_by_drift([change(account("a"), account("a", team="x"))], objects, "shop") == []
    assert owed_by_drift([change(account("a", "other"), account("b", "other"))], objects, "shop") == []
    assert owed_by_drift([], objects, "shop") == []


def test_pods_that_a_repair_replaces_anyway_are_not_restarted_twice() -> None:
    drifted, objects = change(account("a"), account("by-hand")), revision("a")
    assert owed_by_drift([drifted, change(workload(), None)], objects, "shop") == []
    assert owed_by_drift([drifted, change(workload(), workload("2"))], objects, "shop") == []
    scaled = {**workload(), "spec": {**workload()["spec"], "replicas": 3}}
    assert owed_by_drift([drifted, change(workload(), scaled)], objects, "shop") == [WEB]


@pytest.mark.parametrize(("since", "adopted"), [(None, False), (None, True), (1, False), (42, False)])
def test_a_mark_is_a_label(since: int | None, adopted: bool) -> None:
    mark = Mark("2026-05-14T10:11:12.345Z", since, adopted)
    assert parse_mark(mark.text) == mark
    assert len(mark.text) <= 63
    assert ":" not in mark.text


@pytest.mark.parametrize("text", ["", "all", "0.2026-05-14T10.11.12.345Z", "2026-05-14T10.11.12.345Z", "x.y"])
def test_what_is_no_mark_is_none(text: str) -> None:
    assert parse_mark(text) is None


def test_what_a_result_says() -> None:
    away = Workload("DaemonSet", "kube-system", "agent")
    assert reason([WEB, away], "shop") == (
        "restarted, as the IAM role of the service account changed: Deployment web, DaemonSet kube-system/agent"
    )
    assert reason([], "shop") == ""


MARK = Mark("2026-05-14T10:11:12.345Z", 3)
WANTED = Release("web", "shop", Chart("/charts/web", "", "web", "1.0.0"), {}, (), (), 300, False, False)
STORED = Stored("web", "shop", 4, "deployed", "", "web", "1.0.0", {}, mark=MARK.text, secret="s")


def test_a_mark_that_was_left_behind_is_worked_off() -> None:
    decision = decide(WANTED, STORED)
    assert (decision.state, decision.only_restarts, decision.mark) == ("repaired", True, MARK)
    assert (decision.revision, decision.secret) == (4, "s")
    assert "an earlier run ended" in decision.reason


def test_a_mark_is_carried_on_where_helm_is_needed_and_gone_where_the_release_goes() -> None:
    upgraded = decide(replace(WANTED, values={"a": 1}), STORED)
    assert (upgraded.state, upgraded.only_restarts, upgraded.mark) == ("upgraded", False, MARK)
    failed = decide(WANTED, replace(STORED, status="failed"))
    assert (failed.state, failed.only_restarts, failed.mark) == ("repaired", False, MARK)
    assert decide(replace(WANTED, chart=None), STORED).state == "removed"
    gone = decide(replace(WANTED, chart=None), replace(STORED, status="uninstalled"))
    assert (gone.state, gone.only_restarts) == ("unchanged", False)
    assert decide(WANTED, replace(STORED, mark="")).state == "unchanged"
