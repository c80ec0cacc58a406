# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Faults that tests order: which call goes wrong, and how."""

from __future__ import annotations

import fnmatch
import threading
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from sandbox.aws.answers import Refusal
from sandbox.aws.calls import is_write
from sandbox.aws.request import AwsRequest

EFFECTS = ("throttle", "deny", "error", "latency", "stale", "drop_connection", "fail_entries")

# Codes: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html,
# https://docs.aws.amazon.com/IAM/latest/APIReference/CommonErrors.html,
# https://docs.aws.amazon.com/eks/latest/APIReference/CommonErrors.html,
# https://docs.aws.amazon.com/Route53/latest/APIReference/CommonErrors.html,
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/CommonErrors.html
THROTTLES: dict[str, tuple[str, str, int]] = {
    "ec2": ("RequestLimitExceeded", "Request limit exceeded.", 503),
    "iam": ("Throttling", "Rate exceeded", 400),
    "sts": ("Throttling", "Rate exceeded", 400),
    "eks": ("ThrottlingException", "Rate exceeded", 429),
    "sqs": ("RequestThrottled", "Request is throttled.", 403),
    "route53": ("Throttling", "Rate exceeded", 400),
    "elbv2": ("Throttling", "Rate exceeded", 400),
    "autoscaling": ("Throttling", "Rate exceeded", 400),
}
DENIALS: dict[str, tuple[str, int]] = {
    "ec2": ("UnauthorizedOperation", 403),
    "iam": ("AccessDenied", 403),
    "sts": ("AccessDenied", 403),
    "eks": ("AccessDeniedException", 403),
    "sqs": ("AccessDenied", 403),
    "route53": ("AccessDenied", 403),
    "elbv2": ("AccessDenied", 403),
    "autoscaling": ("AccessDenied", 403),
}


@dataclass
class Fault:
    """One rule.

    Args:
        service: botocore's name of the service, a glob.
        operation: name of the operation, a glob.
        effect: one of EFFECTS.
        match: parameters that the call must have; a dictionary matches a part of a dictionary.
        nth: the first matching call that is hit, counted from 1.
        times: how many calls are hit; None for all from the nth on.
        code, message, status: override the answer's error.
        seconds: delay of ``latency``; it ends before where the rule is lifted.
    """

    service: str = "*"
    operation: str = "*"
    effect: str = "error"
    match: dict[str, Any] = field(default_factory=dict)
    nth: int = 1
    times: int | None = 1
    code: str | None = None
    message: str | None = None
    status: int | None = None
    seconds: float = 0.0
    id: int = 0
    seen: int = 0
    hit: int = 0

    def applies(self, request: AwsRequest) -> bool:
        """Say whether the call is one that this rule counts."""
        return (
            fnmatch.fnmatchcase(request.service, self.service)
            and fnmatch.fnmatchcase(request.operation, self.operation)
            and part_of(self.match, request.parameters)
        )


def part_of(part: Any, whole: Any) -> bool:
    """Say whether a value is contained: dictionaries by key, lists by member, all else by equality."""
    if isinstance(part, dict):
        return isinstance(whole, dict) and all(key in whole and part_of(item, whole[key]) for key, item in part.items())
    if isinstance(part, list):
        return isinstance(whole, list) and all(any(part_of(item, other) for other in whole) for item in part)
    return bool(part == whole)


def fault_from(data: dict[str, Any]) -> Fault:
    """Make a rule of a test's JSON; raise ValueError naming what is wrong with it."""
    known = {item.name for item in fields(Fault)} - {"id", "seen", "hit"}
    unknown = sorted(set(data) - known)
    if unknown:
        raise ValueError(f"unknown keys {unknown}: a fault has {sorted(known)}")
    fault = Fault(**data)
    if fault.effect not in EFFECTS:
        raise ValueError(f"unknown effect {fault.effect!r}: choose one of {', '.join(EFFECTS)}")
    if fault.effect == "error" and not fault.code:
        raise ValueError("effect error needs a code")
    if fault.effect == "latency" and fault.seconds <= 0:
        raise ValueError("effect latency needs seconds greater than 0")
    if fault.nth < 1 or (fault.times is not None and fault.times < 1):
        raise ValueError("nth and times start at 1")
    return fault


