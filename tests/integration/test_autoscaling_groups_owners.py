# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""autoscaling_groups for owners, against the AWS server: their tags go with them, and nobody else's."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.ekspress.eks.tests.integration.eks_clusters import written

from sandbox.aws.client import AwsServer
from tests.integration.scaling_groups import Groups, converge

LABEL = "k8s.io/cluster-autoscaler/node-template/label/tier"
NOTE = "ekspress.eks/tags/autoscaler"


@pytest.fixture
def groups(aws: AwsServer) -> Groups:
    """Small groups of no cluster."""
    return Groups(aws)


def wanted(tags: dict[str, str], **options: Any) -> dict[str, Any]:
    return {"name": "first", "owner": "autoscaler", "tags": tags, **options}


def test_what_an_owner_wants_no_more_goes_and_nothing_is_left_of_it(groups: Groups) -> None:
    before = groups.state()
    converge(wanted({LABEL: "web", "managed": "blue"}, propagate=True))
    assert groups.instances_with("first", "managed", "blue") == groups.ids("first")

    fewer = wanted({LABEL: "web"}, propagate=True)
    foretold = converge(fewer, check=True, diff=True)
    assert foretold == converge(fewer, diff=True)
    assert set(groups.ours("first")) == {LABEL, NOTE}
    assert groups.instances_with("first", "managed", "blue") == []

    groups.aws.clear_calls()
    assert not converge(fewer)["changed"]
    assert written(groups.aws) == []

    gone = wanted({}, state="absent", propagate=True)
    assert converge(gone)["changed"]
    assert groups.state() == before
    assert not converge(gone)["changed"]


def test_a_tag_that_was_there_before_survives_the_removal(groups: Groups) -> None:
    converge({"name": "first", "tags": {LABEL: "web"}})
    before = groups.state()
    converge(wanted({LABEL: "web", "managed": "blue"}))
    converge(wanted({LABEL: "web", "managed": "blue"}, state="absent"))
    assert groups.state() == before
