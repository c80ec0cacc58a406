# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The plan of oidc_provider: its writes, carried out on a model of IAM, give exactly the state that it promises."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

import pytest
from ansible_collections.ekspress.eks.plugins.module_utils._errors import EksError
from ansible_collections.ekspress.eks.plugins.module_utils._iam_tags import MAX_TAGS, differ_in_case
from ansible_collections.ekspress.eks.plugins.module_utils._oidc_provider_plan import (
    MAX_AUDIENCES,
    Desired,
    Plan,
    Provider,
    Step,
    plan_absent,
    plan_present,
)
from hypothesis import given
from hypothesis import strategies as st

AUDIENCES = st.frozensets(st.sampled_from(["sts.amazonaws.com", "a", "b", "c", "d"]))
THUMBPRINTS = st.frozensets(st.sampled_from([digit * 40 for digit in "0123456789"]), min_size=1, max_size=5)
TAGS = st.dictionaries(
    st.sampled_from(["team", "Team", "environment", "aws:x", "Name"]), st.sampled_from(["", "a", "b"])
).filter(lambda tags: not differ_in_case(tags))
OWN_TAGS = TAGS.map(lambda tags: {key: value for key, value in tags.items() if not key.startswith("aws:")})
PROVIDERS = st.builds(Provider, AUDIENCES, st.one_of(st.just(frozenset()), THUMBPRINTS), TAGS)
DESIRED = st.builds(
    Desired, AUDIENCES, st.booleans(), st.one_of(st.none(), THUMBPRINTS), st.one_of(st.none(), OWN_TAGS), st.booleans()
)


def without_keys(tags: Mapping[str, str], keys: Iterable[str]) -> dict[str, str]:
    """The tags but those with one of the keys, in whatever case, as IAM takes them."""
    folded = {key.lower() for key in keys}
    return {key: value for key, value in tags.items() if key.lower() not in folded}


def carried_out(current: Provider | None, step: Step) -> Provider | None:
    """What IAM makes of a write, within its limits."""
    arguments = step.arguments
    if step.operation == "create_open_id_connect_provider":
        assert current is None
        after = Provider(
            frozenset(arguments["ClientIDList"]),
            frozenset(arguments.get("ThumbprintList", [])),
            {tag["Key"]: tag["Value"] for tag in arguments.get("Tags", [])},
        )
    else:
        assert current is not None
        tags = dict(current.tags)
        if step.operation == "delete_open_id_connect_provider":
            return None
        if step.operation == "add_client_id_to_open_id_connect_provider":
            after = replace(current, audiences=current.audiences | {arguments["ClientID"]})
        elif step.operation == "remove_client_id_from_open_id_connect_provider":
            after = replace(current, audiences=current.audiences - {arguments["ClientID"]})
        elif step.operation == "update_open_id_connect_provider_thumbprint":
            after = replace(current, thumbprints=frozenset(arguments["ThumbprintList"]))
        elif step.operation == "tag_open_id_connect_provider":
            new = {tag["Key"]: tag["Value"] for tag in arguments["Tags"]}
            after = replace(current, tags=without_keys(tags, new) | new)
        else:
            assert step.operation == "untag_open_id_connect_provider"
            assert not any(key.startswith("aws:") for key in arguments["TagKeys"])
            after = replace(current, tags=without_keys(tags, arguments["TagKeys"]))
    assert len(after.audiences) <= MAX_AUDIENCES
    assert sum(not key.startswith("aws:") for key in after.tags) <= MAX_TAGS
    return after


def result_of(plan: Plan) -> Provider | None:
    current = plan.before
    for step in plan.steps:
        current = carried_out(current, step)
    return current


CURRENT = st.one_of(st.none(), PROVIDERS)


@given(CURRENT, DESIRED)
def test_the_writes_give_what_the_plan_promises(current: Provider | None, desired: Desired) -> None:
    plan = plan_present(current, desired)
    assert plan.before == current
    assert result_of(plan) == plan.after
    assert plan.changed == (plan.before != plan.after)


@given(CURRENT, DESIRED)
def test_a_second_run_changes_nothing(current: Provider | None, desired: Desired) -> None:
    assert not plan_present(plan_present(current, desired).after, desired).changed


