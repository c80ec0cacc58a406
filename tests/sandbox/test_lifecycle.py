# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Up, down and what happens when something is killed on the way."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sandbox import authenticator, control_plane, process
from sandbox.kube_client import KubeClient
from sandbox.state import socket_directory
from tests.doors import Doors
from tests.sandbox_fixtures import RunningSandbox
from tests.support import wait_until

from .conftest import UP_SECONDS, Box

COMPONENTS = (
    "aws", "registry", control_plane.PROXY, control_plane.BACKGROUND, authenticator.NAME, *control_plane.COMPONENTS,
)  # fmt: skip
MARK = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "kept"}}


def client(box: Box, cluster: str = "sandbox-blue") -> KubeClient:
    """Return a client of a cluster's API."""
    entry = box.state()["clusters"][cluster]
    return KubeClient(entry["endpoint"], Path(entry["ca_file"]).parent)


def recorded(box: Box) -> set[int]:
    """Return the ids of all processes in the state file."""
    return {pid for name in box.state()["clusters"] for pid in box.processes(name).values()}


def creator_is_in(box: Box) -> bool:
    """Whether whoever made the cluster gets in by a token, and may everything."""
    doors = Doors(RunningSandbox(box.directory), "sandbox-blue")
    return doors.status(doors.creator, "GET", "/metrics") == 200


SLOW_IMPORTS = ("moto.", "kubernetes.", "werkzeug.", "cryptography.")
"""They take longer than all else that `up` does where everything is up."""


def test_up_again_restarts_nothing_and_loads_nothing_slow(box: Box) -> None:
    assert "up (" in box.up()
    before = box.processes()
    command = [sys.executable, "-X", "importtime", "-m", "sandbox", "up"]
    done = subprocess.run(
        command, cwd=process.ROOT, env=box.environment, capture_output=True, text=True, check=True, timeout=UP_SECONDS
    )
    assert "already up" in done.stdout
    imported = [line.rpartition("|")[2].strip() for line in done.stderr.splitlines()]
    assert "sandbox.lifecycle" in imported
    assert [name for name in imported if name.startswith(SLOW_IMPORTS)] == []
    assert box.processes() == before
    assert set(box.owned()) == recorded(box)


def test_down_leaves_nothing_and_up_follows(box: Box) -> None:
    box.up()
    state = box.state()
    ports = [*state["clusters"]["sandbox-blue"]["ports"].values(), state["aws"]["port"], state["registry"]["port"]]
    assert not any(process.port_is_free(port) for port in ports)
    done = box.run("down")
    assert done.returncode == 0
    assert not box.owned()
    assert not any(process.alive(item) for item in state["clusters"]["sandbox-blue"]["processes"].values())
    assert all(process.port_is_free(port) for port in ports)
    assert not socket_directory(box.directory).exists()
    assert sorted(path.name for path in box.directory.iterdir()) == [".gitignore", "lock", "registry"]
    assert box.run("status").returncode == 3
    box.up()
    assert box.run("status").returncode == 0


def test_a_killed_component_comes_back_alone(box: Box) -> None:
    box.up()
    kube = client(box)
    kube.apply(MARK, "test")
    kube.close()
    for component in COMPONENTS:
        before = box.processes()
        os.kill(before[component], signal.SIGKILL)
        said = box.up()
        after = box.processes()
        again = {name for name in after if after[name] != before[name]}
        # Controllers end by themselves where a busy machine leaves them without the API for long.
        led = {"kube-controller-manager", "kube-scheduler"} if component in ("etcd", "kube-apiserver") else set()
        assert again - led == {component} - led
        assert set(box.owned()) == recorded(box)
        assert ("what was made in the emulated account before is gone" in said) == (component == "aws")
        assert box.run("status").returncode == 0
    kube = client(box)
    assert kube.get("/api/v1/namespaces/kept")
    kube.close()
    assert creator_is_in(box)


def test_without_the_account_access_policies_allow_nothing(box: Box) -> None:
    """RBAC goes on to allow what it does."""
    box.up()
    doors = Doors(RunningSandbox(box.directory), "sandbox-blue")
    user = doors.who(doors.creator)
    assert user is not None
    kube = client(box)

    def may(**more: object) -> bool:
        asked = {"user": user.username, "nonResourceAttributes": {"path": "/metrics", "verb": "get"}, **more}
        path = "/apis/authorization.k8s.io/v1/subjectaccessreviews"
        return bool(kube.request("POST", path, {"spec": asked})[1]["status"]["allowed"])

    assert may(extra=user.extra)
    os.kill(box.processes()["aws"], signal.SIGKILL)
    wait_until(lambda: not may(extra=user.extra), "an answer without the policies")
    assert may(groups=["system:masters"])
    kube.close()


