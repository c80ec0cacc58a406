# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What EKS refuses in an access entry: principals, types, usernames, groups, tags.

https://docs.aws.amazon.com/eks/latest/userguide/creating-access-entries.html,
https://docs.aws.amazon.com/eks/latest/APIReference/API_CreateAccessEntry.html. That groups have the reserved beginnings
of usernames, and that node entries are for roles of the cluster's account, is what CreateAccessEntry answers.
"""

from __future__ import annotations

from typing import Any

from sandbox.aws.access import NODE_TYPES, STANDARD, Principal, parse
from sandbox.aws.answers import Refusal
from sandbox.aws.request import AwsRequest

RESERVED = ("system:", "eks:", "aws:", "amazon:", "iam:")
SESSION_NAMES = ("{{SessionName}}", "{{SessionNameRaw}}")
TYPES = (STANDARD, *NODE_TYPES)
TAGS = 50


def invalid(message: str) -> Refusal:
    """Return the refusal of a parameter."""
    return Refusal("InvalidParameterException", message)


def principal_of(request: AwsRequest) -> Principal:
    """Return the principal of a new entry; refuse one that has no entries, whether it exists or not."""
    arn = str(request.parameters.get("principalArn", ""))
    check_linked(arn)
    principal = parse(arn)
    if principal is None or principal.partition != request.caller.partition:
        raise invalid("The specified principalArn is invalid: invalid principal.")
    return principal


def check_linked(arn: str) -> None:
    """Refuse service-linked roles, which EKS tells by their path."""
    if ":role/aws-service-role/" in arn:
        message = (
            "The caller is not allowed to modify access entries with a principalArn value of a Service Linked Role"
        )
        raise invalid(message)


def identifier_of(principal: Principal) -> str:
    """Return the unique id of a principal; refuse one that does not exist, or not with this path."""
    identifier = principal.identifier
    if identifier is None:
        raise invalid("The specified principalArn is invalid: invalid principal.")
    return identifier


def type_of(request: AwsRequest, principal: Principal) -> str:
    """Return the type of a new entry; refuse one that the principal cannot have."""
    kind = str(request.parameters.get("type") or STANDARD)
    if kind not in TYPES:
        raise invalid(f"The specified type is invalid: {kind}. Valid values are {', '.join(TYPES)}.")
    if kind == STANDARD:
        return kind
    types = ", ".join(NODE_TYPES)
    if principal.kind != "role":
        raise invalid(f"AccessEntry principalArn must be IAM role when using types [{types}]")
    if principal.account != request.caller.account:
        raise invalid(
            f"AccessEntry principalArn must be from the same account as the cluster when using types [{types}]"
        )
    return kind


def check_names(parameters: dict[str, Any], kind: str) -> None:
    """Refuse a username or groups that an entry of this type cannot have; None is what the caller left out."""
    username, groups = parameters.get("username"), parameters.get("kubernetesGroups")
    for name, value in (("username", username), ("kubernetesGroups", groups)):
        if value and kind != STANDARD:
            raise invalid(f'The specified {name} is invalid: setting {name} is not allowed when the type is "{kind}"')
    for prefix in RESERVED:
        if username and username.startswith(prefix):
            raise invalid(f"The username must not begin with {prefix}")
        wrong = next((group for group in groups or [] if group.startswith(prefix)), None)
        if wrong is not None:
            raise invalid(f"The kubernetes group name {wrong} is invalid, it cannot start with {prefix}")
    if any(not group for group in groups or []):
        raise invalid("The kubernetes group name is invalid, it cannot be empty")
    for placeholder in SESSION_NAMES:
        if username and placeholder in username and ":" not in username.partition(placeholder)[0]:
            raise invalid(f"The specified username is invalid: a colon must come before {placeholder}")


def check_tags(tags: dict[str, str], before: dict[str, str]) -> None:
    """Refuse tags that AWS refuses.

    https://docs.aws.amazon.com/eks/latest/userguide/eks-using-tags.html#tag-restrictions
    """
    for key, value in tags.items():
        if not 1 <= len(key) <= 128 or len(value) > 256:
            raise invalid(f"Tag {key!r} is not valid: keys have 1 to 128 characters, values at most 256")
        if key.lower().startswith("aws:"):
            raise invalid(f"Tag keys with the prefix aws: are reserved: {key}")
    if len(before | tags) > TAGS:
        raise invalid(f"A resource has at most {TAGS} tags")
