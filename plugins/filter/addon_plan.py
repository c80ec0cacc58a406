# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.ekspress.eks.plugins.module_utils._addon_plan import plan
from ansible_collections.ekspress.eks.plugins.plugin_utils._filters import explained

DOCUMENTATION = r"""
name: addon_plan
author: [ekspress.eks contributors (@ekspress)]
version_added: 1.0.0
short_description: What a list of add-on specifications wants of AWS, and what stands in its way
description:
  - Gives the IAM roles, queues and Auto Scaling groups of add-ons as M(ekspress.eks.irsa_roles),
    M(ekspress.eks.interruption_queues) and M(ekspress.eks.autoscaling_groups) take them, and the messages of
    requirements that are not met. Their Helm releases are given by P(ekspress.eks.addon_releases#filter).
options:
  _input:
    description: Specifications of add-ons.
    type: list
    elements: dict
    required: true
"""

EXAMPLES = r"""
- name: Make the IAM roles of two add-ons
  ekspress.eks.irsa_roles:
    cluster: production-blue
    roles: "{{ ([alb, external_dns] | ekspress.eks.addon_plan).identities.present }}"
"""

RETURN = r"""
_value:
  description: What is wanted.
  type: dict
  contains:
    refusals:
      description: Messages of the requirements that are not met, of add-ons that are not removed.
      type: list
      elements: str
    reachable_ports:
      description: TCP ports of nodes that the control plane must reach, sorted, of add-ons that are not removed.
      type: list
      elements: int
    identities:
      description: IAM roles, in the lists C(present) and C(absent); options left empty are left out.
      type: dict
    interruption_queues:
      description: Queues, in the lists C(present) and C(absent); options left empty are left out.
      type: dict
    autoscaling_groups:
      description: An entry for each Auto Scaling group of each add-on, which owns its tags.
      type: list
      elements: dict
"""


class FilterModule:
    """Filters of add-on specifications."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"addon_plan": explained(plan)}
