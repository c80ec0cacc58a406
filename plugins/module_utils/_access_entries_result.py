# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What was done with access entries, as the task's result and as an error. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ansible_collections.ekspress.eks.plugins.module_utils._access_entries_mode import WAYS
from ansible_collections.ekspress.eks.plugins.module_utils._access_entries_plan import Plan
from ansible_collections.ekspress.eks.plugins.module_utils._errors import CancelledError, EksError


@dataclass(frozen=True)
class Outcome:
    """What became of one entry's plan."""

    plan: Plan
    changes: list[str] = field(default_factory=list)
    error: EksError | None = None


def result(outcomes: list[Outcome], mode_before: str, mode_changes: list[str]) -> dict[str, Any]:
    """The task's result; ``mode_changes`` are those of WAYS that were gone."""
    entries: list[dict[str, Any]] = []
    before: dict[str, Any] = {}
    after: dict[str, Any] = {}
    for outcome in outcomes:
        each = outcome.plan
        entry: dict[str, Any] = {"principal": each.principal, "state": each.state, "changes": outcome.changes}
        entry["purged"] = each.purged
        if outcome.error:
            entry |= {"state": "failed", "error": outcome.error.message}
        entries.append(entry)
        # How far one that failed has come is told by its changes.
        if each.before != each.after and not outcome.error:
            if each.before is not None:
                before[each.principal] = each.before.shown()
            if each.after is not None:
                after[each.principal] = each.after.shown()
    mode = mode_before
    if mode_changes:
        mode = next(way[1] for way, words in WAYS.items() if words == mode_changes[-1])
        before["authentication_mode"], after["authentication_mode"] = mode_before, mode
    return {
        "changed": bool(mode_changes) or any(entry["changes"] for entry in entries),
        "entries": entries,
        "authentication_mode": mode,
        "changes": [*mode_changes, *(f"{e['principal']}: {change}" for e in entries for change in e["changes"])],
        "diff": {"before": dict(sorted(before.items())), "after": dict(sorted(after.items()))},
    }


def raise_failed(outcomes: list[Outcome], shown: dict[str, Any]) -> None:
    """Raise one error for all entries that failed, with what was done."""
    failed = [(outcome.plan, outcome.error) for outcome in outcomes if outcome.error]
    if not failed:
        return
    for _plan, error in failed:
        if isinstance(error, CancelledError):
            raise CancelledError(error.message, **shown)
    reasons = " ".join(f"{each.principal}: {error.message.rstrip('.')}." for each, error in failed)
    raise EksError(
        f"{len(failed)} of {len(outcomes)} access entries failed. {reasons} The result's entries say what was done. "
        "Then run again: it goes on where this run stopped.",
        **shown,
    )
