# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The move from aws-auth to access entries is lossless, or refused with the reason."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import yaml
from ansible_collections.ekspress.eks.plugins.module_utils._access_entries_input import wanted_entries
from ansible_collections.ekspress.eks.plugins.module_utils._access_entries_model import (
    OWNER,
    Entry,
    identity,
    policy_arn,
)
from ansible_collections.ekspress.eks.plugins.module_utils._access_migration_identity import BRIDGE
from ansible_collections.ekspress.eks.plugins.module_utils._access_migration_plan import Facts, Migration, migration
from ansible_collections.ekspress.eks.plugins.module_utils._access_migration_reviews import (
    Person,
)
from hypothesis import given
from hypothesis import strategies as st

ACCOUNT, OTHER = "111122223333", "444455556666"
DEV = f"arn:aws:iam::{ACCOUNT}:role/dev"
DEEP = f"arn:aws:iam::{ACCOUNT}:role/teams/dev"
ANN = f"arn:aws:iam::{ACCOUNT}:user/people/ann"
NODE = f"arn:aws:iam::{ACCOUNT}:role/node"
ADMIN = policy_arn("aws", "AmazonEKSClusterAdminPolicy")
EC2, SESSION = "system:node:{{EC2PrivateDNSName}}", "system:node:{{SessionName}}"
NODES = ["system:bootstrappers", "system:nodes"]


def role(arn: str = DEV, username: str = "dev:{{SessionName}}", groups: Any = ("team",)) -> dict[str, Any]:
    return {"rolearn": arn, "username": username, "groups": list(groups)}


def user(arn: str = ANN, username: str = "ann", groups: Any = ("team",)) -> dict[str, Any]:
    return {"userarn": arn, "username": username, "groups": list(groups)}


def plan(
    roles: Any = (),
    users: Any = (),
    accounts: Any = (),
    *,
    entries: dict[str, Entry] | None = None,
    nodes: dict[str, str] | None = None,
    there: Any = (DEEP, ANN, NODE),
    dead: Any = (),
) -> Migration:
    data = {"mapRoles": list(roles), "mapUsers": list(users), "mapAccounts": list(accounts)}
    known = {identity(arn): arn for arn in there}

    def find(arn: str) -> str | None:
        return known.get(identity(arn)) if f"::{ACCOUNT}:" in arn else arn

    facts = Facts({identity(arn): entry for arn, entry in (entries or {}).items()}, nodes or {}, find, "me")
    facts = replace(facts, dead=lambda entry: entry.principal in dead)
    return migration({key: yaml.safe_dump(value) for key, value in data.items()}, facts)


def reasons(*arguments: Any, **more: Any) -> str:
    made = plan(*arguments, **more)
    assert made.entries == []
    return " ".join(map(str, made.refused))


def test_a_role_is_found_again_with_its_path() -> None:
    assert plan([role()]).entries == [
        {
            "principal": DEEP,
            "type": "STANDARD",
            "username": "dev:{{SessionName}}",
            "groups": ["team"],
            "policies": [],
        }
    ]
    assert plan([role(DEV.upper().replace("ARN:AWS:IAM", "arn:aws:iam").replace("ROLE", "role"))]).entries


def test_an_administrator_is_bridged() -> None:
    made = plan([role(groups=["system:masters", "team"])])
    assert made.entries[0]["groups"] == ["team"]
    assert made.entries[0]["policies"] == [{"policy": "AmazonEKSClusterAdminPolicy"}]
    assert made.first_entries[0]["groups"] == ["team", BRIDGE]
    assert made.needs_bridge
    done = Entry(DEEP, "x", username="dev:{{SessionName}}", groups=frozenset({"team"}), tags={OWNER: "me"})
    for policies, groups, bridged in (
        ({}, set(), True),
        ({ADMIN: ("default",)}, set(), True),
        ({ADMIN: ()}, {BRIDGE}, True),
        ({ADMIN: ()}, set(), False),
    ):
        entry = Entry(DEEP, "x", "STANDARD", done.username, done.groups | groups, policies, done.tags)
        assert plan([role(groups=["system:masters", "team"])], entries={DEEP: entry}).needs_bridge is bridged


@pytest.mark.parametrize(
    ("username", "groups", "kind"),
    [
        (EC2, NODES, "EC2_LINUX"),
        (EC2, [*NODES, "eks:kube-proxy-windows"], "EC2_WINDOWS"),
        (SESSION, [*NODES, "system:node-proxier"], "FARGATE_LINUX"),
        (SESSION, NODES, "HYBRID_LINUX"),
    ],
)
def test_nodes(username: str, groups: list[str], kind: str) -> None:
    assert plan([role(NODE, username, groups)]).entries == [{"principal": NODE, "type": kind}]


