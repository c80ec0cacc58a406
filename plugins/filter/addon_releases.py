# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.ekspress.eks.plugins.module_utils._addon_plan import releases
from ansible_collections.ekspress.eks.plugins.plugin_utils._filters import explained

DOCUMENTATION = r"""
name: addon_releases
author: [ekspress.eks contributors (@ekspress)]
version_added: 1.0.0
short_description: Helm releases of a list of add-on specifications
description:
  - Gives every release the address of its chart, the releases that it needs and the annotation of its IAM role, as
    M(ekspress.eks.helm_releases) takes them.
positional: chart_source, cluster, options, digests
options:
  _input:
    description: Specifications of add-ons.
    type: list
    elements: dict
    required: true
  chart_source:
    description:
      - V(upstream) for each chart's own repository, an C(oci://) address of a registry, or a directory of unpacked
        charts.
    type: str
    required: true
  cluster:
    description: The cluster, as M(ekspress.eks.cluster_info) returns it.
    type: dict
    required: true
  options:
    description: Options of M(ekspress.eks.helm_releases) for every release that does not have them itself.
    type: dict
    default: {}
  digests:
    description: Digests of charts, by the charts' names.
    type: dict
    default: {}
"""

EXAMPLES = r"""
- name: Converge the releases of two add-ons from a registry
  ekspress.eks.helm_releases:
    cluster: production-blue
    releases: "{{ [alb, traefik] | ekspress.eks.addon_releases(registry, info.cluster) }}"
  vars:
    registry: oci://111122223333.dkr.ecr.eu-central-1.amazonaws.com/charts
"""

RETURN = r"""
_value:
  description: Releases.
  type: list
  elements: dict
"""


class FilterModule:
    """Filters of add-on specifications."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"addon_releases": explained(releases)}
