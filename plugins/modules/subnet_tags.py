#!/usr/bin/python
# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: subnet_tags
short_description: Tags by which load balancers find an EKS cluster's subnets
version_added: 1.0.0
description:
  - Tells the public subnets of a cluster's VPC from the private ones by their route tables, the main route table
    included, and sets C(kubernetes.io/role/elb) on the public and C(kubernetes.io/role/internal-elb) on the private
    ones, so that the AWS Load Balancer Controller finds them.
  - A subnet is public if its traffic for C(0.0.0.0/0) goes to an internet gateway. One that has only C(::/0) to an
    internet gateway is public for IPv6 only; it gets the role of a private one, and a warning says so. One whose
    route to the internet gateway is a blackhole gets no role.
  - Role tags with the value V(1) or an empty value count as set. Tags that the module does not set are never touched.
  - Sets C(kubernetes.io/cluster/NAME) only where it helps, see O(cluster_tag).
  - Makes three reads (C(DescribeCluster), C(DescribeSubnets), C(DescribeRouteTables)) and one write for each distinct
    set of tags, side by side, at most 1,000 subnets a call. An unchanged run writes nothing.
  - More reads are made only where they are needed. O(filters) costs one C(DescribeSubnets), zones whose names have
    none of AWS's documented forms one C(DescribeAvailabilityZones). A cluster tag that would hide a subnet from other
    clusters, O(sweep), and O(role_tags) cost C(ListClusters), and C(DescribeCluster) for each other cluster of the
    region.
  - Needs the permissions C(eks:DescribeCluster), C(ec2:DescribeSubnets), C(ec2:DescribeRouteTables),
    C(ec2:CreateTags) and, for removals, C(ec2:DeleteTags); for the cases above C(eks:ListClusters) and
    C(ec2:DescribeAvailabilityZones).
options:
  state:
    description:
      - V(present) sets the tags. The cluster must be C(ACTIVE) or C(UPDATING).
      - V(absent) removes the cluster's own tag where its value is C(shared) or C(owned), and role tags where
        O(role_tags) says so. O(extra_tags) stay.
    type: str
    choices: [present, absent]
    default: present
  vpc_id:
    description:
      - ID of the VPC, for O(state=absent) after the cluster itself was deleted.
      - The module fails where the cluster exists and is in another VPC. By default the cluster's VPC.
    type: str
  subnet_ids:
    description:
      - IDs of the subnets to work on; their roles are told by their route tables.
      - By default, and with O(filters), all subnets of the VPC are considered. An empty list is an error.
      - Mutually exclusive with O(filters), O(public_subnet_ids) and O(private_subnet_ids).
    type: list
    elements: str
  filters:
    description:
      - Filters of C(DescribeSubnets) that choose the subnets to work on among those of the VPC, each a name with a
        value or a list of values. See
        U(https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeSubnets.html).
      - Mutually exclusive with O(subnet_ids), O(public_subnet_ids) and O(private_subnet_ids).
    type: dict
  public_subnet_ids:
    description:
      - IDs of subnets to tag as public, whatever their routes and zones. Only subnets in this list and in
        O(private_subnet_ids) are then worked on.
      - A warning names those that have no route to an internet gateway.
    type: list
    elements: str
  private_subnet_ids:
    description:
      - IDs of subnets to tag as private, whatever their routes and zones. Only subnets in this list and in
        O(public_subnet_ids) are then worked on.
    type: list
    elements: str
  zone_types:
    description:
      - Types of zones whose subnets are tagged. Others are left out, because the controller refuses to work with
        subnets of several types. Subnets in O(public_subnet_ids) and O(private_subnet_ids) are never left out.
    type: list
    elements: str
    choices: [availability-zone, local-zone, wavelength-zone, outpost]
    default: [availability-zone]
  extra_tags:
    description:
      - More tags for every subnet that gets a role; values are strings of up to 256 characters, keys have up to 127.
      - Keys that start with C(aws:) and those of role and cluster tags are an error.
    type: dict
    default: {}
  cluster_tag:
    description:
      - When to set C(kubernetes.io/cluster/NAME) on subnets that get a role. It is never removed with O(state=present).
      - The controller passes by a subnet that carries another cluster's tag and not its own cluster's. And setting this
        cluster's tag on a subnet without any hides that subnet from every cluster that has no tag of its own there.
      - V(auto) therefore sets it only where another cluster's tag already is, and leaves the value of one that is
        there.
      - V(always) sets it on all, with the value O(cluster_tag_value), for controllers before 2.1.2 and for tools that
        select subnets by it. RV(neighbours) and warnings say which clusters lose a subnet by it.
      - V(never) does not set it; a warning names the subnets that the controller then passes by.
    type: str
    choices: [auto, always, never]
    default: auto
  cluster_tag_value:
    description:
      - Value of the cluster tag where it is set.
    type: str
    choices: [shared, owned]
    default: shared
  role_tags:
    description:
      - Whether O(state=absent) removes the role tags too (those whose value is V(1) or empty).
      - They stay, with a warning, while another cluster lives in the VPC, which is one that the tag of any of the
        VPC's subnets names, or an EKS cluster of the same account and region. Clusters of other accounts that share
        the VPC cannot be seen.
    type: bool
    default: false
  sweep:
    description:
      - Names of clusters that no longer exist, whose C(kubernetes.io/cluster/NAME) tags are removed from the chosen
        subnets, whatever their value.
      - Each must be named, because a tag does not tell whether a cluster that is not EKS's, or in another account,
        still needs it. RV(other_clusters) shows the names there are. The module fails where a named cluster exists in
        the account and region (registered clusters of other kinds included), before it writes anything.
    type: list
    elements: str
    default: []
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - ekspress.eks.aws
  - ekspress.eks.cluster
  - ekspress.eks.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
    details: Shows the tags it sets or removes, by subnet.
  idempotent:
    support: full
