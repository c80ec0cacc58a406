# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What EKS adds for an annotated service account is there at every start of the container, not only at the first."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest

from sandbox.kube_client import KubeClient
from sandbox.pods import identity
from sandbox.pods.volumes import Volumes

ROLE = "arn:aws:iam::123456789012:role/external-dns"
POD: dict[str, Any] = {"metadata": {"namespace": "n"}, "spec": {"serviceAccountName": "s"}}


class Account:
    """The API of a cluster that has one service account."""

    def __init__(self, **annotations: str) -> None:
        self.annotations = {f"eks.amazonaws.com/{key.replace('_', '-')}": value for key, value in annotations.items()}

    def get(self, path: str) -> dict[str, Any]:
        """Return the service account."""
        assert path == "/api/v1/namespaces/n/serviceaccounts/s"
        return {"metadata": {"annotations": self.annotations}}


def added(account: Account, volumes: Volumes, directory: Path, **environment: str) -> dict[str, str]:
    """Return a container's variables at one of its starts."""
    found = dict(environment)
    identity.add(cast(KubeClient, account), POD, found, volumes, directory=directory, region="eu-central-1")
    return found


def test_the_same_at_every_start(tmp_path: Path) -> None:
    volumes, account = Volumes(), Account(role_arn=ROLE)
    first = added(account, volumes, tmp_path)
    assert first == {
        "AWS_DEFAULT_REGION": "eu-central-1",
        "AWS_REGION": "eu-central-1",
        "AWS_ROLE_ARN": ROLE,
        "AWS_STS_REGIONAL_ENDPOINTS": "regional",
        "AWS_WEB_IDENTITY_TOKEN_FILE": f"{identity.MOUNT}/token",
    }
    assert added(account, volumes, tmp_path) == first
    (token,) = volumes.tokens
    assert (token.audience, token.seconds) == ("sts.amazonaws.com", 86400)
    assert volumes.here(first["AWS_WEB_IDENTITY_TOKEN_FILE"]) == str(token.path)


def test_what_the_service_account_asks_for(tmp_path: Path) -> None:
    volumes = Volumes()
    account = Account(role_arn=ROLE, audience="a", token_expiration="3600", sts_regional_endpoints="false")
    found = added(account, volumes, tmp_path, AWS_REGION="us-east-1")
    assert "AWS_STS_REGIONAL_ENDPOINTS" not in found
    assert found["AWS_REGION"] == "us-east-1"
    assert [(token.audience, token.seconds) for token in volumes.tokens] == [("a", 3600)]


@pytest.mark.parametrize(
    ("account", "own"),
    [(Account(), {}), (Account(role_arn=ROLE), {"AWS_ROLE_ARN": "own"})],
)
def test_nothing_is_added(tmp_path: Path, account: Account, own: dict[str, str]) -> None:
    volumes = Volumes()
    assert added(account, volumes, tmp_path, **own) == own
    assert not volumes.tokens
