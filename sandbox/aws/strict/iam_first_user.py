# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The user that calls with any unknown access key: STS of moto tells of it, its IAM does not have it.

https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetUser.html
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from moto.iam.models import iam_backends

from sandbox.aws.callers import FIRST_USER, FIRST_USER_ID
from sandbox.aws.hooks import operation
from sandbox.aws.request import AwsRequest
from sandbox.aws.state import State

CREATED = datetime(2020, 1, 1, tzinfo=UTC)


@operation("iam", "GetUser")
def get_user(request: AwsRequest, state: State) -> dict[str, Any] | None:
    """Show the first user; all others are moto's."""
    name, caller = str(request.parameters.get("UserName", "")), request.caller
    users = iam_backends[caller.account][caller.partition].users.values()
    if name != FIRST_USER.rpartition("/")[2] or any(user.name == name for user in users):
        return None
    arn = f"arn:{caller.partition}:iam::{caller.account}:{FIRST_USER}"
    return {"User": {"UserName": name, "UserId": FIRST_USER_ID, "Arn": arn, "Path": "/", "CreateDate": CREATED}}
