# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""helm_releases with Helm 3 and Helm 4 on a real Kubernetes API."""

from __future__ import annotations

import json
import signal
import subprocess
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.ekspress.eks.plugins.module_utils._gates import Gates
from ansible_collections.ekspress.eks.plugins.module_utils._gates_plan import Gate
from ansible_collections.ekspress.eks.plugins.module_utils._kubernetes import connect

from tests.integration.helm_releases_support import (
    CONFIG_MAP,
    DEPLOYMENT,
    ENDLESS_HOOK,
    NOWHERE,
    Ground,
    write_chart,
)
from tests.sandbox_fixtures import RunningSandbox
from tests.support import PATIENCE, wait_until

VALUES: dict[str, Any] = {
    "text": "ümläut: {{ not a template }}",
    "number": 3,
    "float": 1.5,
    "whole": 2.0,
    "yes": "yes",
    "on": True,
    "nothing": None,
    "list": [1, "a", {"b": []}],
    "nested": {"empty": {}, "deep": {"er": "x"}},
}


def test_installed_unchanged_upgraded_removed(ground: Ground, tmp_path: Path) -> None:
    chart = write_chart(tmp_path / "web", CONFIG_MAP)
    release = ground.release("web", chart, values=VALUES)

    first = ground.run(release)
    assert (first.states, first.result["changed"], first.helm) == ({"web": "installed"}, True, ["upgrade"])

    again = ground.run(release, helm_binary=NOWHERE)
    assert (again.states, again.result["changed"]) == ({"web": "unchanged"}, False)
    assert again.calls == ["kubernetes:GET /api/v1/secrets"]

    fewer = ground.run({**release, "values": {"number": 4}})
    assert fewer.states == {"web": "upgraded"}
    # Values replace the former ones: nothing of them is left behind.
    stored = ground.kube.get(ground.path("configmaps", "web"))["data"]["values"]
    assert json.loads(stored) == {"number": 4}

    write_chart(tmp_path / "web", CONFIG_MAP, values="more: 1\n")
    assert "files of the chart changed" in ground.run(release).result["releases"][0]["message"]

    gone = ground.run({**release, "state": "absent"})
    assert (gone.states, gone.helm, ground.revisions("web")) == ({"web": "removed"}, ["uninstall"], {})
    assert ground.kube.get(ground.path("configmaps", "web")) is None
    assert ground.run({**release, "state": "absent"}, helm_binary=NOWHERE).states == {"web": "unchanged"}


def test_an_unchanged_run_of_many_releases_is_one_list_and_no_helm(ground: Ground, tmp_path: Path) -> None:
    chart = write_chart(tmp_path / "web", CONFIG_MAP)
    releases = [ground.release(f"web-{number}", chart, needs=["web-0"] if number else []) for number in range(5)]
    assert set(ground.run(*releases).states.values()) == {"installed"}
    again = ground.run(*releases, helm_binary=NOWHERE)
    assert set(again.states.values()) == {"unchanged"}
    assert again.calls == ["kubernetes:GET /api/v1/secrets"]


def test_a_damaged_record_of_another_namespace_is_in_nobodys_way(ground: Ground, tmp_path: Path) -> None:
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "helm.sh/release.v1",
        "metadata": {
            "name": "damaged",
            "labels": {"owner": "helm", "name": "web", "status": "deployed", "version": "1"},
        },
        "data": {"release": "AAAA"},
    }
    assert ground.kube.request("POST", ground.path("secrets"), secret)[0] == 201
    chart = write_chart(tmp_path / "web", CONFIG_MAP)
    assert ground.run({**ground.release("web", chart), "namespace": "default"}, check=True).states == {
        "web": "installed"
    }
    run = ground.run(ground.release("web", chart), check=True)
    assert f"The Secret {ground.namespace}/damaged is not a release" in run.result["msg"]


def test_check_mode_foretells_the_run_and_writes_nothing(ground: Ground, tmp_path: Path) -> None:
    chart = write_chart(tmp_path / "web", CONFIG_MAP)
    stays, changes, leaves = (ground.release(name, chart, values={"a": 1}) for name in ("stays", "changes", "leaves"))
    ground.run(stays, changes, leaves)
    wanted = [stays, {**changes, "values": {"a": 2}}, {**leaves, "state": "absent"}, ground.release("comes", chart)]
    before = ground.objects()
    foretold = ground.run(*wanted, check=True)
    assert ground.objects() == before
    assert foretold.states == {"stays": "unchanged", "changes": "upgraded", "leaves": "removed", "comes": "installed"}
    done = ground.run(*wanted)
    assert (done.states, done.result["changed"]) == (foretold.states, foretold.result["changed"])
    assert done.result["diff"] == foretold.result["diff"]
    key = f"{ground.namespace}/changes"
    assert done.result["diff"]["before"][key]["values.a"] == 1
    assert done.result["diff"]["after"][key]["values.a"] == 2
    assert f"{ground.namespace}/stays" not in done.result["diff"]["after"]


