# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Which statements of trust policies may be of EKS clusters that are gone."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.ekspress.eks.plugins.module_utils._trust_policy_orphans import candidates, is_eks, orphans

ACCOUNT = "111122223333"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/path/app"
EKS = "oidc.eks.eu-central-1.amazonaws.com/id"


def arn(host_path: str, partition: str = "aws", account: str = ACCOUNT) -> str:
    return f"arn:{partition}:iam::{account}:oidc-provider/{host_path}"


@pytest.mark.parametrize(
    ("host_path", "partition"),
    [
        (f"{EKS}/EXAMPLED539D4633E53DE1B71EXAMPLE", "aws"),
        ("oidc-eks.eu-central-1.api.aws/id/A1", "aws"),
        ("oidc.eks.us-gov-west-1.amazonaws.com/id/A1", "aws-us-gov"),
        ("oidc.eks.cn-north-1.amazonaws.com.cn/id/A1", "aws-cn"),
        ("oidc-eks.cn-north-1.api.amazonwebservices.com.cn/id/A1", "aws-cn"),
        ("oidc.eks.us-iso-east-1.c2s.ic.gov/id/A1", "aws-iso"),
        ("oidc.eks.us-isob-east-1.sc2s.sgov.gov/id/A1", "aws-iso-b"),
        ("oidc.eks.eusc-de-east-1.amazonaws.eu/id/A1", "aws-eusc"),
    ],
)
def test_issuers_of_eks(host_path: str, partition: str) -> None:
    assert is_eks(arn(host_path, partition), f"arn:{partition}:iam::{ACCOUNT}:role/app")
    assert not is_eks(arn(host_path, partition, "210987654321"), f"arn:{partition}:iam::{ACCOUNT}:role/app")
    assert not is_eks(arn(host_path, "aws-other"), f"arn:{partition}:iam::{ACCOUNT}:role/app")


@pytest.mark.parametrize(
    "host_path",
    [
        "token.actions.githubusercontent.com",
        "gitlab.com",
        "vstoken.dev.azure.com/3f0f0f0f",
        "app.terraform.io",
        "oidc.circleci.com/org/1",
        "container.googleapis.com/v1/projects/p",
        "oidc.eks.eu-central-1.amazonaws.com.example.org/id/A1",
        "oidc.eks.eu-central-1.amazonaws.com/id/A1/more",
        "oidc.eks.eu-central-1.amazonaws.com",
        "example.org/oidc.eks.eu-central-1.amazonaws.com/id/A1",
        "xoidc.eks.eu-central-1.amazonaws.com/id/A1",
        "s3.eu-central-1.amazonaws.com/bucket",
    ],
)
def test_issuers_of_others(host_path: str) -> None:
    assert not is_eks(arn(host_path), ROLE)


@pytest.mark.parametrize(
    "principal",
    [
        "*",
        {"AWS": "*"},
        {"Federated": "cognito-identity.amazonaws.com"},
        {"Federated": [arn(f"{EKS}/A1"), arn("token.actions.githubusercontent.com")]},
        {"Federated": arn(f"{EKS}/A1"), "AWS": ACCOUNT},
        {"Federated": [arn(f"{EKS}/A1"), arn(f"{EKS}/KNOWN")]},
        {"Federated": []},
        {"Federated": f"arn:aws:iam::{ACCOUNT}:saml-provider/idp"},
    ],
    ids=["star", "aws", "cognito", "with-ci", "with-account", "with-known", "empty", "saml"],
)
def test_statements_with_another_principal_are_no_candidates(principal: Any) -> None:
    document = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Principal": principal, "Action": "sts:*"}}
    assert candidates(document, ROLE, frozenset({arn(f"{EKS}/KNOWN")})) == []


def test_a_statement_is_dead_once_all_of_its_providers_are() -> None:
    document = {
        "Version": "2012-10-17",
        "Statement": [
            {"Sid": "One", "Effect": "Allow", "Principal": {"Federated": arn(f"{EKS}/A1")}, "Action": "sts:*"},
            {"Effect": "Allow", "Principal": {"Federated": [arn(f"{EKS}/A1"), arn(f"{EKS}/B2")]}, "Action": "sts:*"},
            {"Effect": "Allow", "Principal": {"Federated": [arn(f"{EKS}/C3"), arn(f"{EKS}/A1")]}, "Action": "sts:*"},
            {"NotPrincipal": {"Federated": arn(f"{EKS}/A1")}, "Effect": "Deny", "Action": "sts:*"},
        ],
    }
    found = orphans(candidates(document, ROLE, frozenset()), frozenset({arn(f"{EKS}/B2")}))
    assert [orphan.shown() for orphan in found] == [
        {"provider_arn": arn(f"{EKS}/A1"), "sids": ["One"], "statements": [1, 3]},
        {"provider_arn": arn(f"{EKS}/C3"), "sids": [], "statements": [3]},
    ]
    assert orphans(candidates({}, ROLE, frozenset()), frozenset()) == ()
