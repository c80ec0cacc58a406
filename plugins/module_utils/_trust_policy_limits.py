# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Why IAM would refuse a trust policy, known before it is written: in check mode too, and with nothing half-written."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from ansible_collections.ekspress.eks.plugins.module_utils._policy import as_list, size, statements
from ansible_collections.ekspress.eks.plugins.module_utils._trust_policy_plan import TrustPlan, federated_only

DEFAULT_LENGTH, LONGEST = 2048, 4096
"""Characters of a trust policy, white space not counted: the default quota and the highest that AWS grants.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html"""

UNIQUE_ID = re.compile(r"A[A-Z]{3}[A-Z0-9]{12,}(:.*)?")
"""What IAM shows in place of the ARN of a role, user or session that is gone, such as AROA… or AIDA….
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-unique-ids"""

REFUSED_PRINCIPAL = re.compile(r'[Ii]nvalid principal in policy:?\s*"?(?:[A-Za-z]+"\s*:\s*)?"?([^"\s,]+)')
"""https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_policies.html"""

DEAD = (
    "Take it out of that statement (or the statement out), or put the ARN of one that exists in its place; then run "
    "again."
)


def obstacle(plan: TrustPlan, limit: int, option: str, orphans: Collection[str] = ()) -> str:
    """Why IAM would refuse to write the plan and what to do, in sentences; '' where it would not or nothing is written.

    ``limit`` is the quota of the trust policy's length, ``option`` the name of the option that sets it,
    ``orphans`` the ARNs of OIDC providers that are gone.
    """
    if not plan.changed:
        return ""
    if plan.after is None:
        return (
            "nobody would be trusted any more, and IAM takes no trust policy without statements. Remove the role "
            "(module ekspress.eks.irsa_roles, state: absent), or let another principal in first."
        )
    return dead_principals(plan.after) or too_long(plan, limit, option, orphans)


def dead_principals(document: Mapping[str, Any]) -> str:
    """Which statements name roles or users that are gone and what to do, or '' where none does.

    IAM refuses every write of a document with such a principal.
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html#principal-roles
    """
    found = [
        f"{where} trusts {principal}"
        for where, principal in _aws_principals(document)
        if UNIQUE_ID.fullmatch(principal)
    ]
    if not found:
        return ""
    return (
        f"in the trust policy, {'; '.join(found)}: the unique ID of an IAM role or user that was deleted. IAM refuses "
        f"any change of a trust policy that names one. {DEAD}"
    )


def refused_principal(document: Mapping[str, Any], message: str) -> str:
    """The statement with the principal that IAM's message says is not valid, and what to do; '' where it names none."""
    named = REFUSED_PRINCIPAL.search(message)
    if not named:
        return ""
    wheres = [where for where, principal in _aws_principals(document) if principal == named[1]]
    if not wheres:
        return ""
    return f"The principal {named[1]} is in {' and '.join(wheres)} of the trust policy; it does not exist. {DEAD}"


def too_long(plan: TrustPlan, limit: int, option: str, orphans: Collection[str] = ()) -> str:
    """Why the new document is over the quota and what to do, or '' where it is not, or is shorter than the one now."""
    if not plan.changed or plan.after is None:
        return ""
    now, then = size(plan.before) if plan.before else 0, size(plan.after)
    if then <= limit or then <= now:
        return ""
    more = (
        f"have the quota of the account raised (AWS grants up to {LONGEST}) and set {option}"
        if limit < LONGEST
        else f"remove statements (AWS grants no more than {LONGEST})"
    )
    living = [item for item in statements(plan.after) if not set(federated_only(item) or [""]) <= set(orphans)]
    dead = then - size({**plan.after, "Statement": living})
    prune = f"{dead} of them are of clusters that are gone; prune_orphans: true removes those. " if dead else ""
    return (
        f"the trust policy would have {then} characters (white space not counted), now {now}, and the quota is "
        f"{limit}. {prune}Take a role of its own for some of the service accounts, use EKS Pod Identity (its trust "
        f"policy does not grow), or {more}."
    )


def where(statement: Any, number: int) -> str:
    """A statement as messages name it: by its Sid, else by its position, counted from 1."""
    sid = statement.get("Sid") if isinstance(statement, Mapping) else None
    return f"statement {sid!r}" if sid else f"statement number {number}"


def _aws_principals(document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for number, statement in enumerate(statements(document), 1):
        for element in ("Principal", "NotPrincipal"):
            principal = statement.get(element) if isinstance(statement, Mapping) else None
            named = principal.get("AWS", []) if isinstance(principal, Mapping) else []
            for item in as_list(named):
                yield where(statement, number), str(item)
