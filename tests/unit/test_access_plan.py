# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""People and nodes of an inventory become entries of aws-auth."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.ekspress.eks.plugins.module_utils._access_migration_identity import BRIDGE
from ansible_collections.ekspress.eks.plugins.module_utils._access_plan import mappings, ways
from ansible_collections.ekspress.eks.plugins.module_utils._errors import EksError

ACCOUNT = "111122223333"
EC2 = "system:node:{{EC2PrivateDNSName}}"
NODES = ["system:bootstrappers", "system:nodes"]


def role(name: str) -> str:
    return f"arn:aws:iam::{ACCOUNT}:role/{name}"


def group(name: str, node_role: str, ami_type: str = "AL2023_x86_64_STANDARD") -> dict[str, Any]:
    return {"name": name, "node_role_arn": role(node_role), "ami_type": ami_type}


def cluster(*groups: dict[str, Any], mode: str = "CONFIG_MAP", fargate: str = "", **facts: Any) -> dict[str, Any]:
    profiles = [{"name": "system", "pod_execution_role_arn": role(fargate)}] if fargate else []
    return {
        "partition": "aws",
        "account": ACCOUNT,
        "authentication_mode": mode,
        "node_groups": list(groups),
        "fargate_profiles": profiles,
        **facts,
    }


def test_a_role_s_name_becomes_an_arn_of_the_cluster_s_account_and_the_session_is_told_apart() -> None:
    made = mappings([{"role": "k8sadmin", "groups": ["system:masters"]}], cluster())
    entry = {"arn": role("k8sadmin"), "username": "k8sadmin:{{SessionName}}", "groups": ["system:masters"]}
    assert made == {"ways": ["aws_auth"], "roles": [entry], "users": [], "entries": [], "administrators": []}


def test_a_user_s_username_is_its_name_and_its_path_stays() -> None:
    made = mappings([{"user": "/ops/break-glass", "groups": ["system:masters"]}], cluster())
    arn = f"arn:aws:iam::{ACCOUNT}:user/ops/break-glass"
    assert made["users"] == [{"arn": arn, "username": "break-glass", "groups": ["system:masters"]}]


@pytest.mark.parametrize("partition", ["aws-cn", "aws-us-gov"])
def test_names_are_of_the_cluster_s_partition(partition: str) -> None:
    made = mappings([{"role": "a", "groups": []}], cluster(partition=partition), [{"role": "nodes"}])
    assert [entry["arn"] for entry in made["roles"]] == [
        f"arn:{partition}:iam::{ACCOUNT}:role/a",
        f"arn:{partition}:iam::{ACCOUNT}:role/nodes",
    ]


def test_an_arn_and_a_username_are_taken_as_they_are() -> None:
    arn = "arn:aws:iam::999999999999:role/teams/ops"
    made = mappings([{"role": arn, "username": "ops", "groups": ["a"]}], cluster())
    assert made["roles"] == [{"arn": arn, "username": "ops", "groups": ["a"]}]


@pytest.mark.parametrize(
    "arn", ["arn:aws:iam::999999999999:role/teams/ops", "arn:aws:sts::999999999999:assumed-role/ops/somebody"]
)
def test_the_default_username_of_an_arn_is_the_role_s_name(arn: str) -> None:
    assert mappings([{"role": arn, "groups": []}], cluster())["roles"][0]["username"] == "ops:{{SessionName}}"


def test_spaces_in_a_placeholder_go_for_eks_knows_none() -> None:
    person = {"role": "ops", "username": "ops:{{ AccountID }}:{{SessionName }}", "groups": []}
    assert mappings([person], cluster())["roles"][0]["username"] == "ops:{{AccountID}}:{{SessionName}}"


def test_a_placeholder_that_eks_does_not_know_is_named_with_those_it_does() -> None:
    person = {"role": "ops", "username": "ops:{{session_name}}", "groups": []}
    with pytest.raises(EksError, match=r"'session_name', which EKS does not replace, .*it knows .*SessionNameRaw"):
        mappings([person], cluster())


