# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The trust policy of a role that exists, written where others may write it at the same moment.

UpdateAssumeRolePolicy replaces the whole document and takes no version to write against, and IAM's reads may lag
behind its writes, so any document that was merged a moment ago may undo what another run has written since.
https://docs.aws.amazon.com/IAM/latest/APIReference/API_UpdateAssumeRolePolicy.html
https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot.html#troubleshoot_general_eventual-consistency
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.ekspress.eks.plugins.module_utils import _policy
from ansible_collections.ekspress.eks.plugins.module_utils._aws import CONCURRENT_MODIFICATION, Aws, error_code
from ansible_collections.ekspress.eks.plugins.module_utils._context import Context
from ansible_collections.ekspress.eks.plugins.module_utils._errors import EksError
from ansible_collections.ekspress.eks.plugins.module_utils._trust_policy_plan import TrustPlan

PAUSES = (0.2, 0.4, 0.8, 1.6, 3.2, 5.0)
"""Seconds between attempts at what IAM may not see everywhere yet; it tells of 'a few seconds'.
https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot.html#troubleshoot_general_eventual-consistency"""

SETTLE = 7
"""Seconds for which a write is watched. Longer than twice the lag of reads that is reckoned with, 3 seconds: another
run may read the state before our write for one lag, and its write, which undoes ours, shows to us one lag later."""


@dataclass(frozen=True)
class Written:
    """What became of a trust policy: from the document that the first write replaced to the last one written."""

    plan: TrustPlan
    attempts: int
    """Documents that IAM took from this run; 0 where there was nothing to write any more."""


def write_trust(
    aws: Aws,
    context: Context,
    role_arn: str,
    merged: Callable[[Mapping[str, Any]], TrustPlan],
    *,
    settle: float = SETTLE,
) -> Written:
    """Write the role's trust policy until ``merged`` finds nothing to change in it and ``settle`` seconds have passed.

    ``merged`` plans what becomes of a document that was just read; what it raises ends the run. With a ``settle`` of 0
    the write is not watched. Raises EksError where a call fails, or where others keep overwriting what is written; once
    something was written its details have ``changed: true``.
    """
    iam = aws.client("iam")
    role = role_arn.rpartition("/")[2]
    replaced: Any = None
    first: TrustPlan | None = None
    attempts = 0
    for pause in (*PAUSES, None):
        document = aws.call(iam, "get_role", RoleName=role)["Role"].get("AssumeRolePolicyDocument") or {}
        trust = merged(document)
        if not trust.changed:
            return Written(first or trust, attempts)
        if replaced != document:
            if trust.after is None:
                raise EksError(f"IAM role {role!r}: nobody else is trusted by it any more; run again to remove it.")
            try:
                aws.call(iam, "update_assume_role_policy", RoleName=role, PolicyDocument=_policy.to_json(trust.after))
                first = first or trust
                attempts += 1
                replaced = document
                context.cancelled.wait(min(settle, 1.0))
                continue
            except EksError as error:
                if error_code(error) != CONCURRENT_MODIFICATION or pause is None:
                    raise
        if pause is not None:
            context.cancelled.wait(pause * random.uniform(0.5, 1.0))
    return Written(first or trust, attempts)
