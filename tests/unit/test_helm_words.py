# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""helm's words without noise and secrets, and what to do next."""

from __future__ import annotations

import pytest
from ansible_collections.ekspress.eks.plugins.module_utils._helm_charts import Chart
from ansible_collections.ekspress.eks.plugins.module_utils._helm_releases_plan import Release
from ansible_collections.ekspress.eks.plugins.module_utils._helm_words import advised, cleaned, refused_keys


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
        (
            'Kubernetes cluster unreachable: Get "https://h/version": dial tcp: connect: connection refused',
            "which repairs what helm left halfway",
        ),
        ("execution error at (web/templates/0.yaml:1:3): colour is needed", "set it in the variable web_values"),
        (
            'template: web/0.yaml:1:3: executing "web" at <.Values.a.b>: nil pointer evaluating interface {}.b',
            "set it in the variable web_values",
        ),
    ],
)
def test_what_to_do_next_follows_helms_words(words: str, step: str) -> None:
    chart = Chart("https://user:hidden@r.example/web", "", "web", "9.9.9")
    release = Release("web", "shop", chart, {}, (), (), 300, False, False, values_variable="web_values")
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


SCHEMA = "UPGRADE FAILED: values don't meet the specifications of the schema(s) in the following chart(s):\n"


@pytest.mark.parametrize(
    ("complaints", "keys"),
    [
        # Helm 4, and newer versions of Helm 3.
        ("web:\n- at '/replicas': got string, want integer", ["replicas"]),
        ("web:\n- at '/a/b~1c/0/d': minimum: got -5, want 0", ["a.b/c.0.d"]),
        ("web:\n- at '': missing property 'clusterName'", ["clusterName"]),
        ("web:\n- at '/image': missing properties 'name', 'tag'", ["image.name", "image.tag"]),
        ("web:\n- at '/pod': additional properties 'limits', 'it\\'s' not allowed", ["pod.limits", "pod.it's"]),
        ("web:\n- at '': got array, want object", ["the values as a whole"]),
        (
            "web:\n- at '/port': 'anyOf' failed\n  - at '/port': got boolean, want string\n"
            "  - at '/port': got boolean, want integer\n- at '': 'allOf' failed\n"
            "  - at '/name': minLength: got 0, want 1",
            ["port", "name"],
        ),
        ("web:\n- at '/image': validation failed\n  - at '/image/tag': got number, want string", ["image.tag"]),
        ("web:\n- at '/a': 'not' failed\n- at '/b': 'oneOf' failed, subschemas 0, 1 matched", ["a", "b"]),
        ("web:\n- at '/b': value must be one of 'x', 'y'", ["b"]),
        (
            "web:\n- at '/a': got string, want integer\ncache:\n- at '/a': got string, want integer",
            ["a", "a of the subchart cache"],
        ),
        ("cache:\ninvalid type for values: expected object (map), got string", ["cache"]),
        # Older versions of Helm 3.
        ("web:\n- replicas: Invalid type. Expected: integer, given: string", ["replicas"]),
        (
            "web:\n- (root): clusterName is required\n- (root): Additional property x is not allowed",
            ["clusterName", "x"],
        ),
        ("web:\n- image.0: tag is required", ["image.0.tag"]),
        ("web:\n- pod.a: Additional property backup.io/b is not allowed", ["pod.a.backup.io/b"]),
        ("web:\n- port: Must validate one and only one schema (oneOf)", ["port"]),
        ("web:\n- (root): Invalid type. Expected: object, given: array", ["the values as a whole"]),
        # Words that nobody knows yet.
        ("web:\n- something else", []),
    ],
)
def test_the_keys_that_a_schema_refuses_are_named(complaints: str, keys: list[str]) -> None:
    assert refused_keys(SCHEMA + complaints, "web") == keys


def test_a_refused_value_names_its_key_and_the_variable_that_sets_it() -> None:
    chart = Chart("/charts/web", "", "web", "1.0.0")
    release = Release("web", "shop", chart, {}, (), (), 300, False, False)
    words = f"{SCHEMA}web:\n- at '/replicas': got string, want integer\n- at '': missing property 'region'"
    assert advised(words, release) == (
        f"{words}. The chart's schema refuses replicas, region: correct that in the release's values."
    )
    named = Release("web", "shop", chart, {}, (), (), 300, False, False, values_variable="web_values")
    assert advised(words, named).endswith("replicas, region: correct that in the variable web_values.")
    assert "refuses its values: correct that in" in advised(f"{SCHEMA}web:\n- unheard of", named)
