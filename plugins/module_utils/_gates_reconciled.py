# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Whether the AWS Load Balancer Controller has worked on an Ingress as it is now: pure judgements on it and its events.

The status of an Ingress has no observedGeneration: after a change it has the name of the load balancer before until the
controller has made another one. What tells of the controller's work is a status that was written since, or its event:
https://kubernetes-sigs.github.io/aws-load-balancer-controller/latest/how-it-works/
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from ansible_collections.ekspress.eks.plugins.module_utils._gates_plan import HOLDS, WAITS, Verdict
from ansible_collections.ekspress.eks.plugins.module_utils._gates_pods import moment

DONE = "SuccessfullyReconciled"
"""Reason of the event by which the controller tells that it has brought about what an Ingress wants."""

EVENTS_KEPT = timedelta(hours=1)
"""Kubernetes keeps no events of earlier changes.
https://kubernetes.io/docs/reference/command-line-tools-reference/kube-apiserver/ (--event-ttl)"""

SETTLED = timedelta(seconds=10)
"""From a change on: an event may tell of work that was begun before it, and the next work follows at once."""

REPLACED = timedelta(seconds=60)
"""The same where one of another scheme is asked for, which takes longer to make, and whose name tells it."""

SCHEME = "alb.ingress.kubernetes.io/scheme"
INTERNAL = "internal-"
"""Begins the names of internal load balancers.
https://docs.aws.amazon.com/elasticloadbalancing/latest/application/application-load-balancers.html"""


def judge_reconciled(
    item: dict[str, Any], read_events: Callable[[], Iterable[dict[str, Any]] | None], now: datetime
) -> Verdict:
    """Whether the status of an Ingress that has an address is that of its newest version.

    ``read_events`` gives its events, None where they may not be read; it is called only where they are needed.
    """
    changed = max(_changes(item, status=False), default=None)
    if changed is None or now - changed > EVENTS_KEPT:
        return Verdict(HOLDS)
    other_scheme = _other_scheme(item)
    if any(written >= changed for written in _changes(item, status=True)) and not other_scheme:
        return Verdict(HOLDS)
    events = read_events()
    if events is None:
        return Verdict(HOLDS)
    if not any(event.get("reason") == DONE and _time(moment(event)) >= changed for event in events):
        words = "its controller has not worked on its newest version, so that its address may be of the one before"
        return Verdict(WAITS, words)
    if now - changed < (REPLACED if other_scheme else SETTLED):
        return Verdict(WAITS, "its load balancer may be replaced by another one yet")
    return Verdict(HOLDS)


def _changes(item: dict[str, Any], *, status: bool) -> Iterator[datetime]:
    """When anybody changed its status, or else its spec or annotations, last."""
    for entry in item["metadata"].get("managedFields") or []:
        fields = entry.get("fieldsV1") or {}
        wanted = "f:spec" in fields or "f:annotations" in (fields.get("f:metadata") or {})
        if entry.get("time") and (entry.get("subresource") == "status" if status else wanted):
            yield _time(entry["time"])


def _other_scheme(item: dict[str, Any]) -> bool:
    """Whether its address is of a load balancer of another scheme than the one that its annotation asks for."""
    wanted = (item["metadata"].get("annotations") or {}).get(SCHEME)
    names = [entry.get("hostname", "") for entry in item["status"]["loadBalancer"]["ingress"]]
    return wanted is not None and any(name and name.startswith(INTERNAL) != (wanted == "internal") for name in names)


def _time(text: str) -> datetime:
    """A time of the Kubernetes API, in whole seconds, as some of them are."""
    return datetime.fromisoformat(text).astimezone(UTC).replace(microsecond=0)
