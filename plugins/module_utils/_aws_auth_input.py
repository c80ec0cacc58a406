# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What a task asks of aws-auth, checked before any call.

https://docs.aws.amazon.com/eks/latest/userguide/auth-configmap.html
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.ekspress.eks.plugins.module_utils import _arn
from ansible_collections.ekspress.eks.plugins.module_utils._aws_auth_model import Entry, Wanted, canonical
from ansible_collections.ekspress.eks.plugins.module_utils._errors import EksError

_KINDS = {"roles": "role", "users": "user"}
_FEDERATED_USER = re.compile(r"federated-user/[\x21-\x7e]+")
PLACEHOLDERS = ("AccessKeyID", "AccountID", "EC2PrivateDNSName", "SessionName", "SessionNameRaw")
"""What the authenticator replaces in usernames and groups, and only without spaces:
https://github.com/kubernetes-sigs/aws-iam-authenticator/blob/v0.6.13/pkg/server/server.go"""
_BRACES = re.compile(r"\{\{\s*(.*?)\s*\}\}")
_BREAKING = ("Cc", "Cs", "Zl", "Zp")
"""Unicode's categories of control characters, lone surrogates, line and paragraph separators."""


def wanted(params: Mapping[str, Any], partition: str | None = None) -> Wanted:
    """The entries of the options roles, users and accounts; ``params`` needs ``state`` too (default present).

    ARNs come out canonical (role paths stripped), in the case they were given. With state absent username and groups
    are ignored; with state restored nothing is wanted. ``partition`` is the cluster's, None where it is not known yet.
    Raises EksError, naming the option and the entry.
    """
    state = params.get("state") or "present"
    if state == "restored":
        return Wanted()
    complete = state == "present"
    accounts = params.get("accounts")
    return Wanted(
        _entries("roles", params.get("roles"), partition, complete),
        _entries("users", params.get("users"), partition, complete),
        None if accounts is None else _accounts(accounts),
    )


def _entries(
    section: str, given: Iterable[Mapping[str, Any]] | None, partition: str | None, complete: bool
) -> tuple[Entry, ...] | None:
    if given is None:
        return None
    found: dict[str, tuple[Entry, str]] = {}
    for item in given:
        arn = str(item.get("arn") or "")
        entry = Entry(_checked_arn(section, arn, partition))
        if complete:
            entry = Entry(entry.arn, _username(section, arn, item), _groups(section, arn, item))
        other = found.setdefault(entry.key, (entry, arn))[1]
        if found[entry.key][0] is not entry:
            raise EksError(
                f"{section}: {arn} is listed twice (the first time as {other}; case and the path of a role do not "
                "count in aws-auth): give it once, with all its groups."
            )
    return tuple(entry for entry, _text in found.values())


def _checked_arn(section: str, text: str, partition: str | None) -> str:
    what = f"{section}: the ARN"
    arn = _arn.parse(text, what)
    if arn.resource == "root" or arn.resource_type == "root":
        raise EksError(
            f"{section}: {text} is the account's root user, which aws-auth should not let in: use a role or a user."
        )
    kind = _KINDS[section]
    other = "users" if section == "roles" else "roles"
    if (arn.service, arn.resource_type) in _belongs(other):
        raise EksError(f"{section}: {text} is the ARN of a {_KINDS[other]}: list it in {other}.")
    if arn.service == "sts":
        _check_sts(section, arn)
    else:
        _arn.parse_iam(text, kind, what)
        if not _arn.ROLE_NAME.fullmatch(arn.name) or not _arn.PATH.fullmatch(
            "/" + arn.resource_id[: len(arn.resource_id) - len(arn.name)]
        ):
            raise EksError(f"{section}: {text} has no valid name: letters, digits and _+=,.@-, 64 at most.")
    if partition and arn.partition != partition:
        raise EksError(
            f"{section}: {text} is in partition {arn.partition}, the cluster in {partition}; identities of another "
            f"partition never get a token for it. Use one of an account in {partition}."
        )
    return canonical(text)


def _belongs(section: str) -> tuple[tuple[str, str], ...]:
    return (("iam", "role"), ("sts", "assumed-role")) if section == "roles" else (("iam", "user"),)


def _check_sts(section: str, arn: _arn.Arn) -> None:
    """An assumed role stands for its role; a federated user is a user of its own."""
    name, _slash, session = arn.resource.partition("/")[2].partition("/")
    good = (
        section == "roles" and arn.resource_type == "assumed-role" and _arn.ROLE_NAME.fullmatch(name) and session
    ) or (section == "users" and _FEDERATED_USER.fullmatch(arn.resource))
    if not good or not _arn.ACCOUNT.fullmatch(arn.account) or arn.region:
        raise EksError(
            f"{section}: {arn} is no ARN of an IAM {_KINDS[section]}, such as "
            f"arn:{arn.partition}:iam::111122223333:{_KINDS[section]}/NAME."
        )


def _username(section: str, arn: str, item: Mapping[str, Any]) -> str:
    username = item.get("username")
    if username is None or username == "" or (isinstance(username, str) and not username.strip()):
        raise EksError(
            f"{section}: {arn} has no username: give the name by which Kubernetes shall know it, such as admin or "
            "system:node:{{EC2PrivateDNSName}} (a template of the authenticator; !unsafe keeps Ansible from it)."
        )
    return checked_name(f"{section}: {arn}, username", username)


def _groups(section: str, arn: str, item: Mapping[str, Any]) -> tuple[str, ...]:
    groups = item.get("groups")
    if groups is None:
        raise EksError(f"{section}: {arn} has no groups: list its Kubernetes groups, or [] for none.")
    for group in groups:
        if group is None or (isinstance(group, str) and not group.strip()):
            raise EksError(f"{section}: {arn} has the group {group!r}: a group is a text that is not empty; remove it.")
    return tuple(dict.fromkeys(checked_name(f"{section}: {arn}, groups", group) for group in groups))


def checked_name(what: str, value: Any) -> str:
    """A username or group as the authenticator is to read it. Raises EksError, beginning with ``what``.

    Its placeholders come out without the spaces that whoever writes templates puts in.
    """
    if not isinstance(value, str | int) or isinstance(value, bool):
        raise EksError(f"{what}: {value!r} is no text: write one, in quotes where YAML reads something else in it.")
    text = str(value)
    if any(unicodedata.category(character) in _BREAKING for character in text):
        raise EksError(
            f"{what}: {text!r} holds a line break or a control character; remove it (a YAML text that begins with | or "
            "> ends with a line break: use quotes)."
        )
    if text != text.strip():
        raise EksError(f"{what}: {text!r} begins or ends with a space, which would count; remove it.")
    unknown = [name for name in _BRACES.findall(text) if name not in PLACEHOLDERS]
    if unknown:
        raise EksError(
            f"{what}: {text!r} has the placeholder {unknown[0]!r}, which EKS does not replace, so that it would be the "
            f"same text for everybody; it knows {', '.join(PLACEHOLDERS)}."
        )
    return _BRACES.sub(r"{{\1}}", text)


def _accounts(given: Iterable[Any]) -> tuple[str, ...]:
    found: list[str] = []
    for account in given:
        if not isinstance(account, str) or not _arn.ACCOUNT.fullmatch(account):
            raise EksError(
                f"accounts: {account!r} is not an AWS account ID: it has 12 digits; quote it in YAML, so that "
                "zeros stay."
            )
        if account in found:
            raise EksError(f"accounts: {account} is listed twice: give it once.")
        found.append(str(account))
    return tuple(found)
