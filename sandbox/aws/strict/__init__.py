# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What AWS refuses and moto accepts: one file a subject, each names the AWS document it follows."""

from __future__ import annotations
