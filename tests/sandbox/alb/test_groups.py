# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which Ingresses are the controller's, and which share a load balancer."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from sandbox.alb.annotations import ModelError
from sandbox.alb.controller import Controller, running
from sandbox.alb.groups import in_order, load
from sandbox.alb.names import GroupId
from tests.sandbox.alb.objects import CLASS, CONTROLLER, WEB, groups, ingress

Json = dict[str, Any]
SHARED = {"group.name": "shared"}


def _members(*ingresses: Json, **more: Any) -> dict[str, list[str]]:
    found = groups(*ingresses, **more).groups
    return {str(name): [member.key for member in group.members] for name, group in found.items()}


def test_an_ingress_is_a_group_of_its_own() -> None:
    assert _members(ingress("a"), ingress("b")) == {"apps/a": ["apps/a"], "apps/b": ["apps/b"]}


def test_a_name_makes_a_group() -> None:
    assert _members(ingress("a", SHARED), ingress("b", SHARED), ingress("c")) == {
        "shared": ["apps/a", "apps/b"],
        "apps/c": ["apps/c"],
    }
    assert _members(ingress("a"), ingress("b", {"group.name": "x"}), params={"group": {"name": "all"}}) == {
        "all": ["apps/a", "apps/b"]
    }


def test_members_are_in_order() -> None:
    found = groups(
        ingress("c", SHARED), ingress("b", SHARED | {"group.order": "-1"}), ingress("a", SHARED | {"group.order": "5"})
    )
    shared = found.groups[GroupId("", "shared")]
    assert [member.key for member in in_order(shared.members)] == ["apps/b", "apps/c", "apps/a"]
    wrong = groups(ingress("a", SHARED | {"group.order": "1001"})).groups[GroupId("", "shared")]
    with pytest.raises(ModelError, match=r"must be within \[-1000:1000\], Ingress: apps/a, order: 1001"):
        in_order(wrong.members)


def test_classes_of_others_are_left_alone() -> None:
    assert _members(ingress("a", ingressClassName="nginx"), ingress("b", ingressClassName="none")) == {}
    assert _members(ingress("a", ingressClassName=None)) == {}


def test_the_default_class_counts() -> None:
    marked = {"metadata": {"name": "alb", "annotations": {"ingressclass.kubernetes.io/is-default-class": "true"}}}
    found = load(CONTROLLER, [ingress("a", ingressClassName=None)], {"alb": CLASS | marked}, {})
    assert list(found.groups) == [GroupId("apps", "a")]


def test_the_annotation_wins_over_the_class() -> None:
    annotated = ingress("a", ingressClassName="nginx")
    annotated["metadata"]["annotations"]["kubernetes.io/ingress.class"] = "alb"
    assert _members(annotated) == {"apps/a": ["apps/a"]}
    annotated["metadata"]["annotations"]["kubernetes.io/ingress.class"] = "nginx"
    assert _members(annotated) == {}


def test_one_namespace_only() -> None:
    assert _members(ingress("a"), controller=replace(CONTROLLER, namespace="other")) == {}


@pytest.mark.parametrize(("name", "words"), [("Upper", "must consist of"), ("x" * 64, "no more than 63")])
def test_names_of_groups(name: str, words: str) -> None:
    found = groups(ingress("a", {"group.name": name}))
    assert found.groups == {}
    ((_ingress, message),) = found.wrong
    assert message.startswith("invalid ingress group: groupName ")
    assert words in message


def test_who_leaves_is_known_by_its_finalizer() -> None:
    deleted = ingress("web")
    deleted["metadata"] |= {"finalizers": ["ingress.k8s.aws/resources"], "deletionTimestamp": "2026-01-01T00:00:00Z"}
    found = groups(deleted).groups
    assert found[WEB].members == []
    assert found[WEB].leaving == [deleted]
    moved = ingress("web", SHARED)
    moved["metadata"]["finalizers"] = ["group.ingress.k8s.aws/old", "group.ingress.k8s.aws/shared", "others"]
    found = groups(moved).groups
    assert [member.key for member in found[GroupId("", "shared")].members] == ["apps/web"]
    assert found[GroupId("", "shared")].leaving == []
    assert found[GroupId("", "old")].leaving == [moved]


def test_a_lost_class_takes_nothing_with_it() -> None:
    held = ingress("web")
    held["metadata"]["finalizers"] = ["ingress.k8s.aws/resources"]
    assert load(CONTROLLER, [held], {}, {}).groups == {}
    classes = {"alb": {"metadata": {"name": "alb"}, "spec": CLASS["spec"] | {"parameters": {"name": "gone"}}}}
    assert load(CONTROLLER, [held], classes, {}).groups == {}


def _deployment(image: str, ready: int, *arguments: str) -> Json:
    container = {"image": image, "args": list(arguments)}
    meta = {"namespace": "kube-system", "name": "controller"}
    return {
        "metadata": meta,
        "spec": {"template": {"spec": {"containers": [container]}}},
        "status": {"readyReplicas": ready},
    }


@pytest.mark.parametrize(
    ("image", "ready", "found"),
    [
        ("public.ecr.aws/eks/aws-load-balancer-controller:v3.5.0", 2, True),
        ("127.0.0.1:5000/mirror/aws-load-balancer-controller@sha256:0", 1, True),
        ("public.ecr.aws/eks/aws-load-balancer-controller:v3.5.0", 0, False),
        ("registry.k8s.io/coredns:v1", 2, False),
    ],
)
def test_the_controller_runs_where_its_pods_are_ready(image: str, ready: int, found: bool) -> None:
    assert (running([_deployment(image, ready, "--cluster-name=blue")]) == Controller("blue")) is found


def test_settings_are_the_pods_arguments() -> None:
    arguments = (
        "--cluster-name=blue",
        "--ingress-class=internal",
        "--aws-vpc-id=vpc-1",
        "--default-target-type=ip",
        "--default-load-balancer-scheme=internet-facing",
        "--default-ssl-policy=policy",
        "--default-tags=a=b,c=d=e",
        "--external-managed-tags=x,y",
        "--feature-gates=SubnetsClusterTagCheck=false",
        "--watch-namespace=apps",
        "--enable-waf",
    )
    assert running([_deployment("aws/aws-load-balancer-controller", 1, *arguments)]) == Controller(
        cluster="blue",
        vpc="vpc-1",
        ingress_class="internal",
        target_type="ip",
        scheme="internet-facing",
        ssl_policy="policy",
        tags={"a": "b", "c": "d=e"},
        reserved_tags=("x", "y"),
        namespace="apps",
        gates={"SubnetsClusterTagCheck": False},
    )