def test_two_accounts_roles_of_one_name_need_a_username_of_their_own() -> None:
    """By default both would be ops:{{SessionName}}, and each could do what is bound to the other's name."""
    here: dict[str, Any] = {"role": "ops", "groups": []}
    there: dict[str, Any] = {"role": "arn:aws:iam::999999999999:role/teams/ops", "groups": []}
    for people in ([here, there], [here, {**there, "username": "ops:{{SessionName}}"}]):
        with pytest.raises(EksError, match=r"would both have the username 'ops:\{\{SessionName}}'") as raised:
            mappings(people, cluster())
        assert f"{role('ops')} and {there['role']}" in raised.value.message
    assert len(mappings([here, {**there, "username": "theirs:{{SessionName}}"}], cluster())["roles"]) == 2
    chosen = {"username": "ops:{{SessionName}}"}
    assert len(mappings([{**here, **chosen}, {**there, **chosen}], cluster())["roles"]) == 2, "who asks for it has it"


@pytest.mark.parametrize("mode", ["CONFIG_MAP", "API"])
def test_the_group_of_the_move_to_access_entries_is_nobody_s(mode: str) -> None:
    with pytest.raises(EksError, match=r"entry 2 .*role/b.* has the group ekspress\.eks:access-migration"):
        mappings([{"role": "a", "groups": []}, {"role": "b", "groups": ["x", BRIDGE]}], cluster(mode=mode))


def test_people_keep_their_order_and_come_before_nodes() -> None:
    people: list[dict[str, Any]] = [{"role": name, "groups": []} for name in ("z", "a")]
    made = mappings(people, cluster(group("g", "m")))
    assert [entry["arn"] for entry in made["roles"]] == [role("z"), role("a"), role("m")]


@pytest.mark.parametrize(
    ("person", "message"),
    [
        ({"groups": []}, "entry 1 must have a role or a user, and not both"),
        ({"role": "a", "user": "b", "groups": []}, "entry 1 must have a role or a user, and not both"),
        ({"role": "two words", "groups": []}, "'two words' is neither an ARN nor the name of an IAM role"),
        ({"user": "a" * 65, "groups": []}, "is neither an ARN nor the name of an IAM user"),
        ({"role": "path/", "groups": []}, "'path/' is neither an ARN nor the name"),
        (
            {"role": "arn:aws:iam::123456789012:user/a", "groups": []},
            "is the ARN of an IAM user, and is given as a role",
        ),
        ({"role": "a", "username": ["b"], "groups": []}, "username: ['b'] is no text"),
    ],
    ids=["neither", "both", "blank", "long", "path alone", "user as role", "no text"],
)
def test_a_person_that_cannot_be_is_named(person: dict[str, Any], message: str) -> None:
    with pytest.raises(EksError, match=r"^access_people: entry 1") as raised:
        mappings([person], cluster())
    assert message in raised.value.message


def test_managed_nodes_and_fargate_profiles_are_found() -> None:
    facts = cluster(group("general", "node"), group("win", "win-node", "WINDOWS_CORE_2022_x86_64"), fargate="pods")
    assert mappings([], facts)["roles"] == [
        {"arn": role("node"), "username": EC2, "groups": NODES},
        {"arn": role("win-node"), "username": EC2, "groups": [*NODES, "eks:kube-proxy-windows"]},
        {
            "arn": role("pods"),
            "username": "system:node:{{SessionName}}",
            "groups": [*NODES, "system:node-proxier"],
        },
    ]


@pytest.mark.parametrize(
    ("mode", "managed_nodes", "found"),
    [
        ("CONFIG_MAP", "auto", True),
        ("API_AND_CONFIG_MAP", "auto", False),
        ("API_AND_CONFIG_MAP", "always", True),
        ("CONFIG_MAP", "never", False),
        ("API", "auto", False),
    ],
)
def test_managed_nodes_are_in_aws_auth_where_they_have_no_access_entries(
    mode: str, managed_nodes: str, found: bool
) -> None:
    facts = cluster(group("general", "node"), mode=mode, fargate="pods")
    arns = [entry["arn"] for entry in mappings([], facts, managed_nodes=managed_nodes)["roles"]]
    assert arns == ([role("node"), role("pods")] if found else [])


def test_one_role_of_linux_and_windows_nodes_has_the_groups_of_both() -> None:
    facts = cluster(group("general", "node"), group("win", "node", "WINDOWS_FULL_2025_x86_64"))
    (entry,) = mappings([], facts)["roles"]
    assert entry["groups"] == [*NODES, "eks:kube-proxy-windows"]


