# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""irsa_roles ended hard after any of its calls: the next run completes, and what is others' stays."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from ansible_collections.ekspress.eks.plugins.module_utils._irsa_roles import LOGIC
from ansible_collections.ekspress.eks.tests.integration.aws_killed import KILLED, killing
from ansible_collections.ekspress.eks.tests.integration.iam_roles import (
    ALLOW_LIST,
    FOREIGN_STATEMENT,
    documents,
    make_provider,
    make_role,
    named,
    trust_of,
)
from ansible_collections.ekspress.eks.tests.support import run_logic

from sandbox.aws.client import AwsServer

ISSUER = "https://oidc.eks.eu-central-1.amazonaws.com/id/B1"
READ_ONLY = "arn:aws:iam::aws:policy/ReadOnlyAccess"
AUDIT = "arn:aws:iam::aws:policy/SecurityAudit"
OPTIONS = {"issuer": ISSUER, "settle": 0, "purge_policies": True, "purge_service_accounts": True}
NAMES = [f"app-{number:02d}" for number in range(1, 19)]
"""One for each call that is the last one of a run, and more than the longest run has calls."""


def full(name: str) -> dict[str, Any]:
    return {
        "name": name,
        "service_accounts": ["default:app"],
        "policies": {"list": ALLOW_LIST},
        "managed_policy_arns": [READ_ONLY],
        "permissions_boundary": READ_ONLY,
        "description": "text",
        "tags": {"team": "platform"},
    }


def nothing_left(name: str) -> dict[str, Any]:
    return {"name": name, "service_accounts": ["default:other"], "policies": {}, "managed_policy_arns": []}


def absent(name: str) -> dict[str, Any]:
    return {"name": name, "state": "absent"}


def converge(*roles: dict[str, Any]) -> dict[str, Any]:
    return run_logic(LOGIC, {**OPTIONS, "roles": list(roles)})


def foreign(aws: AwsServer) -> None:
    """Roles of others, each with a policy, an attachment, a tag and a principal."""
    for name in NAMES:
        make_role(aws, name, policies={"foreign": ALLOW_LIST}, managed=[AUDIT], tags={"owner": "others"})


def nobodys(aws: AwsServer) -> None:
    """No roles."""


def ours(aws: AwsServer) -> None:
    """Roles made by the module."""
    assert len(converge(*map(full, NAMES))["roles"]) == len(NAMES)


def ours_and_others(aws: AwsServer) -> None:
    """Roles of others that the module has taken too."""
    foreign(aws)
    ours(aws)


@pytest.fixture
def kill(aws: AwsServer) -> Iterator[Callable[[dict[str, Any], int], int]]:
    """Runs the module for one role and ends it after a call; gives its exit code."""
    make_provider(aws, ISSUER)
    with killing("irsa_roles") as run:
        yield lambda role, call: run({**OPTIONS, "roles": [role]}, call)


def state_of(aws: AwsServer, name: str) -> dict[str, Any] | None:
    """All of a role that the module changes; None where there is none."""
    iam = aws.client("iam")
    try:
        role = iam.get_role(RoleName=name)["Role"]
    except iam.exceptions.NoSuchEntityException:
        return None
    return {
        "trust": trust_of(aws, name),
        "policies": documents(aws, name),
        "boundary": role.get("PermissionsBoundary"),
        "description": role.get("Description"),
        **named(aws, name),
    }


@pytest.mark.parametrize(
    ("before", "wanted"),
    [
        pytest.param(nobodys, full, id="create"),
        pytest.param(foreign, full, id="update"),
        pytest.param(ours_and_others, nothing_left, id="purge"),
        pytest.param(ours, absent, id="absent"),
        pytest.param(ours_and_others, absent, id="absent, but others trust it"),
    ],
)
def test_killed_after_any_call_then_completed(
    aws: AwsServer,
    kill: Callable[[dict[str, Any], int], int],
    before: Callable[[AwsServer], None],
    wanted: Callable[[str], dict[str, Any]],
) -> None:
    before(aws)
    codes = [kill(wanted(name), number) for number, name in enumerate(NAMES, 1)]
    calls = codes.index(0)
    assert codes == [KILLED] * calls + [0] * (len(NAMES) - calls)
    assert calls > 5
    finished = converge(*map(wanted, NAMES))
    assert not finished.get("failed"), finished
    whole = state_of(aws, NAMES[-1])
    for name in NAMES[:calls]:
        assert state_of(aws, name) == whole, name
    again = converge(*map(wanted, NAMES))
    assert (again.get("failed", False), again["changed"]) == (False, False)
    if whole is not None and before in (foreign, ours_and_others):
        assert whole["trust"]["Statement"][0] == FOREIGN_STATEMENT
        assert whole["policies"]["foreign"] == ALLOW_LIST
        assert AUDIT in whole["attached"]
        assert whole["tags"]["owner"] == "others"
