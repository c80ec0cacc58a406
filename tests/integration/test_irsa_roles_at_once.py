# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""irsa_roles where another writes the same role's trust policy at the same moment."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.ekspress.eks.plugins.module_utils._irsa_roles import LOGIC
from ansible_collections.ekspress.eks.tests.integration.eks_clusters import counted
from ansible_collections.ekspress.eks.tests.integration.iam_roles import (
    FOREIGN_STATEMENT,
    make_provider,
    make_role,
    trust_of,
)
from ansible_collections.ekspress.eks.tests.support import run_logic

from sandbox.aws.client import AwsServer

BLUE = "https://oidc.eks.eu-central-1.amazonaws.com/id/B1"
GREEN = "https://oidc.eks.eu-central-1.amazonaws.com/id/C2"
DEADLINE = 60
"""Seconds."""


@pytest.fixture(autouse=True)
def providers(aws: AwsServer) -> None:
    """Both clusters have their OIDC provider."""
    for issuer in (BLUE, GREEN):
        make_provider(aws, issuer)


def converge(issuer: str, settle: int = 1, **fields: Any) -> dict[str, Any]:
    role = {"name": "app", "service_accounts": ["default:app"], **fields}
    if role.get("state") == "absent":
        del role["service_accounts"]
    return run_logic(LOGIC, {"issuer": issuer, "roles": [role], "settle": settle})


def at_once(*runs: Callable[[], dict[str, Any]]) -> list[dict[str, Any]]:
    results: dict[int, dict[str, Any]] = {}
    threads = [
        threading.Thread(target=lambda number=number, run=run: results.update({number: run()}))
        for number, run in enumerate(runs)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(DEADLINE)
    return [results[number] for number in range(len(runs))]


def issuers_of(aws: AwsServer) -> list[str]:
    """The issuers that the role's trust policy names."""
    text = json.dumps(trust_of(aws, "app"))
    return [issuer for issuer in (BLUE, GREEN) if f"{issuer.removeprefix('https://')}:sub" in text]


def test_two_clusters_at_once_on_one_role_lose_nothing(aws: AwsServer) -> None:
    make_role(aws, "app")
    aws.fault("UpdateAssumeRolePolicy", "latency", seconds=0.3, times=None)
    results = at_once(lambda: converge(BLUE), lambda: converge(GREEN))
    assert [result["changed"] for result in results] == [True, True], results
    assert issuers_of(aws) == [BLUE, GREEN]
    assert trust_of(aws, "app")["Statement"][0] == FOREIGN_STATEMENT
    assert not converge(BLUE)["changed"]
    assert not converge(GREEN)["changed"]


def test_one_comes_as_the_other_goes(aws: AwsServer) -> None:
    make_role(aws, "app")
    converge(GREEN)
    aws.fault("UpdateAssumeRolePolicy", "latency", seconds=0.3, times=None)
    results = at_once(lambda: converge(BLUE), lambda: converge(GREEN, state="absent"))
    assert [result["changed"] for result in results] == [True, True], results
    assert issuers_of(aws) == [BLUE]


def while_delayed(aws: AwsServer, delayed: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """The result of a run, during whose delayed call the green cluster takes the role too."""
    hit = threading.Event()

    def green() -> dict[str, Any]:
        while not any(fault["hit"] for fault in aws.faults()):
            assert not hit.wait(0.02)
        return converge(GREEN)

    result, other = at_once(delayed, green)
    assert other["changed"], other
    return result


def test_what_was_written_since_the_first_read_stays(aws: AwsServer) -> None:
    make_role(aws, "app")
    aws.fault("PutRolePermissionsBoundary", "latency", seconds=1.0)
    boundary = "arn:aws:iam::aws:policy/ReadOnlyAccess"
    result = while_delayed(aws, lambda: converge(BLUE, permissions_boundary=boundary))
    assert result["changed"], result
    assert issuers_of(aws) == [BLUE, GREEN]


def test_a_role_that_another_takes_since_the_first_read_is_not_removed(aws: AwsServer) -> None:
    converge(BLUE)
    aws.clear_calls()
    aws.fault("ListInstanceProfilesForRole", "latency", seconds=1.0)
    result = while_delayed(aws, lambda: converge(BLUE, state="absent"))
    assert result["roles"][0]["state"] == "updated", result
    assert "stays, without trust in this cluster" in result["warnings"][0]
    assert issuers_of(aws) == [GREEN]


def test_a_write_that_does_not_show_yet_is_not_made_again(aws: AwsServer) -> None:
    make_role(aws, "app")
    aws.settings(iam_stale_seconds=2.0)
    assert converge(BLUE, settle=5)["changed"]
    assert counted(aws)["iam:UpdateAssumeRolePolicy"] == 1
    aws.settings(iam_stale_seconds=0)
    assert issuers_of(aws) == [BLUE]


@pytest.mark.usefixtures("fresh_reads")
def test_a_changed_trust_policy_costs_a_read_and_a_write_more(aws: AwsServer) -> None:
    make_role(aws, "app")
    assert converge(BLUE, settle=0)["changed"]
    assert counted(aws) == {
        "sts:GetCallerIdentity": 1,
        "iam:GetOpenIDConnectProvider": 1,
        "iam:GetRole": 2,
        "iam:UpdateAssumeRolePolicy": 1,
    }
    aws.clear_calls()
    assert not converge(BLUE)["changed"]
    assert counted(aws) == {"sts:GetCallerIdentity": 1, "iam:GetOpenIDConnectProvider": 1, "iam:GetRole": 1}
