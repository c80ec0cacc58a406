# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The nodes of the fixtures: a managed node group and a self-managed Auto Scaling group a cluster, and a foreign one.

- The managed node group ``general`` has labels, a taint and three instances. Its Auto Scaling group, tags and hooks are
  those that EKS makes (``strict/eks_nodegroups.py``); its instances are in the cluster security group.
- ``<cluster>-spot`` has two instances of a launch template of the same name, in a security group of their own that lets
  all of the cluster security group's traffic in. The cluster's tag is propagated, the foreign tag CostCenter is not.
- ``bastion`` belongs to no cluster; one instance.
"""

from __future__ import annotations

from typing import Any

NODE_GROUP = "general"
LABELS = {"workload": "general", "platform.example.com/tier": "standard"}
TAINT = {"key": "platform.example.com/general", "value": "shared", "effect": "PREFER_NO_SCHEDULE"}
FOREIGN_GROUP = "bastion"
IMAGE = "ami-0a1b2c3d4e5f67890"


def managed(eks: Any, cluster: str, subnets: list[str], node_role: str) -> str:
    """Make the managed node group; return the name of its Auto Scaling group."""
    made = eks.create_nodegroup(
        clusterName=cluster,
        nodegroupName=NODE_GROUP,
        subnets=subnets,
        nodeRole=node_role,
        scalingConfig={"minSize": 3, "maxSize": 9, "desiredSize": 3},
        instanceTypes=["m6i.large"],
        amiType="AL2023_x86_64_STANDARD",
        labels=LABELS,
        taints=[TAINT],
    )["nodegroup"]
    name: str = made["resources"]["autoScalingGroups"][0]["name"]
    return name


def self_managed(
    clients: tuple[Any, Any], cluster: str, vpc: str, subnets: list[str], cluster_security_group: str
) -> dict[str, str]:
    """Make the self-managed group; return its name and its security group.

    Args:
        clients: boto3 clients of EC2 and of Auto Scaling.
        cluster: name of the cluster.
        vpc: id of its VPC.
        subnets: ids of its nodes' subnets.
        cluster_security_group: id of the group that EKS made for the cluster.
    """
    ec2 = clients[0]
    name, owned = f"{cluster}-spot", {f"kubernetes.io/cluster/{cluster}": "owned"}
    security_group: str = ec2.create_security_group(
        GroupName=f"{name}-node",
        Description=f"Self-managed nodes of {cluster}",
        VpcId=vpc,
        TagSpecifications=[
            {"ResourceType": "security-group", "Tags": [{"Key": key, "Value": value} for key, value in owned.items()]}
        ],
    )["GroupId"]
    ec2.authorize_security_group_ingress(
        GroupId=security_group,
        IpPermissions=[{"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": cluster_security_group}]}],
    )
    template = {
        "SecurityGroupIds": [security_group],
        "InstanceType": "m6i.large",
        "InstanceMarketOptions": {"MarketType": "spot"},
    }
    tags = [*((key, value, True) for key, value in owned.items()), ("CostCenter", "4711", False)]
    _group(clients, name, template=template, sizes=(1, 6, 2), subnets=subnets, tags=tags)
    return {"name": name, "security_group": security_group}


def foreign(ec2: Any, autoscaling: Any, subnet: str, security_group: str) -> str:
    """Make the group that belongs to no cluster; return its name."""
    template = {"SecurityGroupIds": [security_group], "InstanceType": "t3.micro"}
    tags = [("Name", FOREIGN_GROUP, True), ("Team", "network", False)]
    _group((ec2, autoscaling), FOREIGN_GROUP, template=template, sizes=(1, 1, 1), subnets=[subnet], tags=tags)
    return FOREIGN_GROUP


def _group(
    clients: tuple[Any, Any],
    name: str,
    *,
    template: dict[str, Any],
    sizes: tuple[int, int, int],
    subnets: list[str],
    tags: list[tuple[str, str, bool]],
) -> None:
    """Make a group of a minimum, maximum and desired size, and its launch template, both of one name.

    Args:
        clients: boto3 clients of EC2 and of Auto Scaling.
        name: name of both.
        template: data of the launch template, but for its image.
        sizes: numbers of instances.
        subnets: ids of the instances' subnets.
        tags: key, value and whether instances get it.
    """
    ec2, autoscaling = clients
    ec2.create_launch_template(LaunchTemplateName=name, LaunchTemplateData={"ImageId": IMAGE, **template})
    minimum, maximum, desired = sizes
    described = [
        {
            "ResourceId": name,
            "ResourceType": "auto-scaling-group",
            "Key": key,
            "Value": value,
            "PropagateAtLaunch": propagate,
        }
        for key, value, propagate in tags
    ]
    autoscaling.create_auto_scaling_group(
        AutoScalingGroupName=name,
        LaunchTemplate={"LaunchTemplateName": name, "Version": "$Latest"},
        MinSize=minimum,
        MaxSize=maximum,
        DesiredCapacity=desired,
        VPCZoneIdentifier=",".join(subnets),
        Tags=described,
    )
