# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""irsa_roles when AWS refuses, throttles or lags, and when its input is wrong."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.ekspress.eks.plugins.module_utils._irsa_roles import LOGIC
from ansible_collections.ekspress.eks.tests.integration.eks_clusters import counted, make_cluster, written
from ansible_collections.ekspress.eks.tests.integration.iam_roles import (
    ALLOW_LIST,
    documents,
    make_provider,
    make_role,
    trust_of,
)
from ansible_collections.ekspress.eks.tests.support import run_logic

from sandbox.aws.client import AwsServer

READ_ONLY = "arn:aws:iam::aws:policy/ReadOnlyAccess"
ISSUER = "https://oidc.eks.eu-central-1.amazonaws.com/id/B1"
NO_SUCH_ROLE: dict[str, Any] = {
    "code": "NoSuchEntity",
    "message": "The role with name app cannot be found.",
    "status": 404,
}


@pytest.fixture(autouse=True)
def provider(aws: AwsServer) -> str:
    """The issuer has its OIDC provider."""
    return make_provider(aws, ISSUER)


def converge(*roles: dict[str, Any], check: bool = False, **params: Any) -> dict[str, Any]:
    by = {} if "cluster" in params else {"issuer": ISSUER}
    return run_logic(LOGIC, {**by, "roles": list(roles), "settle": 0, **params}, check=check)


def unchanged(*roles: dict[str, Any], **params: Any) -> bool:
    result = converge(*roles, **params)
    return not result.get("failed") and not result["changed"]


def role(name: str = "app", **more: Any) -> dict[str, Any]:
    return {"name": name, "service_accounts": [f"default:{name}"], "policies": {"list": ALLOW_LIST}, **more}


FULL = role(
    managed_policy_arns=[READ_ONLY],
    permissions_boundary=READ_ONLY,
    description="text",
    service_accounts=["default:app"],
)
UPDATES = [
    "UpdateRole",
    "PutRolePermissionsBoundary",
    "TagRole",
    "PutRolePolicy",
    "AttachRolePolicy",
    "UpdateAssumeRolePolicy",
]
PURGES = ["DeleteRolePolicy", "DetachRolePolicy", "UntagRole"]
REMOVAL = {"name": "app", "state": "absent"}
REMOVALS = ["DetachRolePolicy", "DeleteRolePolicy", "DeleteRole"]


