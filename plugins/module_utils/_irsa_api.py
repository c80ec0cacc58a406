# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""IAM roles read and written: few reads a role, and writes that outwait IAM's eventual consistency."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from ansible_collections.ekspress.eks.plugins.module_utils import _policy
from ansible_collections.ekspress.eks.plugins.module_utils._aws import Aws, error_code, unless_missing
from ansible_collections.ekspress.eks.plugins.module_utils._context import Context
from ansible_collections.ekspress.eks.plugins.module_utils._errors import EksError
from ansible_collections.ekspress.eks.plugins.module_utils._irsa_input import Wanted
from ansible_collections.ekspress.eks.plugins.module_utils._irsa_roles_plan import Plan
from ansible_collections.ekspress.eks.plugins.module_utils._irsa_writes import DEFAULT_SESSION, Current, Write
from ansible_collections.ekspress.eks.plugins.module_utils._trust_policy_plan import TrustPlan
from ansible_collections.ekspress.eks.plugins.module_utils._trust_policy_write import PAUSES, write_trust

MISSING = "NoSuchEntity"
EXISTS = "EntityAlreadyExists"
MALFORMED = "MalformedPolicyDocument"

GONE_IS_DONE = frozenset(
    {"delete_role", "delete_role_policy", "detach_role_policy", "remove_role_from_instance_profile", "untag_role"}
)

ADVICE = {
    MALFORMED: "If it names a principal: create the cluster's OIDC provider first (ekspress.eks.oidc_provider), and "
    "take principals that no longer exist out of the other statements of the role's trust policy, else IAM refuses "
    "every change of it.",
    "LimitExceeded": "Ask for a higher quota in Service Quotas, or use fewer or smaller policies on this role.",
    EXISTS: "A role whose name differs in case only, or that these credentials may not read, has the name already.",
    "DeleteConflict": "Something was added to the role meanwhile; run again.",
    MISSING: "Check the ARN; a policy of the role's account must be created before the role is given it.",
    "UnmodifiableEntity": "The role belongs to an AWS service; use another name.",
}


REMOVED = "The role was removed by another while this run changed it; the next run makes it anew."


def read(aws: Aws, wanted: Wanted) -> Current | None:
    """The role, or None where there is none: one call, and those for the policies that the task is about."""
    try:
        return _read(aws, wanted)
    except EksError as error:
        if error_code(error) == MISSING:
            return None
        raise


def _read(aws: Aws, wanted: Wanted) -> Current:
    iam = aws.client("iam")
    role = aws.call(iam, "get_role", RoleName=wanted.name)["Role"]
    if wanted.state == "absent":
        names = aws.pages(iam, "list_role_policies", "PolicyNames", RoleName=wanted.name)
        policies: dict[str, Any] = dict.fromkeys(names)
        profiles = aws.pages(iam, "list_instance_profiles_for_role", "InstanceProfiles", RoleName=wanted.name)
    else:
        policies = _documents(aws, wanted.name, wanted.policies or {})
        profiles = []
    attached: list[dict[str, str]] = []
    if wanted.state == "absent" or wanted.managed_policy_arns is not None:
        attached = aws.pages(iam, "list_attached_role_policies", "AttachedPolicies", RoleName=wanted.name)
    return Current(
        name=role["RoleName"],
        arn=role["Arn"],
        path=role["Path"],
        trust_policy=role.get("AssumeRolePolicyDocument") or {},
        tags={tag["Key"]: tag["Value"] for tag in role.get("Tags", [])},
        permissions_boundary=role.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn", ""),
        max_session_duration=role.get("MaxSessionDuration", DEFAULT_SESSION),
        description=role.get("Description", ""),
        policies=policies,
        attached=frozenset(policy["PolicyArn"] for policy in attached),
        instance_profiles=tuple(profile["InstanceProfileName"] for profile in profiles),
    )


def with_sizes(aws: Aws, role: Current) -> Current:
    """The role with the sizes of the inline policies that were not read, for the quota is one for all of them.

    As it was given where it has gone meanwhile: the write that follows says so.
    """
    try:
        names = aws.pages(aws.client("iam"), "list_role_policies", "PolicyNames", RoleName=role.name)
    except EksError as error:
        if error_code(error) == MISSING:
            return role
        raise
    others = _documents(aws, role.name, [name for name in names if name not in role.policies])
    return replace(role, other_policies={name: _policy.size(document) for name, document in others.items()})


