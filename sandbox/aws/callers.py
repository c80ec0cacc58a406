# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Who called: from an access key to an account and an ARN."""

from __future__ import annotations

import re
from dataclasses import dataclass

from moto.iam.models import get_account_id_from, iam_backends
from moto.sts.models import sts_backends
from moto.utilities.utils import get_partition

FIRST_USER = "user/moto"
"""The resource of the ARN of whoever has a key that nobody made; IAM does not know this user."""
FIRST_USER_ID = "AKIAIOSFODNN7EXAMPLE"
_PRINCIPAL = re.compile(r"arn:([\w-]+):(?:iam|sts)::(\d{12}):(role|user|assumed-role)/(.+)")


@dataclass(frozen=True)
class Caller:
    """The principal behind an access key."""

    access_key: str
    account: str
    arn: str
    user_id: str
    partition: str


def resolve(access_key: str, region: str, account: str | None = None) -> Caller:
    """Return the caller as STS GetCallerIdentity of this server names it.

    Args:
        access_key: the access key's id; an unknown one is the default account's default user.
        region: region of the call; it decides the partition.
        account: an account that overrides the key's.
    """
    partition = get_partition(region)
    account = account or get_account_id_from(access_key)
    user_id, arn, owner = sts_backends[account][partition].get_caller_identity(access_key, region)
    if ":user/" in arn:
        # moto's default user has an ARN of STS; users are of IAM.
        arn = arn.replace(":sts:", ":iam:")
    return Caller(access_key, owner, arn, user_id, partition)


def unique_id(arn: str) -> str | None:
    """Return the id that IAM gave to a role or user, or to the role of a session; None where there is none now."""
    match = _PRINCIPAL.fullmatch(arn)
    if match is None:
        return None
    backend = iam_backends[match[2]][match[1]]
    if match[3] == "assumed-role":
        name = match[4].rpartition("/")[0]
        return next((str(role.id) for role in backend.roles.values() if role.name == name), None)
    entities = backend.roles if match[3] == "role" else backend.users
    found = next((str(entity.id) for entity in entities.values() if entity.arn == arn), None)
    return found or (FIRST_USER_ID if arn.endswith(f":{FIRST_USER}") else None)


def canonical(arn: str) -> str:
    """Return the ARN by which the authenticator knows a principal: a session's is its role's, and roles have no path.

    https://github.com/kubernetes-sigs/aws-iam-authenticator/blob/v0.6.13/pkg/arn/arn.go
    """
    match = _PRINCIPAL.fullmatch(arn)
    if match is None or match[3] == "user":
        return arn
    name = match[4].rpartition("/")[0] if match[3] == "assumed-role" else match[4].rpartition("/")[2]
    return f"arn:{match[1]}:iam::{match[2]}:role/{name}"
