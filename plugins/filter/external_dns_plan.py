# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.ekspress.eks.plugins.module_utils._external_dns_plan import plan
from ansible_collections.ekspress.eks.plugins.plugin_utils._filters import explained, with_plain

DOCUMENTATION = r"""
name: external_dns_plan
author: [ekspress.eks contributors (@ekspress)]
version_added: 1.0.0
short_description: IAM roles and Helm releases of a list of ExternalDNS instances
description:
  - Finds the hosted zones that the instances are given by ID or name, checks that they can work beside each other, and
    makes of them the parts of a specification of an add-on. The role C(ekspress.eks.external_dns) uses it and describes
    its input.
positional: zones, cluster, common
options:
  _input:
    description: Instances, as the variable C(external_dns_instances) of the role has them.
    type: list
    elements: dict
    required: true
  zones:
    description:
      - The hosted zones of the account, as M(ekspress.eks.hosted_zones_info) returns them for the cluster's VPC.
    type: list
    elements: dict
    required: true
  cluster:
    description: The cluster, as M(ekspress.eks.cluster_info) returns it.
    type: dict
    required: true
  common:
    description:
      - What the instances have in common. Their C(state) and C(values), and the keys of their C(release) and
        C(identity).
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Say what is wrong with instances before anything is installed
  ansible.builtin.assert:
    that: planned.requirements == []
    fail_msg: "{{ planned.requirements | map(attribute='message') | join(' ') }}"
  vars:
    common: {state: present, values: {}, release: {namespace: kube-system}, identity: {}}
    planned: "{{ external_dns_instances | ekspress.eks.external_dns_plan(found.zones, info.cluster, common) }}"
"""

RETURN = r"""
_value:
  description: What is wrong, and the parts of the specification.
  type: dict
  contains:
    requirements:
      description:
        - What is wrong with the instances, as a specification has it, with C(met) of C(false) and a C(message). Empty
          where nothing is.
      type: list
      elements: dict
    instances:
      description:
        - Of each instance, its C(name), whether it is C(present), the C(zone_arns) of its zones, and C(record_names),
          patterns of the names that it writes, empty where these are all of its zones.
      type: list
      elements: dict
    identities:
      description: An IAM role for each instance, as M(ekspress.eks.irsa_roles) takes it, without policies.
      type: list
      elements: dict
    releases:
      description: A Helm release for each instance, as a specification has it.
      type: list
      elements: dict
"""


class FilterModule:
    """Filters of ExternalDNS."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"external_dns_plan": explained(with_plain(plan))}
