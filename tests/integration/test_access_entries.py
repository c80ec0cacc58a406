# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""access_entries against the AWS server: life of an entry, calls, what others have, purge."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from ansible_collections.ekspress.eks.plugins.modules import access_entries
from ansible_collections.ekspress.eks.tests.integration.access_entries import (
    ADMIN,
    CREATOR,
    OWN,
    OWNER,
    SESSION,
    TRUST,
    VIEW,
    converge,
    done,
    entry,
    every,
    make_role,
    mode,
    people,
    policy,
    refused,
    role_arn,
)
from ansible_collections.ekspress.eks.tests.integration.eks_clusters import ACCOUNT, counted, make_cluster, written
from ansible_collections.ekspress.eks.tests.support import run_held

from sandbox.aws.client import AwsServer

OURS = {OWNER: "access_entries"}


@pytest.fixture(autouse=True)
def cluster(aws: AwsServer) -> None:
    """A cluster whose mode has entries, and the roles a, b and c."""
    for name in "abc":
        make_role(aws, name)
    make_cluster(aws, accessConfig={"authenticationMode": "API_AND_CONFIG_MAP"})


def test_entries_are_made_and_a_second_run_only_reads(aws: AwsServer) -> None:
    wanted = [
        entry("a", policies=[policy(ADMIN)]),
        entry(
            "b",
            username=f"dev:{SESSION}",
            groups=["two", 1],
            policies=[policy(VIEW, "b-*", "a")],
            tags={"team": "x", "cost": 1},
        ),
        entry("c", type="EC2_LINUX"),
    ]
    first = done(*wanted)
    assert [(shown["state"], shown["changes"]) for shown in first["entries"]] == [
        ("created", ["create (STANDARD)", f"policy {ADMIN} in the whole cluster"]),
        ("created", ["create (STANDARD)", f"policy {VIEW} in a, b-*"]),
        ("created", ["create (EC2_LINUX)"]),
    ]
    assert first["authentication_mode"] == "API_AND_CONFIG_MAP"
    assert people(aws) == {
        role_arn("a"): {
            "type": "STANDARD",
            "username": f"arn:aws:sts::{ACCOUNT}:assumed-role/a/{SESSION}",
            "groups": [],
            "tags": OURS,
            "policies": {ADMIN: []},
        },
        role_arn("b"): {
            "type": "STANDARD",
            "username": f"dev:{SESSION}",
            "groups": ["1", "two"],
            "tags": {**OURS, "team": "x", "cost": "1"},
            "policies": {VIEW: ["a", "b-*"]},
        },
        role_arn("c"): {
            "type": "EC2_LINUX",
            "username": "system:node:{{EC2PrivateDNSName}}",
            "groups": ["system:nodes"],
            "tags": OURS,
            "policies": {},
        },
    }
    aws.clear_calls()
    second = done(*wanted)
    assert (second["changed"], second["changes"], second["diff"]) == (False, [], {"before": {}, "after": {}})
    assert {shown["state"] for shown in second["entries"]} == {"unchanged"}
    assert counted(aws) == {
        "eks:DescribeCluster": 1,
        "eks:ListAccessEntries": 1,
        "eks:DescribeAccessEntry": 3,
        "eks:ListAssociatedAccessPolicies": 2,
        "iam:GetRole": 3,
    }
    aws.clear_calls()
    done(*wanted, check_principals=False)
    assert "iam:GetRole" not in counted(aws)


def test_what_is_not_given_is_left_alone(aws: AwsServer) -> None:
    done(entry("a", username="x", groups=["g"], policies=[policy(VIEW)], tags={"k": "v"}))
    assert not done(entry("a"))["changed"]
    shown = done(entry("a", groups=[]))
    assert shown["entries"][0]["changes"] == ["groups -g"]
    assert people(aws)[role_arn("a")] == {
        "type": "STANDARD",
        "username": "x",
        "groups": [],
        "tags": {**OURS, "k": "v"},
        "policies": {VIEW: []},
    }