def test_nodes_that_cannot_be_moved() -> None:
    assert "has the groups system:masters too" in reasons([role(NODE, EC2, [*NODES, "system:masters"])])
    assert "under the username 'node'" in reasons([role(NODE, "node", NODES)])
    assert "it is a user" in reasons((), [user(ANN, EC2, NODES)])


def test_managed_nodes_are_known_by_eks() -> None:
    nodes = {NODE: "EC2_WINDOWS", f"{NODE}2": "FARGATE_LINUX"}
    assert plan([role(NODE, EC2, NODES)], nodes=nodes).entries == [
        {"principal": NODE, "type": "EC2_WINDOWS"},
        {"principal": f"{NODE}2", "type": "FARGATE_LINUX"},
    ]
    made = plan([role(NODE, EC2, NODES)], nodes=nodes, entries={NODE: Entry(NODE, kind="EC2_WINDOWS")})
    assert made.already == (NODE,)


@pytest.mark.parametrize(
    ("username", "after"),
    [
        ("x:{{AccountID}}:{{SessionName}}", f"x:{ACCOUNT}:{{{{SessionName}}}}"),
        ("x:{{SessionNameRaw}}", "x:{{SessionNameRaw}}"),
        ("x", "x"),
    ],
)
def test_usernames(username: str, after: str) -> None:
    assert plan([role(username=username)]).entries[0]["username"] == after


@pytest.mark.parametrize(
    ("username", "part"),
    [
        ("{{SessionName}}", "needs a colon before"),
        ("dev-{{SessionName}}", "needs a colon before"),
        ("x:{{EC2PrivateDNSName}}", "replaces it in aws-auth, and not in access entries"),
        ("x:{{AccessKeyID}}", "replaces it in aws-auth, and not in access entries"),
        ("x:{{ SessionName }}", "takes it as it stands today"),
        ("system:x", "begins with system:"),
        ("eks:x", "begins with eks:"),
        ("", "has no username"),
    ],
)
def test_usernames_that_cannot_be_moved(username: str, part: str) -> None:
    assert part in reasons([role(username=username)])


@pytest.mark.parametrize(
    ("group", "part"),
    [
        ("system:monitoring", "begins with system:"),
        ("system:bootstrappers", "begins with system:"),
        ("iam:x", "begins with iam:"),
        ("{{SessionName}}", "has a placeholder"),
    ],
)
def test_groups_that_cannot_be_moved(group: str, part: str) -> None:
    assert part in reasons([role(groups=["team", group])])


def test_the_group_of_everybody_is_everybodys() -> None:
    assert plan([role(groups=["system:authenticated", "team"])]).entries[0]["groups"] == ["team"]


def test_users() -> None:
    made = plan((), [user(username="x:{{SessionName}}ann")])
    assert made.entries[0]["username"] == "x:ann"
    assert "is empty for a user" in reasons((), [user(username="{{SessionName}}")])
    assert plan((), [user(ANN.replace("people/", ""))], there=()).gone == (ANN.replace("people/", ""),)


def test_what_has_no_principal() -> None:
    assert "mapAccounts lets every role and user" in reasons((), (), [ACCOUNT])
    assert "not the ARN of an IAM role or user" in reasons((), [user(f"arn:aws:iam::{ACCOUNT}:root")])
    assert "not the ARN of an IAM role or user" in reasons(
        (), [user(f"arn:aws:sts::{ACCOUNT}:federated-user/ann", "x")]
    )
    linked = f"arn:aws:iam::{ACCOUNT}:role/aws-service-role/emr-containers.amazonaws.com/AWSServiceRoleForEMR"
    mapped = role(f"arn:aws:iam::{ACCOUNT}:role/AWSServiceRoleForEMR")
    assert "it is a service-linked role" in reasons([mapped], there=[linked])
    foreign = f"arn:aws:iam::{OTHER}:role/AWSServiceRoleForEMR"
    assert "it is a service-linked role" in reasons([role(foreign)])


def test_what_is_no_text() -> None:
    assert "is no text to EKS" in reasons([{"rolearn": DEV, "username": "x", "groups": [1]}])


def test_the_last_one_counts_and_roles_come_first() -> None:
    made = plan([role(username="one"), role(DEV.replace("dev", "DEV"), username="two")])
    assert [entry["username"] for entry in made.entries] == ["two"]
    assert made.duplicates == (DEV.replace("dev", "DEV"),)
    made = plan([role(ANN, username="of-roles")], [user(username="of-users")])
    assert [entry["username"] for entry in made.entries] == ["of-roles"]


def test_gone_and_ignored() -> None:
    made = plan([role(f"{DEV}2"), role(DEEP)])
    assert (made.gone, made.ignored, made.entries) == ((f"{DEV}2",), (DEEP,), [])


