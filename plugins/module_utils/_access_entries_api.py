# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Access entries read and written, and what else of AWS their guards ask for."""

from __future__ import annotations

import functools
import threading
from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any

from ansible_collections.ekspress.eks.plugins.module_utils import _arn
from ansible_collections.ekspress.eks.plugins.module_utils._access_entries_model import (
    CLUSTER_ADMIN,
    Entry,
    from_answer,
    policy_arn,
)
from ansible_collections.ekspress.eks.plugins.module_utils._access_entries_plan import Plan, Write
from ansible_collections.ekspress.eks.plugins.module_utils._aws import Aws, error_code, unless_missing
from ansible_collections.ekspress.eks.plugins.module_utils._aws_errors import DENIED
from ansible_collections.ekspress.eks.plugins.module_utils._cluster import Cluster
from ansible_collections.ekspress.eks.plugins.module_utils._context import Context
from ansible_collections.ekspress.eks.plugins.module_utils._errors import EksError
from ansible_collections.ekspress.eks.plugins.module_utils._parallel import gather, together
from ansible_collections.ekspress.eks.plugins.module_utils._trust_policy_write import PAUSES

MISSING, EXISTS, INVALID = "ResourceNotFoundException", "ResourceInUseException", "InvalidParameterException"
NO_PRINCIPAL = "NoSuchEntity"
_PROFILE = ("fargateProfile", "fargateProfileName")
GONE_IS_DONE = frozenset({"delete_access_entry", "disassociate_access_policy"})

ADVICE = {
    "ResourceLimitExceededException": "Remove entries that nobody needs, or ask for a higher quota in Service Quotas.",
    MISSING: "The entry was removed by another while this run changed it; run again.",
}


class Eks:
    """The access entries of one cluster, and the facts about them; each is read once."""

    def __init__(self, aws: Aws, context: Context, cluster: Cluster) -> None:
        self._aws = aws
        self._context = context
        self.cluster = cluster
        self._eks: Any = aws.client("eks")

    def principals(self, policy: str | None = None) -> list[str]:
        """The principals that have an entry, or one with this access policy."""
        only = {"associatedPolicyArn": policy} if policy else {}
        name = self.cluster.name
        return self._aws.pages(self._eks, "list_access_entries", "accessEntries", clusterName=name, **only)

    def entry(self, principal: str, *, policies: bool) -> Entry | None:
        """The entry of a principal, None where there is none; with its access policies, if they are asked for."""
        call = {"clusterName": self.cluster.name, "principalArn": principal}
        answer = unless_missing(lambda: self._aws.call(self._eks, "describe_access_entry", **call), MISSING)
        if answer is None:
            return None
        return from_answer(answer["accessEntry"], self._policies(principal) if policies else None)

    def _policies(self, principal: str) -> list[dict[str, Any]]:
        call = {"clusterName": self.cluster.name, "principalArn": principal}
        return self._aws.pages(self._eks, "list_associated_access_policies", "associatedAccessPolicies", **call)

    @functools.cached_property
    def policy_arns(self) -> frozenset[str]:
        """The access policies that EKS has."""
        return frozenset(item["arn"] for item in self._aws.pages(self._eks, "list_access_policies", "accessPolicies"))

    @functools.cached_property
    def caller(self) -> str:
        """The ARN of whom the run acts as."""
        return str(self._aws.call(self._aws.client("sts"), "get_caller_identity")["Arn"])

    @functools.cached_property
    def node_roles(self) -> dict[str, str]:
        """The roles of managed node groups and Fargate profiles, and the type of entry that each needs."""
        call = {"clusterName": self.cluster.name}
        groups, profiles = together(
            self._context,
            lambda: self._aws.pages(self._eks, "list_nodegroups", "nodegroups", **call),
            lambda: self._aws.pages(self._eks, "list_fargate_profiles", "fargateProfileNames", **call),
        )

        def role_of(item: tuple[str, str]) -> tuple[str, str]:
            operation, name = item
            key, named = ("nodegroup", "nodegroupName") if operation == "describe_nodegroup" else _PROFILE
            # One that was deleted since the listing needs nothing.
            answer = unless_missing(lambda: self._aws.call(self._eks, operation, **{named: name}, **call), MISSING)
            found = (answer or {}).get(key, {})
            if key == "nodegroup":
                windows = str(found.get("amiType") or "").upper().startswith("WINDOWS")
                return str(found.get("nodeRole") or ""), "EC2_WINDOWS" if windows else "EC2_LINUX"
            return str(found.get("podExecutionRoleArn") or ""), "FARGATE_LINUX"

        items = [("describe_fargate_profile", name) for name in profiles]
        items += [("describe_nodegroup", name) for name in groups]
        return {arn: kind for arn, kind in gather(self._context, role_of, items) if arn}

    def admins(self, plans: Iterable[Plan], principals: Principals, known: Collection[str]) -> frozenset[str]:
        """Who has all rights in the cluster by an entry once the plans are carried out.

        Entries of principals that are gone do not count. ``known`` are the principals that have an entry now.
        """
        planned = {plan.principal: plan for plan in plans}
        found = {arn for arn, plan in planned.items() if plan.after is not None and plan.after.admin}
        if known:
            listed = self.principals(policy_arn(self.cluster.partition, CLUSTER_ADMIN))
            unread = [arn for arn in listed if arn not in planned or _policies_unread(planned[arn])]

            def admin(arn: str) -> bool:
                entry = self.entry(arn, policies=True)
                return entry is not None and entry.admin and not principals.dead(entry)

            found |= {arn for arn, yes in zip(unread, gather(self._context, admin, unread), strict=True) if yes}
        return frozenset(found)

    def make(self, principal: str, write: Write) -> bool:
        """Make a call of a plan; False where there was nothing left to do. Raises EksError."""
        call = dict(write.arguments)
        if write.operation != "tag_resource":
            call |= {"clusterName": self.cluster.name, "principalArn": principal}
        for pause in (*PAUSES, None):
            try:
                self._aws.call(self._eks, write.operation, **call)
                return True
            except EksError as error:
                if write.operation in GONE_IS_DONE and error_code(error) == MISSING:
                    return False
                if pause is None or not _too_early(error, write.operation):
                    advice = ADVICE.get(error_code(error), "")
                    raise EksError(
                        f"{error.message.rstrip('.')}. {advice}".strip(), **error.details
                    ) from error.__cause__
                self._context.cancelled.wait(pause)
        raise AssertionError("the last attempt returns or raises")


