# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A release that is removed: refused while objects need it, and nothing that its programs made is left."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.ekspress.eks.plugins.module_utils._kubernetes import MANAGER

from tests.integration.helm_releases_support import CONFIG_MAP, NOWHERE, Ground, write_chart
from tests.support import wait_until

MERGE = "application/merge-patch+json"
FINALIZER = "ekspress.example/resources"
INGRESS = """\
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: app
  finalizers: [group.ekspress.example/shop]
spec:
  defaultBackend: {service: {name: app, port: {number: 80}}}
"""
CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


def used_by(*finalizers: str, kind: str = "Ingress") -> list[dict[str, Any]]:
    return [{"api_version": "networking.k8s.io/v1", "kind": kind, "finalizers": list(finalizers)}]


@pytest.fixture
def controller(ground: Ground, tmp_path: Path) -> dict[str, Any]:
    """A release that takes finalizers of Ingresses away."""
    finalizers = (f"{ground.namespace}.example/resources", f"group.{ground.namespace}.example/")
    return ground.release("controller", write_chart(tmp_path / "web", CONFIG_MAP), used_by=used_by(*finalizers))


def ingress(ground: Ground, finalizer: str, name: str = "app") -> str:
    """Make an Ingress with a finalizer; its path."""
    meta = {"name": name, "namespace": ground.namespace, "finalizers": [finalizer]}
    spec = {"defaultBackend": {"service": {"name": name, "port": {"number": 80}}}}
    ground.kube.apply({"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": meta, "spec": spec}, "t")
    return ground.path("ingresses", name, "/apis/networking.k8s.io/v1")


def let_go(ground: Ground, path: str) -> None:
    """Take the finalizers away, as the program of the release does."""
    assert ground.kube.request("PATCH", path, {"metadata": {"finalizers": None}}, MERGE)[0] == 200


@pytest.mark.parametrize("finalizer", ["{}.example/resources", "group.{}.example/shop"])
def test_it_is_refused_while_an_object_needs_it(ground: Ground, controller: dict[str, Any], finalizer: str) -> None:
    ground.run(controller)
    path = ingress(ground, finalizer.format(ground.namespace))
    gone = {**controller, "state": "absent"}
    try:
        for check in (True, False):
            run = ground.run(gone, check=check)
            assert (run.states, run.helm, run.result["changed"]) == ({"controller": "failed"}, [], False)
            assert f"Ingress {ground.namespace}/app could not be deleted any more without it" in run.result["msg"]
        assert ground.run(controller, helm_binary=NOWHERE).states == {"controller": "unchanged"}
    finally:
        let_go(ground, path)
    assert ground.run(gone).states == {"controller": "removed"}


def test_other_objects_do_not_stand_in_its_way(ground: Ground, controller: dict[str, Any]) -> None:
    ground.run(controller)
    path = ingress(ground, "somebody.example/else")
    unknown = {"api_version": "ekspress.example/v1", "kind": "Nothing", "finalizers": [FINALIZER]}
    gone = {**controller, "state": "absent", "used_by": [*controller["used_by"], unknown]}
    try:
        assert ground.run(gone).states == {"controller": "removed"}
    finally:
        let_go(ground, path)


def test_it_waits_for_what_is_being_deleted(ground: Ground, controller: dict[str, Any]) -> None:
    ground.run(controller)
    path = ingress(ground, f"{ground.namespace}.example/resources")
    assert ground.kube.request("DELETE", path)[0] == 200
    gone = {**controller, "state": "absent"}
    assert ground.run(gone, check=True).states == {"controller": "removed"}
    impatient = ground.run({**gone, "timeout": 1})
    assert (impatient.states, impatient.helm) == ({"controller": "failed"}, [])
    assert f"Ingress {ground.namespace}/app still there after 1 s" in impatient.result["msg"]
    timer = threading.Timer(1.0, lambda: let_go(ground, path))
    timer.start()
    assert ground.run(gone).states == {"controller": "removed"}
    timer.join()


def test_what_another_release_of_the_run_has_is_waited_for(
    ground: Ground, controller: dict[str, Any], tmp_path: Path
) -> None:
    """Also where it does not need the controller: check mode and the run agree."""
    template = INGRESS.replace("group.ekspress.example", f"group.{ground.namespace}.example")
    app = ground.release("app", write_chart(tmp_path / "app", template))
    ground.run(controller, app)
    path = ground.path("ingresses", "app", "/apis/networking.k8s.io/v1")
    gone = [{**release, "state": "absent"} for release in (controller, app)]
    assert ground.run(*gone, check=True).states == {"controller": "removed", "app": "removed"}
    # Only the controller takes the finalizer away; here it does so once the Ingress is being deleted.
    ended = threading.Event()

    def play() -> None:
        wait_until(lambda: "deletionTimestamp" in ground.kube.get(path)["metadata"])
        let_go(ground, path)
        ended.set()

    player = threading.Thread(target=play)
    player.start()
    assert ground.run(*gone).states == {"controller": "removed", "app": "removed"}
    player.join()
    assert ended.is_set()


