# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Which pods a Fargate profile selects."""

from __future__ import annotations

import pytest
from ansible_collections.ekspress.eks.plugins.filter.fargate_profiles_for import fargate_profiles_for

LABELS = {"app.kubernetes.io/name": "aws-load-balancer-controller", "team": "platform"}


@pytest.mark.parametrize(
    ("namespace", "labels", "selected"),
    [
        ("kube-system", {}, True),
        ("kube-*", {}, True),
        ("kube?system", {}, True),
        ("*", {"team": "platform"}, True),
        ("kube-system", {"team": "plat*", "app.kubernetes.io/n?me": "*"}, True),
        ("kube", {}, False),
        ("kube-syste?m", {}, False),
        ("kube.system", {}, False),
        ("kube-system", {"k8s-app": "kube-dns"}, False),
        ("kube-system", {"team": "platform", "k8s-app": "kube-dns"}, False),
        ("kube-system", {"team": "plat"}, False),
    ],
)
def test_a_selector_is_a_namespace_and_all_its_labels(namespace: str, labels: dict[str, str], selected: bool) -> None:
    profiles = [
        {"name": "system", "selectors": [{"namespace": "other", "labels": {}}]},
        {"name": "wanted", "selectors": [{"namespace": namespace, "labels": labels}]},
    ]
    assert fargate_profiles_for(profiles, "kube-system", LABELS) == (["wanted"] if selected else [])


def test_one_of_several_selectors_is_enough_and_pods_may_have_no_labels() -> None:
    selectors = [{"namespace": "other", "labels": {}}, {"namespace": "kube-system", "labels": {}}]
    assert fargate_profiles_for([{"name": "wanted", "selectors": selectors}], "kube-system") == ["wanted"]
    assert fargate_profiles_for([], "kube-system") == []
    assert fargate_profiles_for([{"name": "none", "selectors": []}], "kube-system") == []