def test_one_that_fails_stops_only_what_needs_it(ground: Ground, tmp_path: Path) -> None:
    good = write_chart(tmp_path / "good", CONFIG_MAP)
    bad = write_chart(tmp_path / "bad", CONFIG_MAP.replace("{{ .Release.Name }}", "Not_A_Name"))
    run = ground.run(
        ground.release("bad", bad),
        ground.release("after", good, needs=["bad"]),
        ground.release("last", good, needs=["after"]),
        ground.release("apart", good),
    )
    assert run.states == {"bad": "failed", "after": "skipped", "last": "skipped", "apart": "installed"}
    assert run.result["failed"]
    assert run.result["changed"]
    bad_key = f"{ground.namespace}/bad"
    assert [release.get("skipped_because_of") for release in run.result["releases"]] == [
        None,
        [bad_key],
        [bad_key],
        None,
    ]
    assert "Not_A_Name" in run.result["releases"][0]["message"]
    assert run.result["msg"].startswith("1 of 4 releases failed.")

    write_chart(tmp_path / "bad", CONFIG_MAP)
    repaired = ground.run(ground.release("bad", bad), ground.release("after", good, needs=["bad"]))
    assert repaired.states["after"] == "installed"
    assert repaired.states["bad"] in ("installed", "repaired")
    assert ground.run(ground.release("bad", bad), helm_binary=NOWHERE).states == {"bad": "unchanged"}


def kill_helm(ground: Ground, chart: str, status: str) -> None:
    """Start helm by hand and kill it once its release is pending, as an ended machine would."""
    command = [ground.options["helm_binary"], "upgrade", "--install", "web", chart, "--namespace", ground.namespace]
    command += ["--kubeconfig", ground.options["kubeconfig"]]
    helm = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: status in ground.revisions("web").values())
    finally:
        helm.kill()
        helm.wait()


def test_an_upgrade_that_was_killed_is_repaired(ground: Ground, tmp_path: Path) -> None:
    chart = write_chart(tmp_path / "web", CONFIG_MAP)
    release = ground.release("web", chart, values={"a": 1})
    ground.run(release)
    write_chart(tmp_path / "web", CONFIG_MAP, ENDLESS_HOOK)
    kill_helm(ground, chart, "pending-upgrade")
    (tmp_path / "web" / "templates" / "1.yaml").unlink()

    assert ground.run(release, check=True, helm_binary=NOWHERE).states == {"web": "repaired"}
    run = ground.run(release)
    assert (run.states, run.helm) == ({"web": "repaired"}, ["rollback", "upgrade"])
    assert "its status is pending-upgrade" in run.result["releases"][0]["message"]
    assert ground.run(release, helm_binary=NOWHERE).states == {"web": "unchanged"}


def test_an_install_that_was_killed_is_made_anew(ground: Ground, tmp_path: Path) -> None:
    chart = write_chart(tmp_path / "web", CONFIG_MAP, ENDLESS_HOOK)
    kill_helm(ground, chart, "pending-install")
    (tmp_path / "web" / "templates" / "1.yaml").unlink()
    run = ground.run(ground.release("web", chart))
    assert (run.states, run.helm) == ({"web": "repaired"}, ["uninstall", "upgrade"])
    assert ground.revisions("web") == {1: "deployed"}


def test_a_release_whose_removal_was_killed_is_removed(ground: Ground, tmp_path: Path) -> None:
    chart = write_chart(tmp_path / "web", CONFIG_MAP, ENDLESS_HOOK)
    kill_helm(ground, chart, "pending-install")
    run = ground.run(ground.release("web", chart, state="absent"))
    assert (run.states, ground.revisions("web")) == ({"web": "removed"}, {})


def test_an_ended_task_ends_helm_and_the_next_run_repairs(ground: Ground, tmp_path: Path) -> None:
    chart = write_chart(tmp_path / "web", CONFIG_MAP, ENDLESS_HOOK)
    results: list[dict[str, Any]] = []
    task = threading.Thread(target=lambda: results.append(ground.run(ground.release("web", chart)).result))
    task.start()
    wait_until(lambda: "pending-install" in ground.revisions("web").values())
    ground.context.cancelled.set()
    task.join(PATIENCE)
    assert not task.is_alive()
    assert results[0]["failed"]
    assert "the task was ended" in results[0]["msg"]
    (tmp_path / "web" / "templates" / "1.yaml").unlink()
    assert ground.run(ground.release("web", chart)).states == {"web": "repaired"}


