# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Runs a module's logic and turns every outcome into a task result, the same in process and as a module."""

from __future__ import annotations

import importlib.util
import traceback
from dataclasses import dataclass
from typing import Any, NoReturn

from ansible.module_utils.basic import AnsibleModule, missing_required_lib
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.common.parameters import remove_values
from ansible.module_utils.errors import UnsupportedError
from ansible_collections.ekspress.eks.plugins.module_utils._context import Context, Logic
from ansible_collections.ekspress.eks.plugins.module_utils._errors import EksError
from ansible_collections.ekspress.eks.plugins.module_utils._secrets import written_forms


@dataclass
class Prepared:
    """A task whose arguments are validated in process: what AnsibleModule holds in a module's process."""

    params: dict[str, Any]
    context: Context
    secrets: set[str]
    deprecations: list[dict[str, Any]]
    shown: dict[str, Any]
    """The params as the result may show them."""
    result: dict[str, Any] | None = None
    """The failure, where the arguments are not valid."""


def missing_library(logic: Logic) -> str | None:
    """The first Python package that the module needs and that cannot be found, or None."""
    for name in logic.libraries:
        if importlib.util.find_spec(name) is None:
            return name
    return None


def prepare(logic: Logic, arguments: dict[str, Any], internal: dict[str, Any]) -> Prepared:
    """Validate a task's arguments as AnsibleModule does. ``internal`` are the ``_ansible_…`` arguments of a module."""
    validated = ArgumentSpecValidator(logic.argument_spec(), **logic.constraints).validate(arguments)
    params = {**arguments, **validated.validated_parameters}
    prepared = Prepared(
        params=params,
        context=Context(check_mode=internal["_ansible_check_mode"], diff_mode=internal["_ansible_diff"]),
        secrets=written_forms(validated._no_log_values),
        deprecations=[dict(deprecation) for deprecation in validated._deprecations],
        shown=logic.shown(params),
    )
    for both in validated._warnings:
        prepared.context.warn(f"Both option {both['option']} and its alias {both['alias']} are set.")
    if validated.errors.errors:
        message = validated.errors.msg
        if isinstance(validated.errors[0], UnsupportedError):
            message = f"Unsupported parameters for ({internal['_ansible_module_name']}) module: {message}"
        prepared.result = {"failed": True, "msg": message}
    return prepared


def execute(logic: Logic, params: dict[str, Any], context: Context) -> dict[str, Any]:
    """Run the logic and return the task result; no exception leaves this function but the end of the task.

    A result has ``failed`` and ``msg`` where it failed, and ``resource_actions`` where
    ``debug_botocore_endpoint_logs`` asks for it.
    """
    try:
        result = logic.run(params, context)
        remove_values(result, ())  # raises TypeError for what no result may hold
    except EksError as error:
        result = {"failed": True, "changed": False, "msg": error.message, **error.details}
    except (Exception, SystemExit) as error:
        result = {
            "failed": True,
            "changed": False,
            "msg": f"Unexpected {type(error).__name__}: {error}. This is a defect of ekspress.eks; "
            "please report it with the traceback that ANSIBLE_DISPLAY_TRACEBACK=error shows.",
            "exception": traceback.format_exc(),
        }
    result.setdefault("changed", False)
    if not context.diff_mode:
        result.pop("diff", None)
    if params.get("debug_botocore_endpoint_logs"):
        result["resource_actions"] = sorted(set(context.actions))
    return result


def finished(prepared: Prepared, result: dict[str, Any]) -> dict[str, Any]:
    """The result as a module prints it: with its invocation, warnings and deprecations, without secrets."""
    whole = {"invocation": {"module_args": prepared.shown}, **result}
    if prepared.context.warnings:
        whole["warnings"] = prepared.context.warnings
    if prepared.deprecations:
        whole["deprecations"] = prepared.deprecations
    plain = {key: value for key, value in whole.items() if value is None or isinstance(value, bool)}
    return {**remove_values(whole, prepared.secrets), **plain}


def run_module(logic: Logic) -> NoReturn:
    """The whole of a module's ``main()``: validate the parameters, run the logic, exit."""
    module = AnsibleModule(argument_spec=logic.argument_spec(), supports_check_mode=True, **logic.constraints)
    module.no_log_values = written_forms(module.no_log_values)
    library = missing_library(logic)
    if library:
        module.fail_json(msg=missing_required_lib(library))
    context = Context(check_mode=module.check_mode, diff_mode=module._diff)
    result = execute(logic, module.params, context)
    for message in context.warnings:
        module.warn(remove_values(message, module.no_log_values))
    result["invocation"] = {"module_args": logic.shown(module.params)}
    if result.get("failed"):
        module.fail_json(**result)
    module.exit_json(**result)
