#!/usr/bin/python
# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: aws_auth
short_description: Who may enter an EKS cluster, merged into the ConfigMap aws-auth
version_added: 1.0.0
description:
  - Merges IAM roles, IAM users and AWS accounts into the ConfigMap C(kube-system/aws-auth), by which EKS maps them to
    Kubernetes usernames and groups. Creates it where there is none.
  - The ConfigMap has other owners, such as EKS with the roles of node groups. What is not an entry of the task stays
    byte for byte as it is, comments, order and quotes included. An option that is not given leaves its part alone.
  - Entries are matched by their ARN as EKS matches them, whatever its case. EKS never matches a role by an ARN with a
    path, and silently ignores an entry that has one, so the path of a role is left out; that of a user is kept. The ARN
    of an assumed role's session is taken for the role's.
  - Where an ARN has several entries the last one counts, and only that one is changed. RV(duplicates) names them,
    O(collapse_duplicates) removes the others.
  - Refuses to drop an entry on which the cluster depends (removing it, taking the group in question, or, of nodes,
    changing the username), unless O(force) says so. These are an entry with the group C(system:nodes) (EKS, Karpenter,
    self-managed and hybrid nodes join by it), the role of a Fargate profile, the entry of the caller, and the last
    entry with C(system:masters). The caller and the Fargate profiles are looked up only where the task would change or
    drop an entry.
  - Entries that the module creates or changes are remembered in the annotation C(ekspress.eks/entries) of the
    ConfigMap, so that O(purge) removes those that are no longer listed, and none of others.
  - What is replaced is first kept in an immutable ConfigMap beside it, C(aws-auth-backup-VERSION), with the label
    C(ekspress.eks/backup-of=aws-auth). O(state=restored) brings one back, also where the live text can no longer be
    read or the ConfigMap is gone.
  - Writes only the version that it read. Where somebody else wrote in between, it reads, merges and tries again, a
    limited number of times. Any number of tasks and people may change the ConfigMap at once.
  - Live text that is no valid YAML, or no list, is never written over. The task fails and says what is wrong.
  - Costs one read where nothing changes, and C(eks:DescribeCluster) where O(cluster) is given.
  - Needs, in the namespace C(kube-system), the permissions C(get), C(create), C(update), C(list) and C(delete) for
    ConfigMaps, of which C(get) is enough where nothing changes. With O(cluster) it needs C(eks:DescribeCluster), and
    where it would drop a role also C(eks:ListFargateProfiles) and C(eks:DescribeFargateProfile).
  - Before Kubernetes 1.28 the API does not tell who calls it; C(sts:GetCallerIdentity) does where O(cluster) is given.
options:
  cluster:
    description:
      - Name of the EKS cluster, 1 to 100 letters, digits, hyphens and underscores.
      - One of O(cluster), O(kubeconfig) and O(host) is needed. Beside O(cluster), only O(proxy), O(impersonate_user)
        and O(impersonate_groups) of the Kubernetes options count.
      - Only with O(cluster) are the authentication mode (V(API) is refused, as EKS does not read aws-auth in it), the
        partition of the ARNs and the Fargate profiles checked.
    type: str
    aliases: [cluster_name]
  roles:
    description:
      - Entries of C(mapRoles). Others stay.
    type: list
    elements: dict
    suboptions:
      arn:
        description:
          - ARN of the IAM role.
        type: str
        required: true
        aliases: [rolearn]
      username:
        description:
          - Kubernetes username; may have the placeholders of EKS, such as C({{EC2PrivateDNSName}}) and
            C({{SessionName}}), which Ansible takes for its own unless C(!unsafe) stands before them. Others are
            refused. Needed with O(state=present).
          - A text, or a whole number.
        type: raw
      groups:
        description:
          - Kubernetes groups, texts or whole numbers, in any order; may be empty. Needed with O(state=present).
        type: list
        elements: raw
  users:
    description:
      - Entries of C(mapUsers). Others stay.
    type: list
    elements: dict
    suboptions:
      arn:
        description:
          - ARN of the IAM user.
        type: str
        required: true
        aliases: [userarn]
      username:
        description:
          - Kubernetes username, a text or a whole number. Needed with O(state=present).
        type: raw
      groups:
        description:
          - Kubernetes groups, texts or whole numbers, in any order; may be empty. Needed with O(state=present).
        type: list
        elements: raw
  accounts:
    description:
      - Entries of C(mapAccounts), AWS account ids of 12 digits, as strings. Others stay.
      - Every user and role of such an account gets in, with its ARN as username and without groups.
    type: list
    elements: str
  state:
    description:
      - V(present) makes sure that the listed entries are there with their username and groups. Other keys of an entry
        are kept.
      - V(absent) removes exactly the listed entries, all of an ARN that has several; only the ARN counts.
      - V(restored) brings the C(data) of a backup back, and what it says of the entries that are this module's. Labels
        and other annotations stay as they are.
    type: str
    choices: [present, absent, restored]
    default: present
  purge:
    description:
      - Whether entries are removed that this module wrote earlier and that are no longer listed. Only in the options
        that are given; an empty list removes all of its kind.
      - An entry that somebody else has changed since then stays, and is named in RV(unlisted).
      - Only with O(state=present).
    type: bool
    default: false
  force:
    description:
      - Whether entries may be dropped on which the cluster depends.
    type: bool
    default: false
  collapse_duplicates:
    description:
      - Whether of entries with the same ARN all but the last, which is the one that counts, are removed, in the options
        that are given. Groups are never added together.
    type: bool
    default: false
  backup:
    description:
      - Name of the backup that O(state=restored) brings back; by default the newest one that was not itself made by
        O(state=restored), so that a second run changes nothing.
    type: str
  backups:
    description:
      - How many backups are kept, at least 1. Older ones are deleted after a change, but never the one that was brought
        back.
    type: int
    default: 10
