#!/usr/bin/python
# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: oidc_provider
short_description: The IAM OIDC provider of an EKS cluster
version_added: 1.0.0
description:
  - Makes IAM trust the tokens that an EKS cluster gives its service accounts (IAM roles for service accounts), by an
    OIDC provider for the cluster's issuer.
  - Adopts a provider that exists, adds what is missing and leaves the rest alone; removes only what it is asked to.
  - Finds the provider by its ARN, which partition, account and issuer make up, without listing. An unchanged run is
    two reads, C(DescribeCluster) and C(GetOpenIDConnectProvider); with O(issuer), C(GetCallerIdentity) stands in the
    first's place.
  - Two runs at once lose nothing of each other, because audiences and tags are added and removed one by one, and a
    provider that another run created meanwhile is merged with. O(thumbprints) are the exception; IAM replaces them all.
  - Needs the permissions C(eks:DescribeCluster) (with O(cluster)), C(iam:GetOpenIDConnectProvider), and, for what is to
    be done, C(iam:CreateOpenIDConnectProvider), C(iam:AddClientIDToOpenIDConnectProvider),
    C(iam:RemoveClientIDFromOpenIDConnectProvider), C(iam:UpdateOpenIDConnectProviderThumbprint),
    C(iam:TagOpenIDConnectProvider), C(iam:UntagOpenIDConnectProvider), C(iam:ListRoles) and
    C(iam:DeleteOpenIDConnectProvider).
options:
  cluster:
    description:
      - Name of the EKS cluster whose issuer the provider is for. Exactly one of O(cluster) and O(issuer) is required.
      - The cluster must be C(ACTIVE) or C(UPDATING) for O(state=present).
    type: str
    aliases: [cluster_name]
  issuer:
    description:
      - URL of the issuer, of a cluster that is deleted or in another account, or of another identity provider.
      - Starts with C(https://), holds no port or query, and has at most 255 characters.
    type: str
  state:
    description:
      - V(present) creates the provider or merges into it. V(absent) deletes it; the other options do not count then.
    type: str
    choices: [present, absent]
    default: present
  audiences:
    description:
      - Audiences (client IDs) that tokens may have, at most 100 of 1 to 255 characters. Missing ones are added.
      - EKS needs C(sts.amazonaws.com), in every partition.
    type: list
    elements: str
    default: [sts.amazonaws.com]
  purge_audiences:
    description:
      - Whether to remove audiences that are not in O(audiences).
    type: bool
    default: false
  thumbprints:
    description:
      - SHA-1 hashes of the issuer's CA certificates, 40 hexadecimal digits each, 1 to 5. They replace those there are.
      - Leave it out for EKS. AWS checks its issuers against its own list of trusted CAs, and takes a thumbprint by
        itself when it creates the provider.
    type: list
    elements: str
  tags:
    description:
      - Tags to set, at most 50; other tags stay. Nothing is done about tags where it is left out.
    type: dict
    aliases: [resource_tags]
  purge_tags:
    description:
      - Whether to remove tags that are not in O(tags). Tags that AWS set (C(aws:)) always stay.
    type: bool
    default: false
  force:
    description:
      - With O(state=absent), delete the provider also if IAM roles of the account still trust it; whoever assumes them
        by it is shut out then. Saves the listing of the roles.
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
  - IAM has no version to lock on, so a role that starts to trust the provider between the listing and the deletion is
    not seen.
  - Reads of IAM lag behind its writes by some seconds. A provider that exists and is not shown yet is waited for, up to
    24 seconds.
seealso:
  - name: Create an IAM OIDC provider for your cluster
    description: The EKS user guide.
    link: https://docs.aws.amazon.com/eks/latest/userguide/enable-iam-roles-for-service-accounts.html
  - name: CreateOpenIDConnectProvider
    description: The IAM API's reference, with the limits.
    link: https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateOpenIDConnectProvider.html
author:
  - ekspress.eks contributors (@ekspress)
"""

EXAMPLES = r"""
- name: Let service accounts of the cluster assume IAM roles
  ekspress.eks.oidc_provider:
    cluster: production-blue
    region: eu-central-1
    tags:
      environment: production

- name: Let exactly one more audience in
  ekspress.eks.oidc_provider:
    cluster: production-blue
    region: eu-central-1
    audiences: [sts.amazonaws.com, vault]
    purge_audiences: true

- name: Remove the provider of a cluster that is deleted, once no role trusts it any more
  ekspress.eks.oidc_provider:
    issuer: https://oidc.eks.eu-central-1.amazonaws.com/id/EXAMPLED539D4633E53DE1B71EXAMPLE
    region: eu-central-1
    state: absent
"""

RETURN = r"""
arn:
  description: ARN of the provider, also of one that was deleted.
  returned: success
  type: str
  sample: arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-central-1.amazonaws.com/id/EXAMPLED539D4633E53DE1B71
issuer:
  description: URL of the issuer.
  returned: success
  type: str
  sample: https://oidc.eks.eu-central-1.amazonaws.com/id/EXAMPLED539D4633E53DE1B71EXAMPLE
audiences:
  description: Audiences of the provider, sorted; empty for O(state=absent).
  returned: success
  type: list
  elements: str
  sample: [sts.amazonaws.com]
thumbprints:
  description:
    - Thumbprints of the provider, lower case, sorted; empty for O(state=absent).
    - Those that AWS took by itself are not shown by the run that creates the provider, which does not read it again.
  returned: success
  type: list
  elements: str
tags:
  description: Tags of the provider; empty for O(state=absent).
  returned: success
  type: dict
  sample: {environment: production}
trusted_by:
  description: ARNs of the IAM roles whose trust policies still name the provider.
  returned: when it is not deleted for that reason
  type: list
  elements: str
error:
  description: The C(code) and C(message) of AWS's refusal and the C(action) that was refused.
  returned: when AWS refused a call
  type: dict
"""

from ansible_collections.ekspress.eks.plugins.module_utils._oidc_provider import LOGIC
from ansible_collections.ekspress.eks.plugins.module_utils._runner import run_module


def main() -> None:
    run_module(LOGIC)


if __name__ == "__main__":
    main()
