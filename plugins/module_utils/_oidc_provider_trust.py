# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Which IAM roles trust an OIDC provider."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import unquote

from ansible_collections.ekspress.eks.plugins.module_utils._aws import Aws
from ansible_collections.ekspress.eks.plugins.module_utils._errors import EksError, named

SHOWN = 20
"""Names of roles in the message; the result's trusted_by holds all."""

PAGE = 1000
"""https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListRoles.html"""


def trusting(roles: Iterable[Mapping[str, Any]], provider_arn: str) -> list[str]:
    """The sorted ARNs of the roles (as ListRoles gives them) whose trust policy names the provider.

    Every statement counts, also one that denies: IAM refuses the next write of a trust policy that names a provider
    that is gone.
    """
    return sorted(role["Arn"] for role in roles if provider_arn in _federated(role.get("AssumeRolePolicyDocument")))


def check_untrusted(aws: Aws, provider_arn: str) -> None:
    """Raise EksError, naming the roles, where a role of the account trusts the provider (one listing of the roles)."""
    try:
        roles = aws.pages(aws.client("iam"), "list_roles", "Roles", PaginationConfig={"PageSize": PAGE})
    except EksError as error:
        raise EksError(
            f"{error.message} Without it, it is unknown whether a role still trusts {provider_arn}; "
            "force=true deletes it without looking.",
            **error.details,
        ) from error
    found = trusting(roles, provider_arn)
    if not found:
        return
    names = [arn.partition(":role/")[2] for arn in found]
    raise EksError(
        f"The OIDC provider {provider_arn} is still trusted by {len(names)} IAM role{'s' if len(names) > 1 else ''}: "
        f"{named(names, SHOWN)}. Their pods would lose access to AWS. Remove it from their trust policies "
        "first, or set force=true to delete it all the same. Nothing was changed.",
        trusted_by=found,
    )


def _federated(document: Any) -> set[str]:
    """All federated principals of a trust policy, as botocore reads it (or as URL-encoded text, as IAM sends it)."""
    if isinstance(document, str):
        try:
            document = json.loads(unquote(document))
        except ValueError:
            return set()
    statements = document.get("Statement", []) if isinstance(document, Mapping) else []
    return set(_principals(statements if isinstance(statements, list) else [statements]))


def _principals(statements: list[Any]) -> Iterator[str]:
    for statement in statements:
        for element in ("Principal", "NotPrincipal"):
            principal = statement.get(element) if isinstance(statement, Mapping) else None
            named = principal.get("Federated", []) if isinstance(principal, Mapping) else []
            yield from [named] if isinstance(named, str) else named
