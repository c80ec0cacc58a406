# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""helm_releases: all releases of a cluster read once, decided, and converged as a graph."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ansible_collections.ekspress.eks.plugins.module_utils import _helm_graph, _helm_storage
from ansible_collections.ekspress.eks.plugins.module_utils._aws import Aws
from ansible_collections.ekspress.eks.plugins.module_utils._context import Context, Logic
from ansible_collections.ekspress.eks.plugins.module_utils._errors import CancelledError, EksError
from ansible_collections.ekspress.eks.plugins.module_utils._gates import Gates
from ansible_collections.ekspress.eks.plugins.module_utils._gates_plan import HOLDS
from ansible_collections.ekspress.eks.plugins.module_utils._helm_command import Helm
from ansible_collections.ekspress.eks.plugins.module_utils._helm_options import argument_spec, order, parse, shown
from ansible_collections.ekspress.eks.plugins.module_utils._helm_releases_plan import (
    CHANGES,
    FAILED,
    REMOVED,
    SKIPPED,
    UNCHANGED,
    Decision,
    Release,
    decide,
)
from ansible_collections.ekspress.eks.plugins.module_utils._kubernetes import Kubernetes, connect
from ansible_collections.ekspress.eks.plugins.module_utils._kubernetes_lease import Lease
from ansible_collections.ekspress.eks.plugins.module_utils._parallel import settle

LEASE = "ekspress-eks-helm-releases"
"""Taken by runs that change releases, one at a time; a run that finds nothing to change takes none."""

UNFINISHED = ("pending-", "uninstalling", "uninstalled")
"""Beginnings of the states of a release that helm does not upgrade, and so does not rehearse either."""

KIND_TO_COME = "ensure CRDs are installed first"
"""helm's words, once a chart is rendered, where the cluster does not know a kind yet that the run itself may bring."""


@dataclass(frozen=True)
class Outcome:
    """What became of a release. ``changed`` is set too where it failed after Helm had begun to change it."""

    state: str
    seconds: float
    changed: bool
    message: str = ""
    skipped_because_of: tuple[str, ...] = ()


def run(params: dict[str, Any], context: Context) -> dict[str, Any]:
    """Converge the releases. Raises EksError with the result of every release where one fails."""
    releases = parse(params)
    aws = Aws(params, context) if params.get("cluster") else None
    kubernetes = connect(params, aws, context)
    decisions = _decide(releases, kubernetes)
    if context.check_mode:
        outcomes = Engine(params, releases, decisions, kubernetes, context).foretell()
    elif all(decision.state == UNCHANGED for decision in decisions.values()):
        outcomes = Engine(params, releases, decisions, kubernetes, context).run()
    else:
        with Lease(kubernetes, context, LEASE, "changing the Helm releases of this cluster"):
            # Another run may have changed them since they were read, and is no longer at it now.
            decisions = _decide(releases, kubernetes)
            outcomes = Engine(params, releases, decisions, kubernetes, context).run()
    return _result(releases, decisions, outcomes)


def _decide(releases: dict[str, Release], kubernetes: Kubernetes) -> dict[str, Decision]:
    stored = _helm_storage.read(kubernetes, ((release.namespace, release.name) for release in releases.values()))
    return {key: decide(release, stored.get((release.namespace, release.name))) for key, release in releases.items()}


