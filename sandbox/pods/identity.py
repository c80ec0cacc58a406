# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What EKS adds to the containers of a service account that is annotated with an IAM role.

https://docs.aws.amazon.com/eks/latest/userguide/pod-configuration.html,
https://github.com/aws/amazon-eks-pod-identity-webhook/blob/master/README.md
"""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import quote

from sandbox.kube_client import KubeClient
from sandbox.pods.volumes import Token, Volumes

Json = dict[str, Any]

MOUNT = "/var/run/secrets/eks.amazonaws.com/serviceaccount"
_ROLE = "eks.amazonaws.com/role-arn"
_AUDIENCE = "eks.amazonaws.com/audience"
_EXPIRATION = "eks.amazonaws.com/token-expiration"
_REGIONAL = "eks.amazonaws.com/sts-regional-endpoints"
_OWN = ("AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE")


def add(
    client: KubeClient, pod: Json, environment: dict[str, str], volumes: Volumes, *, directory: Path, region: str
) -> None:
    """Add variables, and a token at the first start; a container with variables of its own for them is left alone."""
    meta = pod["metadata"]
    name = pod["spec"].get("serviceAccountName", "default")
    account = client.get(f"/api/v1/namespaces/{meta['namespace']}/serviceaccounts/{quote(name)}") or {}
    annotations = account.get("metadata", {}).get("annotations") or {}
    if _ROLE not in annotations or any(name in environment for name in _OWN):
        return
    if MOUNT not in volumes.mounts:
        expiration = (meta.get("annotations") or {}).get(_EXPIRATION) or annotations.get(_EXPIRATION) or "86400"
        folder = directory / "aws-iam-token"
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        volumes.mounts[MOUNT] = folder
        audience = annotations.get(_AUDIENCE, "sts.amazonaws.com")
        volumes.tokens.append(Token(folder / "token", audience, int(expiration)))
    added = {"AWS_DEFAULT_REGION": region, "AWS_REGION": region}
    if annotations.get(_REGIONAL, "true") == "true":
        added["AWS_STS_REGIONAL_ENDPOINTS"] = "regional"
    for key, value in added.items():
        environment.setdefault(key, value)
    environment |= {"AWS_ROLE_ARN": annotations[_ROLE], "AWS_WEB_IDENTITY_TOKEN_FILE": f"{MOUNT}/token"}