SPY = """\
#!/bin/sh
{{ tr '\\0' ' ' < /proc/$$/cmdline; echo; }} >> {log}
env >> {log}
ls -l /proc/$$/fd >> {log}
exec {helm} "$@"
"""


def test_no_secret_is_in_arguments_or_files(
    ground: Ground, tmp_path: Path, sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in sandbox.environment.items():
        monkeypatch.setenv(name, value)
    log, spy = tmp_path / "log", tmp_path / "spy"
    spy.write_text(SPY.format(log=log, helm=ground.options["helm_binary"]))
    spy.chmod(0o700)
    chart = write_chart(tmp_path / "web", CONFIG_MAP)
    ground.options = {"cluster": "sandbox-blue", "helm_binary": str(spy)}
    run = ground.run(ground.release("web", chart, values={"password": "hunter2-hunter2"}))
    assert run.states == {"web": "installed"}
    assert "hunter2" not in json.dumps(run.result)
    command, _, environment = log.read_text().partition("\n")
    assert "k8s-aws-v1." not in command
    assert "hunter2" not in command + environment
    assert "HELM_KUBETOKEN=k8s-aws-v1." in environment
    left = [path for path in (tmp_path / "cache").rglob("*") if path.is_file()]
    assert not any(b"k8s-aws-v1." in path.read_bytes() or b"hunter2" in path.read_bytes() for path in left)


def test_characters_of_all_planes_reach_the_chart(ground: Ground, tmp_path: Path) -> None:
    values = {"face": "\U0001f600", "lines": "a\n b\u2028c\n", "ключ": ["€", "\t\x01"], "empty": {}}
    release = ground.release("web", write_chart(tmp_path / "web", CONFIG_MAP), values=values)
    assert ground.run(release).states == {"web": "installed"}
    found = json.loads(ground.kube.get(ground.path("configmaps", "web"))["data"]["values"])
    assert found == values
    assert ground.run(release, helm_binary=NOWHERE).states == {"web": "unchanged"}


def test_a_value_that_helm_quotes_in_an_error_is_hidden(ground: Ground, tmp_path: Path) -> None:
    chart = write_chart(tmp_path / "web", '{{ fail (printf "bad password %q" (index .Values.users 0).password) }}')
    run = ground.run(ground.release("web", chart, values={"users": [{"password": 'hunter2-"hunter2'}]}))
    assert 'bad password "(hidden)"' in run.result["msg"]
    assert "hunter2" not in json.dumps(run.result)


HOOK_WITH_SECRET = """\
apiVersion: v1
kind: ConfigMap
metadata:
  name: "{{ .Values.password }}_"
  annotations: {helm.sh/hook: pre-delete}
"""


def test_a_former_value_that_helm_quotes_in_an_error_is_hidden(ground: Ground, tmp_path: Path) -> None:
    chart = write_chart(tmp_path / "web", HOOK_WITH_SECRET)
    release = ground.release("web", chart)
    assert ground.run({**release, "values": {"password": "hunter2-former"}}).states == {"web": "installed"}
    run = ground.run({**release, "state": "absent"})
    assert run.states == {"web": "failed"}
    assert "(hidden)_" in run.result["msg"]
    assert "hunter2" not in json.dumps(run.result)


def test_a_missing_helm_is_told_only_where_it_is_needed(ground: Ground, tmp_path: Path) -> None:
    chart = write_chart(tmp_path / "web", CONFIG_MAP)
    run = ground.run(ground.release("web", chart), helm_binary=NOWHERE)
    assert "set helm_binary to its path" in run.result["msg"]
    assert not run.result["changed"]


def test_a_gate_is_waited_for_before_what_needs_it_begins(ground: Ground, tmp_path: Path) -> None:
    chart = write_chart(tmp_path / "web", DEPLOYMENT, values="replicas: 2\nnodeSelector: {}\n")
    other = write_chart(tmp_path / "other", CONFIG_MAP)
    gate = {"kind": "deployment", "name": "web"}
    run = ground.run(
        ground.release("web", chart, gates=[gate]), ground.release("other", other, needs=["web"]), concurrency=1
    )
    assert run.states == {"web": "installed", "other": "installed"}
    status = ground.kube.get(ground.path("deployments", "web", "/apis/apps/v1"))["status"]
    assert status["availableReplicas"] == 2
    again = ground.run(ground.release("web", chart, gates=[gate]), helm_binary=NOWHERE)
    assert again.states == {"web": "unchanged"}
    assert len(again.calls) == 2


def test_a_pod_that_will_never_run_fails_early_with_its_reason(ground: Ground, tmp_path: Path) -> None:
    values = "replicas: 1\nnodeSelector: {nowhere: 'true'}\n"
    chart = write_chart(tmp_path / "web", DEPLOYMENT, values=values)
    other = write_chart(tmp_path / "other", CONFIG_MAP)
    ground.run(ground.release("web", chart))
    pod = wait_until(lambda: ground.kube.get(ground.path("pods"))["items"])[0]["metadata"]["name"]
    waiting = {"reason": "InvalidImageName", "message": "couldn't parse image"}
    container = {
        "name": "main", "image": "x", "imageID": "", "ready": False, "restartCount": 0, "state": {"waiting": waiting}
    }  # fmt: skip
    path = ground.path("pods", pod) + "/status"
    status = {"containerStatuses": [container]}
    assert ground.kube.request("PATCH", path, {"status": status}, "application/merge-patch+json")[0] == 200
    gate = {"kind": "deployment", "name": "web", "timeout": 600}

    # Nothing to change, but not fine either: what needs it is not begun.
    foretold = ground.run(ground.release("web", chart, gates=[gate]), check=True)
    assert "does not hold now" in foretold.warnings[0]
    run = ground.run(ground.release("web", chart, gates=[gate]), ground.release("other", other, needs=["web"]))
    # Not by the gate's own time.
    assert "does not hold after 600 s" not in run.result["msg"]
    assert run.states == {"web": "failed", "other": "skipped"}
    assert f"pod {pod}, container main: InvalidImageName: couldn't parse image" in run.result["msg"]
    assert not run.result["changed"]


def running(ground: Ground) -> list[str]:
    """Names of the pods whose status nobody but the test writes any more."""
    pods = ground.kube.get(ground.path("pods"))["items"]
    return [pod["metadata"]["name"] for pod in pods if pod["status"].get("phase") == "Running"]


def test_pods_of_a_daemonsets_former_version_do_not_fail_its_gate(ground: Ground) -> None:
    container = {"name": "main", "image": "registry.example/main:1"}
    template = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [container]}}
    spec = {"selector": {"matchLabels": {"app": "web"}}, "updateStrategy": {"type": "OnDelete"}, "template": template}
    meta = {"name": "web", "namespace": ground.namespace}
    item = {"apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": meta, "spec": spec}
    ground.kube.apply(item, "tests")
    pod = wait_until(lambda: running(ground))[0]
    waiting = {"waiting": {"reason": "InvalidImageName"}}
    status = {"containerStatuses": [{**container, "imageID": "", "ready": False, "restartCount": 0, "state": waiting}]}
    merge = "application/merge-patch+json"
    assert ground.kube.request("PATCH", ground.path("pods", f"{pod}/status"), {"status": status}, merge)[0] == 200

    client = connect(ground.options, None, ground.context)
    gate = Gate("daemonset", "web", ground.namespace, 1)
    assert "InvalidImageName" in str(Gates(client, ground.context)._pod_failure(gate, datetime.now(UTC)))
    container["image"] = "registry.example/main:2"
    ground.kube.apply(item, "tests")
    versions = ground.path("controllerrevisions", group="/apis/apps/v1")
    wait_until(lambda: len(ground.kube.get(versions)["items"]) == 2)
    assert Gates(client, ground.context)._pod_failure(gate, datetime.now(UTC)) is None


