# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Kubernetes TokenReview for EKS bearer tokens.

A token is ``k8s-aws-v1.`` and the unpadded base64url of a presigned STS GetCallerIdentity URL:
https://github.com/kubernetes-sigs/aws-iam-authenticator#api-authorization-from-outside-a-cluster.
The value of ``x-k8s-aws-id`` travels in no URL, only in the signature; that it is signed at all is checked here.

What a user is called and which extra attributes it has is the authenticator's:
https://github.com/kubernetes-sigs/aws-iam-authenticator/blob/v0.6.13/pkg/server/server.go
"""

from __future__ import annotations

import base64
import binascii
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlparse

from sandbox.aws.callers import Caller, resolve
from sandbox.aws.state import State

PREFIX = "k8s-aws-v1."
LIFETIME = timedelta(minutes=15)
CLOCK_SKEW = timedelta(minutes=5)


class InvalidToken(Exception):
    """Why a token is refused."""


def _decode(encoded: str) -> str:
    """Decode base64url without padding; unlike the standard library's default, refuse foreign characters."""
    padded = encoded + "=" * (-len(encoded) % 4)
    return base64.b64decode(padded, altchars=b"-_", validate=True).decode()


def caller_of(token: str, now: datetime) -> Caller:
    """Return the caller that minted a token."""
    if not token.startswith(PREFIX):
        raise InvalidToken(f"the token does not start with {PREFIX}")
    encoded = token[len(PREFIX) :]
    try:
        url = urlparse(_decode(encoded))
    except (binascii.Error, UnicodeDecodeError, ValueError) as cause:
        raise InvalidToken("the token is not the base64url of a URL") from cause
    query = {key: values[0] for key, values in parse_qs(url.query).items()}
    if query.get("Action") != "GetCallerIdentity":
        raise InvalidToken("the URL's Action is not GetCallerIdentity")
    signed = query.get("X-Amz-SignedHeaders", "").split(";")
    if "x-k8s-aws-id" not in signed or "host" not in signed:
        raise InvalidToken("the URL does not sign the headers host and x-k8s-aws-id")
    scope = query.get("X-Amz-Credential", "").split("/")
    if len(scope) != 5 or scope[3:] != ["sts", "aws4_request"] or "X-Amz-Signature" not in query:
        raise InvalidToken("the URL is not signed for STS")
    try:
        minted = datetime.strptime(query.get("X-Amz-Date", ""), "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError as cause:
        raise InvalidToken("the URL has no X-Amz-Date") from cause
    if now >= minted + LIFETIME:
        raise InvalidToken("the token has expired")
    if minted > now + CLOCK_SKEW:
        raise InvalidToken("the token was minted in the future")
    return resolve(scope[0], scope[2])


def canonical(arn: str) -> str:
    """Return the ARN of the role for the ARN of its session, any other ARN as it is."""
    head, kind, rest = arn.partition(":assumed-role/")
    return f"{head.replace(':sts:', ':iam:')}:role/{rest.rpartition('/')[0]}" if kind else arn


def user_of(caller: Caller) -> dict[str, Any]:
    """Return the user that the API server sees where a caller is the cluster's creator."""
    assumed = ":assumed-role/" in caller.arn
    principal, _, session = caller.user_id.partition(":") if assumed else (caller.user_id, "", "")
    return {
        "username": "kubernetes-admin",
        "uid": f"aws-iam-authenticator:{caller.account}:{principal}",
        "groups": ["system:masters"],
        "extra": {
            "accessKeyId": [caller.access_key],
            "arn": [caller.arn],
            "canonicalArn": [canonical(caller.arn)],
            "principalId": [principal],
            "sessionName": [session],
        },
    }


def review(state: State, cluster: str, data: dict[str, Any]) -> dict[str, Any]:
    """Answer a TokenReview (authentication.k8s.io/v1)."""
    token = str(data.get("spec", {}).get("token", ""))
    status: dict[str, Any] = {"authenticated": False}
    try:
        caller = caller_of(token, datetime.now(UTC))
    except InvalidToken as refused:
        status["error"] = str(refused)
    else:
        creators = {
            canonical(arn) for (_account, _region, name), arn in state.cluster_creators.items() if name == cluster
        }
        if canonical(caller.arn) in creators:
            status = {"authenticated": True, "user": user_of(caller)}
    return {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "status": status}
