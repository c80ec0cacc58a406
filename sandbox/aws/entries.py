# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Calls that succeed though their entries failed, for the effect ``fail_entries`` of faults.

https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutTargets.html ("This action can partially fail if too
many requests are made at the same time. If that happens, FailedEntryCount is non-zero")
"""

from __future__ import annotations

from typing import Any

from sandbox.aws.faults import Fault
from sandbox.aws.request import AwsRequest

CODE = "ConcurrentModificationException"


def failed(request: AwsRequest, fault: Fault) -> dict[str, Any]:
    """Return the result of a call of which every entry failed; raise ValueError for a call without entries."""
    parameters = request.parameters
    ids = {
        "PutTargets": [target["Id"] for target in parameters.get("Targets") or []],
        "RemoveTargets": parameters.get("Ids") or [],
    }
    if request.service != "events" or request.operation not in ids:
        raise ValueError(f"{request.service} {request.operation} has no entries that could fail")
    message = fault.message or f"The sandbox's fault table refused this entry of {request.operation}."
    entries = [
        {"TargetId": target, "ErrorCode": fault.code or CODE, "ErrorMessage": message}
        for target in ids[request.operation]
    ]
    return {"FailedEntryCount": len(entries), "FailedEntries": entries}