def test_a_gate_whose_time_is_up_tells_why_pods_do_not_run(ground: Ground, tmp_path: Path) -> None:
    values = "replicas: 1\nnodeSelector: {nowhere: 'true'}\n"
    chart = write_chart(tmp_path / "web", DEPLOYMENT, values=values)
    run = ground.run(ground.release("web", chart, gates=[{"kind": "deployment", "name": "web", "timeout": 2}]))
    assert run.states == {"web": "failed"}
    assert "does not hold after 2 s: 0 of 1 pods are available: pod web-" in run.result["msg"]
    assert "cannot be scheduled: 0/" in run.result["msg"]
    assert "Events: FailedScheduling" in run.result["msg"]


def test_a_gate_that_does_not_hold_fails_after_its_timeout(ground: Ground, tmp_path: Path) -> None:
    chart = write_chart(tmp_path / "web", CONFIG_MAP)
    gates = [{"kind": "crd", "name": "nothing.example.com"}, {"kind": "deployment", "name": "nothing"}]
    run = ground.run(ground.release("web", chart, gates=[{**gate, "timeout": 1} for gate in gates]))
    assert run.states == {"web": "failed"}
    assert run.result["changed"]
    for words in (
        "The gate crd nothing.example.com does not hold after 1 s",
        f"{ground.namespace}/nothing does not hold",
    ):
        assert words in run.result["msg"]


def test_a_helm_that_ends_by_a_signal_is_told(ground: Ground, tmp_path: Path) -> None:
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\nkill -{int(signal.SIGKILL)} $$\n")
    program.chmod(0o700)
    run = ground.run(ground.release("web", write_chart(tmp_path / "web", CONFIG_MAP)), helm_binary=str(program))
    assert "was killed (SIGKILL)" in run.result["msg"]
