# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Plans for access entries, carried out on a model of EKS: they lead to what is wanted, and nothing is lost between."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.ekspress.eks.plugins.module_utils._access_entries_guards import (
    Cover,
    loses_admin,
    makes_others,
    reasons,
    reasons_against_api,
    reasons_of_shadow,
    shadowing,
    takes_away,
    weakened,
)
from ansible_collections.ekspress.eks.plugins.module_utils._access_entries_model import (
    NODE_TYPES,
    OWNER,
    STANDARD,
    Entry,
    Wanted,
    default_username,
    identity,
    policy_arn,
    scope_of,
)
from ansible_collections.ekspress.eks.plugins.module_utils._access_entries_plan import Plan, plan, removal
from ansible_collections.ekspress.eks.plugins.module_utils._aws_auth_model import Entry as Mapped
from hypothesis import given
from hypothesis import strategies as st

ROLE = "arn:aws:iam::111122223333:role/teams/dev"
VIEW, EDIT, ADMIN = (policy_arn("aws", f"AmazonEKS{name}Policy") for name in ("View", "Edit", "ClusterAdmin"))

scopes = st.lists(st.sampled_from(["a", "b", "c-*"]), unique=True, max_size=2).map(sorted).map(tuple)
policies = st.dictionaries(st.sampled_from([VIEW, EDIT, ADMIN]), scopes, max_size=3)
groups = st.frozensets(st.sampled_from("ghi"), max_size=3)
usernames = st.sampled_from(["x", "dev:{{SessionName}}", default_username(ROLE)])
tags = st.dictionaries(st.sampled_from("kl"), st.sampled_from("12"), max_size=2)
standard = st.builds(
    Entry, st.just(ROLE), st.just("arn"), st.just(STANDARD), usernames, groups, policies, tags, st.none()
)
nodes = st.builds(
    Entry,
    st.just(ROLE),
    st.just("arn"),
    st.sampled_from(NODE_TYPES),
    st.just("system:node"),
    st.just(frozenset({"system:nodes"})),
    st.just({}),
    tags,
    st.none(),
)
entries = st.one_of(standard, nodes)
asked = st.builds(
    Wanted,
    st.just(ROLE),
    st.just(STANDARD),
    st.none() | usernames,
    st.none() | groups,
    st.none() | policies,
    tags,
    st.booleans(),
)
asked_nodes = st.builds(Wanted, st.just(ROLE), st.sampled_from(NODE_TYPES), tags=tags, recreate=st.booleans())
wishes = st.one_of(asked, asked_nodes)


def states(made: Plan) -> list[Entry | None]:
    """The entry before, and after each call of the plan, as EKS would have it."""
    found, entry = [made.before], made.before
    for write in made.writes:
        arguments = dict(write.arguments)
        if write.operation == "delete_access_entry":
            entry = None
        elif write.operation == "create_access_entry":
            assert entry is None
            node = arguments["type"] != STANDARD
            assert not (node and {"username", "kubernetesGroups"} & set(arguments))
            entry = Entry(
                ROLE,
                kind=arguments["type"],
                username="" if node else arguments.get("username", default_username(ROLE)),
                groups=frozenset(arguments.get("kubernetesGroups", ())),
                tags=arguments["tags"],
            )
        else:
            assert entry is not None
            entry = _changed(entry, write.operation, arguments)
        found.append(entry)
    return found


def _changed(entry: Entry, operation: str, arguments: dict[str, Any]) -> Entry:
    held = dict(entry.policies or {})
    if operation == "associate_access_policy":
        return replace(entry, policies={**held, arguments["policyArn"]: scope_of(arguments["accessScope"])})
    if operation == "disassociate_access_policy":
        del held[arguments["policyArn"]]
        return replace(entry, policies=held)
    if operation == "tag_resource":
        assert arguments["resourceArn"] == entry.arn
        return replace(entry, tags={**entry.tags, **arguments["tags"]})
    assert operation == "update_access_entry"
    return replace(
        entry,
        username=arguments.get("username", entry.username),
        groups=frozenset(arguments.get("kubernetesGroups", entry.groups)),
    )


