# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Many runs of oidc_trust_policy on one role, beside a writer that ignores them, while reads of IAM lag by 3 seconds.

What is asked of them holds whatever the machine's speed: every run that ended well is in the trust policy in the end,
unless the other writer came after it had ended. Courses at exact times are in tests/unit/test_trust_policy_write.py.
"""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.ekspress.eks.plugins.module_utils import _trust_policy_lock
from ansible_collections.ekspress.eks.plugins.module_utils._oidc_trust_policy import LOGIC
from ansible_collections.ekspress.eks.plugins.module_utils._trust_policy_write import ATTEMPTS
from ansible_collections.ekspress.eks.tests.integration.iam_roles import (
    FOREIGN_STATEMENT,
    make_provider,
    make_role,
    trust_of,
)
from ansible_collections.ekspress.eks.tests.integration.trust_policies import BLUE
from ansible_collections.ekspress.eks.tests.support import run_logic

from sandbox.aws.client import ACCESS_KEY, SECRET_KEY, UNWANTED, AwsServer

LAG = 3.0
DEADLINE = 900.0
"""Seconds; a machine at leisure needs a tenth of it."""
COURSES = {"together": (16, (1, 2, 3)), "apart": (4, (1, 2))}
"""Role: how many runs, and after how many writes of theirs the other writer comes."""


@dataclass
class Course:
    """What became of the runs on one role."""

    results: list[dict[str, Any]]
    ends: dict[int, float] = field(default_factory=dict)
    outside: list[float] = field(default_factory=list)
    """When each document of the other writer was written."""
    document: dict[str, Any] = field(default_factory=dict)


class Ground:
    """The server, and the directory of locks that each thread has."""

    def __init__(self, server: AwsServer, directory: Path) -> None:
        self.server = server
        self.directory = directory
        self.own = threading.local()

    def run(self, role: str, number: int, course: Course) -> dict[str, Any]:
        self.own.directory = str(self.directory / (role if role == "together" else f"{role}-{number}"))
        result = run_logic(
            LOGIC,
            {
                "role": role,
                "issuers": [BLUE],
                "service_accounts": [f"app:a{number:02d}"],
                "endpoint_url": self.server.endpoint,
                "access_key": ACCESS_KEY,
                "secret_key": SECRET_KEY,
                "region": self.server.region,
            },
        )
        course.ends[number] = time.monotonic()
        return result

    def writes(self, role: str) -> int:
        """How many documents of the runs IAM took."""
        calls = self.server.calls("UpdateAssumeRolePolicy", failed=False)
        return sum(
            call["parameters"]["RoleName"] == role and "Outside" not in call["parameters"]["PolicyDocument"]
            for call in calls
        )

    def outside(self, role: str, after: tuple[int, ...], course: Course, ended: threading.Event) -> None:
        """Put whole documents in place of what is there, each once the runs have written so many."""
        iam = self.server.client("iam")
        for number in after:
            while self.writes(role) < number:
                if ended.wait(0.1):
                    return
            statement = {**FOREIGN_STATEMENT, "Sid": f"Outside{number}"}
            document = json.dumps({"Version": "2012-10-17", "Statement": [FOREIGN_STATEMENT, statement]})
            written = len(course.outside)
            while len(course.outside) == written and not ended.is_set():
                with suppress(iam.exceptions.ConcurrentModificationException):
                    iam.update_assume_role_policy(RoleName=role, PolicyDocument=document)
                    course.outside.append(time.monotonic())

    def course(self, role: str) -> Course:
        runs, after = COURSES[role]
        course, ended = Course([]), threading.Event()
        other = threading.Thread(target=self.outside, args=(role, after, course, ended), daemon=True)
        other.start()
        with ThreadPoolExecutor(runs) as pool:
            futures = [pool.submit(self.run, role, number, course) for number in range(runs)]
            course.results = [future.result(DEADLINE) for future in futures]
        ended.set()
        other.join(DEADLINE)
        return course


@pytest.fixture(scope="module")
def courses(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Course]]:
    """Both courses side by side, for they mostly wait."""
    with AwsServer() as server, pytest.MonkeyPatch.context() as patch:
        for name in UNWANTED:
            patch.delenv(name, raising=False)
        for name in ("NO_PROXY", "no_proxy", "AWS_EC2_METADATA_DISABLED", "AWS_CONFIG_FILE"):
            patch.setenv(name, server.environment[name])
        ground = Ground(server, tmp_path_factory.mktemp("locks"))
        patch.setattr(_trust_policy_lock, "directory", lambda: ground.own.directory)
        make_provider(server, BLUE)
        for role in COURSES:
            make_role(server, role)
        server.settings(iam_stale_seconds=LAG, trust_policy_size=4096)
        with ThreadPoolExecutor(len(COURSES)) as pool:
            found = dict(zip(COURSES, pool.map(ground.course, COURSES), strict=True))
        server.settings(iam_stale_seconds=0)
        for role, course in found.items():
            course.document = trust_of(server, role)
        yield found


@pytest.mark.parametrize("role", COURSES)
def test_nothing_is_lost_unnoticed(courses: dict[str, Course], role: str) -> None:
    course = courses[role]
    text = json.dumps(course.document)
    last = max([0.0, *course.outside])
    for number, result in enumerate(course.results):
        there = f"system:serviceaccount:app:a{number:02d}" in text
        assert there or result.get("failed") or course.ends[number] < last + LAG + 1, (number, result, course)
        if result.get("failed"):
            assert "un again" in result["msg"], result


@pytest.mark.parametrize("role", COURSES)
def test_what_nobody_asked_for_stays(courses: dict[str, Course], role: str) -> None:
    statements = courses[role].document["Statement"]
    assert statements[0] == FOREIGN_STATEMENT
    assert Counter(item.get("Sid", "ours") for item in statements)["ours"] <= 1


@pytest.mark.parametrize("role", COURSES)
def test_attempts_are_bounded(courses: dict[str, Course], role: str) -> None:
    attempts = [result.get("attempts", 0) for result in courses[role].results]
    assert max(attempts) <= ATTEMPTS, attempts
