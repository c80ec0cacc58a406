# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""EC2 Auto Scaling: tags and lifecycle hooks of groups, pages."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.aws.client import AwsServer
from tests.sandbox.aws.policies import Refused

TERMINATING = "autoscaling:EC2_INSTANCE_TERMINATING"
LAUNCHING = "autoscaling:EC2_INSTANCE_LAUNCHING"


@pytest.fixture
def autoscaling(aws: AwsServer) -> Any:
    """A client of Auto Scaling; the server must hold whatever a client lets pass."""
    return aws.client("autoscaling", validate=False)


@pytest.fixture
def groups(autoscaling: Any, ec2: Any) -> list[str]:
    """Two groups without instances and tags."""
    ec2.create_launch_template(LaunchTemplateName="nodes", LaunchTemplateData={"ImageId": "ami-0", "InstanceType": "x"})
    return [_make(autoscaling, name) for name in ("first", "second")]


def _make(autoscaling: Any, name: str, **more: Any) -> str:
    autoscaling.create_auto_scaling_group(
        AutoScalingGroupName=name,
        LaunchTemplate={"LaunchTemplateName": "nodes"},
        MinSize=0,
        MaxSize=1,
        AvailabilityZones=["eu-central-1a"],
        **more,
    )
    return name


def _tag(group: str, key: str, value: str | None = "v", propagate: bool | None = False) -> dict[str, Any]:
    tag = {"ResourceId": group, "ResourceType": "auto-scaling-group", "Key": key}
    given = {"Value": value, "PropagateAtLaunch": propagate}
    return {**tag, **{name: item for name, item in given.items() if item is not None}}


def _tags(group: str, count: int, first: int = 0) -> list[dict[str, Any]]:
    return [_tag(group, f"key-{number:02}") for number in range(first, first + count)]


def _present(autoscaling: Any, group: str) -> dict[str, tuple[str, bool]]:
    (found,) = autoscaling.describe_auto_scaling_groups(AutoScalingGroupNames=[group])["AutoScalingGroups"]
    return {tag["Key"]: (tag["Value"], tag["PropagateAtLaunch"]) for tag in found["Tags"]}


def _hooks(autoscaling: Any, group: str) -> dict[str, dict[str, Any]]:
    hooks = autoscaling.describe_lifecycle_hooks(AutoScalingGroupName=group)["LifecycleHooks"]
    return {hook["LifecycleHookName"]: hook for hook in hooks}


@pytest.mark.parametrize(
    "tag",
    [
        _tag("second", "k" * 129),
        _tag("second", "k", "v" * 257),
        _tag("second", ""),
        _tag("second", "aws:k"),
        _tag("second", "AWS:k"),
        _tag("second", "k", "aws:v"),
        _tag("nobody", "k"),
        {**_tag("second", "k"), "ResourceType": "instance"},
        _tag("first", "good"),
    ],
    ids=["long-key", "long-value", "empty-key", "key-of-aws", "upper", "value-of-aws", "no-group", "type", "twice"],
)
def test_a_refused_tag_refuses_the_whole_call(
    autoscaling: Any, groups: list[str], refused: Refused, tag: dict[str, Any]
) -> None:
    for change in (autoscaling.create_or_update_tags, autoscaling.delete_tags):
        refused("ValidationError", change, Tags=[_tag("first", "good"), tag])
    assert [_present(autoscaling, group) for group in groups] == [{}, {}]


def test_twenty_five_tags_a_call_and_fifty_a_group(autoscaling: Any, groups: list[str], refused: Refused) -> None:
    refused("ValidationError", autoscaling.create_or_update_tags, Tags=_tags("first", 26))
    refused("ValidationError", autoscaling.delete_tags, Tags=_tags("first", 26))
    refused("ValidationError", autoscaling.create_or_update_tags, Tags=[])
    autoscaling.create_or_update_tags(Tags=_tags("first", 25))
    autoscaling.create_or_update_tags(Tags=_tags("first", 25, 25))
    autoscaling.create_or_update_tags(Tags=[_tag("first", "key-00", "new")])
    error = refused("LimitExceeded", autoscaling.create_or_update_tags, Tags=[*_tags("second", 1), _tag("first", "x")])
    assert "50" in str(error)
    assert len(_present(autoscaling, "first")) == 50
    assert _present(autoscaling, "second") == {}


def test_a_group_is_made_with_fifty_tags_at_most(autoscaling: Any, groups: list[str], refused: Refused) -> None:
    refused("LimitExceeded", _make, autoscaling=autoscaling, name="third", Tags=_tags("third", 51))
    refused("ValidationError", _make, autoscaling=autoscaling, name="third", Tags=[_tag("third", "aws:x")])
    assert len(_present(autoscaling, _make(autoscaling, "third", Tags=_tags("third", 50)))) == 50


def test_limits_reached_exactly(autoscaling: Any, groups: list[str]) -> None:
    autoscaling.create_or_update_tags(Tags=[_tag("first", "k" * 128, "v" * 256)])
    assert _present(autoscaling, "first") == {"k" * 128: ("v" * 256, False)}


