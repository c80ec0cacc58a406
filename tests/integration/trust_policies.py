# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Trust policies of clusters, for tests."""

from __future__ import annotations

from typing import Any

from ansible_collections.ekspress.eks.plugins.module_utils._oidc_trust_policy import LOGIC
from ansible_collections.ekspress.eks.plugins.module_utils._trust_policy_plan import Issuer
from ansible_collections.ekspress.eks.tests.support import run_logic

ACCOUNT = "123456789012"
BLUE = "https://oidc.eks.eu-central-1.amazonaws.com/id/B1"
GREEN = "https://oidc.eks.eu-central-1.amazonaws.com/id/C2"
GONE = "https://oidc.eks.eu-central-1.amazonaws.com/id/D3"
CI = "https://token.actions.githubusercontent.com"


def provider_arn(issuer: str, account: str = ACCOUNT) -> str:
    """The ARN of an issuer's provider, there or not."""
    return Issuer.of(issuer, "aws", account).provider_arn


def statement(issuer: str, service_account: str = "app:app", **more: Any) -> dict[str, Any]:
    """A statement as IRSA has it."""
    host = issuer.removeprefix("https://")
    return {
        "Effect": "Allow",
        "Principal": {"Federated": provider_arn(issuer)},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {
            "StringEquals": {
                f"{host}:aud": "sts.amazonaws.com",
                f"{host}:sub": f"system:serviceaccount:{service_account}",
            }
        },
        **more,
    }


def converge(check: bool = False, diff: bool = True, **options: Any) -> dict[str, Any]:
    """Run the module on role ``app`` and issuer BLUE, watching a write for a moment only."""
    given = {"role": "app", "settle": 0, **options}
    if not {"clusters", "issuers"} & set(given):
        given["issuers"] = [BLUE]
    if given.get("state") != "absent":
        given.setdefault("service_accounts", ["app:app"])
    return run_logic(LOGIC, {name: value for name, value in given.items() if value is not None}, check=check, diff=diff)
