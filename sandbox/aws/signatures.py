# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Signatures of presigned calls, computed anew: who asks with other headers than were signed is refused.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html (signature version 4),
https://docs.aws.amazon.com/STS/latest/APIReference/CommonErrors.html
"""

from __future__ import annotations

import hashlib
import hmac
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, quote

from moto.iam.models import iam_backends
from moto.sts.models import sts_backends

from sandbox.aws.answers import Refusal
from sandbox.aws.client import SECRET_KEY
from sandbox.aws.request import AwsRequest

LIFETIME = timedelta(minutes=15)
CLOCK_SKEW = timedelta(minutes=5)
_EMPTY = hashlib.sha256(b"").hexdigest()


def verify(request: AwsRequest, now: datetime) -> None:
    """Refuse a presigned call that was not signed so, or not of late; any other call passes."""
    query = parse_qsl(request.environ.get("QUERY_STRING", ""), keep_blank_values=True)
    values = dict(query)
    if "X-Amz-Signature" not in values:
        return
    _check_time(values.get("X-Amz-Date", ""), now)
    access_key, day, region, service, _ = (values.get("X-Amz-Credential", "") + "////").split("/")[:5]
    secret, token = _secrets(access_key)
    if token is not None and values.get("X-Amz-Security-Token") != token:
        raise Refusal("InvalidClientTokenId", "The security token included in the request is invalid.", 403)
    signed = values.get("X-Amz-SignedHeaders", "")
    canonical = "\n".join(
        (
            request.environ["REQUEST_METHOD"],
            quote(request.environ.get("PATH_INFO", "/"), safe="/-_.~"),
            "&".join(f"{key}={value}" for key, value in sorted(_quoted(query))),
            *(f"{name}:{_header(request.environ, name)}" for name in signed.split(";")),
            "",
            signed,
            _EMPTY,
        )
    )
    scope = f"{day}/{region}/{service}/aws4_request"
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    text = f"AWS4-HMAC-SHA256\n{values.get('X-Amz-Date', '')}\n{scope}\n{digest}"
    key = f"AWS4{secret}".encode()
    for part in (day, region, service, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    if not hmac.compare_digest(hmac.digest(key, text.encode(), "sha256").hex(), values["X-Amz-Signature"]):
        message = "The request signature we calculated does not match the signature you provided."
        raise Refusal("SignatureDoesNotMatch", message, 403)


def _check_time(date: str, now: datetime) -> None:
    try:
        signed = datetime.strptime(date, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError as cause:
        message = "Date must be in ISO-8601 'basic format'."
        raise Refusal("IncompleteSignature", message, 400) from cause
    if not signed - CLOCK_SKEW <= now < signed + LIFETIME:
        raise Refusal("SignatureDoesNotMatch", f"Signature expired or not yet current: {date}", 403)


def _secrets(access_key: str) -> tuple[str, str | None]:
    """Return the secret of an access key, and the token of its session; an unknown key is the first user's."""
    for sts in [backend for account in list(sts_backends.values()) for backend in list(account.values())]:
        role = sts.get_assumed_role_from_access_key(access_key)
        if role is not None:
            return str(role.secret_access_key), str(role.session_token)
    for iam in [backend for account in list(iam_backends.values()) for backend in list(account.values())]:
        if access_key in iam.access_keys:
            return str(iam.access_keys[access_key].secret_access_key), None
    return SECRET_KEY, None


def _quoted(query: list[tuple[str, str]]) -> list[tuple[str, str]]:
    return [(quote(key, safe="-_.~"), quote(value, safe="-_.~")) for key, value in query if key != "X-Amz-Signature"]


def _header(environ: dict[str, Any], name: str) -> str:
    value = environ.get("HTTP_" + name.upper().replace("-", "_"), "")
    return " ".join(str(value).split())