def test_entries_of_others_count_already() -> None:
    made = plan([role(groups=["system:monitoring"]), role(NODE, "x")], entries={DEEP: Entry(DEEP), NODE: Entry(NODE)})
    assert (made.entries, made.refused, made.already) == ([], (), (NODE,))


def test_entries_that_do_not_count_are_refused() -> None:
    for tags in ({}, {OWNER: "me"}):
        there = {DEEP: Entry(DEEP, tags=tags), NODE: Entry(NODE, tags=tags)}
        made = plan([role(), role(NODE, EC2, NODES)], entries=there, dead=[DEEP])
        assert (made.entries, made.already, made.against_undo()) == ([], (), [])
        dead, node = made.refused
        assert "its entry is dead" in str(dead)
        assert "recreate: true" in str(dead)
        assert "has the type STANDARD, which lets none in" in str(node)
        assert "recreate: true" in str(node)
    # A dead entry takes the place of no mapping that cannot be moved either, nor do they of a node group's role.
    assert "begins with system:" in reasons(
        [role(groups=["system:monitoring"])], entries={DEEP: Entry(DEEP)}, dead=[DEEP]
    )
    assert "has the type STANDARD" in reasons(nodes={NODE: "EC2_LINUX"}, entries={NODE: Entry(NODE)})


def test_the_group_of_the_move_is_refused() -> None:
    """It is bound to cluster-admin meanwhile."""
    assert f"{BRIDGE} is the group of administrators while they are moved" in reasons([role(groups=["team", BRIDGE])])
    assert BRIDGE in reasons([role(groups=["system:masters", BRIDGE])])


def test_the_way_back() -> None:
    ours = Entry(DEEP, "x", "STANDARD", "dev:{{SessionName}}", frozenset({"team", BRIDGE}), {}, {OWNER: "me"})
    assert plan([role()], entries={DEEP: ours}).against_undo() == []
    assert plan([role()], entries={DEEP: ours}).made == [DEEP]
    assert "would let it in as 'other'" in plan([role(username="other")], entries={DEEP: ours}).against_undo()[0]
    assert "does not let it in any more" in plan(entries={DEEP: ours}).against_undo()[0]
    assert (
        "does not let it in any more"
        in plan([role(groups=["x:y"]), role(f"{DEV}2")], entries={ANN: ours}).against_undo()[0]
    )
    node = Entry(NODE, "x", "EC2_LINUX", EC2, frozenset({"system:nodes"}), {}, {OWNER: "me"})
    assert plan([role(NODE, EC2, NODES)], entries={NODE: node}).against_undo() == []
    assert plan([role(NODE, EC2, NODES)], entries={NODE: node}).made == [NODE]


def test_the_way_back_leaves_nodes_that_aws_auth_lacks_their_entry() -> None:
    node = Entry(NODE, "x", "EC2_LINUX", EC2, frozenset({"system:nodes"}), {}, {OWNER: "me"})
    lacking = plan(entries={NODE: node}, nodes={NODE: "EC2_LINUX"})
    assert (lacking.made, lacking.against_undo()) == ([], [])


def test_the_way_back_is_not_to_a_mapping_that_became_another_kind_of_thing() -> None:
    ours = Entry(ANN, "x", "STANDARD", "ann", frozenset({"team"}), {}, {OWNER: "me"})
    assert "not as its entry does" in plan((), [user(username="system:ann")], entries={ANN: ours}).against_undo()[0]


names = st.sampled_from(
    ["dev", "x:{{SessionName}}", "x:{{AccountID}}", "{{SessionName}}", "system:x", "a:{{SessionNameRaw}}"]
)
groups = st.lists(
    st.sampled_from(["team", "ops", "system:masters", "system:authenticated", "system:monitoring", "system:nodes"]),
    max_size=3,
)


@given(st.lists(st.builds(role, st.sampled_from([DEV, NODE, DEEP, f"{DEV}2"]), names, groups), max_size=6))
def test_everybody_is_somewhere_and_nobody_changes(roles: list[dict[str, Any]]) -> None:
    made = plan(roles)
    counted = {identity(item["rolearn"]): item for item in roles if item["rolearn"] != DEEP}
    told = [identity(entry["principal"]) for entry in made.entries]
    told += [item.mapped.key for item in made.refused] + [arn.lower() for arn in made.gone]
    assert sorted(told) == sorted(counted)
    # What comes out is what the module access_entries takes.
    wanted_entries(made.first_entries, partition="aws", account=ACCOUNT, owner="me")
    for item in made.identities:
        mapped = counted[identity(item.principal)]
        before, after = Person(item, "s").before(), Person(item, "s").after()
        if item.kind != "STANDARD":
            assert "system:nodes" in mapped["groups"]
            continue
        assert before["user"] == after["user"]
        lost = set(before["groups"]) - set(after["groups"])
        assert lost == ({"system:masters"} if item.admin else set())
        assert set(after["groups"]) <= set(before["groups"])
