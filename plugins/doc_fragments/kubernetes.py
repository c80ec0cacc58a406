# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations


class ModuleDocFragment:
    """Options to reach a Kubernetes API by other means than the EKS cluster's name."""

    DOCUMENTATION = r"""
options:
  kubeconfig:
    description:
      - Path of a kubeconfig file, or its content as a dictionary. The variable E(K8S_AUTH_KUBECONFIG) counts too.
    type: raw
  context:
    description:
      - Name of a context in the kubeconfig; its current context by default. The variable E(K8S_AUTH_CONTEXT) counts
        too.
    type: str
  host:
    description:
      - URL of the Kubernetes API. The variable E(K8S_AUTH_HOST) counts too.
    type: str
  api_key:
    description:
      - Bearer token for O(host). The variable E(K8S_AUTH_API_KEY) counts too.
    type: str
  ca_cert:
    description:
      - Path of the CA certificate that signed the API's certificate. The variable E(K8S_AUTH_SSL_CA_CERT) counts too.
    type: path
    aliases: [ssl_ca_cert]
  client_cert:
    description:
      - Path of a client certificate. The variable E(K8S_AUTH_CERT_FILE) counts too.
    type: path
    aliases: [cert_file]
  client_key:
    description:
      - Path of the key of O(client_cert). The variable E(K8S_AUTH_KEY_FILE) counts too.
    type: path
    aliases: [key_file]
  proxy:
    description:
      - URL of an HTTP proxy to the API. The variable E(K8S_AUTH_PROXY) counts too.
    type: str
  impersonate_user:
    description:
      - User to impersonate. The variable E(K8S_AUTH_IMPERSONATE_USER) counts too.
    type: str
  impersonate_groups:
    description:
      - Groups to impersonate. The variable E(K8S_AUTH_IMPERSONATE_GROUPS) counts too.
    type: list
    elements: str
"""
