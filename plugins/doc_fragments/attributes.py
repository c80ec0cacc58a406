# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations


class ModuleDocFragment:
    """What each attribute means; a module states its support of each."""

    DOCUMENTATION = r"""
options: {}
attributes:
  check_mode:
    description: Can run in check mode and says exactly what the real run would do, without writing.
  diff_mode:
    description: Shows what it changes (or would change) as before and after.
  idempotent:
    description: A second run with the same options changes nothing.
  action_group:
    description: Its common options can be set for a whole play with C(module_defaults) and C(group/ekspress.eks.eks).
    support: full
    membership:
      - ekspress.eks.eks
"""