class FaultTable:
    """The rules in force."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: list[Fault] = []
        self._lifted: dict[int, threading.Event] = {}
        self._next_id = 1

    def add(self, fault: Fault) -> Fault:
        """Put a rule in force."""
        with self._lock:
            fault.id = self._next_id
            self._next_id += 1
            self._faults.append(fault)
            self._lifted[fault.id] = threading.Event()
        return fault

    def clear(self) -> None:
        """Lift all rules; the calls that they delay go on."""
        with self._lock:
            self._faults.clear()
            for lifted in self._lifted.values():
                lifted.set()
            self._lifted.clear()

    def delay(self, fault: Fault) -> None:
        """Wait as long as a rule says, but no longer than it is in force."""
        with self._lock:
            lifted = self._lifted.get(fault.id)
        if lifted is not None:
            lifted.wait(fault.seconds)

    def as_list(self) -> list[dict[str, Any]]:
        """Return the rules with their counters."""
        with self._lock:
            return [asdict(fault) for fault in self._faults]

    def due(self, request: AwsRequest) -> list[Fault]:
        """Count a call in every rule that it matches and return the rules that hit it, oldest first."""
        due = []
        with self._lock:
            for fault in self._faults:
                if not fault.applies(request):
                    continue
                fault.seen += 1
                if fault.seen >= fault.nth and (fault.times is None or fault.seen < fault.nth + fault.times):
                    fault.hit += 1
                    due.append(fault)
        return due


def refusal_of(fault: Fault, request: AwsRequest) -> Refusal:
    """Return the error that a throttle, deny or error rule answers with."""
    if fault.effect == "throttle":
        code, message, status = THROTTLES.get(request.service, ("ThrottlingException", "Rate exceeded", 400))
    elif fault.effect == "deny":
        code, status = DENIALS.get(request.service, ("AccessDeniedException", 400))
        message = denied_message(request)
    else:
        code, message, status = "", f"The sandbox's fault table refused this {request.operation}.", 400
    return Refusal(fault.code or code, fault.message or message, fault.status or status)


def denied_message(request: AwsRequest) -> str:
    """Shape a denial as AWS does.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
    """
    action = f"{request.service}:{request.operation}"
    reason = f"because no identity-based policy allows the {action} action"
    target = "" if request.service == "ec2" and not is_write(request) else f" on resource: {resource_of(request)}"
    sentence = f"User: {request.caller.arn} is not authorized to perform: {action}{target} {reason}"
    return f"You are not authorized to perform this operation. {sentence}" if request.service == "ec2" else sentence


def resource_of(request: AwsRequest) -> str:
    """Name the resource of a call the way a denial names it."""
    caller, parameters = request.caller, request.parameters
    prefix = f"arn:{caller.partition}:{request.service}"
    for key in ("RoleArn", "OpenIDConnectProviderArn", "PolicyArn", "resourceArn"):
        if key in parameters and not (key == "PolicyArn" and "RoleName" in parameters):
            return str(parameters[key])
    name = "*"
    if request.service == "iam" and "RoleName" in parameters:
        name = f"{prefix}::{caller.account}:role/{parameters['RoleName']}"
    elif request.service == "iam" and "Url" in parameters:
        name = f"{prefix}::{caller.account}:oidc-provider/{str(parameters['Url']).removeprefix('https://')}"
    elif request.service == "eks" and "name" in parameters:
        name = f"{prefix}:{request.region}:{caller.account}:cluster/{parameters['name']}"
    elif request.service == "ec2" and parameters.get("Resources"):
        first = str(parameters["Resources"][0])
        name = f"{prefix}:{request.region}:{caller.account}:{first.rsplit('-', 1)[0]}/{first}"
    return name
