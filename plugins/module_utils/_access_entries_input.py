# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What is asked of each access entry, checked against AWS's rules before any call.

https://docs.aws.amazon.com/eks/latest/userguide/creating-access-entries.html
https://docs.aws.amazon.com/eks/latest/userguide/access-policies.html
That groups have the reserved beginnings of usernames is what CreateAccessEntry answers.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.ekspress.eks.plugins.module_utils import _arn, _iam_tags
from ansible_collections.ekspress.eks.plugins.module_utils._access_entries_model import (
    NODE_TYPES,
    OWNER,
    STANDARD,
    TAGS,
    WHOLE_CLUSTER,
    WITH_POLICIES,
    Wanted,
    identity,
    policy_arn,
)
from ansible_collections.ekspress.eks.plugins.module_utils._aws_auth_input import checked_name
from ansible_collections.ekspress.eks.plugins.module_utils._errors import EksError
from ansible_collections.ekspress.eks.plugins.module_utils._irsa_tags import RESERVED

RESERVED_NAMES = ("system:", "eks:", "aws:", "amazon:", "iam:")
SESSION_NAMES = ("{{SessionName}}", "{{SessionNameRaw}}")
LINKED = "aws-service-role/"
"""The path of service-linked roles, which can have no entry."""
POLICY = re.compile(r"[A-Za-z0-9]{1,128}")
NAMESPACE = re.compile(r"[a-z0-9*]([a-z0-9*-]{0,61}[a-z0-9*])?")
"""With wildcards, as access policies take them."""
_BRACES = re.compile(r"\{\{(.*?)\}\}")
NAME_LENGTH = 256
"""Characters that Kubernetes' own checks of names allow many times over; longer ones are a mistake."""


def wanted_entries(
    entries: list[dict[str, Any]], *, partition: str, account: str, owner: str, present: bool = True
) -> list[Wanted]:
    """The entries of the task's options. Raises one EksError with all that AWS would refuse.

    Args:
        entries: the option.
        partition: of the cluster.
        account: of the cluster.
        owner: the option; checked as the value of a tag.
        present: whether they are to be there; where not, only the principals count.
    """
    faults: list[str] = []
    if not owner or _iam_tags.fault(OWNER, owner):
        faults.append(
            f"owner: {owner!r} cannot be the value of a tag: {_iam_tags.fault(OWNER, owner) or 'it is empty'}."
        )
    found: dict[str, Wanted] = {}
    for given in entries:
        principal = str(given["principal"])
        reasons = list(principal_faults(principal, given.get("type") or STANDARD, partition, account))
        wanted = Wanted(principal)
        if not reasons and present:
            wanted, reasons = _wanted(given, partition)
        if not reasons:
            other = found.setdefault(identity(principal), wanted)
            if other is not wanted:
                reasons.append(
                    f"it is listed twice (also as {other.principal}; names of roles and users are unique in an account "
                    "whatever their path and case). Give it once, with all its groups and policies."
                )
        faults += [f"{principal}: {reason}" for reason in reasons]
    if faults:
        raise EksError(f"{' '.join(faults)} Nothing was changed.")
    return list(found.values())


def principal_faults(principal: str, kind: str, partition: str, account: str) -> Iterator[str]:
    """What keeps a principal from having an entry of a type, in sentences that follow its ARN and a colon."""
    try:
        arn = _arn.parse(principal, "principal")
    except EksError as error:
        yield error.message
        return
    if arn.service == "sts":
        yield (
            "it is a session, which is there for some hours only. Give the ARN of its IAM role, with its path: aws iam "
            "get-role --role-name NAME --query Role.Arn"
        )
    elif arn.resource == "root":
        yield "the account's root user can have no access entry. Give a role."
    elif arn.service != "iam" or arn.resource_type not in ("role", "user") or arn.region or not arn.account:
        yield f"it is not the ARN of an IAM role or user, such as arn:{partition}:iam::{account}:role/NAME."
    elif not _well_named(arn):
        yield "its name or path is not one of IAM's; wildcards are not taken. Give one role or user."
    elif arn.partition != partition:
        yield f"it is in partition {arn.partition}, the cluster in {partition}. Give a principal of {partition}."
    elif arn.resource_id.startswith(LINKED):
        yield (
            "it is a service-linked role, which EKS takes no entries for. Where an AWS service needs it in the "
            "cluster, the mapping in aws-auth is the only way, and the authentication mode must not become API."
        )
    elif kind in NODE_TYPES and arn.resource_type != "role":
        yield f"type {kind} is for IAM roles, and this is a user. Give the role of the nodes."
    elif kind in NODE_TYPES and arn.account != account:
        yield f"type {kind} is for roles of the cluster's own account {account}."


def _well_named(arn: _arn.Arn) -> bool:
    path = f"/{arn.resource_id[: len(arn.resource_id) - len(arn.name)]}"
    return bool(_arn.ROLE_NAME.fullmatch(arn.name) and _arn.PATH.fullmatch(path)) and "*" not in path


