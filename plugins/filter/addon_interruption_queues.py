# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.ekspress.eks.plugins.module_utils._addon_plan import interruption_queues

DOCUMENTATION = r"""
name: addon_interruption_queues
author: [ekspress.eks contributors (@ekspress)]
version_added: 1.0.0
short_description: Interruption queues of a list of add-on specifications
description:
  - Gives the queues of the add-ons that have one, as M(ekspress.eks.interruption_queues) takes them.
positional: state
options:
  _input:
    description: Specifications of add-ons.
    type: list
    elements: dict
    required: true
  state:
    description: Only queues of this state.
    type: str
    choices: [present, absent]
    default: present
"""

EXAMPLES = r"""
- name: Make the queues of all add-ons
  ekspress.eks.interruption_queues:
    queues: "{{ addon_specs | ekspress.eks.addon_interruption_queues }}"
"""

RETURN = r"""
_value:
  description: Queues.
  type: list
  elements: dict
"""


class FilterModule:
    """Filters of add-on specifications."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"addon_interruption_queues": interruption_queues}
