#!/usr/bin/python
# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: access_migration
short_description: Plan, prepare and prove the move of an EKS cluster from aws-auth to access entries
version_added: 1.0.0
description:
  - Takes the steps of the move from the ConfigMap aws-auth to EKS access entries that M(ekspress.eks.access_entries)
    does not take. The playbook C(ekspress.eks.migrate_access) puts them together, in the only order that loses nobody.
  - Never changes aws-auth, the authentication mode or what an access entry gives.
  - Every mapping that counts gets an entry that gives the same username and groups, or is refused with the reason. Of
    an ARN that has several mappings the last one counts, as it does for EKS. Roles, which aws-auth has without their
    path, are found again in IAM by their name. C(system:masters) becomes the access policy
    C(AmazonEKSClusterAdminPolicy). Nodes get entries of their type. C({{AccountID}}) is filled in, which is the same
    for a role always.
  - Refused are C(mapAccounts), service-linked roles, groups that begin with C(system:), C(eks:), C(aws:), C(amazon:) or
    C(iam:), the group that the move itself binds, usernames that begin so or have a placeholder that access entries do
    not have, and mappings by which nobody gets in now but might, such as those with a number for a name.
  - A principal that has an access entry of others is left alone, as the entry counts already in the place of aws-auth.
    One whose role or user was made anew since does not count, nor does one of the type C(STANDARD) for nodes. Both are
    refused until the entry is made anew or deleted.
  - EKS makes an administrator's entry by two calls, of which only the second one gives the rights. In between the entry
    counts already. So administrators first get the group C(ekspress.eks:access-migration), which O(state=prepared)
    binds to the ClusterRole C(cluster-admin) before, and O(state=finished) unbinds.
  - Needs C(eks:DescribeCluster), C(eks:ListAccessEntries), C(eks:DescribeAccessEntry),
    C(eks:ListAssociatedAccessPolicies), C(eks:ListNodegroups), C(eks:DescribeNodegroup), C(eks:ListFargateProfiles),
    C(eks:DescribeFargateProfile), C(iam:ListRoles) and, where aws-auth maps users, C(iam:ListUsers). In Kubernetes
    C(get) of the ConfigMap C(aws-auth) in C(kube-system); with O(state=prepared) C(list) and C(create) of ConfigMaps
    there, and C(get) and C(patch) of ClusterRoleBindings, with the rights of C(cluster-admin), which are what is bound;
    with O(state=proven) C(list) of all kinds of RBAC and C(create) of SubjectAccessReviews; with O(state=finished)
    C(get) and C(delete) of ClusterRoleBindings. With O(state=handed_over) C(eks:TagResource).
