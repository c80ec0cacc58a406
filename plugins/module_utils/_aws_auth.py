# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""aws_auth: read, merge, guard, back up, write; and once more from the start where somebody else was quicker."""

from __future__ import annotations

import functools
import random
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ansible_collections.ekspress.eks.plugins.module_utils import _aws_auth_guards
from ansible_collections.ekspress.eks.plugins.module_utils._aws import Aws
from ansible_collections.ekspress.eks.plugins.module_utils._aws_auth_api import (
    EKS,
    ConflictError,
    Document,
    Place,
    check,
    data_of,
    entries_of,
    written,
)
from ansible_collections.ekspress.eks.plugins.module_utils._aws_auth_backup import Backup, Backups
from ansible_collections.ekspress.eks.plugins.module_utils._aws_auth_facts import Facts
from ansible_collections.ekspress.eks.plugins.module_utils._aws_auth_input import wanted
from ansible_collections.ekspress.eks.plugins.module_utils._aws_auth_model import SECTIONS, Change, Key, Tracked, Wanted
from ansible_collections.ekspress.eks.plugins.module_utils._aws_auth_options import argument_spec, check_options
from ansible_collections.ekspress.eks.plugins.module_utils._aws_auth_plan import Plan, plan, restored
from ansible_collections.ekspress.eks.plugins.module_utils._cluster import describe
from ansible_collections.ekspress.eks.plugins.module_utils._context import Context, Logic
from ansible_collections.ekspress.eks.plugins.module_utils._errors import CancelledError, EksError
from ansible_collections.ekspress.eks.plugins.module_utils._kubernetes import connect

ATTEMPTS = 40
"""Writes that are tried while others write too. Of any number of writers, one succeeds at each version."""
FIRST_PAUSE, LONGEST_PAUSE = 0.05, 2.0
"""Seconds, doubled with each conflict."""


def run(params: dict[str, Any], context: Context, place: Place = EKS) -> dict[str, Any]:
    """Converge the ConfigMap kube-system/aws-auth; ``place`` is another only in tests. Raises EksError."""
    check_options(params)
    entries, aws, cluster = wanted(params), None, None
    if params.get("cluster"):
        aws = Aws(params, context)
        cluster = describe(aws, params["cluster"])
        if cluster.authentication_mode == "API":
            raise EksError(
                f"EKS cluster {cluster.name!r} has the authentication mode API, in which aws-auth is not read; nothing "
                "was written. Use EKS access entries (ekspress.eks.access_entries)."
            )
        entries = wanted(params, cluster.partition)
    kubernetes = connect(params, aws, context, cluster)
    facts = Facts(kubernetes, aws, context, params.get("cluster") or "")
    return AwsAuth(params, context, entries, facts, place).run()


@dataclass(frozen=True)
class Draft:
    """What a version of the ConfigMap is to become."""

    live: dict[str, Any] | None
    plan: Plan
    item: dict[str, Any]
    """The whole ConfigMap as it is to be written."""
    changed: bool
    source: Backup | None = None
    """The backup that is brought back."""


