# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""helm_releases: all releases of a cluster read once, decided, and converged as a graph."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ansible_collections.ekspress.eks.plugins.module_utils import _helm_drift, _helm_storage, _helm_values_from
from ansible_collections.ekspress.eks.plugins.module_utils._aws import Aws
from ansible_collections.ekspress.eks.plugins.module_utils._context import Context, Logic
from ansible_collections.ekspress.eks.plugins.module_utils._errors import CancelledError, EksError
from ansible_collections.ekspress.eks.plugins.module_utils._helm_changes import Change
from ansible_collections.ekspress.eks.plugins.module_utils._helm_engine import Engine, Outcome
from ansible_collections.ekspress.eks.plugins.module_utils._helm_options import argument_spec, parse, shown
from ansible_collections.ekspress.eks.plugins.module_utils._helm_releases_plan import (
    FAILED,
    SKIPPED,
    UNCHANGED,
    Decided,
    Decision,
    Release,
    decide,
    drifted,
    left_behind,
    removed,
)
from ansible_collections.ekspress.eks.plugins.module_utils._helm_removal import Leftover, Removal
from ansible_collections.ekspress.eks.plugins.module_utils._kubernetes import Kubernetes, connect
from ansible_collections.ekspress.eks.plugins.module_utils._kubernetes_lease import Lease
from ansible_collections.ekspress.eks.plugins.module_utils._parallel import settle

DRIFT_WORKERS = 4
"""Releases whose objects are compared at once; those of each are compared side by side, too."""

LEASE = "ekspress-eks-helm-releases"
"""Taken by runs that change releases, one at a time; a run that finds nothing to change takes none."""


def run(params: dict[str, Any], context: Context) -> dict[str, Any]:
    """Converge the releases. Raises EksError with the result of every release where one fails."""
    releases = parse(params)
    aws = Aws(params, context) if params.get("cluster") else None
    kubernetes = connect(params, aws, context)
    decided = _decide(releases, kubernetes, context)
    if context.check_mode:
        outcomes = Engine(params, releases, decided, kubernetes, context).foretell()
    elif decided.unchanged:
        outcomes = Engine(params, releases, decided, kubernetes, context).run()
    else:
        with Lease(kubernetes, context, LEASE, "changing the Helm releases of this cluster"):
            # Another run may have changed them since they were read, and is no longer at it now.
            decided = _decide(releases, kubernetes, context)
            outcomes = Engine(params, releases, decided, kubernetes, context).run()
    return _result(releases, decided.decisions, outcomes)


def _decide(releases: dict[str, Release], kubernetes: Kubernetes, context: Context) -> Decided:
    stored = _helm_storage.read(kubernetes, ((release.namespace, release.name) for release in releases.values()))
    decided = Decided({}, {}, {})
    _fill(releases, kubernetes, context, decided)
    for key, release in releases.items():
        decided.decisions[key] = decide(release, stored.get((release.namespace, release.name)))
    _look_around(releases, kubernetes, context, decided)

    def look(key: str) -> list[Change]:
        return _helm_drift.find(kubernetes, context, releases[key], decided.decisions[key].manifest)

    looked = [key for key, release in releases.items() if _may_have_drifted(release, decided.decisions[key])]
    for key, changes in zip(looked, settle(context, look, looked, DRIFT_WORKERS), strict=True):
        if isinstance(changes, Exception):
            decided.problems[key] = f"It cannot be told whether it drifted. {_explained(changes)}"
        elif changes:
            decided.drift[key] = changes
            decided.decisions[key] = drifted(decided.decisions[key], [change.name for change in changes])
    return decided


def _fill(releases: dict[str, Release], kubernetes: Kubernetes, context: Context, decided: Decided) -> None:
    """Give releases the values that they take from live objects; a placeholder for what is not there yet."""

    def read(key: str) -> dict[str, Any]:
        return _helm_values_from.read(kubernetes, releases[key].values, releases[key].sources)[0]

    filled = [key for key, release in releases.items() if release.sources]
    for key, values in zip(filled, settle(context, read, filled), strict=True):
        if isinstance(values, Exception):
            decided.problems[key] = _explained(values)
        else:
            releases[key] = replace(releases[key], values=values)


def _look_around(releases: dict[str, Release], kubernetes: Kubernetes, context: Context, decided: Decided) -> None:
    """Decide on removed releases by what is around them: what must not go yet stays, and what was left behind goes.

    Before anything is removed, as what needs them goes first. Where it cannot be told, that release alone fails.
    """
    removal = Removal(kubernetes, context, removed(releases.values()))

    def look(key: str) -> None:
        if decided.decisions[key].status:
            release = releases[key]
            removal.require_possible((release.namespace, release.name), release.used_by)

    def find(key: str) -> list[Leftover]:
        return removal.find(releases[key].leftovers, installed=bool(decided.decisions[key].status))

    going = [key for key, release in releases.items() if release.chart is None]
    for key, problem in zip(going, settle(context, look, going), strict=True):
        if problem is not None:
            decided.problems[key] = _explained(problem)
            decided.kept.add(key)
    going = [key for key in going if key not in decided.kept and releases[key].leftovers]
    for key, left in zip(going, settle(context, find, going), strict=True):
        if isinstance(left, Exception):
            decided.problems[key] = f"It cannot be told what would be left behind of it. {_explained(left)}"
        elif left:
            decided.decisions[key] = left_behind(decided.decisions[key], [item.label for item in left])


def _explained(error: Exception) -> str:
    """The message of an error that is one release's; others are raised."""
    if isinstance(error, CancelledError) or not isinstance(error, EksError):
        raise error
    return error.message


def _may_have_drifted(release: Release, decision: Decision) -> bool:
    """Whether drift is looked for: where Helm has nothing to change."""
    as_recorded = decision.state == UNCHANGED or decision.only_restarts
    return release.drift and release.chart is not None and as_recorded


def _result(
    releases: dict[str, Release], decisions: dict[str, Decision], outcomes: dict[str, Outcome]
) -> dict[str, Any]:
    touched = [key for key in sorted(releases) if decisions[key].state != UNCHANGED]
    result = {
        "changed": any(outcome.changed for outcome in outcomes.values()),
        "releases": [_shown(release, outcomes[key]) for key, release in releases.items()],
        "diff": {
            "before": {key: {**decisions[key].before, **outcomes[key].before} for key in touched},
            "after": {key: {**decisions[key].after, **outcomes[key].after} for key in touched},
        },
    }
    failed = {key: outcome for key, outcome in outcomes.items() if outcome.state == FAILED}
    if not failed:
        return result
    skipped = [key for key, outcome in outcomes.items() if outcome.state == SKIPPED]
    words = [f"{len(failed)} of {len(releases)} releases failed."]
    words += [f"{key}: {outcome.message}" for key, outcome in failed.items()]
    if skipped:
        words.append(f"Not touched, as they need what failed: {', '.join(skipped)}.")
    raise EksError(" ".join(words), **result)


def _shown(release: Release, outcome: Outcome) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "name": release.name,
        "namespace": release.namespace,
        "state": outcome.state,
        "seconds": outcome.seconds,
        "message": outcome.message,
    }
    if release.chart is not None:
        shown |= {"chart": release.chart.name, "version": release.chart.version}
    if outcome.skipped_because_of:
        shown["skipped_because_of"] = list(outcome.skipped_because_of)
    return shown


LOGIC = Logic(
    run=run,
    argument_spec=argument_spec,
    services=("eks", "sts"),
    libraries=("botocore", "urllib3"),
    constraints={"required_one_of": [["cluster", "kubeconfig", "host"]]},
    shown=shown,
)