options:
  state:
    description:
      - V(planned) reads, and says what the move would do. Refused mappings do not make it fail, see RV(refused).
      - V(prepared) keeps a backup of aws-auth as M(ekspress.eks.aws_auth) does, in an immutable ConfigMap beside it,
        and binds the group of administrators whose entries are being made. Fails where a mapping is refused.
      - V(proven) asks the API server for everybody what they may do, by what aws-auth gives and by what the entry
        gives, and fails where an answer differs. EKS's own authorizer is asked for access policies. Answers that differ
        are asked for again for half a minute, as entries do not count everywhere at once.
      - V(finished) unbinds the group, once no entry has it.
      - V(handed_over) gives the entries that the move made to the owner C(access_entries), the default of
        M(ekspress.eks.access_entries), whose O(ekspress.eks.access_entries#module:purge) takes care of them then. Only
        in the mode C(API), as before it the way back knows them by their owner.
    type: str
    choices: [planned, prepared, proven, finished, handed_over]
    default: planned
  owner:
    description:
      - The owner of the entries that belong to the move, as in M(ekspress.eks.access_entries).
    type: str
    default: migrate_access
  principals:
    description:
      - ARNs with their paths of roles of other accounts, whose paths cannot be looked up. Without it the ARN is taken
        as it is in aws-auth, and EKS refuses the entry if the role has a path.
    type: list
    elements: str
    default: []
  reviews:
    description:
      - How many access reviews are made of each identity with O(state=proven), before and after. A fixed list of about
        thirty comes first, then what the roles of the cluster's RBAC allow that are bound to users and groups. Where
        that is more, some is asked for of each role in turn, by all of its verbs, and a warning says how much is left
        out. At most 20,000 are made in all.
    type: int
    default: 120
  trust_policy:
    description:
      - Whether administrators are taken for proven by AWS's word for C(AmazonEKSClusterAdminPolicy), where EKS's
        authorizer does not answer reviews for others.
    type: bool
    default: false
  kubeconfig:
    description:
      - Path of a kubeconfig file of the cluster, or its content as a dictionary, where its API is to be reached by
        other credentials than those of the task.
    type: raw
  context:
    description: Name of a context in O(kubeconfig); its current context by default.
    type: str
requirements:
  - PyYAML
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - ekspress.eks.aws
  - ekspress.eks.cluster
  - ekspress.eks.attributes
attributes:
  check_mode:
    support: full
    details:
      - O(state=prepared) and O(state=finished) send what they would write as a dry run.
  diff_mode:
    support: full
  idempotent:
    support: full
seealso:
  - module: ekspress.eks.access_entries
  - module: ekspress.eks.aws_auth
author:
  - ekspress.eks contributors (@ekspress)
"""

EXAMPLES = r"""
- name: What the move would do
  ekspress.eks.access_migration:
    cluster: production-blue
    region: eu-central-1
  register: migration

- name: Make the entries
  ekspress.eks.access_entries:
    cluster: production-blue
    region: eu-central-1
    entries: "{{ migration.first_entries }}"
    owner: migrate_access

- name: See that everybody may do what they could before
  ekspress.eks.access_migration:
    cluster: production-blue
    region: eu-central-1
    state: proven
"""

RETURN = r"""
entries:
  description: The entries as they are to be in the end, as M(ekspress.eks.access_entries) takes them.
  returned: always
  type: list
  elements: dict
first_entries:
  description: The entries as they are made first, administrators with the group that O(state=prepared) binds.
  returned: always
  type: list
  elements: dict
bridge:
  description: Whether an administrator's entry is not whole yet, so that O(state=prepared) has a group to bind.
  returned: always
  type: bool
refused:
  description: Mappings that no entry can take the place of, each with the reasons.
  returned: always
  type: list
  elements: str
  sample: ["111122223333: mapAccounts lets every role and user of the account in …"]
already:
  description: Principals whose entry others made.
  returned: always
  type: list
  elements: str
gone:
  description: ARNs in aws-auth of which there is no role or user; nobody gets in by them.
  returned: always
  type: list
  elements: str
ignored:
  description: ARNs in aws-auth that EKS never matches, such as roles with a path.
  returned: always
  type: list
  elements: str
duplicates:
  description: ARNs that aws-auth has several times, of which the last one counts.
  returned: always
  type: list
  elements: str
made:
  description: The entries that the move made, as M(ekspress.eks.access_entries) takes them with C(state=absent).
  returned: always
  type: list
  elements: dict
against_undo:
  description: Why the entries that the move made cannot be removed without a loss, in sentences.
  returned: always
  type: list
  elements: str
authentication_mode:
  description: The authentication mode of the cluster. Nothing is planned in the mode C(API).
  returned: always
  type: str
  sample: API_AND_CONFIG_MAP
backup:
  description: Name of the ConfigMap that holds aws-auth as it is, with O(state=prepared).
  returned: always
  type: str
  sample: aws-auth-backup-180143
proof:
  description: What was asked with O(state=proven).
  returned: always
  type: dict
  contains:
    people:
      description: Identities that were asked for; of a role, several sessions.
      type: int
    reviews:
      description: Access reviews of each, before and after.
      type: int
    left_out:
      description: Further things that RBAC allows and that were not asked for, see O(reviews).
      type: int
    differences:
      description: Where the answers differ, in sentences.
      type: list
      elements: str
"""

from ansible_collections.ekspress.eks.plugins.module_utils._access_migration import LOGIC
from ansible_collections.ekspress.eks.plugins.module_utils._runner import run_module


def main() -> None:
    """Run the module."""
    run_module(LOGIC)


if __name__ == "__main__":
    main()
