# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Kubernetes TokenReview for EKS bearer tokens.

A token is ``k8s-aws-v1.`` and the unpadded base64url of a presigned STS GetCallerIdentity URL:
https://github.com/kubernetes-sigs/aws-iam-authenticator#api-authorization-from-outside-a-cluster.
The value of ``x-k8s-aws-id`` travels in no URL, only in the signature; that it is signed at all is checked here.
"""

from __future__ import annotations

import base64
import binascii
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlparse

from sandbox.aws.callers import resolve
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


def caller_of(token: str, now: datetime) -> tuple[str, str]:
    """Return (ARN, user id) of the caller that minted a token."""
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
    caller = resolve(scope[0], scope[2])
    return caller.arn, caller.user_id


def review(state: State, cluster: str, data: dict[str, Any]) -> dict[str, Any]:
    """Answer a TokenReview (authentication.k8s.io/v1)."""
    token = str(data.get("spec", {}).get("token", ""))
    status: dict[str, Any] = {"authenticated": False}
    try:
        arn, user_id = caller_of(token, datetime.now(UTC))
    except InvalidToken as refused:
        status["error"] = str(refused)
    else:
        creators = {creator for (_account, _region, name), creator in state.cluster_creators.items() if name == cluster}
        if arn in creators:
            user = {
                "username": "kubernetes-admin",
                "uid": f"aws-iam-authenticator:{user_id}",
                "groups": ["system:masters"],
            }
            status = {"authenticated": True, "user": user}
    return {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "status": status}
