# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""irsa_roles against the AWS server: life of a role, calls, foreign content, two clusters, removal."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest
from ansible_collections.ekspress.eks.plugins.module_utils._irsa_roles import LOGIC
from ansible_collections.ekspress.eks.tests.integration.eks_clusters import ACCOUNT, counted, make_cluster, written
from ansible_collections.ekspress.eks.tests.integration.iam_roles import (
    ALLOW_LIST,
    DENY_DELETE,
    FOREIGN_STATEMENT,
    documents,
    make_provider,
    make_role,
    named,
    trust_of,
)
from ansible_collections.ekspress.eks.tests.support import run_held, run_logic

from sandbox.aws.client import AwsServer

BOUNDARY = "arn:aws:iam::aws:policy/PowerUserAccess"
READ_ONLY = "arn:aws:iam::aws:policy/ReadOnlyAccess"
AUDIT = "arn:aws:iam::aws:policy/SecurityAudit"


def converge(*roles: dict[str, Any], check: bool = False, diff: bool = True, **params: Any) -> dict[str, Any]:
    by = {} if "issuer" in params else {"cluster": "blue"}
    return run_logic(LOGIC, {**by, "roles": list(roles), "settle": 0, **params}, check=check, diff=diff)


def unchanged(*roles: dict[str, Any], **params: Any) -> bool:
    result = converge(*roles, **params)
    return not result.get("failed") and not result["changed"]


def role(name: str = "app", **more: Any) -> dict[str, Any]:
    return {"name": name, "service_accounts": [f"default:{name}"], "policies": {"list": ALLOW_LIST}, **more}


@pytest.fixture
def issuer(aws: AwsServer) -> str:
    """The issuer of a cluster named blue that has its OIDC provider, without https://."""
    url = str(make_cluster(aws)["identity"]["oidc"]["issuer"])
    make_provider(aws, url)
    return url.removeprefix("https://")


def test_a_role_is_created_whole_and_a_second_run_only_reads(aws: AwsServer, issuer: str) -> None:
    wanted = role(
        path="/platform/",
        description="An application",
        permissions_boundary=BOUNDARY,
        managed_policy_arns=[READ_ONLY],
        tags={"team": "platform"},
        max_session_duration=7200,
    )
    first = converge(wanted)
    arn = f"arn:aws:iam::{ACCOUNT}:role/platform/app"
    assert first["changed"], first
    assert first["roles"] == [
        {
            "name": "app",
            "arn": arn,
            "state": "created",
            "changes": ["role: create", "policy list: put", f"managed policy {READ_ONLY}: attach"],
            "unlisted": {},
            "orphans": [],
        }
    ]
    assert written(aws) == ["iam:CreateRole", "iam:PutRolePolicy", "iam:AttachRolePolicy"]
    assert (counted(aws)["iam:GetRole"], counted(aws)["iam:GetOpenIDConnectProvider"]) == (1, 1)
    made = aws.client("iam").get_role(RoleName="app")["Role"]
    assert (made["Arn"], made["Description"], made["MaxSessionDuration"]) == (arn, "An application", 7200)
    assert made["PermissionsBoundary"]["PermissionsBoundaryArn"] == BOUNDARY
    assert {tag["Key"]: tag["Value"] for tag in made["Tags"]} == {
        "team": "platform",
        "ekspress.eks/policy/list": "inline",
        "ekspress.eks/managed-policy/ReadOnlyAccess": "aws",
    }
    assert made["AssumeRolePolicyDocument"] == {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Federated": f"arn:aws:iam::{ACCOUNT}:oidc-provider/{issuer}"},
                "Action": "sts:AssumeRoleWithWebIdentity",
                "Condition": {
                    "StringEquals": {
                        f"{issuer}:aud": "sts.amazonaws.com",
                        f"{issuer}:sub": "system:serviceaccount:default:app",
                    }
                },
            }
        ],
    }
    aws.clear_calls()
    second = converge(wanted)
    assert not second["changed"], second
    assert second["diff"] == {"before": {}, "after": {}}
    assert [each["state"] for each in second["roles"]] == ["unchanged"]
    assert counted(aws) == {
        "eks:DescribeCluster": 1,
        "iam:GetOpenIDConnectProvider": 1,
        "iam:GetRole": 1,
        "iam:GetRolePolicy": 1,
        "iam:ListAttachedRolePolicies": 1,
    }