def test_a_tag_is_replaced_whole(autoscaling: Any, groups: list[str]) -> None:
    autoscaling.create_or_update_tags(Tags=[_tag("first", "k", propagate=True), _tag("second", "k")])
    assert _present(autoscaling, "first") == {"k": ("v", True)}
    autoscaling.create_or_update_tags(Tags=[_tag("first", "k", "w", None), _tag("second", "k", None)])
    assert _present(autoscaling, "first") == {"k": ("w", False)}
    assert _present(autoscaling, "second") == {"k": ("", False)}


def test_a_value_that_is_not_the_tags_deletes_nothing(autoscaling: Any, groups: list[str]) -> None:
    autoscaling.create_or_update_tags(Tags=_tags("first", 4))
    autoscaling.delete_tags(
        Tags=[_tag("first", "key-00", "other"), _tag("first", "key-01"), _tag("first", "key-02", None)]
    )
    assert set(_present(autoscaling, "first")) == {"key-00", "key-03"}
    autoscaling.delete_tags(Tags=[_tag("first", "key-03", propagate=True), _tag("second", "key-00")])
    assert set(_present(autoscaling, "first")) == {"key-00"}


@pytest.mark.parametrize(
    "hook",
    [
        {"LifecycleHookName": "bad name"},
        {"LifecycleHookName": "h" * 256},
        {"HeartbeatTimeout": 29},
        {"HeartbeatTimeout": 7201},
        {"LifecycleTransition": "terminating"},
        {"LifecycleTransition": None},
        {"DefaultResult": "STOP"},
        {"AutoScalingGroupName": "nobody"},
    ],
    ids=lambda hook: "-".join(str(value)[:12] for item in hook.items() for value in item),
)
def test_refused_hooks(autoscaling: Any, groups: list[str], refused: Refused, hook: dict[str, Any]) -> None:
    whole = {"AutoScalingGroupName": "first", "LifecycleHookName": "drain", "LifecycleTransition": TERMINATING, **hook}
    given = {key: value for key, value in whole.items() if value is not None}
    refused("ValidationError", autoscaling.put_lifecycle_hook, **given)
    assert _hooks(autoscaling, "first") == {}


def test_hooks(autoscaling: Any, groups: list[str]) -> None:
    name = {"AutoScalingGroupName": "first", "LifecycleHookName": "team/drain_1-a"}
    autoscaling.put_lifecycle_hook(**name, LifecycleTransition=LAUNCHING)
    made = {**name, "LifecycleTransition": LAUNCHING, "HeartbeatTimeout": 3600, "DefaultResult": "ABANDON"}
    assert _hooks(autoscaling, "first") == {"team/drain_1-a": {**made, "GlobalTimeout": 172800}}
    topic = "arn:aws:sns:eu-central-1:123456789012:hooks"
    autoscaling.put_lifecycle_hook(**name, NotificationTargetARN=topic, RoleARN="arn:aws:iam::123456789012:role/a")
    autoscaling.put_lifecycle_hook(**name, HeartbeatTimeout=30, DefaultResult="CONTINUE")
    changed = _hooks(autoscaling, "first")["team/drain_1-a"]
    assert (changed["NotificationTargetARN"], changed["HeartbeatTimeout"]) == (topic, 30)
    assert (changed["GlobalTimeout"], changed["LifecycleTransition"]) == (3000, LAUNCHING)
    assert _hooks(autoscaling, "second") == {}
    autoscaling.delete_lifecycle_hook(**name)
    assert _hooks(autoscaling, "first") == {}


def test_fifty_hooks_a_group(autoscaling: Any, groups: list[str], refused: Refused) -> None:
    def put(number: int, **more: Any) -> None:
        autoscaling.put_lifecycle_hook(
            AutoScalingGroupName="first",
            LifecycleHookName=f"hook-{number}",
            LifecycleTransition=TERMINATING,
            **more,
        )

    for number in range(50):
        put(number)
    refused("LimitExceeded", put, number=50)
    put(0, HeartbeatTimeout=30)
    assert len(_hooks(autoscaling, "first")) == 50


def test_hooks_and_groups_that_are_not_there(autoscaling: Any, groups: list[str], refused: Refused) -> None:
    hook = {"AutoScalingGroupName": "first", "LifecycleHookName": "none"}
    error = refused("ValidationError", autoscaling.delete_lifecycle_hook, **hook)
    assert "No Lifecycle Hook found" in str(error)
    refused("ValidationError", autoscaling.delete_lifecycle_hook, **{**hook, "AutoScalingGroupName": "none"})
    refused("ValidationError", autoscaling.describe_lifecycle_hooks, AutoScalingGroupName="none")
    names = [f"hook-{number}" for number in range(51)]
    refused(
        "ValidationError", autoscaling.describe_lifecycle_hooks, AutoScalingGroupName="first", LifecycleHookNames=names
    )
    autoscaling.put_lifecycle_hook(**{**hook, "LifecycleTransition": TERMINATING})
    autoscaling.delete_auto_scaling_group(AutoScalingGroupName="first")
    _make(autoscaling, "first")
    assert _hooks(autoscaling, "first") == {}


