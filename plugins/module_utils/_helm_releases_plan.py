# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What a release needs done: pure decisions on what Helm recorded and what is wanted."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from ansible_collections.ekspress.eks.plugins.module_utils._errors import EksError
from ansible_collections.ekspress.eks.plugins.module_utils._gates_plan import Gate
from ansible_collections.ekspress.eks.plugins.module_utils._helm_changes import Change
from ansible_collections.ekspress.eks.plugins.module_utils._helm_charts import Chart, same_version
from ansible_collections.ekspress.eks.plugins.module_utils._helm_removal import Leftover
from ansible_collections.ekspress.eks.plugins.module_utils._helm_restarts_plan import Mark, parse_mark
from ansible_collections.ekspress.eks.plugins.module_utils._helm_storage import DEPLOYED, Stored
from ansible_collections.ekspress.eks.plugins.module_utils._helm_uses import Use
from ansible_collections.ekspress.eks.plugins.module_utils._helm_values import changed_values, same, secrets
from ansible_collections.ekspress.eks.plugins.module_utils._helm_values_from import Source

NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,51}[a-z0-9])?")
"""At most 53 characters: https://helm.sh/docs/chart_template_guide/getting_started/#adding-a-simple-template-call"""

NAMESPACE = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")

UNCHANGED, INSTALLED, UPGRADED, REPAIRED, REMOVED = "unchanged", "installed", "upgraded", "repaired", "removed"
FAILED, SKIPPED = "failed", "skipped"
CHANGES = frozenset({INSTALLED, UPGRADED, REPAIRED, REMOVED})


@dataclass(frozen=True)
class Release:
    """A release as it is wanted. ``chart`` is None where it is to be absent."""

    name: str
    namespace: str
    chart: Chart | None
    values: dict[str, Any] = field(repr=False)
    needs: tuple[str, ...]
    """Keys (namespace/name) of other releases."""
    gates: tuple[Gate, ...]
    timeout: int
    create_namespace: bool
    plain_http: bool
    crds: str = "apply"
    """What is done with the CRDs of the chart: apply, take_over or skip."""
    take_ownership: bool = False
    drift: bool = False
    values_variable: str = ""
    """The variable by which the user sets the values."""
    sources: tuple[Source, ...] = ()
    """What values come from live objects."""
    used_by: tuple[Use, ...] = ()
    leftovers: tuple[Leftover, ...] = ()

    @property
    def key(self) -> str:
        return f"{self.namespace}/{self.name}"

    @property
    def values_origin(self) -> str:
        """Where messages send the user to who must change a value."""
        return f"the variable {self.values_variable}" if self.values_variable else "the release's values"


@dataclass(frozen=True)
class Decision:
    """What is to be done with a release, and why. ``state`` is the one it will have if nothing fails."""

    state: str
    reason: str = ""
    status: str = ""
    """Helm's status of the newest revision; '' where there is none."""
    before: dict[str, Any] = field(default_factory=dict)
    after: dict[str, Any] = field(default_factory=dict)
    version: str = ""
    """The version of Helm's record of it, which tells whether Helm did anything since."""
    revision: int = 0
    secret: str = ""
    """The name of the Secret that holds Helm's record."""
    mark: Mark | None = None
    """Restarts that an earlier run began and did not end."""
    only_restarts: bool = False
    """Whether nothing else is to be done than those restarts."""
    digest: str = ""
    """Start of the digest that the wanted version of the chart had when the release was made of it."""
    manifest: str = field(default="", repr=False)
    """The objects of its newest revision."""
    hidden: frozenset[str] = field(default=frozenset(), repr=False)
    """What no diff may show: texts of values that look secret by their name."""


@dataclass(frozen=True)
class Decided:
    """What is to be done: a decision for each release, and what drifted of those that are unchanged but for that."""

    decisions: dict[str, Decision]
    drift: dict[str, list[Change]]
    problems: dict[str, str]
    """Why it cannot be told what is to be done with a release, or whether it drifted."""
    kept: set[str] = field(default_factory=set)
    """Releases among those with problems that are to be absent and must stay, and with them all that needs them."""

    @property
    def unchanged(self) -> bool:
        """Whether nothing is to be done at all."""
        return all(decision.state == UNCHANGED for decision in self.decisions.values())


