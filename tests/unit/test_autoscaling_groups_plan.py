# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The plan for Auto Scaling groups: what holds for all of them (properties), and what each option means (examples)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ansible_collections.ekspress.eks.plugins.module_utils import _ec2_tags
from ansible_collections.ekspress.eks.plugins.module_utils._autoscaling_groups_plan import (
    MAXIMUM_HOOKS,
    MAXIMUM_TAGS,
    TAGS_A_CALL,
    Change,
    Group,
    GroupTags,
    Hook,
    Plan,
    Tag,
    Wanted,
    after,
    make,
    writes,
)
from hypothesis import given
from hypothesis import strategies as st

DRAIN = Hook("terminating", 300, "CONTINUE")
KEYS = ["Name", "team", "node/label", "node/taint", "aws:cloudformation:stack-name", "managed"]
VALUES = ["", "a", "b"]
NAMES = ["first", "second", "third"]
OURS = st.sampled_from([key for key in KEYS if not key.startswith("aws:")])
HOOKS = st.dictionaries(
    st.sampled_from(["drain", "start", "other"]),
    st.builds(Hook, st.sampled_from(["terminating", "launching"]), st.sampled_from([30, 300]), st.just("CONTINUE")),
)
GROUPS = st.fixed_dictionaries(
    {},
    optional={
        name: st.builds(
            Group,
            name=st.just(name),
            tags=st.dictionaries(st.sampled_from(KEYS), st.builds(Tag, st.sampled_from(VALUES), st.booleans())),
            hooks=HOOKS,
            instances=st.dictionaries(
                st.sampled_from([f"i-{name}-{number}" for number in range(4)]),
                st.dictionaries(st.sampled_from(KEYS), st.sampled_from(VALUES)),
            ),
        )
        for name in NAMES
    },
)


@st.composite
def wanted(draw: st.DrawFn, name: str) -> Wanted:
    """What entries that agree can ask of a group."""
    ours = draw(st.dictionaries(OURS, st.tuples(st.sampled_from(VALUES), st.booleans(), st.booleans())))
    tags = {key: value for key, (value, removed, _propagated) in ours.items() if not removed}
    gone = {key: value for key, (value, removed, _propagated) in ours.items() if removed}
    propagated = {key for key, (_value, _removed, propagated) in ours.items() if propagated}
    hooks = draw(HOOKS)
    present = draw(st.booleans()) or bool(tags or hooks)
    return Wanted(
        name=name,
        present=present,
        tags=tags,
        propagated=frozenset(propagated & set(tags)),
        hooks=hooks,
        purged=tuple(draw(st.sampled_from([[], ["node/"], ["node/", "t"]]))) if present else (),
        removed=gone,
        untagged=frozenset(propagated & set(gone)),
        removed_hooks=frozenset(draw(st.sets(st.sampled_from(["drain", "start", "other"])))) - set(hooks),
    )


WANTED = st.lists(st.sampled_from(NAMES), unique=True).flatmap(
    lambda names: st.tuples(*(wanted(name) for name in names)).map(list)
)


def carried_out(plan: Plan, groups: Mapping[str, Group]) -> dict[str, Group]:
    """The groups as AWS has them after the plan's calls."""
    tags = {name: dict(group.tags) for name, group in groups.items()}
    hooks = {name: dict(group.hooks) for name, group in groups.items()}
    instances = {key: dict(value) for group in groups.values() for key, value in group.instances.items()}
    for step in writes(plan):
        for write in step:
            if isinstance(write, GroupTags):
                for name, key, tag in write.tags:
                    if write.operation == "create_or_update_tags":
                        tags[name][key] = tag
                    elif key in tags[name] and tags[name][key].value == tag.value:
                        del tags[name][key]
            elif isinstance(write, _ec2_tags.Write):
                _tag_instances(write, instances)
            elif write.hook is None:
                del hooks[write.group][write.name]
            else:
                hooks[write.group][write.name] = write.hook
    return {
        name: replace(
            group,
            tags=tags[name],
            hooks=hooks[name],
            instances={item: instances[item] for item in group.instances},
        )
        for name, group in groups.items()
    }


def _tag_instances(write: _ec2_tags.Write, instances: dict[str, dict[str, str]]) -> None:
    for instance_id in write.resource_ids:
        for key, value in write.tags:
            if write.operation == "create_tags":
                instances[instance_id][key] = value
            elif instances[instance_id].get(key) == value:
                del instances[instance_id][key]


def plain(**tags: str) -> dict[str, Tag]:
    return {key: Tag(value, False) for key, value in tags.items()}


def change(wanted: Wanted, group: Group) -> Change:
    plan = make([wanted], {group.name: group})
    assert (plan.missing, plan.problems) == ((), ())
    return plan.changes.get(group.name, Change())


def problems(wanted: Wanted, group: Group) -> str:
    return " ".join(make([wanted], {group.name: group}).problems)


@given(GROUPS, WANTED)
def test_idempotent(groups: dict[str, Group], asked: list[Wanted]) -> None:
    again = make(asked, carried_out(make(asked, groups), groups))
    assert not again.changes
    assert writes(again) == [[], [], [], []]


