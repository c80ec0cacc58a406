# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What tests of modules share."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.ekspress.eks.plugins.module_utils._context import Context, Logic
from ansible_collections.ekspress.eks.plugins.module_utils._runner import execute


def run_logic(logic: Logic, params: dict[str, Any], *, check: bool = False, diff: bool = False) -> dict[str, Any]:
    """Validate ``params`` as Ansible does, run the logic and return its result with the warnings it gave."""
    validated = ArgumentSpecValidator(logic.argument_spec(), **logic.constraints).validate(deepcopy(params))
    if validated.error_messages:
        return {"failed": True, "changed": False, "msg": "; ".join(validated.error_messages)}
    context = Context(check_mode=check, diff_mode=diff)
    result = execute(logic, validated.validated_parameters, context)
    if context.warnings:
        result["warnings"] = context.warnings
    return result
