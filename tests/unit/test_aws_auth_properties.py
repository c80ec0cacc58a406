# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What holds for every merge into aws-auth, whatever the text, as the authenticator itself would see it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from unittest import mock

import pytest
import yaml
from ansible_collections.ekspress.eks.plugins.module_utils import _aws_auth_nodes
from ansible_collections.ekspress.eks.plugins.module_utils._aws_auth_model import Entry, Tracked, Wanted
from ansible_collections.ekspress.eks.plugins.module_utils._aws_auth_plan import Plan, plan
from ansible_collections.ekspress.eks.plugins.module_utils._errors import EksError
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from tests.unit.aws_auth_authenticator import Mapping, mappings, same
from tests.unit.aws_auth_texts import GROUPS, ROLES, TEXTS, USERNAMES, Text

LOADERS = [getattr(yaml, "CSafeLoader", yaml.SafeLoader), yaml.SafeLoader]
both = pytest.mark.parametrize("loader", LOADERS, ids=["libyaml", "python"])
quick = settings(
    deadline=None,
    max_examples=40,
    suppress_health_check=[HealthCheck.too_slow],
    phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink],
)

entries = st.builds(
    Entry,
    st.sampled_from(ROLES),
    st.sampled_from(USERNAMES),
    st.lists(st.sampled_from(GROUPS), max_size=3, unique=True).map(tuple),
)
lists = st.lists(entries, min_size=1, max_size=4, unique_by=lambda entry: entry.key).map(tuple)


@contextmanager
def reading_with(loader: type) -> Iterator[None]:
    with mock.patch.object(_aws_auth_nodes, "LOADER", loader):
        yield


def merged(text: str, wanted: tuple[Entry, ...], tracked: Tracked | None = None, **options: bool) -> Plan:
    return plan({"mapRoles": text}, tracked or Tracked(), Wanted(roles=wanted), state="present", **options)


def removed(text: str, wanted: tuple[Entry, ...]) -> Plan:
    return plan({"mapRoles": text}, Tracked(), Wanted(roles=wanted), state="absent")


def roles(text: str) -> dict[str, Mapping]:
    return mappings("roles", text)


def after(done: Plan) -> str:
    return done.data_after["mapRoles"]


def meant(wanted: tuple[Entry, ...]) -> dict[str, Mapping]:
    return {entry.key: (entry.username, entry.groups) for entry in wanted}


def touched(done: Plan) -> set[str]:
    return {change.key for change in done.changes}


@both
@quick
@given(text=TEXTS, wanted=lists)
def test_a_merge_gives_what_is_wanted_and_leaves_all_others(
    loader: type, text: Text, wanted: tuple[Entry, ...]
) -> None:
    with reading_with(loader):
        done = merged(str(text), wanted)
        assert same(roles(after(done)), {**roles(str(text)), **meant(wanted)})
        assert text.keeps(after(done), touched(done))
        again = merged(after(done), wanted, done.tracked_after)
        assert not again.changed
        assert again.data_after == done.data_after
        assert not again.changes
        assert again.tracked_after == done.tracked_after


@both
@quick
@given(text=TEXTS, wanted=lists)
def test_the_plan_says_what_is_written(loader: type, text: Text, wanted: tuple[Entry, ...]) -> None:
    with reading_with(loader):
        done = merged(str(text), wanted)
    before, written = roles(str(text)), roles(after(done))
    assert bool(done.changes) == done.changed
    differing = {key for key in {*before, *written} if not same({key: before.get(key, ("", ()))}, {key: written[key]})}
    assert differing <= touched(done) <= {entry.key for entry in wanted}
    assert {change.key for change in done.changes if change.kind == "added"} == set(written) - set(before)
    seen = {key: (entry.username, entry.groups) for key, entry in done.effective_after.items()}
    assert same({key: seen[key] for key in meant(wanted)}, meant(wanted))
    assert set(seen) == set(written)


@both
@quick
@given(text=TEXTS, wanted=lists, data=st.data())
def test_order_does_not_count(loader: type, text: Text, wanted: tuple[Entry, ...], data: st.DataObject) -> None:
    other = tuple(data.draw(st.permutations(wanted)))
    cut = data.draw(st.integers(0, len(wanted)))
    with reading_with(loader):
        whole = merged(str(text), wanted)
        assert merged(str(text), other).data_after == whole.data_after
        first = after(merged(str(text), wanted[:cut]))
        last = after(merged(str(text), wanted[cut:]))
        assert same(roles(after(merged(first, wanted[cut:]))), roles(after(whole)))
        assert same(roles(after(merged(last, wanted[:cut]))), roles(after(whole)))


