# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""AWS and EKS on one machine: an emulated account, real Kubernetes control planes, an OCI registry."""

from __future__ import annotations