def test_check_mode_tells_the_same_as_the_run_and_writes_nothing(aws: AwsServer, issuer: str) -> None:
    make_role(aws, "old", policies={"list": ALLOW_LIST})
    roles = [role("new"), role("old", tags={"a": "b"}, max_session_duration=7200), role("gone", state="absent")]
    checked = converge(*roles, check=True)
    assert written(aws) == []
    done = converge(*roles)
    assert checked == done
    assert done["changed"]
    assert unchanged(*roles, check=True)


def test_foreign_content_stays(aws: AwsServer, issuer: str) -> None:
    make_role(
        aws,
        "app",
        policies={"foreign": ALLOW_LIST},
        statements=[FOREIGN_STATEMENT],
        tags={"owner": "others"},
        managed=[AUDIT],
    )
    result = converge(
        role(tags={"team": "platform"}, managed_policy_arns=[READ_ONLY]),
        purge_policies=True,
        purge_service_accounts=True,
    )
    assert result["roles"][0]["state"] == "updated", result
    trust = trust_of(aws, "app")
    assert json.dumps(trust["Statement"][0]) == json.dumps(FOREIGN_STATEMENT)
    assert len(trust["Statement"]) == 2
    assert documents(aws, "app") == {"foreign": ALLOW_LIST, "list": ALLOW_LIST}
    assert named(aws, "app")["attached"] == {AUDIT, READ_ONLY}
    assert named(aws, "app")["tags"]["owner"] == "others"
    assert unchanged(role(managed_policy_arns=[READ_ONLY]), purge_policies=True)


def test_purging_takes_what_the_module_put_there_and_nothing_else(aws: AwsServer, issuer: str) -> None:
    make_role(aws, "app", policies={"foreign": ALLOW_LIST}, managed=[AUDIT])
    converge(role(policies={"one": ALLOW_LIST, "two": ALLOW_LIST}, managed_policy_arns=[READ_ONLY]))
    wanted = {
        "name": "app",
        "service_accounts": ["default:other"],
        "policies": {"two": ALLOW_LIST},
        "managed_policy_arns": [],
    }
    kept = converge(wanted)
    assert kept["roles"][0]["unlisted"] == {
        "managed_policies": [READ_ONLY],
        "policies": ["one"],
        "service_accounts": ["default:app"],
    }
    assert set(documents(aws, "app")) == {"foreign", "one", "two"}
    aws.clear_calls()
    purged = converge(wanted, purge_policies=True, purge_service_accounts=True)
    assert purged["roles"][0]["unlisted"] == {}
    assert written(aws) == [
        "iam:UpdateAssumeRolePolicy",
        "iam:DeleteRolePolicy",
        "iam:DetachRolePolicy",
        "iam:UntagRole",
    ]
    assert set(documents(aws, "app")) == {"foreign", "two"}
    assert named(aws, "app")["attached"] == {AUDIT}
    assert "default:app" not in json.dumps(trust_of(aws, "app"))
    assert unchanged(wanted, purge_policies=True, purge_service_accounts=True)


def test_an_unchanged_policy_in_another_form_is_not_written(aws: AwsServer, issuer: str) -> None:
    converge(role(policies={"list": {"Version": "2012-10-17", "Statement": [ALLOW_LIST["Statement"][0]]}}))
    statement = ALLOW_LIST["Statement"][0]
    other = {
        "Statement": {
            **statement,
            "Action": [action.upper() for action in reversed(statement["Action"])],
            "Sid": "Other",
        },
        "Version": "2012-10-17",
    }
    aws.clear_calls()
    for form in (other, json.dumps(other)):
        assert unchanged(role(policies={"list": form}))
    assert written(aws) == []


