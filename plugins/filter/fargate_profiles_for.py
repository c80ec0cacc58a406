# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.ekspress.eks.plugins.module_utils._fargate import profiles_for

DOCUMENTATION = r"""
name: fargate_profiles_for
author: [ekspress.eks contributors (@ekspress)]
version_added: 1.0.0
short_description: Fargate profiles that select pods
description:
  - Gives the names of the Fargate profiles that select pods of a namespace with some labels. Where there is one, the
    pods run on Fargate.
  - A selector selects pods of its namespace that have all its labels; the wildcards C(*) and C(?) count in both.
positional: namespace, labels
options:
  _input:
    description: The cluster's Fargate profiles, as M(ekspress.eks.cluster_info) returns them.
    type: list
    elements: dict
    required: true
  namespace:
    description: Namespace of the pods.
    type: str
    required: true
  labels:
    description: Labels of the pods.
    type: dict
    default: {}
seealso:
  - name: Define which Pods use AWS Fargate when launched
    description: How selectors match.
    link: https://docs.aws.amazon.com/eks/latest/userguide/fargate-profile.html
"""

EXAMPLES = r"""
- name: Show which Fargate profiles CoreDNS runs by
  ansible.builtin.debug:
    msg: "{{ info.cluster.fargate_profiles | ekspress.eks.fargate_profiles_for('kube-system', labels) }}"
  vars:
    labels:
      k8s-app: kube-dns
"""

RETURN = r"""
_value:
  description: Names of the profiles.
  type: list
  elements: str
"""


def fargate_profiles_for(
    profiles: list[dict[str, Any]], namespace: str, labels: dict[str, str] | None = None
) -> list[str]:
    return profiles_for(profiles, namespace, labels or {})


class FilterModule:
    """Filters of Fargate profiles."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"fargate_profiles_for": fargate_profiles_for}
