# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Add-on specifications become identities and a graph of releases."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.ekspress.eks.plugins.module_utils._addon_plan import identities, releases
from ansible_collections.ekspress.eks.plugins.module_utils._errors import EksError

ALB: dict[str, Any] = {
    "name": "alb_controller",
    "identity": {"name": "blue-alb", "permissions_boundary": "", "state": "present"},
    "releases": [{"name": "alb", "chart": "aws-load-balancer-controller", "repository": "https://charts.example"}],
}
TRAEFIK: dict[str, Any] = {
    "name": "traefik",
    "needs": ["alb_controller", "elsewhere"],
    "releases": [
        {"name": "traefik", "chart": "traefik", "repository": "https://charts.example"},
        {"name": "shared-alb", "chart": "shared-alb", "needs": ["traefik"]},
    ],
}


def test_an_identity_keeps_what_is_set_and_leaves_out_what_is_empty() -> None:
    assert identities([ALB, TRAEFIK]) == [{"name": "blue-alb", "state": "present"}]


def test_identities_are_chosen_by_state() -> None:
    absent = {**ALB, "identity": {"name": "blue-alb", "state": "absent"}}
    assert identities([absent]) == []
    assert identities([absent], "absent") == [{"name": "blue-alb", "state": "absent"}]


def test_needs_become_the_releases_of_the_add_ons_of_this_run() -> None:
    needs = {release["name"]: release["needs"] for release in releases([ALB, TRAEFIK], "upstream")}
    assert needs == {"alb": [], "traefik": ["alb"], "shared-alb": ["traefik", "alb"]}


def test_a_needed_add_on_is_told_from_one_of_its_name_in_another_namespace() -> None:
    both = {**ALB, "releases": [{**ALB["releases"][0], "namespace": "shop"}]}
    needs = {release["name"]: release["needs"] for release in releases([both, TRAEFIK], "upstream")}
    assert needs["traefik"] == ["shop/alb"]


def test_a_chart_keeps_its_repository_where_the_source_is_upstream() -> None:
    assert releases([ALB], "upstream")[0]["repository"] == "https://charts.example"


@pytest.mark.parametrize(
    ("source", "chart"),
    [
        ("oci://registry.example/charts/", "oci://registry.example/charts/aws-load-balancer-controller"),
        ("/srv/charts", "/srv/charts/aws-load-balancer-controller"),
    ],
)
def test_another_source_holds_all_charts(source: str, chart: str) -> None:
    release = releases([ALB], source)[0]
    assert release["chart"] == chart
    assert "repository" not in release


def test_one_add_on_twice_is_refused() -> None:
    with pytest.raises(EksError, match="alb_controller"):
        releases([ALB, ALB], "upstream")
