# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The trust policy of a role that exists, written where others may write it at the same moment.

UpdateAssumeRolePolicy replaces the whole document and takes no version to write against, and IAM's reads may lag
behind its writes, so any document that was merged a moment ago may undo what another has written since. So a write is
watched: what undoes it is found and merged with, or reported.
https://docs.aws.amazon.com/IAM/latest/APIReference/API_UpdateAssumeRolePolicy.html
https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot.html#troubleshoot_general_eventual-consistency
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from time import monotonic
from typing import Any

from ansible_collections.ekspress.eks.plugins.module_utils import _policy
from ansible_collections.ekspress.eks.plugins.module_utils._aws import CONCURRENT_MODIFICATION, Aws, error_code
from ansible_collections.ekspress.eks.plugins.module_utils._context import Context
from ansible_collections.ekspress.eks.plugins.module_utils._errors import EksError
from ansible_collections.ekspress.eks.plugins.module_utils._trust_policy_limits import refused_principal
from ansible_collections.ekspress.eks.plugins.module_utils._trust_policy_lock import turn
from ansible_collections.ekspress.eks.plugins.module_utils._trust_policy_plan import TrustPlan

PAUSES = (0.2, 0.4, 0.8, 1.6, 3.2, 5.0)
"""Seconds between attempts at what IAM may not see everywhere yet; it tells of 'a few seconds'.
https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot.html#troubleshoot_general_eventual-consistency"""

GAP = 1.0
"""Most seconds between a read and the write that is merged from it; a write that would be later is merged anew."""

SETTLE = 7
"""Seconds for which a write is watched: twice the lag of reads that is reckoned with, 3 seconds, and the gap. Another
run may read the state before our write for one lag, write within the gap, and that shows one lag later."""
LONGEST_SETTLE = 60
"""Most seconds for which a task may ask."""

ATTEMPTS = 16
"""Documents that one run writes at most."""
TRIES = 40
"""Calls for them at most, with those that met another's write or came too late."""
PATIENCE = 300.0
"""Seconds from the first write after which no other follows."""

MALFORMED = "MalformedPolicyDocument"


@dataclass
class _Sending:
    """A document on its way to IAM."""

    last_moment: float
    unanswered: int = 0
    """How often it went out and no answer said what became of it."""


_SENDING: ContextVar[_Sending | None] = ContextVar("sending", default=None)


@dataclass(frozen=True)
class Written:
    """What became of a trust policy: from the document that the first write replaced to the last one written."""

    plan: TrustPlan
    attempts: int
    """Documents that IAM took from this run; 0 where there was nothing to write any more."""


class _TooLateError(EksError):
    """The document to write was merged from a read that is too old by now; it was not sent, or not once more."""


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
    return _Writer(aws, context, role_arn, merged, settle).run()


def trust_policy(role: Mapping[str, Any]) -> Mapping[str, Any]:
    """The trust policy of a role as GetRole gives it. Raises EksError where it is no JSON object."""
    document = role.get("AssumeRolePolicyDocument") or {}
    if not isinstance(document, Mapping):
        raise EksError(
            f"IAM role {role['RoleName']!r}: its trust policy cannot be read, it is not a JSON object. Put a valid one "
            "in its place; nothing was changed."
        )
    return document


