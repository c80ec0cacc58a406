# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""autoscaling_groups against the AWS server: what is tagged and hooked, and by which calls."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.ekspress.eks.tests.integration.eks_clusters import counted, written
from ansible_collections.ekspress.eks.tests.support import run_held

from sandbox.aws.client import AwsServer
from tests.integration.scaling_groups import (
    DELETE,
    DESCRIBE,
    FOREIGN_HOOK,
    HOOKS,
    INSTANCE_TAGS,
    PUT,
    TAG,
    TAG_INSTANCES,
    TOPIC,
    UNTAG,
    UNTAG_INSTANCES,
    Groups,
    converge,
    of,
)

MANAGED = {"managed": "blue"}
DRAIN = {"name": "drain", "transition": "terminating", "heartbeat_timeout": 300, "default_result": "CONTINUE"}
HANDLED = {"tags": MANAGED, "propagate": True, "lifecycle_hooks": [DRAIN]}
BOTH: list[dict[str, Any]] = [{"name": "first", **HANDLED}, {"name": "second", **HANDLED}]
READS = {DESCRIBE: 1, HOOKS: 2, INSTANCE_TAGS: 1}


@pytest.fixture
def groups(aws: AwsServer) -> Groups:
    """Small groups of no cluster."""
    return Groups(aws)


def test_first_run_tags_and_hooks_and_second_changes_nothing(groups: Groups) -> None:
    result = converge(*BOTH)
    assert result["changed"]
    assert counted(groups.aws) == {**READS, TAG: 1, TAG_INSTANCES: 1, PUT: 2}
    for name in ("first", "second"):
        assert of(result, name) == {
            "name": name,
            "tags_set": MANAGED,
            "tags_removed": {},
            "hooks_set": ["drain"],
            "hooks_removed": [],
            "instances_tagged": groups.ids(name),
            "instances_untagged": [],
        }
        assert groups.ours(name) == {"managed": ("blue", True)}
        assert groups.instances_with(name, "managed", "blue") == groups.ids(name)
        assert groups.instances_with(name, "CostCenter", "4711") == groups.ids(name)
    hook = groups.hooks("first")["drain"]
    assert hook["LifecycleTransition"] == "autoscaling:EC2_INSTANCE_TERMINATING"
    assert (hook["HeartbeatTimeout"], hook["DefaultResult"]) == (300, "CONTINUE")
    assert set(groups.hooks("first")) == {"drain", FOREIGN_HOOK}

    groups.aws.clear_calls()
    again = converge(*BOTH)
    assert not again["changed"]
    assert counted(groups.aws) == READS
    assert again["groups"] == [
        {**group, "tags_set": {}, "hooks_set": [], "instances_tagged": []} for group in result["groups"]
    ]


def test_check_mode_writes_nothing_and_says_what_the_run_then_does(groups: Groups) -> None:
    before = groups.state()
    planned = converge(*BOTH, check=True, diff=True)
    assert written(groups.aws) == []
    assert groups.state() == before
    done = converge(*BOTH, diff=True)
    assert planned == done
    assert done["changed"]
    removal: list[dict[str, Any]] = [{"name": "first", "state": "absent", **HANDLED}]
    removal.append({"name": "second", "purge_tag_prefixes": ["man"]})
    planned = converge(*removal, check=True, diff=True)
    assert planned == converge(*removal, diff=True)


def test_the_difference_shows_what_is_touched(groups: Groups) -> None:
    groups.put_tag("first", "managed", "green")
    shown = converge({"name": "first", **HANDLED}, {"name": "second", "tags": {"Team": "network"}}, diff=True)["diff"]
    ids = groups.ids("first")
    assert shown["before"] == {
        "first": {
            "tags": {"managed": {"value": "green", "propagate_at_launch": False}},
            "instances": {instance_id: {} for instance_id in ids},
        }
    }
    assert shown["after"] == {
        "first": {
            "tags": {"managed": {"value": "blue", "propagate_at_launch": True}},
            "lifecycle_hooks": {
                "drain": {"transition": "terminating", "heartbeat_timeout": 300, "default_result": "CONTINUE"}
            },
            "instances": dict.fromkeys(ids, MANAGED),
        }
    }


def test_add_then_remove_is_as_before(groups: Groups) -> None:
    before = groups.state()
    converge(*BOTH)
    groups.aws.clear_calls()
    removal = [{**entry, "state": "absent"} for entry in BOTH]
    result = converge(*removal, {"name": "gone", "state": "absent", **HANDLED})
    assert counted(groups.aws) == {**READS, HOOKS: 3, DELETE: 2, UNTAG: 1, UNTAG_INSTANCES: 1}
    assert of(result, "first") == {
        "name": "first",
        "tags_set": {},
        "tags_removed": MANAGED,
        "hooks_set": [],
        "hooks_removed": ["drain"],
        "instances_tagged": [],
        "instances_untagged": groups.ids("first"),
    }
    assert groups.state() == before
    groups.aws.clear_calls()
    assert not converge(*removal)["changed"]
    assert counted(groups.aws) == READS


