# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Merges service accounts of EKS clusters into a role's trust policy, leaving every foreign statement as it is.

A statement is ours to change where it has exactly the shape that IRSA needs: it allows nothing but
sts:AssumeRoleWithWebIdentity, to one issuer's provider alone, under no condition but the issuer's audience and
subjects. Anything else, such as a further condition, makes it foreign.
https://docs.aws.amazon.com/eks/latest/userguide/associate-service-account-role.html
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from ansible_collections.ekspress.eks.plugins.module_utils import _arn
from ansible_collections.ekspress.eks.plugins.module_utils._policy import as_list, statements

ACTION = "sts:AssumeRoleWithWebIdentity"
AUDIENCE = "sts.amazonaws.com"
"""The audience of EKS's tokens, in every partition.
https://docs.aws.amazon.com/eks/latest/userguide/iam-roles-for-service-accounts.html"""

EXACT, PATTERN = "StringEquals", "StringLike"
VERSION = "2012-10-17"
SERVICE_ACCOUNT = "system:serviceaccount:"


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
    def url(self) -> str:
        return f"https://{self.host_path}"

    @property
    def audience_key(self) -> str:
        return f"{self.host_path}:aud"

    @property
    def subject_key(self) -> str:
        return f"{self.host_path}:sub"


class Trusted(NamedTuple):
    """One subject of one issuer."""

    issuer: str
    """Its URL."""
    subject: str

    @property
    def service_account(self) -> str:
        """``NAMESPACE:NAME``; the subject as it is written where it is no service account's."""
        return self.subject.removeprefix(SERVICE_ACCOUNT)


@dataclass(frozen=True)
class TrustPlan:
    """What a trust policy becomes. ``after`` is None where no statement would be left, which IAM does not take."""

    before: dict[str, Any] | None
    after: dict[str, Any] | None
    added: tuple[Trusted, ...] = ()
    removed: tuple[Trusted, ...] = ()
    unlisted: tuple[Trusted, ...] = ()
    """Subjects of these issuers that statements of ours let in, that were not asked for and stay."""
    pruned: tuple[str, ...] = ()
    """ARNs of the providers whose statements are taken out because the providers are gone."""

    @property
    def changed(self) -> bool:
        return _listed(self.before) != _listed(self.after)


@dataclass
class _Ours:
    """A statement that is ours to change, and where it keeps its subjects."""

    statement: dict[str, Any]
    operator: str
    key: str

    @property
    def subjects(self) -> list[str]:
        """The subjects as they are written."""
        return [str(item) for item in as_list(self.statement["Condition"][self.operator][self.key])]

    def lets_in(self, item: str) -> bool:
        """Whether a subject of the statement has an effect: under StringEquals, one with wildcards has none."""
        return self.operator == PATTERN or not is_pattern(item)

    def put(self, subjects: list[str]) -> None:
        self.statement["Condition"][self.operator][self.key] = subjects[0] if len(subjects) == 1 else subjects


def subject(service_account: str) -> str:
    """The subject of a token of ``NAMESPACE:NAME``."""
    return f"{SERVICE_ACCOUNT}{service_account}"


def is_pattern(value: str) -> bool:
    """Whether a subject has wildcards, which only StringLike understands."""
    return "*" in value or "?" in value


def merge(
    document: Mapping[str, Any] | None,
    issuers: Iterable[Issuer],
    subjects: Iterable[str],
    *,
    purge: bool = False,
    prune: Collection[str] = (),
) -> TrustPlan:
    """Let every one of ``subjects`` of every one of ``issuers`` in.

    With ``purge`` no other subject of these issuers stays in statements of ours. ``prune`` are the ARNs of OIDC
    providers that are gone: statements of which every principal is one of them are taken out.
    """
    edit = _Edit(document)
    for issuer in _sorted(issuers):
        edit.let_in(issuer, set(subjects), purge=purge)
    edit.prune(prune)
    return edit.plan()


def without(
    document: Mapping[str, Any] | None,
    issuers: Iterable[Issuer],
    subjects: Iterable[str] | None = None,
    *,
    prune: Collection[str] = (),
) -> TrustPlan:
    """Take ``subjects`` of ``issuers`` out of statements of ours; where None is given, all of them.

    A subject is taken out as it is written: one that a pattern lets in too is not kept out by it.
    """
    edit = _Edit(document)
    unwanted = None if subjects is None else set(subjects)
    for issuer in _sorted(issuers):
        edit.take_out(issuer, unwanted)
    edit.prune(prune)
    return edit.plan()


