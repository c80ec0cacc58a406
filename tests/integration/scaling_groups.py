# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Small EC2 Auto Scaling groups as tests of autoscaling_groups use them, and what they ask of results."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from ansible_collections.ekspress.eks.plugins.module_utils._autoscaling_groups import LOGIC
from ansible_collections.ekspress.eks.tests.integration.eks_clusters import written
from ansible_collections.ekspress.eks.tests.support import FOR_EVER, in_hand, run_logic, wait_until

from sandbox.aws.client import AwsServer

DESCRIBE, HOOKS = "autoscaling:DescribeAutoScalingGroups", "autoscaling:DescribeLifecycleHooks"
TAG, UNTAG = "autoscaling:CreateOrUpdateTags", "autoscaling:DeleteTags"
PUT, DELETE = "autoscaling:PutLifecycleHook", "autoscaling:DeleteLifecycleHook"
INSTANCE_TAGS, TAG_INSTANCES, UNTAG_INSTANCES = "ec2:DescribeTags", "ec2:CreateTags", "ec2:DeleteTags"

FOREIGN = {"CostCenter": ("4711", True), "Team": ("network", False)}
FOREIGN_HOOK = "snapshot"
TOPIC = "arn:aws:sns:eu-central-1:123456789012:hooks"
ROLE = "arn:aws:iam::123456789012:role/hooks"


class Groups:
    """The groups ``first`` (3 instances), ``second`` (2) and ``empty``, with foreign tags and a foreign hook."""

    def __init__(self, aws: AwsServer) -> None:
        self.aws, self.ec2, self.autoscaling = aws, aws.client("ec2"), aws.client("autoscaling")
        data = {"ImageId": "ami-0123456789abcdef0", "InstanceType": "m6i.large"}
        self.ec2.create_launch_template(LaunchTemplateName="nodes", LaunchTemplateData=data)
        for name, count in (("first", 3), ("second", 2), ("empty", 0)):
            self.make(name, count)
        self.put_hook("first", FOREIGN_HOOK)
        self.aws.clear_calls()

    def make(self, name: str, instances: int = 0, **tags: str) -> None:
        given = {**FOREIGN, **{key: (value, False) for key, value in tags.items()}}
        self.autoscaling.create_auto_scaling_group(
            AutoScalingGroupName=name,
            LaunchTemplate={"LaunchTemplateName": "nodes"},
            MinSize=0,
            MaxSize=max(instances, 1),
            DesiredCapacity=instances,
            AvailabilityZones=["eu-central-1a"],
            Tags=[self._tag(name, key, value, propagate) for key, (value, propagate) in given.items()],
        )

    @staticmethod
    def _tag(name: str, key: str, value: str, propagate: bool) -> dict[str, Any]:
        return {
            "ResourceId": name,
            "ResourceType": "auto-scaling-group",
            "Key": key,
            "Value": value,
            "PropagateAtLaunch": propagate,
        }

    def put_hook(self, name: str, hook: str, **more: Any) -> None:
        self.autoscaling.put_lifecycle_hook(
            AutoScalingGroupName=name,
            LifecycleHookName=hook,
            LifecycleTransition="autoscaling:EC2_INSTANCE_TERMINATING",
            NotificationTargetARN=TOPIC,
            RoleARN=ROLE,
            **more,
        )

    def put_tag(self, name: str, key: str, value: str, *, propagate: bool = False) -> None:
        self.autoscaling.create_or_update_tags(Tags=[self._tag(name, key, value, propagate)])

    def described(self, name: str) -> dict[str, Any]:
        groups = self.autoscaling.describe_auto_scaling_groups(AutoScalingGroupNames=[name])["AutoScalingGroups"]
        return dict(groups[0])

    def tags(self, name: str) -> dict[str, tuple[str, bool]]:
        """The group's tags: value and whether they are propagated; read past the module."""
        return {tag["Key"]: (tag["Value"], tag["PropagateAtLaunch"]) for tag in self.described(name)["Tags"]}

    def ours(self, name: str) -> dict[str, tuple[str, bool]]:
        """The same without the foreign ones, which must be as they were."""
        tags = self.tags(name)
        assert FOREIGN.items() <= tags.items()
        return {key: tag for key, tag in tags.items() if key not in FOREIGN}

    def hooks(self, name: str) -> dict[str, dict[str, Any]]:
        """The group's hooks; read past the module."""
        hooks = self.autoscaling.describe_lifecycle_hooks(AutoScalingGroupName=name)["LifecycleHooks"]
        return {hook["LifecycleHookName"]: hook for hook in hooks}

    def ids(self, name: str) -> list[str]:
        return sorted(instance["InstanceId"] for instance in self.described(name)["Instances"])

    def instances_with(self, name: str, key: str, value: str) -> list[str]:
        """The group's instances that have a tag; read past the module."""
        filters = [{"Name": "key", "Values": [key]}, {"Name": "value", "Values": [value]}]
        pages = self.ec2.get_paginator("describe_tags").paginate(Filters=filters)
        found = {tag["ResourceId"] for page in pages for tag in page["Tags"]}
        return sorted(found & set(self.ids(name)))

    def state(self) -> dict[str, Any]:
        """All that the module may change, to compare."""
        found = self.autoscaling.describe_auto_scaling_groups(MaxRecords=100)["AutoScalingGroups"]
        names = sorted(group["AutoScalingGroupName"] for group in found)
        tags = sorted((tag["ResourceId"], tag["Key"], tag["Value"]) for tag in self.ec2.describe_tags()["Tags"])
        return {"tags": {n: self.tags(n) for n in names}, "hooks": {n: self.hooks(n) for n in names}, "instances": tags}


def converge(*groups: dict[str, Any], check: bool = False, diff: bool = False) -> dict[str, Any]:
    return run_logic(LOGIC, {"groups": list(groups)}, check=check, diff=diff)


def of(result: dict[str, Any], name: str) -> dict[str, Any]:
    """What the result says of a group."""
    (found,) = (group for group in result["groups"] if group["name"] == name)
    return dict(found)


def meanwhile(aws: AwsServer, call: str, change: Callable[[], Any], *groups: dict[str, Any]) -> dict[str, Any]:
    """Converge, and change something while the server has that call in hand, but has not answered yet."""
    service, _colon, operation = call.partition(":")
    aws.fault(operation, "latency", service=service, seconds=FOR_EVER)
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(converge, *groups)
        try:
            wait_until(lambda: running.done() or in_hand(aws, operation), call)
            assert not running.done(), running.result()
            change()
        finally:
            aws.clear_faults()
        return running.result()


def assert_nothing_written(result: dict[str, Any], aws: AwsServer, *texts: str) -> None:
    assert result.get("failed"), result
    assert not result["changed"]
    for text in texts:
        assert text in result["msg"]
    assert written(aws) == []
