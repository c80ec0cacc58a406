# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.ekspress.eks.plugins.module_utils._traefik_plan import plan
from ansible_collections.ekspress.eks.plugins.plugin_utils._filters import explained, with_plain

DOCUMENTATION = r"""
name: traefik_plan
author: [ekspress.eks contributors (@ekspress)]
version_added: 1.0.0
short_description: Releases of the instances of Traefik
description:
  - Gives the Helm releases of instances of Traefik, each a load balancer and Traefik behind it, as
    P(ekspress.eks.addon_releases#filter) takes them, and says what cannot work. It is a part of the role
    C(ekspress.eks.traefik), whose variables it takes.
positional: settings
options:
  _input:
    description: Instances, as the role's C(traefik_instances).
    type: list
    elements: dict
    required: true
  settings:
    description: The role's other variables, by their names without C(traefik_).
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Show why some instances cannot work
  ansible.builtin.debug:
    msg: "{{ (traefik_instances | ekspress.eks.traefik_plan(settings)).requirements }}"
"""

RETURN = r"""
_value:
  description: What the role makes of its variables.
  type: dict
  contains:
    releases:
      description: Two releases for each instance.
      type: list
      elements: dict
    requirements:
      description: Those that are not met, with C(met) and C(message), which names the variable.
      type: list
      elements: dict
    load_balancers:
      description: What is to be looked for in AWS, as M(ekspress.eks.load_balancer_inputs_info) takes it.
      type: list
      elements: dict
"""


class FilterModule:
    """Filters of the role traefik."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"traefik_plan": explained(with_plain(plan))}
