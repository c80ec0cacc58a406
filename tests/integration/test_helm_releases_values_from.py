# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""helm_releases takes values from live objects: in one run, though they are not there when it begins."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sandbox.lifecycle import DEFAULT_CLUSTER
from tests.integration.helm_releases_support import CONFIG_MAP, NOWHERE, Ground, write_chart
from tests.sandbox_fixtures import RunningSandbox
from tests.support import wait_until

GROUP = "/apis/networking.k8s.io/v1"
INGRESS = """\
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: front}
spec: {defaultBackend: {service: {name: web, port: {number: 80}}}}
"""
GATE = {"kind": "ingress", "name": "front"}
ADDRESS = "status.loadBalancer.ingress[0].hostname"
FROM = {"kind": "ingress", "name": "front", "path": ADDRESS, "value": "publish.name"}


def pair(ground: Ground, tmp_path: Path, **front: Any) -> list[dict[str, Any]]:
    """A release with an Ingress that waits for its address, and one that takes it."""
    first = write_chart(tmp_path / "front", INGRESS)
    second = write_chart(tmp_path / "web", CONFIG_MAP)
    return [
        ground.release("front", first, **{"gates": [GATE], **front}),
        ground.release("web", second, needs=["front"], values={"replicas": 2}, values_from=[FROM]),
    ]


def set_address(sandbox: RunningSandbox, ground: Ground, name: str) -> None:
    """What a controller does: write the Ingress's status, once there is an Ingress."""
    kube = sandbox.kube(DEFAULT_CLUSTER)
    path = ground.path("ingresses", "front", GROUP)
    wait_until(lambda: kube.get(path), "the Ingress")
    body = {"status": {"loadBalancer": {"ingress": [{"hostname": name}]}}}
    status, answer = kube.request("PATCH", f"{path}/status", body, "application/merge-patch+json")
    assert status == 200, answer
    kube.close()


@contextmanager
def controller(sandbox: RunningSandbox, ground: Ground, name: str) -> Iterator[None]:
    """Something that gives the Ingress an address while the module runs."""
    thread = threading.Thread(target=set_address, args=(sandbox, ground, name))
    thread.start()
    yield
    thread.join()


def values_of(ground: Ground) -> Any:
    """The values that helm rendered the second release with."""
    return json.loads(ground.kube.get(ground.path("configmaps", "web"))["data"]["values"])


def test_a_value_that_is_not_there_yet_is_found_in_the_same_run(
    sandbox: RunningSandbox, ground: Ground, tmp_path: Path
) -> None:
    releases = pair(ground, tmp_path)
    foretold = ground.run(*releases, check=True)
    assert foretold.states == {"front": "installed", "web": "installed"}
    shown = foretold.result["diff"]["after"][f"{ground.namespace}/web"]
    assert shown["values.publish.name"] == f"(known once there is {ADDRESS} of ingress {ground.namespace}/front)"

    with controller(sandbox, ground, "first.elb.example"):
        run = ground.run(*releases)
    assert run.states == {"front": "installed", "web": "installed"}
    assert values_of(ground) == {"replicas": 2, "publish": {"name": "first.elb.example"}}
    assert run.result["diff"]["after"][f"{ground.namespace}/web"]["values.publish.name"] == "first.elb.example"

    again = ground.run(*releases, helm_binary=NOWHERE)
    assert again.states == {"front": "unchanged", "web": "unchanged"}
    ingress = f"kubernetes:GET {ground.path('ingresses', 'front', GROUP)}"
    # The value's, then the gate's.
    assert sorted(again.calls) == sorted([ingress, "kubernetes:GET /api/v1/secrets", ingress])


def test_a_value_that_changed_is_an_upgrade(sandbox: RunningSandbox, ground: Ground, tmp_path: Path) -> None:
    releases = pair(ground, tmp_path)
    with controller(sandbox, ground, "first.elb.example"):
        ground.run(*releases)
    set_address(sandbox, ground, "second.elb.example")
    run = ground.run(*releases)
    assert run.states == {"front": "unchanged", "web": "upgraded"}
    assert run.result["releases"][1]["message"] == "values changed: publish.name"
    assert values_of(ground)["publish"] == {"name": "second.elb.example"}


def test_an_object_that_is_made_anew_leaves_what_is_as_it_was_unchanged(
    sandbox: RunningSandbox, ground: Ground, tmp_path: Path
) -> None:
    releases = pair(ground, tmp_path)
    with controller(sandbox, ground, "first.elb.example"):
        ground.run(*releases)
    assert ground.run({**releases[1], "state": "absent", "needs": []}, {**releases[0], "state": "absent"}).result
    with controller(sandbox, ground, "first.elb.example"):
        ground.run(*releases)
    assert ground.kube.request("DELETE", ground.path("ingresses", "front", GROUP))[0] == 200
    again = [{**releases[0], "drift": True}, releases[1]]
    with controller(sandbox, ground, "first.elb.example"):
        run = ground.run(*again)
    assert run.states == {"front": "repaired", "web": "unchanged"}


def test_a_value_that_does_not_come_fails_the_release_that_wants_it(ground: Ground, tmp_path: Path) -> None:
    run = ground.run(*pair(ground, tmp_path, gates=[]))
    assert run.states == {"front": "installed", "web": "failed"}
    wanted = f"A value comes from {ADDRESS} of ingress {ground.namespace}/front, which is not there"
    assert wanted in run.result["releases"][1]["message"]
    assert "gate" in run.result["releases"][1]["message"]


def test_what_is_removed_asks_for_nothing(sandbox: RunningSandbox, ground: Ground, tmp_path: Path) -> None:
    releases = pair(ground, tmp_path)
    with controller(sandbox, ground, "first.elb.example"):
        ground.run(*releases)
    gone = ground.run(*[{**release, "state": "absent"} for release in releases])
    assert set(gone.states.values()) == {"removed"}
