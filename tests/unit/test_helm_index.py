# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The index of a chart repository."""

from __future__ import annotations

import json

import pytest
from ansible_collections.ekspress.eks.plugins.module_utils._errors import EksError
from ansible_collections.ekspress.eks.plugins.module_utils._helm_index import entry, without_user

REPOSITORY = "https://user:hidden@charts.example/stable"
AS_HELM_WRITES = """\
apiVersion: v1
entries:
  web-api:
  - version: 1.0.0
    urls: [other.tgz]
  web:
  - annotations:
      notes: |
        - kind: fixed
          description: "  web:"
    created: "2026-01-01T00:00:00Z"
    digest: abababababababababababababababababababababababababababababababab
    name: web
    urls:
    - web-1.1.0.tgz
    version: 1.1.0
  - name: web
    urls: ["https://elsewhere.example/web-1.0.0.tgz"]
    version: v1.0.0
  x: []
generated: "2026-01-01T00:00:00Z"
"""
INDENTED = """\
entries:
    web:
        - version: 1.1.0
          digest: sha256:abababababababababababababababababababababababababababababababab
          urls: [web-1.1.0.tgz]
        - version: v1.0.0
          urls: ["https://elsewhere.example/web-1.0.0.tgz"]
"""
AS_JSON = json.dumps(
    {
        "entries": {
            "web": [
                {"version": "1.1.0", "digest": "ab" * 32, "urls": ["web-1.1.0.tgz"]},
                {"version": "v1.0.0", "urls": ["https://elsewhere.example/web-1.0.0.tgz"]},
            ]
        }
    }
)


@pytest.mark.parametrize("text", [AS_HELM_WRITES, INDENTED, AS_JSON], ids=["helm", "indented", "json"])
def test_an_archive_is_found_by_its_version(text: str) -> None:
    found = entry(text, REPOSITORY, "web", "1.1.0")
    assert (found.url, found.digest) == ("https://charts.example/stable/web-1.1.0.tgz", "ab" * 32)
    found = entry(text, REPOSITORY, "web", "1.0.0")
    assert (found.url, found.digest) == ("https://elsewhere.example/web-1.0.0.tgz", "")


@pytest.mark.parametrize("text", [AS_HELM_WRITES, INDENTED, AS_JSON], ids=["helm", "indented", "json"])
def test_what_is_not_there_is_told(text: str) -> None:
    with pytest.raises(
        EksError, match=r"^The repository https://charts.example/stable has no version 9.*1\.1\.0, v1\.0\.0"
    ):
        entry(text, REPOSITORY, "web", "9.9.9")
    with pytest.raises(EksError, match="has no chart 'shop'"):
        entry(text, REPOSITORY, "shop", "1.0.0")


@pytest.mark.parametrize("text", ["<html>", "entries: []", "{", "a: [", ""])
def test_what_is_no_index_is_told(text: str) -> None:
    with pytest.raises(EksError, match="no index of a chart repository"):
        entry(text, REPOSITORY, "web", "1.0.0")


def test_user_and_password_are_taken_away() -> None:
    assert without_user("https://u:p@a.example:8443/x?y") == "https://a.example:8443/x?y"
    assert without_user("oci://a.example/x") == "oci://a.example/x"
