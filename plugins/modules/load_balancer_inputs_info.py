#!/usr/bin/python
# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: load_balancer_inputs_info
short_description: Whether AWS has what load balancers are to use
version_added: 1.0.0
description:
  - Tells what is wrong with certificates, hosts, web ACLs and security groups before an Ingress asks the AWS Load
    Balancer Controller for a load balancer with them. The controller would only write an event, and make no load
    balancer.
  - A certificate must be in ACM, in the region, issued and not expired. A host needs a certificate that is for it, one
    of those that are named, or, where none is named, any that ACM issued, as the controller finds it; a wildcard stands
    for exactly one label.
  - A web ACL must be of WAFv2, of the scope C(REGIONAL), and in the region. A security group must be of the VPC.
  - Makes one call (C(DescribeVpcs)), and side by side with it one C(DescribeSecurityGroups) where a group is named, one
    C(DescribeCertificate) and one C(GetWebACL) for each that is named, and one C(ListCertificates) where hosts are to
    find their certificates. Only where the list has not all names of a certificate, and no other is for a host, it is
    described. Never changes anything.
  - Needs the permissions C(ec2:DescribeVpcs), C(ec2:DescribeSecurityGroups), C(acm:ListCertificates),
    C(acm:DescribeCertificate) and C(wafv2:GetWebACL), as far as these calls are made.
options:
  vpc_id:
    description:
      - ID of the cluster's VPC, in which the load balancers are.
    type: str
    required: true
  load_balancers:
    description:
      - The load balancers.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description:
          - What problems call it.
        type: str
        required: true
      certificates:
        description:
          - ARNs of certificates of ACM.
        type: list
        elements: str
        default: []
      hosts:
        description:
          - Names that clients ask for, wildcards included.
        type: list
        elements: str
        default: []
      web_acl:
        description:
          - ARN of a web ACL of WAFv2; empty or V(none) for none.
        type: str
        default: ""
      security_groups:
        description:
          - IDs of security groups.
        type: list
        elements: str
        default: []
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
  - Certificates of IAM are refused, as they cannot be found by their hosts and do not renew themselves.
seealso:
  - name: Certificate discovery
    description: How the controller finds certificates.
    link: https://kubernetes-sigs.github.io/aws-load-balancer-controller/latest/guide/ingress/cert_discovery/
  - name: AssociateWebACL
    description: Which web ACLs a load balancer takes.
    link: https://docs.aws.amazon.com/waf/latest/APIReference/API_AssociateWebACL.html
author:
  - ekspress.eks contributors (@ekspress)
"""

EXAMPLES = r"""
- name: Look at what two load balancers are to use
  ekspress.eks.load_balancer_inputs_info:
    region: eu-central-1
    vpc_id: vpc-0a1b2c3d4e5f67890
    load_balancers:
      - name: public
        hosts: [shop.example.com, "*.api.example.com"]
        web_acl: arn:aws:wafv2:eu-central-1:111122223333:regional/webacl/public/a1b2c3d4-5678-90ab-cdef-EXAMPLE11111
      - name: internal
        certificates:
          - arn:aws:acm:eu-central-1:111122223333:certificate/a1b2c3d4-5678-90ab-cdef-EXAMPLE22222
        security_groups: [sg-0a1b2c3d4e5f67890]
  register: inputs

- name: Go on only if all of it is there
  ansible.builtin.assert:
    that: inputs.problems | length == 0
    fail_msg: "{{ inputs.problems }}"
"""

RETURN = r"""
vpc_cidrs:
  description: Address blocks of the VPC, IPv4 and then IPv6, from which its load balancers call.
  returned: success
  type: list
  elements: str
  sample: [10.0.0.0/16]
problems:
  description: What is wrong, in the order of the load balancers; empty where nothing is.
  returned: success
  type: list
  elements: dict
  contains:
    load_balancer:
      description: Name of the load balancer.
      type: str
      sample: public
    option:
      description: Which of its options has the value, C(certificates), C(hosts), C(web_acl) or C(security_groups).
      type: str
      sample: hosts
    value:
      description: The value.
      type: str
      sample: shop.example.com
    message:
      description: Why it cannot be used, and what to do.
      type: str
      sample: >-
        no certificate that ACM issued in eu-central-1 is for it: request one for shop.example.com or *.example.com
        there
error:
  description: The C(code) and C(message) of AWS's refusal and the C(action) that was refused.
  returned: when AWS refused a call
  type: dict
"""

from ansible_collections.ekspress.eks.plugins.module_utils._load_balancer_inputs_info import LOGIC
from ansible_collections.ekspress.eks.plugins.module_utils._runner import run_module


def main() -> None:
    """Run the module."""
    run_module(LOGIC)


if __name__ == "__main__":
    main()
