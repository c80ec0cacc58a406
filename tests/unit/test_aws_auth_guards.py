# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Nobody is cut off from a cluster unnoticed."""

from __future__ import annotations

import json

import pytest
from ansible_collections.ekspress.eks.plugins.module_utils._aws_auth_guards import reasons, takes_away
from ansible_collections.ekspress.eks.plugins.module_utils._aws_auth_model import Entry, Tracked, Wanted
from ansible_collections.ekspress.eks.plugins.module_utils._aws_auth_plan import Plan, plan, restored

ARN = "arn:aws:iam::111122223333:role/"
NODE = Entry(ARN + "Nodes", "system:node:{{EC2PrivateDNSName}}", ("system:bootstrappers", "system:nodes"))
FARGATE = Entry(
    ARN + "Pods",
    "system:node:{{SessionName}}",
    ("system:bootstrappers", "system:nodes", "system:node-proxier"),
)
ADMIN = Entry(ARN + "admin", "admin", ("system:masters",))
OTHER = Entry(ARN + "other", "other", ("system:masters", "dev"))
DEV = Entry(ARN + "dev", "dev", ("view", "edit"))
ANA = Entry("arn:aws:iam::111122223333:user/ana", "ana", ("dev",))


def data(*roles: Entry, users: tuple[Entry, ...] = (), accounts: tuple[str, ...] = ()) -> dict[str, str]:
    return {
        "mapRoles": json.dumps([{"rolearn": e.arn, "username": e.username, "groups": list(e.groups)} for e in roles]),
        "mapUsers": json.dumps([{"userarn": e.arn, "username": e.username, "groups": list(e.groups)} for e in users]),
        "mapAccounts": json.dumps(accounts),
    }


def without(live: dict[str, str], *gone: Entry) -> Plan:
    return plan(live, Tracked(), Wanted(roles=gone), state="absent")


def having(live: dict[str, str], *wanted: Entry) -> Plan:
    return plan(live, Tracked(), Wanted(roles=wanted), state="present")


def changed(entry: Entry, username: str | None = None, groups: tuple[str, ...] | None = None) -> Entry:
    return Entry(entry.arn, username or entry.username, entry.groups if groups is None else groups)


@pytest.mark.parametrize(
    ("done", "words"),
    [
        (without(data(NODE, ADMIN), NODE), ["remove", "Nodes", "system:nodes", "until no node runs"]),
        (having(data(NODE), changed(NODE, groups=("system:bootstrappers",))), ["change", "Nodes", "system:nodes"]),
        (having(data(NODE), changed(NODE, username="node")), ["change", "Nodes", "username"]),
        (without(data(ADMIN, OTHER), ADMIN, OTHER), ["nobody would be left", "admin", "other", "Add another"]),
        (having(data(ADMIN), changed(ADMIN, groups=("dev",))), ["nobody would be left", "admin"]),
        (restored(data(ADMIN, NODE), data(ADMIN)), ["remove", "Nodes"]),
        (restored(data(ADMIN), {}), ["nobody would be left"]),
    ],
    ids=["node", "node-group", "node-username", "masters", "masters-change", "restored-node", "restored-masters"],
)
def test_what_would_cut_somebody_off_is_told(done: Plan, words: list[str]) -> None:
    (reason,) = reasons(done)
    assert [word for word in words if word not in reason] == []
    assert takes_away(done)


@pytest.mark.parametrize(
    "done",
    [
        having(data(NODE), changed(NODE, groups=(*NODE.groups, "more"))),
        having(data(NODE, ADMIN), OTHER),
        having(data(ADMIN), changed(ADMIN, username="root")),
        without(data(ADMIN, OTHER), ADMIN),
        without(data(DEV), DEV),
        without(data(ADMIN), NODE),
        restored(None, data(NODE, ADMIN)),
        restored({"mapRoles": "- nonsense: ["}, data()),
        restored(data(NODE), data(NODE, ADMIN)),
    ],
    ids=["group-more", "added", "renamed", "one-of-two", "plain", "not-there", "gone", "broken", "restored-more"],
)
def test_all_else_is_free(done: Plan) -> None:
    assert reasons(done) == []


def test_fargates_roles_are_known_by_group_and_by_profile() -> None:
    both = reasons(without(data(FARGATE), FARGATE))
    assert len(both) == 2
    assert "Fargate" in both[1]
    quiet = Entry(ARN + "quiet", "x", ("a", "b"))
    gone = without(data(quiet), quiet)
    assert reasons(gone) == []
    assert "pod execution role" in reasons(gone, fargate_roles=frozenset({f"{ARN}path/quiet"}))[0]
    less = having(data(quiet), changed(quiet, groups=("a",)))
    assert reasons(less, fargate_roles=frozenset({quiet.arn}))
    more = having(data(quiet), changed(quiet, groups=("a", "b", "c")))
    assert reasons(more, fargate_roles=frozenset({quiet.arn})) == []


@pytest.mark.parametrize(
    "caller",
    [DEV.arn, DEV.arn.upper(), "arn:aws:sts::111122223333:assumed-role/dev/session"],
    ids=["role", "case", "sts"],
)
def test_the_callers_own_entry_is_guarded(caller: str) -> None:
    live = data(DEV, ADMIN)
    for done in (without(live, DEV), having(live, changed(DEV, groups=("view",))), having(live, changed(DEV, "me"))):
        (reason,) = reasons(done, caller)
        assert "this task itself has access" in reason
        assert DEV.arn in reason
        assert "somebody else" in reason
        assert reasons(done, OTHER.arn) == []
        assert reasons(done) == []
    assert reasons(having(live, changed(DEV, groups=("view", "edit", "more"))), caller) == []
    assert reasons(having(live, changed(DEV, "me", ("system:masters",))), caller) == []
    assert reasons(without(live, OTHER), caller) == []


def test_the_callers_entry_may_be_a_users_or_an_account() -> None:
    live = data(ADMIN, users=(ANA,), accounts=("444455556666",))
    user = plan(live, Tracked(), Wanted(users=(ANA,)), state="absent")
    assert "ana" in reasons(user, ANA.arn)[0]
    account = plan(live, Tracked(), Wanted(accounts=("444455556666",)), state="absent")
    assert "444455556666" in reasons(account, "arn:aws:iam::444455556666:user/x")[0]
    assert reasons(account, ANA.arn) == []


def test_a_role_with_a_path_is_no_administrator() -> None:
    pathed = Entry(ARN + "path/admin", "admin", ("system:masters",))
    assert "nobody would be left" in reasons(without(data(ADMIN, pathed), ADMIN))[0]


def test_purge_and_collapse_are_guarded() -> None:
    first = having(data(ADMIN), NODE)
    purged = plan(first.data_after, first.tracked_after, Wanted(roles=()), state="present", purge=True)
    assert "system:nodes" in reasons(purged)[0]
    twice = data(NODE, changed(NODE, groups=("dev",)), ADMIN)
    collapsed = plan(twice, Tracked(), Wanted(roles=()), state="present", collapse=True)
    assert "duplicate" in reasons(collapsed)[0]
    same = plan(data(NODE, NODE), Tracked(), Wanted(roles=()), state="present", collapse=True)
    assert same.changed
    assert reasons(same) == []


def test_all_reasons_come_together() -> None:
    found = reasons(without(data(NODE, ADMIN, FARGATE), NODE, ADMIN, FARGATE), ADMIN.arn)
    assert len(found) == 5
