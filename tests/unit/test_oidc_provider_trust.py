# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Which roles trust an OIDC provider, by any shape of trust policy that IAM gives back."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import pytest
from ansible_collections.ekspress.eks.plugins.module_utils._oidc_provider_trust import trusting
from hypothesis import given
from hypothesis import strategies as st

ARN = "arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-central-1.amazonaws.com/id/EXAMPLE"
ROLE = "arn:aws:iam::111122223333:role/app"


def policy(*principals: Any, element: str = "Principal") -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", element: one} for one in principals]}


def trusted_by(document: Any) -> bool:
    return trusting([{"Arn": ROLE, "AssumeRolePolicyDocument": document}], ARN) == [ROLE]


@pytest.mark.parametrize(
    "document",
    [
        policy({"Federated": ARN}),
        policy({"Federated": [ARN]}),
        policy({"Federated": ["cognito-identity.amazonaws.com", ARN]}),
        policy({"Service": "ec2.amazonaws.com"}, {"AWS": "*", "Federated": ARN}),
        policy({"Federated": ARN}, element="NotPrincipal"),
        {"Statement": {"Effect": "Deny", "Principal": {"Federated": ARN}}},
    ],
)
def test_trusted(document: dict[str, Any]) -> None:
    assert trusted_by(document)
    assert trusted_by(json.dumps(document))
    assert trusted_by(quote(json.dumps(document)))


@pytest.mark.parametrize(
    "document",
    [
        None,
        "",
        "no JSON",
        "[]",
        {},
        {"Statement": []},
        {"Statement": [None, "text"]},
        policy("*"),
        policy({"AWS": ARN}),
        policy({"Federated": f"{ARN}0"}),
        policy({"Federated": ARN[:-1]}),
        policy({"Federated": ARN.replace(":aws:", ":aws-cn:")}),
        {"Statement": [{"Effect": "Allow", "Condition": {"StringEquals": {"x": ARN}}, "Principal": {"AWS": "*"}}]},
    ],
)
def test_not_trusted(document: Any) -> None:
    assert not trusted_by(document)


@given(st.lists(st.tuples(st.from_regex(r"[a-z]{1,8}", fullmatch=True), st.booleans()), unique_by=lambda pair: pair[0]))
def test_all_that_trust_it_are_found_and_sorted(roles: list[tuple[str, bool]]) -> None:
    listed = [
        {
            "Arn": f"arn:aws:iam::111122223333:role/{name}",
            "AssumeRolePolicyDocument": policy({"Federated": ARN} if trusts else {"Service": "ec2.amazonaws.com"}),
        }
        for name, trusts in roles
    ]
    assert trusting(listed, ARN) == sorted(f"arn:aws:iam::111122223333:role/{name}" for name, trusts in roles if trusts)