def test_an_entry_is_updated_in_place(aws: AwsServer) -> None:
    done(entry("a", username="x", groups=["g", "h"], policies=[policy(VIEW), policy("AmazonEKSEditPolicy", "a", "b")]))
    wanted = entry(
        "a",
        username="y",
        groups=["h", "i"],
        policies=[policy("AmazonEKSEditPolicy", "b"), policy("AmazonEKSSecretReaderPolicy", "b")],
        tags={"k": "v"},
    )
    checked = converge(wanted, check=True)
    aws.clear_calls()
    changed = done(wanted)
    assert changed["entries"][0] == {
        "principal": role_arn("a"),
        "state": "updated",
        "changes": [
            "policy AmazonEKSEditPolicy in b",
            "policy AmazonEKSSecretReaderPolicy in b",
            "username 'x' to 'y', groups +i -g",
            f"take policy {VIEW} away",
            "set tags k",
        ],
        "purged": False,
    }
    assert {**changed, "changed": True} == {**checked, "changed": True}
    assert written(aws) == [
        "eks:AssociateAccessPolicy",
        "eks:AssociateAccessPolicy",
        "eks:UpdateAccessEntry",
        "eks:DisassociateAccessPolicy",
        "eks:TagResource",
    ]
    assert changed["diff"]["before"][role_arn("a")]["groups"] == ["g", "h"]
    assert changed["diff"]["after"][role_arn("a")]["policies"] == [
        {"policy": "AmazonEKSEditPolicy", "namespaces": ["b"]},
        {"policy": "AmazonEKSSecretReaderPolicy", "namespaces": ["b"]},
    ]
    assert not done(wanted)["changed"]


def test_check_mode_writes_nothing_and_says_the_same(aws: AwsServer) -> None:
    before = every(aws)
    wanted = [entry("a", groups=["g"], policies=[policy(VIEW)]), entry("b", type="EC2_LINUX")]
    aws.clear_calls()
    checked = converge(*wanted, check=True)
    assert (written(aws), every(aws)) == ([], before)
    assert done(*wanted) == checked


def test_absent_removes_only_what_is_listed(aws: AwsServer) -> None:
    done(entry("a"), entry("b"))
    shown = done(entry("a"), entry("c"), state="absent")
    assert [item["state"] for item in shown["entries"]] == ["removed", "absent"]
    assert set(people(aws)) == {role_arn("b")}
    assert not done(entry("a"), entry("c"), state="absent")["changed"]


def test_an_entry_whose_role_is_gone_can_be_removed(aws: AwsServer) -> None:
    done(entry("a"))
    aws.client("iam").delete_role(RoleName="a")
    assert "no such IAM role" in refused(entry("a"))
    assert done(entry("a"), state="absent")["entries"][0]["state"] == "removed"


def test_purge_removes_only_our_own(aws: AwsServer) -> None:
    aws.client("eks").create_access_entry(clusterName="blue", principalArn=role_arn("c"))
    done(entry("a", policies=[policy(VIEW)]), entry("b"))
    make_role(aws, "node")
    make_role(aws, "migrated")
    done(entry("node", type="EC2_LINUX"))
    done(entry("migrated"), owner="migrate_access")
    shown = done(entry("b"), purge=True)
    assert [(item["principal"], item["state"], item["purged"]) for item in shown["entries"]] == [
        (role_arn("b"), "unchanged", False),
        (role_arn("a"), "removed", True),
    ]
    assert set(every(aws)) == {CREATOR, OWN, *map(role_arn, ("b", "c", "node", "migrated"))}
    assert shown["unlisted"] == [
        {"principal": role_arn("migrated"), "owner": "migrate_access"},
        {"principal": role_arn("node"), "owner": "access_entries"},
    ]
    (warning,) = shown["warnings"]
    assert "purge leaves 1 access entries that are not listed" in warning
    assert f"an owner other than access_entries: {role_arn('migrated')} (migrate_access)." in warning
    assert not done(entry("b"), purge=True)["changed"]
    assert done(entry("b"), entry("migrated"), purge=True).get("warnings") is None
    assert done(entry("b"))["unlisted"] == []
    assert done(purge=True, owner="migrate_access")["changes"] == [f"{role_arn('migrated')}: delete"]


def test_an_entry_of_others_stays_theirs(aws: AwsServer) -> None:
    aws.client("eks").create_access_entry(clusterName="blue", principalArn=role_arn("a"), tags={"k": "v"})
    done(entry("a", groups=["g"]))
    assert people(aws)[role_arn("a")]["tags"] == {"k": "v"}
    assert not done(purge=True)["changed"]


