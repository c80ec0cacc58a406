# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Loads every rule of this package."""

from __future__ import annotations

import importlib

MODULES = (
    "autoscaling",
    "ec2_tags",
    "ec2_zones",
    "eks_access_entries",
    "eks_access_mode",
    "eks_access_policies",
    "eks_cluster",
    "eks_nodegroups",
    "elbv2",
    "events",
    "iam_first_user",
    "iam_managed_policies",
    "iam_oidc",
    "iam_quotas",
    "iam_tags",
    "iam_trust",
    "route53_records",
    "route53_zones",
    "sqs",
    "sts_assume",
    "sts_identity",
    "sts_web_identity",
)


def load() -> None:
    """Import the modules, which register their checks and corrections."""
    for name in MODULES:
        importlib.import_module(f"sandbox.aws.strict.{name}")