requirements:
  - PyYAML
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - ekspress.eks.aws
  - ekspress.eks.kubernetes
  - ekspress.eks.attributes
attributes:
  check_mode:
    support: full
    details:
      - Plans and checks as the real run does, and sends what it would write as a dry run, so that missing permissions
        and admission webhooks fail here too.
  diff_mode:
    support: full
    details:
      - Shows the texts that change.
  idempotent:
    support: full
author:
  - ekspress.eks contributors (@ekspress)
"""

EXAMPLES = r"""
- name: People and pipelines
  ekspress.eks.aws_auth:
    cluster: production-blue
    region: eu-central-1
    roles:
      - arn: arn:aws:iam::123456789012:role/platform-admins
        username: "platform-admin:{{ '{{SessionName}}' }}"
        groups: [system:masters]
      - arn: arn:aws:iam::123456789012:role/deploy
        username: deploy
        groups: [deployers]
    users:
      - arn: arn:aws:iam::123456789012:user/break-glass
        username: break-glass
        groups: [system:masters]

- name: Exactly these of ours; an entry that was listed before and is not any more is removed
  ekspress.eks.aws_auth:
    cluster: production-blue
    roles: "{{ platform_roles }}"
    purge: true

- name: One role less
  ekspress.eks.aws_auth:
    cluster: production-blue
    roles:
      - arn: arn:aws:iam::123456789012:role/deploy
    state: absent

- name: Remove all but the entry that counts, where a role has several
  ekspress.eks.aws_auth:
    cluster: production-blue
    roles: []
    collapse_duplicates: true

- name: Undo the last change
  ekspress.eks.aws_auth:
    cluster: production-blue
    state: restored
"""

RETURN = r"""
changes:
  description:
    - What was changed, in order. In check mode, what would be.
  returned: success
  type: list
  elements: str
  sample: ["roles: add arn:aws:iam::123456789012:role/deploy"]
roles:
  description: The entries of C(mapRoles) that were changed.
  returned: success
  type: dict
  contains: &changed
    added:
      description: ARNs (account ids) of new entries.
      type: list
      elements: str
      sample: ["arn:aws:iam::123456789012:role/deploy"]
    changed:
      description: ARNs of entries that got another username or other groups.
      type: list
      elements: str
      sample: []
    removed:
      description: ARNs (account ids) of removed entries.
      type: list
      elements: str
      sample: []
users:
  description: The entries of C(mapUsers) that were changed.
  returned: success
  type: dict
  contains: *changed
accounts:
  description: The entries of C(mapAccounts) that were changed.
  returned: success
  type: dict
  contains: *changed
unlisted:
  description:
    - Entries that this module wrote earlier, that are not listed any more and stay, as O(purge) is not set, somebody
      else has changed them since, or a duplicate would take effect in their place. Only of the options that are given.
  returned: success
  type: list
  elements: str
  sample: ["arn:aws:iam::123456789012:role/former"]
duplicates:
  description:
    - ARNs that have several entries, of which the last one counts.
  returned: success
  type: list
  elements: str
  sample: ["arn:aws:iam::123456789012:role/twice"]
ignored:
  description:
    - ARNs of roles that EKS ignores, as they have a path.
  returned: success
  type: list
  elements: str
  sample: ["arn:aws:iam::123456789012:role/teams/data"]
backup:
  description:
    - Name of the ConfigMap that holds what was replaced. Empty where nothing was, and in check mode.
  returned: success
  type: str
  sample: aws-auth-backup-180143
restored_from:
  description:
    - Name of the backup that O(state=restored) brought back or found to be what is there. Empty with other states.
  returned: success
  type: str
  sample: aws-auth-backup-180143
reasons:
  description:
    - Why entries are not dropped, one text for each; all of them are in the message too.
  returned: where O(force) is needed
  type: list
  elements: str
  sample: []
"""

from ansible_collections.ekspress.eks.plugins.module_utils._aws_auth import LOGIC
from ansible_collections.ekspress.eks.plugins.module_utils._runner import run_module


def main() -> None:
    """Run the module."""
    run_module(LOGIC)


if __name__ == "__main__":
    main()
