#!/usr/bin/python
# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: irsa_roles
short_description: IAM roles for Kubernetes service accounts, any number at once
version_added: 1.0.0
description:
  - Makes and keeps the IAM roles that the service accounts of an EKS cluster may assume (IRSA), read and written
    side by side.
  - The ARN of the OIDC provider and the condition keys of the trust policy follow from the one issuer of the
    cluster. The audience is C(sts.amazonaws.com), in every partition.
  - A role may have other owners. Statements of its trust policy that are another cluster's, another issuer's, or
    that have further conditions stay byte for byte as they are, in their order; inline policies, attached policies
    and tags that are not listed stay too. An option that is not given leaves alone what it stands for.
  - Policies are compared by what they mean, not by how they are written, so that a policy in another form is no
    change.
  - All input is checked, and every role is read and planned, before the first write. A role that fails while being
    written does not stop the others; the task then fails and names each.
  - Costs one read for a role that does not exist, else one, one for each listed inline policy, and one where
    O(roles[].managed_policy_arns) is given; for the task one more (C(eks:DescribeCluster) or
    C(sts:GetCallerIdentity)), and one C(iam:GetOpenIDConnectProvider) where O(roles[].service_accounts) is given.
    All but the first of these are made side by side. Reading a role to be removed takes four. Where an inline policy
    of a role that exists is written, the role's other inline policies are read too, for IAM's quota is one for all.
  - A role that trusts an OIDC provider that is not there gives pods no credentials. So before any trust is written,
    the module makes sure that the issuer's provider exists with the audience C(sts.amazonaws.com), and fails
    otherwise, before the first write; in check mode it warns. It warns too where all roles are as wanted, but the
    provider that they trust is gone.
  - IAM takes no version with a trust policy. So that runs at once for two clusters on one role lose nothing of each
    other, a trust policy that changes is read again just before its write, merged again and watched after it (see
    O(settle)), and that of a role to be removed is read again just before its removal.
  - A trust policy in which another statement names a role or user that was deleted cannot be changed, for IAM refuses
    every document with such a principal. The module fails before it writes, naming the statement.
  - New policies are put on a role before those that are no longer wanted are taken away, so that pods are never
    without a permission, unless one of IAM's quotas leaves no room for both.
  - A new role is created with its trust policy, permissions boundary and tags in one call, before any policy is put
    on it.
  - Needs the permissions C(iam:GetRole), C(iam:GetRolePolicy), C(iam:ListRolePolicies),
    C(iam:GetOpenIDConnectProvider), C(iam:CreateRole), C(iam:TagRole), C(iam:PutRolePolicy) and
    C(iam:UpdateAssumeRolePolicy), C(iam:ListOpenIDConnectProviders) where trust policies have statements of other EKS
    clusters, and as the options ask for it C(iam:ListAttachedRolePolicies), C(iam:AttachRolePolicy),
    C(iam:UpdateRole), C(iam:PutRolePermissionsBoundary), C(iam:DeleteRolePermissionsBoundary),
    C(iam:DeleteRolePolicy), C(iam:DetachRolePolicy), C(iam:UntagRole) and C(iam:ListRoles); to remove roles
    C(iam:ListInstanceProfilesForRole), C(iam:DeleteRole) and, with O(force), C(iam:RemoveRoleFromInstanceProfile).
