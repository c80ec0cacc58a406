# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Trust policies that AWS refuses."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sandbox.aws.client import AwsServer
from tests.sandbox.aws.policies import ACCOUNT, EC2_TRUST, Refused, trust

PROVIDER = f"arn:aws:iam::{ACCOUNT}:oidc-provider/oidc.eks.eu-central-1.amazonaws.com/id/{'A' * 32}"


def _sized(size: int) -> str:
    """Return a trust policy of a size, white space not counted."""
    document = trust({"Service": "ec2.amazonaws.com"}, Sid="")
    padding = size - len("".join(document.split()))
    return trust({"Service": "ec2.amazonaws.com"}, Sid="S" * padding)


def test_size_quota_does_not_count_white_space(aws: AwsServer, iam: Any, refused: Refused) -> None:
    spacious = json.dumps(json.loads(_sized(2048)), indent=8)
    assert len(spacious) > 2048
    iam.create_role(RoleName="a", AssumeRolePolicyDocument=spacious)
    error = refused("LimitExceeded", iam.create_role, RoleName="b", AssumeRolePolicyDocument=_sized(2049))
    assert "Cannot exceed quota for ACLSizePerRole: 2048" in str(error)
    assert error.response["ResponseMetadata"]["HTTPStatusCode"] == 409
    refused("LimitExceeded", iam.update_assume_role_policy, RoleName="a", PolicyDocument=_sized(2049))
    aws.settings(trust_policy_size=4096)
    iam.update_assume_role_policy(RoleName="a", PolicyDocument=_sized(4096))
    refused("LimitExceeded", iam.update_assume_role_policy, RoleName="a", PolicyDocument=_sized(4097))


@pytest.mark.parametrize(
    "arn",
    [
        f"arn:aws:iam::{ACCOUNT}:role/missing",
        f"arn:aws:iam::{ACCOUNT}:user/missing",
        "arn:aws:iam::999999999999:role/other-account",
        f"arn:aws-cn:iam::{ACCOUNT}:root",
        "AROAEXAMPLEEXAMPLE123",
        "not-an-arn",
    ],
)
def test_principal_must_exist(iam: Any, refused: Refused, arn: str) -> None:
    document = trust({"AWS": ["*", arn]})
    error = refused("MalformedPolicyDocument", iam.create_role, RoleName="a", AssumeRolePolicyDocument=document)
    assert f'Invalid principal in policy: "AWS":"{arn}"' in str(error)
    refused("NoSuchEntity", iam.get_role, RoleName="a")


