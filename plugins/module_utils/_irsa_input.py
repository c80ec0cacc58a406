# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What is asked of each IAM role, checked against IAM's rules before any call, so that nothing is half-written.

Names and lengths: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html and
https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.ekspress.eks.plugins.module_utils import _arn, _iam_tags, _policy
from ansible_collections.ekspress.eks.plugins.module_utils._errors import EksError
from ansible_collections.ekspress.eks.plugins.module_utils._irsa_tags import (
    INLINE,
    MANAGED,
    RESERVED,
    inline_tag,
    managed_tag,
)

POLICY_NAME = re.compile(r"[A-Za-z0-9_+=.@-]{1,128}")
"""As IAM's, without the comma, which no tag may have: the names are kept in tags."""
DESCRIPTION = re.compile(r"[\t\n\r\x20-\x7e\xa1-\xff]*")

# Kubernetes names with the wildcards of StringLike:
# https://kubernetes.io/docs/concepts/overview/working-with-objects/names/
NAMESPACE = re.compile(r"[a-z0-9*?]([a-z0-9*?-]{0,61}[a-z0-9*?])?")
SERVICE_ACCOUNT = re.compile(r"[a-z0-9*?]([a-z0-9.*?-]{0,251}[a-z0-9*?])?")

INLINE_SIZE = 10_240


@dataclass(frozen=True)
class Wanted:
    """One role as the task asks for it; None is not asked for and left alone."""

    name: str
    state: str = "present"
    path: str | None = None
    account: str | None = None
    """The account in the role's ARN, where the role is given by that."""
    service_accounts: tuple[str, ...] | None = None
    policies: Mapping[str, dict[str, Any]] | None = None
    managed_policy_arns: tuple[str, ...] | None = None
    permissions_boundary: str | None = None
    """'' removes the one there is."""
    tags: Mapping[str, str] | None = None
    max_session_duration: int | None = None
    description: str | None = None


def wanted_roles(roles: list[dict[str, Any]], partition: str) -> list[Wanted]:
    """The roles of the task's options. Raises EksError, naming role and field, for what IAM would refuse."""
    found: dict[str, Wanted] = {}
    for role in roles:
        wanted = _wanted(role, partition)
        other = found.setdefault(wanted.name.lower(), wanted)
        if other is not wanted:
            raise EksError(
                f"The IAM role {wanted.name!r} is listed twice (also as {other.name!r}; case and path do not make two "
                "of a name): give each role once, with all its service accounts."
            )
    return list(found.values())


def check_account(wanted: Wanted, account: str) -> None:
    """Raise EksError where the role, or a customer's policy for it, is not of the account of the credentials."""
    if wanted.account not in (None, account):
        raise _refuse(
            wanted.name,
            "name",
            f"the ARN is of account {wanted.account}, the credentials of the task are of {account}. Use credentials of "
            f"account {wanted.account} (profile or assume_role_arn), or correct the ARN.",
        )
    for field, arns in (
        ("managed_policy_arns", wanted.managed_policy_arns or ()),
        ("permissions_boundary", [wanted.permissions_boundary] if wanted.permissions_boundary else []),
    ):
        for arn in arns:
            owner = _arn.parse(arn).account
            if owner not in ("aws", account):
                raise _refuse(
                    wanted.name,
                    field,
                    f"{arn} is in account {owner}, the role in {account}; a role takes policies of its own account and "
                    "of AWS only. Create the policy in the role's account.",
                )


def _wanted(role: dict[str, Any], partition: str) -> Wanted:
    name, path, account = _identity(role["name"], role.get("path"), partition)
    session, description = role.get("max_session_duration"), role.get("description")
    if session is not None and not 3600 <= session <= 43_200:
        raise _refuse(name, "max_session_duration", f"{session} is not from 3600 to 43200 seconds.")
    if description is not None and len(description) > 1000:
        raise _refuse(name, "description", f"it has {len(description)} characters, and IAM takes 1000.")
    if description and not DESCRIPTION.fullmatch(description):
        raise _refuse(name, "description", "IAM takes line breaks, tabs and the printable characters of Latin-1 only.")
    boundary = role.get("permissions_boundary")
    if boundary:
        _check_arn(name, "permissions_boundary", boundary, partition)
    return Wanted(
        name=name,
        state=role.get("state") or "present",
        path=path,
        account=account,
        service_accounts=_service_accounts(name, role.get("service_accounts")),
        policies=_policies(name, role.get("policies")),
        managed_policy_arns=_managed(name, role.get("managed_policy_arns"), partition),
        permissions_boundary=boundary,
        tags=_tags(name, role.get("tags")),
        max_session_duration=session,
        description=description,
    )


def _identity(given: str, path: str | None, partition: str) -> tuple[str, str | None, str | None]:
    """Name, path and account of a role that is given by its name, by path and name, or by its ARN."""
    name, found, account = given, path, None
    if given.startswith("arn:"):
        arn = _arn.parse_iam(given, "role", "roles, name:")
        if arn.partition != partition:
            raise _refuse(given, "name", f"it is in partition {arn.partition}, the region of the task in {partition}.")
        name, account = arn.name, arn.account
        found = f"/{arn.resource_id.removesuffix(name)}"
    elif given.startswith("/"):
        name = given.rpartition("/")[2]
        found = given.removesuffix(name)
    if not _arn.ROLE_NAME.fullmatch(name):
        raise EksError(
            f"{given!r} is not an IAM role: give its name (1 to 64 letters, digits and _+=,.@-), its path and name, "
            "such as /platform/NAME, or its ARN."
        )
    for each in (path, found):
        if each is not None and not _arn.PATH.fullmatch(each):
            raise _refuse(name, "path", f"{each!r} is not a path: it begins and ends with a slash, such as /platform/.")
    if path is not None and path != found:
        raise _refuse(name, "path", f"it is {path!r}, and {found!r} in the name {given}; remove one of them.")
    return name, found, account