options:
  cluster:
    description:
      - Name of the EKS cluster whose service accounts the roles trust; issuer and account are read from it.
      - The module fails, naming the clusters that exist, where there is none of this name in the region and account.
    type: str
    aliases: [cluster_name]
  issuer:
    description:
      - URL of the OIDC issuer, in place of O(cluster), such as
        C(https://oidc.eks.eu-central-1.amazonaws.com/id/EXAMPLED539D4633E53DE1B71EXAMPLE).
      - The OIDC provider is taken to be in the account of the task's credentials.
    type: str
  roles:
    description: The roles. None is touched that is not listed.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description:
          - Name of the role, 1 to 64 letters, digits and C(_+=,.@-).
          - Or its path and name, such as C(/platform/external-dns), which is the same as giving O(roles[].path) too.
          - Or its ARN, which must be of the account and partition of the task's credentials.
        type: str
        required: true
      state:
        description:
          - V(present) makes or updates the role.
          - V(absent) detaches its managed policies, deletes all of its inline policies and deletes it, if no one
            else is in its trust policy. Where others are (a second cluster), only the trust in this cluster is taken
            out, the role stays and a warning says so; O(force=true) deletes it.
        type: str
        choices: [present, absent]
        default: present
      path:
        description:
          - Path of the role, such as V(/platform/); V(/) for a new role where it is not given.
          - IAM cannot change a role's path; the module fails where the role exists with another.
        type: str
      service_accounts:
        description:
          - The service accounts that may assume the role, each as C(NAMESPACE:NAME). C(*) and C(?) are wildcards and
            are matched with C(StringLike), all else with C(StringEquals).
          - They are added to those of the same cluster that the role trusts already; see O(purge_service_accounts).
          - Needed for a role that does not exist yet.
        type: list
        elements: str
      policies:
        description:
          - Inline policies, each as name and document. A document is a dictionary or JSON text, with Version.
          - Together they have at most 10,240 characters, white space not counted.
          - A name has 1 to 108 letters, digits and C(_+=.@-). The role's tags C(ekspress.eks/policy/NAME) note which
            inline policies are this module's; see O(purge_policies).
        type: dict
      managed_policy_arns:
        description:
          - ARNs of the managed policies to attach, of AWS or of the role's own account.
          - The role's tags C(ekspress.eks/managed-policy/NAME) note which attachments are this module's; see
            O(purge_policies).
        type: list
        elements: str
      permissions_boundary:
        description: ARN of the managed policy that bounds what the role may do. An empty text removes the boundary.
        type: str
      tags:
        description:
          - Tags to set; other tags stay. A role has at most 50, those that note policies included.
          - Keys that start with C(aws:) or C(ekspress.eks/) are reserved.
        type: dict
      max_session_duration:
        description: Seconds that a session of the role may last at most, 3600 to 43200; 3600 for a new role where it
          is not given.
        type: int
      description:
        description: Description of the role, at most 1000 characters.
        type: str
  purge_policies:
    description:
      - Whether to remove inline policies and attachments that this module made and that are no longer listed. Those
        of others always stay.
      - Counts for a role's inline policies where O(roles[].policies) is given, and for its attachments where
        O(roles[].managed_policy_arns) is given (an empty one removes all that are this module's).
    type: bool
    default: false
  purge_service_accounts:
    description:
      - Whether service accounts of this cluster that are not listed lose the trust of the role, if they have it by a
        statement without further conditions. Those of other clusters always stay.
      - Counts for a role where O(roles[].service_accounts) is given.
    type: bool
    default: false
  prune_orphans:
    description:
      - Whether statements of trust policies go that let in nobody but EKS clusters whose OIDC provider is gone from
        IAM. Statements of other issuers (such as a CI system's), and those with any other principal, always stay.
      - Counts for a role where O(roles[].service_accounts) is given, and for a role to be removed, which then is not
        kept for the sake of such statements.
      - That a provider is gone is made sure of right before the write.
    type: bool
    default: false
  settle:
    description:
      - Seconds, from 0 to 60, for which a trust policy is watched after it was written. A write of ours that another
        run overwrites in that time is found, merged again and redone, or reported. V(0) writes without looking again.
      - The default is for reads of IAM that lag behind its writes by up to 3 seconds. Sixteen roles are watched at a
        time; it costs nothing where no trust policy of a role that exists changes.
    type: int
    default: 7
  report_unlisted_roles:
    description:
      - Whether to look for roles that let service accounts of this cluster in and are not in O(roles), such as those
        of service accounts that are no longer in the inventory; see RV(unlisted_roles). They are never touched.
      - Give all roles of the cluster in one task then, those with O(roles[].state=absent) included.
      - Costs one paginated C(iam:ListRoles), a call for each 1000 roles of the account, beside the other reads.
    type: bool
    default: false
  max_trust_policy_length:
    description:
      - Characters that a trust policy may have, white space not counted. AWS's default is 2048; an account may have
        a quota of up to 4096. The module fails before it writes where a policy would grow beyond.
    type: int
    default: 2048
  max_managed_policies:
    description:
      - Managed policies that a role may have attached, those of others included. AWS's default is 10; an account may
        have a quota of up to 25. The module fails before it writes where a role would get more.
    type: int
    default: 10
  force:
    description:
      - Whether to delete a role with O(roles[].state=absent) though others trust it or instance profiles have it.
    type: bool
    default: false
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
  - IAM has no version to lock a trust policy on, so watching after the write is all that can be done. A writer that
    is held up for longer than O(settle) between its read and its write still wins, and the next run puts it right.
  - IAM is eventually consistent. What was just created is written on after IAM knows it, for up to 11 seconds.
    An OIDC provider, or its audience, that does not show is asked for again for as long.
  - Make the OIDC provider first, with M(ekspress.eks.oidc_provider) or the role C(ekspress.eks.identity). In check
    mode a provider that is not there is a warning only, as the task before may be the one that would create it.
    Roles that are unchanged or removed are not held up by it either.
  - A role that another deletes while it is written fails; the next run makes it anew. One that another creates first
    is taken as it is.
seealso:
  - module: ekspress.eks.oidc_provider
  - name: IAM roles for service accounts
    description: How IRSA works.
    link: https://docs.aws.amazon.com/eks/latest/userguide/iam-roles-for-service-accounts.html
  - name: IAM and STS quotas
    description: Lengths and numbers that IAM allows.
    link: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
author:
  - ekspress.eks contributors (@ekspress)
"""

EXAMPLES = r"""
- name: Give two controllers their AWS permissions
  ekspress.eks.irsa_roles:
    cluster: production-blue
    region: eu-central-1
    purge_policies: true
    roles:
      - name: production-blue-external-dns
        description: ExternalDNS of production-blue
        service_accounts: ["external-dns:external-dns"]
        permissions_boundary: arn:aws:iam::111122223333:policy/platform-boundary
        policies:
          zones: "{{ lookup('ansible.builtin.template', 'external_dns.json.j2') | from_json }}"
        tags:
          team: platform
      - name: production-blue-cloudwatch
        path: /platform/
        service_accounts: ["amazon-cloudwatch:cloudwatch-agent"]
        managed_policy_arns: ["arn:aws:iam::aws:policy/CloudWatchAgentServerPolicy"]

- name: Find roles of service accounts that are no longer in the inventory
  ekspress.eks.irsa_roles:
    cluster: production-blue
    region: eu-central-1
    report_unlisted_roles: true
    roles: "{{ identities }}"
  register: identity

- name: Let the green cluster's service account assume the role that the blue one uses too
  ekspress.eks.irsa_roles:
    cluster: production-green
    region: eu-central-1
    roles:
      - name: production-vault
        service_accounts: ["vault:vault"]

- name: Take the blue cluster out of it (the role stays, for the green cluster trusts it)
  ekspress.eks.irsa_roles:
    cluster: production-blue
    region: eu-central-1
    roles:
      - name: production-vault
        state: absent
"""

RETURN = r"""
roles:
  description: The roles, in the order in which they are listed. Returned too where some failed while being written.
  returned: success, or when roles failed to be written
  type: list
  elements: dict
  contains:
    name:
      description: Name of the role.
      type: str
      sample: production-vault
    arn:
      description: ARN of the role; in check mode, and of a role that is not there, the one that it would have.
      type: str
      sample: arn:aws:iam::111122223333:role/production-vault
    state:
      description: C(unchanged), C(created), C(updated), C(removed), or C(failed) for a role whose writes failed.
      type: str
      sample: updated
    changes:
      description: What was changed, one text for each call that changed something, in their order; what would be, in
        check mode.
      type: list
      elements: str
      sample: ["policy kms: put", "trust policy: add system:serviceaccount:vault:vault"]
    unlisted:
      description:
        - What is this cluster's or this module's on the role and not listed, and stays because its purge option is
          off.
        - Has the keys C(service_accounts), C(policies) and C(managed_policies) where there are such.
      type: dict
      sample: {service_accounts: ["vault:old"]}
    orphans:
      description:
        - OIDC providers of EKS clusters that the role trusts and that IAM no longer has, as they were before this
          run; see O(prune_orphans).
        - Empty where C(iam:ListOpenIDConnectProviders) is denied, which a warning says.
      type: list
      elements: dict
      contains:
        provider_arn:
          description: ARN of the provider.
          type: str
        sids:
          description: Sids of the statements that name nobody else, as far as they have one.
          type: list
          elements: str
        statements:
          description: Their positions in the trust policy, counted from 1.
          type: list
          elements: int
        removed:
          description: Whether this run takes them out.
          type: bool
    error:
      description: Why the role failed.
      returned: when the state is C(failed)
      type: str
unlisted_roles:
  description:
    - Roles that let service accounts of this cluster in, by a statement without further conditions, and that are not
      in O(roles). Nothing is done about them.
    - To remove one, give it with O(roles[].state=absent).
  returned: when O(report_unlisted_roles) is true
  type: list
  elements: dict
  contains:
    name:
      description: Name of the role.
      type: str
      sample: production-blue-old
    arn:
      description: ARN of the role.
      type: str
      sample: arn:aws:iam::111122223333:role/production-blue-old
    service_accounts:
      description: The service accounts of this cluster that it lets in.
      type: list
      elements: str
      sample: ["default:old"]
"""

from ansible_collections.ekspress.eks.plugins.module_utils._irsa_roles import LOGIC
from ansible_collections.ekspress.eks.plugins.module_utils._runner import run_module


def main() -> None:
    run_module(LOGIC)


if __name__ == "__main__":
    main()
