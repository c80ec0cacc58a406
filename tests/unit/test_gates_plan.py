# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""When gates hold, and when waiting is of no use."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from ansible_collections.ekspress.eks.plugins.module_utils._gates_plan import (
    Gate,
    judge,
    judge_admission,
    judge_scale,
    judge_webhooks,
    scaled_to_nothing,
)
from ansible_collections.ekspress.eks.plugins.module_utils._gates_pods import (
    bad_end,
    final_failure,
    never_created,
    newest_hashes,
    of_newest_version,
    selector,
)

NOW = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)


def item(status: dict[str, Any], spec: dict[str, Any] | None = None) -> dict[str, Any]:
    """An object of generation 2 that its controller has seen, unless the status says otherwise."""
    return {"metadata": {"generation": 2}, "spec": spec or {}, "status": {"observedGeneration": 2, **status}}


def conditions(**states: str) -> dict[str, Any]:
    """Conditions as `Type="True reason: message"`."""
    made = []
    for kind, words in states.items():
        state, _, rest = words.partition(" ")
        reason, _, message = rest.partition(": ")
        made.append({"type": kind, "status": state, "reason": reason, "message": message})
    return {"conditions": made}


ROLLED_OUT = {"replicas": 2, "updatedReplicas": 2, "availableReplicas": 2}


@pytest.mark.parametrize(
    ("kind", "found", "state"),
    [
        ("deployment", None, "waits"),
        ("deployment", item(ROLLED_OUT, {"replicas": 2}), "holds"),
        ("deployment", item({**ROLLED_OUT, "observedGeneration": 1}, {"replicas": 2}), "waits"),
        ("deployment", item({**ROLLED_OUT, "updatedReplicas": 1}, {"replicas": 2}), "waits"),
        ("deployment", item({**ROLLED_OUT, "replicas": 3}, {"replicas": 2}), "waits"),
        ("deployment", item({**ROLLED_OUT, "availableReplicas": 1}, {"replicas": 2}), "waits"),
        ("deployment", item({}, {"replicas": 0}), "holds"),
        ("deployment", item({**ROLLED_OUT, "updatedReplicas": 1}, {"replicas": 2, "paused": True}), "failed"),
        ("deployment", item(ROLLED_OUT, {"replicas": 2, "paused": True}), "holds"),
        (
            "deployment",
            item({**conditions(Progressing="False ProgressDeadlineExceeded: late")}, {"replicas": 2}),
            "failed",
        ),
        (
            "deployment",
            item(
                {**conditions(ReplicaFailure="True FailedCreate: pods x is forbidden: exceeded quota: y")},
                {"replicas": 2},
            ),
            "failed",
        ),
        (
            "deployment",
            item({**conditions(ReplicaFailure="True FailedCreate: failed calling webhook")}, {"replicas": 2}),
            "waits",
        ),
        ("daemonset", item({"desiredNumberScheduled": 2, "updatedNumberScheduled": 2, "numberAvailable": 2}), "holds"),
        ("daemonset", item({"desiredNumberScheduled": 2, "updatedNumberScheduled": 1, "numberAvailable": 2}), "waits"),
        ("daemonset", item({"desiredNumberScheduled": 2, "updatedNumberScheduled": 2, "numberAvailable": 1}), "waits"),
        ("daemonset", item({"desiredNumberScheduled": 2, "observedGeneration": 1}), "waits"),
        ("daemonset", item({"desiredNumberScheduled": 0}), "holds"),
        (
            "daemonset",
            item(
                {"desiredNumberScheduled": 2, "updatedNumberScheduled": 0, "numberAvailable": 2},
                {"updateStrategy": {"type": "OnDelete"}},
            ),
            "holds",
        ),
        ("statefulset", item({"updatedReplicas": 1, "availableReplicas": 1, "updateRevision": "b"}), "holds"),
        (
            "statefulset",
            item({"currentRevision": "a", "updateRevision": "b", "availableReplicas": 3}, {"replicas": 3}),
            "waits",
        ),
        (
            "statefulset",
            item(
                {"currentRevision": "a", "updateRevision": "b", "availableReplicas": 3, "updatedReplicas": 1},
                {"replicas": 3, "updateStrategy": {"rollingUpdate": {"partition": 2}}},
            ),
            "holds",
        ),
        ("statefulset", item({"currentRevision": "a", "updateRevision": "a", "availableReplicas": 0}), "waits"),
        ("job", item(conditions(Complete="True")), "holds"),
        ("job", item(conditions(Failed="True BackoffLimitExceeded: it failed")), "failed"),
        ("job", item({}), "waits"),
        ("job", item({}, {"suspend": True}), "waits"),
        ("crd", item(conditions(Established="True", NamesAccepted="True")), "holds"),
        ("crd", item(conditions(Established="False", NamesAccepted="False Conflict: taken")), "failed"),
        ("crd", item({}), "waits"),
        ("apiservice", item(conditions(Available="True Passed: yes")), "holds"),
        ("apiservice", item(conditions(Available="False MissingEndpoints: none")), "waits"),
        ("ingress", item({"loadBalancer": {"ingress": [{"hostname": "lb.example"}]}}), "holds"),
        ("ingress", item({"loadBalancer": {"ingress": [{}]}}), "waits"),
        ("service", item({"loadBalancer": {"ingress": [{"ip": "10.0.0.1"}]}}, {"type": "LoadBalancer"}), "holds"),
        ("service", item({"loadBalancer": {}}, {"type": "LoadBalancer"}), "waits"),
        ("service", item({"loadBalancer": {}}, {"type": "ClusterIP"}), "failed"),
        ("service", item({}), "failed"),
    ],
)
def test_a_gate_on_one_object(kind: str, found: dict[str, Any] | None, state: str) -> None:
    verdict = judge(kind, found)
    assert verdict.state == state
    assert bool(verdict.reason) == (state != "holds")


