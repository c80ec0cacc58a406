# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.ekspress.eks.plugins.module_utils._addon_plan import autoscaling_groups

DOCUMENTATION = r"""
name: addon_autoscaling_groups
author: [ekspress.eks contributors (@ekspress)]
version_added: 1.0.0
short_description: Auto Scaling groups of a list of add-on specifications
description:
  - Gives the tags and lifecycle hooks that add-ons want on Auto Scaling groups, as M(ekspress.eks.autoscaling_groups)
    takes them, an entry for each of the C(names) of a specification.
options:
  _input:
    description: Specifications of add-ons.
    type: list
    elements: dict
    required: true
"""

EXAMPLES = r"""
- name: Tag the groups that add-ons work on
  ekspress.eks.autoscaling_groups:
    groups: "{{ addon_specs | ekspress.eks.addon_autoscaling_groups }}"
"""

RETURN = r"""
_value:
  description: Auto Scaling groups.
  type: list
  elements: dict
"""


class FilterModule:
    """Filters of add-on specifications."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"addon_autoscaling_groups": autoscaling_groups}