def test_everything_killed_at_once_comes_back(box: Box) -> None:
    box.up()
    for pid in box.owned():
        os.kill(pid, signal.SIGKILL)
    box.up()
    assert box.run("status").returncode == 0
    assert set(box.owned()) == recorded(box)
    assert creator_is_in(box)


@pytest.mark.parametrize("seconds", [0.3, 1.0, 2.0, 3.2])
def test_up_killed_half_way_is_made_good_by_the_next(box: Box, seconds: float) -> None:
    first = box.start("up")
    try:
        first.wait(seconds)
    except subprocess.TimeoutExpired:
        first.kill()
    first.communicate()
    box.up()
    assert box.run("status").returncode == 0
    assert set(box.owned()) == recorded(box)


def test_down_after_up_was_killed_ends_what_nobody_recorded(box: Box) -> None:
    first = box.start("up")
    wait_until(lambda: len(box.owned()) >= 6, "processes of the sandbox")
    first.kill()
    first.communicate()
    assert box.run("down").returncode == 0
    assert not box.owned()


def test_two_ups_at_once_do_the_work_once(box: Box) -> None:
    both = [box.start("up"), box.start("up")]
    said = [child.communicate(timeout=UP_SECONDS)[0] for child in both]
    assert [child.returncode for child in both] == [0, 0]
    assert sorted("already up" in text for text in said) == [False, True]
    assert set(box.owned()) == recorded(box)


def test_two_sandboxes_do_not_disturb_each_other(make_box: Callable[[str], Box]) -> None:
    one, two = make_box("one"), make_box("two")
    children = [one.start("up"), two.start("up")]
    for child in children:
        assert child.communicate(timeout=UP_SECONDS)
        assert child.returncode == 0
    assert not set(one.owned()) & set(two.owned())
    before = two.processes()
    kube = client(one)
    kube.apply(MARK, "test")
    kube.close()
    other = client(two)
    assert other.get("/api/v1/namespaces/kept") is None
    other.close()
    assert one.run("down").returncode == 0
    assert "already up" in two.up()
    assert two.processes() == before


def test_a_cluster_is_added_beside_the_one_that_runs(box: Box) -> None:
    box.up()
    before = box.processes()
    box.up("sandbox-green")
    assert box.processes() == before
    assert sorted(box.state()["aws"]["registered"]) == ["sandbox-blue", "sandbox-green"]
    green = client(box, "sandbox-green")
    assert len(green.get("/api/v1/nodes")["items"]) == 3
    green.close()
    box.run("reset")
    assert sorted(box.state()["clusters"]) == ["sandbox-blue", "sandbox-green"]
    assert box.run("status").returncode == 0


def test_a_name_that_eks_refuses_is_refused_before_anything_runs(box: Box) -> None:
    done = box.run("up", "no_dots.please")
    assert done.returncode == 1
    assert "'no_dots.please' is no name of an EKS cluster" in done.stderr
    assert not box.owned()


@pytest.fixture
def bystander() -> Iterator[int]:
    """A process that is none of the sandbox's."""
    with subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"]) as child:
        yield child.pid
        child.kill()


def test_a_reused_process_id_is_left_alone(box: Box, bystander: int) -> None:
    box.up()
    state_file = box.directory / "state.json"
    text = state_file.read_text(encoding="utf-8")
    old = box.processes()["registry"]
    os.kill(old, signal.SIGKILL)
    state_file.write_text(text.replace(f'"pid": {old},', f'"pid": {bystander},'), encoding="utf-8")
    box.up()
    assert box.processes()["registry"] not in (old, bystander)
    pid_file = box.directory / "kwok" / "clusters" / "sandbox-blue" / "pids" / "kube-scheduler.pid"
    os.kill(box.processes()["kube-scheduler"], signal.SIGKILL)
    pid_file.write_text(str(bystander), encoding="ascii")
    box.up()
    assert box.processes()["kube-scheduler"] != bystander
    assert box.run("down").returncode == 0
    assert process.start_time(bystander) is not None


def test_a_broken_state_file_is_no_obstacle(box: Box) -> None:
    box.up()
    (box.directory / "state.json").write_text("{", encoding="utf-8")
    assert "that an interrupted command had left" in box.up()
    assert set(box.owned()) == recorded(box)


def test_env_is_what_a_shell_needs(box: Box) -> None:
    assert box.run("env").returncode == 1
    box.up()
    script = 'eval "$($0 -m sandbox env)" && echo "$AWS_ENDPOINT_URL" && kubectl get nodes --no-headers'
    done = subprocess.run(
        ["/bin/sh", "-c", script, sys.executable],
        cwd=process.ROOT, env=box.environment, capture_output=True, text=True, check=False, timeout=UP_SECONDS,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0] == box.state()["aws"]["endpoint"]
    assert len(done.stdout.splitlines()) == 4
