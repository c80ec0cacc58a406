# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Add-on specifications become identities and a graph of releases."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.ekspress.eks.plugins.module_utils import _addon_plan
from ansible_collections.ekspress.eks.plugins.module_utils._addon_plan import plan
from ansible_collections.ekspress.eks.plugins.module_utils._errors import EksError

ALB: dict[str, Any] = {
    "name": "alb_controller",
    "identities": [{"name": "blue-alb", "permissions_boundary": "", "state": "present"}],
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

CLUSTER = {"partition": "aws-cn", "account": "111122223333"}


def releases(specs: list[dict[str, Any]], source: str = "upstream") -> list[dict[str, Any]]:
    return _addon_plan.releases(specs, source, CLUSTER)


def test_identities_are_told_apart_by_state_and_leave_out_what_is_empty() -> None:
    absent = {**ALB, "name": "gone", "identities": [{"name": "gone", "state": "absent"}, {"name": "more"}]}
    assert plan([ALB, TRAEFIK, absent])["identities"] == {
        "present": [{"name": "blue-alb", "state": "present"}, {"name": "more"}],
        "absent": [{"name": "gone", "state": "absent"}],
    }


def test_what_is_not_met_is_refused_unless_the_add_on_is_removed() -> None:
    needs = {
        "requirements": [{"met": False, "message": "too old"}, {"met": True, "message": "x"}],
        "reachable_ports": [443, 9443],
    }
    other = {**TRAEFIK, "requirements": [{"met": False, "message": "too new"}], "reachable_ports": [443, 80]}
    found = plan([{**ALB, **needs}, other])
    assert (found["refusals"], found["reachable_ports"]) == (["too old", "too new"], [80, 443, 9443])
    gone = {**ALB, **needs, "releases": [{**ALB["releases"][0], "state": "absent"}]}
    found = plan([gone, TRAEFIK])
    assert (found["refusals"], found["reachable_ports"]) == ([], [])
    # One that has no release at all, as its list is empty, is not one that is removed.
    assert plan([{**ALB, **needs, "releases": []}])["refusals"] == ["too old"]


def test_needs_become_the_releases_of_the_add_ons_of_this_run() -> None:
    needs = {release["name"]: release["needs"] for release in releases([ALB, TRAEFIK], "upstream")}
    assert needs == {"alb": [], "traefik": ["alb"], "shared-alb": ["traefik", "alb"]}


def test_what_all_others_need_is_needed_once_by_each_and_not_by_itself() -> None:
    other: dict[str, Any] = {"name": "autoscaler", "releases": [{"name": "autoscaler", "chart": "autoscaler"}]}
    needs = {item["name"]: item["needs"] for item in releases([{**ALB, "needed_by_all": True}, TRAEFIK, other])}
    assert needs == {"alb": [], "traefik": ["alb"], "shared-alb": ["traefik", "alb"], "autoscaler": ["alb"]}


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


@pytest.mark.parametrize("function", [releases, plan])
def test_one_add_on_twice_is_refused(function: Callable[[list[dict[str, Any]]], Any]) -> None:
    with pytest.raises(EksError, match="alb_controller"):
        function([ALB, ALB])


def with_role(values: dict[str, Any], **identity: Any) -> dict[str, Any]:
    release = {
        **ALB["releases"][0],
        "values": values,
        "role_annotations": ["serviceAccount.annotations", "podAnnotations"],
    }
    return {**ALB, "identities": [{**ALB["identities"][0], **identity}], "releases": [release]}


@pytest.mark.parametrize(("path", "name"), [("", "/blue-alb"), ("/platform/", "/platform/blue-alb")])
def test_the_role_is_annotated_at_the_service_account_and_the_pods_beside_what_is_there(path: str, name: str) -> None:
    values: dict[str, Any] = {"serviceAccount": {"name": "alb", "annotations": {"own": "1"}}, "replicaCount": 2}
    (release,) = releases([with_role(values, path=path)])
    annotation = {"eks.amazonaws.com/role-arn": f"arn:aws-cn:iam::111122223333:role{name}"}
    assert release["values"] == {
        "serviceAccount": {"name": "alb", "annotations": {"own": "1"} | annotation},
        "replicaCount": 2,
        "podAnnotations": annotation,
    }
    assert "role_annotations" not in release
    assert values["serviceAccount"]["annotations"] == {"own": "1"}, "the specification itself was changed"


@pytest.mark.parametrize("identities", [[], [{"name": "blue-alb", "state": "absent"}]])
def test_without_an_identity_nothing_is_annotated(identities: list[dict[str, Any]]) -> None:
    (release,) = releases([{**with_role({"replicaCount": 2}), "identities": identities}])
    assert release["values"] == {"replicaCount": 2}
    assert "role_annotations" not in release


def test_each_release_has_the_identity_that_it_names() -> None:
    spec = with_role({})
    both = [{**spec["releases"][0], "name": name, "identity": f"blue-{name}"} for name in ("a", "b")]
    spec = {**spec, "identities": [{"name": "blue-a"}, {"name": "blue-b"}], "releases": both}
    arns = [item["values"]["podAnnotations"]["eks.amazonaws.com/role-arn"] for item in releases([spec])]
    assert arns == [f"arn:aws-cn:iam::111122223333:role/blue-{name}" for name in ("a", "b")]
    assert "identity" not in releases([spec])[0]
    for wanted in ({"identity": "c"}, {"identity": None}):
        with pytest.raises(EksError, match=r"names the identity .* but its add-on has blue-a, blue-b\. Name one"):
            releases([{**spec, "releases": [{**both[0], **wanted}]}])


def test_a_value_in_the_way_of_the_annotation_is_told() -> None:
    with pytest.raises(
        EksError, match=r"alb: the value serviceAccount\.annotations must be a map, .*; there is 'none'"
    ):
        releases([with_role({"serviceAccount": {"annotations": "none"}})])


def test_queues_are_told_apart_by_state_and_their_empty_options_left_out() -> None:
    spec = {"name": "a", "interruption_queue": {"name": "blue", "kms_key": ""}, "releases": []}
    gone = {"name": "b", "interruption_queue": {"name": "green", "state": "absent"}, "releases": []}
    assert plan([spec, gone, ALB])["interruption_queues"] == {
        "present": [{"name": "blue"}],
        "absent": [{"name": "green", "state": "absent"}],
    }


def test_each_named_group_is_an_entry_of_its_own() -> None:
    first = {
        "name": "a",
        "releases": [],
        "autoscaling_groups": [{"names": ["x", "y"], "tags": {"k": "v"}}, {"names": []}],
    }
    second = {
        "name": "b",
        "releases": [],
        "autoscaling_groups": [{"names": ["x"], "state": "absent", "tags": {"l": ""}}],
    }
    assert plan([first, ALB, second])["autoscaling_groups"] == [
        {"name": "x", "owner": "a", "tags": {"k": "v"}},
        {"name": "y", "owner": "a", "tags": {"k": "v"}},
        {"name": "x", "owner": "b", "state": "absent", "tags": {"l": ""}},
    ]


def test_options_of_every_release_and_digests_of_charts_by_name() -> None:
    own = {**ALB, "releases": [{**ALB["releases"][0], "drift": False}]}
    digests = {"traefik": "sha256:aa"}
    made = _addon_plan.releases([own, TRAEFIK], "upstream", CLUSTER, {"drift": True}, digests)
    assert [(release["name"], release["drift"], release.get("digest")) for release in made] == [
        ("alb", False, None),
        ("traefik", True, "sha256:aa"),
        ("shared-alb", True, None),
    ]
