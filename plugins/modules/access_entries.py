#!/usr/bin/python
# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: access_entries
short_description: Who may enter an EKS cluster, by EKS access entries
version_added: 1.0.0
description:
  - Makes, changes and removes EKS access entries and their access policies, any number side by side. An access entry
    lets one IAM role or user into a cluster, by EKS's own API instead of the ConfigMap aws-auth.
  - Entries that are not listed stay. An option of an entry that is not given leaves its part alone. What EKS sets by
    itself (usernames, and the groups of nodes) is no change.
  - An access entry counts at once in the place of what aws-auth has for its principal.
  - All that AWS would refuse is found before the first write, and told in one message, as far as it can be known. That
    is the form of the ARN, usernames, groups, scopes, tags, whether the role or user and the access policies exist, and
    whether the authentication mode can be had.
  - The type of an entry cannot be changed in AWS. An entry is bound to the unique id of its role or user, which AWS
    does not show, so that one that was deleted and made anew under the same name is not let in. The module finds it
    out by the dates, and fails. Both need O(entries[].recreate=true).
  - Refuses to take away what the cluster depends on unless O(force) says so. These are the entry of the caller
    (removed, made anew, with less rights, or a new one that takes the place of more in aws-auth), the last one with
    AmazonEKSClusterAdminPolicy in the whole cluster, and entries of nodes.
  - O(authentication_mode) goes forward only, from C(CONFIG_MAP) to V(API_AND_CONFIG_MAP) to V(API), which AWS lets
    nobody undo. V(API) is refused, unless O(force) says so, as long as somebody whom aws-auth lets in, a node group, a
    Fargate profile or the caller has no entry that counts. One whose role or user was made anew does not, nor does
    one of the type V(STANDARD) for nodes.
  - New entries and rights are written before those that are no longer wanted are taken away. Where one fails the others
    go on, but nothing is removed; the result says what was done.
  - A new entry counts from its first call on, and its access policies come by later ones. Outside of the mode V(API)
    an entry that this run made and cannot complete is deleted again, so that aws-auth counts for its principal as
    before; where it cannot be deleted either, the error says how. New administrators come first, one after the other
    and the caller last, and none after one that failed, so that one at most is between two calls. A run that is
    killed there is completed by the next one, which needs nothing of Kubernetes for it.
  - Costs, where nothing changes, one call for the cluster, one for each hundred entries that it has, and for each
    listed entry one, one for its access policies if O(entries[].policies) is given, and one of IAM unless
    O(check_principals=false). Those of the entries are made side by side.
  - Needs C(eks:DescribeCluster), C(eks:ListAccessEntries), C(eks:DescribeAccessEntry),
    C(eks:ListAssociatedAccessPolicies), C(iam:GetRole) and C(iam:GetUser). For changes C(eks:CreateAccessEntry),
    C(eks:UpdateAccessEntry), C(eks:DeleteAccessEntry), C(eks:AssociateAccessPolicy), C(eks:DisassociateAccessPolicy),
    C(eks:ListAccessPolicies) and C(eks:TagResource), and C(iam:PassRole) for entries of nodes. Where rights are taken
    away, or entries are made that have not all rights, or of several administrators, C(sts:GetCallerIdentity).
    For O(authentication_mode)
    C(eks:UpdateClusterConfig) and C(eks:DescribeUpdate). For V(API), and where entries of nodes go,
    C(eks:ListNodegroups), C(eks:DescribeNodegroup), C(eks:ListFargateProfiles) and C(eks:DescribeFargateProfile); for
    V(API) also C(iam:ListRoles) and C(iam:ListUsers). For V(API), and where an entry of the caller is made, in
    Kubernetes C(get) of the ConfigMap C(aws-auth) in C(kube-system).
