#!/usr/bin/python
# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: oidc_trust_policy
short_description: Service accounts of EKS clusters in the trust policy of an IAM role
version_added: 1.0.0
description:
  - Lets Kubernetes service accounts of one or more EKS clusters assume an IAM role that exists (IRSA), or takes them
    out again, by merging statements into the role's trust policy.
  - The ARN of the OIDC provider and both condition keys of a statement follow from the one issuer. The audience is
    C(sts.amazonaws.com), in every partition. Exact names are matched with C(StringEquals), names with wildcards with
    C(StringLike).
  - Statements that are another cluster's or issuer's, that are of any other shape or that have further conditions stay
    as they are, in their order and with their Sids.
  - What IAM would refuse is refused before anything is written, in check mode too. That is a trust policy over the
    quota, and one of which any statement names a role or user that was deleted.
  - Statements of EKS issuers whose OIDC provider no longer exists are reported, and removed with O(prune_orphans).
    Statements of other issuers, such as a CI system's, and those that name anybody else too, never are.
  - Costs one read where nothing is to be changed and O(issuers) is given, and one C(eks:DescribeCluster) more for each
    of O(clusters). One C(iam:ListOpenIDConnectProviders) is added where the trust policy has statements of further EKS
    issuers.
  - Before service accounts are added, the module makes sure that the issuer's OIDC provider exists with the audience
    C(sts.amazonaws.com), and fails otherwise; in check mode it warns, as the task before may be the one to make it.
  - Needs the permissions C(iam:GetRole), C(iam:UpdateAssumeRolePolicy), C(iam:GetOpenIDConnectProvider), with
    O(clusters) C(eks:DescribeCluster), and C(iam:ListOpenIDConnectProviders); without the last, it warns that it cannot
    find orphans.
