#!/usr/bin/python
# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: active_cluster
short_description: DNS records that lead an environment's stable name to its active EKS cluster
version_added: 1.0.0
description:
  - An environment with a blue and a green cluster has one stable name for its Kubernetes API. The module keeps two
    records in Route 53. The CNAME record of the name leads to the API endpoint of the active cluster. The TXT record
    C(_eks.NAME) says which cluster that is, as C(v=eks1 cluster=NAME region=REGION), so that clients can make a token
    for it. It has a name of its own because DNS allows no other record beside a CNAME.
  - Both records are changed by one batch, which Route 53 applies whole or not at all. The batch deletes exactly what
    was read and creates what is wanted, so that it is refused where somebody changed one of them in between. Then the
    module reads and tries again, three times in all.
  - Records that this collection did not write are refused, unless O(overwrite) says otherwise. The CNAME record is this
    collection's where the TXT record is.
  - Costs C(eks:DescribeCluster) where O(endpoint) is not given, and in Route 53 one call to find the zone and one to
    read the records (two, where a hundred records lie between them). Writes nothing where nothing changes.
  - Needs the permissions C(eks:DescribeCluster), C(route53:ListResourceRecordSets),
    C(route53:ChangeResourceRecordSets), one of C(route53:GetHostedZone) (with O(zone_id)) and
    C(route53:ListHostedZonesByName) (with O(zone)), and C(route53:GetChange) with O(wait). A condition on
    C(route53:ChangeResourceRecordSetsNormalizedRecordNames) can limit the writes to the two names.
options:
  name:
    description:
      - The stable name, such as C(api.production.example.com), with or without the last dot. It cannot be the zone's
        own name.
    type: str
    required: true
  cluster:
    description:
      - Name of the active EKS cluster, in the task's region. Needed with O(state=present).
      - With O(state=absent) records that lead to another cluster stay, with a warning. So one that was replaced is
        taken down without a look at which of the two is active.
      - The module fails where the cluster is neither ACTIVE nor UPDATING.
    type: str
    aliases: [cluster_name]
  endpoint:
    description:
      - URL of the cluster's API endpoint, where it is known, such as C(cluster_facts.endpoint). The cluster is then
        not read, nor its status checked.
    type: str
  zone:
    description:
      - Name of the hosted zone. One of O(zone) and O(zone_id) is needed.
    type: str
  private:
    description:
      - Whether O(zone) is a private or a public zone. Needed where there are both.
    type: bool
  zone_id:
    description:
      - ID of the hosted zone, with or without C(/hostedzone/).
    type: str
  ttl:
    description:
      - Seconds that resolvers keep the records, 1 to 86400. For so long after a switch clients may still reach the
        other cluster, or be refused by the new one.
    type: int
    default: 60
  overwrite:
    description:
      - Whether to replace a CNAME record, and a TXT record, that this collection did not write. Records of other types
        and such with a routing policy, an alias or several values are refused all the same.
    type: bool
    default: false
  wait:
    description:
      - Whether to wait, after a change, until it has reached all of Route 53's servers.
    type: bool
    default: false
  wait_timeout:
    description:
      - Longest wait in seconds. The module fails after it, though the records are written.
    type: int
    default: 180
  state:
    description:
      - V(absent) removes both records, unless O(cluster) is given and they lead to another one.
    type: str
    choices: [present, absent]
    default: present
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - ekspress.eks.aws
  - ekspress.eks.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: full
notes:
  - The cluster and the zone are read with the same credentials. Where the zone is in another account, give
    O(endpoint) and the zone account's role as O(assume_role_arn).
seealso:
  - module: ekspress.eks.kubeconfig
  - module: ekspress.eks.hosted_zones_info
  - name: ChangeResourceRecordSets
    description: The Route 53 API's reference.
    link: https://docs.aws.amazon.com/Route53/latest/APIReference/API_ChangeResourceRecordSets.html
author:
  - ekspress.eks contributors (@ekspress)
"""

EXAMPLES = r"""
- name: Lead the environment's name to its blue cluster
  ekspress.eks.active_cluster:
    name: api.production.example.com
    cluster: production-blue
    region: eu-central-1
    zone: production.example.com
    private: true
    wait: true

- name: The zone is in another account
  ekspress.eks.active_cluster:
    name: api.production.example.com
    cluster: production-green
    endpoint: "{{ cluster_facts.endpoint }}"
    region: eu-central-1
    zone_id: Z1D633PJN98FT9
    assume_role_arn: arn:aws:iam::222222222222:role/dns

- name: Forget the name
  ekspress.eks.active_cluster:
    name: api.production.example.com
    zone: production.example.com
    region: eu-central-1
    state: absent
"""

RETURN = r"""
name:
  description: The stable name, in lower case, without the last dot.
  returned: success
  type: str
  sample: api.production.example.com
txt_name:
  description: Name of the TXT record.
  returned: success
  type: str
  sample: _eks.api.production.example.com
zone_id:
  description: ID of the hosted zone.
  returned: success
  type: str
  sample: Z1D633PJN98FT9
active:
  description: What the records say after the task. Null with O(state=absent).
  returned: success
  type: dict
  contains:
    cluster:
      description: Name of the active cluster.
      type: str
      sample: production-blue
    region:
      description: Its region.
      type: str
      sample: eu-central-1
    host:
      description: Host name of its API endpoint.
      type: str
      sample: 0123456789ABCDEF.gr7.eu-central-1.eks.amazonaws.com
previous:
  description: What they said before, in the same form. Null where one of them was missing or not this collection's.
  returned: success
  type: dict
change_id:
  description: ID of the change in Route 53.
  returned: when something was changed
  type: str
  sample: C2682N5HXP0BZ4
error:
  description: The C(code) and C(message) of AWS's refusal and the C(action) that was refused.
  returned: when AWS refused a call
  type: dict
"""

from ansible_collections.ekspress.eks.plugins.module_utils._active_cluster import LOGIC
from ansible_collections.ekspress.eks.plugins.module_utils._runner import run_module


def main() -> None:
    run_module(LOGIC)


if __name__ == "__main__":
    main()