@pytest.mark.parametrize(
    ("wanted", "state"),
    [
        (None, "holds"),
        ({"spec": {}}, "holds"),
        ({"spec": {"replicas": 0}}, "holds"),
        ({"spec": {"replicas": 2}}, "failed"),
    ],
)
def test_a_workload_without_pods_is_fine_only_where_its_release_does_not_want_any(
    wanted: dict[str, Any] | None, state: str
) -> None:
    assert judge_scale(wanted).state == state


def test_only_what_has_a_number_of_pods_can_be_scaled_to_nothing() -> None:
    assert scaled_to_nothing("deployment", item({}, {"replicas": 0}))
    assert scaled_to_nothing("statefulset", item({}, {"replicas": 0}))
    assert not scaled_to_nothing("deployment", item({}, {"replicas": 1}))
    assert not scaled_to_nothing("deployment", item({}, {}))
    assert not scaled_to_nothing("job", item({}, {"replicas": 0}))


SERVICE = {"namespace": "kube-system", "name": "hooks"}


def configuration(ca: str = "Q0E=", service: dict[str, str] | None = SERVICE) -> dict[str, Any]:
    """A webhook configuration."""
    client = {"service": service, "caBundle": ca} if service else {"url": "https://hooks.example"}
    return {"webhooks": [{"name": "one.example", "clientConfig": client}]}


def slices(*ready: bool | None) -> dict[tuple[str, str], list[dict[str, Any]]]:
    """EndpointSlices of the Service."""
    return {("kube-system", "hooks"): [{"endpoints": [{"conditions": {"ready": state}} for state in ready]}]}


@pytest.mark.parametrize(
    ("configurations", "found", "state", "words"),
    [
        ([configuration()], slices(False, True), "holds", ""),
        ([configuration()], slices(None), "holds", ""),
        ([configuration()], slices(False), "waits", "no ready endpoint"),
        ([configuration()], slices(), "waits", "no ready endpoint"),
        ([configuration()], {}, "waits", "no ready endpoint"),
        ([configuration(ca="")], slices(True), "waits", "no CA"),
        ([configuration(service=None)], {}, "holds", ""),
        ([], {}, "waits", "no webhook configuration"),
    ],
)
def test_a_gate_on_webhooks(
    configurations: list[dict[str, Any]], found: dict[tuple[str, str], list[dict[str, Any]]], state: str, words: str
) -> None:
    verdict = judge_webhooks(configurations, found)
    assert verdict.state == state
    assert words in verdict.reason