def _policies_unread(plan: Plan) -> bool:
    """Whether an entry stays, and its plan knows nothing of its access policies."""
    return plan.after is not None and plan.after.policies is None


def _too_early(error: EksError, operation: str) -> bool:
    """Whether a call may have failed because AWS does not see everywhere yet what was just made.

    https://docs.aws.amazon.com/eks/latest/userguide/creating-access-entries.html ("eventually consistent")
    """
    text = str(error.details.get("error", {}).get("message", "")).lower()
    if operation == "create_access_entry":
        return error_code(error) == INVALID and "invalid principal" in text
    return error_code(error) == MISSING and "principalarn" in text and operation == "associate_access_policy"


class Principals:
    """IAM's roles and users behind the entries, as far as they may be read. May be shared between threads."""

    def __init__(self, aws: Aws, context: Context, account: str) -> None:
        self._aws = aws
        self._context = context
        self._account = account
        self._known: dict[str, tuple[str, datetime | None] | None] = {}
        self._reading = threading.Lock()
        self._denied = False

    def find(self, principal: str) -> tuple[str, datetime | None] | None:
        """The ARN and the time of creation of the role or user of that name, None where there is none.

        As it was given, without a time, where IAM cannot be asked: it is of another account, or the permission lacks.
        """
        with self._reading:
            if principal in self._known:
                return self._known[principal]
        found = self._find(principal)
        with self._reading:
            self._known[principal] = found
        return found

    def _find(self, principal: str) -> tuple[str, datetime | None] | None:
        arn = _arn.parse(principal)
        if arn.account != self._account or self._denied:
            return principal, None
        role = arn.resource_type == "role"
        operation, key = ("get_role", "Role") if role else ("get_user", "User")
        for pause in (*PAUSES[:3], None):
            try:
                answer = self._aws.call(self._aws.client("iam"), operation, **{f"{key}Name": arn.name})
                return str(answer[key]["Arn"]), answer[key].get("CreateDate")
            except EksError as error:
                if error_code(error) in DENIED:
                    self._give_up(error)
                    return principal, None
                if error_code(error) != NO_PRINCIPAL:
                    raise
            if pause is None or self._context.check_mode:
                return None
            self._context.cancelled.wait(pause)
        return None

    def _give_up(self, error: EksError) -> None:
        with self._reading:
            first, self._denied = not self._denied, True
        if first:
            self._context.warn(
                "Whether the principals of the access entries exist, and are those that the entries were made for, was "
                f"not checked: {error.message}"
            )

    def dead(self, entry: Entry) -> bool:
        """Whether the entry's principal is gone, or is another one than the entry was made for.

        EKS binds an entry to the unique id of its principal and does not show it; a principal that was created after
        the entry is another one. https://docs.aws.amazon.com/eks/latest/APIReference/API_AccessEntry.html
        """
        found = self.find(entry.principal)
        if found is None or found[0] != entry.principal:
            return True
        return bool(found[1] and entry.created and found[1] > entry.created)
