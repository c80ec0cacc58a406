# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""irsa_roles tells of roles that trust the cluster and are not in the inventory any more, and leaves them alone."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.ekspress.eks.plugins.module_utils._irsa_roles import LOGIC
from ansible_collections.ekspress.eks.tests.integration.eks_clusters import ACCOUNT, counted, make_cluster, written
from ansible_collections.ekspress.eks.tests.integration.iam_roles import make_provider, make_role, trust_of
from ansible_collections.ekspress.eks.tests.support import run_logic

from sandbox.aws.client import AwsServer


@pytest.fixture
def issuers(aws: AwsServer) -> dict[str, str]:
    """The issuers of the clusters blue and green, which have their OIDC providers."""
    found = {name: str(make_cluster(aws, name)["identity"]["oidc"]["issuer"]) for name in ("blue", "green")}
    for issuer in found.values():
        make_provider(aws, issuer)
    return found


def converge(*roles: dict[str, Any], cluster: str = "blue", check: bool = False, **params: Any) -> dict[str, Any]:
    return run_logic(LOGIC, {"cluster": cluster, "roles": list(roles), "settle": 0, **params}, check=check)


def report(*roles: dict[str, Any], check: bool = False, **params: Any) -> list[dict[str, Any]]:
    result = converge(*roles, check=check, report_unlisted_roles=True, **params)
    assert not result.get("failed"), result
    return list(result["unlisted_roles"])


def role(name: str, *accounts: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "service_accounts": list(accounts or [f"default:{name}"]), **more}


def further_condition(issuer: str) -> dict[str, Any]:
    """A statement that lets a pod of the cluster in and is not of our shape."""
    host_path = issuer.removeprefix("https://")
    return {
        "Effect": "Allow",
        "Principal": {"Federated": f"arn:aws:iam::{ACCOUNT}:oidc-provider/{host_path}"},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {
            "StringEquals": {f"{host_path}:sub": "system:serviceaccount:a:a", "aws:SourceVpc": "vpc-1"},
        },
    }


def test_roles_that_trust_the_cluster_and_are_not_listed(aws: AwsServer, issuers: dict[str, str]) -> None:
    made = [role("Listed", "default:listed"), role("left", "a:b", "team-*:app"), role("gone", path="/x/"), role("both")]
    assert converge(*made)["changed"]
    assert converge(role("both"), role("greens"), cluster="green")["changed"]
    make_role(aws, "nodes")
    make_role(aws, "narrow", statements=[further_condition(issuers["blue"])])
    before = {name: trust_of(aws, name) for name in ("left", "both")}
    aws.clear_calls()
    listed = [role("LISTED", "default:listed"), {"name": "gone", "state": "absent"}]
    wanted = [
        {"name": "both", "arn": f"arn:aws:iam::{ACCOUNT}:role/both", "service_accounts": ["default:both"]},
        {"name": "left", "arn": f"arn:aws:iam::{ACCOUNT}:role/left", "service_accounts": ["a:b", "team-*:app"]},
    ]
    assert report(*listed, check=True) == wanted
    assert counted(aws)["iam:ListRoles"] == 1
    assert written(aws) == []
    assert report(made[0], {"name": "/x/gone", "state": "absent"}) == wanted
    assert {name: trust_of(aws, name) for name in ("left", "both")} == before
    assert [each["name"] for each in report(made[0])] == ["both", "left"]


def test_no_roles_at_all_are_reported_too(aws: AwsServer, issuers: dict[str, str]) -> None:
    converge(role("left"))
    aws.clear_calls()
    assert [each["name"] for each in report()] == ["left"]
    assert counted(aws) == {"eks:DescribeCluster": 1, "iam:ListRoles": 1}


def test_it_is_not_asked_for_unless_wanted(aws: AwsServer, issuers: dict[str, str]) -> None:
    assert "unlisted_roles" not in converge(role("app"))
    assert "iam:ListRoles" not in counted(aws)


def test_every_page_counts(aws: AwsServer, issuers: dict[str, str]) -> None:
    converge(*(role(f"app-{number}") for number in range(5)))
    aws.settings(page_size=2)
    aws.clear_calls()
    assert len(report(role("app-0"))) == 4
    assert counted(aws)["iam:ListRoles"] == 3


def test_roles_that_may_not_be_listed_are_said_before_any_write(aws: AwsServer, issuers: dict[str, str]) -> None:
    aws.fault("ListRoles", "deny", times=None)
    for check in (True, False):
        refused = converge(role("app"), report_unlisted_roles=True, check=check)
        assert refused["failed"]
        assert "iam:ListRoles failed: AccessDenied" in refused["msg"]
        assert "add the action to its policy" in refused["msg"]
    assert written(aws) == []


def test_a_role_that_fails_does_not_hide_the_report(aws: AwsServer, issuers: dict[str, str]) -> None:
    converge(role("left"))
    aws.fault("CreateRole", "deny", times=None)
    refused = converge(role("app"), report_unlisted_roles=True)
    assert refused["failed"]
    assert [each["name"] for each in refused["unlisted_roles"]] == ["left"]