class _Writer:
    """One run's writes of one trust policy, and what it has seen of others'."""

    def __init__(
        self,
        aws: Aws,
        context: Context,
        role_arn: str,
        merged: Callable[[Mapping[str, Any]], TrustPlan],
        settle: float,
    ) -> None:
        self._aws = aws
        self._context = context
        self._role_arn = role_arn
        self._role = role_arn.rpartition("/")[2]
        self._merged = merged
        self._settle = settle
        self._iam = aws.client("iam")
        for event, handler in (("before-send", _before_attempt), ("response-received", _after_attempt)):
            self._iam.meta.events.register(
                f"{event}.iam.UpdateAssumeRolePolicy", handler, unique_id=f"ekspress.eks-{event}"
            )
        self._plans: list[TrustPlan] = []
        self._unanswered: TrustPlan | None = None
        """What was sent without an answer: where it shows, this run has written it."""
        self._tries = 0
        self._first = self._last = 0.0
        """When the first and the last document were written."""
        self._past: list[Mapping[str, Any]] = []
        """Documents seen before the last write, without what is wanted: seen again soon after, they are old reads."""
        self._lacking: list[Mapping[str, Any]] = []
        """Documents without what is wanted, seen since the last write."""
        self._shown: Mapping[str, Any] = {}
        self._shown_since = 0.0

    def run(self) -> Written:
        try:
            while True:
                with turn(self._context, self._role_arn):
                    untouched = self._write_until_shown()
                if untouched is not None:
                    return Written(untouched, 0)
                if not self._settle or self._stays():
                    return Written(_joined(self._plans), len(self._plans))
                self._back_off()
        except EksError as error:
            if self._plans or self._unanswered:
                error.details["changed"] = True
            raise

    def _write_until_shown(self) -> TrustPlan | None:
        """Write, and merge and write again, until a read shows it; give the plan where there never was anything to do.

        Without a time to settle, nothing is awaited.
        """
        while True:
            idle = self._write()
            if idle is not None:
                return None if self._plans else idle
            if not self._settle or self._shows():
                return None
            self._back_off()

    def _write(self) -> TrustPlan | None:
        """Write what is wanted; or give the plan where it is there."""
        while True:
            document = self._read()
            read_at = monotonic()
            if self._is_old(document):
                self._pause()
                continue
            plan = self._merged(document)
            if not plan.changed:
                self._saw(document)
                self._count(self._unanswered)
                return plan
            if plan.after is None:
                raise EksError(f"IAM role {self._role!r}: nobody else is trusted by it any more; run again.")
            self._check_bounds()
            if self._sent(plan, read_at):
                self._past += [document, *self._lacking]
                self._lacking = []
                return None
            self._context.cancelled.wait(min(2.0, 0.1 * 2 ** min(self._tries, 5)) * random.uniform(0.3, 1.0))

    def _sent(self, plan: TrustPlan, read_at: float) -> bool:
        """Whether IAM took the document; False where it must be merged anew first."""
        self._tries += 1
        sending = _Sending(read_at + GAP)
        token = _SENDING.set(sending)
        document = plan.after or {}
        try:
            self._aws.call(
                self._iam, "update_assume_role_policy", RoleName=self._role, PolicyDocument=_policy.to_json(document)
            )
        except _TooLateError:
            return False
        except EksError as error:
            if error_code(error) in CONCURRENT_MODIFICATION:
                return False
            raise _explained(error, self._role, document) from error.__cause__
        finally:
            _SENDING.reset(token)
            if sending.unanswered:
                self._unanswered = plan
        self._count(plan)
        return True

    def _count(self, plan: TrustPlan | None) -> None:
        self._unanswered = None
        if plan is not None:
            self._last = monotonic()
            self._first = self._first or self._last
            self._plans.append(plan)

    def _shows(self) -> bool:
        """Wait until a read shows what was written; False where it shows that another overwrote it."""
        while True:
            self._pause()
            document = self._read()
            if self._is_old(document):
                continue
            return self._holds(document)

    def _stays(self) -> bool:
        """Watch what was written for the time to settle; False where another overwrote it.

        Every change by others starts a part of that time anew: what such a writer saw for a moment, and this run did
        not, may be what it, or a third, merges into next.
        """
        quiet = min(self._settle, (self._settle + GAP) / 2)
        while True:
            now = monotonic()
            end = max(self._last + self._settle, self._shown_since + quiet)
            if now >= end:
                return True
            if now - self._first > PATIENCE:
                self._context.warn(
                    f"IAM role {self._role!r}: others have gone on writing its trust policy for {PATIENCE:g} seconds. "
                    "What was asked for is in it now; run again to make sure that it stays."
                )
                return True
            self._pause(end)
            document = self._read()
            if self._is_old(document):
                self._shown_since = monotonic()
            elif not self._holds(document):
                return False

    def _holds(self, document: Mapping[str, Any]) -> bool:
        if self._merged(document).changed:
            self._lacking.append(document)
            return False
        self._saw(document)
        return True

    def _saw(self, document: Mapping[str, Any]) -> None:
        if document != self._shown:
            self._shown, self._shown_since = document, monotonic()

    def _is_old(self, document: Mapping[str, Any]) -> bool:
        """Whether a read most likely shows what was there before the last write, and not that it was undone."""
        return bool(self._plans) and document in self._past and monotonic() - self._last < self._settle

    def _read(self) -> Mapping[str, Any]:
        return trust_policy(self._aws.call(self._iam, "get_role", RoleName=self._role)["Role"])

    def _pause(self, end: float | None = None) -> None:
        now = monotonic()
        seconds = min(1.0, 0.2 + 0.3 * (now - self._last)) * random.uniform(0.8, 1.0)
        self._context.cancelled.wait(seconds if end is None else min(seconds, max(0.0, end - now)))

    def _back_off(self) -> None:
        """Wait for long enough that of those that were overwritten, not all write at once again: longer each time."""
        self._context.cancelled.wait(random.uniform(0.0, self._settle / 2 * min(4, len(self._plans))))

    def _check_bounds(self) -> None:
        seconds = monotonic() - self._first if self._plans else 0.0
        if len(self._plans) < ATTEMPTS and self._tries < TRIES and seconds < PATIENCE:
            return
        if not self._plans:
            raise EksError(
                f"IAM role {self._role!r}: {self._tries} calls to write its trust policy met writes of others, or came "
                "too late after the read that they were merged from; nothing was changed. Run again."
            )
        raise EksError(
            f"IAM role {self._role!r}: the trust policy was written {len(self._plans)} times within {seconds:.0f} "
            f"seconds ({_words(_joined(self._plans))}), and others keep overwriting it with documents that lack this, "
            "so it is not in force. Find out who writes it (CloudTrail: UpdateAssumeRolePolicy), let them end, and run "
            "again; that is safe at any time."
        )


