# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Which entries of aws-auth are ours, which go, and what is told of the rest."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.ekspress.eks.plugins.module_utils._aws_auth_model import (
    ANNOTATION,
    Change,
    Entry,
    Key,
    Tracked,
    Wanted,
    canonical,
)
from ansible_collections.ekspress.eks.plugins.module_utils._aws_auth_plan import Plan, plan, restored
from ansible_collections.ekspress.eks.plugins.module_utils._errors import EksError

ARN = "arn:aws:iam::111122223333:role/"
A, B, C = (Entry(f"{ARN}{name}", name, ("dev",)) for name in ("A", "b", "c"))
ANA = Entry("arn:aws:iam::111122223333:user/ana", "ana")


def text(*entries: Entry) -> str:
    return "".join(
        f"- rolearn: {e.arn}\n  username: {e.username}\n  groups: [{', '.join(e.groups)}]\n" for e in entries
    )


def run(data: dict[str, str], wanted: Wanted, tracked: Tracked | None = None, **options: Any) -> Plan:
    return plan(data, tracked or Tracked(), wanted, **{"state": "present", **options})


def roles(*entries: Entry) -> Wanted:
    return Wanted(roles=entries)


def test_what_is_no_string_counts_as_an_empty_one() -> None:
    """So the real authenticator judges it; as a change it is shown as it looks."""
    done = run({"mapRoles": f"- rolearn: {A.arn}\n  username: no\n  groups: [dev, 123]\n"}, roles(A))
    assert done.effective_before[A.key] == Entry(A.arn, "", ("dev", ""))
    assert done.effective_after[A.key] == A
    assert done.changes == (Change("roles", A.key, Entry(A.arn, "no", ("dev", "123")), A),)


def test_what_we_write_is_tracked_and_what_was_there_is_not() -> None:
    done = run({"mapRoles": text(A, Entry(B.arn, "other"))}, Wanted(roles=(A, B, C), accounts=("111122223333",)))
    assert done.tracked_after.roles == {B.key: B.digest, C.key: C.digest}
    assert done.tracked_after.accounts == {"111122223333"}
    assert [str(change) for change in done.changes] == [
        f"roles: change {B.arn}",
        f"roles: add {C.arn}",
        "accounts: add 111122223333",
    ]
    again = run(dict(done.data_after), Wanted(roles=(A, B, C)), done.tracked_after)
    assert not again.changed
    assert again.tracked_after == done.tracked_after


def test_purge_removes_ours_and_only_in_sections_that_are_given() -> None:
    first = run({"mapRoles": text(A)}, Wanted(roles=(B, C), users=(ANA,), accounts=("111122223333",)))
    second = run(dict(first.data_after), roles(C), first.tracked_after, purge=True)
    assert [str(change) for change in second.changes] == [f"roles: remove {B.arn}"]
    assert second.tracked_after.roles == {C.key: C.digest}
    assert second.tracked_after.users == {ANA.key: ANA.digest}
    assert second.unlisted == ()
    third = run(dict(second.data_after), Wanted((), (), ()), second.tracked_after, purge=True)
    assert third.data_after == {"mapRoles": text(A), "mapUsers": "[]\n", "mapAccounts": "[]\n"}
    assert third.tracked_after == Tracked()
    assert third.tracked_after.annotation() == ""


def test_without_purge_ours_are_told_and_stay() -> None:
    first = run({}, roles(A, B))
    second = run(dict(first.data_after), roles(B), first.tracked_after)
    assert second.unlisted == (Key("roles", A.key),)
    assert not second.changed


def test_an_entry_that_somebody_else_edited_is_not_purged() -> None:
    first = run({}, roles(A, B))
    live = {"mapRoles": first.data_after["mapRoles"].replace("username: A", "username: other")}
    second = run(live, roles(B), first.tracked_after, purge=True)
    assert not second.changed
    assert second.unlisted == (Key("roles", A.key),)


def test_purge_does_not_let_a_hidden_duplicate_take_effect() -> None:
    admin = Entry(A.arn, "admin", ("system:masters",))
    live = {"mapRoles": text(admin, Entry(A.arn, "other"))}
    first = run(live, roles(A))
    second = run(dict(first.data_after), roles(), first.tracked_after, purge=True)
    assert not second.changed
    assert second.unlisted == second.duplicates == (Key("roles", A.key),)
    third = run(dict(first.data_after), roles(), first.tracked_after, purge=True, collapse=True)
    assert third.data_after["mapRoles"] == "[]\n"


def test_absent_removes_all_of_an_arn_and_forgets_it() -> None:
    first = run({"mapRoles": text(B, A)}, roles(Entry(A.arn, "other")))
    twice = {"mapRoles": text(A) + first.data_after["mapRoles"]}
    done = run(twice, roles(Entry(A.arn.lower())), first.tracked_after, state="absent")
    assert done.data_after == {"mapRoles": text(B)}
    assert done.changes == (Change("roles", A.key, Entry(A.arn, "other"), None),)
    assert done.tracked_after == Tracked()
    assert done.duplicates == ()