class Engine:
    """One run over the graph of releases."""

    def __init__(
        self,
        params: dict[str, Any],
        releases: dict[str, Release],
        decisions: dict[str, Decision],
        kubernetes: Kubernetes,
        context: Context,
    ) -> None:
        self._releases = releases
        self._decisions = decisions
        self._kubernetes = kubernetes
        self._context = context
        self._gates = Gates(kubernetes, context)
        self._touched: set[str] = set()
        self._helm = Helm(
            params["helm_binary"], kubernetes.connection, context, params["concurrency"], self._touched.add
        )

    def run(self) -> dict[str, Outcome]:
        """Converge all releases; one that fails stops only what waits for it."""
        return self._each(self._converge)

    def foretell(self) -> dict[str, Outcome]:
        """What a run would do; a chart that cannot be fetched or rendered fails here as it would there."""
        return self._each(self._rehearse)

    def _each(self, converge: Callable[[str], Outcome]) -> dict[str, Outcome]:
        def skip(key: str, causes: list[str]) -> Outcome:
            return Outcome(SKIPPED, 0.0, False, f"not touched, as {', '.join(causes)} failed", tuple(causes))

        return _helm_graph.run(
            self._context, order(self._releases), converge, skip, lambda outcome: outcome.state == FAILED
        )

    def _converge(self, key: str) -> Outcome:
        release, decision = self._releases[key], self._decisions[key]
        started = time.monotonic()
        try:
            if decision.state != UNCHANGED:
                self._change(release, decision)
            self._wait(release)
        except CancelledError:
            raise
        except EksError as error:
            why = "" if decision.state != UNCHANGED else "Helm has nothing to change. "
            return Outcome(FAILED, _since(started), key in self._touched, why + error.message)
        return Outcome(decision.state, _since(started), decision.state in CHANGES, decision.reason)

    def _rehearse(self, key: str) -> Outcome:
        release, decision = self._releases[key], self._decisions[key]
        started = time.monotonic()
        if decision.state == UNCHANGED:
            self._look(release)
        elif decision.state != REMOVED and not decision.status.startswith(UNFINISHED):
            try:
                self._helm.upgrade(release, rehearse=True)
            except CancelledError:
                raise
            except EksError as error:
                if KIND_TO_COME not in error.message:
                    return Outcome(FAILED, _since(started), False, error.message)
        return Outcome(decision.state, 0.0, decision.state in CHANGES, decision.reason)

    def _look(self, release: Release) -> None:
        """Warn where a gate of an unchanged release does not hold."""
        for gate, verdict in zip(release.gates, settle(self._context, self._gates.look, release.gates), strict=True):
            if isinstance(verdict, Exception):
                raise verdict
            if verdict.state != HOLDS:
                self._context.warn(
                    f"Release {release.key}: the gate {gate.label} does not hold now: {verdict.reason}. "
                    f"A run would wait for it for {gate.timeout} s, then fail."
                )

    def _change(self, release: Release, decision: Decision) -> None:
        if decision.state == REMOVED:
            self._helm.uninstall(release)
            return
        self._prepare(release, decision.status)
        self._helm.upgrade(release)

    def _prepare(self, release: Release, status: str) -> None:
        """Bring a release that an ended helm left behind into a state from which helm upgrades it.

        helm refuses while the newest revision is pending; one that failed it upgrades by itself.
        """
        if status in ("pending-upgrade", "pending-rollback"):
            revision = _helm_storage.last_good_revision(self._kubernetes, release.namespace, release.name)
            if revision is not None:
                self._helm.rollback(release, revision)
                return
        if status.startswith(UNFINISHED):
            self._helm.uninstall(release)

    def _wait(self, release: Release) -> None:
        # An unchanged release's gates count too: what is broken in the cluster must not be called fine.
        problems = [error for error in settle(self._context, self._gates.wait, release.gates) if error is not None]
        for problem in problems:
            if not isinstance(problem, EksError):
                raise problem
        if problems:
            raise EksError("; ".join(str(problem) for problem in problems))


def _result(
    releases: dict[str, Release], decisions: dict[str, Decision], outcomes: dict[str, Outcome]
) -> dict[str, Any]:
    result = {
        "changed": any(outcome.changed for outcome in outcomes.values()),
        "releases": [_shown(release, outcomes[key]) for key, release in releases.items()],
        "diff": {
            "before": {key: decisions[key].before for key in sorted(releases) if decisions[key].state != UNCHANGED},
            "after": {key: decisions[key].after for key in sorted(releases) if decisions[key].state != UNCHANGED},
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


def _since(started: float) -> float:
    return round(time.monotonic() - started, 1)


LOGIC = Logic(
    run=run,
    argument_spec=argument_spec,
    services=("eks", "sts"),
    libraries=("botocore", "urllib3"),
    constraints={"required_one_of": [["cluster", "kubeconfig", "host"]]},
    shown=shown,
)