def before(aws: AwsServer, operation: str, case: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Bring a role into the state in which the case calls the operation; the role wanted, and more options."""
    if case == "create":
        return FULL, {}
    if case == "update":
        make_role(aws, "app")
        return FULL, {}
    converge(FULL)
    aws.clear_calls()
    if case == "unbound":
        return {"name": "app", "permissions_boundary": ""}, {}
    if case == "forced":
        iam = aws.client("iam")
        iam.create_instance_profile(InstanceProfileName="nodes")
        iam.add_role_to_instance_profile(InstanceProfileName="nodes", RoleName="app")
        aws.clear_calls()
        return REMOVAL, {"force": True}
    if case == "purge":
        return {"name": "app", "policies": {}, "managed_policy_arns": []}, {"purge_policies": True}
    return REMOVAL, {}


OF_THE_TASK = ("GetCallerIdentity", "GetOpenIDConnectProvider")
"""Calls that are about no role alone."""
CALLS = [
    ("GetCallerIdentity", "create"),
    ("GetRole", "create"),
    ("GetOpenIDConnectProvider", "create"),
    ("CreateRole", "create"),
    ("GetRolePolicy", "update"),
    ("ListAttachedRolePolicies", "update"),
    ("ListRolePolicies", "update"),
    ("GetOpenIDConnectProvider", "update"),
    *((name, "update") for name in UPDATES),
    *((name, "purge") for name in PURGES),
    ("DeleteRolePermissionsBoundary", "unbound"),
    ("RemoveRoleFromInstanceProfile", "forced"),
    ("ListRolePolicies", "remove"),
    ("ListInstanceProfilesForRole", "remove"),
    *((name, "remove") for name in REMOVALS),
]


@pytest.mark.parametrize(("operation", "case"), CALLS)
def test_denied_then_allowed(aws: AwsServer, operation: str, case: str) -> None:
    wanted, params = before(aws, operation, case)
    aws.fault(operation, "deny", times=None)
    refused = converge(wanted, **params)
    assert refused["failed"], refused
    assert f":{operation} failed: AccessDenied" in refused["msg"]
    assert "add the action to its policy" in refused["msg"]
    assert operation in OF_THE_TASK or "IAM role 'app'" in refused["msg"]
    assert refused["changed"] == bool(aws.calls(writes=True, failed=False))
    aws.clear_faults()
    assert converge(wanted, **params)["changed"]
    assert unchanged(wanted, **params)


@pytest.mark.parametrize(("operation", "case"), CALLS)
def test_throttled_calls_are_made_again(aws: AwsServer, operation: str, case: str) -> None:
    wanted, params = before(aws, operation, case)
    rule = aws.fault(operation, "throttle")
    result = converge(wanted, **params)
    assert not result.get("failed"), result
    assert [each["hit"] for each in aws.faults() if each["id"] == rule["id"]] == [1]
    assert unchanged(wanted, **params)


@pytest.mark.parametrize("operation", [*UPDATES, "CreateRole"])
def test_writes_that_meet_anothers_are_made_again(aws: AwsServer, operation: str) -> None:
    wanted, _params = before(aws, operation, "create" if operation == "CreateRole" else "update")
    aws.fault(operation, "error", code="ConcurrentModification", status=409)
    result = converge(wanted)
    assert not result.get("failed"), result
    assert counted(aws)[f"iam:{operation}"] == 2


@pytest.mark.parametrize("operation", ["PutRolePolicy", "AttachRolePolicy"])
def test_a_new_role_that_iam_does_not_know_everywhere_yet_is_waited_for(aws: AwsServer, operation: str) -> None:
    aws.fault(operation, "error", times=2, **NO_SUCH_ROLE)
    result = converge(FULL)
    assert not result.get("failed"), result
    assert counted(aws)[f"iam:{operation}"] == 3
    assert counted(aws)["iam:GetRole"] == 1


def test_a_role_that_the_first_read_did_not_see_yet_is_taken_as_it_is(aws: AwsServer) -> None:
    make_role(aws, "app", policies={"foreign": ALLOW_LIST})
    aws.fault("GetRole", "error", times=2, **NO_SUCH_ROLE)
    result = converge(role())
    assert result["roles"][0]["state"] == "updated", result
    assert set(documents(aws, "app")) == {"foreign", "list"}
    assert len(trust_of(aws, "app")["Statement"]) == 2
    assert unchanged(role())


def test_a_managed_policy_that_does_not_exist_is_said_at_once(aws: AwsServer) -> None:
    wanted = role(managed_policy_arns=["arn:aws:iam::aws:policy/NoSuchPolicy"])
    refused = converge(wanted)
    assert refused["failed"]
    assert "IAM role 'app': iam:AttachRolePolicy failed: NoSuchEntity" in refused["msg"]
    assert counted(aws)["iam:AttachRolePolicy"] == 1
    assert refused["roles"][0]["state"] == "failed"
    assert refused["roles"][0]["changes"] == ["role: create", "policy list: put"]


def test_one_role_that_fails_does_not_stop_the_others(aws: AwsServer) -> None:
    aws.fault("PutRolePolicy", "deny", times=None, match={"RoleName": "app-3"})
    aws.fault("CreateRole", "deny", times=None, match={"RoleName": "app-5"})
    roles = [role(f"app-{number}") for number in range(8)]
    result = converge(*roles)
    assert result["failed"]
    assert result["changed"]
    assert result["msg"].startswith("2 of 8 IAM roles failed; the others are as wanted. IAM role 'app-3': iam:PutRole")
    assert "IAM role 'app-5': iam:CreateRole" in result["msg"]
    states = {each["name"]: each["state"] for each in result["roles"]}
    assert states == {f"app-{n}": "failed" if n in (3, 5) else "created" for n in range(8)}
    aws.clear_faults()
    again = converge(*roles)
    assert {each["name"] for each in again["roles"] if each["state"] != "unchanged"} == {"app-3", "app-5"}
    assert unchanged(*roles)


def test_one_role_that_cannot_be_read_or_reached_stops_all_before_the_first_write(aws: AwsServer) -> None:
    make_role(aws, "app-1")
    refused = converge(role("app-0"), role("app-1", path="/platform/"), {"name": "app-2"})
    assert refused["failed"]
    for words in (
        "2 of 3 IAM roles cannot be converged; nothing was changed.",
        "IAM role 'app-1': it exists with the path '/'",
        "IAM role 'app-2': it does not exist and service_accounts is not given",
    ):
        assert words in refused["msg"]
    aws.fault("GetRole", "deny", times=None, match={"RoleName": "app-1"})
    assert "1 of 2 IAM roles cannot be read; nothing was changed." in converge(role("app-0"), role("app-1"))["msg"]
    assert written(aws) == []


def test_a_trust_policy_over_the_quota_is_refused_before_writing(aws: AwsServer) -> None:
    accounts = [f"namespace-{number:02d}:service-account" for number in range(40)]
    make_role(aws, "app")
    for check in (True, False):
        refused = converge(role(service_accounts=accounts), check=check)
        assert refused["failed"]
        assert "the quota is 2048" in refused["msg"]
        assert "EKS Pod Identity" in refused["msg"]
    assert written(aws) == []
    aws.settings(trust_policy_size=4096)
    assert converge(role(service_accounts=accounts), max_trust_policy_length=4096)["changed"]


def test_managed_policies_over_the_quota_are_refused_before_writing(aws: AwsServer) -> None:
    iam = aws.client("iam")
    arns = [
        iam.create_policy(PolicyName=f"p{number}", PolicyDocument=json.dumps(ALLOW_LIST))["Policy"]["Arn"]
        for number in range(11)
    ]
    aws.clear_calls()
    refused = converge(role(managed_policy_arns=arns))
    assert "it would have 11 managed policies (now 0), and the quota is 10" in refused["msg"]
    assert "set max_managed_policies" in refused["msg"]
    assert written(aws) == []
    aws.settings(managed_policies_per_role=11)
    assert converge(role(managed_policy_arns=arns), max_managed_policies=11)["changed"]
    assert unchanged(role(managed_policy_arns=arns), max_managed_policies=11)
    assert unchanged(role(managed_policy_arns=arns))


def test_a_dead_principal_in_anothers_statement_is_explained(aws: AwsServer) -> None:
    iam = make_role(aws, "guest")
    arn = iam.get_role(RoleName="guest")["Role"]["Arn"]
    make_role(
        aws, "app", statements=[{"Effect": "Allow", "Principal": {"AWS": arn}, "Action": "sts:AssumeRole"}]
    ).delete_role(RoleName="guest")
    aws.clear_calls()
    for check in (True, False):
        refused = converge(role(), check=check)
        assert refused["failed"]
        assert "statement number 1 trusts AROA" in refused["msg"]
        assert "Take it out of that statement" in refused["msg"]
    assert written(aws) == []
    assert converge({"name": "app", "tags": {"a": "b"}})["changed"]


def test_a_role_whose_name_differs_in_case_is_explained(aws: AwsServer) -> None:
    make_role(aws, "App")
    aws.fault("GetRole", "error", times=None, **NO_SUCH_ROLE)
    refused = converge(role())
    assert refused["failed"]
    assert "EntityAlreadyExists" in refused["msg"]
    assert "differs in case only" in refused["msg"]


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"cluster": "not a name"}, "'not a name' is not an EKS cluster name"),
        ({}, "one of the following is required: cluster, issuer"),
        ({"cluster": "blue", "issuer": ISSUER}, "parameters are mutually exclusive: cluster|issuer"),
        ({"issuer": "http://example.com"}, "'http://example.com' is not an OIDC issuer"),
        ({"issuer": ISSUER, "max_trust_policy_length": 8192}, "max_trust_policy_length is 8192"),
        ({"issuer": ISSUER, "settle": 61}, "settle is 61; the seconds that a write is watched are from 0 to 60."),
        ({"issuer": ISSUER, "max_managed_policies": 26}, "max_managed_policies is 26; IAM's quota is from 10"),
        ({"issuer": ISSUER, "roles": [role("no/path")]}, "'no/path' is not an IAM role: give its name"),
        (
            {"issuer": ISSUER, "roles": [role("arn:aws:iam::123456789012:user/ann")]},
            "is an ARN of kind 'iam user'; needed is the ARN of an IAM role",
        ),
        (
            {"issuer": ISSUER, "roles": [role("arn:aws-us-gov:iam::123456789012:role/app")]},
            "is in partition aws-us-gov, the region of the task in aws",
        ),
        (
            {"issuer": ISSUER, "roles": [role(service_accounts=["app"])]},
            "IAM role 'app', service_accounts: 'app' is not NAMESPACE:NAME",
        ),
        (
            {"issuer": ISSUER, "roles": [role(permissions_boundary="arn:aws:iam::1:policy/x")]},
            "IAM role 'app', permissions_boundary: ",
        ),
    ],
)
def test_wrong_input_is_refused_before_any_call(aws: AwsServer, params: dict[str, Any], said: str) -> None:
    refused = run_logic(LOGIC, {"roles": [role()], **params})
    assert refused["failed"]
    assert said in refused["msg"]
    assert counted(aws) == {}


def test_a_role_of_another_account_is_refused(aws: AwsServer) -> None:
    refused = converge({**role(), "name": "arn:aws:iam::999999999999:role/app"})
    assert "name: the ARN is of account 999999999999, the credentials of the task are of 123456789012" in refused["msg"]
    assert counted(aws) == {"sts:GetCallerIdentity": 1}


def test_a_policy_of_another_account_is_refused(aws: AwsServer) -> None:
    refused = converge(role(managed_policy_arns=["arn:aws:iam::999999999999:policy/x"]))
    assert "is in account 999999999999, the role in 123456789012" in refused["msg"]
    assert written(aws) == []


def test_a_cluster_that_is_unknown_or_not_active_is_refused(aws: AwsServer) -> None:
    make_provider(aws, make_cluster(aws)["identity"]["oidc"]["issuer"])
    converge(role(), cluster="blue")
    aws.clear_calls()
    unknown = converge(role("other"), cluster="red")
    assert "There is no EKS cluster 'red' in eu-central-1; the clusters there are: blue" in unknown["msg"]
    for status in ("FAILED", "CREATING"):
        aws.cluster("blue", status=status)
        refused = converge(role("other"), cluster="blue")
        assert refused["failed"]
        assert f"EKS cluster 'blue' is {status}" in refused["msg"]
    assert written(aws) == []
    aws.cluster("blue", status="FAILED")
    assert converge(REMOVAL, cluster="blue")["roles"][0]["state"] == "removed"


def test_a_cluster_that_may_not_be_read_is_said_before_any_write(aws: AwsServer) -> None:
    make_provider(aws, make_cluster(aws)["identity"]["oidc"]["issuer"])
    aws.fault("DescribeCluster", "deny", times=None)
    refused = converge(role(), cluster="blue")
    assert refused["failed"]
    assert "eks:DescribeCluster failed: AccessDenied" in refused["msg"]
    assert "add the action to its policy" in refused["msg"]
    assert written(aws) == []


def test_a_template_in_a_policy_stays_text(aws: AwsServer) -> None:
    condition = {"StringEquals": {"aws:PrincipalTag/team": "{{ lookup('pipe', 'false') }}"}}
    document = {"Version": "2012-10-17", "Statement": [{**ALLOW_LIST["Statement"][0], "Condition": condition}]}
    result = converge(role(policies={"list": document}))
    assert result["changed"], result
    assert documents(aws, "app")["list"]["Statement"][0]["Condition"] == condition
