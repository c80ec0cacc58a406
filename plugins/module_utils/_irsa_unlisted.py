# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Roles of an account that trust a cluster and that its inventory does not name any more."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.ekspress.eks.plugins.module_utils import _trust_policy_plan
from ansible_collections.ekspress.eks.plugins.module_utils._aws import Aws
from ansible_collections.ekspress.eks.plugins.module_utils._trust_policy_plan import Issuer

PAGE = {"PageSize": 1000}
"""The most that IAM gives at once: https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListRoles.html"""


def account_roles(aws: Aws) -> list[dict[str, Any]]:
    """All roles of the account, with their trust policies: one call for a thousand of them."""
    return aws.pages(aws.client("iam"), "list_roles", "Roles", PaginationConfig=PAGE)


def unlisted_roles(roles: Iterable[Mapping[str, Any]], listed: Iterable[str], issuer: Issuer) -> list[dict[str, Any]]:
    """Those of the roles that let service accounts of the issuer in, by a statement of ours, and are not listed."""
    names = {name.lower() for name in listed}
    found = []
    for role in roles:
        trusted = _trust_policy_plan.merge(role.get("AssumeRolePolicyDocument"), [issuer], ()).unlisted
        if trusted and role["RoleName"].lower() not in names:
            accounts = [item.service_account for item in trusted]
            found.append({"name": role["RoleName"], "arn": role["Arn"], "service_accounts": accounts})
    return sorted(found, key=lambda role: str(role["name"]))
