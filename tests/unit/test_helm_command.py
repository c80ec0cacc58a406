# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""helm's words without noise and secrets; its kubeconfig without tokens."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from ansible_collections.ekspress.eks.plugins.module_utils._helm_charts import Chart
from ansible_collections.ekspress.eks.plugins.module_utils._helm_command import advised, cleaned, kubeconfig_file
from ansible_collections.ekspress.eks.plugins.module_utils._helm_releases_plan import Release
from ansible_collections.ekspress.eks.plugins.module_utils._kubernetes_connection import Connection


@pytest.mark.parametrize(
    ("words", "left"),
    [
        ('Release "web" does not exist. Installing it now.\nPulled: r/web:1\nDigest: sha256:1\nError: no', "no"),
        (
            "WARNING: Kubernetes configuration file is group-readable.\nError: UPGRADE FAILED: timed out",
            "UPGRADE FAILED: timed out",
        ),
        ('level=WARN msg="careful"\nW1121 04:00:00.1 1 warnings.go:70] old\nError: a\n- b', "a\n- b"),
        ("", ""),
    ],
)
def test_only_what_helm_says_about_the_failure_is_left(words: str, left: str) -> None:
    assert cleaned(words, set()) == left


@pytest.mark.parametrize(
    ("words", "step"),
    [
        (
            'failed to perform "FetchReference" on source: r.example/charts/web:9.9.9: not found',
            "asked for as web 9.9.9",
        ),
        ('chart "web" version "9.9.9" not found in https://r.example repository', "asked for as web 9.9.9"),
        ('looks like "https://r.example" is not a valid chart repository or cannot be reached', "network, proxy"),
        ("unknown flag: --plain-http", "This helm is too old"),
        ('create: failed to create: namespaces "shop" not found', "Make the namespace first"),
        (
            'ClusterRole "web" in namespace "" exists and cannot be imported into the current release: x',
            "take_ownership",
        ),
    ],
)
def test_what_to_do_next_follows_helms_words(words: str, step: str) -> None:
    chart = Chart("https://user:hidden@r.example/web", "", "web", "9.9.9")
    release = Release("web", "shop", chart, {}, (), (), 300, False, False)
    said = advised(words, release)
    assert said.startswith(words)
    assert step in said
    assert "user:hidden" not in said


def test_other_words_of_helm_stay_as_they_are() -> None:
    release = Release("web", "shop", None, {}, (), (), 300, False, False)
    assert advised("UPGRADE FAILED: timed out", release) == "UPGRADE FAILED: timed out"


def test_values_that_look_secret_are_hidden_in_helms_words() -> None:
    assert cleaned("Error: cannot parse hunter2-long and hunter2", {"hunter2", "hunter2-long"}) == (
        "cannot parse (hidden) and (hidden)"
    )


def test_endless_words_are_cut() -> None:
    assert len(cleaned("x" * 100_000, set())) < 5000


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
