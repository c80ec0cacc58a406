# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The log of every AWS call that reached the server."""

from __future__ import annotations

import threading
from dataclasses import asdict, dataclass
from typing import Any

from sandbox.aws.request import AwsRequest

READ_PREFIXES = (
    "Describe",
    "List",
    "Get",
    "Head",
    "Lookup",
    "Search",
    "Query",
    "Scan",
    "Select",
    "Simulate",
    "Check",
    "BatchGet",
    "BatchDescribe",
    "Test",
    "Validate",
    "View",
)
# CloudTrail marks these readOnly (https://docs.aws.amazon.com/IAM/latest/UserGuide/cloudtrail-integration.html).
READS = frozenset(
    {
        ("sts", "AssumeRole"),
        ("sts", "AssumeRoleWithWebIdentity"),
        ("sts", "AssumeRoleWithSAML"),
        ("sts", "DecodeAuthorizationMessage"),
    }
)
SECRET_PARAMETERS = frozenset(
    {
        "WebIdentityToken",
        "SAMLAssertion",
        "TokenCode",
        "SerialNumber",
        "Password",
        "NewPassword",
        "OldPassword",
        "SecretString",
        "SecretBinary",
        "PrivateKey",
        "UserData",
    }
)
HIDDEN = "VALUE_NOT_LOGGED"


@dataclass
class Call:
    """One call.

    ``write`` is a conservative guess: whatever is not known to be a read is a write. ``fault`` names the effect of the
    fault rule that answered. ``started`` and ``ended`` are seconds of one monotonic clock.
    """

    sequence: int
    service: str
    operation: str
    region: str
    parameters: dict[str, Any]
    access_key: str
    account: str
    caller: str
    write: bool
    started: float
    ended: float | None = None
    status: int | None = None
    error: str | None = None
    fault: str | None = None


def is_write(request: AwsRequest) -> bool:
    """Say whether a call may change something; DryRun never does."""
    if (request.service, request.operation) in READS or request.parameters.get("DryRun") is True:
        return False
    return not request.operation.startswith(READ_PREFIXES)


def censor(value: Any, shape: Any = None) -> Any:
    """Copy parameters without secrets, as JSON can carry them."""
    if shape is not None and shape.metadata.get("sensitive"):
        return HIDDEN
    if isinstance(value, dict):
        members = getattr(shape, "members", {}) if shape is not None else {}
        return {
            str(key): HIDDEN if key in SECRET_PARAMETERS else censor(item, members.get(key))
            for key, item in value.items()
        }
    if isinstance(value, (list, tuple)):
        member = getattr(shape, "member", None)
        return [censor(item, member) for item in value]
    if isinstance(value, (str, int, float, bool)) or value is None:
        return value
    return str(value)


class CallLog:
    """Calls in the order in which they arrived."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._calls: list[Call] = []
        self._sequence = 0

    def begin(self, request: AwsRequest, now: float) -> Call:
        """Note a call that arrived."""
        shape = request.operation_model.input_shape if request.operation_model is not None else None
        with self._lock:
            self._sequence += 1
            call = Call(
                sequence=self._sequence,
                service=request.service,
                operation=request.operation,
                region=request.region,
                parameters=censor(request.parameters, shape),
                access_key=request.caller.access_key,
                account=request.caller.account,
                caller=request.caller.arn,
                write=is_write(request),
                started=now,
            )
            self._calls.append(call)
        return call

    def as_list(self) -> list[dict[str, Any]]:
        """Return all calls, oldest first."""
        with self._lock:
            return [asdict(call) for call in self._calls]

    def clear(self) -> None:
        """Forget all calls; sequence numbers go on."""
        with self._lock:
            self._calls.clear()
