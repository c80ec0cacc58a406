# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.ekspress.eks.plugins.module_utils._cluster_autoscaler_plan import groups
from ansible_collections.ekspress.eks.plugins.plugin_utils._filters import explained

DOCUMENTATION = r"""
name: cluster_autoscaler_groups
author: [ekspress.eks contributors (@ekspress)]
version_added: 1.0.0
short_description: The tags that Cluster Autoscaler wants on a cluster's Auto Scaling groups
description:
  - Gives entries as a specification of an add-on has them in C(autoscaling_groups). The role
    C(ekspress.eks.cluster_autoscaler) uses it and describes its input.
positional: templates, ignored, state
options:
  _input:
    description: The cluster, as M(ekspress.eks.cluster_info) returns it with node groups and Auto Scaling groups.
    type: dict
    required: true
  templates:
    description:
      - By the name of a node group or Auto Scaling group, the C(labels), C(taints) and C(resources) of its nodes, which
        no API shows while it has none.
    type: dict
    default: {}
  ignored:
    description: Names of node groups and Auto Scaling groups that are not to be scaled.
    type: list
    elements: str
    default: []
  state:
    description: Whether the tags are there.
    type: str
    choices: [present, absent]
    default: present
"""

EXAMPLES = r"""
- name: Tag the self-managed groups of a cluster, and verify the tags of the managed ones
  ekspress.eks.autoscaling_groups:
    groups: "{{ [{'autoscaling_groups': wanted}] | ekspress.eks.addon_autoscaling_groups }}"
  vars:
    wanted: "{{ info.cluster | ekspress.eks.cluster_autoscaler_groups(templates) }}"
    templates: {gpu: {resources: {nvidia.com/gpu: "1"}}}
"""

RETURN = r"""
_value:
  description: Names, tags, required tags and state of Auto Scaling groups.
  type: list
  elements: dict
"""


class FilterModule:
    """Filters of Cluster Autoscaler."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"cluster_autoscaler_groups": explained(groups)}
