# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Merges the service accounts of one cluster into a role's trust policy, leaving every foreign statement as it is.

A statement is ours to change where it has exactly the shape that IRSA needs: it allows nothing but
sts:AssumeRoleWithWebIdentity, to the issuer's provider alone, under no condition but the issuer's audience and
subjects. Anything else, such as a further condition, makes it foreign.
https://docs.aws.amazon.com/eks/latest/userguide/associate-service-account-role.html
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.ekspress.eks.plugins.module_utils import _arn
from ansible_collections.ekspress.eks.plugins.module_utils._policy import as_list, size, statements

ACTION = "sts:AssumeRoleWithWebIdentity"
AUDIENCE = "sts.amazonaws.com"
"""The audience of EKS's tokens, in every partition.
https://docs.aws.amazon.com/eks/latest/userguide/iam-roles-for-service-accounts.html"""

EXACT, PATTERN = "StringEquals", "StringLike"
VERSION = "2012-10-17"


@dataclass(frozen=True)
class Issuer:
    """An OIDC issuer as IAM knows it: the provider's ARN and both condition keys follow from the one URL."""

    host_path: str
    provider_arn: str

    @classmethod
    def of(cls, url: str, partition: str, account: str) -> Issuer:
        """The issuer of a URL, its provider being in ``account``. Raises EksError for what is no issuer's URL."""
        return cls(url.removeprefix("https://"), _arn.oidc_provider(partition, account, url))

    @property
    def audience_key(self) -> str:
        return f"{self.host_path}:aud"

    @property
    def subject_key(self) -> str:
        return f"{self.host_path}:sub"


@dataclass(frozen=True)
class TrustPlan:
    """What a trust policy becomes. ``after`` is None where no statement would be left."""

    before: dict[str, Any] | None
    after: dict[str, Any] | None
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    unlisted: tuple[str, ...] = ()
    """Subjects of this issuer that are trusted, were not asked for and stay."""

    @property
    def changed(self) -> bool:
        return bool(self.added or self.removed)


@dataclass
class _Ours:
    """A statement that is ours to change, and where it keeps its subjects."""

    statement: dict[str, Any]
    operator: str
    key: str

    @property
    def subjects(self) -> list[str]:
        """The subjects as written; under StringEquals one with a wildcard matches nothing but itself."""
        return [str(item) for item in as_list(self.statement["Condition"][self.operator][self.key])]

    def trusts(self) -> set[str]:
        """The subjects that the statement lets in."""
        return {item for item in self.subjects if self.operator == PATTERN or not is_pattern(item)}

    def put(self, subjects: list[str]) -> None:
        self.statement["Condition"][self.operator][self.key] = subjects[0] if len(subjects) == 1 else subjects


def subject(service_account: str) -> str:
    """The subject of a token of ``NAMESPACE:NAME``."""
    return f"system:serviceaccount:{service_account}"


def is_pattern(value: str) -> bool:
    """Whether a subject has wildcards, which only StringLike understands."""
    return "*" in value or "?" in value


def merge(document: Mapping[str, Any] | None, issuer: Issuer, subjects: Iterable[str], *, purge: bool) -> TrustPlan:
    """Let ``subjects`` of ``issuer`` in; with ``purge`` no other subject of that issuer stays in statements of ours."""
    wanted = set(subjects)
    before, after, ours = _opened(document, issuer)
    trusted: set[str] = set().union(*(found.trusts() for found in ours))
    missing = sorted(wanted - trusted)
    excess = sorted(trusted - wanted)
    if purge:
        _remove(after, ours, set(excess))
        left = {id(statement) for statement in after["Statement"]}
        ours = [found for found in ours if id(found.statement) in left]
    for operator, some in (
        (EXACT, [item for item in missing if not is_pattern(item)]),
        (PATTERN, [item for item in missing if is_pattern(item)]),
    ):
        _add(after, ours, issuer, operator, some)
    changed = bool(missing or (purge and excess))
    return TrustPlan(
        before=before,
        after=_closed(after) if changed else before,
        added=tuple(missing),
        removed=tuple(excess) if purge else (),
        unlisted=() if purge else tuple(excess),
    )


