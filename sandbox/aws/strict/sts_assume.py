# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""STS: a role that is assumed must exist and trust the caller; moto hands out keys for any ARN.

https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html,
https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_common-scenarios_third-party.html (external id)
"""

from __future__ import annotations

import fnmatch
import json
import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from moto.iam.models import iam_backends

from sandbox.aws.answers import Refusal
from sandbox.aws.callers import Caller
from sandbox.aws.hooks import check
from sandbox.aws.request import AwsRequest
from sandbox.aws.state import State
from sandbox.aws.strict.iam_trust import as_list

_ROLE = re.compile(r"arn:(aws[\w-]*):iam::(\d{12}):role/(?:.*/)?([\w+=,.@-]+)")
_ASSUMED = re.compile(r"arn:(aws[\w-]*):sts::(\d{12}):assumed-role/([^/]+)/.+")


def _matches(operator: str, wanted: list[str], actual: str | None) -> bool:
    name = operator.removesuffix("IfExists")
    if actual is None:
        return name != operator
    if name == "StringEquals":
        return actual in wanted
    if name == "StringLike":
        return any(fnmatch.fnmatchcase(actual, pattern) for pattern in wanted)
    if name == "StringNotEquals":
        return actual not in wanted
    return False


def _condition_holds(condition: dict[str, Any], context: Mapping[str, str | None]) -> bool:
    """Say whether all conditions hold; one that this server cannot judge does not."""
    for operator, keys in condition.items():
        for key, wanted in keys.items():
            if not _matches(operator, [str(value) for value in as_list(wanted)], context.get(key.lower())):
                return False
    return True


def _is_caller(principal: Any, caller: Caller) -> bool:
    if principal == "*":
        return True
    if not isinstance(principal, dict):
        return False
    names = {"*", caller.account, f"arn:{caller.partition}:iam::{caller.account}:root", caller.arn}
    assumed = _ASSUMED.fullmatch(caller.arn)
    if assumed:
        backend = iam_backends[assumed[2]][assumed[1]]
        names.update(role.arn for role in backend.roles.values() if role.name == assumed[3])
    return any(value in names for value in as_list(principal.get("AWS", [])))


def trusts(document: str, action: str, is_principal: Callable[[Any], bool], context: Mapping[str, str | None]) -> bool:
    """Say whether a trust policy lets a principal assume the role by an action of STS (in small letters)."""
    allowed = False
    for statement in as_list(json.loads(document).get("Statement", [])):
        actions = [str(item).lower() for item in as_list(statement.get("Action", []))]
        applies = (
            any(fnmatch.fnmatchcase(action, pattern) for pattern in actions)
            and is_principal(statement.get("Principal"))
            and _condition_holds(statement.get("Condition") or {}, context)
        )
        if applies and statement.get("Effect") == "Deny":
            return False
        allowed = allowed or applies
    return allowed


def find_role(request: AwsRequest) -> Any:
    """Return the role that a request wants to assume, None where there is none."""
    arn = str(request.parameters.get("RoleArn", ""))
    match = _ROLE.fullmatch(arn)
    if match is None:
        raise Refusal("ValidationError", f"{arn} is invalid")
    if match[1] != request.caller.partition:
        return None
    return next((role for role in iam_backends[match[2]][match[1]].roles.values() if role.arn == arn), None)


def check_duration(request: AwsRequest, role: Any) -> None:
    """Refuse a session that is longer than the role allows."""
    duration = request.parameters.get("DurationSeconds")
    if duration is not None and int(duration) > int(role.max_session_duration or 3600):
        message = "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."
        raise Refusal("ValidationError", message)


@check("sts", "AssumeRole")
def assume_role(request: AwsRequest, state: State) -> None:
    """Refuse a role that does not exist or does not trust the caller; AWS does not say which of the two."""
    arn, caller, role = str(request.parameters.get("RoleArn", "")), request.caller, find_role(request)
    external_id = request.parameters.get("ExternalId")
    context = {
        "sts:externalid": None if external_id is None else str(external_id),
        "sts:rolesessionname": str(request.parameters.get("RoleSessionName", "")),
        "aws:principalarn": caller.arn,
        "aws:principalaccount": caller.account,
    }
    is_caller = partial(_is_caller, caller=caller)
    if role is None or not trusts(role.assume_role_policy_document, "sts:assumerole", is_caller, context):
        message = f"User: {caller.arn} is not authorized to perform: sts:AssumeRole on resource: {arn}"
        raise Refusal("AccessDenied", message, 403)
    check_duration(request, role)