notes:
  - Fails before any write where a subnet would have more than 50 tags (tags that start with C(aws:) do not count),
    naming the subnets.
  - In a VPC that another account shares (AWS RAM), the owner's tags are not shown to the other account, so run the
    module in the account of the cluster (U(https://docs.aws.amazon.com/vpc/latest/userguide/vpc-sharing.html)).
seealso:
  - name: Subnet auto-discovery
    description: The AWS Load Balancer Controller's rules, which RV(controller_picks) follows.
    link: https://kubernetes-sigs.github.io/aws-load-balancer-controller/latest/deploy/subnet_discovery/
  - name: CreateTags
    description: The EC2 API's reference of setting tags.
    link: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateTags.html
author:
  - ekspress.eks contributors (@ekspress)
"""

EXAMPLES = r"""
- name: Tag the subnets of the cluster's VPC, told apart by their route tables
  ekspress.eks.subnet_tags:
    cluster: "{{ inventory_hostname }}"
    region: eu-central-1
  register: subnet_tags

- name: Show where the controller would place load balancers
  ansible.builtin.debug:
    var: subnet_tags.controller_picks

- name: Tag the subnets of one tier only, and give them a cost centre
  ekspress.eks.subnet_tags:
    cluster: production-blue
    filters:
      "tag:tier": [edge, application]
    extra_tags:
      cost-centre: "4711"

- name: Say which subnets are which
  ekspress.eks.subnet_tags:
    cluster: production-blue
    public_subnet_ids: [subnet-0aaaaaaaaaaaaaaa1, subnet-0aaaaaaaaaaaaaaa2]
    private_subnet_ids: [subnet-0bbbbbbbbbbbbbbb1, subnet-0bbbbbbbbbbbbbbb2]

- name: Clean up behind a cluster that was deleted by other means
  ekspress.eks.subnet_tags:
    cluster: production-green
    sweep: [production-blue]

- name: Remove the cluster's tags before it is deleted, and the role tags if it is the last one in its VPC
  ekspress.eks.subnet_tags:
    cluster: production-blue
    state: absent
    role_tags: true
"""

RETURN = r"""
vpc_id:
  description: ID of the VPC.
  returned: success
  type: str
  sample: vpc-0a1b2c3d4e5f67890
subnets:
  description: The subnets worked on, sorted by ID.
  returned: success
  type: list
  elements: dict
  contains:
    subnet_id:
      description: ID of the subnet.
      type: str
      sample: subnet-0aaaaaaaaaaaaaaa1
    name:
      description: Value of its tag C(Name); empty without.
      type: str
      sample: platform-public-a
    zone:
      description: Name of its zone.
      type: str
      sample: eu-central-1a
    zone_type:
      description: C(availability-zone), C(local-zone), C(wavelength-zone) or C(outpost); empty with O(state=absent).
      type: str
      sample: availability-zone
    cidr:
      description: Its IPv4 block; empty for a subnet that has IPv6 only.
      type: str
      sample: 10.64.0.0/22
    role:
      description: C(public) or C(private); empty where it is left out, and with O(state=absent).
      type: str
      sample: public
    reason:
      description: Why it has this role, or none; the route (by its destination and target) and its route table.
      type: str
      sample: 0.0.0.0/0 to igw-0123456789abcdef0 in rtb-0123456789abcdef0 (main route table)
    route_table_id:
      description: ID of its route table; empty with O(state=absent).
      type: str
      sample: rtb-0123456789abcdef0
    main_route_table:
      description: Whether that is the VPC's main route table, which counts where a subnet has none of its own.
      type: bool
    default_route:
      description: ID of the target of C(0.0.0.0/0); empty where there is no such route.
      type: str
      sample: igw-0123456789abcdef0
    tags_set:
      description: Tags that were (or in check mode would be) added or given another value.
      type: dict
      sample: {"kubernetes.io/role/elb": "1"}
    tags_removed:
      description: Tags that were (or would be) removed, with the values they had.
      type: dict
left_out:
  description: Those of RV(subnets) that get no role, with the reason.
  returned: success
  type: list
  elements: dict
  contains:
    subnet_id:
      description: ID of the subnet.
      type: str
    reason:
      description: Why it is left out.
      type: str
      sample: in eu-central-1-ham-1a, whose type local-zone is not in zone_types
controller_picks:
  description:
    - What the AWS Load Balancer Controller would pick with these tags, for the schemes C(internet_facing) and
      C(internal). Look here for subnets of databases or transit gateways that were not meant for load balancers.
  returned: O(state=present)
  type: dict
  contains:
    internet_facing:
      description: For internet-facing load balancers.
      type: dict
      contains: &picks
        found_by:
          description: C(role_tag), or C(reachability) where no subnet of the VPC has the role tag.
          type: str
        problem:
          description: Why no load balancer could be made; empty where one could.
          type: str
        refused:
          description: Candidates that the controller passes by, each with C(subnet_id) and C(reason).
          type: list
          elements: dict
        zones:
          description:
            - By zone name, the subnet it picks with C(subnet_id), C(name), C(cidr), C(zone_type), C(default_route),
              C(free_addresses), and C(passed_over), the IDs of the others it could have picked.
          type: dict
    internal:
      description: For internal load balancers.
      type: dict
      contains: *picks
other_clusters:
  description: Other clusters whose tag any subnet of the VPC carried when it was read.
  returned: success
  type: list
  elements: dict
  contains:
    cluster:
      description: Name of the cluster.
      type: str
    subnet_ids:
      description: IDs of the subnets, sorted.
      type: list
      elements: str
neighbours:
  description: Other clusters touched by the cluster tags that this run sets.
  returned: success
  type: list
  elements: dict
  contains:
    cluster:
      description: Name of the other cluster.
      type: str
    effect:
      description:
        - C(shared) where the subnets carried the other cluster's tag already, so that nothing changes for it.
          C(hidden) where they carried no cluster's tag, so that the other cluster's controller passes them by from
          now on.
      type: str
    subnet_ids:
      description: IDs of the subnets, sorted.
      type: list
      elements: str
written_subnet_ids:
  description: Where a write failed, IDs of the subnets that were written before, sorted. The next run does the rest.
  returned: failure of a write
  type: list
  elements: str
"""

from ansible_collections.ekspress.eks.plugins.module_utils._runner import run_module
from ansible_collections.ekspress.eks.plugins.module_utils._subnet_tags import LOGIC


def main() -> None:
    run_module(LOGIC)


if __name__ == "__main__":
    main()
