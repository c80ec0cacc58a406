# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""An action whose logic cannot be imported."""

from __future__ import annotations

from ansible_collections.ekspress.eks.plugins.plugin_utils._in_process import InProcessAction, load


class ActionModule(InProcessAction):
    """The action plugin of ekspress_test.contract.broken."""

    LOGIC = load("_broken", "ansible_collections.ekspress_test.contract.plugins.module_utils")
