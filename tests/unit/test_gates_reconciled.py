# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Whether the address of an Ingress is that of its newest version."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from ansible_collections.ekspress.eks.plugins.module_utils._errors import EksError
from ansible_collections.ekspress.eks.plugins.module_utils._gates import parse
from ansible_collections.ekspress.eks.plugins.module_utils._gates_plan import HOLDS, WAITS, Verdict
from ansible_collections.ekspress.eks.plugins.module_utils._gates_reconciled import judge_reconciled

NOON = datetime(2026, 1, 1, 12, 0, 0, tzinfo=UTC)
PUBLIC, INTERNAL = "k8s-web-1.elb.amazonaws.com", "internal-k8s-web-2.elb.amazonaws.com"


def at(seconds: float) -> str:
    """A time after noon, as the API writes it."""
    return (NOON + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


def ingress(*, changed: float, written: float, name: str = PUBLIC, scheme: str | None = None) -> dict[str, Any]:
    """An Ingress that was changed, and its status written, so many seconds after noon."""
    fields = [
        {"manager": "helm", "time": at(changed), "fieldsV1": {"f:metadata": {"f:annotations": {}}, "f:spec": {}}},
        # Of the controller's finalizers, which it adds before it works.
        {"manager": "controller", "time": at(500), "fieldsV1": {"f:metadata": {"f:finalizers": {}}}},
        {"manager": "controller", "time": at(written), "subresource": "status", "fieldsV1": {"f:status": {}}},
    ]
    annotations = {} if scheme is None else {"alb.ingress.kubernetes.io/scheme": scheme}
    return {
        "metadata": {"name": "web", "annotations": annotations, "managedFields": fields},
        "status": {"loadBalancer": {"ingress": [{"hostname": name}]}},
    }


def event(seconds: float, reason: str = "SuccessfullyReconciled") -> dict[str, Any]:
    return {"reason": reason, "lastTimestamp": at(seconds), "metadata": {}}


def state(item: dict[str, Any], now: float, *events: dict[str, Any]) -> str:
    return judge_reconciled(item, lambda: list(events), NOON + timedelta(seconds=now)).state


def unread() -> list[dict[str, Any]]:
    raise AssertionError("the events were read")


def judged_without_events(item: dict[str, Any], now: float) -> Verdict:
    return judge_reconciled(item, unread, NOON + timedelta(seconds=now))


def test_a_status_that_was_written_since_is_enough_without_a_look_at_events() -> None:
    assert judged_without_events(ingress(changed=100, written=103), 104).state == HOLDS
    assert judged_without_events(ingress(changed=100, written=100), 101).state == HOLDS


def test_an_ingress_that_has_not_changed_for_long_costs_no_call() -> None:
    assert judged_without_events(ingress(changed=0, written=-60), 3601).state == HOLDS
    item = ingress(changed=0, written=0)
    del item["metadata"]["managedFields"]
    assert judged_without_events(item, 1).state == HOLDS


@pytest.mark.parametrize(
    ("now", "events", "wanted"),
    [
        (105, [], WAITS),
        (3000, [], WAITS),
        (130, [event(99)], WAITS),
        (130, [event(105, "FailedDeployModel")], WAITS),
        # It may be of work that was begun before the change.
        (105, [event(104)], WAITS),
        (110, [event(104)], HOLDS),
        (111, [event(50), event(104)], HOLDS),
    ],
)
def test_after_a_change_the_controller_must_say_that_it_is_done(
    now: float, events: list[dict[str, Any]], wanted: str
) -> None:
    assert state(ingress(changed=100, written=10), now, *events) == wanted


@pytest.mark.parametrize(("scheme", "name"), [("internal", PUBLIC), ("internet-facing", INTERNAL)])
def test_a_load_balancer_of_another_scheme_is_about_to_go(scheme: str, name: str) -> None:
    """Unless something else than the annotation decides, as parameters of its class do."""
    item = ingress(changed=100, written=10, name=name, scheme=scheme)
    assert state(item, 130, event(104)) == WAITS
    assert state(item, 160, event(104)) == HOLDS
    # A status that was written since by work begun before.
    assert state(ingress(changed=100, written=101, name=name, scheme=scheme), 102, event(101)) == WAITS
    other = PUBLIC if name == INTERNAL else INTERNAL
    assert state(ingress(changed=100, written=101, name=other, scheme=scheme), 102) == HOLDS


def test_events_that_may_not_be_read_stop_nothing() -> None:
    assert (
        judge_reconciled(ingress(changed=100, written=10), lambda: None, NOON + timedelta(seconds=105)).state == HOLDS
    )


def test_only_ingresses_are_reconciled_in_this_sense() -> None:
    options = {"kind": "deployment", "name": "web", "reconciled": True}
    with pytest.raises(EksError, match="only the gate ingress takes reconciled, not deployment"):
        parse(options, "web", 300, "Release 'web'")
    assert parse({**options, "kind": "ingress"}, "web", 300, "Release 'web'").reconciled
