# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Amazon ECR as an OCI registry: its address, and a login by the task's own AWS session."""

from __future__ import annotations

import json
import re
from urllib.parse import urlsplit

from ansible_collections.ekspress.eks.plugins.module_utils._aws import Aws

HOST = re.compile(
    r"(?P<account>\d{12})\.dkr[.-]ecr(-fips)?\.(?P<region>[a-z0-9-]+)\.(amazonaws\.com(\.cn)?|on\.aws|on\.amazonwebservices\.com\.cn)"
)
"""https://docs.aws.amazon.com/AmazonECR/latest/userguide/Registries.html and
https://docs.aws.amazon.com/AmazonECR/latest/userguide/ecr-requests.html for the dual-stack hosts."""


def host_of(reference: str) -> str:
    """The host of an ``oci://`` address where it is a private registry of ECR, else ''."""
    parts = urlsplit(reference)
    return parts.netloc if parts.scheme == "oci" and HOST.fullmatch(parts.hostname or "") else ""


def registry_config(aws: Aws, host: str) -> tuple[str, str]:
    """A registry configuration for helm that logs in to one host, and the secret in it. Raises EksError.

    The token is good for 12 hours: https://docs.aws.amazon.com/AmazonECR/latest/userguide/registry_auth.html
    """
    found = HOST.fullmatch(host.partition(":")[0])
    client = aws.client("ecr", found["region"] if found else None)
    token = str(aws.call(client, "get_authorization_token")["authorizationData"][0]["authorizationToken"])
    return json.dumps({"auths": {host: {"auth": token}}}), token
