# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""STS: who comes with a token of an OIDC provider; moto hands out keys for any token.

https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html,
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_iam-condition-keys.html#condition-keys-wif
(keys <provider>:aud and <provider>:sub). Who signed the token is not checked.
"""

from __future__ import annotations

import base64
import binascii
import json
import time
from typing import Any

from moto.iam.models import iam_backends

from sandbox.aws.answers import Refusal
from sandbox.aws.hooks import check
from sandbox.aws.request import AwsRequest
from sandbox.aws.state import State
from sandbox.aws.strict.iam_trust import as_list
from sandbox.aws.strict.sts_assume import check_duration, find_role, trusts

ACTION = "sts:assumerolewithwebidentity"
_DENIED = Refusal("AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity", 403)


def _claims(token: str) -> dict[str, Any]:
    """Return the claims of a JSON web token."""
    parts = token.split(".")
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
        if len(parts) != 3 or not isinstance(claims, dict):
            raise ValueError(token)
    except (IndexError, ValueError, binascii.Error) as cause:
        raise Refusal("InvalidIdentityToken", "The ID Token provided is not a valid JWT.") from cause
    return claims


@check("sts", "AssumeRoleWithWebIdentity")
def assume_role_with_web_identity(request: AwsRequest, state: State) -> None:
    """Refuse tokens of unknown providers, for other audiences or expired, and roles that do not trust their subject."""
    role = find_role(request)
    if role is None:
        raise _DENIED
    claims = _claims(str(request.parameters.get("WebIdentityToken", "")))
    account, partition = role.arn.split(":")[4], request.caller.partition
    issuer = str(claims.get("iss", ""))
    name = issuer.removeprefix("https://")
    provider_arn = f"arn:{partition}:iam::{account}:oidc-provider/{name}"
    provider = iam_backends[account][partition].open_id_providers.get(provider_arn)
    if provider is None:
        raise Refusal("InvalidIdentityToken", f"No OpenIDConnect provider found in your account for {issuer}")
    audiences = [str(audience) for audience in as_list(claims.get("aud", []))]
    audience = next((audience for audience in audiences if audience in provider.client_id_list), None)
    if audience is None:
        raise Refusal("InvalidIdentityToken", "Incorrect token audience")
    if float(claims.get("exp", 0)) <= time.time():
        raise Refusal("ExpiredTokenException", "Token expired: get a new identity token from the identity provider")
    key = name.lower()
    context = {f"{key}:aud": audience, f"{key}:sub": str(claims.get("sub", ""))}
    context["sts:rolesessionname"] = str(request.parameters.get("RoleSessionName", ""))

    def is_provider(principal: Any) -> bool:
        return isinstance(principal, dict) and provider_arn in as_list(principal.get("Federated", []))

    if not trusts(role.assume_role_policy_document, ACTION, is_provider, context):
        raise _DENIED
    check_duration(request, role)
