# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The action base's parts that need no run of Ansible."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import traceback
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.ekspress.eks.plugins.module_utils._context import Context
from ansible_collections.ekspress.eks.plugins.plugin_utils import _in_process


class EndedError(BaseException):
    """What a timeout raises: no Exception."""


def test_logic_that_cannot_be_imported_is_none() -> None:
    assert _in_process.load("_no_such_module") is None


def test_warming_reads_botocores_data_only() -> None:
    """In a process of its own, where nothing is imported yet."""
    code = """
import os, sys
from ansible_collections.ekspress.eks.plugins.module_utils import _aws
read, known = [], []
sys.addaudithook(lambda event, arguments: read.append(str(arguments[0])) if event == "open" else None)
sys.addaudithook(lambda event, arguments: known.append(event) if event.startswith("socket.") else None)
_aws.warm(("ec2", "eks", "iam", "sts"))
data = os.path.join("botocore", "data")
print([path for path in read if data not in path and not path.endswith((".py", ".pyc", ".so"))], known)
"""
    environment = {**os.environ, "AWS_PROFILE": "nowhere", "AWS_CONFIG_FILE": __file__, "AWS_DATA_PATH": "/nowhere"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True, timeout=120
    )
    assert done.stdout.strip() == "[] []"


def test_surroundings_are_put_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONTRACT_KEPT", "before")
    before, directory = dict(os.environ), Path.cwd()

    def work() -> None:
        with _in_process._surroundings({"CONTRACT_KEPT": 1, "CONTRACT_NEW": "x"}, str(tmp_path)):
            assert (os.environ["CONTRACT_KEPT"], os.environ["CONTRACT_NEW"], Path.cwd()) == ("1", "x", tmp_path)
            os.environ["CONTRACT_BY_LOGIC"] = "x"
            raise EndedError

    with pytest.raises(EndedError):
        work()
    assert (dict(os.environ), Path.cwd()) == (before, directory)


def test_what_is_printed_is_dropped(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with _in_process._surroundings({}, str(tmp_path)):
        print("not to be seen")
        print("not to be seen", file=sys.stderr)
    assert capfd.readouterr() == ("", "")


@pytest.fixture
def alarm() -> Any:
    """A handler of SIGALRM that raises, as a task's timeout does."""

    def handler(number: int, frame: Any) -> None:
        raise EndedError

    before = signal.signal(signal.SIGALRM, handler)
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


def test_a_timeout_is_told_once_the_logic_has_ended(alarm: None) -> None:
    context, steps = Context(), []

    def logic() -> dict[str, Any]:
        steps.append("cancelled" if context.cancelled.wait(30) else "not cancelled")
        steps.append("ended")
        return {}

    with _in_process._alarm(signal.SIG_BLOCK):
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        with pytest.raises(EndedError):
            _in_process._to_its_end(logic, context)
    assert steps == ["cancelled", "ended"]


def test_a_timeout_does_not_interrupt_what_is_held(alarm: None) -> None:
    steps = []

    def work() -> None:
        with _in_process._alarm(signal.SIG_BLOCK):
            # To this thread, as in a worker, which has no other: a timer's signal may go to any thread of the process.
            signal.pthread_kill(threading.get_ident(), signal.SIGALRM)
            assert signal.SIGALRM in signal.sigpending()
            steps.append("whole")

    with pytest.raises(EndedError):
        work()
    assert steps == ["whole"]


def test_a_signal_that_another_thread_receives_is_noticed() -> None:
    noticed, context, main = threading.Event(), Context(), threading.get_ident()
    before = signal.signal(signal.SIGUSR1, lambda number, frame: noticed.set())

    def main_thread_waits() -> bool:
        frame = sys._current_frames()[main]
        return [outer.name for outer in traceback.extract_stack(frame)][-3:] == ["_to_its_end", "wait", "wait"]

    def logic() -> dict[str, Any]:
        seen = 0
        while seen < 20:
            seen = seen + 1 if main_thread_waits() else 0
            noticed.wait(0.001)
        signal.pthread_kill(threading.get_ident(), signal.SIGUSR1)
        return {"noticed": noticed.wait(5)}

    try:
        assert _in_process._to_its_end(logic, context) == {"noticed": True}
    finally:
        signal.signal(signal.SIGUSR1, before)


@pytest.mark.parametrize(
    ("interpreter", "expected"),
    [(sys.executable, True), ("", False), ("/nowhere/python", False), (f"{sys.executable} -B", False)],
)
def test_this_python(interpreter: str, expected: bool) -> None:
    assert _in_process._is_this_python(interpreter) is expected


def test_the_same_file_in_another_environment_is_another_python(tmp_path: Path) -> None:
    link = tmp_path / Path(sys.executable).name
    link.symlink_to(sys.executable)
    assert _in_process._is_this_python(str(link)) is False
