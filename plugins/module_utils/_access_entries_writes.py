# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Plans for access entries carried out, so that nobody is left with less than before by a call that fails.

A new entry counts in the place of aws-auth from its first call on, and its access policies come by later ones.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ansible_collections.ekspress.eks.plugins.module_utils import _access_entries_guards as guards
from ansible_collections.ekspress.eks.plugins.module_utils._access_entries_api import EXISTS, Eks
from ansible_collections.ekspress.eks.plugins.module_utils._access_entries_model import API, Wanted, identity
from ansible_collections.ekspress.eks.plugins.module_utils._access_entries_plan import Plan, Write, plan
from ansible_collections.ekspress.eks.plugins.module_utils._access_entries_result import Outcome
from ansible_collections.ekspress.eks.plugins.module_utils._aws import Aws, error_code
from ansible_collections.ekspress.eks.plugins.module_utils._context import Context
from ansible_collections.ekspress.eks.plugins.module_utils._errors import CancelledError, EksError
from ansible_collections.ekspress.eks.plugins.module_utils._parallel import settle

CREATE = "create_access_entry"
WITHDRAWAL = Write("delete_access_entry", {}, "delete again")


class Writer:
    """Carries out the plans of one run."""

    def __init__(self, params: dict[str, Any], context: Context, eks: Eks, wanted: list[Wanted]) -> None:
        self._params = params
        self._context = context
        self._eks = eks
        self._wanted = wanted
        self._shadows = eks.cluster.authentication_mode != API

    def write(self, plans: list[Plan]) -> list[Outcome]:
        """Make all calls, of what comes before of what goes; the outcomes in the order of the plans."""
        removals = [each for each in plans if each.state == "removed"]
        coming = [each for each in plans if each.state != "removed"]
        new_admins = self._new_admins(coming)
        done = self._one_by_one(new_admins)
        done += self._side_by_side([each for each in coming if each not in new_admins])
        if any(outcome.error for outcome in done):
            done += [Outcome(replace(each, state="unchanged", after=each.before)) for each in removals]
        else:
            done += self._side_by_side(removals)
        order = {each.principal: number for number, each in enumerate(plans)}
        return sorted(done, key=lambda outcome: order[outcome.plan.principal])

    def _new_admins(self, plans: list[Plan]) -> list[Plan]:
        """Entries of administrators who may be without rights between two calls, the caller's own last."""
        if not self._shadows:
            return []
        found = [each for each in plans if _creates(each.writes) and each.after is not None and each.after.admin]
        if len(found) > 1:
            found.sort(key=lambda each: identity(each.principal) == identity(self._eks.caller))
        return found

    def _one_by_one(self, plans: list[Plan]) -> list[Outcome]:
        """One after the other, so that one administrator at most is without rights; none after one that failed."""
        done: list[Outcome] = []
        for each in plans:
            failed = next((outcome.plan.principal for outcome in done if outcome.error), None)
            if failed is None:
                done += self._side_by_side([each])
                continue
            reason = f"it was not begun, as the entry of the administrator {failed} failed."
            done.append(Outcome(replace(each, after=each.before), error=EksError(reason)))
        return done

    def _side_by_side(self, plans: list[Plan]) -> list[Outcome]:
        done: list[Outcome] = []
        for each, outcome in zip(plans, settle(self._context, self._write_one, plans), strict=True):
            if isinstance(outcome, Outcome):
                done.append(outcome)
            elif isinstance(outcome, EksError):
                done.append(Outcome(each, error=outcome))
            else:
                raise outcome
        return done

    def _write_one(self, made: Plan) -> Outcome:
        done: list[Write] = []
        try:
            try:
                self._make(made, done)
            except EksError as error:
                if error_code(error) != EXISTS or made.state not in ("created", "recreated"):
                    raise
                made = self._existing(made, error)
                self._make(made, done)
        except EksError as error:
            if self._shadows and _creates(done):
                return self._withdrawn(made, done, error)
            return Outcome(made, _changes(done), error)
        return Outcome(made, _changes(done))

    def _make(self, made: Plan, done: list[Write]) -> None:
        for write in made.writes:
            if self._eks.make(made.principal, write):
                done.append(write)

    def _existing(self, made: Plan, error: EksError) -> Plan:
        """The plan for an entry that exists after all: another made it, or the answer to this run was lost."""
        wanted = next(each for each in self._wanted if each.principal == made.principal)
        current = self._eks.entry(made.principal, policies=True)
        anew = plan(wanted, current, str(self._params["owner"]))
        if current is None or anew.fault:
            raise error
        if guards.weakened(anew.before, anew.after) and not self._params["force"]:
            raise EksError(f"{error.message} Another made it meanwhile, with other rights; run again.", **error.details)
        return anew

    def _withdrawn(self, made: Plan, done: list[Write], error: EksError) -> Outcome:
        """Delete an entry that this run made and could not complete: aws-auth counts again then."""
        cluster = self._eks.cluster.name
        try:
            self._undoing().make(made.principal, WITHDRAWAL)
        except EksError as second:
            return Outcome(
                made,
                _changes(done),
                _told(
                    error,
                    f"The entry could not be deleted again ({second.message.rstrip('.')}), so that it counts in the "
                    "place of aws-auth without all of its access policies. Run again as somebody who may complete it, "
                    f"or delete it: aws eks delete-access-entry --cluster-name {cluster} --principal-arn "
                    f"{made.principal}",
                ),
            )
        return Outcome(
            replace(made, after=None),
            [*_changes(done), WITHDRAWAL.change],
            _told(error, "The entry was deleted again, so that aws-auth counts for its principal as before."),
        )

    def _undoing(self) -> Eks:
        """What deletes an entry again, also once the task is ended: who it locks out cannot wait for the next run."""
        if not self._context.cancelled.is_set():
            return self._eks
        own = Context(warnings=self._context.warnings, actions=self._context.actions)
        return Eks(Aws(self._params, own), own, self._eks.cluster)


def _creates(writes: tuple[Write, ...] | list[Write]) -> bool:
    return any(write.operation == CREATE for write in writes)


def _changes(done: list[Write]) -> list[str]:
    return [write.change for write in done]


def _told(error: EksError, more: str) -> EksError:
    """The error with what became of the entry."""
    kind = CancelledError if isinstance(error, CancelledError) else EksError
    return kind(f"{error.message.rstrip('.')}. {more}", **error.details)