@given(CURRENT, DESIRED)
def test_what_is_asked_for_is_there(current: Provider | None, desired: Desired) -> None:
    after = plan_present(current, desired).after
    assert after is not None
    assert desired.audiences <= after.audiences
    assert desired.thumbprints in (None, after.thumbprints)
    assert (desired.tags or {}).items() <= after.tags.items()


@given(PROVIDERS, DESIRED)
def test_what_is_not_ours_stays(current: Provider, desired: Desired) -> None:
    after = plan_present(current, replace(desired, purge_audiences=False, purge_tags=False)).after
    assert after is not None
    assert current.audiences <= after.audiences
    assert without_keys(current.tags, desired.tags or {}).items() <= after.tags.items()


@given(PROVIDERS, DESIRED)
def test_purging_leaves_what_is_asked_for_alone(current: Provider, desired: Desired) -> None:
    after = plan_present(current, replace(desired, purge_audiences=True, purge_tags=True)).after
    assert after is not None
    assert after.audiences == desired.audiences
    reserved = {key: value for key, value in current.tags.items() if key.startswith("aws:")}
    assert after.tags == (current.tags if desired.tags is None else {**reserved, **desired.tags})


@given(PROVIDERS, DESIRED)
def test_adding_then_purging_gives_what_was_before(current: Provider, desired: Desired) -> None:
    added = plan_present(current, replace(desired, purge_audiences=False, purge_tags=False, thumbprints=None)).after
    back = Desired(
        current.audiences,
        True,
        None,
        {key: tag for key, tag in current.tags.items() if not key.startswith("aws:")},
        True,
    )
    assert plan_present(added, back).after == current


@given(PROVIDERS, DESIRED, DESIRED)
def test_two_runs_at_once_lose_nothing(current: Provider, one: Desired, other: Desired) -> None:
    """Both read the same provider and write one after the other, as they come."""
    plans = [
        plan_present(current, replace(desired, purge_audiences=False, purge_tags=False)) for desired in (one, other)
    ]
    result: Provider | None = current
    for plan in plans:
        for step in plan.steps:
            result = carried_out(result, step)
    assert result is not None
    assert result.audiences == current.audiences | one.audiences | other.audiences
    tags = {**current.tags, **(one.tags or {}), **(other.tags or {})}
    assert {key.lower() for key in result.tags} == {key.lower() for key in tags}


@given(CURRENT)
def test_absent_deletes_what_is_there(current: Provider | None) -> None:
    plan = plan_absent(current)
    assert plan.changed == (current is not None)
    assert result_of(plan) is None


def names(count: int, prefix: str = "") -> frozenset[str]:
    return frozenset(f"{prefix}{number:03d}" for number in range(count))


def test_a_full_provider_makes_room_before_it_adds() -> None:
    current = Provider(names(100), frozenset(), dict.fromkeys(names(50), "x"))
    desired = Desired(names(60, "new-"), True, None, dict.fromkeys(names(30, "new-"), "x"), True)
    plan = plan_present(current, desired)
    assert (
        result_of(plan) == plan.after == Provider(names(60, "new-"), frozenset(), dict.fromkeys(names(30, "new-"), "x"))
    )


def test_where_there_is_room_it_adds_before_it_removes() -> None:
    plan = plan_present(Provider(frozenset({"old"})), Desired(frozenset({"new"}), True))
    assert [step.arguments["ClientID"] for step in plan.steps] == ["new", "old"]


@pytest.mark.parametrize("current", [None, Provider(frozenset({"old"}), frozenset(), {"old": "x"})])
def test_limits_are_checked_before_any_write(current: Provider | None) -> None:
    room = 0 if current is None else 1
    plan_present(current, Desired(names(100 - room), False, None, dict.fromkeys(names(50 - room), "x")))
    with pytest.raises(
        EksError, match=r"would have 101 audiences and IAM allows 100: .* purge_audiences .* Nothing was"
    ):
        plan_present(current, Desired(names(101 - room)))
    with pytest.raises(EksError, match=r"would have 51 tags and IAM allows 50: .* purge_tags .* Nothing was changed"):
        plan_present(current, Desired(names(1), False, None, dict.fromkeys(names(51 - room), "x")))


def test_tags_of_aws_do_not_count() -> None:
    current = Provider(frozenset(), frozenset(), {"aws:cloudformation:stack-name": "x"})
    assert plan_present(current, Desired(frozenset(), False, None, dict.fromkeys(names(50), "x"))).changed