@given(GROUPS, WANTED)
def test_what_is_planned_is_what_is_there_then(groups: dict[str, Group], asked: list[Wanted]) -> None:
    plan = make(asked, groups)
    then = carried_out(plan, groups)
    for name, group in groups.items():
        assert then[name] == (after(group, plan.changes[name]) if name in plan.changes else group)
        assert (then[name] != group) == (name in plan.changes)


@given(GROUPS, WANTED)
def test_all_that_is_asked_for_is_there_then(groups: dict[str, Group], asked: list[Wanted]) -> None:
    then = carried_out(make(asked, groups), groups)
    for item in asked:
        if item.name not in groups:
            continue
        group = then[item.name]
        assert {key: group.tags[key].value for key in item.tags} == item.tags
        assert all(group.tags[key].propagate for key in item.propagated)
        assert item.hooks.items() <= group.hooks.items()
        assert not item.removed_hooks & set(group.hooks)
        assert not {key for key, value in item.removed.items() if key in group.tags and group.tags[key].value == value}
        for tags in group.instances.values():
            assert {key: item.tags[key] for key in item.propagated}.items() <= tags.items()
            assert not {key for key in item.untagged if tags.get(key) == item.removed[key]}


@given(GROUPS, WANTED)
def test_what_is_foreign_stays(groups: dict[str, Group], asked: list[Wanted]) -> None:
    then = carried_out(make(asked, groups), groups)
    by_name = {item.name: item for item in asked}
    for name, group in groups.items():
        item = by_name.get(name, Wanted(name))
        for key, tag in group.tags.items():
            if key in item.tags:
                assert then[name].tags[key].propagate == (tag.propagate or key in item.propagated)
            elif item.removed.get(key) != tag.value and not (key.startswith(item.purged) and key[:4] != "aws:"):
                assert then[name].tags[key] == tag
        for hook, made in group.hooks.items():
            assert hook in {*item.hooks, *item.removed_hooks} or then[name].hooks[hook] == made
        for instance_id, tags in group.instances.items():
            ours = {*item.propagated, *item.untagged}
            now = then[name].instances[instance_id]
            assert {key: tags[key] for key in tags if key not in ours} == {
                key: now[key] for key in now if key not in ours
            }


@given(GROUPS, WANTED)
def test_add_then_remove_leaves_nothing_of_it(groups: dict[str, Group], asked: list[Wanted]) -> None:
    asked = [replace(item, removed={}, untagged=frozenset(), removed_hooks=frozenset(), purged=()) for item in asked]
    bare = {
        item.name: replace(
            groups[item.name],
            tags={key: tag for key, tag in groups[item.name].tags.items() if key not in item.tags},
            hooks={key: hook for key, hook in groups[item.name].hooks.items() if key not in item.hooks},
            instances={
                instance_id: {key: value for key, value in tags.items() if key not in item.propagated}
                for instance_id, tags in groups[item.name].instances.items()
            },
        )
        for item in asked
        if item.name in groups
    }
    back = [
        Wanted(item.name, removed=item.tags, untagged=item.propagated, removed_hooks=frozenset(item.hooks))
        for item in asked
    ]
    made = carried_out(make(asked, bare), bare)
    assert carried_out(make(back, made), made) == bare


