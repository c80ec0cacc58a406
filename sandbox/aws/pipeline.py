# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The way of one request through faults, checks, moto and corrections."""

from __future__ import annotations

import socket
import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.test import run_wsgi_app
from werkzeug.wrappers import Response

from sandbox.aws import authenticator
from sandbox.aws.admin import Admin
from sandbox.aws.answers import Answer, DropConnection, Refusal, error, error_code, serialize
from sandbox.aws.calls import Call, is_write
from sandbox.aws.entries import failed
from sandbox.aws.faults import refusal_of
from sandbox.aws.hooks import CHECKS, CORRECTIONS, OPERATIONS
from sandbox.aws.overlaps import held
from sandbox.aws.pages import paginated
from sandbox.aws.request import AwsRequest, parse_request
from sandbox.aws.state import State
from sandbox.aws.strict import rules

StartResponse = Callable[..., Any]


class Application:
    """The WSGI application: the admin API under /sandbox/, AWS everywhere else."""

    def __init__(self) -> None:
        self.state = State()
        self._moto = DomainDispatcherApplication(create_backend_app)
        self._admin = Admin(self.state)
        rules.load()

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        if environ.get("PATH_INFO", "").startswith("/sandbox/"):
            return self._admin(environ, start_response)
        # The lock: parsing looks the caller up in moto's state.
        with self.state.moto_lock:
            request = parse_request(environ)
        call = self.state.calls.begin(request, time.monotonic())
        try:
            answer = self._answer(request, call)
        except DropConnection:
            self._finish(call, None, None)
            connection = environ["werkzeug.socket"]
            connection.shutdown(socket.SHUT_RDWR)
            raise ConnectionAbortedError("a fault rule drops this connection") from None
        except Exception as cause:
            # A mistake of the emulator must be told from a fault that a test ordered, and must not end in HTML.
            traceback.print_exc()
            text = f"The sandbox's AWS failed on {request.service} {request.operation}: {cause!r}"
            answer = Answer(500, [("Content-Type", "text/plain")], text.encode())
            if request.operation_model is not None:
                answer = error(request, Refusal("InternalFailure", text, 500))
        self._finish(call, answer.status, error_code(request, answer))
        return Response(answer.body, answer.status, answer.headers)(environ, start_response)

    @staticmethod
    def _finish(call: Call, status: int | None, code: str | None) -> None:
        call.status, call.error, call.ended = status, code, time.monotonic()

    def _answer(self, request: AwsRequest, call: Call) -> Answer:
        if request.operation_model is None:
            return self._answer_unknown(request)
        effects: set[str] = set()
        try:
            # First of all, so that a call that a rule has counted holds its entity.
            with self._alone(request):
                due = self.state.faults.due(request)
                if due:
                    call.fault = ",".join(fault.effect for fault in due)
                effects = {fault.effect for fault in due}
                for fault in due:
                    if fault.effect == "latency":
                        self.state.faults.delay(fault)
                for fault in due:
                    if fault.effect in ("throttle", "deny", "error"):
                        raise refusal_of(fault, request)
                partly = [fault for fault in due if fault.effect == "fail_entries"]
                answer = serialize(request, failed(request, partly[0])) if partly else self._apply(request, effects)
        except Refusal as refusal:
            answer = error(request, refusal)
        if "drop_connection" in effects:
            raise DropConnection
        return answer

    def _answer_unknown(self, request: AwsRequest) -> Answer:
        try:
            with self.state.moto_lock:
                return self._dispatch(request, None)
        except Refusal as refusal:
            return Answer(refusal.status, [("Content-Type", "text/plain")], refusal.message.encode())

    @contextmanager
    def _alone(self, request: AwsRequest) -> Iterator[None]:
        """Refuse a write while another one on the same thing is under way."""
        found = held(request)
        if found is None:
            yield
            return
        entity, refusal = found
        writing, lock = self.state.writing, self.state.writing_lock
        with lock:
            if entity in writing:
                raise refusal
            writing.add(entity)
        try:
            yield
        finally:
            with lock:
                writing.discard(entity)

    def _apply(self, request: AwsRequest, effects: set[str]) -> Answer:
        state, key = self.state, (request.service, request.operation)
        with state.moto_lock:
            for check in CHECKS.get(key, ()):
                check(request, state)
            write = request.service == "iam" and is_write(request)
            before = state.history.snapshot(request) if write else None
            now, seconds = time.monotonic(), state.settings.iam_stale_seconds
            with state.history.past(request, now, seconds, "stale" in effects):
                ours = OPERATIONS[key](request, state) if key in OPERATIONS else None
                answer = paginated(request, state, self._dispatch) if ours is None else serialize(request, ours)
            if answer.status >= 400:
                return answer
            if write and before is not None:
                state.history.written(request, before, now, seconds)
            for correction in CORRECTIONS.get(key, ()):
                answer = correction(request, state, answer)
            if request.service == "eks":
                authenticator.publish(state)
            return answer

    def _dispatch(self, request: AwsRequest, replace: dict[str, str | None] | None) -> Answer:
        environ = request.fresh_environ(replace)
        try:
            body, status_line, headers = run_wsgi_app(self._moto, environ, buffered=True)
        except NotImplementedError as cause:
            raise _lacks(request) from cause
        status = int(status_line.split(" ", 1)[0])
        if status == 404 and headers.get("Content-Type", "").startswith("text/html") and request.operation_model:
            raise _lacks(request)
        skip = {"content-length", "transfer-encoding", "connection"}
        kept = [(name, value) for name, value in headers.items() if name.lower() not in skip]
        return Answer(status, kept, b"".join(body))


def _lacks(request: AwsRequest) -> Refusal:
    """Return the answer to an operation that nobody emulates; AWS never answers so, and no SDK tries it again."""
    message = f"The sandbox's AWS has no {request.service} {request.operation}: extend sandbox/aws."
    return Refusal("InternalFailure", message, 501)
