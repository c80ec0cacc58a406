# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The tags that Cluster Autoscaler wants, from the facts of a cluster."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.ekspress.eks.plugins.module_utils import _autoscaling_notes as notes
from ansible_collections.ekspress.eks.plugins.module_utils._cluster_autoscaler_plan import groups
from ansible_collections.ekspress.eks.plugins.module_utils._errors import EksError

DISCOVERY = {"k8s.io/cluster-autoscaler/enabled": "true", "k8s.io/cluster-autoscaler/blue": "owned"}
TEMPLATE = "k8s.io/cluster-autoscaler/node-template/"


def cluster(tags: dict[str, str] | None = None, **general: Any) -> dict[str, Any]:
    node_group = {
        "name": "general",
        "auto_scaling_group_names": ["eks-general-1"],
        "labels": {},
        "taints": [],
        **general,
    }
    return {
        "name": "blue",
        "node_groups": [node_group],
        "auto_scaling_groups": [
            {"name": "eks-general-1", "node_group": "general", "tags": dict(tags or {})},
            {"name": "blue-spot", "node_group": "", "tags": {}},
        ],
    }


def test_a_managed_groups_tags_are_required_and_a_self_managed_ones_written() -> None:
    assert groups(cluster(), {}, [], "present") == [
        {"names": ["eks-general-1"], "tags": {}, "state": "present", "required_tags": DISCOVERY},
        {"names": ["blue-spot"], "tags": DISCOVERY, "state": "present"},
    ]


def test_a_managed_groups_labels_and_taints_are_its_node_template() -> None:
    taints = [
        {"key": "dedicated", "value": "web", "effect": "NO_SCHEDULE"},
        {"key": "slow", "value": "", "effect": "PREFER_NO_SCHEDULE"},
    ]
    found = groups(cluster(labels={"tier": "web"}, taints=taints), {}, [], "present")[0]
    assert found["tags"] == {
        f"{TEMPLATE}label/tier": "web",
        f"{TEMPLATE}taint/dedicated": "web:NoSchedule",
        f"{TEMPLATE}taint/slow": ":PreferNoSchedule",
    }


@pytest.mark.parametrize("name", ["general", "eks-general-1"])
def test_a_template_adds_to_what_eks_knows_by_either_name(name: str) -> None:
    template = {"labels": {"tier": "db", "disk": True}, "resources": {"ephemeral-storage": "100G", "nvidia.com/gpu": 1}}
    found = groups(cluster(labels={"tier": "web"}), {name: template}, [], "present")[0]
    assert found["tags"] == {
        f"{TEMPLATE}label/tier": "db",
        f"{TEMPLATE}label/disk": "true",
        f"{TEMPLATE}resources/ephemeral-storage": "100G",
        f"{TEMPLATE}resources/nvidia.com/gpu": "1",
    }


def test_a_self_managed_groups_template_is_written_with_its_discovery_tags() -> None:
    template = {"blue-spot": {"taints": [{"key": "spot", "value": "true", "effect": "NoExecute"}]}}
    assert groups(cluster(), template, [], "present")[1]["tags"] == {
        **DISCOVERY,
        f"{TEMPLATE}taint/spot": "true:NoExecute",
    }


def test_ignored_groups_are_not_verified_and_lose_our_tags() -> None:
    assert groups(cluster(labels={"tier": "web"}), {}, ["general", "blue-spot"], "present") == [
        {"names": ["eks-general-1"], "state": "absent"},
        {"names": ["blue-spot"], "tags": DISCOVERY, "state": "absent"},
    ]


def test_a_removal_takes_back_what_was_written_and_requires_nothing() -> None:
    assert groups(cluster(labels={"tier": "web"}), {}, [], "absent") == [
        {"names": ["eks-general-1"], "tags": {f"{TEMPLATE}label/tier": "web"}, "state": "absent"},
        {"names": ["blue-spot"], "tags": DISCOVERY, "state": "absent"},
    ]


def test_names_that_the_cluster_does_not_have_are_refused_with_those_it_has() -> None:
    with pytest.raises(
        EksError, match=r"cluster_autoscaler_node_templates names gpu, but .* has blue-spot, eks-general-1, general"
    ):
        groups(cluster(), {"gpu": {}}, [], "present")
    with pytest.raises(EksError, match=r"cluster_autoscaler_ignored_groups names spot, .*"):
        groups(cluster(), {}, ["spot"], "present")
    assert groups(cluster(), {"gpu": {}}, ["spot"], "absent") != [], "what is gone is in the way of a removal"


def test_a_taint_of_an_unknown_effect_is_refused() -> None:
    template = {"general": {"taints": [{"key": "a", "effect": "Never"}]}}
    with pytest.raises(EksError, match="taint a of eks-general-1 has the effect 'Never'"):
        groups(cluster(), template, [], "present")


def test_a_group_that_would_be_found_all_the_same_cannot_be_ignored() -> None:
    with pytest.raises(
        EksError, match=r"names general, but its Auto Scaling group eks-general-1 has the tags .*all the same"
    ):
        groups(cluster(DISCOVERY), {}, ["general"], "present")
    assert groups(cluster(DISCOVERY), {}, ["general"], "absent"), "what cannot be ignored is in the way of a removal"
    ours = DISCOVERY | {
        "ekspress.eks/tags/cluster_autoscaler": notes.text(notes.mark(*tag) for tag in DISCOVERY.items())
    }
    assert groups(cluster(ours), {}, ["general"], "present")[0] == {"names": ["eks-general-1"], "state": "absent"}


def test_a_node_group_that_is_being_deleted_is_in_nobodys_way() -> None:
    found = groups(cluster(status="DELETING"), {}, [], "present")
    assert [entry["names"] for entry in found] == [["blue-spot"]]


def test_what_a_template_does_not_have_is_refused() -> None:
    with pytest.raises(EksError, match=r"general has label; a template has labels, resources, taints"):
        groups(cluster(), {"general": {"label": {}}}, [], "present")
    with pytest.raises(EksError, match=r"A taint of eks-general-1 .* has no key"):
        groups(cluster(), {"general": {"taints": [{"effect": "NoSchedule"}]}}, [], "present")
