# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What access_entries refuses so that nobody is locked out, and what force does."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.ekspress.eks.plugins.module_utils import _access_entries_mode
from ansible_collections.ekspress.eks.plugins.module_utils._aws_auth_model import Entry as Mapped
from ansible_collections.ekspress.eks.tests.integration.access_entries import (
    ADMIN,
    CREATOR,
    OWN,
    SESSION,
    VIEW,
    converge,
    done,
    entry,
    every,
    make_role,
    people,
    policy,
    refused,
    role_arn,
)
from ansible_collections.ekspress.eks.tests.integration.eks_clusters import ACCOUNT, counted, make_cluster, written

from sandbox.aws.client import AwsServer

NODE, FARGATE = role_arn("node"), role_arn("fargate")


@pytest.fixture(autouse=True)
def cluster(aws: AwsServer) -> None:
    """A cluster with a node group and a Fargate profile, and the roles a and b."""
    for name in ("a", "b", "node", "fargate", "karpenter"):
        make_role(aws, name)
    make_cluster(aws, accessConfig={"authenticationMode": "API_AND_CONFIG_MAP"})
    eks = aws.client("eks")
    subnet = aws.client("ec2").describe_subnets()["Subnets"][0]["SubnetId"]
    eks.create_nodegroup(clusterName="blue", nodegroupName="g", nodeRole=NODE, subnets=[subnet])
    eks.create_fargate_profile(
        clusterName="blue",
        fargateProfileName="f",
        podExecutionRoleArn=FARGATE,
        subnets=[subnet],
        selectors=[{"namespace": "f"}],
    )
    aws.clear_calls()


def unchanged(aws: AwsServer, *entries: dict[str, Any], **params: Any) -> str:
    """Run what must be refused, in check mode too; the message."""
    before = every(aws)
    aws.clear_calls()
    message = refused(*entries, **params)
    assert converge(*entries, check=True, **params)["msg"] == message
    assert written(aws) == []
    assert every(aws) == before
    return message


def test_the_callers_own_entry(aws: AwsServer) -> None:
    done(entry("a", policies=[policy(ADMIN)]))
    for wanted, state in (
        (entry(CREATOR), "absent"),
        (entry(CREATOR, policies=[]), "present"),
        (entry(CREATOR, policies=[policy(ADMIN, "default")]), "present"),
    ):
        message = unchanged(aws, wanted, state=state)
        assert f"{CREATOR}: it is the entry by which this task itself has access" in message
        assert "Set force: true" in message
    assert done(entry(CREATOR), state="absent", force=True)["changed"]


def test_the_caller_may_gain(aws: AwsServer) -> None:
    assert done(entry(CREATOR, groups=["g"], policies=[policy(ADMIN), policy(VIEW)]))["changed"]
    shown = done(entry(CREATOR, policies=[policy(ADMIN)]))
    assert shown["changes"] == [f"{CREATOR}: take policy {VIEW} away"]


def test_the_caller_is_the_role_behind_a_session(aws: AwsServer, monkeypatch: pytest.MonkeyPatch) -> None:
    arn = make_role(aws, "operators", "/teams/")
    done(entry(arn, policies=[policy(VIEW)]))
    session = aws.client("sts").assume_role(RoleArn=arn, RoleSessionName="ann")["Credentials"]
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", session["AccessKeyId"])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", session["SecretAccessKey"])
    monkeypatch.setenv("AWS_SESSION_TOKEN", session["SessionToken"])
    assert "this task itself has access" in unchanged(aws, entry(arn), state="absent")
    assert "this task itself has access" in unchanged(aws, entry(arn, policies=[]))


def test_the_last_administrator(aws: AwsServer) -> None:
    done(entry("a", policies=[policy(ADMIN)]))
    done(entry(CREATOR), state="absent", force=True)
    for wanted, params in (
        ([entry("a")], {"state": "absent"}),
        ([entry("a", policies=[policy(ADMIN, "default")])], {}),
        ([], {"purge": True}),
    ):
        message = unchanged(aws, *wanted, **params)
        assert f"no access entry would be left with {ADMIN} in the whole cluster" in message
    assert done(entry("a", policies=[]), entry("b", policies=[policy(ADMIN)]))["changed"]
    assert done(entry("b"), state="absent", force=True)["changed"]


def test_an_administrator_whose_role_is_gone_does_not_count(aws: AwsServer) -> None:
    done(entry("a", policies=[policy(ADMIN)]), entry("b", policies=[policy(ADMIN)]))
    done(entry(CREATOR), state="absent", force=True)
    aws.client("iam").delete_role(RoleName="b")
    assert "no access entry would be left" in unchanged(aws, entry("a"), state="absent")
    make_role(aws, "b")
    assert "no access entry would be left" in unchanged(aws, entry("a"), state="absent")
    done(entry("b", policies=[policy(ADMIN)], username=None, groups=[], recreate=True))
    assert done(entry("a"), state="absent")["changed"]


def test_entries_of_nodes(aws: AwsServer) -> None:
    done(entry("karpenter", type="EC2_LINUX"))
    for arn in (NODE, FARGATE):
        message = unchanged(aws, entry(arn), state="absent")
        assert "a managed node group or Fargate profile of the cluster runs with this role" in message
    message = unchanged(aws, entry("karpenter"), state="absent")
    assert "no API tells whether any use it" in message
    assert not done(purge=True)["changed"]
    assert done(entry("karpenter"), state="absent", force=True)["changed"]


def test_all_reasons_at_once(aws: AwsServer) -> None:
    message = unchanged(aws, entry(CREATOR), entry(NODE), entry(FARGATE), state="absent")
    for arn in (CREATOR, NODE, FARGATE):
        assert arn in message
    assert "no access entry would be left" in message