@given(wishes, st.none() | entries, st.booleans())
def test_a_plan_leads_to_what_is_wanted(wanted: Wanted, current: Entry | None, dead: bool) -> None:
    made = plan(wanted, current, "me", dead=dead and current is not None)
    if made.fault:
        return
    final = states(made)[-1]
    assert final == (made.after and replace(made.after, arn=final.arn if final else ""))
    assert final is not None
    assert final.kind == wanted.kind
    assert wanted.tags.items() <= final.tags.items()
    if wanted.kind == STANDARD:
        assert wanted.username in (None, final.username)
        assert wanted.groups in (None, final.groups)
        assert wanted.policies in (None, final.policies)
    if made.state in ("created", "recreated"):
        assert final.tags[OWNER] == "me"
    again = plan(wanted, replace(final, arn="arn"), "me")
    assert (again.state, again.writes) == ("unchanged", ())


@given(asked, standard)
def test_what_is_left_alone_stays(wanted: Wanted, current: Entry) -> None:
    made = plan(wanted, current, "me")
    assert made.after is not None
    if wanted.username is None:
        assert made.after.username == current.username
    if wanted.groups is None:
        assert made.after.groups == current.groups
    if wanted.policies is None:
        assert made.after.policies == current.policies
    assert made.after.tags == {**current.tags, **wanted.tags}


@given(asked, standard)
def test_nothing_that_stays_is_missing_in_between(wanted: Wanted, current: Entry) -> None:
    made = plan(wanted, current, "me")
    assert made.after is not None
    kept = set(current.policies or {}) & set(made.after.policies or {})
    for entry in states(made):
        assert entry is not None
        assert kept <= set(entry.policies or {})
        assert current.groups & made.after.groups <= entry.groups


@given(wishes, entries, st.booleans())
def test_nothing_is_made_anew_unless_it_is_said(wanted: Wanted, current: Entry, dead: bool) -> None:
    made = plan(replace(wanted, recreate=False), current, "me", dead=dead)
    assert (made.state == "recreated") == (dead or current.kind != wanted.kind)
    if made.state == "recreated":
        assert "recreate: true" in made.fault
        assert made.writes == ()
    loud = plan(replace(wanted, recreate=True), current, "me", dead=dead)
    if not loud.fault:
        # Ended between the two calls, the same task makes it as if it had not been.
        made_later = plan(replace(wanted, recreate=True), None, "me").after
        assert loud.after is None or loud.state != "recreated" or made_later is not None
        if loud.state == "recreated" and loud.after is not None and made_later is not None:
            assert replace(loud.after, tags={}) == replace(made_later, tags={})


@given(standard, standard)
def test_weakened(before: Entry, after: Entry) -> None:
    same = replace(after, username=before.username)
    assert weakened(before, None)
    assert not weakened(None, after)
    assert not weakened(before, before)
    assert weakened(before, after) or (before.username == after.username and before.groups <= after.groups)
    more = replace(
        same, groups=same.groups | before.groups, policies={**(same.policies or {}), **(before.policies or {})}
    )
    assert not weakened(before, more)


@pytest.mark.parametrize(
    ("before", "after", "less"),
    [
        ((), ("a",), True),
        (("a",), (), False),
        (("a", "b"), ("a",), True),
        (("a",), ("a", "b"), False),
        (("a",), ("b",), True),
        (("a",), None, True),
    ],
)
def test_narrower_scopes(before: tuple[str, ...], after: tuple[str, ...] | None, less: bool) -> None:
    one = Entry(ROLE, policies={VIEW: before})
    other = Entry(ROLE, policies={} if after is None else {VIEW: after})
    assert weakened(one, other) is less


def _reasons(*plans: Plan, caller: str = "", in_use: tuple[str, ...] = (), admins: tuple[str, ...] = ()) -> str:
    return " ".join(reasons(plans, caller=caller, in_use=in_use, admins=admins))


def test_guards() -> None:
    admin = Entry(ROLE, policies={ADMIN: ()})
    gone = removal(ROLE, admin)
    assert takes_away([gone])
    assert loses_admin([gone])
    session = "arn:aws:sts::111122223333:assumed-role/dev/me"
    found = _reasons(gone, caller=session)
    assert "this task itself has access" in found
    assert "no access entry would be left" in found
    assert _reasons(gone, caller="arn:aws:iam::111122223333:user/dev", admins=("x",)) == ""
    narrowed = plan(Wanted(ROLE, policies={ADMIN: ("a",)}), admin, "me")
    assert "would be left" in _reasons(narrowed)
    assert "this task itself" in _reasons(narrowed, caller=session, admins=("x",))
    kept = plan(Wanted(ROLE, groups=frozenset()), replace(admin, groups=frozenset({"g"})), "me")
    assert _reasons(kept, caller=session) == ""
    node = removal(ROLE, Entry(ROLE, kind="EC2_LINUX"))
    assert "a managed node group or Fargate profile" in _reasons(node, in_use=(ROLE,))
    assert "no API tells whether any use it" in _reasons(node)
    assert not takes_away([plan(Wanted(ROLE), None, "me"), removal(ROLE, None)])


