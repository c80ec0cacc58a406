# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A become method that changes nothing, so that become can be tried on any machine."""

from __future__ import annotations

from typing import Any

from ansible.plugins.become import BecomeBase

DOCUMENTATION = r"""
name: nothing
short_description: Becomes nobody else
description: Used by the contract suite only.
author: [ekspress.eks contributors (@ekspress)]
options:
  become_user:
    description: Ignored.
    default: root
    vars: [{name: ansible_become_user}]
"""


class BecomeModule(BecomeBase):
    """Leaves the command as it is."""

    name = "ekspress_test.contract.nothing"

    def build_become_command(self, cmd: str, shell: Any) -> str:
        super().build_become_command(cmd, shell)
        return cmd
