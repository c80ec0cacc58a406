# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Which workloads must be restarted because the IAM role of their service account changed: pure decisions.

EKS puts a role into a pod as it starts, from the annotations of its service account:
https://docs.aws.amazon.com/eks/latest/userguide/pod-configuration.html
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.ekspress.eks.plugins.module_utils._helm_changes import Change
from ansible_collections.ekspress.eks.plugins.module_utils._helm_manifests import find

IDENTITY = frozenset(
    f"eks.amazonaws.com/{name}" for name in ("role-arn", "audience", "sts-regional-endpoints", "token-expiration")
)
"""Annotations of a service account that pods are started by: https://github.com/aws/amazon-eks-pod-identity-webhook"""

KINDS = frozenset({"Deployment", "DaemonSet", "StatefulSet"})
"""Kinds of apps/v1 whose pods are replaced where their template changes."""

MARK = re.compile(
    r"(?P<since>all|adopted|[1-9]\d*)\.(?P<day>\d{4}-\d\d-\d\d)T(?P<hour>\d\d)\.(?P<minute>\d\d)\.(?P<second>\d\d\.\d{3})Z"
)

Item = dict[str, Any]


@dataclass(frozen=True)
class Mark:
    """Restarts that may be owed: a label of Helm's record, from before anything changes until they are done."""

    moment: str
    """When the change was begun, as 2026-05-14T10:11:12.345Z; the restarted pods' templates have it too."""
    since: int | None = None
    """The last revision whose pods all had its roles; None where each workload with a role may be owed one."""
    adopted: bool = False
    """Whether only workloads count that were there before."""

    @property
    def text(self) -> str:
        """The label's value, in which no colon may be."""
        since = self.since or ("adopted" if self.adopted else "all")
        return f"{since}.{self.moment.replace(':', '.')}"


@dataclass(frozen=True)
class Workload:
    """What is to be restarted."""

    kind: str
    namespace: str
    name: str

    def label(self, namespace: str) -> str:
        """What messages call it beside a release of a namespace."""
        return f"{self.kind} {'' if self.namespace == namespace else f'{self.namespace}/'}{self.name}"


def parse_mark(text: str) -> Mark | None:
    """A mark from the label's value; None where there is none."""
    found = MARK.fullmatch(text)
    if not found:
        return None
    moment = f"{found['day']}T{found['hour']}:{found['minute']}:{found['second']}Z"
    since = int(found["since"]) if found["since"].isdigit() else None
    return Mark(moment, since, found["since"] == "adopted")


def owed(history: Sequence[list[Item]], namespace: str) -> list[Workload]:
    """The workloads of the newest revision with pods that may have been started with another role.

    ``history`` are the objects of revisions of a release in a namespace, the newest last; what its oldest describes is
    what pods ran with then. A change of the template replaces pods by itself, after the service account's, as Helm
    goes through the kinds in that order.
    """
    newest = history[-1]
    found = []
    for item, workload in _workloads(newest, namespace):
        wanted = _identity(newest, item, namespace)
        later = item
        for objects in reversed(history[:-1]):
            before = find(objects, workload.kind, workload.namespace, workload.name, namespace)
            if before is None or before["spec"]["template"] != later["spec"]["template"]:
                break
            if _identity(objects, before, namespace) != wanted:
                found.append(workload)
                break
            later = before
    return found


def with_role(objects: list[Item], namespace: str) -> list[Workload]:
    """The workloads whose service account, of the same release, gives their pods a role."""
    return [workload for item, workload in _workloads(objects, namespace) if _identity(objects, item, namespace)]


def owed_by_drift(changes: Iterable[Change], objects: list[Item], namespace: str) -> list[Workload]:
    """The workloads of a release that are owed a restart once its objects that drifted are put back.

    ``objects`` are the release's. What is made anew, or gets its template back, starts new pods by itself.
    """
    accounts, replaced = set(), set()
    for change in changes:
        meta = change.item["metadata"]
        key = (meta.get("namespace") or namespace, meta["name"])
        if change.item["kind"] == "ServiceAccount":
            if identity(change.live or {}) != identity(change.planned):
                accounts.add(key)
        elif change.item["kind"] in KINDS and _template(change.live) != _template(change.planned):
            replaced.add((change.item["kind"], *key))
    return [
        workload
        for item, workload in _workloads(objects, namespace)
        if (workload.namespace, _account(item)) in accounts
        and (workload.kind, workload.namespace, workload.name) not in replaced
    ]


def identity(account: Item) -> dict[str, str]:
    """What a service account says of the role of its pods."""
    annotations = (account.get("metadata") or {}).get("annotations") or {}
    return {key: str(value) for key, value in annotations.items() if key in IDENTITY}


def reason(workloads: Sequence[Workload], namespace: str) -> str:
    """What a result says of restarts; '' where there are none."""
    names = ", ".join(workload.label(namespace) for workload in workloads)
    return f"restarted, as the IAM role of the service account changed: {names}" if names else ""


def _workloads(objects: list[Item], namespace: str) -> list[tuple[Item, Workload]]:
    found = []
    for item in objects:
        meta = item.get("metadata") or {}
        if item["kind"] in KINDS and item.get("apiVersion") == "apps/v1" and isinstance(_template(item), dict):
            found.append((item, Workload(item["kind"], meta.get("namespace") or namespace, str(meta.get("name")))))
    return found


def _template(item: Item | None) -> Any:
    return ((item or {}).get("spec") or {}).get("template")


def _account(workload: Item) -> str:
    """The name of the service account of a workload's pods; serviceAccount is its old name."""
    pod = workload["spec"]["template"].get("spec") or {}
    return str(pod.get("serviceAccountName") or pod.get("serviceAccount") or "default")


def _identity(objects: list[Item], workload: Item, namespace: str) -> dict[str, str]:
    where = (workload.get("metadata") or {}).get("namespace") or namespace
    return identity(find(objects, "ServiceAccount", where, _account(workload), namespace) or {})
