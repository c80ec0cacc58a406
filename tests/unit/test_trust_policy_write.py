# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Trust policies written at once, in a time of their own: minutes of waiting pass in no time, one seed one course."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from ansible_collections.ekspress.eks.plugins.module_utils import _trust_policy_write
from ansible_collections.ekspress.eks.plugins.module_utils._context import Context
from ansible_collections.ekspress.eks.plugins.module_utils._errors import EksError
from ansible_collections.ekspress.eks.plugins.module_utils._trust_policy_plan import Issuer, merge, subject, without
from ansible_collections.ekspress.eks.plugins.module_utils._trust_policy_write import ATTEMPTS, Written, write_trust
from ansible_collections.ekspress.eks.tests.unit.virtual_time import Clock

ACCOUNT = "111122223333"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/app"
ISSUER = Issuer.of("https://oidc.eks.eu-central-1.amazonaws.com/id/B1", "aws", ACCOUNT)
NODES = {"Sid": "Nodes", "Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
EMPTY = {"Version": "2012-10-17", "Statement": [NODES]}
LAG = 3.0


class Iam:
    """IAM's part of the Aws class: one role, of which reads show what was there ``lag`` seconds before."""

    def __init__(self, clock: Clock, document: dict[str, Any], lag: float = LAG, call_seconds: float = 0.05) -> None:
        self.clock = clock
        self.lag = lag
        self.seconds = call_seconds
        self.history = [(0.0, json.dumps(document))]
        self.reads = 0

    @property
    def document(self) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(self.history[-1][1])
        return document

    def put(self, document: dict[str, Any]) -> None:
        self.history.append((self.clock.now, json.dumps(document)))

    def client(self, _service: str) -> Any:
        return _Client

    def call(self, _client: Any, operation: str, **arguments: Any) -> dict[str, Any]:
        self.clock.wait(random.uniform(0.5, 1.5) * self.seconds)
        if operation == "update_assume_role_policy":
            self.put(json.loads(arguments["PolicyDocument"]))
            answer: dict[str, Any] = {}
        else:
            self.reads += 1
            then = self.clock.now - self.lag
            shown = next(text for since, text in reversed(self.history) if since <= max(0.0, then))
            answer = {"Role": {"AssumeRolePolicyDocument": json.loads(shown)}}
        self.clock.wait(random.uniform(0.5, 1.5) * self.seconds)
        return answer


class _Client:
    class meta:
        class events:
            @staticmethod
            def register(*_arguments: Any, **_more: Any) -> None:
                """Calls are on time here."""


class Machine:
    """Runs on one machine take turns."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._held = False

    @contextmanager
    def turn(self) -> Iterator[None]:
        while self._held:
            self._clock.wait(random.uniform(0.02, 0.1))
        self._held = True
        try:
            yield
        finally:
            self._held = False


class _MachineContext(Context):
    machine: Machine


def context_of(clock: Clock, machine: Machine) -> Context:
    context = Context()
    context.cancelled.wait = clock.wait  # type: ignore[method-assign, assignment]
    context.machine = machine  # type: ignore[attr-defined]
    return context


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(_trust_policy_write, "monotonic", made.monotonic)
    monkeypatch.setattr(_trust_policy_write, "turn", lambda context, _key: context.machine.turn())
    return made


def service_account(number: int) -> str:
    return subject(f"app:a{number:02d}")


class Course:
    """Runs that each let one service account in, and documents of a writer that does not merge, in one time."""

    def __init__(self, clock: Clock, seed: int, *, lag: float = LAG, document: dict[str, Any] | None = None) -> None:
        random.seed(seed)
        self.clock = clock
        self.iam = Iam(clock, document or EMPTY, lag)
        self.ends: list[float] = []

    def run(self, number: int, machine: Machine) -> Written | EksError:
        outcome: Written | EksError
        try:
            outcome = write_trust(
                self.iam,  # type: ignore[arg-type]
                context_of(self.clock, machine),
                ROLE,
                lambda document: merge(document, [ISSUER], [service_account(number)]),
            )
        except EksError as error:
            outcome = error
        self.ends.append(self.clock.now)
        return outcome

    def put(self, number: int) -> None:
        self.iam.put({"Version": "2012-10-17", "Statement": [NODES, {**NODES, "Sid": f"Outside{number}"}]})

    def lost(self, outcomes: list[Any]) -> list[int]:
        """The runs that ended well and of which there is nothing in the document."""
        text = json.dumps(self.iam.document)
        return [
            number
            for number, outcome in enumerate(outcomes)
            if isinstance(outcome, Written) and service_account(number) not in text
        ]


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize(
    ("runs", "one_machine", "outside"),
    [(2, True, []), (2, False, []), (5, False, [2.0, 5.0]), (8, False, [0.5, 1.0, 3.2]), (16, True, [1.0, 4.0, 6.0])],
    ids=["two-one-machine", "two-apart", "five-apart-outside", "eight-apart-outside", "sixteen-one-machine-outside"],
)
def test_nothing_is_lost_unnoticed(clock: Clock, seed: int, runs: int, one_machine: bool, outside: list[float]) -> None:
    course, shared = Course(clock, seed), Machine(clock)
    programs: list[Any] = []
    for number in range(runs):
        machine = shared if one_machine else Machine(clock)
        programs.append((random.uniform(0.0, 0.5), lambda number=number, machine=machine: course.run(number, machine)))
    programs += [(start, lambda number=number: course.put(number)) for number, start in enumerate(outside)]
    outcomes = clock.run(*programs)[:runs]
    assert course.lost(outcomes) == []
    assert min(course.ends) > 1000 + max([0.0, *outside]) + LAG, "the outside writer came too late for any to notice"
    assert [outcome for outcome in outcomes if not isinstance(outcome, Written)] == []
    assert max(outcome.attempts for outcome in outcomes) <= ATTEMPTS
    assert course.iam.document["Statement"][0] == NODES


@pytest.mark.parametrize("seed", range(3))
def test_an_outside_writer_without_end_is_reported(clock: Clock, seed: int) -> None:
    course = Course(clock, seed)

    def outside() -> None:
        for number in range(400):
            course.put(number)
            clock.wait(1.0)

    outcome = clock.run((1.5, lambda: course.run(0, Machine(clock))), (0.0, outside))[0]
    assert isinstance(outcome, EksError), outcome
    for words in ("IAM role 'app'", service_account(0), "others keep overwriting it", "run again"):
        assert words in outcome.message
    assert outcome.details["changed"] is True
    assert course.ends[0] < 1000 + 320
    assert course.iam.reads < 500


def test_the_same_document_put_back_again_and_again_is_no_old_read_for_ever(clock: Clock) -> None:
    course = Course(clock, 1)

    def outside() -> None:
        for seconds in (1.5, 8.0, 8.0):
            clock.wait(seconds)
            course.iam.put(EMPTY)

    outcome = clock.run((0.0, lambda: course.run(0, Machine(clock))), (0.0, outside))[0]
    assert isinstance(outcome, Written), outcome
    assert outcome.attempts > 1
    assert course.lost([outcome]) == []


@pytest.mark.parametrize("seed", range(5))
def test_a_write_that_does_not_show_is_not_made_again_at_once(clock: Clock, seed: int) -> None:
    course = Course(clock, seed)
    outcome = clock.run((0.0, lambda: course.run(0, Machine(clock))))[0]
    assert outcome.attempts == 1
    assert len(course.iam.history) == 2
    assert course.ends[0] - 1000 >= 7
    assert course.iam.reads < 25


def test_what_never_shows_is_reported(clock: Clock) -> None:
    course = Course(clock, 1, lag=10_000.0)
    outcome = clock.run((0.0, lambda: course.run(0, Machine(clock))))[0]
    assert isinstance(outcome, EksError)
    assert "is not in force" in outcome.message
    assert course.iam.reads < 500


def test_what_is_there_already_is_not_written(clock: Clock) -> None:
    document = merge(EMPTY, [ISSUER], [service_account(0)]).after
    course = Course(clock, 1, document=document)
    outcome = clock.run((0.0, lambda: course.run(0, Machine(clock))))[0]
    assert (outcome.attempts, outcome.plan.changed, course.iam.reads) == (0, False, 1)


@pytest.mark.parametrize("seed", range(5))
def test_one_comes_and_another_goes(clock: Clock, seed: int) -> None:
    course = Course(clock, seed, document=merge(EMPTY, [ISSUER], [service_account(7)]).after)

    def going() -> Written:
        return write_trust(
            course.iam,  # type: ignore[arg-type]
            context_of(clock, Machine(clock)),
            ROLE,
            lambda document: without(document, [ISSUER], [service_account(7)]),
        )

    came, went = clock.run((0.0, lambda: course.run(0, Machine(clock))), (0.1, going))
    assert isinstance(came, Written)
    assert isinstance(went, Written)
    assert [item.subject for item in came.plan.added] == [service_account(0)]
    assert [item.subject for item in went.plan.removed] == [service_account(7)]
    assert course.iam.document == merge(EMPTY, [ISSUER], [service_account(0)]).after
