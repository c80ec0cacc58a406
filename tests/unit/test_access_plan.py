# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""People and nodes of an inventory become entries of aws-auth."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.ekspress.eks.plugins.module_utils._access_plan import mappings
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
    assert made == {"roles": [entry], "users": []}


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
