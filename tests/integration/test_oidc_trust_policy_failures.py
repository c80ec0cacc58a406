# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""oidc_trust_policy that is killed, throttled or left without an answer."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.ekspress.eks.plugins.module_utils import _aws, _trust_policy_lock, _trust_policy_write
from ansible_collections.ekspress.eks.plugins.module_utils._context import Context
from ansible_collections.ekspress.eks.plugins.module_utils._errors import CancelledError
from ansible_collections.ekspress.eks.tests.integration.aws_killed import KILLED, killing
from ansible_collections.ekspress.eks.tests.integration.eks_clusters import counted, written
from ansible_collections.ekspress.eks.tests.integration.iam_roles import (
    FOREIGN_STATEMENT,
    make_provider,
    make_role,
    trust_of,
)
from ansible_collections.ekspress.eks.tests.integration.trust_policies import BLUE, GONE, GREEN, converge, statement

from sandbox.aws.client import AwsServer
from sandbox.process import ROOT

DIRECTORY = _trust_policy_lock.directory


@pytest.fixture(autouse=True)
def ground(aws: AwsServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A role, the providers of two clusters, and locks of this test alone."""
    monkeypatch.setattr(_trust_policy_lock, "directory", lambda: str(tmp_path / "locks"))
    for issuer in (BLUE, GREEN):
        make_provider(aws, issuer)
    make_role(aws, "app", statements=[FOREIGN_STATEMENT, statement(GONE)])


def put(aws: AwsServer, *statements: dict[str, Any]) -> None:
    document = {"Version": "2012-10-17", "Statement": list(statements)}
    aws.client("iam").update_assume_role_policy(RoleName="app", PolicyDocument=json.dumps(document))


@pytest.fixture
def kill(aws: AwsServer, tmp_path: Path) -> Iterator[Callable[[dict[str, Any], int], int]]:
    """Runs the module and ends it hard after a call; gives its exit code."""
    with killing("oidc_trust_policy", TMPDIR=str(tmp_path)) as run:
        yield run


@pytest.mark.parametrize("state", ["present", "absent"])
def test_killed_after_any_call_the_next_run_completes(
    aws: AwsServer, state: str, kill: Callable[[dict[str, Any], int], int]
) -> None:
    options: dict[str, Any] = {"issuers": [BLUE, GREEN], "prune_orphans": True, "settle": 1, "state": state}
    if state == "present":
        options["service_accounts"] = ["app:app"]
    ours = [statement(BLUE), statement(GREEN)]
    before = [FOREIGN_STATEMENT, statement(GONE), *(ours if state == "absent" else [])]
    wanted = [FOREIGN_STATEMENT, *(ours if state == "present" else [])]
    kills = 0
    for count in itertools.count(1):
        put(aws, *before)
        code = kill({"role": "app", **options}, count)
        if code != KILLED:
            break
        kills += 1
        assert trust_of(aws, "app")["Statement"] in (before, wanted), count
        result = converge(**{**options, "settle": 0})
        assert not result.get("failed"), (count, result)
        assert trust_of(aws, "app")["Statement"] == wanted, count
    assert (code, kills >= 6) == (0, True)
    assert trust_of(aws, "app")["Statement"] == wanted


def test_a_repeated_call_does_not_undo_what_came_meanwhile(aws: AwsServer, monkeypatch: pytest.MonkeyPatch) -> None:
    passed = [0.0]

    def backoff(_attempts: int, _first: float) -> float:
        put(aws, FOREIGN_STATEMENT, {**FOREIGN_STATEMENT, "Sid": "Meanwhile"})
        passed[0] += 10.0
        return 0.0

    monkeypatch.setattr(_aws, "_backoff", backoff)
    monkeypatch.setattr(_trust_policy_write, "monotonic", lambda: passed[0])
    aws.fault("UpdateAssumeRolePolicy", "throttle")
    result = converge()
    assert result["changed"], result
    assert passed == [10.0]
    assert [item.get("Sid") for item in trust_of(aws, "app")["Statement"]] == ["TheNodesToo", "Meanwhile", None]


def test_a_write_without_an_answer_is_found_out(aws: AwsServer) -> None:
    aws.fault("UpdateAssumeRolePolicy", "drop_connection")
    result = converge(settle=1)
    assert not result.get("failed"), result
    assert result["changed"]
    assert trust_of(aws, "app")["Statement"][-1] == statement(BLUE)


def test_a_write_without_an_answer_that_is_not_made_again_counts(
    aws: AwsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_trust_policy_write, "monotonic", lambda: 10.0 * len(written(aws)))
    aws.fault("UpdateAssumeRolePolicy", "drop_connection")
    result = converge()
    assert (result["changed"], result["attempts"]) == (True, 1), result
    assert counted(aws)["iam:UpdateAssumeRolePolicy"] == 1
    assert [item["service_account"] for item in result["added"]] == ["app:app"]


def test_what_was_refused_and_another_has_written_since_does_not_count(
    aws: AwsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    passed = [0.0]

    def backoff(_attempts: int, _first: float) -> float:
        put(aws, FOREIGN_STATEMENT, statement(BLUE))
        passed[0] += 10.0
        return 0.0

    monkeypatch.setattr(_aws, "_backoff", backoff)
    monkeypatch.setattr(_trust_policy_write, "monotonic", lambda: passed[0])
    aws.fault("UpdateAssumeRolePolicy", "throttle")
    result = converge()
    assert (result["changed"], result["attempts"]) == (False, 0), result


def test_a_write_that_never_gets_an_answer_may_have_changed_it(aws: AwsServer) -> None:
    aws.fault("UpdateAssumeRolePolicy", "drop_connection", times=None)
    result = converge(aws_config={"retries": {"total_max_attempts": 1}})
    assert (result["failed"], result["changed"]) == (True, True), result
    assert not converge()["changed"]


@pytest.mark.usefixtures("fresh_reads")
def test_a_write_that_meets_another_is_merged_anew(aws: AwsServer) -> None:
    aws.fault("UpdateAssumeRolePolicy", "error", code="ConcurrentModification", status=409, times=3)
    result = converge()
    assert result["attempts"] == 1, result
    assert counted(aws)["iam:UpdateAssumeRolePolicy"] == 4
    assert counted(aws)["iam:GetRole"] == 5


@pytest.mark.usefixtures("fresh_reads")
def test_writes_that_always_meet_others_end(aws: AwsServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_trust_policy_write, "TRIES", 3)
    aws.fault("UpdateAssumeRolePolicy", "error", code="ConcurrentModification", status=409, times=None)
    result = converge()
    assert result["failed"], result
    assert result["changed"] is False
    assert "3 calls to write its trust policy met writes of others" in result["msg"]
    assert counted(aws)["iam:UpdateAssumeRolePolicy"] == 3


def test_the_lock_of_a_killed_run_is_free(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    context, key = Context(), "arn:aws:iam::123456789012:role/app"
    program = (
        "import os, sys; "
        "from ansible_collections.ekspress.eks.plugins.module_utils import _context, _trust_policy_lock; "
        "_trust_policy_lock.turn(_context.Context(), sys.argv[1]).__enter__(); os._exit(9)"
    )
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    ended = subprocess.run([sys.executable, "-c", program, key], env=environment, cwd=ROOT, check=False)
    assert ended.returncode == KILLED
    monkeypatch.setattr(_trust_policy_lock.tempfile, "gettempdir", lambda: str(tmp_path))
    monkeypatch.setattr(_trust_policy_lock, "directory", DIRECTORY)
    assert list(Path(DIRECTORY()).iterdir()), "the program made its lock elsewhere"
    context.cancelled.set()
    with _trust_policy_lock.turn(context, key):
        pass


def test_waiting_for_the_lock_ends_with_the_task() -> None:
    context = Context()
    context.cancelled.set()
    key = "arn:aws:iam::123456789012:role/app"
    with (
        _trust_policy_lock.turn(Context(), key),
        _trust_policy_lock.turn(Context(), f"{key}2"),
        pytest.raises(CancelledError, match=key),
        _trust_policy_lock.turn(context, key),
    ):
        pass


def test_the_lock_is_waited_for_within_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_trust_policy_lock, "PATIENCE", 0.0)
    with _trust_policy_lock.turn(Context(), "a role"), _trust_policy_lock.turn(Context(), "a role"):
        pass


@pytest.mark.parametrize("mode", [0o770, 0o701, None], ids=["group", "others", "file"])
def test_a_directory_that_others_may_use_holds_no_lock(tmp_path: Path, mode: int | None) -> None:
    directory = tmp_path / "locks"
    if mode is None:
        directory.write_text("")
    else:
        directory.mkdir()
        directory.chmod(mode)
    with _trust_policy_lock.turn(Context(), "a role"), _trust_policy_lock.turn(Context(), "a role"):
        pass
    assert mode is None or list(directory.iterdir()) == []


def test_a_link_is_no_directory_for_locks(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    (tmp_path / "locks").symlink_to(tmp_path / "elsewhere")
    with _trust_policy_lock.turn(Context(), "a role"), _trust_policy_lock.turn(Context(), "a role"):
        pass
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_an_ended_task_says_that_it_had_written(aws: AwsServer, monkeypatch: pytest.MonkeyPatch) -> None:
    sent = _trust_policy_write._Writer._sent

    def ending(self: Any, *arguments: Any) -> bool:
        done = sent(self, *arguments)
        self._context.cancelled.set()
        return done

    monkeypatch.setattr(_trust_policy_write._Writer, "_sent", ending)
    result = converge(settle=7)
    assert result["failed"], result
    assert result["changed"] is True
    assert written(aws) == ["iam:UpdateAssumeRolePolicy"]
