# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The trust policy of a role that exists, written where others may write it at the same moment.

UpdateAssumeRolePolicy replaces the whole document and takes no version to write against, so a document merged a moment
ago may undo what another run has written since. It is read again just before the write, and a second after it until it
holds what is wanted. What is left is another run that is held up for longer between its last read and its write.
https://docs.aws.amazon.com/IAM/latest/APIReference/API_UpdateAssumeRolePolicy.html
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.ekspress.eks.plugins.module_utils import _policy
from ansible_collections.ekspress.eks.plugins.module_utils._aws import CONCURRENT_MODIFICATION, Aws, error_code
from ansible_collections.ekspress.eks.plugins.module_utils._context import Context
from ansible_collections.ekspress.eks.plugins.module_utils._errors import EksError
from ansible_collections.ekspress.eks.plugins.module_utils._trust_policy_plan import TrustPlan

PAUSES = (0.2, 0.4, 0.8, 1.6, 3.2, 5.0)
"""Seconds between attempts at what IAM may not see everywhere yet; it tells of 'a few seconds'.
https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot.html#troubleshoot_general_eventual-consistency"""

SETTLE = 1.0
"""Seconds between a write and the read that verifies it: longer than another run takes from its last read to its write,
so that a write of it that undoes ours has come by then."""


def write_trust(aws: Aws, context: Context, role: str, merged: Callable[[Mapping[str, Any]], TrustPlan]) -> None:
    """Write the role's trust policy until ``merged`` finds nothing to change in it.

    A write that IAM took but does not show within the pauses counts as done. Raises EksError where a call fails.
    """
    iam = aws.client("iam")
    replaced: Any = None
    for pause in (*PAUSES, None):
        document = aws.call(iam, "get_role", RoleName=role)["Role"].get("AssumeRolePolicyDocument") or {}
        trust = merged(document)
        if not trust.changed:
            return
        if replaced != document:
            if trust.after is None:
                raise EksError(f"IAM role {role!r}: nobody else is trusted by it any more; run again to remove it.")
            try:
                aws.call(iam, "update_assume_role_policy", RoleName=role, PolicyDocument=_policy.to_json(trust.after))
                replaced = document
                if context.cancelled.wait(SETTLE):
                    return
                continue
            except EksError as error:
                if error_code(error) != CONCURRENT_MODIFICATION or pause is None:
                    raise
        if pause is not None:
            context.cancelled.wait(pause * random.uniform(0.5, 1.0))
