# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.ekspress.eks.plugins.module_utils._access_plan import mappings
from ansible_collections.ekspress.eks.plugins.plugin_utils._filters import explained

DOCUMENTATION = r"""
name: access_mappings
author: [ekspress.eks contributors (@ekspress)]
version_added: 1.0.0
short_description: Who may enter a cluster, as entries of aws-auth and access entries
description:
  - Gives the entries of people and of the cluster's nodes as M(ekspress.eks.aws_auth) and
    M(ekspress.eks.access_entries) take them. Names of IAM roles and users become ARNs of the cluster's account and
    partition.
  - In an access entry the group C(system:masters), which AWS refuses there, becomes the access policy
    C(AmazonEKSClusterAdminPolicy) for the whole cluster.
  - The role C(ekspress.eks.access) uses it and describes its input.
positional: cluster, node_roles, managed_nodes, through
options:
  _input:
    description:
      - People. Each has a C(role) or a C(user) (name or ARN, with its path for an access entry), C(groups) or
        C(policies) or both, and a C(username), which by default is the user's name, or the role's with the name of the
        session. Two have one username only where both give it. Each of C(policies) has a C(policy) and, where it does
        not count in all, C(namespaces).
    type: list
    elements: dict
    required: true
  cluster:
    description: The cluster, as M(ekspress.eks.cluster_info) returns it.
    type: dict
    required: true
  node_roles:
    description:
      - Roles of nodes that no API shows. Each has a C(role) (name or ARN) and a C(type), which is V(EC2_LINUX),
        V(EC2_WINDOWS), V(FARGATE_LINUX) or V(HYBRID_LINUX).
    type: list
    elements: dict
    default: []
  managed_nodes:
    description:
      - Whether the roles of managed node groups and Fargate profiles are among the entries. V(auto) means in the
        authentication mode C(CONFIG_MAP) only.
    type: str
    choices: [auto, always, never]
    default: auto
  through:
    description:
      - By what people get in. V(auto) means V(aws_auth) in the authentication mode C(CONFIG_MAP), and
        V(access_entries) in the others. What the mode does not have is refused.
    type: str
    choices: [auto, aws_auth, access_entries, both]
    default: auto
"""

EXAMPLES = r"""
- name: Let operators and the nodes that Karpenter starts into a cluster
  ekspress.eks.aws_auth:
    cluster: production-blue
    roles: "{{ (people | ekspress.eks.access_mappings(info.cluster, [{'role': 'karpenter-node'}])).roles }}"
  vars:
    people:
      - role: k8sadmin
        groups: [system:masters]
"""

RETURN = r"""
_value:
  description:
    - The entries, as C(roles) and C(users) of aws-auth, and access C(entries). C(ways) is by what people get in, and
      C(administrators) are the access entries that give all rights by themselves.
  type: dict
"""


@explained
def access_mappings(
    people: list[dict[str, Any]],
    cluster: dict[str, Any],
    node_roles: list[dict[str, Any]] | None = None,
    managed_nodes: str = "auto",
    through: str = "auto",
) -> dict[str, list[Any]]:
    return mappings(people, cluster, node_roles or [], managed_nodes, through)


class FilterModule:
    """Filters of who may enter a cluster."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"access_mappings": access_mappings}