def test_a_role_of_an_ami_of_one_s_own_is_left_to_eks_unless_it_is_listed() -> None:
    facts = cluster(group("own", "node", "CUSTOM"), group("general", "node"))
    assert mappings([], facts)["roles"] == []
    (entry,) = mappings([], facts, [{"role": "node", "type": "EC2_WINDOWS"}])["roles"]
    assert entry["groups"] == [*NODES, "eks:kube-proxy-windows"]


def test_a_listed_role_counts_over_a_found_one_in_whatever_form() -> None:
    facts = cluster(group("general", "node"))
    listed = [{"role": f"arn:aws:iam::{ACCOUNT}:role/nodes/NODE", "type": "HYBRID_LINUX"}]
    (entry,) = mappings([], facts, listed)["roles"]
    assert entry["username"] == "system:node:{{SessionName}}"


def test_nodes_of_two_usernames_with_one_role_are_named() -> None:
    with pytest.raises(EksError) as raised:
        mappings([], cluster(group("general", "node"), fargate="node"))
    assert "node group general (EC2_LINUX) and Fargate profile system (FARGATE_LINUX)" in raised.value.message
    assert "access_managed_nodes to never" in raised.value.message


@pytest.mark.parametrize(
    "person",
    [role("node"), "platform/NODE", f"arn:aws:sts::{ACCOUNT}:assumed-role/node/i-0123456789abcdef0"],
    ids=["arn", "path and case", "assumed"],
)
def test_a_person_with_a_role_of_the_nodes_is_refused_before_the_nodes_lose_it(person: str) -> None:
    with pytest.raises(EksError, match="is also a role of the cluster's nodes"):
        mappings([{"role": person, "groups": ["system:masters"]}], cluster(group("general", "node")))


def test_the_same_arn_as_a_user_is_somebody_else() -> None:
    people = [{"user": "node", "groups": []}]
    assert len(mappings(people, cluster(group("general", "node")))["users"]) == 1


def listed(people: list[dict[str, Any]], mode: str = "API", **more: Any) -> list[dict[str, Any]]:
    return mappings(people, cluster(mode=mode), **more)["entries"]


@pytest.mark.parametrize(
    ("mode", "through", "found"),
    [
        ("CONFIG_MAP", "auto", ["aws_auth"]),
        ("CONFIG_MAP", "aws_auth", ["aws_auth"]),
        ("API_AND_CONFIG_MAP", "auto", ["access_entries"]),
        ("API_AND_CONFIG_MAP", "access_entries", ["access_entries"]),
        ("API_AND_CONFIG_MAP", "aws_auth", ["aws_auth"]),
        ("API_AND_CONFIG_MAP", "both", ["access_entries", "aws_auth"]),
        ("API", "auto", ["access_entries"]),
        ("API", "access_entries", ["access_entries"]),
    ],
)
def test_people_get_in_by_what_the_mode_has(mode: str, through: str, found: list[str]) -> None:
    made = mappings([{"role": "a", "groups": ["g"]}], cluster(mode=mode), through=through)
    assert made["ways"] == found
    assert bool(made["roles"]) == ("aws_auth" in found)
    assert bool(made["entries"]) == ("access_entries" in found)


@pytest.mark.parametrize(
    ("mode", "through", "message"),
    [
        ("CONFIG_MAP", "access_entries", "CONFIG_MAP, which has no access entries"),
        ("CONFIG_MAP", "both", "change the mode to API_AND_CONFIG_MAP first, from which there is no way back"),
        ("API", "aws_auth", "API, which does not read aws-auth"),
        ("API", "both", "API, which does not read aws-auth"),
    ],
)
def test_what_the_mode_does_not_have_is_refused(mode: str, through: str, message: str) -> None:
    with pytest.raises(EksError, match=f"access_through is {through}") as raised:
        ways(mode, through)
    assert message in raised.value.message


def test_an_access_entry_keeps_the_path_that_aws_auth_does_not_know() -> None:
    person = {"role": "teams/ops", "groups": ["readonly"]}
    made = mappings([person], cluster(mode="API_AND_CONFIG_MAP"), through="both")
    assert made["entries"] == [
        {"principal": role("teams/ops"), "username": "ops:{{SessionName}}", "groups": ["readonly"], "policies": []}
    ]
    assert made["roles"][0]["arn"] == role("teams/ops"), "aws_auth leaves the path out itself"


