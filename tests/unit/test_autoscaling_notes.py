# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Tags of an owner: what it wants no more goes, what others made stays, whenever a run is killed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.ekspress.eks.plugins.module_utils import _autoscaling_notes as notes
from ansible_collections.ekspress.eks.plugins.module_utils._autoscaling_groups_input import wanted_groups
from ansible_collections.ekspress.eks.plugins.module_utils._autoscaling_groups_plan import (
    Group,
    GroupTags,
    Tag,
    after,
    make,
    writes,
)
from ansible_collections.ekspress.eks.plugins.module_utils._errors import EksError
from hypothesis import given
from hypothesis import strategies as st

OWNER = "autoscaler"
NOTE = f"{notes.PREFIX}{OWNER}"


def entry(tags: Mapping[str, str] | None = None, **options: Any) -> dict[str, Any]:
    defaults = {"propagate": False, "required_tags": {}, "lifecycle_hooks": [], "purge_tag_prefixes": []}
    return {"name": "g", "owner": OWNER, "state": "present", "tags": dict(tags or {}), **defaults, **options}


def group(**tags: str) -> Group:
    return Group("g", {key: Tag(value, False) for key, value in tags.items()})


def converged(found: Group, *entries: dict[str, Any]) -> Group:
    """The group after a run, which the next run finds unchanged."""
    plan = make(wanted_groups(entries), {"g": found})
    assert not plan.problems
    then = after(found, plan.changes["g"]) if "g" in plan.changes else found
    assert not make(wanted_groups(entries), {"g": then}).changes
    return then


def values(found: Group) -> dict[str, str]:
    return {key: tag.value for key, tag in found.tags.items() if not key.startswith(notes.PREFIX)}


def test_what_is_wanted_no_more_goes_and_the_note_with_the_last() -> None:
    first = converged(group(foreign="1"), entry({"a": "1", "b": "1"}))
    second = converged(first, entry({"a": "1"}))
    assert values(second) == {"foreign": "1", "a": "1"}
    third = converged(second, entry(state="absent"))
    assert third == group(foreign="1")


def test_a_tag_that_was_there_is_not_ours_and_one_that_we_changed_is() -> None:
    first = converged(group(same="1", other="2"), entry({"same": "1", "other": "1"}))
    assert values(converged(first, entry())) == {"same": "1"}


def test_a_tag_that_somebody_changed_since_stays() -> None:
    first = converged(group(), entry({"a": "1"}))
    changed = replace(first, tags={**first.tags, "a": Tag("theirs", False)})
    assert values(converged(changed, entry())) == {"a": "theirs"}


def test_absent_takes_what_is_noted_whether_it_is_listed_or_not() -> None:
    first = converged(group(listed="1"), entry({"listed": "1", "a": "1"}))
    assert values(converged(first, entry({"listed": "1"}, state="absent"))) == {"listed": "1"}


def test_owners_keep_apart_and_another_ones_wish_keeps_a_tag() -> None:
    both = converged(group(), entry({"a": "1", "b": "1"}), entry({"b": "1", "c": "1"}, owner="handler"))
    left = converged(both, entry(), entry({"b": "1", "c": "1"}, owner="handler"))
    assert values(left) == {"b": "1", "c": "1"}
    assert values(converged(left, entry({"x": "1"}))) == {"b": "1", "c": "1", "x": "1"}


def test_instances_lose_what_was_propagated() -> None:
    found = Group("g", {}, {}, {"i-1": {"own": "1"}})
    first = converged(found, entry({"old": "1"}, propagate=True))
    assert first.instances == {"i-1": {"own": "1", "old": "1"}}
    second = converged(first, entry({"new": "1"}, propagate=True))
    assert second.instances == {"i-1": {"own": "1", "new": "1"}}


TAGS = st.dictionaries(st.sampled_from("abcd"), st.sampled_from("12"), max_size=4)


@given(TAGS, TAGS, TAGS, st.integers(0, 12))
def test_a_run_that_is_killed_leaves_nothing_that_the_next_ones_do_not_find(
    foreign: dict[str, str], first: dict[str, str], second: dict[str, str], made: int
) -> None:
    """After any number of calls of a run, a run that wants nothing leaves what was there, but for what was changed."""
    before = converged(group(**foreign), entry(first))
    plan = make(wanted_groups([entry(second)]), {"g": before})
    calls = [call for step in writes(plan) for call in step][:made]
    tags = dict(before.tags)
    for call in calls:
        assert isinstance(call, GroupTags)
        for _name, key, tag in call.tags:
            if call.operation == "create_or_update_tags":
                tags[key] = tag
            elif tags.get(key, tag).value == tag.value:
                tags.pop(key, None)
    left = converged(replace(before, tags=tags), entry(state="absent"))
    wanted = {**first, **second}
    untouched = {key: value for key, value in foreign.items() if key not in wanted}
    assert untouched.items() <= values(left).items()
    assert set(values(left)) <= set(foreign)
    assert NOTE not in left.tags


def test_a_note_has_room_for_so_many_tags() -> None:
    tags = {f"k{number}": "v" for number in range(notes.MOST)}
    assert len(converged(group(), entry(tags)).tags[NOTE].value) <= 256
    plan = make(wanted_groups([entry({**tags, "more": "v"})]), {"g": group()})
    assert "The note of autoscaler on the Auto Scaling group 'g' has room for 28 tags" in plan.problems[0]


def test_a_prefix_that_is_purged_spares_notes() -> None:
    first = converged(group(), entry({"a": "1"}))
    assert NOTE in converged(first, entry({"a": "1"}, purge_tag_prefixes=["ekspress"])).tags


@pytest.mark.parametrize(
    ("options", "said"),
    [({"owner": "a b"}, "owner, 'a b': it has 1 to 64"), ({"tags": {"ekspress.eks/x": ""}}, "notes; choose another")],
)
def test_names_that_are_refused(options: dict[str, Any], said: str) -> None:
    with pytest.raises(EksError) as refused:
        wanted_groups([entry() | options])
    assert said in refused.value.message