def decide(release: Release, stored: Stored | None) -> Decision:
    """Compare what Helm recorded with what is wanted."""
    decision = _decide(release, stored)
    hidden = frozenset(secrets(release.values) | secrets(stored.values if stored else {}))
    if stored is None:
        return replace(decision, hidden=hidden)
    chart, mark = release.chart, parse_mark(stored.mark)
    if chart and mark and decision.state == UNCHANGED:
        why = "an earlier run ended before it had restarted all pods"
        decision = replace(decision, state=REPAIRED, reason=why, only_restarts=True)
    same_chart = chart and stored.chart_name == chart.name and same_version(stored.chart_version, chart.version)
    return replace(
        decision,
        version=stored.version,
        revision=stored.revision,
        secret=stored.secret,
        mark=mark,
        digest=stored.digest if same_chart else "",
        manifest=stored.manifest,
        hidden=hidden,
    )


def _decide(release: Release, stored: Stored | None) -> Decision:
    status = stored.status if stored else ""
    before = _shown(stored.chart_name, stored.chart_version, status) if stored and status != "uninstalled" else {}
    if release.chart is None:
        if not before:
            return Decision(UNCHANGED, "there is no such release", status)
        return Decision(REMOVED, "state is absent", status, before)
    after = _shown(release.chart.name, release.chart.version, DEPLOYED)
    if stored is None or not before:
        return Decision(
            INSTALLED, "there is no such release", status, before, {**after, **changed_values({}, release.values)[1]}
        )
    reasons = differences(release, release.chart, stored)
    changed_before, changed_after = changed_values(stored.values, release.values)
    before, after = {**before, **changed_before}, {**after, **changed_after}
    if status != DEPLOYED:
        why = f"its status is {status}" + (f" ({stored.description})" if stored.description else "")
        return Decision(REPAIRED, "; ".join([why, *reasons]), status, before, after)
    if reasons:
        return Decision(UPGRADED, "; ".join(reasons), status, before, after)
    return Decision(UNCHANGED, "", status)


def left_behind(decision: Decision, names: list[str]) -> Decision:
    """The decision on a release that is removed, or gone already, of which these objects are left."""
    before = {**decision.before, "left behind": names}
    if decision.state == UNCHANGED:
        return replace(decision, state=REMOVED, reason=f"left behind: {', '.join(names)}", before=before)
    return replace(decision, before=before)


def drifted(decision: Decision, names: list[str]) -> Decision:
    """The decision on a release whose objects are not as Helm recorded them."""
    reasons = [decision.reason, f"not as released: {', '.join(names)}"]
    return replace(decision, state=REPAIRED, reason="; ".join(filter(None, reasons)))


def differences(release: Release, chart: Chart, stored: Stored) -> list[str]:
    """Why a release is not what is wanted; nothing where it is."""
    reasons = []
    if stored.chart_name != chart.name:
        reasons.append(f"chart {stored.chart_name} becomes {chart.name}")
    if not same_version(stored.chart_version, chart.version):
        reasons.append(f"version {stored.chart_version} becomes {chart.version}")
    elif chart.digest and not stored.digest:
        reasons.append("the digest of the chart that it was made of is not known")
    elif chart.digest and not chart.digest.startswith(stored.digest):
        reasons.append("the files of the chart changed" if chart.local else "the digest of the chart changed")
    if not same(stored.values, release.values):
        before, after = changed_values(stored.values, release.values)
        keys = sorted({*before, *after})
        reasons.append(f"values changed: {', '.join(key.removeprefix('values.') for key in keys)}")
    return reasons


def _shown(name: str, version: str, status: str) -> dict[str, Any]:
    return {"chart": f"{name} {version}", "status": status}


def removed(releases: Iterable[Release]) -> frozenset[tuple[str, str]]:
    """Namespace and name of the releases that are to be absent."""
    return frozenset((release.namespace, release.name) for release in releases if release.chart is None)


def check_names(name: str, namespace: str) -> None:
    """Raise EksError where Helm or Kubernetes would refuse the names."""
    if not NAME.fullmatch(name):
        raise EksError(
            f"{name!r} is not a release's name: 1 to 53 lower-case letters, digits and hyphens, with a letter or digit "
            "first and last."
        )
    if not NAMESPACE.fullmatch(namespace):
        raise EksError(
            f"Release {name!r}: {namespace!r} is not a namespace: 1 to 63 lower-case letters, digits and hyphens."
        )
