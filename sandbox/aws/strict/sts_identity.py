# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""STS: who calls, in the form that is asked for; presigned calls, which bearer tokens of EKS are, by their signature.

https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html (forms of the ARN),
https://github.com/kubernetes-sigs/aws-iam-authenticator/blob/v0.6.13/pkg/token/token.go (it asks for JSON)
"""

from __future__ import annotations

import json
from datetime import UTC, datetime

from sandbox.aws.answers import Answer, serialize
from sandbox.aws.hooks import check, correct
from sandbox.aws.request import AwsRequest
from sandbox.aws.signatures import verify
from sandbox.aws.state import State


@check("sts", "GetCallerIdentity")
def signed_so(request: AwsRequest, state: State) -> None:
    """Refuse a presigned call with another signature; whoever hands a token on cannot change what it is for."""
    verify(request, datetime.now(UTC))


@correct("sts", "GetCallerIdentity")
def caller_identity(request: AwsRequest, state: State, answer: Answer) -> Answer:
    """Answer with the ARN that everything else here knows the caller by."""
    caller = request.caller
    result = {"UserId": caller.user_id, "Account": caller.account, "Arn": caller.arn}
    if request.environ.get("HTTP_ACCEPT") != "application/json":
        return serialize(request, result)
    meta = {"RequestId": "00000000-0000-0000-0000-000000000000"}
    body = {"GetCallerIdentityResponse": {"GetCallerIdentityResult": result, "ResponseMetadata": meta}}
    return Answer(200, [("Content-Type", "application/json")], json.dumps(body).encode())