options:
  entries:
    description:
      - The entries. Others stay, see O(purge).
      - One of O(entries) and O(authentication_mode) is needed.
    type: list
    elements: dict
    suboptions:
      principal:
        description:
          - ARN of the IAM role or user, with its path, as IAM writes it. It must exist.
          - Sessions (C(arn:aws:sts)), the account's root user, wildcards and service-linked roles have no access
            entries.
        type: str
        required: true
        aliases: [principal_arn]
      type:
        description:
          - V(STANDARD) is for people and programs. The others are for roles of nodes, in the cluster's own account, and
            EKS sets their username and groups. V(EC2) is for custom node classes of EKS Auto Mode.
          - EKS makes those of managed node groups and Fargate profiles by itself.
          - Only counts with O(state=present).
        type: str
        choices: [STANDARD, EC2, EC2_LINUX, EC2_WINDOWS, FARGATE_LINUX, HYBRID_LINUX, HYPERPOD_LINUX]
        default: STANDARD
      username:
        description:
          - Kubernetes username, a text or a whole number. Must not begin with C(system:), C(eks:), C(aws:), C(amazon:)
            or C(iam:).
          - May have the placeholders C({{SessionName}}) and C({{SessionNameRaw}}) after a colon, which Ansible takes
            for its own unless C(!unsafe) stands before them. Others are refused.
          - Where it is not given EKS sets it, to C(arn:aws:sts::ACCOUNT:assumed-role/NAME/{{SessionName}}) for a role
            and to the ARN for a user.
        type: raw
      groups:
        description:
          - Kubernetes groups, texts or whole numbers, in any order, exactly these; may be empty.
          - Must not begin with what usernames must not begin with. So C(system:masters) cannot be given, its rights are
            those of the policy C(AmazonEKSClusterAdminPolicy).
        type: list
        elements: raw
      policies:
        description:
          - Access policies of EKS, exactly these; may be empty. Only with types V(STANDARD) and V(EC2).
        type: list
        elements: dict
        suboptions:
          policy:
            description: Name, such as C(AmazonEKSViewPolicy), or ARN of the access policy.
            type: str
            required: true
          namespaces:
            description:
              - Namespaces in which it counts, exactly these; C(*) in a name stands for any characters. EKS does not
                check whether they exist.
              - Where it is not given the policy counts in the whole cluster. An empty list is refused.
            type: list
            elements: str
      tags:
        description:
          - Tags to set; other tags stay. Keys that begin with C(aws:) or C(ekspress.eks/) are reserved.
        type: dict
      recreate:
        description:
          - Whether the entry may be deleted and made anew, where its type must change or its role or user is another
            one than it was made for. It is not where neither is the case.
          - Whoever it lets in is cut off between the two calls. The caller's own needs O(force) too.
          - O(entries[].username), O(entries[].groups) and O(entries[].policies) must be given if the entry has any, so
            that a run which is ended between the two calls loses nothing.
        type: bool
        default: false
  state:
    description:
      - V(present) makes sure that the listed entries are there as they are listed.
      - V(absent) removes exactly the listed entries, whoever made them; only O(entries[].principal) counts.
    type: str
    choices: [present, absent]
    default: present
  purge:
    description:
      - Whether entries are removed that this module made for the same O(owner) and that are no longer listed. Those of
        others, of EKS, of nodes and of the cluster's creator always stay; RV(unlisted) names those that have an owner.
      - Only with O(state=present), and needs O(entries), which may be empty.
      - Costs one call more for each entry that is not listed.
    type: bool
    default: false
  owner:
    description:
      - For whom entries are made, so that several tasks of one cluster may each have O(purge). Kept in the tag
        C(ekspress.eks/owner) of entries that the module makes. An entry that is there already stays its maker's.
    type: str
    default: access_entries
  authentication_mode:
    description:
      - The authentication mode that the cluster must have. None is changed where this is not given. AWS lets nobody go
        back.
      - V(API_AND_CONFIG_MAP) lets access entries count beside aws-auth.
      - V(API) lets access entries count alone, after they were written. A cluster of mode C(CONFIG_MAP) goes through
        V(API_AND_CONFIG_MAP).
      - The module waits until EKS is done with it, which takes some minutes.
    type: str
    choices: [API_AND_CONFIG_MAP, API]
  check_principals:
    description:
      - Whether IAM is asked if the roles and users exist, and are still those that their entries were made for. Those
        of other accounts never are. Where the permission lacks the module warns.
    type: bool
    default: true
  force:
    description:
      - Whether may be taken away what the cluster depends on.
    type: bool
    default: false
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
      - Plans and checks as the real run does. Where the mode is C(CONFIG_MAP) there are no entries to be read, and
        those are taken to come that EKS makes for node groups and Fargate profiles.
      - A role or user that does not exist is a warning only where it has no entry, as the task before may be the one
        that would create it.
  diff_mode:
    support: full
  idempotent:
    support: full
