# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A group as DescribeAutoScalingGroups tells it."""

from __future__ import annotations

import pytest
from ansible_collections.ekspress.eks.plugins.module_utils._autoscaling_groups_api import from_description
from ansible_collections.ekspress.eks.plugins.module_utils._autoscaling_groups_plan import Group, Tag


def test_a_group() -> None:
    tags = [{"Key": "team", "Value": "a", "PropagateAtLaunch": True}, {"Key": "empty"}]
    assert from_description({"AutoScalingGroupName": "nodes", "Tags": tags, "Status": "Delete in progress"}) == Group(
        "nodes", {"team": Tag("a", True), "empty": Tag("", False)}, status="Delete in progress"
    )
    assert from_description({"AutoScalingGroupName": "nodes"}) == Group("nodes", {})


@pytest.mark.parametrize(
    ("state", "stays"),
    [
        ("Pending", True),
        ("Pending:Wait", True),
        ("Pending:Proceed", True),
        ("InService", True),
        ("EnteringStandby", True),
        ("Standby", True),
        ("Terminating", False),
        ("Terminating:Wait", False),
        ("Terminating:Proceed", False),
        ("Terminated", False),
        ("Detaching", False),
        ("Detached", False),
    ],
)
def test_only_instances_that_stay_in_the_group_count(state: str, stays: bool) -> None:
    instances = [{"InstanceId": "i-1", "LifecycleState": state}]
    found = from_description({"AutoScalingGroupName": "nodes", "Instances": instances}).instances
    assert found == ({"i-1": {}} if stays else {})
