# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Many writers of one aws-auth, ours and kubectl's, and runs of ours that are killed."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.ekspress.eks.plugins.module_utils._aws_auth import ATTEMPTS
from ansible_collections.ekspress.eks.plugins.module_utils._kubernetes import Kubernetes

from tests.integration import aws_auth_killed
from tests.integration.aws_auth_support import FOREIGN, FOREIGN_ROLES, Mappings, Outcome, arn, entry, mapped

OURS, KUBECTLS = 24, 8
SECONDS = 300.0


def kubectl(mappings: Mappings, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    """The real kubectl, as the administrator."""
    program = str(Path(mappings.sandbox.state["bin"]) / "kubectl")
    cache = str(mappings.sandbox.directory / "kubectl-cache")
    options = ["--kubeconfig", mappings.options["kubeconfig"], "--cache-dir", cache, "-n", mappings.namespace]
    return subprocess.run(
        [program, *options, *arguments], input=stdin, capture_output=True, text=True, timeout=SECONDS, check=False
    )


def block(number: int) -> str:
    """The entry of a kubectl user, in a style of his own."""
    return (
        f"# {number}: asked for by mail\n- username:  'kubectl-{number}'\n  groups: [ a,  'b' ]   # both\n"
        f"  rolearn: {arn(f'kubectl-{number}')}\n"
    )


def edit_by_kubectl(mappings: Mappings, number: int) -> None:
    """Append an entry: read, then replace or patch that version, again where somebody else was quicker."""
    deadline = time.monotonic() + SECONDS
    while True:
        item = json.loads(kubectl(mappings, "get", "configmap", "aws-auth", "-o", "json").stdout)
        roles = item["data"]["mapRoles"] + block(number)
        if number % 2:
            item["data"]["mapRoles"] = roles
            done = kubectl(mappings, "replace", "-f", "-", stdin=json.dumps(item))
        else:
            version = {"resourceVersion": item["metadata"]["resourceVersion"]}
            change = json.dumps({"metadata": version, "data": {"mapRoles": roles}})
            done = kubectl(mappings, "patch", "configmap", "aws-auth", "--type", "merge", "-p", change)
        if done.returncode == 0:
            return
        assert "the object has been modified" in done.stderr, done.stderr
        assert time.monotonic() < deadline
        time.sleep(random.uniform(0.0, 0.5))


@pytest.fixture
def first_writes_meet(monkeypatch: pytest.MonkeyPatch) -> None:
    """No run of ours writes before all have read, so that all but one conflict, however slow the machine is."""
    real, meeting, thread = Kubernetes.replace, threading.Barrier(OURS), threading.local()

    def replace(self: Kubernetes, path: str, item: dict[str, Any], **more: Any) -> dict[str, Any]:
        if not getattr(thread, "met", False):
            thread.met = True
            meeting.wait(SECONDS)
        return real(self, path, item, **more)

    monkeypatch.setattr(Kubernetes, "replace", replace)


def test_32_writers_at_once_lose_nothing(mappings: Mappings, first_writes_meet: None) -> None:
    mappings.put()

    def merge(number: int) -> Outcome:
        return mappings.run(
            roles=[entry(f"ours-{number}", f"team-{number}")], users=[entry(f"ours-{number}", kind="user")]
        )

    with ThreadPoolExecutor(OURS + KUBECTLS) as pool:
        editors = [pool.submit(edit_by_kubectl, mappings, number) for number in range(KUBECTLS)]
        merges = [pool.submit(merge, number) for number in range(OURS)]
        runs = [merge.result(SECONDS) for merge in merges]
        for editor in editors:
            editor.result(SECONDS)
    expected = mapped(FOREIGN)
    for number, ran in enumerate(runs):
        role, user = arn(f"ours-{number}"), arn(f"ours-{number}", "user")
        assert ran.changes == [f"roles: add {role}", f"users: add {user}"]
        assert sum(call.startswith("PUT") for call in ran.calls) <= ATTEMPTS
        expected |= {role: (f"ours-{number}", frozenset({f"team-{number}"})), user: (f"ours-{number}", frozenset())}
    expected |= {arn(f"kubectl-{number}"): (f"kubectl-{number}", frozenset("ab")) for number in range(KUBECTLS)}
    data = mappings.data
    assert mapped(data) == expected
    assert data["mapRoles"].startswith(FOREIGN_ROLES)
    for number in range(KUBECTLS):
        assert data["mapRoles"].count(block(number)) == 1, "every foreign byte is kept"
    tracked = json.loads(mappings.tracked)
    assert set(tracked["roles"]) == {arn(f"ours-{number}") for number in range(OURS)}
    assert sum(call.startswith("PUT") for ran in runs for call in ran.calls) >= 2 * OURS - 1, "they met"


@contextmanager
def runner(mappings: Mappings, options: dict[str, Any]) -> Iterator[subprocess.Popen[str]]:
    """A process that runs the module killed at the calls that it is told."""
    asked = json.dumps({"namespace": mappings.namespace, "options": {**mappings.options, **options}})
    command = [sys.executable, "-m", "tests.integration.aws_auth_killed", asked]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, env=environment, text=True, **pipes) as process:
        yield process


def killed(process: subprocess.Popen[str], number: int, when: str) -> bool:
    """Whether the run was killed at its call of that number; else it was whole before."""
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(f"{number} {when}\n")
    process.stdin.flush()
    code = int(process.stdout.readline())
    assert code in (0, aws_auth_killed.KILLED)
    return code == aws_auth_killed.KILLED


CHANGE: dict[str, Any] = {"roles": [entry("new", "a")], "accounts": ["012345678901"], "purge": True, "backups": 1}


def prepared(mappings: Mappings, state: str) -> None:
    """What a run that is to be killed finds."""
    if mappings.live() is not None:
        mappings.delete()
    for backup in mappings.backups:
        mappings.delete(backup)
    if state == "nothing":
        return
    mappings.put()
    assert mappings.run(roles=[entry("former", "b")]).changes
    if state == "broken":
        mappings.edit({"mapRoles": "- [\n"})


@pytest.mark.parametrize(
    ("state", "options", "calls"),
    [("nothing", CHANGE, 2), ("others", CHANGE, 8), ("broken", {"state": "restored"}, 5)],
    ids=["created", "changed", "restored"],
)
def test_a_run_killed_at_any_call_is_completed_by_the_next(
    mappings: Mappings, state: str, options: dict[str, Any], calls: int
) -> None:
    prepared(mappings, state)
    assert mappings.run(**options).result["changed"]
    wanted, seen = mappings.data, 0
    assert mappings.mapped()
    with runner(mappings, options) as process:
        for number in range(1, 100):
            for when in ("before", "after"):
                prepared(mappings, state)
                before = mappings.live()
                was_killed = killed(process, number, when)
                now = mappings.live()
                assert (now or {}).get("data") in ((before or {}).get("data"), wanted), "never anything in between"
                completed = mappings.run(**options)
                assert not completed.result.get("failed"), completed.result
                assert mappings.data == wanted
                assert mappings.run(**options).unchanged
            if not was_killed:
                break
            seen = number
    assert seen == calls
