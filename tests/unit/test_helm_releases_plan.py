# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What a release needs done, from what Helm recorded and what is wanted."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.ekspress.eks.plugins.module_utils._errors import EksError
from ansible_collections.ekspress.eks.plugins.module_utils._helm_charts import Chart
from ansible_collections.ekspress.eks.plugins.module_utils._helm_releases_plan import (
    Release,
    check_names,
    decide,
)
from ansible_collections.ekspress.eks.plugins.module_utils._helm_storage import Stored
from ansible_collections.ekspress.eks.plugins.module_utils._helm_values import changed_values, same
from hypothesis import given

from tests.unit.helm_drawn import VALUES

CHART = Chart("oci://registry.example/web", "", "web", "1.2.3")
WANTED = Release("web", "shop", CHART, {"replicas": 2}, (), (), 300, False, False)
STORED = Stored("web", "shop", 4, "deployed", "Upgrade complete", "web", "1.2.3", {"replicas": 2})


def test_a_release_that_is_as_wanted_is_unchanged() -> None:
    assert decide(WANTED, STORED).state == "unchanged"


def test_a_release_that_is_not_there_is_installed() -> None:
    assert decide(WANTED, None).state == "installed"
    assert decide(WANTED, replace(STORED, status="uninstalled")).state == "installed"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"chart_name": "shop"}, "chart shop becomes web"),
        ({"chart_version": "1.2.2"}, "version 1.2.2 becomes 1.2.3"),
        ({"values": {"replicas": 2, "debug": True}}, "values changed: debug"),
        ({"values": {}}, "values changed: replicas"),
    ],
)
def test_a_difference_is_an_upgrade_that_says_why(change: dict[str, Any], reason: str) -> None:
    decision = decide(WANTED, replace(STORED, **change))
    assert (decision.state, decision.reason) == ("upgraded", reason)


@pytest.mark.parametrize(
    "status",
    ["failed", "unknown", "superseded", "pending-install", "pending-upgrade", "pending-rollback", "uninstalling"],
)
def test_a_release_that_was_left_halfway_is_repaired_even_if_all_else_is_as_wanted(status: str) -> None:
    decision = decide(WANTED, replace(STORED, status=status))
    assert decision.state == "repaired"
    assert f"its status is {status}" in decision.reason


LOCAL = replace(WANTED, chart=Chart("/charts/web", "", "web", "1.2.3", "ab" * 32, local=True))


@pytest.mark.parametrize(
    ("digest", "reason"),
    [("ab" * 20, ""), ("cd" * 20, "the files of the chart changed"), ("", "is not known")],
)
def test_the_digest_of_a_chart_counts_where_it_is_known(digest: str, reason: str) -> None:
    decision = decide(LOCAL, replace(STORED, digest=digest))
    assert decision.state == ("upgraded" if reason else "unchanged")
    assert reason in decision.reason
    assert decide(WANTED, replace(STORED, digest=digest)).state == "unchanged"


def test_a_leading_v_of_the_version_does_not_count() -> None:
    assert decide(WANTED, replace(STORED, chart_version="v1.2.3")).state == "unchanged"


@pytest.mark.parametrize(
    ("stored", "state"),
    [
        (None, "unchanged"),
        (replace(STORED, status="uninstalled"), "unchanged"),
        (STORED, "removed"),
        (replace(STORED, status="pending-install"), "removed"),
    ],
)
def test_what_is_to_be_absent_is_removed_if_it_is_there(stored: Stored | None, state: str) -> None:
    assert decide(replace(WANTED, chart=None), stored).state == state


@given(VALUES)
def test_values_that_helm_recorded_are_the_same_as_the_ones_given(values: dict[str, Any]) -> None:
    recorded = json.loads(json.dumps(dict(reversed(values.items()))))
    assert decide(replace(WANTED, values=values), replace(STORED, values=recorded)).state == "unchanged"


@given(VALUES, VALUES)
def test_whatever_differs_is_found_and_only_that(before: dict[str, Any], after: dict[str, Any]) -> None:
    decision = decide(replace(WANTED, values=after), replace(STORED, values=before))
    assert (decision.state == "unchanged") == same(before, after)
    old, new = changed_values(before, after)
    assert bool(old or new) == (not same(before, after))


@pytest.mark.parametrize("name", ["", "Web", "web_1", "-web", "web-", "a" * 54])
def test_names_that_helm_refuses_are_refused(name: str) -> None:
    with pytest.raises(EksError, match="not a release's name"):
        check_names(name, "default")


def test_a_namespace_that_kubernetes_refuses_is_refused() -> None:
    with pytest.raises(EksError, match="not a namespace"):
        check_names("web", "Kube_System")
