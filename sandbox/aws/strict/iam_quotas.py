# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Quotas and character sets of IAM roles and policies.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html,
https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html,
https://docs.aws.amazon.com/IAM/latest/APIReference/API_PutRolePolicy.html
"""

from __future__ import annotations

import json
import re
from typing import Any

from moto.iam.models import iam_backends

from sandbox.aws.answers import Refusal
from sandbox.aws.hooks import check
from sandbox.aws.request import AwsRequest
from sandbox.aws.state import State
from sandbox.aws.strict.iam_trust import malformed, size_of

INLINE_POLICIES_SIZE = 10240
MANAGED_POLICY_SIZE = 6144
MANAGED_POLICY_VERSIONS = 5
_NAME = re.compile(r"[\w+=,.@-]+", re.ASCII)
_PATH = re.compile(r"/|/[\u0021-\u007E]+/")
_DESCRIPTION = re.compile(r"[\u0009\u000A\u000D\u0020-\u007E\u00A1-\u00FF]*")


def invalid(value: Any, field: str, constraint: str) -> Refusal:
    """Shape a violation of the API's own constraints as AWS does."""
    message = f"1 validation error detected: Value '{value}' at '{field}' failed to satisfy constraint: {constraint}"
    return Refusal("ValidationError", message)


def role_named(request: AwsRequest, name: str) -> Any:
    """Return moto's role or None."""
    backend = iam_backends[request.caller.account][request.caller.partition]
    return next((role for role in backend.roles.values() if role.name == name), None)


@check("iam", "CreateRole")
def role_fields(request: AwsRequest, state: State) -> None:
    """Refuse names, paths, descriptions and durations that AWS refuses; names are unique whatever their case."""
    parameters = request.parameters
    name = str(parameters.get("RoleName", ""))
    if len(name) > 64:
        raise invalid(name, "roleName", "Member must have length less than or equal to 64")
    if not _NAME.fullmatch(name):
        raise Refusal(
            "ValidationError",
            "The specified value for roleName is invalid. It must contain only alphanumeric "
            "characters and/or the following: +=,.@_-",
        )
    path = str(parameters.get("Path", "/"))
    if len(path) > 512 or not _PATH.fullmatch(path):
        raise Refusal(
            "ValidationError",
            "The specified value for path is invalid. It must begin and end with / and contain "
            "only alphanumeric characters and/or / characters.",
        )
    backend = iam_backends[request.caller.account][request.caller.partition]
    if any(role.name.lower() == name.lower() for role in backend.roles.values()):
        raise Refusal("EntityAlreadyExists", f"Role with name {name} already exists.", 409)
    role_settings(request, state)


@check("iam", "UpdateRole", "UpdateRoleDescription")
def role_settings(request: AwsRequest, state: State) -> None:
    """Refuse descriptions and session durations out of range."""
    description = str(request.parameters.get("Description", ""))
    if len(description) > 1000:
        raise invalid(description, "description", "Member must have length less than or equal to 1000")
    if not _DESCRIPTION.fullmatch(description):
        pattern = r"[\u0009\u000A\u000D\u0020-\u007E\u00A1-\u00FF]*"
        raise invalid(description, "description", f"Member must satisfy regular expression pattern: {pattern}")
    duration = request.parameters.get("MaxSessionDuration")
    if duration is not None and int(duration) < 3600:
        raise invalid(duration, "maxSessionDuration", "Member must have value greater than or equal to 3600")
    if duration is not None and int(duration) > 43200:
        raise invalid(duration, "maxSessionDuration", "Member must have value less than or equal to 43200")


def _check_permissions(document: str) -> None:
    try:
        policy = json.loads(document)
    except ValueError as cause:
        raise malformed("The policy is not in the valid JSON format.") from cause
    if not isinstance(policy, dict) or not set(policy) <= {"Version", "Id", "Statement"}:
        raise malformed("Syntax errors in policy.")


@check("iam", "PutRolePolicy")
def inline_policy(request: AwsRequest, state: State) -> None:
    """Refuse inline policies that pass 10,240 characters in all."""
    name, policy_name = str(request.parameters["RoleName"]), str(request.parameters["PolicyName"])
    document = str(request.parameters["PolicyDocument"])
    if len(policy_name) > 128 or not _NAME.fullmatch(policy_name):
        raise invalid(policy_name, "policyName", r"Member must satisfy regular expression pattern: [\w+=,.@-]+")
    _check_permissions(document)
    role = role_named(request, name)
    if role is None:
        return
    others = sum(size_of(text) for key, text in role.policies.items() if key != policy_name)
    if others + size_of(document) > INLINE_POLICIES_SIZE:
        message = f"Maximum policy size of {INLINE_POLICIES_SIZE} bytes exceeded for role {name}"
        raise Refusal("LimitExceeded", message, 409)


@check("iam", "AttachRolePolicy")
def attached_policies(request: AwsRequest, state: State) -> None:
    """Refuse the policy past the quota of attached ones."""
    role = role_named(request, str(request.parameters["RoleName"]))
    quota = state.settings.managed_policies_per_role
    if role is None or request.parameters["PolicyArn"] in role.managed_policies:
        return
    if len(role.managed_policies) >= quota:
        raise Refusal("LimitExceeded", f"Cannot exceed quota for PoliciesPerRole: {quota}", 409)


@check("iam", "CreatePolicy", "CreatePolicyVersion")
def managed_policy(request: AwsRequest, state: State) -> None:
    """Refuse a managed policy that is too long or has too many versions."""
    document = str(request.parameters["PolicyDocument"])
    _check_permissions(document)
    if size_of(document) > MANAGED_POLICY_SIZE:
        raise Refusal("LimitExceeded", f"Cannot exceed quota for PolicySize: {MANAGED_POLICY_SIZE}", 409)
    backend = iam_backends[request.caller.account][request.caller.partition]
    policy = backend.managed_policies.get(str(request.parameters.get("PolicyArn", "")))
    if policy is not None and len(policy.versions) >= MANAGED_POLICY_VERSIONS:
        message = (
            f"A managed policy can have up to {MANAGED_POLICY_VERSIONS} versions. Before you create a new version, "
            "you must delete an existing version."
        )
        raise Refusal("LimitExceeded", message, 409)
