# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What holds for every plan of rbac_groups, by a model of the API server and of how RBAC decides."""

from __future__ import annotations

import re
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest
from ansible_collections.ekspress.eks.plugins.module_utils import _rbac_groups_plan as planning
from ansible_collections.ekspress.eks.plugins.module_utils._errors import EksError
from ansible_collections.ekspress.eks.plugins.module_utils._rbac_groups_input import Group
from ansible_collections.ekspress.eks.plugins.module_utils._rbac_groups_plan import Item, Key, Plan
from hypothesis import given, settings
from hypothesis import strategies as st

NAMESPACES = ("default", "kube-system", "team-a", "team-b", "traefik")
RULES = tuple({"apiGroups": [""], "resources": [name], "verbs": ["get"]} for name in ("pods", "services", "nodes"))
SELECTORS = ({"example.com/a": "true"}, {"example.com/b": "true"})
MANAGED = [{"manager": "ekspress.eks", "operation": "Apply"}]

quick = settings(deadline=None, max_examples=150)


@st.composite
def group_lists(draw: st.DrawFn) -> tuple[Group, ...]:
    """Groups with different names, each of which may do something."""
    names = draw(st.lists(st.sampled_from(["a", "b", "a:b", "c@d"]), unique=True, max_size=3))
    made = []
    for name in names:
        rules = tuple(draw(st.lists(st.sampled_from(RULES), max_size=2, unique_by=str)))
        selectors = tuple(draw(st.lists(st.sampled_from(SELECTORS), max_size=2, unique_by=str)))
        roles = tuple(draw(st.lists(st.sampled_from(["view", "edit"]), max_size=2, unique=True)))
        if not (rules or selectors or roles):
            roles = ("view",)
        patterns = st.lists(st.sampled_from(["*", "team-*", "team-?", "default", "kube-*", "gone"]), max_size=2)
        places = tuple(draw(patterns)), tuple(draw(patterns))
        made.append(Group(name, rules, selectors, roles, draw(st.booleans()), *places))
    return tuple(made)


def stored(item: Item) -> Item:
    """An object as the API server gives it back."""
    live = deepcopy(item)
    live["metadata"] |= {"managedFields": MANAGED, "uid": "u", "resourceVersion": "1"}
    if "aggregationRule" in live:
        live["rules"] = [dict(RULES[0], resourceNames=[])]
    return live


def written(live: dict[Key, Item], plan: Plan) -> dict[Key, Item]:
    """What is there once a plan is carried out."""
    after = dict(live)
    for change in plan.changes:
        if change.item is None:
            del after[change.key]
        else:
            after[change.key] = stored(change.item)
    return after


def made(groups: tuple[Group, ...], live: dict[Key, Item], *, purge: bool = False) -> Plan:
    items = planning.desired(groups, NAMESPACES)
    return planning.plan(items, live, [group.name for group in groups], purge=purge)


def bound(live: dict[Key, Item]) -> Iterator[tuple[str, str, str]]:
    """Group, role and namespace ('' for the whole cluster) of each binding."""
    for key, item in live.items():
        for subject in item.get("subjects", []):
            yield subject["name"], item["roleRef"]["name"], key.namespace


def meant(group: Group) -> set[tuple[str, str, str]]:
    """The same as the options say it, worked out another way."""
    own = [f"ekspress:{group.name}"] if group.rules or group.selectors else []
    if group.everywhere:
        places = {""}
    else:
        places = {name for name in NAMESPACES if named(name, group.namespaces) and not named(name, group.excluded)}
    return {(group.name, role, place) for role in [*own, *group.cluster_roles] for place in places}


def named(name: str, patterns: tuple[str, ...]) -> bool:
    matches = {
        "*": True,
        "team-*": name.startswith("team-"),
        "team-?": name.startswith("team-") and len(name) == len("team-") + 1,
        "kube-*": name.startswith("kube-"),
    }
    return any(matches.get(pattern, pattern == name) for pattern in patterns)


@quick
@given(before=group_lists(), groups=group_lists())
def test_groups_get_exactly_what_is_said_whatever_was_there(
    before: tuple[Group, ...], groups: tuple[Group, ...]
) -> None:
    start = written({}, made(before, {}))
    plan = made(groups, start)
    after = written(start, plan)
    listed = {group.name for group in groups}
    kept = {entry for entry in bound(start) if entry[0] not in listed}
    assert set(bound(after)) == kept.union(*(meant(group) for group in groups))
    assert set(plan.unlisted) == {group.name for group in before} - listed - {
        group.name for group in before if not any(planning.group_of(item) == group.name for item in start.values())
    }
    assert not made(groups, after).changes, "a second run changes nothing"


@quick
@given(before=group_lists(), groups=group_lists())
def test_purge_leaves_what_is_listed_alone(before: tuple[Group, ...], groups: tuple[Group, ...]) -> None:
    start = written({}, made(before, {}))
    after = written(start, made(groups, start, purge=True))
    assert set(after) == set(planning.desired(groups, NAMESPACES))