def test_one_write_for_what_differs(aws: AwsServer, issuer: str) -> None:
    wanted = role(tags={"a": "1"}, permissions_boundary=BOUNDARY)
    converge(wanted)
    for change, operations in (
        ({"tags": {"a": "2"}}, ["iam:TagRole"]),
        ({"description": "words"}, ["iam:UpdateRole"]),
        ({"max_session_duration": 7200}, ["iam:UpdateRole"]),
        ({"permissions_boundary": READ_ONLY}, ["iam:PutRolePermissionsBoundary"]),
        ({"permissions_boundary": ""}, ["iam:DeleteRolePermissionsBoundary"]),
        ({"service_accounts": ["default:app", "batch:*"]}, ["iam:UpdateAssumeRolePolicy"]),
        ({"policies": {"list": {**ALLOW_LIST, "Statement": DENY_DELETE}}}, ["iam:PutRolePolicy"]),
        ({"managed_policy_arns": [AUDIT]}, ["iam:TagRole", "iam:AttachRolePolicy"]),
    ):
        wanted = {**wanted, **change}
        aws.clear_calls()
        result = converge(wanted)
        assert written(aws) == operations, change
        assert len(result["roles"][0]["changes"]) == len(operations)
        assert unchanged(wanted), change
    made = aws.client("iam").get_role(RoleName="app")["Role"]
    assert (made["Description"], made["MaxSessionDuration"]) == ("words", 7200)


def test_two_clusters_on_one_role(aws: AwsServer, issuer: str) -> None:
    green = make_cluster(aws, "green")["identity"]["oidc"]["issuer"]
    make_provider(aws, green)
    converge(role())
    blue_only = trust_of(aws, "app")
    converge(role(), cluster="green")
    both = trust_of(aws, "app")
    assert both["Statement"][0] == blue_only["Statement"][0]
    assert green.removeprefix("https://") in json.dumps(both["Statement"][1])
    assert unchanged(role())
    assert unchanged({"name": "app", "service_accounts": ["default:app"]}, issuer=green)
    left = converge({"name": "app", "state": "absent"}, cluster="green")
    assert left["roles"][0]["state"] == "updated"
    assert "stays, without trust in this cluster" in left["warnings"][0]
    assert trust_of(aws, "app") == blue_only
    again = converge({"name": "app", "state": "absent"}, cluster="green")
    assert not again["changed"]
    assert "force: true" in again["warnings"][0]


def test_absent_detaches_and_deletes(aws: AwsServer, issuer: str) -> None:
    converge(role(managed_policy_arns=[READ_ONLY], permissions_boundary=BOUNDARY))
    aws.clear_calls()
    gone = converge({"name": "app", "state": "absent"})
    assert gone["roles"][0]["state"] == "removed", gone
    assert written(aws) == ["iam:DetachRolePolicy", "iam:DeleteRolePolicy", "iam:DeleteRole"]
    assert gone["diff"]["after"] == {"app": None}
    aws.clear_calls()
    assert unchanged({"name": "app", "state": "absent"})
    assert counted(aws) == {"eks:DescribeCluster": 1, "iam:GetRole": 1}


def test_absent_keeps_a_role_that_others_trust_unless_forced(aws: AwsServer, issuer: str) -> None:
    iam = make_role(aws, "app", statements=[FOREIGN_STATEMENT])
    iam.create_instance_profile(InstanceProfileName="nodes")
    iam.add_role_to_instance_profile(InstanceProfileName="nodes", RoleName="app")
    kept = converge({"name": "app", "state": "absent"})
    assert not kept["changed"]
    assert "not this cluster's alone" in kept["warnings"][0]
    forced = converge({"name": "app", "state": "absent"}, force=True)
    assert forced["roles"][0]["changes"] == ["leave instance profile nodes", "role: delete"]
    assert unchanged({"name": "app", "state": "absent"}, force=True)