CALL = (
    'Internal error occurred: failed calling webhook "v.example": failed to call webhook: Post "https://h.svc:443/v": '
)


@pytest.mark.parametrize(
    ("status", "text", "state", "words"),
    [
        (500, CALL + "no endpoints available for service", "waits", "no endpoints"),
        (500, CALL + "context deadline exceeded", "waits", "security group"),
        (500, CALL + "tls: failed to verify certificate: x509: unknown authority", "waits", "CA does not match"),
        (0, "connection reset", "waits", "reset"),
        (429, "slow down", "waits", "slow"),
        (409, "ingresses.networking.k8s.io probe already exists", "holds", ""),
        (403, 'admission webhook "v.example" denied the request: no such class', "failed", "no such class"),
        (403, 'ingresses is forbidden: User "u" cannot create resource', "failed", "forbidden"),
        (422, "spec.rules: Required value", "failed", "Required"),
        (404, 'namespaces "x" not found', "failed", "not found"),
        (400, 'admission webhook "v.example" does not support dry run', "failed", "dry run"),
    ],
)
def test_a_refused_dry_run_is_tried_again_only_where_the_webhook_did_not_answer(
    status: int, text: str, state: str, words: str
) -> None:
    verdict = judge_admission(status, text)
    assert verdict.state == state
    assert words in verdict.reason


def pod(reason: str = "", *, restarts: int = 0, age: float = 0, **status: Any) -> dict[str, Any]:
    """A pod with one container that waits for a reason."""
    container = {
        "name": "main",
        "restartCount": restarts,
        "state": {"waiting": {"reason": reason, "message": "as the kubelet says"}} if reason else {"running": {}},
        "lastState": {"terminated": {"exitCode": 3, "reason": "Error", "message": "panic\n"}} if restarts else {},
    }
    created = (NOW - timedelta(seconds=age)).isoformat()
    return {
        "metadata": {"name": "web-1", "creationTimestamp": created, "labels": {}},
        "status": {"containerStatuses": [container], **status},
    }


def unscheduled(seconds: float) -> dict[str, Any]:
    """A pod that no node has taken for so long."""
    since = (NOW - timedelta(seconds=seconds)).isoformat()
    scheduled = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "lastTransitionTime": since}
    return {
        "metadata": {"name": "web-1", "creationTimestamp": since},
        "status": {"conditions": [{**scheduled, "message": "0/2 nodes are available"}]},
    }


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (pod("InvalidImageName"), "InvalidImageName: as the kubelet says"),
        (pod("ImagePullBackOff", age=60), "ImagePullBackOff"),
        (pod("CrashLoopBackOff", restarts=3), "it ended with status 3, Error: panic"),
        (pod("CreateContainerConfigError", age=100), "CreateContainerConfigError"),
        (unscheduled(200), "cannot be scheduled: 0/2 nodes are available"),
    ],
)
def test_a_pod_that_will_not_run_is_told_with_its_own_reason(found: dict[str, Any], words: str) -> None:
    assert words in (final_failure(found, NOW) or "")


@pytest.mark.parametrize(
    "found",
    [
        pod(),
        pod("ContainerCreating", age=1000),
        pod("ErrImagePull", age=5),
        pod("ImagePullBackOff", age=5),
        pod("CrashLoopBackOff", restarts=1),
        pod("CreateContainerConfigError", age=10),
        unscheduled(30),
        {"metadata": {"name": "new"}, "status": {}},
    ],
)
def test_a_pod_that_may_yet_run_is_no_failure(found: dict[str, Any]) -> None:
    assert final_failure(found, NOW) is None


def test_a_job_has_a_limit_of_its_own_for_crashes() -> None:
    assert final_failure(pod("CrashLoopBackOff", restarts=3), NOW, crashes=False) is None
    assert final_failure(pod("InvalidImageName"), NOW, crashes=False)


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ({"phase": "Running"}, None),
        (
            {"phase": "Failed", "reason": "Evicted", "message": "low on memory"},
            "pod web-1 failed: Evicted: low on memory",
        ),
        (
            {
                "phase": "Failed",
                "containerStatuses": [{"name": "main", "state": {"terminated": {"exitCode": 3, "reason": "Error"}}}],
            },
            "pod web-1, container main ended with status 3, Error",
        ),
    ],
)
def test_how_a_pod_ended_is_told(status: dict[str, Any], words: str | None) -> None:
    assert bad_end({"metadata": {"name": "web-1"}, "status": status}) == words


