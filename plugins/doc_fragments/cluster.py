# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations


class ModuleDocFragment:
    """The option by which a module is told its EKS cluster."""

    DOCUMENTATION = r"""
options:
  cluster:
    description:
      - Name of the EKS cluster, 1 to 100 letters, digits, hyphens and underscores.
      - The module fails, naming the clusters that exist, where there is none of this name in the region and account.
    type: str
    required: true
    aliases: [cluster_name]
"""
