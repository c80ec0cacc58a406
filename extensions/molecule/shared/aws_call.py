# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One call of AWS's API, its answer as JSON: python aws_call.py SERVICE OPERATION [ARGUMENTS as JSON].

What verifies a role must not be what the role uses. A thing that does not exist is null.
"""

from __future__ import annotations

import json
import sys

import boto3
from botocore.exceptions import ClientError

GONE = ("NotFound", "NonExistent", "NoSuchEntity", "QueueDoesNotExist")


def main(service: str, operation: str, arguments: str = "{}") -> None:
    """Make the call in the environment's account and region."""
    make: object = getattr(boto3.Session().client(service), operation)  # type: ignore[call-overload]
    try:
        answer = make(**json.loads(arguments))  # type: ignore[operator]
    except ClientError as error:
        if not any(word in error.response["Error"]["Code"] for word in GONE):
            raise
        answer = None
    print(json.dumps(answer, default=str))


if __name__ == "__main__":
    main(*sys.argv[1:])