options:
  role:
    description:
      - Name or ARN of the IAM role. An ARN must be of the region's partition and of the credentials' account.
      - The role is never created; M(ekspress.eks.irsa_roles) does that. With O(state=absent) it need not exist.
    type: str
    required: true
  clusters:
    description:
      - Names of EKS clusters; the issuers are read from them. At least one of O(clusters) and O(issuers) is required.
      - The clusters must be C(ACTIVE) or C(UPDATING) for O(state=present).
    type: list
    elements: str
    aliases: [cluster]
  issuers:
    description:
      - URLs of OIDC issuers, of clusters that are deleted or in another account, such as
        C(https://oidc.eks.eu-central-1.amazonaws.com/id/EXAMPLED539D4633E53DE1B71EXAMPLE).
      - Their OIDC providers are in the account of the role.
    type: list
    elements: str
    aliases: [issuer]
  service_accounts:
    description:
      - The service accounts, each as C(NAMESPACE:NAME), of every one of O(clusters) and O(issuers). C(*) and C(?) are
        wildcards.
      - Required for O(state=present). Where it is not given with O(state=absent), all of these issuers are taken out.
    type: list
    elements: str
  state:
    description:
      - V(present) lets the service accounts in. V(absent) takes them out, each as it is written in the trust policy (a
        wildcard there that lets one in too, stays).
      - IAM takes no trust policy without statements. V(absent) fails where none would be left; remove the role then.
    type: str
    choices: [present, absent]
    default: present
  purge_service_accounts:
    description:
      - Whether with O(state=present) other service accounts of the same issuers lose the trust of the role, if they
        have it by a statement without further conditions. Those of other issuers always stay.
    type: bool
    default: false
  prune_orphans:
    description:
      - Whether to remove the statements that RV(orphans) reports. Each provider is asked for once more right before the
        write, for a list of providers may be older than a provider.
    type: bool
    default: false
  max_length:
    description:
      - Characters that the trust policy may have, white space not counted. AWS's default is 2048; an account may have a
        quota of up to 4096. The module fails before it writes where the trust policy would grow beyond.
    type: int
    default: 2048
  settle:
    description:
      - Seconds, from 0 to 60, for which a trust policy that was written is watched, so that another writer's document
        that undoes it is found, merged with and written again, or reported. See the notes.
      - V(0) writes without looking again.
    type: int
    default: 7
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
  - IAM has no version to lock a trust policy on, every write replaces the whole document, and reads may lag behind
    writes by seconds. So the module reads, merges, writes, and then reads again until its write shows, O(settle)
    seconds have passed, and nobody else has changed the trust policy for about half of them. A document of another that
    lacks what was written is merged with, and written again, at most 16 times within 5 minutes; then the module fails
    and says so.
  - The default of O(settle) is enough where reads lag by up to 3 seconds, among writers that merge and watch as this
    module does. Whatever number of runs at once then loses nothing, on one machine or on several; runs of one user on
    one machine take turns by a lock in the temporary directory, which saves them repairs.
  - This is no lock. A writer that was held up for longer than O(settle) between its read and its write, or that writes
    a whole document of its own in the last seconds before this module ends, still undoes what was written, and nobody
    can tell before the next run. A change that such a writer makes at the same moment can be undone by this module.
    Do not let two tools own one trust policy.
seealso:
  - module: ekspress.eks.irsa_roles
  - module: ekspress.eks.oidc_provider
  - name: IAM roles for service accounts
    description: How IRSA works.
    link: https://docs.aws.amazon.com/eks/latest/userguide/iam-roles-for-service-accounts.html
  - name: EKS Pod Identity
    description: Trust policies that need no change for a further cluster.
    link: https://docs.aws.amazon.com/eks/latest/userguide/pod-identities.html
  - name: IAM and STS quotas
    description: Lengths and numbers that IAM allows.
    link: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
author:
  - ekspress.eks contributors (@ekspress)
"""

EXAMPLES = r"""
- name: Let Vault of both clusters use the role
  ekspress.eks.oidc_trust_policy:
    role: production-vault
    clusters: [production-blue, production-green]
    service_accounts: ["vault:vault"]
    region: eu-central-1

- name: Take the blue cluster, which is already deleted, out of the role, and what other deleted clusters left in it
  ekspress.eks.oidc_trust_policy:
    role: arn:aws:iam::111122223333:role/platform/production-vault
    issuers: ["https://oidc.eks.eu-central-1.amazonaws.com/id/EXAMPLED539D4633E53DE1B71EXAMPLE"]
    state: absent
    prune_orphans: true
    region: eu-central-1

- name: Let every service account of the team's namespaces in, and nobody else of this cluster
  ekspress.eks.oidc_trust_policy:
    role: team-reports
    cluster: production-green
    service_accounts: ["team-*:reports"]
    purge_service_accounts: true
    region: eu-central-1
"""

RETURN = r"""
role:
  description: The role.
  returned: success
  type: dict
  contains:
    name:
      description: Its name.
      type: str
      sample: production-vault
    arn:
      description: Its ARN.
      type: str
      sample: arn:aws:iam::111122223333:role/production-vault
added:
  description: What was added; what would be, in check mode.
  returned: success
  type: list
  elements: dict
  contains:
    issuer:
      description: URL of the issuer.
      type: str
      sample: https://oidc.eks.eu-central-1.amazonaws.com/id/EXAMPLED539D4633E53DE1B71EXAMPLE
    service_account:
      description: The service account as NAMESPACE:NAME; where it is no service account's, the subject.
      type: str
      sample: vault:vault
removed:
  description: What was removed; what would be, in check mode. Entries as in RV(added).
  returned: success
  type: list
  elements: dict
  sample: []
unlisted:
  description:
    - What these issuers are trusted for by statements without further conditions, was not listed, and stays. Entries as
      in RV(added).
  returned: success
  type: list
  elements: dict
  sample: []
orphans:
  description:
    - OIDC providers of EKS clusters that the trust policy names and that IAM does not list any more, with the
      statements in which nobody else is named.
  returned: success
  type: list
  elements: dict
  contains:
    provider_arn:
      description: ARN of the provider.
      type: str
      sample: arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-central-1.amazonaws.com/id/EXAMPLE
    sids:
      description: Sids of the statements, of those that have one.
      type: list
      elements: str
      sample: []
    statements:
      description: Positions of the statements in the trust policy as it was before, counted from 1.
      type: list
      elements: int
      sample: [3]
    removed:
      description: Whether the statements were removed; whether they would be, in check mode.
      type: bool
      sample: false
size:
  description: Characters of the trust policy after the change, white space not counted.
  returned: success
  type: int
  sample: 812
max_length:
  description: Characters that it may have.
  returned: success
  type: int
  sample: 2048
attempts:
  description:
    - How often the trust policy was written. More than 1 means that others wrote it at the same time and that this was
      repaired; 0 in check mode and where nothing was to be changed.
  returned: success
  type: int
  sample: 1
"""

from ansible_collections.ekspress.eks.plugins.module_utils._oidc_trust_policy import LOGIC
from ansible_collections.ekspress.eks.plugins.module_utils._runner import run_module


def main() -> None:
    run_module(LOGIC)


if __name__ == "__main__":
    main()