def _wanted(given: Mapping[str, Any], partition: str) -> tuple[Wanted, list[str]]:
    """The entry, and what is wrong with it."""
    kind, reasons = given.get("type") or STANDARD, []
    if kind != STANDARD:
        reasons += [
            f"{option} cannot be given with type {kind}: EKS sets it by itself. Leave it out."
            for option in ("username", "groups")
            if given.get(option)
        ]
        if given.get("policies") and kind not in WITH_POLICIES:
            reasons.append(f"policies cannot be given with type {kind}: EKS gives nodes their rights. Leave them out.")
    username, groups = given.get("username"), given.get("groups")
    if username is not None:
        reasons += username_faults(username)
    for group in groups or ():
        reasons += group_faults(group)
    policies, faults = _policies(given.get("policies"), partition)
    reasons += faults
    tags, faults = _tags(given.get("tags") or {})
    reasons += faults
    standard = kind == STANDARD
    wanted = Wanted(
        principal=str(given["principal"]),
        kind=kind,
        username=_name(username) if standard and username is not None else None,
        groups=frozenset(_name(group) for group in groups) if standard and groups is not None else None,
        policies=policies,
        tags=tags,
        recreate=bool(given.get("recreate")),
    )
    return wanted, reasons


def _name(value: Any) -> str:
    try:
        return checked_name("", value)
    except EksError:
        return str(value)


def username_faults(username: Any) -> list[str]:
    """What EKS refuses in the username of an entry, in sentences."""
    reasons = _name_faults("username", username)
    text = _name(username)
    for name in _BRACES.findall(text):
        if f"{{{{{name}}}}}" not in SESSION_NAMES:
            reasons.append(
                f"username: {text!r} has the placeholder {name!r}, which EKS does not promise to replace in access "
                f"entries; it knows {' and '.join(SESSION_NAMES)} there."
            )
    for placeholder in SESSION_NAMES:
        if placeholder in text and ":" not in text.partition(placeholder)[0]:
            reasons.append(
                f"username: {text!r} needs a colon before {placeholder}, such as {text.partition('{')[0] or 'team'}:"
                f"{placeholder}."
            )
    return reasons


def group_faults(group: Any) -> list[str]:
    """What EKS refuses in a group of an entry, in sentences."""
    reasons = _name_faults("groups", group)
    if _BRACES.search(_name(group)):
        reasons.append(
            f"groups: {_name(group)!r} has a placeholder, which EKS does not replace in groups. Name the group."
        )
    if _name(group) == "system:masters":
        reasons = [
            "groups: system:masters cannot be a group of an access entry. Give the policy AmazonEKSClusterAdminPolicy "
            "(policies: [{policy: AmazonEKSClusterAdminPolicy}])."
        ]
    return reasons


def _name_faults(option: str, value: Any) -> list[str]:
    if value is None or (isinstance(value, str) and not value.strip()):
        return [f"{option}: {value!r} is empty; leave it out or give a text."]
    try:
        text = checked_name(option, value)
    except EksError as error:
        return [error.message]
    if len(text) > NAME_LENGTH:
        return [f"{option}: it has {len(text)} characters; {NAME_LENGTH} are the most."]
    reserved = next((prefix for prefix in RESERVED_NAMES if text.startswith(prefix)), None)
    if reserved:
        return [
            f"{option}: {text!r} begins with {reserved}, which EKS keeps for itself in access entries (also "
            f"{', '.join(RESERVED_NAMES)}). Take another name, and bind that in RBAC."
        ]
    return []


def _policies(
    given: list[dict[str, Any]] | None, partition: str
) -> tuple[dict[str, tuple[str, ...]] | None, list[str]]:
    if given is None:
        return None, []
    found: dict[str, tuple[str, ...]] = {}
    reasons: list[str] = []
    for item in given:
        text, namespaces = str(item["policy"]), item.get("namespaces")
        name = text.rpartition("/")[2]
        arn = policy_arn(partition, name)
        if not POLICY.fullmatch(name) or text not in (name, arn):
            reasons.append(
                f"policies: {text!r} is not an access policy of EKS in partition {partition}: give its name, such as "
                f"AmazonEKSViewPolicy, or its ARN, such as {policy_arn(partition, 'AmazonEKSViewPolicy')}."
            )
        elif arn in found:
            reasons.append(f"policies: {name} is listed twice; give it once, with all its namespaces.")
        else:
            found[arn] = WHOLE_CLUSTER if namespaces is None else tuple(sorted(set(map(str, namespaces))))
            reasons += _namespace_faults(name, namespaces)
    return found, reasons


def _namespace_faults(policy: str, namespaces: list[str] | None) -> list[str]:
    if namespaces is None:
        return []
    if not namespaces:
        return [
            f"policies: {policy} has an empty list of namespaces. Leave namespaces out for the whole cluster, or leave "
            "the policy out."
        ]
    return [
        f"policies: {policy}: {name!r} is not the name of a namespace: small letters, digits, hyphens and the wildcard "
        "*, 63 at most."
        for name in namespaces
        if not NAMESPACE.fullmatch(str(name))
    ]


def _tags(given: Mapping[str, Any]) -> tuple[dict[str, str], list[str]]:
    tags: dict[str, str] = {}
    reasons = []
    for key, value in given.items():
        text = _iam_tags.text_of(value)
        if text is None:
            reasons.append(f"tags: {key} is {value!r}, which is no text; quote it in YAML.")
        elif str(key).startswith(RESERVED):
            reasons.append(f"tags: {key} begins with {RESERVED}, which this collection keeps for itself.")
        elif fault := _iam_tags.fault(str(key), text):
            reasons.append(f"tags: {key}: {fault}.")
        else:
            tags[str(key)] = text
    if len(tags) >= TAGS:
        reasons.append(f"tags: {len(tags)} are too many: an entry has at most {TAGS}, one of which is {OWNER}.")
    return tags, reasons