def test_absent_removes_only_tags_with_the_value_that_is_given(groups: Groups) -> None:
    converge({"name": "first", "tags": {"managed": "green"}, "propagate": True})
    result = converge({"name": "first", "state": "absent", "tags": MANAGED, "propagate": True})
    assert not result["changed"]
    assert groups.ours("first") == {"managed": ("green", True)}
    assert groups.instances_with("first", "managed", "green") == groups.ids("first")
    assert any("stays: its value is 'green' and not 'blue'" in text for text in result["warnings"])


def test_groups_that_are_gone_count_as_done(groups: Groups) -> None:
    result = converge({"name": "gone", "state": "absent", **HANDLED})
    assert not result["changed"]
    assert counted(groups.aws) == {DESCRIBE: 1, HOOKS: 1}
    assert [group["name"] for group in result["groups"]] == ["gone"]


def test_calls_are_side_by_side(groups: Groups) -> None:
    run_held(groups.aws, lambda: converge(*BOTH), 3, "DescribeAutoScalingGroups", "DescribeLifecycleHooks")
    change: list[dict[str, Any]] = [{**entry, "tags": {"managed": "green"}} for entry in BOTH]
    run_held(groups.aws, lambda: converge(*change), 2, "CreateOrUpdateTags", "CreateTags")
    hooks = [{"name": entry["name"], "lifecycle_hooks": [{**DRAIN, "heartbeat_timeout": 60}]} for entry in BOTH]
    run_held(groups.aws, lambda: converge(*hooks), 2, "PutLifecycleHook")


def test_only_what_is_asked_for_is_read(groups: Groups) -> None:
    converge({"name": "first", "tags": {"Team": "network"}}, {"name": "second", "required_tags": {"Team": "network"}})
    assert counted(groups.aws) == {DESCRIBE: 1}
    assert converge()["groups"] == []
    assert counted(groups.aws) == {DESCRIBE: 1}
    groups.aws.clear_calls()
    converge({"name": "empty", "tags": MANAGED, "propagate": True})
    assert counted(groups.aws) == {DESCRIBE: 1, TAG: 1}


def test_twenty_five_tags_a_call(groups: Groups) -> None:
    tags = {f"key-{number:02}": "v" for number in range(15)}
    converge(*({"name": name, "tags": tags} for name in ("first", "second", "empty")))
    assert counted(groups.aws) == {DESCRIBE: 1, TAG: 2}
    assert sorted(len(call["parameters"]["Tags"]) for call in groups.aws.calls("CreateOrUpdateTags")) == [20, 25]
    assert all(len(groups.ours(name)) == 15 for name in ("first", "second", "empty"))
    groups.aws.clear_calls()
    converge(*({"name": name, "purge_tag_prefixes": ["key-"]} for name in ("first", "second", "empty")))
    assert counted(groups.aws) == {DESCRIBE: 1, UNTAG: 2}
    assert all(groups.ours(name) == {} for name in ("first", "second", "empty"))


def test_a_hundred_groups_and_two_hundred_instances_a_read(groups: Groups) -> None:
    names = [f"group-{number:03}" for number in range(101)]
    for name in names:
        groups.make(name, 201 if name == names[0] else 0)
    groups.aws.clear_calls()
    entries = [{"name": name, "tags": MANAGED, "propagate": name == names[0]} for name in names]
    result = converge(*entries)
    assert counted(groups.aws) == {DESCRIBE: 2, INSTANCE_TAGS: 2, TAG: 5, TAG_INSTANCES: 1}
    assert len(of(result, names[0])["instances_tagged"]) == 201
    assert not converge(*entries)["changed"]


def test_pages(groups: Groups) -> None:
    groups.aws.settings(page_size=1)
    converge(*BOTH)
    assert counted(groups.aws)[DESCRIBE] == 2
    groups.aws.settings(page_size=None)
    for name in ("first", "second"):
        assert groups.instances_with(name, "managed", "blue") == groups.ids(name)
    groups.aws.settings(page_size=4)
    assert not converge(*BOTH)["changed"]


