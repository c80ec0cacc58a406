# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The plan for subnets' tags: what holds for all of them (properties), and what each option means (examples)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest
from ansible_collections.ekspress.eks.plugins.module_utils._ec2_tags import MAXIMUM_RESOURCES, MAXIMUM_TAGS
from ansible_collections.ekspress.eks.plugins.module_utils._subnet_model import (
    PRIVATE_ROLE_TAG,
    PUBLIC_ROLE_TAG,
    ROLE_TAGS,
    Subnet,
    cluster_tag,
    refused_to,
)
from ansible_collections.ekspress.eks.plugins.module_utils._subnet_tags_plan import (
    Desired,
    Plan,
    after,
    hides,
    make,
    neighbours,
    writes,
)
from hypothesis import given
from hypothesis import strategies as st

BLUE, GREEN, OLD = cluster_tag("blue"), cluster_tag("green"), cluster_tag("old")
KEYS = [BLUE, GREEN, OLD, PUBLIC_ROLE_TAG, PRIVATE_ROLE_TAG, "Name", "team", "aws:cloudformation:stack-name"]
VALUES = ["1", "", "0", "shared", "owned", "platform"]
TAGS = st.dictionaries(st.sampled_from(KEYS), st.sampled_from(VALUES))
ROLES = st.sampled_from(["public", "private", ""])
SUBNETS = st.lists(st.tuples(TAGS, ROLES), max_size=8).map(
    lambda items: (
        [subnet(tags, number) for number, (tags, _role) in enumerate(items)],
        {f"subnet-{number}": role for number, (_tags, role) in enumerate(items) if role},
    )
)
PRESENT = st.builds(
    Desired,
    cluster=st.just("blue"),
    extra_tags=st.dictionaries(st.sampled_from(["team", "cost"]), st.sampled_from(VALUES)),
    cluster_tag=st.sampled_from(["auto", "always", "never"]),
    cluster_tag_value=st.sampled_from(["shared", "owned"]),
    sweep=st.sampled_from([frozenset(), frozenset({"old"}), frozenset({"old", "green"})]),
)
ABSENT = st.builds(
    Desired,
    cluster=st.just("blue"),
    present=st.just(False),
    remove_role_tags=st.booleans(),
    sweep=st.sampled_from([frozenset(), frozenset({"old"})]),
)


def subnet(tags: Mapping[str, str], number: int = 0) -> Subnet:
    return Subnet(f"subnet-{number}", "eu-central-1a", "10.0.0.0/24", 200, "", tags)


def carried_out(plan: Plan, subnets: Sequence[Subnet]) -> list[Subnet]:
    """The subnets as AWS has them after the plan's calls, by what CreateTags and DeleteTags do."""
    tags = {item.subnet_id: dict(item.tags) for item in subnets}
    removals, settings = writes(plan)
    for write in removals:
        for subnet_id in write.resource_ids:
            for key, value in write.tags:
                if tags[subnet_id].get(key) == value:
                    del tags[subnet_id][key]
    for write in settings:
        for subnet_id in write.resource_ids:
            tags[subnet_id].update(write.tags)
    return [replace(item, tags=tags[item.subnet_id]) for item in subnets]


def result(
    desired: Desired, tags: Mapping[str, str], role: str = "public", living: Sequence[str] = ()
) -> dict[str, str]:
    subnets = [subnet(tags)]
    plan = make(desired, subnets, {"subnet-0": role} if role else {}, living)
    return dict(carried_out(plan, subnets)[0].tags)


@given(SUBNETS, st.one_of(PRESENT, ABSENT))
def test_idempotent(network: tuple[list[Subnet], dict[str, str]], desired: Desired) -> None:
    subnets, roles = network
    again = make(desired, carried_out(make(desired, subnets, roles), subnets), roles)
    assert not again.changes
    assert writes(again) == ([], [])


@given(SUBNETS, st.one_of(PRESENT, ABSENT))
def test_what_is_planned_is_what_is_there_then(network: tuple[list[Subnet], dict[str, str]], desired: Desired) -> None:
    subnets, roles = network
    plan = make(desired, subnets, roles)
    assert carried_out(plan, subnets) == [after(item, plan.changes.get(item.subnet_id)) for item in subnets]
    assert all(after(item, plan.changes[item.subnet_id]) != item for item in subnets if item.subnet_id in plan.changes)


