# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Runs access_entries in the worker."""

from __future__ import annotations

from ansible_collections.ekspress.eks.plugins.plugin_utils._in_process import InProcessAction, load


class ActionModule(InProcessAction):
    """The action plugin of ekspress.eks.access_entries."""

    LOGIC = load("_access_entries")
