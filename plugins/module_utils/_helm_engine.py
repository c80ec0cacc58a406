# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""One run over the graph of releases: what was decided is done, or in check mode rehearsed."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from ansible_collections.ekspress.eks.plugins.module_utils import _helm_graph, _helm_manifests, _helm_storage
from ansible_collections.ekspress.eks.plugins.module_utils._aws import Aws
from ansible_collections.ekspress.eks.plugins.module_utils._context import Context
from ansible_collections.ekspress.eks.plugins.module_utils._errors import CancelledError, EksError
from ansible_collections.ekspress.eks.plugins.module_utils._gates import Gates
from ansible_collections.ekspress.eks.plugins.module_utils._gates_plan import HOLDS, OBJECTS, Gate
from ansible_collections.ekspress.eks.plugins.module_utils._helm_archives import Archives
from ansible_collections.ekspress.eks.plugins.module_utils._helm_changes import Change
from ansible_collections.ekspress.eks.plugins.module_utils._helm_command import Helm
from ansible_collections.ekspress.eks.plugins.module_utils._helm_crds import Crds
from ansible_collections.ekspress.eks.plugins.module_utils._helm_differences import HIDDEN_ANEW, Leaves, manifests
from ansible_collections.ekspress.eks.plugins.module_utils._helm_options import order
from ansible_collections.ekspress.eks.plugins.module_utils._helm_releases_plan import (
    CHANGES,
    FAILED,
    INSTALLED,
    REMOVED,
    SKIPPED,
    UNCHANGED,
    Decided,
    Decision,
    Release,
    decide,
    removed,
)
from ansible_collections.ekspress.eks.plugins.module_utils._helm_removal import Removal
from ansible_collections.ekspress.eks.plugins.module_utils._helm_restarts import Restarts
from ansible_collections.ekspress.eks.plugins.module_utils._helm_restarts_plan import Workload, reason
from ansible_collections.ekspress.eks.plugins.module_utils._helm_values import same, without
from ansible_collections.ekspress.eks.plugins.module_utils._helm_values_from import require
from ansible_collections.ekspress.eks.plugins.module_utils._kubernetes import Kubernetes
from ansible_collections.ekspress.eks.plugins.module_utils._kubernetes_errors import KubernetesError
from ansible_collections.ekspress.eks.plugins.module_utils._parallel import settle

UNFINISHED = ("pending-", "uninstalling", "uninstalled", "unknown")
"""Beginnings of the states of a release that helm does not upgrade, and so does not rehearse either."""

BROKEN_OFF = ("pending-upgrade", "pending-rollback", "unknown")
"""States of a release that may have a complete revision to go back to."""

FORBIDDEN = 403

MANIFEST = "manifest"
MADE_ANEW = "(made anew each time)"
"""What a diff shows of a value that is another one each time that the chart is rendered."""

KIND_TO_COME = "no matches for kind"
"""helm's words, once a chart is rendered, where the cluster does not know a kind yet that the run itself may bring: the
kind of an object, or of one in a List."""


@dataclass(frozen=True)
class Outcome:
    """What became of a release. ``changed`` is set too where it failed after Helm had changed something."""

    state: str
    seconds: float
    changed: bool
    message: str = ""
    skipped_because_of: tuple[str, ...] = ()
    before: dict[str, Any] = field(default_factory=dict)
    """What a diff shows beside what was decided."""
    after: dict[str, Any] = field(default_factory=dict)


