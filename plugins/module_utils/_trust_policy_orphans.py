# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Statements of trust policies that only name OIDC providers of EKS clusters which IAM no longer has.

They let nobody in and count against the quota. Statements of another issuer, such as a CI system's, and those with any
other principal, are none of this collection's business and never found here.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.ekspress.eks.plugins.module_utils import _arn
from ansible_collections.ekspress.eks.plugins.module_utils._aws import Aws, error_code, unless_missing
from ansible_collections.ekspress.eks.plugins.module_utils._aws_errors import DENIED
from ansible_collections.ekspress.eks.plugins.module_utils._context import Context
from ansible_collections.ekspress.eks.plugins.module_utils._errors import EksError
from ansible_collections.ekspress.eks.plugins.module_utils._parallel import gather
from ansible_collections.ekspress.eks.plugins.module_utils._policy import statements
from ansible_collections.ekspress.eks.plugins.module_utils._trust_policy_plan import federated_only

# The suffixes of the partitions, as botocore's partitions.json has them.
_SUFFIX = r"(amazonaws\.com(\.cn)?|amazonaws\.eu|c2s\.ic\.gov|sc2s\.sgov\.gov|cloud\.adc-e\.uk|csp\.hci\.ic\.gov)"
_DUAL_STACK = (
    r"(api\.aws|api\.amazonwebservices\.(com\.cn|eu)|api\.aws\.ic\.gov|api\.aws\.scloud|api\.cloud-aws\.adc-e\.uk"
    r"|api\.aws\.hci\.ic\.gov)"
)
EKS_ISSUER = re.compile(rf"(oidc\.eks\.[a-z0-9-]+\.{_SUFFIX}|oidc-eks\.[a-z0-9-]+\.{_DUAL_STACK})/id/[A-Za-z0-9]+")
"""https://docs.aws.amazon.com/eks/latest/userguide/network-reqs.html and, for the second form,
https://docs.aws.amazon.com/eks/latest/userguide/cluster-endpoint.html"""


@dataclass(frozen=True)
class Orphan:
    """An OIDC provider that IAM does not list, and the statements that nobody but such providers is named in."""

    provider_arn: str
    sids: tuple[str, ...]
    """The Sids of those statements that have one."""
    statements: tuple[int, ...]
    """Their positions in the trust policy, counted from 1."""

    def shown(self) -> dict[str, Any]:
        """As results have it."""
        return {"provider_arn": self.provider_arn, "sids": list(self.sids), "statements": list(self.statements)}


class Orphans:
    """Finds orphans in trust policies of one account's roles; lists IAM's providers at most once.

    ``known`` are ARNs of providers that are not looked at: those of the issuers that the task is about. May be used by
    several threads.
    """

    def __init__(self, aws: Aws, context: Context, known: frozenset[str]) -> None:
        self._aws = aws
        self._context = context
        self._known = known
        self._listing = threading.Lock()
        self._listed: frozenset[str] | None = None
        self._denied = False

    def find(self, document: Mapping[str, Any], role_arn: str) -> tuple[Orphan, ...]:
        """The orphans of a role's trust policy. Calls IAM only where it has statements of EKS issuers not ``known``.

        Where listing is denied, none, and a warning.
        """
        some = candidates(document, role_arn, self._known)
        if not some:
            return ()
        listed = self._providers()
        return () if listed is None else orphans(some, listed)

    def confirmed(self, found: tuple[Orphan, ...], document: Mapping[str, Any]) -> frozenset[str]:
        """The ARNs of those of ``found`` that ``document`` still names and that IAM really does not have.

        One call of iam:GetOpenIDConnectProvider for each, for a list may be older than a provider. To be called right
        before each write; the outcome is the ``prune`` of the merge.
        """
        named = {arn for statement in statements(document) for arn in federated_only(statement)} if document else set()
        arns = [orphan.provider_arn for orphan in found if orphan.provider_arn in named]
        gone = gather(self._context, self._gone, arns)
        return frozenset(arn for arn, is_gone in zip(arns, gone, strict=True) if is_gone)

    def _gone(self, arn: str) -> bool:
        iam = self._aws.client("iam")
        return (
            unless_missing(
                lambda: self._aws.call(iam, "get_open_id_connect_provider", OpenIDConnectProviderArn=arn),
                "NoSuchEntity",
            )
            is None
        )

    def _providers(self) -> frozenset[str] | None:
        with self._listing:
            if self._listed is None and not self._denied:
                try:
                    answer = self._aws.call(self._aws.client("iam"), "list_open_id_connect_providers")
                except EksError as error:
                    if error_code(error) not in DENIED:
                        raise
                    self._denied = True
                    self._context.warn(
                        f"{error.message} So it is unknown which statements of trust policies are of clusters that are "
                        "gone; none was reported or removed."
                    )
                else:
                    self._listed = frozenset(item["Arn"] for item in answer["OpenIDConnectProviderList"])
            return self._listed


def is_eks(provider_arn: str, role_arn: str) -> bool:
    """Whether the ARN is that of an EKS cluster's OIDC provider in the role's account and partition."""
    try:
        provider, role = _arn.parse_iam(provider_arn, "oidc-provider"), _arn.parse(role_arn)
    except EksError:
        return False
    return (provider.partition, provider.account) == (role.partition, role.account) and bool(
        EKS_ISSUER.fullmatch(provider.resource_id)
    )


def candidates(
    document: Mapping[str, Any], role_arn: str, known: frozenset[str]
) -> list[tuple[int, str, frozenset[str]]]:
    """Position, Sid and providers of the statements of which every principal is an EKS cluster's provider.

    Not those that name one of ``known``.
    """
    found = []
    for number, statement in enumerate(statements(document) if document else [], 1):
        providers = frozenset(federated_only(statement))
        if providers and not providers & known and all(is_eks(arn, role_arn) for arn in providers):
            found.append((number, str(statement.get("Sid") or ""), providers))
    return found


def orphans(some: list[tuple[int, str, frozenset[str]]], listed: frozenset[str]) -> tuple[Orphan, ...]:
    """The orphans among candidates, given the providers that IAM lists."""
    dead = [each for each in some if not each[2] & listed]
    return tuple(
        Orphan(
            provider_arn=arn,
            sids=tuple(sid for _number, sid, providers in dead if arn in providers and sid),
            statements=tuple(number for number, _sid, providers in dead if arn in providers),
        )
        for arn in sorted({arn for each in dead for arn in each[2]})
    )
