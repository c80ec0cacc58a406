# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""IAM OIDC providers.

https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateOpenIDConnectProvider.html (URL with https://, 255
characters; 100 audiences of 255 characters; 5 thumbprints of 40 hexadecimal characters),
https://docs.aws.amazon.com/IAM/latest/APIReference/API_AddClientIDToOpenIDConnectProvider.html and
https://docs.aws.amazon.com/IAM/latest/APIReference/API_RemoveClientIDFromOpenIDConnectProvider.html (both idempotent).
"""

from __future__ import annotations

import re
from typing import Any

from moto.iam.models import iam_backends

from sandbox.aws.answers import Refusal
from sandbox.aws.hooks import check, operation
from sandbox.aws.request import AwsRequest
from sandbox.aws.state import State
from sandbox.aws.strict.iam_quotas import invalid

AUDIENCES = 100
THUMBPRINTS = 5
PROVIDERS = 100
_URL = re.compile(r"https://[A-Za-z0-9.-]+(/[^?#\s]*)?")
_THUMBPRINT = re.compile(r"[0-9A-Fa-f]{40}")


def _providers(request: AwsRequest) -> dict[str, Any]:
    backend = iam_backends[request.caller.account][request.caller.partition]
    providers: dict[str, Any] = backend.open_id_providers
    return providers


@check("iam", "CreateOpenIDConnectProvider")
def create(request: AwsRequest, state: State) -> None:
    """Refuse URLs, audiences and thumbprints that AWS refuses, and a provider that is there already."""
    url = str(request.parameters.get("Url", ""))
    if len(url) > 255:
        raise invalid(url, "url", "Member must have length less than or equal to 255")
    if not _URL.fullmatch(url):
        raise Refusal("ValidationError", "Invalid Open ID Connect Provider URL")
    audiences = request.parameters.get("ClientIDList") or []
    if any(not 1 <= len(str(audience)) <= 255 for audience in audiences):
        raise invalid(audiences, "clientIDList", "Member must satisfy constraint: [Member must have length 1 to 255]")
    if len(audiences) > AUDIENCES:
        raise Refusal("LimitExceeded", f"Cannot exceed quota for ClientIdsPerOpenIdConnectProvider: {AUDIENCES}", 409)
    thumbprints(request, state)
    caller, providers = request.caller, _providers(request)
    arn = f"arn:{caller.partition}:iam::{caller.account}:oidc-provider/{url.removeprefix('https://')}"
    if arn in providers:
        raise Refusal("EntityAlreadyExists", f"Provider with url {url} already exists.", 409)
    if len(providers) >= PROVIDERS:
        raise Refusal("LimitExceeded", f"Cannot exceed quota for OpenIdConnectProvidersPerAccount: {PROVIDERS}", 409)


@check("iam", "UpdateOpenIDConnectProviderThumbprint")
def thumbprints(request: AwsRequest, state: State) -> None:
    """Refuse thumbprints that are too many or no SHA-1 in hexadecimal."""
    values = [str(value) for value in request.parameters.get("ThumbprintList") or []]
    if len(values) > THUMBPRINTS:
        raise Refusal("InvalidInput", "Thumbprint list must contain fewer than 5 entries.")
    for value in values:
        if len(value) != 40:
            raise invalid(values, "thumbprintList", "Member must satisfy constraint: [Member must have length 40]")
        if not _THUMBPRINT.fullmatch(value):
            raise Refusal("InvalidInput", f"The thumbprint {value} is not hexadecimal.")


def _provider(request: AwsRequest) -> Any:
    arn = str(request.parameters["OpenIDConnectProviderArn"])
    provider = _providers(request).get(arn)
    if provider is None:
        raise Refusal("NoSuchEntity", f"OpenIDConnect Provider not found for arn {arn}", 404)
    return provider


@operation("iam", "AddClientIDToOpenIDConnectProvider")
def add_audience(request: AwsRequest, state: State) -> dict[str, Any]:
    """Add an audience; moto lacks this."""
    audience, present = str(request.parameters["ClientID"]), _provider(request).client_id_list
    if not 1 <= len(audience) <= 255:
        raise invalid(audience, "clientID", "Member must have length less than or equal to 255")
    if audience in present:
        return {}
    if len(present) >= AUDIENCES:
        raise Refusal("LimitExceeded", f"Cannot exceed quota for ClientIdsPerOpenIdConnectProvider: {AUDIENCES}", 409)
    present.append(audience)
    return {}


@operation("iam", "RemoveClientIDFromOpenIDConnectProvider")
def remove_audience(request: AwsRequest, state: State) -> dict[str, Any]:
    """Remove an audience, there or not; moto lacks this."""
    audience, present = str(request.parameters["ClientID"]), _provider(request).client_id_list
    if audience in present:
        present.remove(audience)
    return {}