def test_propagation_of_foreign_tags_changes_only_where_it_is_asked_for(groups: Groups) -> None:
    assert not converge({"name": "first", "tags": {"CostCenter": "4711", "Team": "network"}})["changed"]
    converge({"name": "first", "tags": {"CostCenter": "4712", "Team": "nodes"}})
    assert groups.tags("first") == {"CostCenter": ("4712", True), "Team": ("nodes", False)}
    result = converge({"name": "first", "tags": {"Team": "nodes"}, "propagate": True})
    assert of(result, "first")["tags_set"] == {"Team": "nodes"}
    assert groups.tags("first") == {"CostCenter": ("4712", True), "Team": ("nodes", True)}
    assert groups.instances_with("first", "Team", "nodes") == groups.ids("first")


def test_only_instances_that_lack_a_tag_get_it(groups: Groups) -> None:
    converge(*BOTH)
    groups.autoscaling.set_desired_capacity(AutoScalingGroupName="second", DesiredCapacity=2)
    lost, other = groups.ids("first")[:2]
    groups.ec2.delete_tags(Resources=[lost], Tags=[{"Key": "managed"}])
    groups.ec2.create_tags(Resources=[other], Tags=[{"Key": "managed", "Value": "green"}])
    groups.aws.clear_calls()
    result = converge(*BOTH)
    assert counted(groups.aws) == {**READS, TAG_INSTANCES: 1}
    assert of(result, "first")["instances_tagged"] == sorted([lost, other])
    assert of(result, "second")["instances_tagged"] == []


def test_instances_on_standby_get_tags_too(groups: Groups) -> None:
    standby = groups.ids("first")[0]
    groups.autoscaling.enter_standby(
        AutoScalingGroupName="first", InstanceIds=[standby], ShouldDecrementDesiredCapacity=True
    )
    assert standby in of(converge(*BOTH), "first")["instances_tagged"]


def test_a_changed_hook_goes_on_to_notify_whom_it_did(groups: Groups) -> None:
    entry = {"name": "first", "lifecycle_hooks": [{**DRAIN, "name": FOREIGN_HOOK, "transition": "launching"}]}
    assert of(converge(entry), "first")["hooks_set"] == [FOREIGN_HOOK]
    hook = groups.hooks("first")[FOREIGN_HOOK]
    assert (hook["NotificationTargetARN"], hook["HeartbeatTimeout"]) == (TOPIC, 300)
    assert hook["LifecycleTransition"] == "autoscaling:EC2_INSTANCE_LAUNCHING"
    assert not converge(entry)["changed"]


def test_purging_takes_only_what_starts_so_and_is_not_named(groups: Groups) -> None:
    prefix = "k8s.io/cluster-autoscaler/node-template/"
    for key in (f"{prefix}label/old", f"{prefix}label/workload", f"{prefix}taint/a", "k8s.io/cluster-autoscaler/x"):
        groups.put_tag("first", key, "before")
    groups.aws.clear_calls()
    entries = [
        {"name": "first", "tags": {f"{prefix}label/workload": "batch"}, "purge_tag_prefixes": [prefix]},
        {"name": "first", "required_tags": {f"{prefix}taint/a": "before"}},
    ]
    result = converge(*entries)
    assert of(result, "first")["tags_removed"] == {f"{prefix}label/old": "before"}
    assert counted(groups.aws) == {DESCRIBE: 1, UNTAG: 1, TAG: 1}
    assert groups.ours("first") == {
        f"{prefix}label/workload": ("batch", False),
        f"{prefix}taint/a": ("before", False),
        "k8s.io/cluster-autoscaler/x": ("before", False),
    }
    assert not converge(*entries)["changed"]


def test_groups_of_a_cluster(aws: AwsServer) -> None:
    """What two add-ons ask of a cluster's groups, each for itself."""
    names = aws.fixtures(["blue"])["clusters"]["blue"]["auto_scaling_groups"]
    managed, spot = names["general"], names["spot"]
    discovery = {"k8s.io/cluster-autoscaler/enabled": "true", "k8s.io/cluster-autoscaler/blue": "owned"}
    entries: list[dict[str, Any]] = [
        {"name": managed, "required_tags": discovery},
        {"name": spot, "tags": discovery},
        {"name": spot, **HANDLED},
    ]
    result = converge(*entries)
    assert counted(aws) == {DESCRIBE: 1, HOOKS: 1, INSTANCE_TAGS: 1, TAG: 1, TAG_INSTANCES: 1, PUT: 1}
    assert of(result, spot)["tags_set"] == {**discovery, **MANAGED}
    assert len(of(result, spot)["instances_tagged"]) == 2
    assert of(result, managed)["tags_set"] == {}
    aws.clear_calls()
    assert not converge(*entries)["changed"]
    assert counted(aws) == {DESCRIBE: 1, HOOKS: 1, INSTANCE_TAGS: 1}
