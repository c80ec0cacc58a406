#!/usr/bin/python
# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: kubeconfig
short_description: A kubeconfig for people, for clusters and for the active cluster of an environment
version_added: 1.0.0
description:
  - Merges contexts into a kubeconfig. Each cluster has one that leads to its own API endpoint. Clusters with the same
    O(clusters[].stable_name) have one more, which leads to that name, and so to whichever of them is active.
  - TLS is always verified. The certificates of EKS do not have the stable name, so the client asks for
    O(tls_server_name), which all of them have, and trusts the CAs of the environment's clusters together.
  - The file holds no secret. Tokens are made by the exec credential program of this collection, C(ekspress_credential),
    which the role P(ekspress.eks.kubeconfig#role) installs.
  - A cluster, a user and a context of the same name are written for each context. They are known as this collection's
    by an extension with the name C(ekspress.eks). What else is in the file stays, with its values as they are written,
    though comments are lost by a change. Entries of the same names that this collection did not write are refused,
    unless O(overwrite) says otherwise.
  - In an entry of this collection a namespace, a proxy and other fields that a user added stay. The user's entry is
    replaced whole, and fields of the cluster's that would weaken TLS are removed.
  - The file is replaced in one step, and belongs to its owner alone (mode 0600). Where somebody else changed it
    meanwhile it is read and merged again, three times in all.
  - Costs one C(eks:DescribeCluster) for each cluster, all of them side by side. Nothing is written unless all succeed.
options:
  path:
    description:
      - Path of the kubeconfig. It is made where it does not exist, its directory too. A link to it stays a link.
    type: path
    required: true
  clusters:
    description:
      - The clusters.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description:
          - Name of the EKS cluster.
        type: str
        required: true
      context:
        description:
          - Name of its context. The cluster's name, where left out.
        type: str
      stable_name:
        description:
          - The stable name of its environment, as M(ekspress.eks.active_cluster) keeps it, and of the environment's
            context. List all clusters of the environment, as the context trusts and leads to these alone.
        type: str
      region:
        description:
          - Region of the cluster. The task's, where left out.
        type: str
      profile:
        description:
          - AWS profile to read the cluster with. The task's credentials, where left out.
        type: str
      assume_role_arn:
        description:
          - ARN of an IAM role to read the cluster with. The task's, where left out.
        type: str
      assume_role_external_id:
        description:
          - External ID that the trust policy of that role asks for.
        type: str
  context_suffix:
    description:
      - What is added to the name of every context, so that one file can have contexts of several roles, such as
        V(-admin).
    type: str
    default: ""
  current_context:
    description:
      - Context to make the current one. It stays as it is, where left out.
    type: str
  exec_command:
    description:
      - The exec credential program as clients start it, and arguments to come first. A relative path with a slash
        counts from the kubeconfig's directory. Needed with O(state=present).
    type: list
    elements: str
  exec_profile:
    description:
      - AWS profile that the program uses. Without it the credentials count that people have in their environment.
    type: str
  exec_role_arn:
    description:
      - ARN of the IAM role that the program assumes.
    type: str
  exec_session_name:
    description:
      - Name of the role's session. The login name of whoever runs the program, where left out, so that the audit log
        tells people of one role apart.
    type: str
  exec_external_id:
    description:
      - External ID that the trust policy of O(exec_role_arn) asks for.
    type: str
  tls_server_name:
    description:
      - Name that the API's certificate must have where the stable name is used. The API's certificate of every EKS
        cluster has V(kubernetes.default.svc), by which pods reach it.
    type: str
    default: kubernetes.default.svc
  overwrite:
    description:
      - Whether to replace entries of the contexts' names that this collection did not write.
    type: bool
    default: false
  backup:
    description:
      - Whether to keep the file that is replaced, beside it, with the time in its name.
    type: bool
    default: true
  state:
    description:
      - V(absent) removes the contexts with their clusters and users, where this collection wrote them. The clusters are
        not read.
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
    details: Shows the task's own contexts, with fingerprints in the place of certificates, and nothing of others.
  idempotent:
    support: full
seealso:
  - module: ekspress.eks.active_cluster
  - name: Organizing cluster access using kubeconfig files
    description: How clients read them.
    link: https://kubernetes.io/docs/concepts/configuration/organize-cluster-access-kubeconfig/
author:
  - ekspress.eks contributors (@ekspress)
"""

EXAMPLES = r"""
- name: Write a kubeconfig for developers, with a context that follows the active cluster
  ekspress.eks.kubeconfig:
    path: /srv/kubeconfig/developers/config
    clusters:
      - name: production-blue
        stable_name: api.production.example.com
      - name: production-green
        stable_name: api.production.example.com
    region: eu-central-1
    exec_command: [./ekspress_credential]
    exec_role_arn: arn:aws:iam::111111111111:role/k8sreadonly

- name: Add contexts of another role to the same file
  ekspress.eks.kubeconfig:
    path: ~/.kube/config
    clusters:
      - name: production-blue
    region: eu-central-1
    context_suffix: -admin
    exec_command: [/usr/local/bin/ekspress_credential]
    exec_role_arn: arn:aws:iam::111111111111:role/k8sadmin
"""

RETURN = r"""
kubeconfig:
  description: Path of the file, links followed.
  returned: success
  type: str
  sample: /home/alice/.kube/config
contexts:
  description: The task's contexts, first those of clusters, then those of stable names.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: Name of the context.
      type: str
      sample: production-blue
    state:
      description: V(created), V(changed), V(unchanged) or V(removed).
      type: str
      sample: created
current_context:
  description: The current context after the task; empty where there is none.
  returned: success
  type: str
  sample: production-blue
backup_file:
  description: Path of the file that was kept.
  returned: when one was kept
  type: str
  sample: /home/alice/.kube/config.2026-01-31T12-00-00.4711~
error:
  description: The C(code) and C(message) of AWS's refusal and the C(action) that was refused.
  returned: when AWS refused a call
  type: dict
"""

from ansible_collections.ekspress.eks.plugins.module_utils._kubeconfig import LOGIC
from ansible_collections.ekspress.eks.plugins.module_utils._runner import run_module


def main() -> None:
    run_module(LOGIC)


if __name__ == "__main__":
    main()
