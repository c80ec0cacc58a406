# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
name: token
author: [ekspress.eks contributors (@ekspress)]
version_added: 1.0.0
short_description: Bearer token for an EKS cluster
description:
  - Gives a token by which the Kubernetes API of an EKS cluster knows the AWS identity of the options, as
    C(aws eks get-token) does.
  - The token is signed in process, without the aws program and without a call of AWS, but for one of sts:AssumeRole
    with O(assume_role_arn).
  - It is valid for 15 minutes. Used in C(module_defaults), it is minted anew for each task, so that a run may last
    longer.
notes:
  - Lookups run on the controller and do not see a task's C(environment); give profile and role as options.
  - The token is a secret. Tasks that print their arguments need C(no_log). So do those of kubernetes.core where the API
    may be out of reach, as they then show their arguments as they are (6.2.0). A kubeconfig of the role
    P(ekspress.eks.kubeconfig#role) needs no token among the arguments.
  - The role P(ekspress.eks.cluster#role) has the options of this lookup for its host in C(cluster_connection).
requirements:
  - boto3 >= 1.35
options:
  _terms:
    description: Names of EKS clusters.
    type: list
    elements: str
    required: true
  region:
    description: Region of the cluster. The profile's where not given.
    type: str
    env: [{name: AWS_REGION}, {name: AWS_DEFAULT_REGION}]
  profile:
    description: Profile of the AWS configuration files. It wins over keys in the controller's environment.
    type: str
    aliases: [aws_profile]
  access_key:
    description:
      - Access key ID, with O(secret_key). The controller's AWS variables (E(AWS_ACCESS_KEY_ID), E(AWS_PROFILE), …)
        count where neither keys nor a profile are given.
    type: str
    aliases: [aws_access_key_id, aws_access_key]
  secret_key:
    description: Secret access key.
    type: str
    aliases: [aws_secret_access_key, aws_secret_key]
  session_token:
    description: Session token of temporary keys.
    type: str
    aliases: [aws_session_token]
  endpoint_url:
    description:
      - URL of STS for the call of sts:AssumeRole, in place of the region's own.
      - Tokens are signed for the region's own in any case, as EKS accepts no other.
    type: str
    aliases: [aws_endpoint_url]
    env: [{name: AWS_URL}]
  validate_certs:
    description: Whether the certificate of STS is checked where a role is assumed.
    type: bool
    default: true
  aws_ca_bundle:
    description: Path of the CA certificates for that check.
    type: path
    env: [{name: AWS_CA_BUNDLE}]
  assume_role_arn:
    description: ARN of an IAM role to assume, with the credentials that there are otherwise.
    type: str
  assume_role_external_id:
    description: External ID that the trust policy of O(assume_role_arn) asks for.
    type: str
"""

EXAMPLES = r"""
- name: Let kubernetes.core's modules reach an EKS cluster, with a new token for each task
  module_defaults:
    group/kubernetes.core.k8s:
      host: "{{ cluster_facts.endpoint }}"
      ca_cert: "{{ ca_file }}"
      api_key: "{{ lookup('ekspress.eks.token', 'production-blue', region='eu-central-1') }}"
  block:
    - name: Read the nodes
      kubernetes.core.k8s_info:
        kind: Node

- name: A play whose hosts are clusters, each reached by its own role
  module_defaults:
    group/kubernetes.core.k8s:
      host: "{{ cluster_facts.endpoint }}"
      ca_cert: "{{ ca_file }}"
      api_key: "{{ lookup('ekspress.eks.token', cluster_name, **cluster_connection) }}"
  block:
    - name: Read the nodes of each
      kubernetes.core.k8s_info:
        kind: Node

- name: A cluster of another account
  ansible.builtin.uri:
    url: "{{ endpoint }}/version"
    headers:
      Authorization: "Bearer {{ lookup('ekspress.eks.token', 'blue', assume_role_arn=role_arn) }}"
  no_log: true
"""

RETURN = r"""
_raw:
  description: One token for each cluster.
  type: list
  elements: str
"""

from typing import Any

from ansible.errors import AnsibleLookupError
from ansible.plugins.lookup import LookupBase
from ansible_collections.ekspress.eks.plugins.module_utils._aws import Aws
from ansible_collections.ekspress.eks.plugins.module_utils._cluster import check_name
from ansible_collections.ekspress.eks.plugins.module_utils._context import Context
from ansible_collections.ekspress.eks.plugins.module_utils._errors import EksError
from ansible_collections.ekspress.eks.plugins.module_utils._token import mint

OPTIONS = (
    "region", "profile", "access_key", "secret_key", "session_token", "endpoint_url",
    "validate_certs", "aws_ca_bundle", "assume_role_arn", "assume_role_external_id",
)  # fmt: skip


class LookupModule(LookupBase):
    """Mints tokens."""

    def run(self, terms: list[str], variables: dict[str, Any] | None = None, **kwargs: Any) -> list[str]:
        self.set_options(var_options=variables, direct=kwargs)
        if not terms:
            raise AnsibleLookupError("ekspress.eks.token needs the name of an EKS cluster.")
        params = {name: self.get_option(name) for name in OPTIONS}
        try:
            aws = Aws(params, Context())
            for name in terms:
                check_name(name)
            return [mint(aws, str(name)) for name in terms]
        except EksError as error:
            raise AnsibleLookupError(error.message) from error
