#!/usr/bin/python
# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: cluster_info
short_description: Facts of an EKS cluster, its node groups, Auto Scaling groups and Fargate profiles
version_added: 1.0.0
description:
  - Reads everything about one EKS cluster that the rest of this collection works from, in one task, as plain facts.
  - Makes four calls (C(DescribeCluster), C(ListNodegroups), C(ListFargateProfiles), C(DescribeAutoScalingGroups)) side
    by side, then one for each node group and Fargate profile, again side by side. Never changes anything.
  - Can wait until the cluster is C(ACTIVE).
  - Needs the permissions C(eks:DescribeCluster), C(eks:ListNodegroups), C(eks:DescribeNodegroup),
    C(eks:ListFargateProfiles), C(eks:DescribeFargateProfile) and C(autoscaling:DescribeAutoScalingGroups);
    C(eks:ListClusters) only to name the clusters that exist where the one asked for does not.
options:
  node_groups:
    description:
      - Whether to read the managed node groups. Saves one call, and one for each node group, where V(false).
      - Self-managed nodes are in no EKS API; O(auto_scaling_groups) shows their groups. Karpenter's are not shown.
    type: bool
    default: true
  fargate_profiles:
    description:
      - Whether to read the Fargate profiles. Saves one call, and one for each profile, where V(false).
    type: bool
    default: true
  auto_scaling_groups:
    description:
      - Whether to read the EC2 Auto Scaling groups that have the tag C(kubernetes.io/cluster/NAME), whatever its value,
        as those of managed node groups have, and are not being deleted. Saves one call where V(false).
    type: bool
    default: true
  wait:
    description:
      - Whether to wait until the cluster's status is C(ACTIVE).
      - Fails at once, with the cluster's health issues, where it is C(FAILED) or C(DELETING).
      - Without it the status is shown as it is, and a cluster that is C(FAILED) is no failure of the task.
    type: bool
    default: false
  wait_timeout:
    description:
      - Seconds to wait at most; the task fails after that. EKS takes 7 to 15 minutes to create a cluster.
    type: int
    default: 1800
  wait_sleep:
    description:
      - Seconds between the first reads while waiting. Later reads are a tenth of the time waited so far apart, up to 30
        seconds, so that waiting for many clusters is not throttled.
    type: float
    default: 10
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - ekspress.eks.aws
  - ekspress.eks.cluster
  - ekspress.eks.attributes
attributes:
  check_mode:
    support: full
    details: Runs the same in check mode, because it only reads.
  diff_mode:
    support: none
    details: It changes nothing, so there is no difference to show.
  idempotent:
    support: full
seealso:
  - module: ekspress.eks.autoscaling_groups
  - name: DescribeCluster
    description: The EKS API's reference of the cluster's description.
    link: https://docs.aws.amazon.com/eks/latest/APIReference/API_DescribeCluster.html
author:
  - ekspress.eks contributors (@ekspress)
"""

EXAMPLES = r"""
- name: Read the cluster of this inventory host
  ekspress.eks.cluster_info:
    cluster: "{{ inventory_hostname }}"
    region: eu-central-1
  register: info

- name: Show the IAM roles of its nodes
  ansible.builtin.debug:
    msg: "{{ info.cluster.node_groups | map(attribute='node_role_arn') | unique }}"

- name: Wait for a cluster in another account that was just created, without reading what runs in it
  ekspress.eks.cluster_info:
    cluster: production-blue
    region: eu-central-1
    assume_role_arn: arn:aws:iam::111122223333:role/platform
    assume_role_external_id: ekspress
    node_groups: false
    fargate_profiles: false
    auto_scaling_groups: false
    wait: true
    wait_timeout: 1200