@quick
@given(before=group_lists(), groups=group_lists())
def test_a_right_that_is_kept_is_there_at_every_step(before: tuple[Group, ...], groups: tuple[Group, ...]) -> None:
    live = written({}, made(before, {}))
    kept = set(bound(live)).intersection(*[set().union(*(meant(group) for group in groups))])
    for change in made(groups, live).changes:
        live = written(live, Plan((change,), ()))
        assert kept <= set(bound(live))
        roles = {key.name for key in live if key.kind == "ClusterRole"} | {"view", "edit"}
        assert {role for _group, role, _place in bound(live)} <= roles, "no binding without its role"


@quick
@given(groups=group_lists())
def test_absent_leaves_nothing(groups: tuple[Group, ...]) -> None:
    live = written({}, made(groups, {}))
    plan = planning.plan({}, live, [group.name for group in groups], purge=False)
    assert written(live, plan) == {}
    assert plan.unlisted == ()


def item(kind: str, group: Group, namespaces: tuple[str, ...] = NAMESPACES) -> Item:
    items = planning.desired([group], namespaces)
    return next(stored(one) for key, one in items.items() if key.kind == kind)


PLAIN = Group("a", (RULES[0],))


@pytest.mark.parametrize(
    "meddle",
    [
        lambda live: live.update(rules=[]),
        lambda live: live.update(rules=[*live["rules"], RULES[1]]),
        lambda live: live.update(aggregationRule={"clusterRoleSelectors": [{"matchLabels": {"x": "y"}}]}),
        lambda live: live["metadata"]["labels"].clear(),
        lambda live: live["metadata"]["annotations"].update({planning.GROUP: "b"}),
    ],
    ids=["no rules", "one more", "aggregated", "label gone", "another group"],
)
def test_what_somebody_changed_is_put_back(meddle: Any) -> None:
    live = item("ClusterRole", PLAIN)
    key = planning.key_of(live)
    meddle(live)
    (change,) = [one for one in made((PLAIN,), {key: live}).changes if one.key == key]
    assert change.action == planning.UPDATE
    assert planning.aggregates_by_others(change) == ("aggregationRule" in live)
    assert change.item == planning.desired([PLAIN], NAMESPACES)[key]


def test_labels_of_others_and_what_the_api_server_adds_do_not_count() -> None:
    live = item("RoleBinding", PLAIN)
    live["metadata"]["labels"]["of"] = "others"
    live["metadata"]["annotations"]["of"] = "others"
    live["subjects"][0]["namespace"] = ""
    wanted = planning.desired([PLAIN], NAMESPACES)[planning.key_of(live)]
    assert planning.as_wanted(live, wanted)
    live["subjects"].append({"kind": "User", "name": "mallory", "apiGroup": planning.API})
    assert not planning.as_wanted(live, wanted)


def test_the_rules_that_kubernetes_fills_into_an_aggregated_role_do_not_count() -> None:
    live = item("ClusterRole", Group("a", (), (SELECTORS[0],)))
    live["rules"] = [RULES[2]]
    key = planning.key_of(live)
    changes = made((Group("a", (), (SELECTORS[0],)),), {key: live}).changes
    assert key not in [change.key for change in changes]


def test_a_binding_to_another_role_is_made_anew() -> None:
    live = item("RoleBinding", PLAIN)
    live["roleRef"]["name"] = "cluster-admin"
    key = planning.key_of(live)
    (change,) = [one for one in made((PLAIN,), {key: live}).changes if one.key == key]
    assert change.action == planning.RECREATE


def test_a_namespace_that_is_being_deleted_takes_nothing_more() -> None:
    items = [
        {"metadata": {"name": "open"}},
        {"metadata": {"name": "going", "deletionTimestamp": "2026-01-01T00:00:00Z"}},
    ]
    assert planning.open_namespaces(items) == ("open",)


def test_a_namespace_that_is_named_and_not_there_is_told_of_patterns_none_is() -> None:
    group = Group("a", (RULES[0],), namespaces=("team-a", "gone", "none-*"))
    assert planning.missing(group, NAMESPACES) == ("gone",)
    assert planning.missing(Group("a", (RULES[0],), everywhere=True, namespaces=("gone",)), NAMESPACES) == ()


def test_two_groups_whose_objects_would_have_one_name_are_told() -> None:
    groups = (Group("a", cluster_roles=("view",)), Group("a:view", (RULES[0],)))
    with pytest.raises(EksError, match=r"a and a:view would both have the RoleBinding ekspress:a:view in default"):
        planning.desired(groups, NAMESPACES)


@pytest.mark.parametrize("name", ["a", "A.b_c-d", "a:b", "x" * 100, "c@d+", "a."])
def test_every_name_has_a_label_of_its_own(name: str) -> None:
    value = planning.label_value(name)
    assert re.fullmatch(r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?", value)
    assert value != planning.label_value(f"{name}:")


def test_a_copy_of_an_object_of_ours_is_not_ours() -> None:
    live = item("ClusterRole", PLAIN)
    assert planning.ours(live)
    live["metadata"]["managedFields"] = [{"manager": "kubectl", "operation": "Apply"}]
    assert not planning.ours(live)
    live["metadata"]["managedFields"] = [{"manager": "ekspress.eks", "operation": "Update"}]
    assert not planning.ours(live)
