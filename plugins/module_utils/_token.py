# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Bearer tokens by which EKS knows an AWS identity: a presigned call of sts:GetCallerIdentity, made without any call.

https://docs.aws.amazon.com/eks/latest/best-practices/identity-and-access-management.html
https://github.com/kubernetes-sigs/aws-iam-authenticator#api-authorization-from-outside-a-cluster
"""

from __future__ import annotations

import base64
import threading
import time
import traceback
from typing import Any

from ansible_collections.ekspress.eks.plugins.module_utils._aws import Aws
from ansible_collections.ekspress.eks.plugins.module_utils._aws_errors import explain

try:
    import botocore.exceptions
except ImportError:
    BOTOCORE_TRACEBACK: str | None = traceback.format_exc()
else:
    BOTOCORE_TRACEBACK = None

PREFIX = "k8s-aws-v1."
HEADER = "x-k8s-aws-id"
EXPIRES_SECONDS = 60
"""X-Amz-Expires, which the authenticator asks for; it accepts the token for 15 minutes all the same."""

RENEW_SECONDS = 10 * 60
"""A token is replaced at this age, so that a call or a helm process that starts with it has five minutes left."""


def mint(aws: Aws, cluster: str) -> str:
    """A token for the cluster of this name, valid for 15 minutes, of the AWS session's identity.

    Presigned at the STS endpoint of the session's region, never at ``endpoint_url``: nothing is called, and EKS accepts
    tokens for STS's own hosts only (interface endpoints of a VPC have the same name). Raises EksError without
    credentials. https://github.com/kubernetes-sigs/aws-iam-authenticator/blob/v0.6.13/pkg/token/token.go
    """
    client: Any = aws.client("sts", public=True)
    # The same handler may be registered for every token: botocore keeps one for each unique_id.
    client.meta.events.register(
        "provide-client-params.sts.GetCallerIdentity", _move_to_context, unique_id="ekspress-token-parameters"
    )
    client.meta.events.register("before-sign.sts.GetCallerIdentity", _add_header, unique_id="ekspress-token-header")
    try:
        url = client.generate_presigned_url(
            "get_caller_identity", Params={HEADER: cluster}, ExpiresIn=EXPIRES_SECONDS, HttpMethod="GET"
        )
    except botocore.exceptions.BotoCoreError as error:
        raise explain(error, "Presigning sts:GetCallerIdentity") from error
    return PREFIX + base64.urlsafe_b64encode(url.encode()).decode().rstrip("=")


def _move_to_context(params: dict[str, Any], context: dict[str, Any], **_unused: Any) -> None:
    # STS has no such parameter; it travels to the signer beside the call's own.
    if HEADER in params:
        context[HEADER] = params.pop(HEADER)


def _add_header(request: Any, **_unused: Any) -> None:
    if HEADER in request.context:
        request.headers[HEADER] = request.context[HEADER]


class EksToken:
    """The token of one cluster, minted when first asked for and again before it expires; shared between threads."""

    def __init__(self, aws: Aws, cluster: str) -> None:
        self._aws = aws
        self._cluster = cluster
        self._lock = threading.Lock()
        self._token = ""
        self._minted = 0.0

    def __call__(self, renew: bool = False) -> str:
        """The token; a new one where ``renew`` is set or the one there is may expire soon."""
        with self._lock:
            if renew or not self._token or time.monotonic() - self._minted > RENEW_SECONDS:
                self._token = mint(self._aws, self._cluster)
                self._minted = time.monotonic()
            return self._token