@given(SUBNETS, st.one_of(PRESENT, ABSENT))
def test_foreign_tags_stay(network: tuple[list[Subnet], dict[str, str]], desired: Desired) -> None:
    subnets, roles = network
    ours = {BLUE, *ROLE_TAGS.values(), *desired.extra_tags, *(cluster_tag(name) for name in desired.sweep)}
    for before, then in zip(subnets, carried_out(make(desired, subnets, roles), subnets), strict=True):
        assert {key: value for key, value in before.tags.items() if key not in ours} == {
            key: value for key, value in then.tags.items() if key not in ours
        }


@given(SUBNETS, PRESENT)
def test_present_never_removes_but_what_is_swept(
    network: tuple[list[Subnet], dict[str, str]], desired: Desired
) -> None:
    subnets, roles = network
    swept = {cluster_tag(name) for name in desired.sweep}
    for before, then in zip(subnets, carried_out(make(desired, subnets, roles), subnets), strict=True):
        assert set(before.tags) - set(then.tags) <= swept


@given(SUBNETS, PRESENT)
def test_add_then_remove_is_as_before(network: tuple[list[Subnet], dict[str, str]], desired: Desired) -> None:
    given_subnets, roles = network
    desired = replace(desired, extra_tags={}, sweep=frozenset())
    subnets = [
        replace(item, tags={key: value for key, value in item.tags.items() if key not in (BLUE, *ROLE_TAGS.values())})
        for item in given_subnets
    ]
    tagged = carried_out(make(desired, subnets, roles), subnets)
    removal = Desired("blue", present=False, remove_role_tags=True)
    assert carried_out(make(removal, tagged, {}), tagged) == subnets


@given(SUBNETS, PRESENT)
def test_every_role_is_set_and_auto_leaves_nothing_refused(
    network: tuple[list[Subnet], dict[str, str]], desired: Desired
) -> None:
    subnets, roles = network
    for item in carried_out(make(desired, subnets, roles), subnets):
        if item.subnet_id in roles:
            assert item.tags[ROLE_TAGS[roles[item.subnet_id]]] in ("1", "")
            assert desired.cluster_tag == "never" or not refused_to("blue", item.tags)
            assert desired.cluster_tag != "always" or item.tags[BLUE] == desired.cluster_tag_value


@given(SUBNETS, st.one_of(PRESENT, ABSENT))
def test_one_write_for_each_distinct_set(network: tuple[list[Subnet], dict[str, str]], desired: Desired) -> None:
    subnets, roles = network
    plan = make(desired, subnets, roles)
    removals, settings = writes(plan)
    assert len(settings) == len({tuple(sorted(item.set.items())) for item in plan.changes.values() if item.set})
    assert len(removals) == len({tuple(sorted(item.remove.items())) for item in plan.changes.values() if item.remove})


@given(SUBNETS, ABSENT)
def test_role_tags_stay_while_another_cluster_lives(
    network: tuple[list[Subnet], dict[str, str]], desired: Desired
) -> None:
    subnets, roles = network
    plan = make(desired, subnets, roles, ["green"])
    for before, then in zip(subnets, carried_out(plan, subnets), strict=True):
        for key in ROLE_TAGS.values():
            assert before.tags.get(key) == then.tags.get(key)


@pytest.mark.parametrize(
    ("mode", "before", "expected"),
    [
        ("auto", {}, None),
        ("auto", {GREEN: "shared"}, "shared"),
        ("auto", {GREEN: ""}, "shared"),
        ("auto", {BLUE: "owned", GREEN: "shared"}, "owned"),
        ("auto", {BLUE: "other"}, "other"),
        ("always", {}, "shared"),
        ("always", {BLUE: "owned"}, "shared"),
        ("never", {GREEN: "shared"}, None),
        ("never", {BLUE: "owned"}, "owned"),
    ],
)
def test_cluster_tag(mode: str, before: dict[str, str], expected: str | None) -> None:
    assert result(Desired("blue", cluster_tag=mode), before).get(BLUE) == expected


