# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Credentials, regions and accounts, as every module meets them: shown by cluster_info against the AWS server."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.ekspress.eks.plugins.module_utils._cluster_info import LOGIC
from ansible_collections.ekspress.eks.tests.integration.eks_clusters import ACCOUNT, counted, make_cluster
from ansible_collections.ekspress.eks.tests.support import run_logic

from sandbox.aws.client import AwsServer

BARE = {"cluster": "blue", "node_groups": False, "fargate_profiles": False}


def info(**params: Any) -> dict[str, Any]:
    return run_logic(LOGIC, {"cluster": "blue", **params})


def _without(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    for name in names:
        monkeypatch.delenv(name)


def test_no_region(aws: AwsServer, monkeypatch: pytest.MonkeyPatch) -> None:
    _without(monkeypatch, "AWS_DEFAULT_REGION")
    result = info()
    assert result["failed"]
    assert "region" in result["msg"]
    assert "AWS_REGION" in result["msg"]
    assert aws.calls() == []


def test_no_credentials(aws: AwsServer, monkeypatch: pytest.MonkeyPatch) -> None:
    _without(monkeypatch, "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
    result = info()
    assert result["failed"]
    assert result["msg"].startswith("eks:DescribeCluster was not called: no usable AWS credentials")
    assert "aws sts get-caller-identity" in result["msg"]
    assert aws.calls() == []


def test_unknown_profile(aws: AwsServer, monkeypatch: pytest.MonkeyPatch) -> None:
    _without(monkeypatch, "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
    result = info(profile="nobody")
    assert result["failed"]
    assert "The config profile (nobody) could not be found" in result["msg"]
    assert "Check the AWS configuration files and the option profile." in result["msg"]
    assert aws.calls() == []


def test_expired_token(aws: AwsServer) -> None:
    make_cluster(aws)
    aws.fault("DescribeCluster", "error", code="ExpiredTokenException", message="The token is expired", status=403)
    result = run_logic(LOGIC, BARE)
    assert result["failed"]
    assert result["msg"].startswith("eks:DescribeCluster failed: ExpiredTokenException: The token is expired. ")
    assert "credentials of this task are not valid (any more)" in result["msg"]


def test_a_wrong_signature_does_not_show_what_was_signed(aws: AwsServer) -> None:
    message = "The request signature does not match.\n\nThe Canonical String:\n'x-amz-security-token:IQoJb3JpZ2lu'"
    aws.fault("DescribeCluster", "error", code="SignatureDoesNotMatch", message=message, status=403)
    result = run_logic(LOGIC, BARE)
    assert result["msg"].startswith("eks:DescribeCluster failed: SignatureDoesNotMatch: The request signature does not")
    assert "credentials of this task are not valid" in result["msg"]
    assert "IQoJb3JpZ2lu" not in str(result)


def test_server_out_of_reach(aws: AwsServer) -> None:
    aws.fault("DescribeCluster", "drop_connection", times=None)
    result = run_logic(LOGIC, BARE | {"aws_config": {"retries": {"max_attempts": 1}}})
    assert result["failed"]
    assert result["msg"].startswith("eks:DescribeCluster got no answer: ")


@pytest.fixture
def accounts(aws: AwsServer) -> dict[str, str]:
    """Two accounts with a cluster blue and a role each; the cluster's tag tells whose it is. Roles by account."""
    roles = {}
    for account in ("111122223333", "444455556666"):
        operator = aws.account(account)
        role = aws.client("iam", credentials=operator).create_role(
            RoleName="platform",
            AssumeRolePolicyDocument=json.dumps(
                {
                    "Version": "2012-10-17",
                    "Statement": [
                        {
                            "Effect": "Allow",
                            "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
                            "Action": "sts:AssumeRole",
                            "Condition": {"StringEquals": {"sts:ExternalId": f"key-of-{account}"}},
                        }
                    ],
                }
            ),
        )
        roles[account] = role["Role"]["Arn"]
        make_cluster(aws, credentials=operator, tags={"owner": account})
    return roles


def test_one_run_serves_several_accounts(aws: AwsServer, accounts: dict[str, str]) -> None:
    for account, role in accounts.items():
        aws.clear_calls()
        result = info(assume_role_arn=role, assume_role_external_id=f"key-of-{account}")
        assert result["cluster"]["account"] == account
        assert result["cluster"]["tags"] == {"owner": account}
        calls = aws.calls()
        (assumed,) = [call for call in calls if call["operation"] == "AssumeRole"]
        assert assumed["account"] == ACCOUNT
        assert assumed["parameters"]["RoleArn"] == role
        assert assumed["parameters"]["ExternalId"] == f"key-of-{account}"
        assert assumed["parameters"]["RoleSessionName"] == "ekspress.eks"
        others = [call for call in calls if call is not assumed]
        assert {call["account"] for call in others} == {account}
        assert {call["caller"] for call in others} == {
            f"arn:aws:sts::{account}:assumed-role/platform/ekspress.eks",
        }


def test_assuming_the_role_denied(aws: AwsServer, accounts: dict[str, str]) -> None:
    aws.fault("AssumeRole", "deny", times=None)
    result = info(assume_role_arn=accounts["111122223333"])
    assert result["failed"]
    assert result["msg"].startswith("sts:AssumeRole failed: AccessDenied: ")
    assert "assume_role_arn arn:aws:iam::111122223333:role/platform exists, that its trust policy" in result["msg"]
    assert counted(aws) == {"sts:AssumeRole": 1}


@pytest.mark.parametrize("arn", ["platform", "arn:aws:iam::111122223333:user/platform"])
def test_a_malformed_role_to_assume(aws: AwsServer, arn: str) -> None:
    result = info(assume_role_arn=arn)
    assert result["failed"]
    assert result["msg"].startswith(f"assume_role_arn {arn!r} is ")
    assert aws.calls() == []
