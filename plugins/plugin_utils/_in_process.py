# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The base of this collection's action plugins: runs a module's logic in the worker, with a module's results.

See docs/decisions/in_process.md. Nothing here may raise at import: the strategy imports action plugins in the parent
process, where an exception ends the whole run.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from typing import Any

from ansible import constants
from ansible.module_utils.common.json import Direction, get_module_decoder, get_module_encoder
from ansible.plugins.action import ActionBase
from ansible.utils.collection_loader import resource_from_fqcr
from ansible.vars.clean import remove_internal_keys

MODULE_UTILS = "ansible_collections.ekspress.eks.plugins.module_utils"
PROFILE = "legacy"
"""Name of the JSON profile by which ansible-core talks to Python modules."""

START_VARIABLES = ("PYTHON", "LD_")
"""Variables that count only when a process starts: a task that sets one gets a process of its own."""

NOTICE_SECONDS = 0.1
"""How long a signal that another thread received may go unnoticed."""


def load(name: str, package: str = MODULE_UTILS) -> Any:
    """The ``LOGIC`` of module_utils/NAME.py with its service models loaded, or None where that is not possible.

    None makes every task of the action run as a module, which then tells what is wrong.
    """
    logic = None
    with contextlib.suppress(Exception):
        logic = importlib.import_module(f"{package}.{name}").LOGIC
        importlib.import_module(f"{MODULE_UTILS}._aws").warm(logic.services)
    return logic


class InProcessAction(ActionBase):
    """An action plugin whose module runs in this process. A subclass sets ``LOGIC = load("_name")``."""

    LOGIC: Any = None
    _supports_async = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        super().run(tmp, task_vars)
        variables = task_vars or {}
        environment: dict[str, Any] = {}
        self._compute_environment_string(environment)
        if not self._runs_here(variables, environment):
            wrap_async = bool(self._task.async_val) and not self._connection.has_native_async
            return self._execute_module(task_vars=task_vars, wrap_async=wrap_async)
        internal: dict[str, Any] = {}
        self._update_module_args(self._task.action, internal, variables)
        arguments = _through_wire(self._task.args, Direction.CONTROLLER_TO_MODULE)
        with _surroundings(environment, self._loader.get_basedir()):
            text = _run_logic(self.LOGIC, arguments, internal)
        result: dict[str, Any] = self._parse_returned_data({"stdout": text}, PROFILE)
        remove_internal_keys(result)
        return result

    def _runs_here(self, variables: dict[str, Any], environment: dict[str, Any]) -> bool:
        return not (
            self.LOGIC is None
            or self._task.async_val
            or self._connection.become
            or resource_from_fqcr(self._connection.transport) != "local"
            or any(name.startswith(START_VARIABLES) for name in environment)
            or not _is_this_python(self._interpreter(variables))
            or _runner().missing_library(self.LOGIC)
        )

    def _interpreter(self, variables: dict[str, Any]) -> str:
        """The Python that ansible-core would start for the module; '' where it would have to discover one."""
        if self._task.delegate_to:
            variables = variables.get("ansible_delegated_vars", {}).get(self._task.delegate_to, {})
        configured = constants.config.get_config_value("INTERPRETER_PYTHON", variables=variables)
        try:
            return str(self._templar.template(configured) or "").strip()
        except Exception:  # omitted or not to be templated: running the module tells, or finds another
            return ""


def _is_this_python(interpreter: str) -> bool:
    """Whether a path is this very Python: a virtual environment's is a link, so its directory counts too."""
    try:
        return os.path.samefile(interpreter, sys.executable) and os.path.samefile(
            os.path.dirname(interpreter), os.path.dirname(sys.executable)
        )
    except OSError:
        return False


def _runner() -> Any:
    return importlib.import_module(f"{MODULE_UTILS}._runner")


def _to_wire(value: Any, direction: Direction) -> str:
    return json.dumps(value, cls=get_module_encoder(PROFILE, direction))


def _through_wire(value: Any, direction: Direction) -> Any:
    """What the other side of the wire between controller and module would read: plain values without tags."""
    return json.loads(_to_wire(value, direction), cls=get_module_decoder(PROFILE, direction))


def _run_logic(logic: Any, arguments: dict[str, Any], internal: dict[str, Any]) -> str:
    """Validate, run and censor as a module does; the result is the JSON text that a module would print."""
    try:
        runner = _runner()
        prepared = runner.prepare(logic, arguments, internal)
        result = prepared.result
        if result is None:
            result = _to_its_end(lambda: runner.execute(logic, prepared.params, prepared.context), prepared.context)
        return _to_wire(runner.finished(prepared, result), Direction.MODULE_TO_CONTROLLER)
    except Exception as error:
        # What is not known to be free of secrets is not shown: the place, but neither message nor values.
        place = traceback.extract_tb(error.__traceback__)[-1]
        message = f"Unexpected {type(error).__name__} in {place.name} ({place.filename}, line {place.lineno})."
        return json.dumps({"failed": True, "changed": False, "msg": f"{message} This is a defect of ekspress.eks."})


def _to_its_end(function: Callable[[], dict[str, Any]], context: Any) -> dict[str, Any]:
    """Call a function in a thread, so that a signal never ends it midway.

    The task's timeout raises in the main thread only. Then the context is cancelled, which stops the logic at its
    next call, and the exception goes on once the calls in flight have ended: nothing is written after the result.
    """
    ended = threading.Event()
    outcome: list[dict[str, Any]] = []

    def body() -> None:
        try:
            outcome.append(function())
        finally:
            ended.set()

    threading.Thread(target=body, daemon=True).start()
    try:
        with _alarm(signal.SIG_UNBLOCK):
            while not ended.wait(NOTICE_SECONDS):
                # A signal may have been delivered to another thread: this one looks for it when it wakes.
                continue
    except BaseException:
        context.cancelled.set()
        ended.wait()
        raise
    return outcome[0]


@contextlib.contextmanager
def _surroundings(environment: dict[str, Any], directory: str) -> Iterator[None]:
    """What a module's own process has: the task's environment, the playbook's directory, outputs nobody sees.

    All is put back as it was, for the items of a loop share a worker.
    """
    with _alarm(signal.SIG_BLOCK), contextlib.chdir(directory):
        before = dict(os.environ)
        try:
            os.environ.update({name: str(value) for name, value in environment.items()})
            with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
                yield
        finally:
            os.environ.clear()
            os.environ.update(before)


@contextlib.contextmanager
def _alarm(how: int) -> Iterator[None]:
    """Hold the task's timeout back, or let it come, for the time of a block."""
    before = signal.pthread_sigmask(how, {signal.SIGALRM})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