@pytest.mark.parametrize(
    ("before", "expected"), [({}, "1"), ({PUBLIC_ROLE_TAG: ""}, ""), ({PUBLIC_ROLE_TAG: "no"}, "1")]
)
def test_role_tag(before: dict[str, str], expected: str) -> None:
    assert result(Desired("blue"), before)[PUBLIC_ROLE_TAG] == expected


def test_a_subnet_without_a_role_gets_nothing_but_is_swept() -> None:
    desired = Desired("blue", extra_tags={"team": "a"}, cluster_tag="always", sweep=frozenset({"old"}))
    assert result(desired, {OLD: "owned", "Name": "x"}, role="") == {"Name": "x"}


def test_a_swept_tag_is_no_reason_for_ours() -> None:
    assert result(Desired("blue", sweep=frozenset({"old"})), {OLD: "shared"}) == {PUBLIC_ROLE_TAG: "1"}


def test_absent_removes_only_what_the_module_sets() -> None:
    before = {BLUE: "owned", GREEN: "shared", PUBLIC_ROLE_TAG: "1", PRIVATE_ROLE_TAG: "no", "team": "a"}
    assert result(Desired("blue", present=False, extra_tags={"team": "a"}), before) == {
        key: value for key, value in before.items() if key != BLUE
    }
    assert result(Desired("blue", present=False, remove_role_tags=True), before) == {
        GREEN: "shared",
        PRIVATE_ROLE_TAG: "no",
        "team": "a",
    }


def test_absent_says_what_stays_and_why() -> None:
    desired = Desired("blue", present=False, remove_role_tags=True)
    plan = make(desired, [subnet({BLUE: "other", PUBLIC_ROLE_TAG: "1"})], {}, ["green", "blue"])
    assert not plan.changes
    assert len(plan.warnings) == 2
    assert "neither shared nor owned" in plan.warnings[0]
    assert plan.warnings[1].endswith("of its subnets: green. Name those that no longer exist in sweep.")
    assert make(desired, [subnet({})], {}, ["green"]).warnings == ()


def test_the_limit_counts_all_but_the_tags_of_aws() -> None:
    full = {f"tag-{number}": "" for number in range(MAXIMUM_TAGS - 1)} | {f"aws:{number}": "" for number in range(9)}
    assert make(Desired("blue"), [subnet(full)], {"subnet-0": "public"}).too_many == {}
    over = subnet({**full, "one": "more"}, 1)
    roles = {"subnet-1": "public"}
    assert make(Desired("blue"), [over], roles).too_many == {"subnet-1": MAXIMUM_TAGS + 1}
    assert make(Desired("blue", extra_tags={"one": "x"}), [subnet(over.tags)], {}).too_many == {}
    swept = subnet({**full, OLD: "shared"}, 1)
    assert make(Desired("blue", sweep=frozenset({"old"})), [swept], roles).too_many == {}


def test_calls_hold_a_thousand_subnets_at_most() -> None:
    subnets = [subnet({}, number) for number in range(2 * MAXIMUM_RESOURCES + 1)]
    _removals, settings = writes(make(Desired("blue"), subnets, {item.subnet_id: "public" for item in subnets}))
    assert [len(write.resource_ids) for write in settings] == [MAXIMUM_RESOURCES, MAXIMUM_RESOURCES, 1]
    assert {subnet_id for write in settings for subnet_id in write.resource_ids} == {item.subnet_id for item in subnets}


def test_neighbours() -> None:
    tags = [{GREEN: "shared"}, {}, {BLUE: "owned", GREEN: "shared"}, {OLD: "x"}]
    subnets = [subnet(item, number) for number, item in enumerate(tags)]
    plan = make(Desired("blue", cluster_tag="always"), subnets, {item.subnet_id: "public" for item in subnets})
    assert hides(plan, subnets, "blue")
    assert neighbours(plan, subnets, "blue", ["blue", "green", "untagged"]) == [
        {"cluster": "green", "effect": "hidden", "subnet_ids": ["subnet-1"]},
        {"cluster": "green", "effect": "shared", "subnet_ids": ["subnet-0"]},
        {"cluster": "old", "effect": "shared", "subnet_ids": ["subnet-3"]},
        {"cluster": "untagged", "effect": "hidden", "subnet_ids": ["subnet-1"]},
    ]
    auto = make(Desired("blue"), subnets, {item.subnet_id: "public" for item in subnets})
    assert not hides(auto, subnets, "blue")