def _before_attempt(**_unused: Any) -> None:
    """Stop a call, or botocore's repetition of one, that would write what was merged too long ago."""
    sending = _SENDING.get()
    if sending is None:
        return
    if monotonic() > sending.last_moment:
        raise _TooLateError("iam:UpdateAssumeRolePolicy was not called: the document was read too long ago.")
    sending.unanswered += 1


def _after_attempt(response_dict: dict[str, Any] | None = None, **_unused: Any) -> None:
    """Note an answer; errors of a server that may have done its work are none."""
    sending = _SENDING.get()
    if sending is not None and response_dict is not None and response_dict["status_code"] < 500:
        sending.unanswered -= 1


def _joined(plans: list[TrustPlan]) -> TrustPlan:
    """All of a run's writes as one plan."""
    return TrustPlan(
        before=plans[0].before,
        after=plans[-1].after,
        added=tuple(sorted({item for plan in plans for item in plan.added})),
        removed=tuple(sorted({item for plan in plans for item in plan.removed})),
        unlisted=plans[-1].unlisted,
        pruned=tuple(sorted({item for plan in plans for item in plan.pruned})),
    )


def _words(plan: TrustPlan) -> str:
    words = [f"{item.subject} of {item.issuer} added" for item in plan.added]
    words += [f"{item.subject} of {item.issuer} removed" for item in plan.removed]
    words += [f"statements of {arn} removed" for arn in plan.pruned]
    return "; ".join(words)


def _explained(error: EksError, role: str, document: Mapping[str, Any]) -> EksError:
    said = ""
    if error_code(error) == MALFORMED:
        said = refused_principal(document, str(error.details.get("error", {}).get("message", "")))
    if not said:
        return error
    return EksError(f"IAM role {role!r}: {error.message.rstrip('.')}. {said}", **error.details)
