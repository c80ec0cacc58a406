#!/usr/bin/python
# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: hosted_zones_info
short_description: Hosted zones of Route 53, and which of them a VPC sees
version_added: 1.0.0
description:
  - Tells the public and private hosted zones of the account, by their IDs, by their names, or all. Several zones may
    have one name, such as a private and a public one, or two private ones for different VPCs.
  - With O(vpc_id) it tells of each private zone if the VPC is associated with it. Records of a private zone are
    answered in associated VPCs alone.
  - Makes one C(ListHostedZones) for each 100 zones of the account, and with O(vpc_id) C(ListHostedZonesByVPC) beside
    it. Never changes anything.
  - Needs the permissions C(route53:ListHostedZones) and, with O(vpc_id), C(route53:ListHostedZonesByVPC) and
    C(ec2:DescribeVpcs). Route 53 takes five calls a second of an account; throttling is waited out.
options:
  ids:
    description:
      - IDs of zones, with or without C(/hostedzone/). A zone is told that has one of these or one of O(domains); with
        neither, all are.
    type: list
    elements: str
    default: []
  domains:
    description:
      - Names of zones, with or without the last dot, in any case. Zones of exactly these names are told, not those
        below.
    type: list
    elements: str
    default: []
  private:
    description:
      - V(true) tells private zones only, V(false) public ones only. Both, where left out.
    type: bool
  vpc_id:
    description:
      - ID of a VPC, of which to tell the associations.
    type: str
  vpc_region:
    description:
      - Region of O(vpc_id). The task's region, where left out.
    type: str
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - ekspress.eks.aws
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
  - A zone of another account is not told, whether it is associated with the VPC or not.
  - Associations by a Route 53 Profile are not seen, because C(ListHostedZonesByVPC) does not answer them.
seealso:
  - module: amazon.aws.route53_info
  - name: ListHostedZonesByVPC
    description: The Route 53 API's reference.
    link: https://docs.aws.amazon.com/Route53/latest/APIReference/API_ListHostedZonesByVPC.html
author:
  - ekspress.eks contributors (@ekspress)
"""

EXAMPLES = r"""
- name: Look at all hosted zones of the account
  ekspress.eks.hosted_zones_info:
    region: eu-central-1
  register: hosted_zones

- name: Find the private zone of a name that the cluster's VPC sees
  ekspress.eks.hosted_zones_info:
    region: eu-central-1
    domains: [internal.example.com]
    private: true
    vpc_id: "{{ cluster_facts.vpc_id }}"
  register: internal
  failed_when: internal.zones | selectattr('associated') | length != 1
"""

RETURN = r"""
zones:
  description: The zones that were asked for, by their names, public ones first.
  returned: success
  type: list
  elements: dict
  contains:
    id:
      description: ID of the zone, without C(/hostedzone/).
      type: str
      sample: Z1D633PJN98FT9
    arn:
      description: ARN of the zone, as IAM policies have it.
      type: str
      sample: arn:aws:route53:::hostedzone/Z1D633PJN98FT9
    name:
      description: Name of the zone, in lower case, without the last dot.
      type: str
      sample: example.com
    private:
      description: Whether the zone is private.
      type: bool
      sample: false
    comment:
      description: Comment of the zone, empty where it has none.
      type: str
      sample: Applications
    record_count:
      description: Number of its record sets, those of the zone itself (NS, SOA) included.
      type: int
      sample: 12
    linked_service:
      description:
        - The AWS service that made the zone and alone may change its records, such as
          C(servicediscovery.amazonaws.com). Empty where there is none.
      type: str
      sample: ""
    associated:
      description: Whether O(vpc_id) is associated with the zone. Null for public zones, and without O(vpc_id).
      type: bool
      sample: true
other_names:
  description: Names of all other zones of the account, sorted, to tell what there is where something is missing.
  returned: success
  type: list
  elements: str
  sample: [example.org]
error:
  description: The C(code) and C(message) of AWS's refusal and the C(action) that was refused.
  returned: when AWS refused a call
  type: dict
"""

from ansible_collections.ekspress.eks.plugins.module_utils._hosted_zones_info import LOGIC
from ansible_collections.ekspress.eks.plugins.module_utils._runner import run_module


def main() -> None:
    run_module(LOGIC)


if __name__ == "__main__":
    main()
