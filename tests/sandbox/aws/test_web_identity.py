# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Roles are given to those tokens of service accounts that AWS would give them to."""

from __future__ import annotations

import base64
import json
import time
from typing import Any

import pytest

from sandbox.aws.client import AwsServer
from tests.sandbox.aws.policies import ACCOUNT, Refused, trust

HOST = "oidc.eks.eu-central-1.amazonaws.com/id/0123456789ABCDEF0123456789ABCDEF"
PROVIDER = f"arn:aws:iam::{ACCOUNT}:oidc-provider/{HOST}"
SUBJECT = "system:serviceaccount:dns:external-dns"
AUDIENCE = "sts.amazonaws.com"


def token(**claims: Any) -> str:
    """Return a token of the provider, with other claims where given."""
    content = {"iss": f"https://{HOST}", "aud": [AUDIENCE], "sub": SUBJECT, "exp": time.time() + 3600, **claims}
    parts = [base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in ({}, content)]
    return ".".join([*parts, "signature"])


@pytest.fixture
def role(aws: AwsServer) -> str:
    """The ARN of a role that trusts one service account."""
    iam = aws.client("iam")
    iam.create_open_id_connect_provider(Url=f"https://{HOST}", ClientIDList=[AUDIENCE], ThumbprintList=["a" * 40])
    condition = {"StringEquals": {f"{HOST}:aud": AUDIENCE, f"{HOST}:sub": SUBJECT}}
    document = trust({"Federated": PROVIDER}, Action="sts:AssumeRoleWithWebIdentity", Condition=condition)
    arn: str = iam.create_role(RoleName="external-dns", AssumeRolePolicyDocument=document)["Role"]["Arn"]
    return arn


def test_the_subject_that_the_role_trusts(aws: AwsServer, role: str) -> None:
    keys = aws.client("sts").assume_role_with_web_identity(
        RoleArn=role, RoleSessionName="session", WebIdentityToken=token()
    )["Credentials"]
    identity = aws.client("sts", credentials=keys).get_caller_identity()
    assert identity["Arn"] == f"arn:aws:sts::{ACCOUNT}:assumed-role/external-dns/session"


@pytest.mark.parametrize(
    ("claims", "said"),
    [
        ({"sub": "system:serviceaccount:dns:other"}, ("AccessDenied", "Not authorized to perform")),
        ({"aud": ["https://kubernetes.default.svc"]}, ("InvalidIdentityToken", "Incorrect token audience")),
        ({"iss": "https://oidc.example.com"}, ("InvalidIdentityToken", "account for https://oidc.example.com")),
        ({"exp": 1}, ("ExpiredTokenException", "Token expired")),
    ],
)
def test_tokens_of_others(
    aws: AwsServer, role: str, refused: Refused, claims: dict[str, Any], said: tuple[str, str]
) -> None:
    sts = aws.client("sts")
    arguments = {"RoleArn": role, "RoleSessionName": "session", "WebIdentityToken": token(**claims)}
    error = refused(said[0], sts.assume_role_with_web_identity, **arguments)
    assert said[1] in str(error)


@pytest.mark.parametrize("text", ["no token", "a.b.c", "a.bnVsbA.c"])
def test_what_is_no_token(aws: AwsServer, role: str, refused: Refused, text: str) -> None:
    arguments = {"RoleArn": role, "RoleSessionName": "session", "WebIdentityToken": text}
    refused("InvalidIdentityToken", aws.client("sts").assume_role_with_web_identity, **arguments)


def test_roles_for_others(aws: AwsServer, role: str, refused: Refused) -> None:
    sts = aws.client("sts")
    iam = aws.client("iam")
    for_users = iam.create_role(RoleName="for-users", AssumeRolePolicyDocument=trust({"AWS": ACCOUNT}))["Role"]["Arn"]
    for arn in (for_users, f"arn:aws:iam::{ACCOUNT}:role/missing"):
        arguments = {"RoleArn": arn, "RoleSessionName": "session", "WebIdentityToken": token()}
        refused("AccessDenied", sts.assume_role_with_web_identity, **arguments)
