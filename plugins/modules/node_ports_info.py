#!/usr/bin/python
# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: node_ports_info
short_description: Which ports of an EKS cluster's nodes the control plane can reach
version_added: 1.0.0
description:
  - Tells which TCP ports of a cluster's EC2 instances the security groups let the control plane reach. The API server
    calls webhooks and aggregated APIs at the port of their pods, such as 9443 of the AWS Load Balancer Controller, and
    a port that is closed shows as C(context deadline exceeded) only once something is created.
  - Nodes are the instances of the account and region that carry the tag C(kubernetes.io/cluster/NAME) and are
    C(pending) or C(running). A cluster that has none, such as one with Fargate alone, has nothing blocked, because pods
    on Fargate have the cluster security group.
  - A port is reachable if a rule of the node's security groups lets it in from one of the control plane's (the cluster
    security group and the additional ones) or from all addresses of the control plane's subnets, and a rule of the
    control plane's security groups lets it out, in the same way.
  - What cannot be told is unknown, as with a rule that names a prefix list, one for some of the subnets' addresses
    only, a security group that this account does not see, and a node whose network interfaces are not all alike (pods
    may be behind any of them).
  - Makes two calls (C(DescribeCluster), C(DescribeInstances)) side by side, then one C(DescribeSecurityGroups); and one
    C(DescribeSubnets) where a rule names addresses and no other rule decides. Never changes anything.
  - Needs the permissions C(eks:DescribeCluster), C(ec2:DescribeInstances), C(ec2:DescribeSecurityGroups) and
    C(ec2:DescribeSubnets); C(eks:ListClusters) only to name the clusters that exist where the one asked for does not.
options:
  ports:
    description:
      - TCP ports, 1 to 65535, as pods listen on them; at least one.
    type: list
    elements: int
    required: true
  when_blocked:
    description:
      - What to do about ports that the control plane cannot reach.
      - V(ignore) only tells.
      - V(warn) warns of the nodes where a port is blocked or unknown, and says which rule is missing.
      - V(fail) fails, and says which rules are missing, where a port is blocked on every node; else it warns as V(warn)
        does.
    type: str
    choices: [ignore, warn, fail]
    default: ignore
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
notes:
  - Only security groups are judged, and not routes, network ACLs, firewalls, network policies, and the security groups
    that a C(SecurityGroupPolicy) gives to single pods.
  - Hybrid nodes and instances without the cluster's tag are not seen.
seealso:
  - name: Amazon EKS security group requirements
    description: Which security groups the control plane and the nodes have.
    link: https://docs.aws.amazon.com/eks/latest/userguide/sec-group-reqs.html
  - name: IpPermission
    description: The EC2 API's reference of a security group's rules.
    link: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_IpPermission.html
author:
  - ekspress.eks contributors (@ekspress)
"""

EXAMPLES = r"""
- name: Fail unless the API server can reach the webhooks of the AWS Load Balancer Controller
  ekspress.eks.node_ports_info:
    cluster: production-blue
    region: eu-central-1
    ports: [9443]
    when_blocked: fail

- name: Look at the ports of some webhooks and of the metrics server
  ekspress.eks.node_ports_info:
    cluster: production-blue
    ports: [4443, 8443, 9443, 10250]
  register: node_ports

- name: Add the rules that are missing
  amazon.aws.ec2_security_group:
    group_id: "{{ item.group_id }}"
    rules:
      - proto: "{{ item.ip_protocol }}"
        from_port: "{{ item.from_port }}"
        to_port: "{{ item.to_port }}"
        group_id: "{{ item.referenced_group_id }}"
    purge_rules: false
    purge_rules_egress: false
  loop: "{{ node_ports.missing_rules | rejectattr('is_egress') }}"
"""

RETURN = r"""
cluster_security_group_id:
  description: ID of the security group that EKS made for the cluster.
  returned: success, and when RV(blocked_on_all_nodes) failed the task
  type: str
  sample: sg-0a1b2c3d4e5f67890
control_plane_security_group_ids:
  description: IDs of all security groups of the control plane's network interfaces, sorted.
  returned: success, and when RV(blocked_on_all_nodes) failed the task
  type: list
  elements: str
  sample: [sg-0a1b2c3d4e5f67890]
nodes:
  description: The nodes, together where their network interfaces have the same security groups.
  returned: success, and when RV(blocked_on_all_nodes) failed the task
  type: list
  elements: dict
  contains:
    security_group_ids:
      description: IDs of their security groups, sorted.
      type: list
      elements: str
      sample: [sg-0bbbbbbbbbbbbbbb1]
    instance_ids:
      description: IDs of the EC2 instances, sorted.
      type: list
      elements: str
      sample: [i-0ccccccccccccccc1]
    reachable:
      description: Ports that the control plane reaches, sorted.
      type: list
      elements: int
      sample: [10250]
    blocked:
      description: Ports that it does not reach, sorted.
      type: list
      elements: int
      sample: [9443]
    unknown:
      description: Ports of which that cannot be told, sorted.
      type: list
      elements: int
      sample: []
    reasons:
      description: Why not, by each port (as text) that is blocked or unknown.
      type: dict
      sample: {"9443": "no rule of sg-0bbbbbbbbbbbbbbb1 lets it in from sg-0a1b2c3d4e5f67890"}
blocked_on_all_nodes:
  description: Ports that the control plane reaches on no node, sorted. Empty where there are no nodes.
  returned: success, and when they failed the task
  type: list
  elements: int
  sample: []
missing_rules:
  description:
    - Rules that would let the control plane reach the ports, in the words of the EC2 API's C(SecurityGroupRule). Each
      names one security group of a node; where it has several, a rule of another of them would do as well.
  returned: success, and when RV(blocked_on_all_nodes) failed the task
  type: list
  elements: dict
  contains:
    group_id:
      description: ID of the security group that lacks the rule.
      type: str
      sample: sg-0bbbbbbbbbbbbbbb1
    is_egress:
      description: Whether it is a rule for what goes out (C(AuthorizeSecurityGroupEgress)) and not for what comes in.
      type: bool
      sample: false
    ip_protocol:
      description: Always C(tcp).
      type: str
      sample: tcp
    from_port:
      description: The port.
      type: int
      sample: 9443
    to_port:
      description: The port.
      type: int
      sample: 9443
    referenced_group_id:
      description: ID of the security group on the other side.
      type: str
      sample: sg-0a1b2c3d4e5f67890
error:
  description: The C(code) and C(message) of AWS's refusal and the C(action) that was refused.
  returned: when AWS refused a call
  type: dict
"""

from ansible_collections.ekspress.eks.plugins.module_utils._node_ports_info import LOGIC
from ansible_collections.ekspress.eks.plugins.module_utils._runner import run_module


def main() -> None:
    run_module(LOGIC)


if __name__ == "__main__":
    main()