@given(GROUPS, WANTED)
def test_calls_are_few_and_within_their_limits(groups: dict[str, Group], asked: list[Wanted]) -> None:
    plan = make(asked, groups)
    calls = [write for step in writes(plan) for write in step if isinstance(write, GroupTags)]
    for operation, part in (("create_or_update_tags", "set"), ("delete_tags", "removed")):
        sizes = [len(call.tags) for call in calls if call.operation == operation]
        count = sum(len(getattr(made, part)) for made in plan.changes.values())
        assert sum(sizes) == count
        assert len(sizes) == -(-count // TAGS_A_CALL)


def test_twenty_five_tags_a_call_whatever_their_groups() -> None:
    tags = {f"key-{number:02}": "v" for number in range(20)}
    groups = {name: Group(name, {}) for name in NAMES}
    plan = make([Wanted(name, present=True, tags=tags) for name in NAMES], groups)
    made = writes(plan)[2]
    assert [len(write.tags) for write in made if isinstance(write, GroupTags)] == [25, 25, 10]
    assert writes(plan)[:2] == [[], []]


def test_hooks_go_first_and_come_last() -> None:
    group = Group("first", plain(managed="a"), {"drain": DRAIN}, {"i-1": {"managed": "a"}})
    gone = Wanted(
        "first", removed={"managed": "a"}, untagged=frozenset({"managed"}), removed_hooks=frozenset({"drain"})
    )
    assert [[type(write).__name__ for write in step] for step in writes(make([gone], {"first": group}))] == [
        ["GroupHook"],
        ["GroupTags", "Write"],
        [],
        [],
    ]
    bare = Group("first", {}, {}, {"i-1": {}})
    made = Wanted("first", True, {"managed": "a"}, frozenset({"managed"}), {}, {"drain": DRAIN})
    assert [[type(write).__name__ for write in step] for step in writes(make([made], {"first": bare}))] == [
        [],
        [],
        ["GroupTags", "Write"],
        ["GroupHook"],
    ]


def test_propagation_changes_only_where_it_is_asked_for() -> None:
    group = Group("first", {"team": Tag("a", True), "managed": Tag("a", False)}, {}, {"i-1": {"managed": "b"}})
    assert not change(Wanted("first", True, {"team": "a", "managed": "a"}), group)
    other = change(Wanted("first", True, {"team": "b"}), group)
    assert other == Change(set={"team": Tag("b", True)})
    propagated = change(Wanted("first", True, {"managed": "a"}, frozenset({"managed"})), group)
    assert propagated == Change(set={"managed": Tag("a", True)}, instances={"i-1": {"managed": "a"}})


def test_purge_leaves_what_any_entry_names_and_what_is_of_aws() -> None:
    group = Group("first", plain(**{"node/label": "a", "node/taint": "a", "node/old": "a", "aws:x": "a", "Name": "a"}))
    asked = Wanted("first", True, {"node/label": "b"}, required={"node/taint": "a"}, purged=("node/", "aw"))
    assert change(asked, group) == Change(set=plain(**{"node/label": "b"}), removed=plain(**{"node/old": "a"}))
    assert not change(Wanted("first", True), group)


def test_a_tag_with_another_value_stays_and_is_said() -> None:
    group = Group("first", plain(team="mine"), {}, {"i-1": {"team": "theirs"}, "i-2": {"team": "theirs"}})
    plan = make([Wanted("first", removed={"team": "theirs"}, untagged=frozenset({"team"}))], {"first": group})
    theirs = {"team": "theirs"}
    assert plan.changes["first"] == Change(untagged={"i-1": theirs, "i-2": theirs})
    (warning,) = plan.warnings
    assert "The tag team of the Auto Scaling group 'first' stays: its value is 'mine' and not 'theirs'" in warning


def test_missing_groups() -> None:
    plan = make([Wanted("first", True), Wanted("second", removed={"team": "a"})], {})
    assert (plan.missing, plan.changes, plan.problems) == (("first",), {}, ())


def test_a_group_that_is_being_deleted() -> None:
    group = Group("first", plain(team="a"), status="Delete in progress")
    assert make([Wanted("first", removed={"team": "a"})], {"first": group}) == Plan({})
    assert "'first' is being deleted (Delete in progress)" in problems(Wanted("first", True), group)


def test_required_tags() -> None:
    group = Group("first", plain(team="a", Name="x"))
    assert not change(Wanted("first", True, required={"team": "a"}), group)
    text = problems(Wanted("first", True, required={"team": "b", "managed": "", "Name": "x"}), group)
    assert "'first' lacks required tags: managed=, team=b (it is 'a')." in text
    assert "or list them under tags" in text
    both = Wanted("first", True, tags={"managed": "a"}, required={"managed": "a"})
    assert change(both, group) == Change(set=plain(managed="a"))


def test_fifty_tags_a_group() -> None:
    full = plain(**{f"tag-{number}": "" for number in range(MAXIMUM_TAGS - 1)}, **{"aws:a": "", "aws:b": ""})
    group = Group("first", full)
    assert change(Wanted("first", True, {"team": "a"}), group)
    text = problems(Wanted("first", True, {"team": "a", "managed": "a"}), group)
    assert "'first' would have 51 tags, and 50 is the most" in text
    assert change(Wanted("first", True, {"team": "a", "managed": "a"}, purged=("tag-1",)), group)
    over = replace(group, tags={**full, **plain(one="", two="", three="")})
    assert change(Wanted("first", removed={"one": ""}), over)


def test_fifty_tags_an_instance() -> None:
    tags = {f"tag-{number}": "" for number in range(_ec2_tags.MAXIMUM_TAGS)}
    group = Group("first", plain(team="a"), {}, {"i-1": tags, "i-2": {}})
    text = problems(Wanted("first", True, {"team": "a"}, frozenset({"team"})), group)
    assert "more than 50 tags, which is the most: i-1 (51);" in text


def test_fifty_hooks_a_group() -> None:
    hooks: dict[str, Any] = {f"hook-{number}": DRAIN for number in range(MAXIMUM_HOOKS)}
    group = Group("first", {}, hooks)
    assert change(Wanted("first", True, hooks={"hook-0": replace(DRAIN, heartbeat_timeout=30)}), group)
    assert "would have 51 lifecycle hooks" in problems(Wanted("first", True, hooks={"drain": DRAIN}), group)
    swapped = Wanted("first", True, hooks={"drain": DRAIN}, removed_hooks=frozenset({"hook-1"}))
    assert change(swapped, group) == Change(hooks={"drain": DRAIN}, removed_hooks={"hook-1": DRAIN})


def test_all_problems_are_told_at_once() -> None:
    asked = [Wanted("first", True, required={"a": "1"}), Wanted("second", True, required={"b": "2"}), Wanted("x", True)]
    plan = make(asked, {name: Group(name, {}) for name in NAMES})
    assert len(plan.problems) == 2
    assert plan.missing == ("x",)
