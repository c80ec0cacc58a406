# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""irsa_roles on trust policies that name clusters whose OIDC providers are gone."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.ekspress.eks.plugins.module_utils._irsa_roles import LOGIC
from ansible_collections.ekspress.eks.tests.integration.eks_clusters import counted, written
from ansible_collections.ekspress.eks.tests.integration.iam_roles import (
    FOREIGN_STATEMENT,
    make_provider,
    make_role,
    trust_of,
)
from ansible_collections.ekspress.eks.tests.integration.trust_policies import BLUE, GREEN, provider_arn, statement
from ansible_collections.ekspress.eks.tests.support import run_logic

from sandbox.aws.client import AwsServer

LONG_GONE = "https://oidc.eks.eu-central-1.amazonaws.com/id/D3"
CI_SYSTEM = "https://ci.example.com"
ABSENT: dict[str, Any] = {"state": "absent"}
STATEMENTS = [FOREIGN_STATEMENT, statement(LONG_GONE, Sid="Old"), statement(GREEN), statement(CI_SYSTEM)]
ORPHAN = {"provider_arn": provider_arn(LONG_GONE), "sids": ["Old"], "statements": [2]}


@pytest.fixture(autouse=True)
def providers(aws: AwsServer) -> None:
    """The blue and the green cluster have their OIDC providers."""
    for issuer in (BLUE, GREEN):
        make_provider(aws, issuer)


def converge(*names: str, check: bool = False, prune_orphans: bool = False, **fields: Any) -> dict[str, Any]:
    fields = fields or {"service_accounts": ["default:app"]}
    roles = [{"name": name, **fields} for name in names or ("app",)]
    return run_logic(LOGIC, {"issuer": BLUE, "roles": roles, "settle": 0, "prune_orphans": prune_orphans}, check=check)


def test_reported_with_one_listing_for_all_roles_and_left(aws: AwsServer) -> None:
    for name in ("app", "other"):
        make_role(aws, name, statements=STATEMENTS)
    first = converge("app", "other")
    assert [role["orphans"] for role in first["roles"]] == [[{**ORPHAN, "removed": False}]] * 2, first
    assert counted(aws)["iam:ListOpenIDConnectProviders"] == 1
    assert trust_of(aws, "app")["Statement"][:4] == STATEMENTS
    aws.clear_calls()
    assert not converge("app", "other")["changed"]
    assert counted(aws)["iam:ListOpenIDConnectProviders"] == 1


def test_pruned_where_asked_for_and_nothing_else(aws: AwsServer) -> None:
    make_role(aws, "app", statements=STATEMENTS)
    checked, done = converge(prune_orphans=True, check=True), converge(prune_orphans=True)
    assert checked == done
    assert done["roles"][0]["orphans"] == [{**ORPHAN, "removed": True}]
    assert f"remove what trusts {provider_arn(LONG_GONE)}, which is gone" in done["roles"][0]["changes"][0]
    assert written(aws) == ["iam:UpdateAssumeRolePolicy"]
    statements = trust_of(aws, "app")["Statement"]
    assert statements[:3] == [FOREIGN_STATEMENT, statement(GREEN), statement(CI_SYSTEM)]
    assert len(statements) == 4
    again = converge(prune_orphans=True)
    assert (again["changed"], again["roles"][0]["orphans"]) == (False, [])


def test_the_quota_message_says_what_pruning_would_free(aws: AwsServer) -> None:
    make_role(aws, "app", statements=[*STATEMENTS, statement(GREEN, Sid="x" * 200)])
    many = [f"namespace-{number:03d}:app" for number in range(6)]
    assert "clusters that are gone; prune_orphans: true" in converge(check=True, service_accounts=many)["msg"]
    assert converge(check=True, service_accounts=many, prune_orphans=True)["changed"]


def test_a_role_that_is_left_alone_keeps_them(aws: AwsServer) -> None:
    make_role(aws, "app", statements=STATEMENTS)
    result = converge(prune_orphans=True, tags={"a": "b"})
    assert result["roles"][0]["orphans"] == [{**ORPHAN, "removed": False}], result
    assert written(aws) == ["iam:TagRole"]


def test_a_role_is_not_kept_for_their_sake(aws: AwsServer) -> None:
    make_role(aws, "app", statements=[statement(BLUE), statement(LONG_GONE)])
    kept = converge(check=True, **ABSENT)
    assert "stays, without trust in this cluster" in kept["warnings"][0]
    gone = converge(prune_orphans=True, **ABSENT)
    assert gone["roles"][0]["state"] == "removed", gone


def test_listing_denied_is_a_warning(aws: AwsServer) -> None:
    make_role(aws, "app", statements=STATEMENTS)
    aws.fault("ListOpenIDConnectProviders", "deny", times=None)
    done = converge(prune_orphans=True)
    assert done["changed"], done
    assert done["roles"][0]["orphans"] == []
    assert "iam:ListOpenIDConnectProviders failed: AccessDenied" in done["warnings"][0]
    assert trust_of(aws, "app")["Statement"][:4] == STATEMENTS
