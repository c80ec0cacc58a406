# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Who called: from an access key to an account and an ARN."""

from __future__ import annotations

from dataclasses import dataclass

from moto.iam.models import get_account_id_from
from moto.sts.models import sts_backends
from moto.utilities.utils import get_partition


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