@pytest.mark.parametrize(
    "principal",
    [
        {"AWS": "*"},
        "*",
        {"AWS": ACCOUNT},
        {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
        {"AWS": f"arn:aws:sts::{ACCOUNT}:assumed-role/any/session"},
        {"Federated": PROVIDER},
        {"Federated": "cognito-identity.amazonaws.com"},
        {"Service": ["pods.eks.amazonaws.com", "ec2.amazonaws.com.cn"]},
    ],
)
def test_principal_that_needs_no_entity(iam: Any, principal: Any) -> None:
    iam.create_role(RoleName="a", AssumeRolePolicyDocument=trust(principal))


@pytest.mark.parametrize(
    "federated", ["arn:aws:iam::1:oidc-provider/x", "example.com", PROVIDER.replace("aws", "x", 1)]
)
def test_federated_principal_must_have_the_form(iam: Any, refused: Refused, federated: str) -> None:
    document = trust({"Federated": federated})
    error = refused("MalformedPolicyDocument", iam.create_role, RoleName="a", AssumeRolePolicyDocument=document)
    assert "Federated principals must be valid domain names or SAML metadata ARNs" in str(error)


@pytest.mark.parametrize(
    "document",
    [
        "{",
        "[]",
        "{}",
        json.dumps({"Version": "2012-10-17", "Statement": [], "Surplus": 1}),
        json.dumps({"Version": "2020-01-01", "Statement": []}),
        trust({"Service": "ec2.amazonaws.com"}, Resource="*"),
        trust({"Service": "ec2.amazonaws.com"}, Surplus="*"),
        trust({"Service": "ec2.amazonaws.com"}, Effect="Perhaps"),
        trust({"Service": "ec2.amazonaws.com"}, Action="s3:GetObject"),
        trust({"Service": "example.com"}),
        trust({"Nobody": "x"}),
        json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole"}]}),
    ],
)
def test_malformed(iam: Any, refused: Refused, document: str) -> None:
    refused("MalformedPolicyDocument", iam.create_role, RoleName="a", AssumeRolePolicyDocument=document)


def test_deleted_principal_shows_its_id_and_spoils_the_policy(iam: Any, refused: Refused) -> None:
    principal = iam.create_role(RoleName="principal", AssumeRolePolicyDocument=EC2_TRUST)["Role"]
    document = trust({"AWS": [principal["Arn"], f"arn:aws:iam::{ACCOUNT}:root"]})
    iam.create_role(RoleName="target", AssumeRolePolicyDocument=document)
    iam.delete_role(RoleName="principal")
    shown = iam.get_role(RoleName="target")["Role"]["AssumeRolePolicyDocument"]
    assert shown["Statement"][0]["Principal"]["AWS"] == [principal["RoleId"], f"arn:aws:iam::{ACCOUNT}:root"]
    assert principal["RoleId"].startswith("AROA")
    # A role of the same name is another principal.
    iam.create_role(RoleName="principal", AssumeRolePolicyDocument=EC2_TRUST)
    shown = iam.get_role(RoleName="target")["Role"]["AssumeRolePolicyDocument"]
    assert principal["RoleId"] in shown["Statement"][0]["Principal"]["AWS"]
    error = refused(
        "MalformedPolicyDocument", iam.update_assume_role_policy, RoleName="target", PolicyDocument=json.dumps(shown)
    )
    assert principal["RoleId"] in str(error)


def test_refused_deletion_leaves_policies_alone(iam: Any, refused: Refused) -> None:
    principal = iam.create_role(RoleName="principal", AssumeRolePolicyDocument=EC2_TRUST)["Role"]["Arn"]
    iam.create_role(RoleName="other", AssumeRolePolicyDocument=EC2_TRUST)
    iam.create_role(RoleName="target", AssumeRolePolicyDocument=trust({"AWS": principal}))
    iam.attach_role_policy(RoleName="principal", PolicyArn="arn:aws:iam::aws:policy/ReadOnlyAccess")
    refused("DeleteConflict", iam.delete_role, RoleName="principal")
    iam.delete_role(RoleName="other")
    shown = iam.get_role(RoleName="target")["Role"]["AssumeRolePolicyDocument"]
    assert shown["Statement"][0]["Principal"]["AWS"] == principal


@pytest.mark.parametrize("version", ["2008-10-17", "2012-10-17", None])
def test_every_version_of_the_policy_language_is_taken(iam: Any, version: str | None) -> None:
    document = json.loads(trust({"Service": "ec2.amazonaws.com"}))
    document = {key: value for key, value in {**document, "Version": version}.items() if value}
    iam.create_role(RoleName="a", AssumeRolePolicyDocument=json.dumps(document))
    document["Statement"][0]["Action"] = ["sts:AssumeRole", "sts:TagSession"]
    iam.update_assume_role_policy(RoleName="a", PolicyDocument=json.dumps(document))
    assert iam.get_role(RoleName="a")["Role"]["AssumeRolePolicyDocument"] == document


def test_an_unknown_version_is_refused(iam: Any, refused: Refused) -> None:
    document = trust({"Service": "ec2.amazonaws.com"}).replace("2012-10-17", "2012-10-18")
    refused("MalformedPolicyDocument", iam.create_role, RoleName="a", AssumeRolePolicyDocument=document)


def test_a_dead_principal_is_refused_by_both_writes(iam: Any, refused: Refused) -> None:
    guest = iam.create_role(RoleName="guest", AssumeRolePolicyDocument=EC2_TRUST)["Role"]
    iam.create_role(RoleName="a", AssumeRolePolicyDocument=trust({"AWS": guest["Arn"]}))
    iam.delete_role(RoleName="guest")
    document = iam.get_role(RoleName="a")["Role"]["AssumeRolePolicyDocument"]
    assert document["Statement"][0]["Principal"] == {"AWS": guest["RoleId"]}
    text = json.dumps(document)
    for call, arguments in (
        (iam.create_role, {"RoleName": "b", "AssumeRolePolicyDocument": text}),
        (iam.update_assume_role_policy, {"RoleName": "a", "PolicyDocument": text}),
    ):
        error = refused("MalformedPolicyDocument", call, **arguments)
        assert error.response["Error"]["Message"] == f'Invalid principal in policy: "AWS":"{guest["RoleId"]}"'
        assert error.response["ResponseMetadata"]["HTTPStatusCode"] == 400