def _service_accounts(role: str, given: list[str] | None) -> tuple[str, ...] | None:
    if given is None:
        return None
    if not given:
        raise _refuse(role, "service_accounts", "the list is empty; leave it out to leave the trust policy alone.")
    for item in given:
        fault = service_account_fault(item)
        if fault:
            raise _refuse(role, "service_accounts", fault)
    return tuple(dict.fromkeys(given))


def service_account_fault(text: str) -> str:
    """Why a text is not NAMESPACE:NAME of a service account, wildcards allowed, in a sentence; '' where it is."""
    namespace, colon, name = text.partition(":")
    if colon and NAMESPACE.fullmatch(namespace) and SERVICE_ACCOUNT.fullmatch(name):
        return ""
    return (
        f"{text!r} is not NAMESPACE:NAME of a Kubernetes service account (small letters, digits and hyphens, in the "
        "name dots too; * and ? are wildcards)."
    )


def _policies(role: str, given: dict[str, Any] | None) -> dict[str, dict[str, Any]] | None:
    if given is None:
        return None
    documents = {}
    for name, document in given.items():
        field = f"policies.{name}"
        if not POLICY_NAME.fullmatch(name) or len(inline_tag(name)) > _iam_tags.KEY_LENGTH:
            raise _refuse(
                role,
                field,
                f"{name!r} cannot name an inline policy here: 1 to {_iam_tags.KEY_LENGTH - len(INLINE)} letters, "
                "digits and _+=.@- (the role's tags note which policies are this module's, and tags take no more).",
            )
        documents[name] = _policy.parse(document, f"IAM role {role!r}, {field}")
        _policy.require_resources(documents[name], f"IAM role {role!r}, {field}")
    _one_of_each(role, "policies", documents)
    total = sum(_policy.size(document) for document in documents.values())
    if total > INLINE_SIZE:
        raise _refuse(
            role,
            "policies",
            f"the inline policies have {total} characters together (white space not counted), and the quota is "
            f"{INLINE_SIZE}. Make a managed policy of one of them and attach it with managed_policy_arns.",
        )
    return documents


def _managed(role: str, given: list[str] | None, partition: str) -> tuple[str, ...] | None:
    if given is None:
        return None
    for arn in given:
        _check_arn(role, "managed_policy_arns", arn, partition)
        if len(managed_tag(arn)[0]) > _iam_tags.KEY_LENGTH or "," in arn:
            raise _refuse(
                role,
                "managed_policy_arns",
                f"the name in {arn} must have at most {_iam_tags.KEY_LENGTH - len(MANAGED)} characters and no "
                "comma (the role's tags note which policies are this module's, and tags take no more).",
            )
    unique = tuple(dict.fromkeys(given))
    folded = [_arn.parse(arn).name.lower() for arn in unique]
    twice = sorted(arn for arn, name in zip(unique, folded, strict=True) if folded.count(name) > 1)
    if twice:
        raise _refuse(
            role,
            "managed_policy_arns",
            f"{', '.join(twice)} have one name, by which the role's tags note which policies are this module's; "
            "attach one of them, or a copy that has another name.",
        )
    return unique


def _check_arn(role: str, field: str, arn: str, partition: str) -> None:
    found = _arn.parse_iam(arn, "policy", f"IAM role {role!r}, {field}:").partition
    if found != partition:
        raise _refuse(role, field, f"{arn} is in partition {found}, the region of the task in {partition}.")


def _tags(role: str, given: dict[str, Any] | None) -> dict[str, str] | None:
    if given is None:
        return None
    tags: dict[str, str] = {}
    for key, value in ((str(key), value) for key, value in given.items()):
        text = _iam_tags.text_of("" if value is None else value)
        if text is None:
            raise _refuse(role, f"tags.{key}", f"the value is {value!r}: quote it in YAML, tags have texts as values.")
        if key.lower().startswith(("aws:", RESERVED)):
            raise _refuse(role, f"tags.{key}", f"keys that start with aws: or {RESERVED} are reserved; take another.")
        fault = _iam_tags.fault(key, text)
        if fault:
            raise _refuse(role, f"tags.{key}", f"{fault}.")
        tags[key] = text
    _one_of_each(role, "tags", tags)
    return tags


def _one_of_each(role: str, field: str, names: Iterable[str]) -> None:
    both = _iam_tags.differ_in_case(names)
    if both:
        reason = "IAM takes them for one" if field == "tags" else "the role's tags note them, which IAM takes for one"
        raise _refuse(role, field, f"{both[0]!r} and {both[1]!r} differ in case only, and {reason}; remove one.")


def _refuse(role: str, field: str, reason: str) -> EksError:
    return EksError(f"IAM role {role!r}, {field}: {reason}")