def test_a_new_entry_of_the_caller_takes_the_place_of_aws_auth() -> None:
    session = "arn:aws:sts::111122223333:assumed-role/dev/me"
    mapped = [Mapped("arn:aws:iam::111122223333:role/DEV", "dev:{{AccountID}}", ("g", "system:authenticated"))]
    admin = plan(Wanted(ROLE, policies={ADMIN: ()}), None, "me")
    less = plan(Wanted(ROLE, username="dev:111122223333"), None, "me")
    same = plan(Wanted(ROLE, username="dev:111122223333", groups=frozenset("gh")), None, "me")
    renamed = plan(Wanted(ROLE, username="x", groups=frozenset("g")), None, "me")
    assert (makes_others([admin]), shadowing([admin], session)) == (False, None)
    assert shadowing([less], "arn:aws:sts::111122223333:assumed-role/other/me") is None
    for made, reason in ((less, True), (same, False), (renamed, True)):
        assert makes_others([made])
        assert shadowing([made], session) == made
        assert bool(reasons_of_shadow(made, mapped)) is reason
        assert reasons_of_shadow(made, []) == []


def test_against_api() -> None:
    node = "arn:aws:iam::111122223333:role/node"
    mapped = [
        Mapped("arn:aws:iam::111122223333:role/DEV", "dev"),
        Mapped("arn:aws:iam::111122223333:role/hybrid", "x", ("system:nodes",)),
        Mapped(node, "x", ("system:nodes",)),
    ]
    cover, nodes = Cover({identity(ROLE): STANDARD}), {identity(ROLE): STANDARD, identity(node): "EC2_LINUX"}
    found = reasons_against_api(cover, mapped=mapped, node_roles=[node], caller=ROLE, admins=[ROLE])
    assert [text.partition(":role/")[2].partition(":")[0] for text in found] == ["node", "hybrid"]
    assert reasons_against_api(Cover(nodes), mapped=mapped[:1], node_roles=[node], caller=ROLE, admins=["x"]) == []
    only = Cover({identity(node): "EC2_LINUX"})
    assert len(reasons_against_api(only, mapped=mapped[:1], node_roles=[node], caller=ROLE, admins=[])) == 3


def test_entries_that_do_not_count_are_none_against_api() -> None:
    node, hybrid = (f"arn:aws:iam::111122223333:role/{name}" for name in ("node", "hybrid"))
    mapped = [Mapped(ROLE.replace("teams/", ""), "dev"), Mapped(hybrid, "x", ("system:nodes",))]
    standard = Cover({identity(arn): STANDARD for arn in (ROLE, node, hybrid)})
    found = reasons_against_api(standard, mapped=mapped, node_roles=[node], caller=ROLE, admins=["x"])
    assert [text.partition(":role/")[2].partition(":")[0] for text in found] == ["node", "hybrid"]
    assert all("has the type STANDARD, which lets no nodes in" in text for text in found)
    dead = Cover({}, {identity(arn) for arn in (ROLE, node, hybrid)})
    found = reasons_against_api(dead, mapped=mapped, node_roles=[node], caller=ROLE, admins=["x"])
    assert [text.partition(": ")[0] for text in found] == [node, mapped[0].arn, hybrid, ROLE]
    assert all("its entry is dead" in text and "recreate: true" in text for text in found)


def test_names() -> None:
    assert default_username(ROLE) == "arn:aws:sts::111122223333:assumed-role/dev/{{SessionName}}"
    assert default_username("arn:aws:iam::111122223333:user/people/ann").endswith(":user/people/ann")
    assert identity("arn:aws:sts::111122223333:assumed-role/Dev/me") == identity(ROLE)


def test_too_many_tags() -> None:
    current = Entry(ROLE, tags={str(number): "" for number in range(50)})
    assert "51 of them" in plan(Wanted(ROLE, tags={"k": ""}), current, "me").fault
    assert not plan(Wanted(ROLE, tags={"1": "x"}), current, "me").fault