class _Edit:
    """A copy of a document, changed statement by statement."""

    def __init__(self, document: Mapping[str, Any] | None) -> None:
        self._before = copy.deepcopy(dict(document)) if document else None
        self._after: dict[str, Any] = copy.deepcopy(self._before) if self._before else {"Version": VERSION}
        self._after["Statement"] = _listed(self._after)
        self._added: list[Trusted] = []
        self._removed: list[Trusted] = []
        self._unlisted: list[Trusted] = []
        self._pruned: set[str] = set()

    def let_in(self, issuer: Issuer, wanted: set[str], *, purge: bool) -> None:
        ours = self._ours(issuer)
        trusted = {item for found in ours for item in found.subjects if found.lets_in(item)}
        missing = sorted(wanted - trusted)
        if purge:
            # One without effect goes too: it would look as if it were trusted.
            gone = self._remove(ours, lambda found, item: item not in wanted or not found.lets_in(item))
            self._removed += [Trusted(issuer.url, item) for item in sorted(gone - wanted)]
            ours = self._ours(issuer)
        else:
            self._unlisted += [Trusted(issuer.url, item) for item in sorted(trusted - wanted)]
        self._add(ours, issuer, EXACT, [item for item in missing if not is_pattern(item)])
        self._add(ours, issuer, PATTERN, [item for item in missing if is_pattern(item)])
        self._added += [Trusted(issuer.url, item) for item in missing]

    def take_out(self, issuer: Issuer, unwanted: set[str] | None) -> None:
        ours = self._ours(issuer)
        gone = self._remove(ours, lambda _found, item: unwanted is None or item in unwanted)
        self._removed += [Trusted(issuer.url, item) for item in sorted(gone)]
        left = {item for found in self._ours(issuer) for item in found.subjects}
        self._unlisted += [Trusted(issuer.url, item) for item in sorted(left)]

    def prune(self, gone: Collection[str]) -> None:
        kept = []
        for statement in self._after["Statement"]:
            providers = federated_only(statement)
            if providers and set(providers) <= set(gone):
                self._pruned |= set(providers)
            else:
                kept.append(statement)
        self._after["Statement"] = kept

    def plan(self) -> TrustPlan:
        if _listed(self._before) == self._after["Statement"]:
            after = self._before
        else:
            after = self._after if self._after["Statement"] else None
        return TrustPlan(
            before=self._before,
            after=after,
            added=tuple(self._added),
            removed=tuple(self._removed),
            unlisted=tuple(self._unlisted),
            pruned=tuple(sorted(self._pruned)),
        )

    def _ours(self, issuer: Issuer) -> list[_Ours]:
        return [found for statement in self._after["Statement"] if (found := _ours(statement, issuer))]

    def _remove(self, ours: list[_Ours], unwanted: Callable[[_Ours, str], bool]) -> set[str]:
        """Take subjects out of statements, and statements without subjects out of the document; give what went."""
        gone: set[str] = set()
        for found in ours:
            left = [item for item in found.subjects if not unwanted(found, item)]
            gone |= {item for item in found.subjects if unwanted(found, item)}
            if not left:
                self._after["Statement"] = [item for item in self._after["Statement"] if item is not found.statement]
            elif len(left) < len(found.subjects):
                found.put(left)
        return gone

    def _add(self, ours: list[_Ours], issuer: Issuer, operator: str, subjects: list[str]) -> None:
        if not subjects:
            return
        for found in ours:
            if found.operator == operator:
                found.put([*found.subjects, *subjects])
                return
        self._after["Statement"].append(_statement(issuer, operator, subjects))


def federated_only(statement: Any) -> list[str]:
    """The federated principals of a statement that has no others; empty for any other statement."""
    principal = statement.get("Principal") if isinstance(statement, dict) else None
    if not isinstance(principal, dict) or set(principal) != {"Federated"} or "NotPrincipal" in statement:
        return []
    return [str(item) for item in as_list(principal["Federated"])]


def _listed(document: Mapping[str, Any] | None) -> list[Any]:
    return statements(document) if document and document.get("Statement") else []


def _sorted(issuers: Iterable[Issuer]) -> list[Issuer]:
    """Each issuer once, in an order that does not depend on how they were given."""
    return sorted(set(issuers), key=lambda issuer: issuer.provider_arn)


def _statement(issuer: Issuer, operator: str, subjects: list[str]) -> dict[str, Any]:
    condition: dict[str, dict[str, Any]] = {EXACT: {issuer.audience_key: AUDIENCE}}
    condition.setdefault(operator, {})[issuer.subject_key] = subjects[0] if len(subjects) == 1 else subjects
    return {
        "Effect": "Allow",
        "Principal": {"Federated": issuer.provider_arn},
        "Action": ACTION,
        "Condition": condition,
    }


def _ours(statement: Any, issuer: Issuer) -> _Ours | None:
    if not isinstance(statement, dict) or set(statement) - {"Sid"} != {"Effect", "Principal", "Action", "Condition"}:
        return None
    if (
        statement["Effect"] != "Allow"
        or [str(action).lower() for action in as_list(statement["Action"])] != [ACTION.lower()]
        or federated_only(statement) != [issuer.provider_arn]
    ):
        return None
    condition = statement["Condition"]
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
