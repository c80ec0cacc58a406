# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Runs active_cluster in the worker."""

from __future__ import annotations

from ansible_collections.ekspress.eks.plugins.plugin_utils._in_process import InProcessAction, load


class ActionModule(InProcessAction):
    """The action plugin of ekspress.eks.active_cluster."""

    LOGIC = load("_active_cluster")
