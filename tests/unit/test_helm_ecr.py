# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Which registries are ECR's."""

from __future__ import annotations

import pytest
from ansible_collections.ekspress.eks.plugins.module_utils._ecr import HOST, host_of


@pytest.mark.parametrize(
    ("host", "region"),
    [
        ("123456789012.dkr.ecr.eu-central-1.amazonaws.com", "eu-central-1"),
        ("123456789012.dkr.ecr-fips.us-gov-west-1.amazonaws.com", "us-gov-west-1"),
        ("123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn", "cn-north-1"),
        ("123456789012.dkr-ecr.eu-central-1.on.aws", "eu-central-1"),
    ],
)
def test_a_registry_of_ecr(host: str, region: str) -> None:
    assert host_of(f"oci://{host}/charts/web") == host
    found = HOST.fullmatch(host)
    assert found
    assert found["region"] == region


@pytest.mark.parametrize(
    "reference",
    [
        "oci://public.ecr.aws/charts/web",
        "oci://ghcr.io/charts/web",
        "oci://123456789012.dkr.ecr.eu-central-1.amazonaws.com.evil.example/web",
        "https://123456789012.dkr.ecr.eu-central-1.amazonaws.com/web",
        "web",
    ],
)
def test_no_token_goes_to_other_registries(reference: str) -> None:
    assert host_of(reference) == ""