def _documents(aws: Aws, role: str, names: Iterable[str]) -> dict[str, Any]:
    iam = aws.client("iam")
    documents = {}
    for name in names:

        def call(name: str = name) -> dict[str, Any]:
            return aws.call(iam, "get_role_policy", RoleName=role, PolicyName=name)

        answer = unless_missing(call, MISSING)
        if answer is not None:
            documents[name] = answer["PolicyDocument"]
    return documents


class Writer:
    """Carries out the plan of one role and keeps account of what was done.

    ``look`` reads the role anew, ``replan`` and ``merged`` plan it, and its trust policy, from what IAM has meanwhile.
    ``settle`` is for how many seconds a trust policy that was written is watched.
    """

    def __init__(
        self,
        aws: Aws,
        context: Context,
        wanted: Wanted,
        *,
        look: Callable[[], Current | None],
        replan: Callable[[Current | None], Plan],
        merged: Callable[[Mapping[str, Any]], TrustPlan],
        settle: float,
    ) -> None:
        self._aws = aws
        self._context = context
        self._wanted = wanted
        self._look = look
        self._replan = replan
        self._merged = merged
        self._settle = settle
        self.changes: list[str] = []
        self.error: EksError | None = None

    def write(self, plan: Plan) -> Plan:
        """Make the plan's calls, in order. Returns the plan that was carried out in the end.

        A failure ends this role and is kept in ``error``, so that other roles go on.
        """
        try:
            if plan.state == "removed":
                plan = self._removal(plan)
            try:
                self._make(plan)
            except EksError as error:
                if error_code(error) != EXISTS:
                    raise
                plan = self._existing(error)
                self._make(plan)
        except EksError as error:
            self.error = error
        return plan

    def _make(self, plan: Plan) -> None:
        for write in plan.writes:
            done = self._trust(plan) if write.operation == "update_assume_role_policy" else self._call(write)
            if done:
                self.changes.append(write.change)

    def _removal(self, plan: Plan) -> Plan:
        """The plan of a removal, made anew where others have come into the trust policy since the first read."""
        iam = self._aws.client("iam")
        answer = unless_missing(lambda: self._aws.call(iam, "get_role", RoleName=self._wanted.name), MISSING)
        document = answer["Role"].get("AssumeRolePolicyDocument") or {} if answer else None
        if plan.before is not None and document == plan.before["trust_policy"]:
            return plan
        anew = self._replan(self._look())
        if anew.warning:
            self._context.warn(anew.warning)
        return anew

    def _existing(self, error: EksError) -> Plan:
        """The plan for a role that exists after all: the first read was too early to see it."""
        for pause in PAUSES[:-1]:
            current = self._look()
            if current is not None:
                return self._replan(current)
            self._context.cancelled.wait(pause)
        raise error

    def _call(self, write: Write) -> bool:
        iam = self._aws.client("iam")
        for pause in (*PAUSES, None):
            try:
                self._aws.call(iam, write.operation, **write.arguments)
                return True
            except EksError as error:
                if write.operation in GONE_IS_DONE and error_code(error) == MISSING:
                    return False
                if pause is None or not _too_early(error):
                    raise _advised(error) from error.__cause__
                self._context.cancelled.wait(pause)
        raise AssertionError("the last attempt returns or raises")

    def _trust(self, plan: Plan) -> bool:
        try:
            written = write_trust(self._aws, self._context, plan.arn, self._merged, settle=self._settle)
        except EksError as error:
            raise _advised(error) from error.__cause__
        return written.attempts > 0


def _too_early(error: EksError) -> bool:
    """Whether a call may have failed because IAM does not see everywhere yet what was just created."""
    return _role_missing(error) or (error_code(error) == MALFORMED and "invalid principal" in _answer(error))


def _role_missing(error: EksError) -> bool:
    """Whether IAM did not find the role itself, and not a policy that it is to have."""
    answer = _answer(error)
    return error_code(error) == MISSING and not answer.startswith("policy ") and "attachable" not in answer


def _answer(error: EksError) -> str:
    return str(error.details.get("error", {}).get("message", "")).lower()


def _advised(error: EksError) -> EksError:
    advice = REMOVED if _role_missing(error) else ADVICE.get(error_code(error), "")
    if not advice:
        return error
    return EksError(f"{error.message.rstrip('.')}. {advice}", **error.details)