def test_pages_and_names(aws: AwsServer, autoscaling: Any, groups: list[str], refused: Refused) -> None:
    describe = autoscaling.describe_auto_scaling_groups
    names = [f"nobody-{number}" for number in range(51)]
    refused("ValidationError", describe, AutoScalingGroupNames=names)
    assert describe(AutoScalingGroupNames=[*names, "first"], MaxRecords=100)["AutoScalingGroups"]
    refused("ValidationError", describe, AutoScalingGroupNames=names * 2, MaxRecords=100)
    refused("ValidationError", describe, MaxRecords=101)
    refused("InvalidNextToken", describe, NextToken="nonsense")
    for number in range(49):
        _make(autoscaling, f"more-{number}")
    first = describe()
    assert len(first["AutoScalingGroups"]) == 50
    assert len(describe(NextToken=first["NextToken"])["AutoScalingGroups"]) == 1
    assert "NextToken" not in describe(MaxRecords=100)
    aws.settings(page_size=20)
    pages = autoscaling.get_paginator("describe_auto_scaling_groups").paginate(MaxRecords=100)
    assert [len(page["AutoScalingGroups"]) for page in pages] == [20, 20, 11]


def test_groups_of_the_fixtures(aws: AwsServer, autoscaling: Any) -> None:
    fixtures = aws.fixtures(clusters=["dev-blue", "dev-green"])
    blue = fixtures["clusters"]["dev-blue"]
    group = aws.client("eks").describe_nodegroup(clusterName="dev-blue", nodegroupName="general")["nodegroup"]
    assert group["resources"]["autoScalingGroups"] == [{"name": blue["auto_scaling_groups"]["general"]}]
    assert (group["version"], bool(group["labels"]), len(group["taints"])) == (blue["version"], True, 1)
    found = autoscaling.describe_auto_scaling_groups()["AutoScalingGroups"]
    shown = {group["AutoScalingGroupName"]: group for group in found}
    owned = {"kubernetes.io/cluster/dev-blue": ("owned", True)}
    assert _present(autoscaling, blue["auto_scaling_groups"]["general"]) == {
        "eks:cluster-name": ("dev-blue", True),
        "eks:nodegroup-name": ("general", True),
        "k8s.io/cluster-autoscaler/enabled": ("true", True),
        "k8s.io/cluster-autoscaler/dev-blue": ("owned", True),
        **owned,
    }
    assert _present(autoscaling, "dev-blue-spot") == {**owned, "CostCenter": ("4711", False)}
    assert set(_hooks(autoscaling, blue["auto_scaling_groups"]["general"])) == {"Launch-LC-Hook", "Terminate-LC-Hook"}
    assert set(shown) == {
        fixtures["foreign_auto_scaling_group"],
        *(name for cluster in fixtures["clusters"].values() for name in cluster["auto_scaling_groups"].values()),
    }
    for name, count, security_group in (
        (blue["auto_scaling_groups"]["general"], 3, blue["cluster_security_group"]),
        (blue["auto_scaling_groups"]["spot"], 2, blue["node_security_group"]),
        (fixtures["foreign_auto_scaling_group"], 1, fixtures["security_groups"]["load-balancer"]),
    ):
        ids = [instance["InstanceId"] for instance in shown[name]["Instances"]]
        (reservation,) = aws.client("ec2").describe_instances(InstanceIds=ids)["Reservations"]
        assert len(reservation["Instances"]) == count
        for instance in reservation["Instances"]:
            assert [item["GroupId"] for item in instance["SecurityGroups"]] == [security_group]
            tags = {tag["Key"]: tag["Value"] for tag in instance["Tags"]}
            assert tags["aws:autoscaling:groupName"] == name
            assert ("CostCenter" in tags, "Team" in tags) == (False, False)
            assert ("kubernetes.io/cluster/dev-blue" in tags) == (count > 1)
    nodes = aws.client("ec2").describe_security_groups(GroupIds=[blue["node_security_group"]])["SecurityGroups"][0]
    (rule,) = nodes["IpPermissions"]
    assert (rule["IpProtocol"], rule["UserIdGroupPairs"][0]["GroupId"]) == ("-1", blue["cluster_security_group"])


def test_a_node_group_goes_with_its_auto_scaling_group(aws: AwsServer, autoscaling: Any, refused: Refused) -> None:
    fixtures = aws.fixtures(clusters=["dev-blue", "dev-green"])
    eks = aws.client("eks")
    refused(
        "InvalidParameterException",
        eks.create_nodegroup,
        clusterName="dev-blue",
        nodegroupName="more",
        nodeRole=fixtures["clusters"]["dev-blue"]["node_role_arn"],
        subnets=["subnet-0123456789abcdef0"],
    )
    eks.delete_nodegroup(clusterName="dev-blue", nodegroupName="general")
    gone = fixtures["clusters"]["dev-blue"]["auto_scaling_groups"]["general"]
    left = {group["AutoScalingGroupName"] for group in autoscaling.describe_auto_scaling_groups()["AutoScalingGroups"]}
    assert gone not in left
    assert len(left) == 4