def without(document: Mapping[str, Any] | None, issuer: Issuer) -> TrustPlan:
    """Take every statement of ours for ``issuer`` out."""
    before, after, ours = _opened(document, issuer)
    gone = {id(found.statement) for found in ours}
    after["Statement"] = [statement for statement in after["Statement"] if id(statement) not in gone]
    removed = sorted({item for found in ours for item in found.subjects})
    return TrustPlan(before=before, after=_closed(after) if ours else before, removed=tuple(removed))


def too_long(plan: TrustPlan, limit: int) -> str:
    """Why the new document is over the quota and what to do, or '' where it is not."""
    if not plan.changed or plan.after is None or size(plan.after) <= limit:
        return ""
    now = size(plan.before) if plan.before else 0
    if size(plan.after) <= now:
        return ""
    return (
        f"the trust policy would have {size(plan.after)} characters (white space not counted), now {now}, "
        f"and the quota is {limit}. Take a role of its own for some of the service accounts, use EKS Pod Identity "
        "(its trust policy does not grow), or have the quota of the account raised and set max_trust_policy_length."
    )


def _opened(
    document: Mapping[str, Any] | None, issuer: Issuer
) -> tuple[dict[str, Any] | None, dict[str, Any], list[_Ours]]:
    before = copy.deepcopy(dict(document)) if document else None
    after: dict[str, Any] = copy.deepcopy(before) if before else {"Version": VERSION}
    after["Statement"] = statements(after) if after.get("Statement") else []
    ours = [found for statement in after["Statement"] if (found := _ours(statement, issuer))]
    return before, after, ours


def _closed(document: dict[str, Any]) -> dict[str, Any] | None:
    return document if document["Statement"] else None


def _ours(statement: Any, issuer: Issuer) -> _Ours | None:
    if not isinstance(statement, dict) or set(statement) - {"Sid"} != {"Effect", "Principal", "Action", "Condition"}:
        return None
    principal, condition = statement["Principal"], statement["Condition"]
    if (
        statement["Effect"] != "Allow"
        or [str(action).lower() for action in as_list(statement["Action"])] != [ACTION.lower()]
        or not isinstance(principal, dict)
        or set(principal) != {"Federated"}
        or as_list(principal["Federated"]) != [issuer.provider_arn]
    ):
        return None
    places = _places(condition)
    audience = places.get(issuer.audience_key.lower(), [])
    subjects = places.get(issuer.subject_key.lower(), [])
    if sum(map(len, places.values())) != 2 or len(audience) != 1 or len(subjects) != 1:
        return None
    operator, key = audience[0]
    return _Ours(statement, *subjects[0]) if as_list(condition[operator][key]) == [AUDIENCE] else None


def _places(condition: Any) -> dict[str, list[tuple[str, str]]]:
    """Where each key (in small letters, for case does not count) is: operator and key as written.

    Empty for a condition with any other operator than those of our statements.
    """
    found: dict[str, list[tuple[str, str]]] = {}
    if not isinstance(condition, dict) or set(condition) - {EXACT, PATTERN}:
        return found
    for operator, keys in condition.items():
        for key in keys if isinstance(keys, dict) else ():
            found.setdefault(key.lower(), []).append((operator, key))
    return found


def _remove(document: dict[str, Any], ours: list[_Ours], subjects: set[str]) -> None:
    for found in ours:
        left = [item for item in found.subjects if item not in subjects]
        if len(left) == len(found.subjects):
            continue
        if left:
            found.put(left)
        else:
            document["Statement"] = [item for item in document["Statement"] if item is not found.statement]


def _add(document: dict[str, Any], ours: list[_Ours], issuer: Issuer, operator: str, subjects: list[str]) -> None:
    if not subjects:
        return
    for found in ours:
        if found.operator == operator:
            found.put([*found.subjects, *subjects])
            return
    value = subjects[0] if len(subjects) == 1 else subjects
    if operator == EXACT:
        condition = {EXACT: {issuer.audience_key: AUDIENCE, issuer.subject_key: value}}
    else:
        condition = {EXACT: {issuer.audience_key: AUDIENCE}, PATTERN: {issuer.subject_key: value}}
    document["Statement"].append(
        {
            "Effect": "Allow",
            "Principal": {"Federated": issuer.provider_arn},
            "Action": ACTION,
            "Condition": condition,
        }
    )