"""

RETURN = r"""
cluster:
  description:
    - The cluster. Texts are empty where EKS has no value (yet), such as the endpoint of a cluster that is C(CREATING).
  returned: success
  type: dict
  contains:
    name:
      description: Name of the cluster.
      type: str
      sample: production-blue
    arn:
      description: ARN of the cluster.
      type: str
      sample: arn:aws:eks:eu-central-1:111122223333:cluster/production-blue
    partition:
      description: Partition of AWS, from the ARN.
      type: str
      sample: aws
    dns_suffix:
      description: Domain of the AWS endpoints in the cluster's partition, such as C(amazonaws.com).
      type: str
    region:
      description: Region, from the ARN.
      type: str
      sample: eu-central-1
    account:
      description: ID of the AWS account, 12 digits, from the ARN.
      type: str
      sample: "111122223333"
    status:
      description: C(ACTIVE), C(CREATING), C(UPDATING), C(DELETING), C(FAILED) or C(PENDING).
      type: str
      sample: ACTIVE
    health_issues:
      description: What EKS says is wrong with the cluster; empty where nothing is.
      type: list
      elements: dict
      contains:
        code:
          description: Code of the issue.
          type: str
          sample: Ec2SubnetNotFound
        message:
          description: The issue in words.
          type: str
        resource_ids:
          description: IDs of the AWS resources that have the issue.
          type: list
          elements: str
    version:
      description: Kubernetes version, major and minor.
      type: str
      sample: "1.33"
    platform_version:
      description: EKS platform version.
      type: str
      sample: eks.9
    created:
      description: When the cluster was created, UTC.
      type: str
      sample: "2026-01-31T09:30:00Z"
    endpoint:
      description: URL of the Kubernetes API.
      type: str
      sample: https://EXAMPLE.gr7.eu-central-1.eks.amazonaws.com
    ca_certificate:
      description: Certificate of the CA that signed the Kubernetes API's certificate, PEM.
      type: str
    ca_data:
      description: The same, base64, as a kubeconfig's C(certificate-authority-data).
      type: str
    issuer:
      description: URL of the cluster's OIDC issuer.
      type: str
      sample: https://oidc.eks.eu-central-1.amazonaws.com/id/EXAMPLED539D4633E53DE1B71EXAMPLE
    role_arn:
      description: ARN of the cluster's IAM role.
      type: str
      sample: arn:aws:iam::111122223333:role/eks-cluster
    vpc_id:
      description: ID of the VPC.
      type: str
      sample: vpc-0a1b2c3d4e5f67890
    subnet_ids:
      description: IDs of the subnets that the control plane is attached to, sorted. Nodes may be in others.
      type: list
      elements: str
    security_group_ids:
      description: IDs of the additional security groups of the control plane, sorted.
      type: list
      elements: str
    cluster_security_group_id:
      description: ID of the security group that EKS created for the cluster.
      type: str
      sample: sg-0a1b2c3d4e5f67890
    endpoint_public_access:
      description: Whether the Kubernetes API is reachable from the internet.
      type: bool
    endpoint_private_access:
      description: Whether the Kubernetes API is reachable from the VPC without leaving it.
      type: bool
    public_access_cidrs:
      description: Address ranges that may reach the public endpoint, sorted.
      type: list
      elements: str
      sample: ["0.0.0.0/0"]
    ip_family:
      description: C(ipv4) or C(ipv6), of pods and services.
      type: str
      sample: ipv4
    service_cidr:
      description: Address range of services, of the cluster's IP family.
      type: str
      sample: 172.20.0.0/16
    authentication_mode:
      description: C(CONFIG_MAP) (aws-auth alone), C(API_AND_CONFIG_MAP) or C(API) (access entries alone).
      type: str
      sample: API_AND_CONFIG_MAP
    auto_mode:
      description: Whether EKS Auto Mode runs the cluster's compute.
      type: bool
    tags:
      description: Tags of the cluster.
      type: dict
      sample: {environment: production}
    node_groups:
      description: The managed node groups, sorted by name.
      returned: when O(node_groups=true)
      type: list
      elements: dict
      contains:
        name:
          description: Name of the node group.
          type: str
        arn:
          description: ARN of the node group.
          type: str
        status:
          description: Such as C(ACTIVE), C(DEGRADED) or C(CREATING).
          type: str
        health_issues:
          description: As the cluster's.
          type: list
          elements: dict
        version:
          description: Kubernetes version of the nodes.
          type: str
        node_role_arn:
          description: ARN of the nodes' IAM role.
          type: str
        ami_type:
          description: Such as C(AL2023_x86_64_STANDARD); C(CUSTOM) where a launch template has the AMI.
          type: str
        capacity_type:
          description: C(ON_DEMAND), C(SPOT) or C(CAPACITY_BLOCK).
          type: str
        instance_types:
          description: EC2 instance types, in the node group's order; empty where a launch template has them.
          type: list
          elements: str
        auto_scaling_group_names:
          description: Names of the EC2 Auto Scaling groups behind it, sorted.
          type: list
          elements: str
        subnet_ids:
          description: IDs of the subnets of the nodes, sorted.
          type: list
          elements: str
        labels:
          description: Kubernetes labels that EKS sets on the nodes.
          type: dict
        taints:
          description: Kubernetes taints that EKS sets on the nodes, in the spelling of the EKS API (C(NO_SCHEDULE)).
          type: list
          elements: dict
          contains:
            key:
              description: Key of the taint.
              type: str
            value:
              description: Value of the taint; empty where it has none.
              type: str
            effect:
              description: C(NO_SCHEDULE), C(NO_EXECUTE) or C(PREFER_NO_SCHEDULE).
              type: str
        scaling:
          description: Numbers of nodes.
          type: dict
          contains:
            min_size:
              description: The fewest nodes.
              type: int
            max_size:
              description: The most nodes.
              type: int
            desired_size:
              description: Nodes wanted now.
              type: int
        tags:
          description: Tags of the node group.
          type: dict
    auto_scaling_groups:
      description: The EC2 Auto Scaling groups with the cluster's tag, sorted by name.
      returned: when O(auto_scaling_groups=true)
      type: list
      elements: dict
      contains:
        name:
          description: Name of the group.
          type: str
        node_group:
          description: Name of the managed node group, from the tag C(eks:nodegroup-name); empty for self-managed nodes.
          type: str
        tags:
          description: Tags of the group.
          type: dict
        min_size:
          description: The fewest instances.
          type: int
        max_size:
          description: The most instances.
          type: int
        desired_capacity:
          description: Instances wanted now.
          type: int
        instance_ids:
          description: IDs of its instances, in any state of their lifecycle, sorted.
          type: list
          elements: str
    fargate_profiles:
      description: The Fargate profiles, sorted by name.
      returned: when O(fargate_profiles=true)
      type: list
      elements: dict
      contains:
        name:
          description: Name of the profile.
          type: str
        arn:
          description: ARN of the profile.
          type: str
        status:
          description: Such as C(ACTIVE) or C(CREATING).
          type: str
        health_issues:
          description: As the cluster's.
          type: list
          elements: dict
        pod_execution_role_arn:
          description: ARN of the IAM role of the profile's nodes.
          type: str
        selectors:
          description: Which pods run on Fargate.
          type: list
          elements: dict
          contains:
            namespace:
              description: Namespace of the pods.
              type: str
            labels:
              description: Labels that the pods have.
              type: dict
        subnet_ids:
          description: IDs of the (private) subnets, sorted.
          type: list
          elements: str
        tags:
          description: Tags of the profile.
          type: dict
status:
  description: Status of the cluster at the last read.
  returned: when waiting failed
  type: str
  sample: FAILED
health_issues:
  description: The cluster's health issues at the last read.
  returned: when waiting failed
  type: list
  elements: dict
error:
  description: The C(code) and C(message) of AWS's refusal and the C(action) that was refused.
  returned: when AWS refused a call
  type: dict
"""

from ansible_collections.ekspress.eks.plugins.module_utils._cluster_info import LOGIC
from ansible_collections.ekspress.eks.plugins.module_utils._runner import run_module


def main() -> None:
    run_module(LOGIC)


if __name__ == "__main__":
    main()
