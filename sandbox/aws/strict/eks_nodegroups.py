# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Managed node groups with the Auto Scaling group behind them, its instances and hooks; moto's have a name only.

https://docs.aws.amazon.com/eks/latest/userguide/managed-node-groups.html ("Every managed node is provisioned as part of
an Amazon EC2 Auto Scaling group … tags managed node group resources so that they are configured to use the Kubernetes
Cluster Autoscaler"), https://docs.aws.amazon.com/eks/latest/APIReference/API_NodegroupResources.html,
https://docs.aws.amazon.com/eks/latest/userguide/launch-templates.html (the cluster security group, where the node group
brings no launch template). The hooks are as DescribeLifecycleHooks shows them for any managed node group.
"""

from __future__ import annotations

import functools
from typing import Any

import boto3
import moto.eks.utils
from moto.autoscaling.models import autoscaling_backends
from moto.ec2.models import ec2_backends

from sandbox.aws.answers import Answer, Refusal, serialize
from sandbox.aws.clusters import find
from sandbox.aws.hooks import check, correct
from sandbox.aws.request import AwsRequest
from sandbox.aws.state import State
from sandbox.aws.strict.autoscaling import TRANSITIONS, forget_hooks, put_hook
from sandbox.aws.strict.eks_cluster import subnets_of

IMAGE = "ami-0f1e2d3c4b5a69788"
HOOKS = {"Launch-LC-Hook": TRANSITIONS[0], "Terminate-LC-Hook": TRANSITIONS[1]}
HOOK_SECONDS = 1800

# moto makes a session for each role's ARN that it checks and reads all of AWS's endpoints: most of what a call takes.
_eks_utils: Any = moto.eks.utils
_eks_utils.Session = functools.cache(boto3.Session)


@check("eks", "CreateNodegroup")
def subnets_exist(request: AwsRequest, state: State) -> None:
    """Refuse subnets that do not exist.

    https://docs.aws.amazon.com/eks/latest/APIReference/API_CreateNodegroup.html
    """
    known = subnets_of(request)
    missing = [subnet for subnet in request.parameters.get("subnets") or [] if subnet not in known]
    if missing:
        raise Refusal("InvalidParameterException", f"The subnet ID '{missing[0]}' does not exist")


@correct("eks", "CreateNodegroup")
def launch(request: AwsRequest, state: State, answer: Answer) -> Answer:
    """Give a new node group its launch template, and its Auto Scaling group with tags, instances and hooks."""
    account, region, parameters = request.caller.account, request.region, request.parameters
    cluster: Any = find(account, region, str(parameters["clusterName"]))
    group = cluster.nodegroups[str(parameters["nodegroupName"])]
    # moto's is a version of years ago.
    group.version = parameters.get("version") or cluster.version
    name = f"eks-{group.nodegroup_name}-{group.uuid}"
    group.resources = {"autoScalingGroups": [{"name": name}]}
    template = ec2_backends[account][region].create_launch_template(
        name=f"eks-{group.uuid}",
        description="",
        template_data={
            "ImageId": IMAGE,
            "InstanceType": group.instance_types[0],
            "SecurityGroupIds": [cluster.resources_vpc_config["clusterSecurityGroupId"]],
        },
        tag_spec={},
    )
    scaling = group.scaling_config
    backend = autoscaling_backends[account][region]
    backend.create_auto_scaling_group(
        name=name,
        availability_zones=[],
        desired_capacity=scaling["desiredSize"],
        max_size=scaling["maxSize"],
        min_size=scaling["minSize"],
        launch_config_name="",
        launch_template={"LaunchTemplateId": template.id, "Version": "1"},
        vpc_zone_identifier=",".join(group.subnets),
        default_cooldown=None,
        health_check_period=None,
        health_check_type="EC2",
        load_balancers=[],
        target_group_arns=[],
        placement_group=None,
        termination_policies=["AllocationStrategy", "OldestLaunchTemplate", "OldestInstance"],
        tags=_tags(cluster.name, group.nodegroup_name),
        capacity_rebalance=group.capacity_type == "SPOT",
    )
    for hook, transition in HOOKS.items():
        put_hook(backend, name, hook, transition=transition, heartbeat=HOOK_SECONDS, result="CONTINUE")
    return serialize(request, {"nodegroup": group})


def _tags(cluster: str, node_group: str) -> list[dict[str, Any]]:
    tags = {
        "eks:cluster-name": cluster,
        "eks:nodegroup-name": node_group,
        f"kubernetes.io/cluster/{cluster}": "owned",
        "k8s.io/cluster-autoscaler/enabled": "true",
        f"k8s.io/cluster-autoscaler/{cluster}": "owned",
    }
    return [{"Key": key, "Value": value, "PropagateAtLaunch": True} for key, value in tags.items()]


@correct("eks", "DeleteNodegroup")
def terminate(request: AwsRequest, state: State, answer: Answer) -> Answer:
    """Delete the Auto Scaling group of a node group with it."""
    backend = autoscaling_backends[request.caller.account][request.region]
    cluster, node_group = str(request.parameters["clusterName"]), str(request.parameters["nodegroupName"])
    wanted = {"eks:cluster-name": cluster, "eks:nodegroup-name": node_group}
    for name, group in list(backend.autoscaling_groups.items()):
        if wanted.items() <= {tag["Key"]: tag["Value"] for tag in group.tags}.items():
            backend.delete_auto_scaling_group(name)
            forget_hooks(backend, name)
    return answer