@pytest.mark.parametrize(
    ("reason", "message", "age", "found"),
    [
        ("FailedCreate", "pods web-0 is forbidden: exceeded quota: q", 5, True),
        ("FailedCreate", "pods web-0 is forbidden: exceeded quota: q", 100, False),
        ("FailedCreate", "failed calling webhook", 5, False),
        ("SuccessfulCreate", "exceeded quota", 5, False),
    ],
)
def test_an_event_that_tells_why_pods_cannot_be_created(reason: str, message: str, age: float, found: bool) -> None:
    event = {
        "metadata": {"creationTimestamp": "2025-01-01T00:00:00Z"},
        "reason": reason,
        "message": message,
        "lastTimestamp": (NOW - timedelta(seconds=age)).isoformat(),
    }
    assert never_created(event, NOW) is found


def test_pods_of_a_former_version_do_not_count() -> None:
    old = {"metadata": {"labels": {"pod-template-hash": "old", "controller-revision-hash": "old"}}}
    new = {"metadata": {"labels": {"pod-template-hash": "new", "controller-revision-hash": "new"}}}
    assert of_newest_version({}, [old, new], {"new"}) == [new]
    assert of_newest_version({"status": {"updateRevision": "new"}}, [old, new], set()) == [new]
    assert of_newest_version({}, [old, new], set()) == [old, new]


@pytest.mark.parametrize(
    ("cause", "advice"),
    [
        ('no endpoints available for service "web"', ""),
        ('service "web" not found', ""),
        ("dial tcp 10.0.0.1:9443: connect: connection refused", ""),
        ("context deadline exceeded", "security group"),
        ("dial tcp 10.0.0.1:9443: i/o timeout", "security group"),
        ("tls: failed to verify certificate: x509: certificate signed by unknown authority", "CA does not match"),
    ],
)
def test_advice_on_a_webhook_follows_the_cause_and_not_the_url(cause: str, advice: str) -> None:
    call = 'failed to call webhook: Post "https://web.shop.svc:443/a?timeout=10s"'
    text = f'failed calling webhook "a.example": {call}: {cause}'
    reason = judge_admission(500, text).reason
    assert reason.startswith(text)
    added = reason.removeprefix(text)
    assert advice in added if advice else not added


def version(kind: str, number: int, owner: str = "mine") -> dict[str, Any]:
    """A ReplicaSet or a ControllerRevision of a workload."""
    own = {"ownerReferences": [{"uid": owner}]}
    if kind == "ReplicaSet":
        annotations = {"deployment.kubernetes.io/revision": str(number)}
        return {"metadata": {**own, "labels": {"pod-template-hash": f"hash-{number}"}, "annotations": annotations}}
    return {"metadata": {**own, "labels": {"controller-revision-hash": f"hash-{number}"}}, "revision": number}


@pytest.mark.parametrize("kind", ["ReplicaSet", "ControllerRevision"])
def test_the_newest_version_is_of_the_workload_and_counts_as_a_number(kind: str) -> None:
    versions = [version(kind, 9), version(kind, 10), version(kind, 11, "another")]
    assert newest_hashes({"metadata": {"uid": "mine"}}, versions) == {"hash-10"}
    assert newest_hashes({"metadata": {"uid": "mine"}}, []) == set()


def test_a_selector_as_text() -> None:
    rules = [
        {"key": "b", "operator": "In", "values": ["1", "2"]},
        {"key": "c", "operator": "NotIn", "values": ["3"]},
        {"key": "d", "operator": "Exists"},
        {"key": "e", "operator": "DoesNotExist"},
    ]
    workload = {"spec": {"selector": {"matchLabels": {"a": "x"}, "matchExpressions": rules}}}
    assert selector(workload) == "a=x,b in (1,2),c notin (3),d,!e"


def test_a_gates_label_has_a_namespace_where_its_kind_has() -> None:
    assert Gate("deployment", "web", "shop", 1).label == "deployment shop/web"
    assert Gate("crd", "x.example", "", 1).label == "crd x.example"