@both
@quick
@given(text=TEXTS, wanted=lists)
def test_what_is_added_and_removed_leaves_no_trace(loader: type, text: Text, wanted: tuple[Entry, ...]) -> None:
    new = tuple(entry for entry in wanted if entry.key not in roles(str(text)))
    with reading_with(loader):
        back = removed(after(merged(str(text), new)), new)
    if text.listed:
        assert after(back) == str(text)
    else:
        assert roles(after(back)) == {}


@both
@quick
@given(text=TEXTS, wanted=lists)
def test_a_removal_leaves_all_others(loader: type, text: Text, wanted: tuple[Entry, ...]) -> None:
    with reading_with(loader):
        done = removed(str(text), wanted)
        assert not removed(after(done), wanted).changed
    left = {key: value for key, value in roles(str(text)).items() if key not in meant(wanted)}
    assert roles(after(done)) == left
    assert text.keeps(after(done), touched(done))
    assert done.changed == (roles(str(text)) != left)


@both
@quick
@given(text=TEXTS, wanted=lists)
def test_collapsing_changes_no_mapping(loader: type, text: Text, wanted: tuple[Entry, ...]) -> None:
    with reading_with(loader):
        done = merged(str(text), (), collapse=True)
        assert roles(after(done)) == roles(str(text))
        assert not done.duplicates
        assert not merged(after(done), (), collapse=True).changed
        both_at_once = merged(str(text), wanted, collapse=True)
        assert same(roles(after(both_at_once)), {**roles(str(text)), **meant(wanted)})


@both
@quick
@given(text=TEXTS, wanted=lists, later=lists)
def test_purge_removes_nothing_of_others(
    loader: type, text: Text, wanted: tuple[Entry, ...], later: tuple[Entry, ...]
) -> None:
    with reading_with(loader):
        first = merged(str(text), wanted)
        second = merged(after(first), later, first.tracked_after, purge=True)
        assert not merged(after(second), later, second.tracked_after, purge=True).changed
    ours = touched(first)
    foreign = {key: value for key, value in roles(after(first)).items() if key not in ours}
    written = roles(after(second))
    assert same(
        {key: written[key] for key in foreign}, {**foreign, **{k: v for k, v in meant(later).items() if k in foreign}}
    )
    assert same({key: written[key] for key in meant(later)}, meant(later))
    kept = {key.arn for key in second.unlisted}
    assert set(written) == set(foreign) | set(meant(later)) | kept
    assert kept <= {key.arn for key in second.duplicates}


@st.composite
def shared(draw: DrawFn) -> str:
    """A text whose entries take groups, or all they have, over from earlier ones by alias and merge."""
    lines = []
    for number, arn in enumerate(draw(st.lists(st.sampled_from(ROLES), min_size=2, max_size=5, unique=True))):
        earlier = draw(st.integers(0, number - 1)) if number else 0
        ways = ["own", "groups", "entry"] if number else ["own"]
        way = draw(st.sampled_from(ways))
        groups = ", ".join(f"'{group}'" for group in draw(st.lists(st.sampled_from(GROUPS), max_size=2, unique=True)))
        lines += [f"- &e{number}", f"  rolearn: {arn}"]
        if way == "entry":
            lines += [f"  <<: *e{earlier}", f"  team: &g{number} [{groups}]"]
        elif way == "groups":
            lines += [f"  username: user-{number}", f"  groups: *g{earlier}", f"  team: &g{number} [{groups}]"]
        else:
            lines += [f"  username: user-{number}", f"  groups: &g{number} [{groups}]"]
    return "".join(f"{line}\n" for line in lines)


@both
@settings(quick, max_examples=200)
@given(text=shared(), wanted=lists)
def test_nobody_gains_or_loses_by_what_entries_share(loader: type, text: str, wanted: tuple[Entry, ...]) -> None:
    gone = {entry.key for entry in wanted}
    left = {key: mapping for key, mapping in roles(text).items() if key not in gone}
    with reading_with(loader):
        # What cannot be changed without others is refused.
        with suppress(EksError):
            assert same(roles(after(merged(text, wanted))), {**roles(text), **meant(wanted)})
        with suppress(EksError):
            assert same(roles(removed(text, wanted).data_after["mapRoles"]), left)
