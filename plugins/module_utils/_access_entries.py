# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Module access_entries: who may enter a cluster by EKS's own API, any number of entries side by side."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ansible_collections.ekspress.eks.plugins.module_utils import _access_entries_guards as guards
from ansible_collections.ekspress.eks.plugins.module_utils import _access_entries_mode as modes
from ansible_collections.ekspress.eks.plugins.module_utils._access_entries_api import Eks, Principals
from ansible_collections.ekspress.eks.plugins.module_utils._access_entries_input import wanted_entries
from ansible_collections.ekspress.eks.plugins.module_utils._access_entries_model import (
    API,
    BOTH,
    CONFIG_MAP,
    DEFAULT_OWNER,
    NODE_TYPES,
    OWNER,
    TYPES,
    Entry,
    Wanted,
    identity,
)
from ansible_collections.ekspress.eks.plugins.module_utils._access_entries_plan import (
    Plan,
    needs_policies,
    plan,
    removal,
)
from ansible_collections.ekspress.eks.plugins.module_utils._access_entries_result import Outcome, raise_failed, result
from ansible_collections.ekspress.eks.plugins.module_utils._access_entries_writes import Writer
from ansible_collections.ekspress.eks.plugins.module_utils._adapter import aws_options, cluster_options
from ansible_collections.ekspress.eks.plugins.module_utils._aws import Aws
from ansible_collections.ekspress.eks.plugins.module_utils._cluster import describe, require_active
from ansible_collections.ekspress.eks.plugins.module_utils._context import Context, Logic
from ansible_collections.ekspress.eks.plugins.module_utils._errors import EksError, named
from ansible_collections.ekspress.eks.plugins.module_utils._iam_directory import Directory
from ansible_collections.ekspress.eks.plugins.module_utils._parallel import gather


def argument_spec() -> dict[str, Any]:
    """The options of the module."""
    policy = {
        "policy": {"type": "str", "required": True},
        "namespaces": {"type": "list", "elements": "str"},
    }
    entry = {
        "principal": {"type": "str", "required": True, "aliases": ["principal_arn"]},
        "type": {"type": "str", "choices": list(TYPES), "default": "STANDARD"},
        "username": {"type": "raw"},
        "groups": {"type": "list", "elements": "raw"},
        "policies": {"type": "list", "elements": "dict", "options": policy},
        "tags": {"type": "dict"},
        "recreate": {"type": "bool", "default": False},
    }
    return {
        **aws_options(),
        **cluster_options(),
        "entries": {"type": "list", "elements": "dict", "options": entry},
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        "purge": {"type": "bool", "default": False},
        "owner": {"type": "str", "default": DEFAULT_OWNER},
        "authentication_mode": {"type": "str", "choices": [BOTH, API]},
        "check_principals": {"type": "bool", "default": True},
        "force": {"type": "bool", "default": False},
    }


def run(params: dict[str, Any], context: Context) -> dict[str, Any]:
    """Converge the entries and the mode. Raises EksError before any write for what cannot or must not be done."""
    if params["purge"] and params["state"] == "absent":
        raise EksError("purge goes with state: present, which lists what stays; with state: absent nothing is listed.")
    if params["purge"] and params["entries"] is None:
        raise EksError(
            "purge needs entries: the list of those that stay; an empty list removes all that this owner has."
        )
    # Ansible takes an option that is given as null for one that is there.
    if params["entries"] is None and params["authentication_mode"] is None:
        raise EksError("Nothing is asked for: give entries, authentication_mode or both.")
    aws = Aws(params, context)
    cluster = describe(aws, params["cluster"])
    wanted = wanted_entries(
        params["entries"] or [],
        partition=cluster.partition,
        account=cluster.account,
        owner=params["owner"],
        present=params["state"] == "present",
    )
    require_active(cluster)
    steps = modes.steps(cluster.authentication_mode, params["authentication_mode"])
    if cluster.status == "UPDATING" and (steps or wanted):
        cluster = modes.settled(aws, context, cluster.name, cluster)
        steps = modes.steps(cluster.authentication_mode, params["authentication_mode"])
    return Run(params, context, aws, Eks(aws, context, cluster), wanted).converge(steps)


