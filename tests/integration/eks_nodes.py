# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""EC2 instances that are a cluster's nodes, and their security groups, for tests."""

from __future__ import annotations

from typing import Any

from sandbox.aws.client import AwsServer


def add_group(aws: AwsServer, name: str, vpc_id: str, *permissions: dict[str, Any]) -> str:
    """Make a security group that lets in what the permissions say; return its id."""
    ec2 = aws.client("ec2")
    group_id: str = ec2.create_security_group(GroupName=name, Description=name, VpcId=vpc_id)["GroupId"]
    if permissions:
        ec2.authorize_security_group_ingress(GroupId=group_id, IpPermissions=list(permissions))
    return group_id


def add_node(
    aws: AwsServer, cluster: str, subnet_id: str, *interfaces: list[str], tag: str = "kubernetes.io/cluster/{}"
) -> str:
    """Run an instance with the cluster's tag, its network interfaces in these security groups; return its id."""
    ec2 = aws.client("ec2")
    made = ec2.run_instances(
        ImageId="ami-0123456789abcdef0",
        MinCount=1,
        MaxCount=1,
        NetworkInterfaces=[
            {"DeviceIndex": number, "SubnetId": subnet_id, "Groups": groups} for number, groups in enumerate(interfaces)
        ],
        TagSpecifications=[
            {"ResourceType": "instance", "Tags": [{"Key": tag.format(cluster), "Value": "owned"}]},
        ],
    )
    instance_id: str = made["Instances"][0]["InstanceId"]
    return instance_id


def tcp(port: int, **sides: Any) -> dict[str, Any]:
    """A permission for one TCP port."""
    return {"IpProtocol": "tcp", "FromPort": port, "ToPort": port, **sides}


def from_group(group_id: str) -> list[dict[str, str]]:
    """The side of a permission that is a security group."""
    return [{"GroupId": group_id}]
