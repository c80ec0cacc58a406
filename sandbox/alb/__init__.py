# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the AWS Load Balancer Controller does in AWS, played: an Ingress becomes a load balancer of the account."""

from __future__ import annotations