def test_duplicates_are_told_and_the_last_is_the_one_that_counts() -> None:
    first, last = (
        Entry(A.arn, "first", ("system:masters",)),
        Entry(A.arn.upper().replace("ARN:AWS:IAM", "arn:aws:iam"), "A"),
    )
    done = run({"mapRoles": text(first, B, last)}, roles(A))
    assert done.duplicates == (Key("roles", A.key),)
    assert done.effective_before[A.key] == last
    assert done.data_after["mapRoles"].startswith(text(first, B))
    collapsed = run({"mapRoles": text(first, B, last)}, roles(), collapse=True)
    assert collapsed.data_after["mapRoles"] == text(B, last)
    assert collapsed.changes[0].kind == "removed"
    assert str(collapsed.changes[0]) == f"roles: remove a duplicate of {last.arn}"


def test_entries_that_never_match_are_told_and_left() -> None:
    live = {
        "mapRoles": text(Entry(f"{ARN}path/A", "x"), Entry("arn:aws:sts::111122223333:assumed-role/b/s", "y"), B),
        "mapAccounts": "- '12'\n",
    }
    done = run(live, roles(A))
    assert done.ignored == (
        Key("roles", f"{ARN}path/a"),
        Key("roles", "arn:aws:sts::111122223333:assumed-role/b/s"),
        Key("accounts", "12"),
    )
    assert done.data_after["mapRoles"].startswith(live["mapRoles"])
    assert set(done.effective_after) == {A.key, B.key}


def test_what_looks_like_the_wanted_but_is_no_string_is_written_anew() -> None:
    done = run(
        {"mapRoles": f"- rolearn: {A.arn}\n  username: 123\n  groups: [yes]\n"}, roles(Entry(A.arn, "123", ("yes",)))
    )
    assert done.data_after["mapRoles"] == f'- rolearn: {A.arn}\n  username: "123"\n  groups: ["yes"]\n'


def test_a_user_that_maproles_maps_is_refused() -> None:
    with pytest.raises(EksError, match=r"users: .*user/ana also has an entry in mapRoles \(line 1\).*Remove it"):
        run({"mapRoles": text(ANA)}, Wanted(users=(ANA,)))


def test_other_keys_of_the_data_stay() -> None:
    done = run({"mapRoles": text(A), "more": "x"}, roles(B))
    assert done.data_after["more"] == "x"
    assert set(done.data_after) == {"mapRoles", "more"}


def test_a_restore_is_planned_over_what_can_be_read() -> None:
    done = restored({"mapRoles": text(A, B), "mapUsers": "{"}, {"mapRoles": text(B, C)}, Tracked({C.key: C.digest}))
    assert [str(change) for change in done.changes] == [f"roles: remove {A.arn}", f"roles: add {C.arn}"]
    assert done.tracked_after.roles == {C.key: C.digest}
    assert done.changed
    assert not restored({"mapRoles": text(A)}, {"mapRoles": text(A)}).changed
    assert restored(None, {}).changes == ()
    with pytest.raises(EksError, match="mapUsers"):
        restored({}, {"mapUsers": "{"})


def test_the_annotation_comes_back_as_it_was() -> None:
    tracked = Tracked({A.key: A.digest}, {ANA.key: ANA.digest}, frozenset({"2" * 12, "1" * 12}))
    assert Tracked.read(tracked.annotation()) == tracked
    assert " " not in tracked.annotation()
    assert Tracked.read(None) == Tracked.read("") == Tracked()


@pytest.mark.parametrize(
    "broken", ["{", "[]", "1", '{"roles": []}', '{"roles": {"a": 1}}', '{"accounts": {}}', "[" * 9999]
)
def test_a_broken_annotation_tracks_nothing_and_says_so(broken: str) -> None:
    found = Tracked.read(broken)
    assert found == Tracked()
    assert ANNOTATION in found.fault


def test_digests_know_no_order_of_groups() -> None:
    assert Entry("x", "u", ("a", "b")).digest == Entry("y", "u", ("b", "a")).digest
    assert len({Entry("x", "u").digest, Entry("x", "v").digest, Entry("x", "u", ("u",)).digest}) == 3


@pytest.mark.parametrize(
    ("arn", "found"),
    [
        (f"{ARN}x/y/A", A.arn),
        ("arn:aws-cn:sts::111122223333:assumed-role/A/s", "arn:aws-cn:iam::111122223333:role/A"),
        ("arn:aws:iam::111122223333:user/x/ana", "arn:aws:iam::111122223333:user/x/ana"),
        ("111122223333", "111122223333"),
    ],
)
def test_arns_become_what_the_authenticator_looks_up(arn: str, found: str) -> None:
    assert canonical(arn) == found
