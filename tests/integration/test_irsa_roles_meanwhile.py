# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""irsa_roles where another creates or deletes the role between two of its calls."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from ansible_collections.ekspress.eks.plugins.module_utils import _irsa_api
from ansible_collections.ekspress.eks.plugins.module_utils._irsa_roles import LOGIC
from ansible_collections.ekspress.eks.tests.integration.eks_clusters import written
from ansible_collections.ekspress.eks.tests.integration.iam_roles import (
    ALLOW_LIST,
    FOREIGN_STATEMENT,
    documents,
    make_provider,
    make_role,
    trust_of,
)
from ansible_collections.ekspress.eks.tests.support import FOR_EVER, run_logic, wait_until

from sandbox.aws.client import AwsServer

ISSUER = "https://oidc.eks.eu-central-1.amazonaws.com/id/B1"
READ_ONLY = "arn:aws:iam::aws:policy/ReadOnlyAccess"
ROLE = {
    "name": "app",
    "service_accounts": ["default:app"],
    "policies": {"list": ALLOW_LIST},
    "managed_policy_arns": [READ_ONLY],
}
ABSENT = {"name": "app", "state": "absent"}


@pytest.fixture(autouse=True)
def provider(aws: AwsServer) -> str:
    """The issuer has its OIDC provider."""
    return make_provider(aws, ISSUER)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """As many attempts as ever, with short pauses."""
    monkeypatch.setattr(_irsa_api, "PAUSES", tuple(pause / 100 for pause in _irsa_api.PAUSES))


def converge(*roles: dict[str, Any]) -> dict[str, Any]:
    return run_logic(LOGIC, {"issuer": ISSUER, "roles": list(roles or [ROLE]), "settle": 0})


def held(aws: AwsServer, operation: str, nth: int, act: Callable[[], Any], role: dict[str, Any]) -> dict[str, Any]:
    """The result of a run whose n-th call of an operation waits until it was acted; it has read the role before."""
    rule = aws.fault(operation, "latency", seconds=FOR_EVER, nth=nth)

    def read_and_held() -> bool:
        read = any(call["operation"] == "GetRole" and call["ended"] is not None for call in aws.calls())
        return read and any(fault["hit"] for fault in aws.faults() if fault["id"] == rule["id"])

    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(converge, role)
        try:
            wait_until(lambda: running.done() or read_and_held(), operation)
            assert not running.done(), running.result()
            act()
        finally:
            aws.clear_faults()
        return running.result()


def remove(aws: AwsServer) -> None:
    """Remove the role as another would."""
    iam = aws.client("iam")
    for name in iam.list_role_policies(RoleName="app")["PolicyNames"]:
        iam.delete_role_policy(RoleName="app", PolicyName=name)
    for policy in iam.list_attached_role_policies(RoleName="app")["AttachedPolicies"]:
        iam.detach_role_policy(RoleName="app", PolicyArn=policy["PolicyArn"])
    iam.delete_role(RoleName="app")


def completes(role: dict[str, Any] = ROLE) -> bool:
    """Whether a run reaches what is wanted, and the next finds nothing to do."""
    first, second = converge(role), converge(role)
    return not first.get("failed") and not second.get("failed") and not second["changed"]


def test_created_after_it_was_read_as_missing(aws: AwsServer) -> None:
    result = held(
        aws, "GetOpenIDConnectProvider", 1, lambda: make_role(aws, "app", policies={"foreign": ALLOW_LIST}), ROLE
    )
    assert result["roles"][0]["state"] == "updated", result
    assert trust_of(aws, "app")["Statement"][0] == FOREIGN_STATEMENT
    assert set(documents(aws, "app")) == {"foreign", "list"}
    assert completes()


def test_deleted_while_it_is_read(aws: AwsServer) -> None:
    make_role(aws, "app")
    result = held(aws, "ListAttachedRolePolicies", 1, lambda: remove(aws), ROLE)
    assert result["roles"][0]["state"] == "created", result
    assert completes()


def test_deleted_before_the_first_write(aws: AwsServer, impatient: None) -> None:
    make_role(aws, "app")
    result = held(aws, "ListRolePolicies", 1, lambda: remove(aws), ROLE)
    assert result["failed"]
    assert "The role was removed by another while this run changed it; the next run makes it anew." in result["msg"]
    assert not result["changed"]
    assert completes()


def test_deleted_before_its_trust_is_written(aws: AwsServer, impatient: None) -> None:
    make_role(aws, "app")
    result = held(aws, "GetRole", 2, lambda: remove(aws), ROLE)
    assert result["failed"]
    assert "The role was removed by another while this run changed it; the next run makes it anew." in result["msg"]
    assert result["changed"]
    assert completes()


@pytest.mark.parametrize(("operation", "nth"), [("ListRolePolicies", 1), ("GetRole", 2)])
def test_deleted_while_it_is_removed(aws: AwsServer, operation: str, nth: int) -> None:
    assert converge()["changed"]
    aws.clear_calls()
    result = held(aws, operation, nth, lambda: remove(aws), ABSENT)
    assert (result.get("failed", False), result["changed"]) == (False, False), result
    assert result["roles"][0]["state"] == "unchanged"
    # All of them the other's.
    assert written(aws) == ["iam:DeleteRolePolicy", "iam:DetachRolePolicy", "iam:DeleteRole"]


def test_created_anew_while_it_is_removed(aws: AwsServer) -> None:
    """What another has made of it since is another's."""
    assert converge()["changed"]

    def make_anew() -> None:
        remove(aws)
        make_role(aws, "app")

    result = held(aws, "GetRole", 2, make_anew, ABSENT)
    assert (result.get("failed", False), result["changed"]) == (False, False), result
    assert "not this cluster's alone to remove" in result["warnings"][0]
    assert trust_of(aws, "app")["Statement"] == [FOREIGN_STATEMENT]
