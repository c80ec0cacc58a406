# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""IAM roles of others for tests, and what IAM has of a role."""

from __future__ import annotations

import json
from typing import Any

from sandbox.aws.client import AwsServer

FOREIGN_STATEMENT = {
    "Sid": "TheNodesToo",
    "Effect": "Allow",
    "Principal": {"Service": ["ec2.amazonaws.com"]},
    "Action": ["sts:AssumeRole"],
}
ALLOW_LIST: dict[str, Any] = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": ["s3:ListBucket", "s3:GetObject"], "Resource": "*"}],
}
DENY_DELETE = {"Effect": "Deny", "Action": "s3:DeleteObject", "Resource": "*"}


def make_provider(
    aws: AwsServer,
    issuer: str,
    *,
    audiences: tuple[str, ...] = ("sts.amazonaws.com",),
    region: str | None = None,
    credentials: dict[str, Any] | None = None,
) -> str:
    """Make the OIDC provider of an issuer (URL), forget the calls, return its ARN."""
    iam = aws.client("iam", region, credentials)
    arn: str = iam.create_open_id_connect_provider(Url=issuer, ClientIDList=list(audiences))["OpenIDConnectProviderArn"]
    aws.clear_calls()
    return arn


def make_role(
    aws: AwsServer,
    name: str,
    *,
    policies: dict[str, Any] | None = None,
    statements: list[dict[str, Any]] | None = None,
    tags: dict[str, str] | None = None,
    managed: list[str] | None = None,
) -> Any:
    """Make a role as somebody else would, forget the calls, return the IAM client."""
    iam = aws.client("iam")
    iam.create_role(
        RoleName=name,
        AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": statements or [FOREIGN_STATEMENT]}),
        Tags=[{"Key": key, "Value": value} for key, value in (tags or {}).items()],
    )
    for policy, document in (policies or {}).items():
        iam.put_role_policy(RoleName=name, PolicyName=policy, PolicyDocument=json.dumps(document))
    for arn in managed or []:
        iam.attach_role_policy(RoleName=name, PolicyArn=arn)
    aws.clear_calls()
    return iam


def trust_of(aws: AwsServer, name: str) -> dict[str, Any]:
    """The role's trust policy."""
    document: dict[str, Any] = aws.client("iam").get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"]
    return document


def documents(aws: AwsServer, name: str) -> dict[str, Any]:
    """The role's inline policies."""
    iam = aws.client("iam")
    return {
        policy: iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"]
        for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]
    }


def named(aws: AwsServer, name: str) -> dict[str, Any]:
    """The role's attached policies (ARNs) and tags."""
    iam = aws.client("iam")
    attached = iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]
    tags = iam.list_role_tags(RoleName=name)["Tags"]
    return {
        "attached": {policy["PolicyArn"] for policy in attached},
        "tags": {tag["Key"]: tag["Value"] for tag in tags},
    }
