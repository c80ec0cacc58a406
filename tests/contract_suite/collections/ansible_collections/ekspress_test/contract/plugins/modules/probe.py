#!/usr/bin/python
# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from ansible_collections.ekspress.eks.plugins.module_utils._runner import run_module
from ansible_collections.ekspress_test.contract.plugins.module_utils._probe import LOGIC

DOCUMENTATION = r"""
module: probe
short_description: Ends in every way that a module can end
description: Used by the contract suite only.
author: [ekspress.eks contributors (@ekspress)]
"""


def main() -> None:
    run_module(LOGIC)


if __name__ == "__main__":
    main()