class AwsAuth:
    """A run of the module on one ConfigMap."""

    def __init__(self, params: dict[str, Any], context: Context, entries: Wanted, facts: Facts, place: Place) -> None:
        self._params = params
        self._context = context
        self._wanted = entries
        self._facts = facts
        self._place = place
        self._document = Document(facts.kubernetes, context, place)
        self._backups = Backups(facts.kubernetes, context, place)
        self._backup = ""
        """Name of the last backup made."""

    def run(self) -> dict[str, Any]:
        """Converge. Raises EksError."""
        draft = self._converge()
        self._prune(draft)
        return self._result(draft)

    @functools.cached_property
    def _found_backups(self) -> list[Backup]:
        """The backups there were before this run."""
        return self._backups.every()

    def _converge(self) -> Draft:
        """Write until it is written or needs no writing."""
        attempted: Draft | None = None
        for attempt in range(ATTEMPTS):
            self._pause(attempt)
            live = self._document.read()
            if live is None and self._backup:
                raise self._gone()
            if attempted is not None and _same(live, attempted.item):
                # It conflicted with itself: it was written, the answer was lost, and the client sent it again.
                return attempted
            draft = self._draft(live)
            if not draft.changed:
                return draft
            self._check(draft)
            try:
                self._write(draft)
            except ConflictError:
                attempted = draft
            else:
                return draft
        raise EksError(
            f"{self._place} was written by others at each of {ATTEMPTS} attempts to write it; nothing of this task was "
            f"written. Find out what writes it so often (kubectl -n {self._place.namespace} get configmap "
            f"{self._place.name} --watch --show-managed-fields -o yaml), and run again."
        )

    def _pause(self, attempt: int) -> None:
        if attempt:
            self._context.cancelled.wait(random.uniform(0.0, min(LONGEST_PAUSE, FIRST_PAUSE * 2**attempt)))
        if self._context.cancelled.is_set():
            raise CancelledError(f"The task was ended before {self._place} was written; nothing was written.")

    def _gone(self) -> EksError:
        return EksError(
            f"{self._place} was deleted while this task changed it; nothing was written. Find out who deleted it: "
            f"without it no node and nobody that it maps gets in. What it held is in the ConfigMap "
            f"{self._place.namespace}/{self._backup}: bring it back with state: restored and backup: {self._backup}."
        )

    def _draft(self, live: dict[str, Any] | None) -> Draft:
        if self._params["state"] == "restored":
            return self._restoration(live)
        tracked = Tracked.read(entries_of(live))
        if tracked.fault:
            self._context.warn(tracked.fault)
        made = plan(
            data_of(live),
            tracked,
            self._wanted,
            state=self._params["state"],
            purge=self._params["purge"],
            collapse=self._params["collapse_duplicates"],
        )
        item = written(live, self._place, made.data_after, made.tracked_after.annotation())
        return Draft(live, made, item, made.changed)

    def _restoration(self, live: dict[str, Any] | None) -> Draft:
        source = self._backups.chosen(self._found_backups, self._params["backup"] or "")
        entries = entries_of(source.item)
        try:
            made = restored(data_of(live) if live is not None else None, data_of(source.item), Tracked.read(entries))
        except EksError as error:
            raise EksError(
                f"The backup {source.name} cannot be brought back: {error.message} Give another one as backup."
            ) from error
        item = written(live, self._place, data_of(source.item), entries, source.item.get("binaryData") or {})
        return Draft(live, made, item, not _same(live, item), source)

    def _check(self, draft: Draft) -> None:
        """Raise EksError where the change must not be made or could not be."""
        check(draft.live, draft.item, self._place)
        if self._params["force"] or not _aws_auth_guards.takes_away(draft.plan):
            return
        roles = any(change.section == "roles" and change.kind != "added" for change in draft.plan.changes)
        fargate_roles = self._facts.fargate_roles if roles else frozenset()
        reasons = _aws_auth_guards.reasons(draft.plan, self._facts.caller, fargate_roles)
        if reasons:
            raise EksError(
                f"{' '.join(reasons)} Nothing was written. Set force: true where it is meant so.", reasons=reasons
            )

    def _write(self, draft: Draft) -> None:
        if draft.live is not None:
            self._rehearse_removal(draft)
            made = self._backups.make(draft.live, by_restore=draft.source is not None)
            self._backup = "" if self._context.check_mode else made
        self._document.write(draft.live, draft.item)

    def _rehearse_removal(self, draft: Draft) -> None:
        """Try whether backups may be deleted, where some will have to be, as long as nothing is written."""
        if not self._backup:
            surplus = self._surplus(self._found_backups, draft, self._params["backups"] - 1)
            for backup in surplus[:1]:
                self._backups.remove(backup, dry_run=True)

    def _surplus(self, backups: list[Backup], draft: Draft, most: int) -> list[Backup]:
        needed = {self._backup, draft.source.name if draft.source else ""}
        return self._backups.outnumbered(backups, most, needed)

    def _prune(self, draft: Draft) -> None:
        """Delete the oldest backups, once the change is made; a warning where that fails."""
        if not self._backup:
            return
        try:
            for backup in self._surplus(self._backups.every(), draft, self._params["backups"]):
                self._backups.remove(backup)
        except CancelledError:
            raise
        except EksError as error:
            self._context.warn(f"{self._place} is written, but old backups of it are not deleted: {error.message}")

    def _result(self, draft: Draft) -> dict[str, Any]:
        changes = draft.plan.changes
        result: dict[str, Any] = {
            "changed": draft.changed,
            "changes": [str(change) for change in changes],
            "unlisted": _arns(draft.plan.unlisted),
            "duplicates": _arns(draft.plan.duplicates),
            "ignored": _arns(draft.plan.ignored),
            "backup": self._backup if draft.changed else "",
            "restored_from": draft.source.name if draft.source else "",
            "diff": self._diff(draft.plan),
        }
        return {**result, **{section: _by_kind(changes, section) for section in SECTIONS}}

    def _diff(self, made: Plan) -> list[dict[str, str]]:
        """The texts that change, each as a diff of its own, so that Ansible shows their lines."""
        before, after = made.data_before, made.data_after
        keys = sorted(key for key in {*before, *after} if before.get(key) != after.get(key))
        name = f"{self._place.namespace}/{self._place.name}"
        return [
            {
                "before_header": f"{name}: {key}",
                "after_header": f"{name}: {key}",
                "before": before.get(key, ""),
                "after": after.get(key, ""),
            }
            for key in keys
        ]


def _same(live: dict[str, Any] | None, item: dict[str, Any]) -> bool:
    """Whether the ConfigMap holds what was to be written."""
    return (
        live is not None
        and data_of(live) == data_of(item)
        and (live.get("binaryData") or {}) == (item.get("binaryData") or {})
        and entries_of(live) == entries_of(item)
    )


def _by_kind(changes: Iterable[Change], section: str) -> dict[str, list[str]]:
    """The ARNs of a section's entries that were added, changed and removed."""
    made: dict[str, list[str]] = {"added": [], "changed": [], "removed": []}
    for change in changes:
        entry = change.after or change.before
        if change.section == section and entry is not None:
            made[change.kind].append(entry.arn)
    return made


def _arns(keys: Iterable[Key]) -> list[str]:
    return [key.arn for key in keys]


LOGIC = Logic(
    run=run,
    argument_spec=argument_spec,
    services=("eks", "sts"),
    libraries=("botocore", "urllib3", "yaml"),
    constraints={"required_one_of": [["cluster", "kubeconfig", "host"]]},
)