notes:
  - Changes take a few seconds to count everywhere in EKS.
  - An entry that another makes meanwhile is taken as it is and made as wanted.
seealso:
  - module: ekspress.eks.aws_auth
  - name: EKS access entries
    description: What AWS says of them.
    link: https://docs.aws.amazon.com/eks/latest/userguide/access-entries.html
  - name: Access policies
    description: What each of them allows.
    link: https://docs.aws.amazon.com/eks/latest/userguide/access-policy-permissions.html
author:
  - ekspress.eks contributors (@ekspress)
"""

EXAMPLES = r"""
- name: Administrators, developers and the nodes of Karpenter
  ekspress.eks.access_entries:
    cluster: production-blue
    region: eu-central-1
    entries:
      - principal: arn:aws:iam::123456789012:role/platform-admins
        policies:
          - policy: AmazonEKSClusterAdminPolicy
      - principal: arn:aws:iam::123456789012:role/teams/developers
        username: "developer:{{ '{{SessionName}}' }}"
        groups: [readonly]
        policies:
          - policy: AmazonEKSEditPolicy
            namespaces: [shop, "preview-*"]
      - principal: arn:aws:iam::123456789012:role/production-blue-karpenter-node
        type: EC2_LINUX

- name: Exactly these of ours; an entry that was listed before and is not any more is removed
  ekspress.eks.access_entries:
    cluster: production-blue
    entries: "{{ platform_entries }}"
    purge: true

- name: One role less
  ekspress.eks.access_entries:
    cluster: production-blue
    entries:
      - principal: arn:aws:iam::123456789012:role/teams/developers
    state: absent

- name: Let access entries count beside aws-auth, for good
  ekspress.eks.access_entries:
    cluster: production-blue
    authentication_mode: API_AND_CONFIG_MAP
"""

RETURN = r"""
changes:
  description: What was changed, one text for each call; in check mode, what would be.
  returned: success, or when entries failed to be written
  type: list
  elements: str
  sample: ["arn:aws:iam::123456789012:role/platform-admins: create (STANDARD)"]
entries:
  description: The listed entries, in their order, and then those that were purged.
  returned: success, or when entries failed to be written
  type: list
  elements: dict
  contains:
    principal:
      description: ARN of the role or user.
      type: str
      sample: arn:aws:iam::123456789012:role/platform-admins
    state:
      description:
        - C(unchanged), C(created), C(updated), C(recreated), C(removed), C(absent) where there was none to remove, or
          C(failed).
      type: str
      sample: created
    changes:
      description: What was changed, one text for each call that changed something; what would be, in check mode.
      type: list
      elements: str
      sample: ["create (STANDARD)", "policy AmazonEKSClusterAdminPolicy in the whole cluster"]
    purged:
      description: Whether it was removed because it is no longer listed.
      type: bool
      sample: false
    error:
      description: Why the entry failed.
      returned: when the state is C(failed)
      type: str
unlisted:
  description:
    - With O(purge), the entries with a tag of this module that are not listed and stay, as they were made for another
      O(owner) or are of nodes. Those of other owners are a warning as well, as whoever they let in has access still.
    - Empty where O(purge) is not set.
  returned: success, or when entries failed to be written
  type: list
  elements: dict
  contains:
    principal:
      description: ARN of the role or user.
      type: str
      sample: arn:aws:iam::123456789012:role/teams/developers
    owner:
      description: For whom the entry was made.
      type: str
      sample: migrate_access
authentication_mode:
  description: The authentication mode of the cluster at the end; in check mode, what it would be.
  returned: success, or when entries failed to be written
  type: str
  sample: API_AND_CONFIG_MAP
reasons:
  description: Why nothing is changed, one text for each reason; all of them are in the message too.
  returned: where O(force) is needed, or an entry cannot be as it is asked for
  type: list
  elements: str
  sample: []
"""

from ansible_collections.ekspress.eks.plugins.module_utils._access_entries import LOGIC
from ansible_collections.ekspress.eks.plugins.module_utils._runner import run_module


def main() -> None:
    """Run the module."""
    run_module(LOGIC)


if __name__ == "__main__":
    main()
