# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.ekspress.eks.plugins.module_utils._addon_plan import identities

DOCUMENTATION = r"""
name: addon_identities
author: [ekspress.eks contributors (@ekspress)]
version_added: 1.0.0
short_description: IAM roles of a list of add-on specifications
description:
  - Gives the identities of the add-ons that have one, as M(ekspress.eks.irsa_roles) takes them.
positional: state
options:
  _input:
    description: Specifications of add-ons.
    type: list
    elements: dict
    required: true
  state:
    description: Only identities of this state.
    type: str
    choices: [present, absent]
    default: present
"""

EXAMPLES = r"""
- name: Make the IAM roles of two add-ons
  ekspress.eks.irsa_roles:
    cluster: production-blue
    roles: "{{ [alb, external_dns] | ekspress.eks.addon_identities }}"
"""

RETURN = r"""
_value:
  description: IAM roles.
  type: list
  elements: dict
"""


class FilterModule:
    """Filters of add-on specifications."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"addon_identities": identities}
