# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""helm's kubeconfig without tokens."""

from __future__ import annotations

import json
import os
from pathlib import Path

from ansible_collections.ekspress.eks.plugins.module_utils._helm_command import kubeconfig_file
from ansible_collections.ekspress.eks.plugins.module_utils._kubernetes_connection import Connection


def test_the_kubeconfig_is_readable_by_a_child_has_no_token_and_is_gone_afterwards() -> None:
    connection = Connection(
        "https://127.0.0.1:1",
        "it",
        ca_certificate="PEM",
        token=lambda _renew: "t0ken",
        proxy="http://p:1",
        impersonate_user="u",
    )
    with kubeconfig_file(connection) as (path, inherited):
        assert "t0ken" not in Path(path).read_text()
        content = json.loads(Path(path).read_text())
        assert [path] == [f"/proc/self/fd/{number}" for number in inherited]
        assert os.stat(path).st_mode & 0o077 == 0
    assert content["clusters"][0]["cluster"]["proxy-url"] == "http://p:1"
    assert content["users"][0]["user"] == {"as": "u"}
    assert not Path(path).exists()