def test_entries_are_read_and_written_side_by_side(aws: AwsServer) -> None:
    wanted = [entry(name, policies=[policy(VIEW)]) for name in "abc"]
    run_held(aws, lambda: done(*wanted), 3, "CreateAccessEntry")
    aws.clear_calls()
    assert not run_held(aws, lambda: done(*wanted), 3, "DescribeAccessEntry")["changed"]


def test_pages(aws: AwsServer) -> None:
    wanted = [entry(name, policies=[policy(VIEW), policy(ADMIN)]) for name in "abc"]
    done(*wanted)
    aws.settings(page_size=1)
    assert not done(*wanted)["changed"]
    assert len(done(purge=True, force=True)["changes"]) == 3


def test_other_partitions(aws: AwsServer) -> None:
    subnets = aws.client("ec2", "cn-north-1").describe_subnets()["Subnets"]
    aws.client("eks", "cn-north-1").create_cluster(
        name="blue",
        roleArn=f"arn:aws-cn:iam::{ACCOUNT}:role/eks",
        resourcesVpcConfig={"subnetIds": [subnet["SubnetId"] for subnet in subnets[:2]]},
        accessConfig={"authenticationMode": "API"},
    )
    arn = aws.client("iam", "cn-north-1").create_role(RoleName="a", AssumeRolePolicyDocument=TRUST)["Role"]["Arn"]
    wanted = entry(arn, policies=[policy("arn:aws-cn:eks::aws:cluster-access-policy/AmazonEKSViewPolicy")])
    assert done(wanted, region="cn-north-1")["changed"]
    assert not done(entry(arn, policies=[policy(VIEW)]), region="cn-north-1")["changed"]
    assert "is in partition aws, the cluster in aws-cn" in refused(entry("a"), region="cn-north-1")


def test_users_and_principals_of_other_accounts(aws: AwsServer) -> None:
    user = aws.client("iam").create_user(UserName="ann", Path="/people/")["User"]["Arn"]
    theirs = aws.client("iam", credentials=aws.account("210987654321")).create_role(
        RoleName="a", AssumeRolePolicyDocument=TRUST
    )["Role"]["Arn"]
    aws.clear_calls()
    done(entry(user), entry(theirs))
    assert counted(aws)["iam:GetUser"] == 1
    assert people(aws)[user]["username"] == user
    assert people(aws)[theirs]["username"].startswith("arn:aws:sts::210987654321:assumed-role/a/")


def test_a_role_with_a_path(aws: AwsServer) -> None:
    arn = make_role(aws, "deep", "/teams/data/")
    message = refused(entry("deep"))
    assert f"its ARN is {arn}" in message
    done(entry(arn))
    assert people(aws)[arn]["username"] == f"arn:aws:sts::{ACCOUNT}:assumed-role/deep/{SESSION}"


def test_the_example_of_the_documentation(aws: AwsServer) -> None:
    examples = yaml.safe_load(access_entries.EXAMPLES)
    wanted = examples[0]["ekspress.eks.access_entries"]["entries"]
    for item in wanted:
        path, _slash, name = item["principal"].partition(":role")[2].rpartition("/")
        make_role(aws, name, f"{path}/")
        if "username" in item:
            item["username"] = f"developer:{SESSION}"
    assert done(*wanted)["changed"]
    assert not done(*wanted)["changed"]


def test_without_entries_in_the_mode(aws: AwsServer) -> None:
    mode(aws, "CONFIG_MAP")
    message = refused(entry("a"))
    assert "authentication_mode: API_AND_CONFIG_MAP" in message
    assert not done(entry("a"), state="absent")["changed"]
    assert not done(purge=True)["changed"]


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"entries": [], "state": "absent", "purge": True}, "with state: absent nothing is listed"),
        ({"entries": None, "purge": True, "authentication_mode": "API"}, "purge needs entries"),
        ({"entries": None}, "Nothing is asked for"),
    ],
)
def test_options_that_do_not_go_together(aws: AwsServer, params: dict[str, Any], message: str) -> None:
    result = converge(**params)
    assert result["failed"]
    assert message in result["msg"]
