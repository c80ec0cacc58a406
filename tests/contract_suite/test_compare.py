# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What the comparison of calls looks through, and what it does not."""

from __future__ import annotations

from collections import Counter
from typing import Any

from tests.contract_suite import compare
from tests.contract_suite.runs import Run

POLLED = {"oidc_trust_policy": ["GetRole"]}
OPERATIONS = ("GetRole", "GetRole", "UpdateAssumeRolePolicy")


RUN = Run(
    "", 0, [{"task": "oidc_trust_policy: change", "ended": 100.0}, {"task": "irsa_roles: change", "ended": 200.0}]
)


def counted(*operations: str, begin: float = 0.0, **more: Any) -> dict[str, Counter[str]]:
    same = {"service": "iam", "region": "eu-central-1", "parameters": {}, "caller": "me", "error": None, **more}
    log = [{**same, "operation": name, "started": begin + number} for number, name in enumerate(operations)]
    return compare.calls(RUN, log, POLLED)


def test_how_often_a_polled_operation_is_called_does_not_count() -> None:
    assert counted(*OPERATIONS) == counted("GetRole", *OPERATIONS)


def test_that_it_is_called_and_how_does_count() -> None:
    assert counted(*OPERATIONS) != counted("UpdateAssumeRolePolicy")
    assert counted(*OPERATIONS) != counted(*OPERATIONS, error="AccessDenied")


def test_other_calls_and_those_of_other_modules_count() -> None:
    assert counted(*OPERATIONS) != counted(*OPERATIONS, "UpdateAssumeRolePolicy")
    assert counted(*OPERATIONS, begin=101.0) != counted("GetRole", *OPERATIONS, begin=101.0)