class Engine:
    """One run over the graph of releases."""

    def __init__(
        self,
        params: dict[str, Any],
        releases: dict[str, Release],
        decided: Decided,
        kubernetes: Kubernetes,
        context: Context,
    ) -> None:
        self._releases = releases
        self._concurrency: int = params["concurrency"]
        self._decisions = decided.decisions
        self._drift = decided.drift
        self._problems = decided.problems
        self._kept = decided.kept
        self._unchanged = decided.unchanged
        self._kubernetes = kubernetes
        self._context = context
        self._gates = Gates(kubernetes, context)
        self._touched: set[str] = set()
        self._helm = Helm(
            params["helm_binary"],
            kubernetes.connection,
            context,
            started=self._touched.add,
            aws=lambda: Aws(params, context),
        )
        self._archives = Archives(self._helm, context)
        self._crds = Crds(kubernetes, self._gates, context)
        self._restarts = Restarts(kubernetes, context)
        self._removal = Removal(kubernetes, context, removed(releases.values()))
        self._namespaces: dict[str, set[str]] = {}
        """Those that a release would make, in check mode."""
        self._left: dict[str, list[str]] = {}
        """What was removed of what removed releases left behind."""
        self._restarted: dict[str, list[Workload]] = {}
        self._applied: dict[str, list[Change]] = {}
        self._differences: dict[str, tuple[Leaves, Leaves]] = {}

    def run(self) -> dict[str, Outcome]:
        """Converge all releases; one that fails stops only what waits for it."""
        return self._each(self._converge)

    def foretell(self) -> dict[str, Outcome]:
        """What a run would do; a chart that cannot be fetched or rendered fails here as it would there."""
        return self._each(self._rehearse)

    def _each(self, converge: Callable[[str], Outcome]) -> dict[str, Outcome]:
        def skip(key: str, causes: list[str]) -> Outcome:
            return Outcome(SKIPPED, 0.0, False, f"not touched, as {', '.join(causes)} failed", tuple(causes))

        def failed(outcome: Outcome) -> bool:
            return outcome.state == FAILED

        needs = order(self._releases, self._kept)
        return _helm_graph.run(self._context, needs, converge, skip=skip, failed=failed, most=self._concurrency)

    def _converge(self, key: str) -> Outcome:
        if key in self._problems:
            return Outcome(FAILED, 0.0, False, self._problems[key])
        return self._completed(key, self._converged(key))

    def _completed(self, key: str, outcome: Outcome) -> Outcome:
        """The outcome with what was, or would be, restarted and done to CRDs, and for a diff to the other objects."""
        restarted, namespace = self._restarted.get(key, []), self._releases[key].namespace
        changes = self._applied.get(key) or self._drift.get(key, [])
        before: dict[str, Any] = {}
        after: dict[str, Any] = {}
        if self._context.diff_mode:
            for old, new in [*(change.shown() for change in changes), self._differences.get(key, ({}, {}))]:
                before |= self._censored(key, old)
                after |= self._censored(key, new)
            after |= {f"{workload.label(namespace)}: pods": "restarted" for workload in restarted}
        done = not self._context.check_mode and bool(self._applied.get(key) or restarted)
        message = "; ".join(filter(None, [outcome.message, reason(restarted, namespace)]))
        message = without(message, set(self._decisions[key].hidden))
        return replace(outcome, changed=outcome.changed or done, message=message, before=before, after=after)

    def _censored(self, key: str, leaves: Leaves) -> Leaves:
        """What a diff shows, without the secrets among a release's values, which may be part of any text."""
        hidden = set(self._decisions[key].hidden)
        return {path: without(leaf, hidden) if isinstance(leaf, str) else leaf for path, leaf in leaves.items()}

    def _converged(self, key: str) -> Outcome:
        release, decision = self._releases[key], self._decisions[key]
        started = time.monotonic()
        try:
            if release.sources and not self._unchanged:
                release, decision = self._known(release, decision)
            if decision.state != UNCHANGED:
                self._require_namespace(release, decision)
                self._change(release, decision)
            self._wait(release)
        except CancelledError:
            raise
        except EksError as error:
            why = "" if decision.state != UNCHANGED else "Helm has nothing to change. "
            return Outcome(FAILED, _since(started), self._changed(release, decision), why + error.message)
        return Outcome(decision.state, _since(started), decision.state in CHANGES, decision.reason)

    def _known(self, release: Release, decision: Decision) -> tuple[Release, Decision]:
        """The release with the live values of now, as what it needs may have made them, and what is to be done then."""
        values = require(self._kubernetes, release.values, release.sources)
        if not same(values, release.values):
            release = self._releases[release.key] = replace(release, values=values)
            stored = _helm_storage.read_one(self._kubernetes, release.namespace, release.name)
            decision = self._decisions[release.key] = decide(release, stored)
            self._drift.pop(release.key, None)
        return release, decision

    def _rehearse(self, key: str) -> Outcome:
        if key in self._problems:
            return Outcome(FAILED, 0.0, False, self._problems[key])
        return self._completed(key, self._rehearsed(key))

    def _rehearsed(self, key: str) -> Outcome:
        release, decision = self._releases[key], self._decisions[key]
        started = time.monotonic()
        try:
            self._foretell(release, decision)
        except CancelledError:
            raise
        except EksError as error:
            if KIND_TO_COME not in error.message:
                return Outcome(FAILED, _since(started), False, error.message)
            self._differences[key] = {}, {MANIFEST: f"not known before this is done: {error.message}"}
        return Outcome(decision.state, 0.0, decision.state in CHANGES, decision.reason)

    def _foretell(self, release: Release, decision: Decision) -> None:
        if decision.state == UNCHANGED or self._repairs(release.key):
            changes = self._drift.get(release.key, [])
            self._restarted[release.key] = self._restarts.owed(release, decision, changes)
            self._look(release)
        elif decision.state == REMOVED:
            if decision.status:
                self._removal.require_unused((release.namespace, release.name), release.used_by, release.timeout)
            self._differences[release.key] = self._between(release, decision.manifest, "")
        else:
            self._require_namespace(release, decision)
            release = self._fetched(release, decision)
            self._applied[release.key] = self._crds.plan(release)
            self._preview(release, decision)

    def _preview(self, release: Release, decision: Decision) -> None:
        """Let helm render a release as the API has it now, and keep for a diff what would change."""
        if decision.status.startswith(UNFINISHED):
            self._differences[release.key] = (
                {},
                {MANIFEST: f"not known before the status {decision.status} is repaired"},
            )
            return
        first = self._helm.rehearse(release)
        self._namespaces[release.key] = _helm_manifests.namespaces(first)
        self._restarted[release.key] = self._restarts.foretold(release, decision, first)
        if not self._context.diff_mode:
            return
        before, after = self._between(release, decision.manifest, first)
        if any(value == HIDDEN_ANEW for value in after.values()) or any("caBundle" in path for path in after):
            # What the chart makes anew each time, such as certificates, has no value that could be foretold.
            again = self._between(release, first, self._helm.rehearse(release))[1]
            after |= {path: MADE_ANEW for path in again if path in after}
        self._differences[release.key] = before, after

    def _between(self, release: Release, before: str, after: str) -> tuple[Leaves, Leaves]:
        """What differs between two manifests of a release; nothing where no diff is asked for."""
        if not self._context.diff_mode:
            return {}, {}
        owner = f"Release {release.key}"
        try:
            old, new = _helm_manifests.objects(before, owner), _helm_manifests.objects(after, owner)
        except EksError as error:
            return {}, {MANIFEST: f"not known: {error.message}"}
        return manifests(old, new, release.namespace)

    def _manifest(self, release: Release) -> str:
        """The objects of a release as Helm has them recorded now."""
        stored = _helm_storage.read_one(self._kubernetes, release.namespace, release.name)
        return stored.manifest if stored else ""

    def _look(self, release: Release) -> None:
        """Warn where a gate of an unchanged release does not hold."""
        verdicts = settle(self._context, partial(self._gates.look, wanted=self._wanted(release)), release.gates)
        for gate, verdict in zip(release.gates, verdicts, strict=True):
            if isinstance(verdict, Exception):
                raise verdict
            if verdict.state != HOLDS:
                self._context.warn(
                    f"Release {release.key}: the gate {gate.label} does not hold now: {verdict.reason}. "
                    f"A run would wait for it for {gate.timeout} s, then fail."
                )

    def _wanted(self, release: Release) -> Callable[[Gate], dict[str, Any] | None]:
        """Gives the object of a gate as the release has it: read only where a gate asks."""

        def find(gate: Gate) -> dict[str, Any] | None:
            items = _helm_manifests.objects(self._manifest(release), f"Release {release.key}")
            kind = OBJECTS[gate.kind][1]
            return _helm_manifests.find(items, kind, gate.namespace, gate.name, release.namespace)

        return find

    def _changed(self, release: Release, decision: Decision) -> bool:
        """Whether anything was done to a release that failed; helm may end before, as where a chart is missing."""
        if self._left.get(release.key):
            return True
        if release.key not in self._touched:
            return False
        try:
            stored = _helm_storage.read_one(self._kubernetes, release.namespace, release.name)
        except EksError:
            return True
        return (stored.version if stored else "") != decision.version

    def _require_namespace(self, release: Release, decision: Decision) -> None:
        """Raise EksError where the namespace of a new release is missing and nothing of this run makes it."""
        if decision.state != INSTALLED or release.create_namespace:
            return
        if self._context.check_mode and release.namespace in self._namespaces_to_come(release):
            return
        try:
            found = self._kubernetes.find(self._kubernetes.paths.object("v1", "Namespace", release.namespace))
        except KubernetesError as error:
            if error.status == FORBIDDEN:
                # Whoever may not read namespaces may yet install into one: then Helm tells.
                return
            raise
        if found is None:
            raise EksError(
                f"The namespace {release.namespace} does not exist. Make it first, or set the release's "
                "create_namespace."
            )
        if found["metadata"].get("deletionTimestamp"):
            raise EksError(f"The namespace {release.namespace} is being deleted. Run again once it is gone.")

    def _namespaces_to_come(self, release: Release) -> set[str]:
        """Namespaces that a run makes for releases that this one needs."""
        found: set[str] = set()
        for key in release.needs:
            need = self._releases[key]
            found |= {need.namespace} if need.create_namespace else set()
            found |= self._namespaces.get(key, set())
            found |= self._namespaces_to_come(need)
        return found

    def _change(self, release: Release, decision: Decision) -> None:
        if self._repairs(release.key):
            self._applied[release.key] = self._drift.get(release.key, [])
            self._restarted[release.key] = self._restarts.repair(release, decision, self._applied[release.key])
            return
        if decision.state == REMOVED:
            self._remove(release, decision)
            return
        # Before anything is repaired: where the chart cannot be had nothing is done at all.
        release = self._fetched(release, decision)
        changes = self._crds.plan(release)
        removed = self._prepare(release, decision.status)
        if changes:
            self._applied[release.key] = changes
            self._crds.apply(release, changes)
        mark = self._restarts.mark(release, decision, removed=removed)
        self._helm.upgrade(release, mark.text if mark else "")
        if mark:
            self._restarted[release.key] = self._restarts.settle(release, mark)
        if self._context.diff_mode:
            self._differences[release.key] = self._between(release, decision.manifest, self._manifest(release))

    def _remove(self, release: Release, decision: Decision) -> None:
        if decision.status:
            self._removal.require_unused((release.namespace, release.name), release.used_by, release.timeout)
            try:
                self._helm.uninstall(release)
            except EksError as error:
                raise self._removal.explained(error, decision.manifest, release.namespace) from error
        # Its programs have ended, so that they write nothing any more.
        done = self._left.setdefault(release.key, []).append
        self._removal.remove(release.leftovers, done, installed=bool(decision.status))
        self._differences[release.key] = self._between(release, decision.manifest, "")

    def _fetched(self, release: Release, decision: Decision) -> Release:
        """The release with its chart on this machine."""
        if release.chart is None:
            return release
        return replace(release, chart=self._archives.fetch(release, release.chart, decision.digest))

    def _prepare(self, release: Release, status: str) -> bool:
        """Bring a release that an ended helm left behind into a state from which helm upgrades it.

        helm refuses while the newest revision is pending; one that failed it upgrades by itself. Returns whether the
        release was removed.
        """
        if status in BROKEN_OFF:
            revision = _helm_storage.last_good_revision(self._kubernetes, release.namespace, release.name)
            if revision is not None:
                self._helm.rollback(release, revision)
                return False
        if status.startswith(UNFINISHED):
            self._helm.uninstall(release)
            return True
        return False

    def _repairs(self, key: str) -> bool:
        """Whether objects are put back or pods restarted, for which no helm is needed."""
        return key in self._drift or self._decisions[key].only_restarts

    def _wait(self, release: Release) -> None:
        # An unchanged release's gates count too: what is broken in the cluster must not be called fine.
        wait = partial(self._gates.wait, wanted=self._wanted(release))
        problems = [error for error in settle(self._context, wait, release.gates) if error is not None]
        for problem in problems:
            if not isinstance(problem, EksError):
                raise problem
        if problems:
            raise EksError("; ".join(str(problem) for problem in problems))


def _since(started: float) -> float:
    return round(time.monotonic() - started, 1)
