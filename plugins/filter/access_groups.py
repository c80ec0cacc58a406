# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.ekspress.eks.plugins.module_utils._access_groups import groups
from ansible_collections.ekspress.eks.plugins.plugin_utils._filters import explained

DOCUMENTATION = r"""
name: access_groups
author: [ekspress.eks contributors (@ekspress)]
version_added: 1.0.0
short_description: What groups of people may do in a cluster, as options of rbac_groups
description:
  - Gives groups as M(ekspress.eks.rbac_groups) takes them. A group with the name C(readonly), C(readwrite) or
    C(debugmode) has the rights of that group, which C(docs/access.md) of the collection describes.
  - The role C(ekspress.eks.access) uses it and describes its input.
positional: platform_namespaces
options:
  _input:
    description:
      - Groups. Each has a C(name), and may have what O(ekspress.eks.rbac_groups#module:groups) has. In C(readonly),
        C(readwrite) and C(debugmode) C(rules), C(cluster_role_selectors) and C(cluster_roles) are added to what they
        have, and all else replaces it. C(exclude_namespaces) are those beside O(platform_namespaces), in which a group
        has rights only with C(platform_namespaces), a boolean of its own.
    type: list
    elements: dict
    required: true
  platform_namespaces:
    description:
      - Names of namespaces, with V(*) and V(?), in which no group has rights by namespace that does not ask for
        them.
    type: list
    elements: str
    required: true
"""

EXAMPLES = r"""
- name: Give people their rights
  ekspress.eks.rbac_groups:
    cluster: production-blue
    groups: "{{ [{'name': 'readonly'}, {'name': 'debugmode'}] | ekspress.eks.access_groups(['kube-*', 'traefik']) }}"
"""

RETURN = r"""
_value:
  description: The groups.
  type: list
  elements: dict
"""


class FilterModule:
    """Filters of what people may do."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"access_groups": explained(groups)}
