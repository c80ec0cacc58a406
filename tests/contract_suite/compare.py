# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What two runs have in common once what is random or of the clock is left out."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from tests.contract_suite.runs import Run

# Random in the sandbox's AWS, of a clock, or of one run.
RANDOM = (
    (re.compile(r"\b[0-9A-F]{32}\b"), "EKS-ID"),
    (re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b"), "UUID"),
    (re.compile(r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(\+00:00|Z)?"), "TIME"),
    (re.compile(r"http://127\.0\.0\.1:\d+"), "ENDPOINT"),
    (re.compile(r"\bj\d+\.\d+\b"), "JOB"),
    (re.compile(r"\S*/[0-9a-f]{32}\b"), "HOME"),
    (re.compile(r"^[0-9a-f]{32}$"), "RUN"),
    (re.compile(r"\b0x[0-9a-f]+\b"), "ADDRESS"),
    (re.compile(r"\bcontract-(one|two)\b"), "CLUSTER"),
    (re.compile(r"\baws-auth-backup-\d+\b"), "BACKUP"),
)
# Of a cluster's components, and of the sandbox itself, which tells no name.
COMPONENTS = ("kube-", "kwok", "kubectl")
VERSION_OF_AN_OBJECT = re.compile(r"(resourceVersion=)\d+")
OF_A_RUN = {"ansible_job_id", "results_file", "_ansible_delegated_vars", "attempts", "seconds"}


def steady(value: Any) -> Any:
    """A value without what differs between any two runs."""
    if isinstance(value, dict):
        return {key: steady(item) for key, item in sorted(value.items()) if key not in OF_A_RUN}
    if isinstance(value, list):
        return [steady(item) for item in value]
    if isinstance(value, str):
        for pattern, name in RANDOM:
            value = pattern.sub(name, value)
    return value


def results(run: Run) -> dict[str, list[Any]]:
    """The steady results of each task, in order."""
    found: dict[str, list[Any]] = {}
    for record in run.records:
        found.setdefault(record["task"], []).append([record["kind"], steady(record["result"])])
    return found


def calls(run: Run, log: list[dict[str, Any]], polled: Mapping[str, Collection[str]]) -> dict[str, Counter[str]]:
    """The AWS calls of each task; those of an asynchronous one are its start's and its status's together.

    ``polled`` are for each module the operations of which a task counts each call once, however often it was made.
    """
    found: dict[str, Counter[str]] = {}
    waiting = sorted(log, key=lambda call: float(call["started"]))
    for record in run.records:
        task = record["task"].replace("async status", "async start")
        own = found.setdefault(task, Counter())
        while waiting and waiting[0]["started"] <= record["ended"]:
            call = waiting.pop(0)
            kept = {key: call[key] for key in ("service", "operation", "region", "parameters", "caller", "error")}
            text = json.dumps(steady(kept), sort_keys=True)
            own[text] = 1 if call["operation"] in polled.get(task.partition(":")[0], ()) else own[text] + 1
    assert not waiting, f"calls after the last task: {waiting}"
    return found


def requests(run: Run, audit: Path, begin: int) -> dict[str, Counter[str]]:
    """The requests of each task that a cluster's API server saw, by its log from an offset on."""
    found: dict[str, Counter[str]] = {}
    content = audit.read_bytes()
    for record in run.records:
        task = record["task"].replace("async status", "async start")
        own = found.setdefault(task, Counter())
        end = record["audited"]
        assert begin <= end <= len(content), "the log of requests was begun anew in the midst of the run"
        own.update(filter(None, map(_request, content[begin:end].splitlines())))
        begin = end
    return found


def _request(line: bytes) -> str | None:
    event = json.loads(line)
    agent = event.get("userAgent", "").partition("/")[0]
    if not agent or agent.startswith(COMPONENTS):
        return None
    if event["verb"] == "update" and event.get("objectRef", {}).get("resource") == "leases":
        # How often a lease is renewed depends on how long the work takes.
        return None
    return f"{agent}: {event['verb']} {VERSION_OF_AN_OBJECT.sub('resourceVersion=VERSION', event['requestURI'])}"
