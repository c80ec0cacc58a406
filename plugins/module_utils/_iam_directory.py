# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The roles and users of an account by their names, whatever their paths: aws-auth knows roles without a path.

Names are unique in an account whatever their path and case:
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-friendly-names
"""

from __future__ import annotations

import functools
from datetime import datetime

from ansible_collections.ekspress.eks.plugins.module_utils._aws import Aws, error_code
from ansible_collections.ekspress.eks.plugins.module_utils._aws_errors import DENIED
from ansible_collections.ekspress.eks.plugins.module_utils._errors import EksError

PAGE = {"PageSize": 1000}
"""The most that IAM gives at once: https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListRoles.html"""


class Directory:
    """One account's roles and users, each listed when first asked for (one call for a thousand)."""

    def __init__(self, aws: Aws, account: str) -> None:
        self._aws = aws
        self._account = account

    @functools.cached_property
    def _roles(self) -> dict[str, tuple[str, datetime]]:
        found = self._aws.pages(self._aws.client("iam"), "list_roles", "Roles", PaginationConfig=PAGE)
        return {role["RoleName"].lower(): (role["Arn"], role["CreateDate"]) for role in found}

    @functools.cached_property
    def _users(self) -> dict[str, tuple[str, datetime]]:
        found = self._aws.pages(self._aws.client("iam"), "list_users", "Users", PaginationConfig=PAGE)
        return {user["UserName"].lower(): (user["Arn"], user["CreateDate"]) for user in found}

    def knows(self, arn: str) -> bool:
        """Whether an ARN is of a role or user of this account, existing or not."""
        parts = arn.split(":", 5)
        return len(parts) == 6 and parts[4] == self._account and parts[5].lower().startswith(("role/", "user/"))

    def lacks(self, arn: str) -> bool:
        """Whether there is no such role or user for certain: not of another account, or where IAM cannot be asked."""
        if not self.knows(arn):
            return False
        try:
            return self.find(arn) is None
        except EksError as error:
            if error_code(error) in DENIED:
                return False
            raise

    def find(self, arn: str) -> str | None:
        """The ARN, with its path and case, of the role or user of the name that an ARN has; None where there is none.

        Of a user the path counts, for aws-auth knows users with their paths.
        """
        found = self._found(arn)
        return found[0] if found else None

    def made_after(self, principal: str, time: datetime | None) -> bool:
        """Whether the role or user of an ARN is another one than at some time, or gone; of this account only."""
        if not self.knows(principal):
            return False
        found = self._found(principal)
        return found is None or found[0] != principal or bool(time and found[1] > time)

    def _found(self, arn: str) -> tuple[str, datetime] | None:
        kind, _slash, rest = arn.split(":", 5)[5].partition("/")
        name = rest.rpartition("/")[2].lower()
        if kind.lower() == "role":
            return self._roles.get(name)
        found = self._users.get(name)
        return found if found and found[0].lower() == arn.lower() else None