def test_a_role_in_an_instance_profile_is_not_half_removed(aws: AwsServer, issuer: str) -> None:
    converge(role())
    iam = aws.client("iam")
    iam.create_instance_profile(InstanceProfileName="nodes")
    iam.add_role_to_instance_profile(InstanceProfileName="nodes", RoleName="app")
    aws.clear_calls()
    refused = converge({"name": "app", "state": "absent"})
    assert refused["failed"]
    assert "instance profiles nodes" in refused["msg"]
    assert "force: true" in refused["msg"]
    assert written(aws) == []


def test_roles_that_do_not_exist_cost_one_read_each_and_all_work_side_by_side(aws: AwsServer, issuer: str) -> None:
    roles = [role(f"app-{number:02d}") for number in range(20)]
    assert run_held(aws, lambda: converge(*roles, check=True), 8, "GetRole")["changed"]
    aws.clear_calls()
    assert run_held(aws, lambda: converge(*roles), 8, "CreateRole")["changed"]
    assert counted(aws) == {
        "eks:DescribeCluster": 1,
        "iam:GetRole": 20,
        "iam:GetOpenIDConnectProvider": 1,
        "iam:CreateRole": 20,
        "iam:PutRolePolicy": 20,
    }
    aws.clear_calls()
    assert run_held(aws, lambda: unchanged(*roles), 8, "GetRolePolicy")


def test_twenty_unchanged_roles_cost_few_calls_that_overlap(aws: AwsServer, issuer: str) -> None:
    roles = [role(f"app-{n:02d}", managed_policy_arns=[READ_ONLY], tags={"team": "a"}) for n in range(20)]
    assert converge(*roles)["changed"]
    aws.fault("*", "latency", service="iam", seconds=1.0, times=None)
    aws.clear_calls()
    assert unchanged(*roles)
    calls = aws.calls(service="iam")
    per_role = Counter(call["parameters"].get("RoleName") for call in calls)
    assert per_role.pop(None) == 1
    assert (len(per_role), max(per_role.values())) == (20, 3)
    # One after the other they would take at least their sum. IAM is that slow here, so that what this machine itself
    # takes between the calls does not weigh, however busy it is; bench_identity measures with 50 ms.
    one_after_the_other = sum(call["ended"] - call["started"] for call in calls)
    assert max(call["ended"] for call in calls) - min(call["started"] for call in calls) < one_after_the_other / 4


def test_a_role_in_another_account_and_partition(aws: AwsServer) -> None:
    credentials = aws.account("210987654321", region="cn-north-1")
    cluster = make_cluster(aws, region="cn-north-1", credentials=credentials)
    make_provider(aws, cluster["identity"]["oidc"]["issuer"], region="cn-north-1", credentials=credentials)
    result = converge(
        role(managed_policy_arns=["arn:aws-cn:iam::aws:policy/ReadOnlyAccess"]),
        region="cn-north-1",
        access_key=credentials["access_key_id"],
        secret_key=credentials["secret_access_key"],
    )
    assert result["roles"][0]["arn"] == "arn:aws-cn:iam::210987654321:role/app", result
    trust = aws.client("iam", "cn-north-1", credentials).get_role(RoleName="app")["Role"]["AssumeRolePolicyDocument"]
    assert trust["Statement"][0]["Principal"]["Federated"].startswith("arn:aws-cn:iam::210987654321:oidc-provider/")
    assert '"sts.amazonaws.com"' in json.dumps(trust)


def test_no_roles_no_calls(aws: AwsServer) -> None:
    assert converge() == {"changed": False, "roles": [], "diff": {"before": {}, "after": {}}}
    assert counted(aws) == {}