@pytest.fixture
def definition(ground: Ground) -> Iterator[str]:
    """A CRD of the test's own."""
    group = f"{ground.namespace}.example"
    kind = {"plural": "things", "kind": "Thing"}
    schema = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    versions = [{"name": "v1", "served": True, "storage": True, "schema": schema}]
    name = f"things.{group}"
    item = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": name},
        "spec": {"group": group, "names": kind, "scope": "Namespaced", "versions": versions},
    }
    ground.kube.apply(item, MANAGER)
    wait_until(lambda: ground.kube.request("GET", ground.path("things", "", f"/apis/{group}/v1"))[0] == 200)
    yield name
    ground.kube.request("DELETE", f"{CRDS}/{name}")


def test_what_its_programs_leave_goes_with_it(ground: Ground, definition: str, tmp_path: Path) -> None:
    status = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "status", "namespace": ground.namespace}}
    crd = {"api_version": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "name": definition}
    left = {"api_version": "v1", "kind": "ConfigMap", "name": "status", "namespace": ground.namespace}
    thing = {
        "apiVersion": f"{ground.namespace}.example/v1",
        "kind": "Thing",
        "metadata": {"name": "theirs", "namespace": ground.namespace},
    }
    own = "apiVersion: {{ .Release.Namespace }}.example/v1\nkind: Thing\nmetadata: {name: own}\n"
    release = ground.release("web", write_chart(tmp_path / "web", own), leftovers=[left, crd])
    ground.run(release)
    ground.kube.apply(status, "t")
    ground.kube.apply(thing, "t")
    gone = {**release, "state": "absent"}
    message = f"left behind: ConfigMap {ground.namespace}/status"

    foretold = ground.run(gone, check=True)
    run = ground.run(gone)
    assert run.result["diff"] == foretold.result["diff"]
    assert run.result["diff"]["before"][f"{ground.namespace}/web"]["left behind"] == [message.split(": ")[1]]
    assert ground.kube.request("GET", ground.path("configmaps", "status"))[0] == 404
    # Somebody has an object of the CRD.
    assert ground.kube.request("GET", f"{CRDS}/{definition}")[0] == 200
    assert ground.run(gone, helm_binary=NOWHERE).states == {"web": "unchanged"}

    # Something wrote it again: it may be somebody else's now. The object has gone, and the CRD is nobody else's.
    ground.kube.apply(status, "t")
    things = ground.path("things", "theirs", f"/apis/{ground.namespace}.example/v1")
    assert ground.kube.request("DELETE", things)[0] == 200
    wait_until(lambda: ground.kube.request("GET", things)[0] == 404)
    for check in (True, False):
        run = ground.run(gone, check=check, helm_binary=NOWHERE)
        assert (run.states, run.result["changed"]) == ({"web": "removed"}, True)
        assert run.result["releases"][0]["message"] == f"left behind: CustomResourceDefinition {definition}"
    wait_until(lambda: ground.kube.request("GET", f"{CRDS}/{definition}")[0] == 404)
    again = ground.run(gone, helm_binary=NOWHERE)
    assert (again.states, again.result["changed"]) == ({"web": "unchanged"}, False)
    assert ground.kube.request("GET", ground.path("configmaps", "status"))[0] == 200


def test_a_crd_that_others_applied_too_stays(ground: Ground, definition: str) -> None:
    labels = {"metadata": {"name": definition, "labels": {"of": "theirs"}}}
    ground.kube.apply({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", **labels}, "helm")
    crd = {"api_version": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "name": definition}
    gone = ground.release("web", "/nowhere", state="absent", leftovers=[crd])
    assert ground.run(gone, helm_binary=NOWHERE).states == {"web": "unchanged"}
    assert ground.kube.request("GET", f"{CRDS}/{definition}")[0] == 200


def helm_that_fails_once(directory: Path, program: str, words: str) -> str:
    """A program that ends its first uninstall with these words, and is helm after that."""
    path = directory / "helm"
    path.write_text(
        "#!/bin/sh\n"
        f'if [ "$1" = uninstall ] && mkdir "{directory}/tried" 2>/dev/null; then\n'
        f"  echo '{words}' >&2\n"
        "  exit 1\n"
        "fi\n"
        f'exec "{program}" "$@"\n'
    )
    path.chmod(0o700)
    return str(path)


@pytest.mark.parametrize(
    ("words", "calls", "state"),
    [
        ("Error: resource ConfigMap/a/web still exists. status: Current", ["uninstall", "uninstall"], "removed"),
        ("Error: something else is wrong", ["uninstall"], "failed"),
    ],
)
def test_helm_is_asked_again_where_it_did_not_wait(
    ground: Ground, tmp_path: Path, words: str, calls: list[str], state: str
) -> None:
    release = ground.release("web", write_chart(tmp_path / "web", CONFIG_MAP))
    ground.run(release)
    helm = helm_that_fails_once(tmp_path, ground.options["helm_binary"], words)
    run = ground.run({**release, "state": "absent"}, helm_binary=helm)
    assert (run.states, run.helm) == ({"web": state}, calls)
    there = ground.kube.request("GET", ground.path("configmaps", "web"))[0]
    assert there == (404 if state == "removed" else 200)