def test_the_guards_cost_nothing_where_nothing_is_taken_away(aws: AwsServer) -> None:
    done(entry("a", policies=[policy(ADMIN)]))
    done(entry("a", groups=["g"]))
    assert not {"sts:GetCallerIdentity", "eks:ListNodegroups"} & set(counted(aws))


def test_a_new_entry_of_the_caller_with_less_than_aws_auth(aws: AwsServer, monkeypatch: pytest.MonkeyPatch) -> None:
    done(entry("a", policies=[policy(ADMIN)]))
    done(entry(CREATOR), state="absent", force=True)
    mapped = [Mapped(CREATOR, "admin", ("system:masters",))]
    monkeypatch.setattr(_access_entries_mode, "mapped", lambda *_arguments: mapped)
    message = unchanged(aws, entry(CREATOR, username="admin", groups=["readers"]))
    assert "its new entry would take the place of what aws-auth gives it" in message
    assert done(entry(CREATOR, username="admin", policies=[policy(ADMIN)]))["changed"]


def test_eks_own_entry_cannot_be_named(aws: AwsServer) -> None:
    assert "it is a service-linked role" in unchanged(aws, entry(OWN), state="absent", force=True)


def test_the_type_cannot_change(aws: AwsServer) -> None:
    done(entry("a", username="x", groups=["g"]))
    message = unchanged(aws, entry("a", type="EC2_LINUX"))
    assert "its entry has the type STANDARD, and AWS lets nobody change a type" in message
    assert "cut off between the two calls" in message
    wanted = entry("a", type="EC2_LINUX", recreate=True, tags={"k": "v"})
    checked = converge(wanted, check=True)
    aws.clear_calls()
    shown = done(wanted)
    assert shown == checked
    assert shown["entries"][0]["state"] == "recreated"
    assert written(aws) == ["eks:DeleteAccessEntry", "eks:CreateAccessEntry"]
    assert people(aws)[role_arn("a")]["type"] == "EC2_LINUX"
    assert not done(wanted)["changed"]
    message = unchanged(aws, entry("a", recreate=True))
    assert "it lets nodes in (type EC2_LINUX)" in message
    assert done(entry("a", recreate=True), force=True)["changed"]


def test_the_callers_own_entry_is_not_made_anew(aws: AwsServer) -> None:
    done(entry("a", policies=[policy(ADMIN)]))
    arn = make_role(aws, "operators")
    aws.cluster("blue", creator=f"arn:aws:sts::{ACCOUNT}:assumed-role/operators/ann")
    aws.client("iam").delete_role(RoleName="operators")
    make_role(aws, "operators")
    session = aws.client("sts").assume_role(RoleArn=arn, RoleSessionName="ann")["Credentials"]
    keys = {
        "access_key": session["AccessKeyId"],
        "secret_key": session["SecretAccessKey"],
        "session_token": session["SessionToken"],
    }
    wanted = entry(arn, policies=[policy(ADMIN)], recreate=True)
    message = unchanged(aws, wanted, **keys)
    assert "it would be deleted and made anew" in message
    assert done(wanted, force=True, **keys)["entries"][0]["state"] == "recreated"


def test_a_role_that_was_made_anew_has_a_dead_entry(aws: AwsServer) -> None:
    done(entry("a", username=f"dev:{SESSION}", groups=["g"], policies=[policy(VIEW, "default")], tags={"k": "v"}))
    aws.client("iam").delete_role(RoleName="a")
    make_role(aws, "a")
    before = people(aws)[role_arn("a")]
    message = unchanged(aws, entry("a"))
    assert "its entry is dead" in message
    assert "recreate: true" in message
    message = unchanged(aws, entry("a", recreate=True))
    assert f"List username: dev:{SESSION} and groups: [g] and policies:" in message
    wanted = entry("a", username=f"dev:{SESSION}", groups=["g"], policies=[policy(VIEW, "default")], recreate=True)
    assert done(wanted)["entries"][0]["changes"] == [
        "delete, to be made anew",
        "create (STANDARD)",
        f"policy {VIEW} in default",
    ]
    assert people(aws)[role_arn("a")] == before
    assert not done(wanted)["changed"]
    assert not done(entry("a"))["changed"]


def test_a_role_that_moved_to_another_path_has_a_dead_entry(aws: AwsServer) -> None:
    done(entry("a"))
    aws.client("iam").delete_role(RoleName="a")
    arn = make_role(aws, "a", "/teams/")
    assert f"its ARN is {arn}" in unchanged(aws, entry("a"))
    assert done(entry(arn))["changed"]


def test_without_the_right_to_ask_iam(aws: AwsServer) -> None:
    aws.fault("GetRole", "deny", times=None)
    result = converge(entry("a"), entry("b"))
    assert [item["state"] for item in result["entries"]] == ["created", "created"]
    assert len(result["warnings"]) == 1
    assert "was not checked" in result["warnings"][0]
    assert "iam:GetRole" in result["warnings"][0]


def test_in_check_mode_a_role_may_be_to_come(aws: AwsServer) -> None:
    result = converge(entry("later"), check=True)
    assert result["entries"][0]["state"] == "created"
    assert "does not exist (yet)" in result["warnings"][0]
    assert "there is no such IAM role or user" in refused(entry("later"))


def test_an_unknown_policy_is_found_before_anything_is_written(aws: AwsServer) -> None:
    message = unchanged(aws, entry("a", policies=[policy("AmazonEKSViewPolicies")]), entry("b"))
    assert "EKS has no access policy AmazonEKSViewPolicies" in message


def test_a_spelling_that_differs_in_case(aws: AwsServer) -> None:
    done(entry("a"))
    assert f"there is an entry of {role_arn('a')}" in unchanged(aws, entry(role_arn("A")))
