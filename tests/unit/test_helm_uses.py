# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Objects because of which a release must stay."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.ekspress.eks.plugins.module_utils._errors import EksError
from ansible_collections.ekspress.eks.plugins.module_utils._helm_options import order
from ansible_collections.ekspress.eks.plugins.module_utils._helm_releases_plan import Release
from ansible_collections.ekspress.eks.plugins.module_utils._helm_uses import HELM_RECORD, TOKEN, Use, uses
from hypothesis import given
from hypothesis import strategies as st

GOING = frozenset({("web", "traefik")})
OWN = {"meta.helm.sh/release-namespace": "web", "meta.helm.sh/release-name": "traefik"}


def item(name: str = "app", **more: Any) -> dict[str, Any]:
    meta = {"name": name, "namespace": "web", **more.pop("metadata", {})}
    return {"metadata": meta, **more}


@pytest.mark.parametrize(
    ("found", "holds"),
    [
        (item(spec={"ingressClassName": "public"}), True),
        (item(metadata={"annotations": {"kubernetes.io/ingress.class": "public"}}, spec={}), True),
        (item(spec={"ingressClassName": "internal"}), False),
        (item(spec={}), False),
        (item(), False),
    ],
)
def test_those_of_a_class(found: dict[str, Any], holds: bool) -> None:
    use = Use("networking.k8s.io/v1", "Ingress", ingress_class="public")
    assert use.holds(found, GOING) is holds
    assert "served by nothing any more, as their class is public" in use.reason


@pytest.mark.parametrize(
    ("kind", "found", "holds"),
    [
        ("Pod", item(), True),
        ("Pod", item(metadata={"ownerReferences": [{"kind": "ReplicaSet", "controller": True}]}), False),
        ("Pod", item(metadata={"ownerReferences": [{"kind": "ReplicaSet"}]}), True),
        ("StatefulSet", item(metadata={"ownerReferences": [{"kind": "Prometheus", "controller": True}]}), True),
        ("ConfigMap", item("kube-root-ca.crt"), False),
        ("Secret", item("kube-root-ca.crt"), True),
        ("Secret", item(type="Opaque"), True),
        ("Secret", item(type=TOKEN), False),
        ("Secret", item(type=HELM_RECORD, metadata={"labels": {"name": "traefik"}}), False),
        ("Secret", item(type=HELM_RECORD, metadata={"labels": {"name": "other"}}), True),
    ],
)
def test_those_that_go_with_a_namespace(kind: str, found: dict[str, Any], holds: bool) -> None:
    assert Use("v1", kind, namespace="web").holds(found, GOING) is holds


def test_what_goes_or_is_being_deleted_does_not_count_but_where_nothing_deletes_it() -> None:
    gone = item(metadata={"deletionTimestamp": "2026-01-01T00:00:00Z"})
    own = item(metadata={"annotations": {**OWN, "protect": "yes"}})
    plain, protection = Use("v1", "Pod", namespace="web"), Use("v1", "Pod", annotation="protect", pattern="^yes$")
    assert [plain.counts(found, GOING) for found in (item(), gone, own)] == [True, False, False]
    assert [protection.counts(found, GOING) for found in (gone, own)] == [False, True]


def entry(**more: Any) -> dict[str, Any]:
    texts = dict.fromkeys(("label_selector", "ingress_class", "namespace", "name", "annotation", "pattern"), "")
    return {"api_version": "v1", "kind": "Pod", "finalizers": [], **texts, "advice": "Delete it.", **more}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "used_by has Pod without finalizers, ingress_class and namespace"),
        ({"namespace": "web", "pattern": "("}, "used_by has Pod with the pattern '(', no regular expression"),
    ],
)
def test_an_entry_that_would_mean_all_or_nothing_is_refused(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(EksError) as caught:
        uses([entry(**changes)], "Release 'web'")
    assert caught.value.message.startswith("Release 'web': ")
    assert words in caught.value.message


def absent(name: str, *needs: str) -> Release:
    return Release(name, "web", None, {}, tuple(needs), (), 300, False, False)


@given(st.sets(st.sampled_from(["web/a", "web/b", "web/c", "web/d"])))
def test_all_that_needs_what_must_stay_stays_too(kept: set[str]) -> None:
    releases = {
        release.key: release
        for release in (
            absent("a"),
            absent("b", "web/a"),
            absent("c", "web/b"),
            absent("d"),
        )
    }
    waits = order(releases, sorted(kept))
    failed = set(kept)
    while more := {key for key, causes in waits.items() if failed & set(causes)} - failed:
        failed |= more
    needing = {"web/a": {"web/b", "web/c"}, "web/b": {"web/c"}, "web/c": set(), "web/d": set()}
    needed = {"web/a": set(), "web/b": {"web/a"}, "web/c": {"web/a", "web/b"}, "web/d": set()}
    # What is needed by one that stays cannot go either, which is as it always was.
    for key in kept:
        assert waits[key] == []
        assert needing[key] | needed[key] <= failed
    assert ("web/d" in failed) == ("web/d" in kept)
    assert failed or not kept