class Run:
    """One run of the module on one cluster."""

    def __init__(self, params: dict[str, Any], context: Context, aws: Aws, eks: Eks, wanted: list[Wanted]) -> None:
        self._params = params
        self._context = context
        self._aws = aws
        self._eks = eks
        self._wanted = wanted
        self._owner = str(params["owner"])
        self._principals = Principals(aws, context, eks.cluster.account)
        self._listed: list[str] = []
        """The principals that have an entry before this run changes any."""
        self._unlisted: dict[str, str] = {}
        """Owners of entries of this collection that are not listed and stay, where purge looked at them."""
        self._mode_before = eks.cluster.authentication_mode
        self._mode_changes: list[str] = []

    def converge(self, steps: list[tuple[str, str]]) -> dict[str, Any]:
        """Change the mode as far as entries need it, the entries, and then the rest of the mode."""
        first = [step for step in steps if step[0] == CONFIG_MAP]
        if self._mode_before == CONFIG_MAP and not first and self._asks_for_entries():
            raise EksError(
                f"EKS cluster {self._eks.cluster.name!r} has the authentication mode {CONFIG_MAP}, in which there are "
                f"no access entries; nothing was changed. Set authentication_mode: {BOTH} where that is meant: it "
                "cannot be undone. aws-auth goes on to count for everybody who has no entry."
            )
        plans = self._planned(predicted=bool(first))
        self._guard(plans, to_api=(BOTH, API) in steps)
        if self._context.check_mode:
            self._mode_changes = [modes.WAYS[step] for step in steps]
            return self._result([Outcome(each, [write.change for write in each.writes]) for each in plans])
        if first:
            self._step(first[0])
            with self._telling([]):
                # EKS makes entries of its own with the mode, such as the creator's: some of these may be wanted too.
                plans = self._planned(predicted=False)
                self._guard(plans, to_api=False)
        outcomes = self._write(plans)
        if (BOTH, API) in steps:
            self._finish(outcomes)
        return self._result(outcomes)

    def _asks_for_entries(self) -> bool:
        return bool(self._wanted) and self._params["state"] == "present"

    def _step(self, step: tuple[str, str]) -> None:
        cluster = modes.change(self._aws, self._context, self._eks.cluster, step[1])
        self._eks = Eks(self._aws, self._context, cluster)
        self._mode_changes.append(modes.WAYS[step])

    def _finish(self, outcomes: list[Outcome]) -> None:
        """Go on to the mode API, now that the entries are there."""
        self._listed = self._eks.principals()
        with self._telling(outcomes):
            self._guard_api([outcome.plan for outcome in outcomes], set(self._listed))
            self._step((BOTH, API))

    @contextmanager
    def _telling(self, outcomes: list[Outcome]) -> Iterator[None]:
        """Tell with an error what was done before it."""
        try:
            yield
        except EksError as error:
            error.details = {**self._result(outcomes), **error.details}
            raise

    def _planned(self, *, predicted: bool) -> list[Plan]:
        """What happens to each listed entry, and to those that are purged. Raises EksError for what cannot be done.

        ``predicted`` is for a cluster that has no entries before its mode is changed.
        """
        if self._mode_before == CONFIG_MAP and not self._mode_changes:
            current = self._to_come() if predicted else {}
            self._listed = list(current)
        else:
            current = {}
            self._listed = self._eks.principals()
        plans = self._of_listed(current)
        if self._params["purge"]:
            plans += self._of_purged(current)
        faults = [f"{each.principal}: {each.fault}" for each in plans if each.fault]
        faults += self._policy_faults(plans)
        if faults:
            raise EksError(f"{' '.join(faults)} {self._so_far}", reasons=faults)
        return plans

    def _to_come(self) -> dict[str, Entry]:
        """The entries of nodes that EKS makes by itself once the mode has entries."""
        return {arn: Entry(arn, kind=kind, policies=None) for arn, kind in self._eks.node_roles.items()}

    def _of_listed(self, current: dict[str, Entry]) -> list[Plan]:
        known = {arn.lower(): arn for arn in self._listed}
        present = self._params["state"] == "present"

        def look(wanted: Wanted) -> Plan:
            spelt = known.get(wanted.principal.lower())
            if not present:
                found = self._read(wanted.principal, current, policies=True) if spelt == wanted.principal else None
                return removal(wanted.principal, found)
            fault = self._principal_fault(wanted, spelt)
            if fault:
                return Plan(wanted.principal, "failed", fault=fault)
            found = self._read(wanted.principal, current, policies=wanted.policies is not None) if spelt else None
            dead = found is not None and self._params["check_principals"] and self._principals.dead(found)
            if found is not None and found.policies is None and needs_policies(wanted, found, dead=dead):
                found = self._read(wanted.principal, current, policies=True)
            return plan(wanted, found, self._owner, dead=dead)

        return gather(self._context, look, self._wanted)

    def _read(self, principal: str, current: dict[str, Entry], *, policies: bool) -> Entry | None:
        return current.get(principal) or self._eks.entry(principal, policies=policies)

    def _principal_fault(self, wanted: Wanted, spelt: str | None) -> str:
        if spelt is not None and spelt != wanted.principal:
            return f"there is an entry of {spelt}, which differs in case only. Give it as IAM writes it."
        if not self._params["check_principals"]:
            return ""
        found = self._principals.find(wanted.principal)
        if found is None:
            if self._context.check_mode and spelt is None:
                self._context.warn(
                    f"{wanted.principal} does not exist (yet); EKS makes entries for principals that do."
                )
                return ""
            return "there is no such IAM role or user. Create it first, or correct the ARN."
        if found[0] != wanted.principal:
            return f"its ARN is {found[0]}; access entries want it with its path and case. Give it so."
        return ""

    def _of_purged(self, current: dict[str, Entry]) -> list[Plan]:
        """Remove the entries of this owner that are no longer listed, but none of nodes."""
        wanted = {identity(each.principal) for each in self._wanted}
        others = [arn for arn in self._listed if identity(arn) not in wanted and arn not in current]

        found = gather(self._context, lambda arn: self._eks.entry(arn, policies=False), others)
        tagged = [each for each in found if each is not None and OWNER in each.tags]
        ours = [each.principal for each in tagged if each.tags[OWNER] == self._owner and each.kind not in NODE_TYPES]
        self._unlisted = {each.principal: each.tags[OWNER] for each in tagged if each.principal not in ours}
        self._warn_of_others()

        def look(arn: str) -> Plan:
            return removal(arn, self._eks.entry(arn, policies=True), purged=True)

        return gather(self._context, look, ours)

    def _warn_of_others(self) -> None:
        others = [f"{arn} ({owner})" for arn, owner in self._unlisted.items() if owner != self._owner]
        if others:
            self._context.warn(
                f"purge leaves {len(others)} access entries that are not listed, as this collection made them for an "
                f"owner other than {self._owner}: {named(others, 10)}. Whoever is to lose access by them is let in "
                "still: remove them by a task of their owner, or with state: absent."
            )

    def _policy_faults(self, plans: list[Plan]) -> list[str]:
        """Access policies that are to be given and that EKS does not have: it says so only once an entry is made."""
        asked = {
            (each.principal, str(write.arguments["policyArn"]))
            for each in plans
            for write in each.writes
            if write.operation == "associate_access_policy"
        }
        return [
            f"{principal}: policies: EKS has no access policy {arn.rpartition('/')[2]} in {self._eks.cluster.region}; "
            "see aws eks list-access-policies."
            for principal, arn in sorted(asked)
            if arn not in self._eks.policy_arns
        ]

    @property
    def _so_far(self) -> str:
        """What a message says of what was done before."""
        if self._mode_changes:
            return f"The authentication mode is {BOTH} now, which cannot be undone; no entry was changed."
        return "Nothing was changed."

    def _guard(self, plans: list[Plan], *, to_api: bool) -> None:
        if self._params["force"]:
            return
        reasons = self._reasons(plans)
        if to_api:
            gone = {each.principal for each in plans if each.state == "removed"}
            made = {each.principal for each in plans if each.after is not None}
            reasons += self._reasons_against_api(plans, (set(self._listed) | made) - gone)
        if reasons:
            raise EksError(f"{' '.join(reasons)} {self._so_far} Set force: true where it is meant so.", reasons=reasons)

    def _reasons(self, plans: list[Plan]) -> list[str]:
        found = self._reasons_of_shadow(plans)
        if not guards.takes_away(plans):
            return found
        admins = self._eks.admins(plans, self._principals, self._listed) if guards.loses_admin(plans) else ()
        in_use = self._eks.node_roles if guards.node_entries_go(plans) else ()
        return found + guards.reasons(plans, caller=self._eks.caller, in_use=in_use, admins=admins)

    def _reasons_of_shadow(self, plans: list[Plan]) -> list[str]:
        """Where aws-auth counts, an entry that is made for the caller takes the place of its mapping."""
        if self._eks.cluster.authentication_mode == API or not guards.makes_others(plans):
            return []
        own = guards.shadowing(plans, self._eks.caller)
        if own is None:
            return []
        what = "Whether the new entry of whom this task runs as gives less than aws-auth"
        return guards.reasons_of_shadow(
            own, modes.mapped(self._params, self._aws, self._context, self._eks.cluster, what)
        )

    def _guard_api(self, plans: list[Plan], principals: set[str]) -> None:
        """Look again, right before aws-auth is given up for good."""
        reasons = [] if self._params["force"] else self._reasons_against_api(plans, principals)
        if reasons:
            raise EksError(
                f"{' '.join(reasons)} The entries are as wanted; the authentication mode stays "
                f"{self._eks.cluster.authentication_mode}. Set force: true where it is meant so.",
                reasons=reasons,
            )

    def _reasons_against_api(self, plans: list[Plan], principals: set[str]) -> list[str]:
        before = self._eks.cluster.authentication_mode == CONFIG_MAP
        what = "Whether somebody depends on aws-auth, which is no longer read in the authentication mode API,"
        mapped = modes.mapped(self._params, self._aws, self._context, self._eks.cluster, what)
        directory = Directory(self._aws, self._eks.cluster.account)
        needed = {each.key for each in mapped} | {identity(arn) for arn in (*self._eks.node_roles, self._eks.caller)}
        cover = self._cover([arn for arn in principals if identity(arn) in needed], plans, predicted=before)
        return guards.reasons_against_api(
            cover,
            # By the mapping of a role or user that is gone nobody gets in.
            mapped=[each for each in mapped if each.key in cover.kinds or not directory.lacks(each.arn)],
            node_roles=self._eks.node_roles,
            caller=self._eks.caller,
            admins=self._eks.admins(plans, self._principals, [] if before else self._listed),
        )

    def _cover(self, principals: list[str], plans: list[Plan], *, predicted: bool) -> guards.Cover:
        """The entries of some principals once the plans are carried out, and which of them are dead."""
        planned = {each.principal: each for each in plans}
        to_come = self._to_come() if predicted else {}

        def look(arn: str) -> tuple[str, str] | None:
            made = planned.get(arn)
            if made is not None and made.after is not None and made.state in ("created", "recreated"):
                return identity(arn), made.after.kind
            found = made.after if made is not None else self._read(arn, to_come, policies=False)
            if found is None:
                return None
            return identity(arn), "" if self._principals.dead(found) else found.kind

        seen = [each for each in gather(self._context, look, principals) if each is not None]
        kinds = {key: kind for key, kind in seen if kind}
        return guards.Cover(kinds, frozenset(key for key, kind in seen if not kind and key not in kinds))

    def _write(self, plans: list[Plan]) -> list[Outcome]:
        """Carry out the plans. Raises EksError, with the whole result, if any failed."""
        done = Writer(self._params, self._context, self._eks, self._wanted).write(plans)
        raise_failed(done, self._result(done))
        return done

    def _result(self, outcomes: list[Outcome]) -> dict[str, Any]:
        unlisted = [{"principal": arn, "owner": owner} for arn, owner in sorted(self._unlisted.items())]
        return {**result(outcomes, self._mode_before, self._mode_changes), "unlisted": unlisted}


LOGIC = Logic(
    run=run,
    argument_spec=argument_spec,
    services=("eks", "iam", "sts"),
    libraries=("botocore", "urllib3", "yaml"),
    constraints={"required_one_of": [["entries", "authentication_mode"]]},
)