def test_the_group_of_masters_becomes_the_policy_that_allows_the_same() -> None:
    (entry,) = listed([{"role": "ops", "groups": ["system:masters", "readonly"]}])
    assert entry["groups"] == ["readonly"]
    assert entry["policies"] == [{"policy": "AmazonEKSClusterAdminPolicy"}]


@pytest.mark.parametrize("name", ["", "arn:aws:eks::aws:cluster-access-policy/"])
def test_masters_are_not_held_to_the_namespaces_of_their_policy(name: str) -> None:
    policies = [
        {"policy": f"{name}AmazonEKSClusterAdminPolicy", "namespaces": ["a"]},
        {"policy": "AmazonEKSViewPolicy"},
    ]
    (entry,) = listed([{"role": "ops", "groups": ["system:masters"], "policies": policies}])
    assert entry["policies"] == [
        {"policy": "AmazonEKSClusterAdminPolicy"},
        {"policy": "AmazonEKSViewPolicy"},
    ]


def test_administrators_are_those_whose_entry_gives_all_rights_without_rbac() -> None:
    full, view = {"policy": "AmazonEKSClusterAdminPolicy"}, {"policy": "AmazonEKSViewPolicy"}
    people: list[dict[str, Any]] = [
        {"role": "masters", "groups": ["system:masters", "ops"]},
        {
            "role": "by-policy",
            "policies": [{**full, "policy": f"arn:aws:eks::aws:cluster-access-policy/{full['policy']}"}],
        },
        {"role": "in-namespaces", "policies": [{**full, "namespaces": ["a"]}]},
        {"role": "viewer", "policies": [view]},
        {"role": "developer", "groups": ["readonly"]},
    ]
    facts = cluster(mode="API_AND_CONFIG_MAP")
    made = mappings(people, facts, [{"role": "karpenter"}], through="both")
    assert made["administrators"] == made["entries"][:2]
    assert mappings(people[:1], facts, through="aws_auth")["administrators"] == []


def test_policies_need_access_entries() -> None:
    person = {"role": "ops", "policies": [{"policy": "AmazonEKSViewPolicy", "namespaces": ["a"]}]}
    (entry,) = listed([person])
    assert (entry["groups"], entry["policies"]) == ([], person["policies"])
    for mode, through in (("CONFIG_MAP", "auto"), ("API_AND_CONFIG_MAP", "aws_auth")):
        with pytest.raises(EksError, match=r"has policies, which only access entries have.*Give groups instead"):
            mappings([person], cluster(mode=mode), through=through)
    assert mappings([person], cluster(mode="API_AND_CONFIG_MAP"), through="both")["roles"] == []


def test_a_person_without_groups_and_policies_is_told() -> None:
    with pytest.raises(EksError, match=r"entry 1 .*role/ops.* has neither groups nor policies"):
        listed([{"role": "ops"}])
    assert listed([{"role": "ops", "groups": []}])[0]["groups"] == [], "a group that comes from elsewhere is no matter"


def test_a_session_stands_for_its_role_in_an_access_entry() -> None:
    (entry,) = listed([{"role": "arn:aws-cn:sts::999999999999:assumed-role/ops/somebody", "groups": ["a"]}])
    assert entry["principal"] == "arn:aws-cn:iam::999999999999:role/ops"


def test_listed_nodes_get_entries_of_their_type_and_stay_in_aws_auth_where_it_is_read() -> None:
    nodes = [{"role": "karpenter"}, {"role": "edge/hybrid", "type": "HYBRID_LINUX"}]
    entries = [
        {"principal": role("karpenter"), "type": "EC2_LINUX"},
        {"principal": role("edge/hybrid"), "type": "HYBRID_LINUX"},
    ]
    for mode, mapped in (("API", 0), ("API_AND_CONFIG_MAP", 2)):
        made = mappings([], cluster(group("general", "node"), mode=mode), nodes)
        assert made["entries"] == entries, "EKS itself makes those of managed nodes"
        assert len(made["roles"]) == mapped
    assert mappings([], cluster(mode="CONFIG_MAP"), nodes)["entries"] == []


def test_a_person_with_a_role_of_listed_nodes_is_refused_in_mode_api_too() -> None:
    with pytest.raises(EksError, match="is also a role of the cluster's nodes"):
        mappings([{"role": "teams/node", "groups": ["a"]}], cluster(mode="API"), [{"role": "node"}])
