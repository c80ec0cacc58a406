# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Helm's own record of releases, decoded."""

from __future__ import annotations

import base64
import gzip
import json
from typing import Any

import pytest
from ansible_collections.ekspress.eks.plugins.module_utils._errors import EksError
from ansible_collections.ekspress.eks.plugins.module_utils._helm_storage import decode

RECORD = {
    "name": "web",
    "version": 3,
    "info": {"status": "deployed", "description": "Upgrade complete"},
    "config": {"replicas": 2},
    "chart": {"metadata": {"name": "web-chart", "version": "1.0.0"}},
}


def secret(content: bytes, **labels: str) -> dict[str, Any]:
    """A release's Secret as the API gives it."""
    data = base64.b64encode(base64.b64encode(content)).decode()
    meta = {
        "name": "sh.helm.release.v1.web.v3",
        "namespace": "shop",
        "labels": {"name": "web", "version": "3", **labels},
    }
    return {"metadata": meta, "data": {"release": data}}


@pytest.mark.parametrize("pack", [gzip.compress, lambda content: content])
def test_a_record_compressed_or_plain(pack: Any) -> None:
    stored = decode(secret(pack(json.dumps(RECORD).encode()), status="failed"))
    assert (stored.name, stored.namespace, stored.revision) == ("web", "shop", 3)
    # The label is what Helm itself filters by; the record's own status is written in the same step.
    assert (stored.status, stored.description) == ("failed", "Upgrade complete")
    assert (stored.chart_name, stored.chart_version, stored.values) == ("web-chart", "1.0.0", {"replicas": 2})


def test_a_release_without_values_has_none() -> None:
    record = {**RECORD, "config": None}
    assert decode(secret(gzip.compress(json.dumps(record).encode()))).values == {}


@pytest.mark.parametrize("content", [b"", b"{", b"\x1f\x8bbroken", b"[]", gzip.compress(b'{"name": "web"}', mtime=0)])
def test_a_damaged_record_is_named(content: bytes) -> None:
    with pytest.raises(EksError, match=r"Secret shop/sh\.helm\.release\.v1\.web\.v3 is not a release"):
        decode(secret(content))
