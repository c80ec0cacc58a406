# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What the tests of oidc_provider share."""

from __future__ import annotations

import json
from typing import Any

from ansible_collections.ekspress.eks.plugins.module_utils._oidc_provider import LOGIC
from ansible_collections.ekspress.eks.tests.integration.eks_clusters import ACCOUNT
from ansible_collections.ekspress.eks.tests.support import run_logic

from sandbox.aws.client import AwsServer

ISSUER = "https://oidc.eks.eu-central-1.amazonaws.com/id/EXAMPLED539D4633E53DE1B71EXAMPLE"
ARN = f"arn:aws:iam::{ACCOUNT}:oidc-provider/{ISSUER[8:]}"
STS = "sts.amazonaws.com"
READ = {"sts:GetCallerIdentity": 1, "iam:GetOpenIDConnectProvider": 1}
HASHES = ["a" * 40, "B" * 40]


def provider(issuer: str | None = ISSUER, *, check: bool = False, diff: bool = True, **params: Any) -> dict[str, Any]:
    return run_logic(LOGIC, ({"issuer": issuer} if issuer else {}) | params, check=check, diff=diff)


def make_provider(aws: AwsServer, audiences: list[str], tags: dict[str, str] | None = None) -> str:
    """Make the issuer's provider as someone else would, forget the calls, return its ARN."""
    arn: str = aws.client("iam").create_open_id_connect_provider(
        Url=ISSUER,
        ClientIDList=audiences,
        ThumbprintList=["c" * 40],
        Tags=[{"Key": key, "Value": value} for key, value in (tags or {}).items()],
    )["OpenIDConnectProviderArn"]
    aws.clear_calls()
    return arn


def there(aws: AwsServer, arn: str = ARN) -> dict[str, Any] | None:
    """What IAM has of the provider, None where there is none; the reads are forgotten."""
    iam = aws.client("iam")
    listed = [item["Arn"] for item in iam.list_open_id_connect_providers()["OpenIDConnectProviderList"]]
    answer = iam.get_open_id_connect_provider(OpenIDConnectProviderArn=arn) if arn in listed else None
    return answer and {
        "audiences": sorted(answer.get("ClientIDList", [])),
        "thumbprints": sorted(answer.get("ThumbprintList", [])),
        "tags": {tag["Key"]: tag["Value"] for tag in answer.get("Tags", [])},
    }


def make_role(aws: AwsServer, name: str, principal: dict[str, Any], path: str = "/", **statement: Any) -> None:
    document = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": principal,
                "Action": "sts:AssumeRoleWithWebIdentity" if "Federated" in principal else "sts:AssumeRole",
                **statement,
            }
        ],
    }
    aws.client("iam").create_role(RoleName=name, Path=path, AssumeRolePolicyDocument=json.dumps(document))
    aws.clear_calls()
