# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What must hold for every role: its variables, their defaults and their specification are the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from tests.lint.yaml_files import read, templated

FILES = ("README.md", "defaults/main.yml", "meta/argument_specs.yml", "meta/main.yml", "tasks/main.yml")


def problems(role: Path) -> list[str]:
    """What is wrong with a role, one line each; empty where all holds."""
    missing = [f"{role.name}: {name} is missing" for name in FILES if not (role / name).is_file()]
    if missing:
        return missing
    specs = read(role / "meta/argument_specs.yml")["argument_specs"]
    defaults = read(role / "defaults/main.yml") or {}
    found = [*_entry_points(role, specs), *_keys(defaults, specs["main"]["options"])]
    for name, option in specs["main"]["options"].items():
        if name in defaults:
            found += _default(name, option, defaults[name])
    return [f"{role.name}: {problem}" for problem in found]


def _entry_points(role: Path, specs: dict[str, Any]) -> list[str]:
    found = []
    if "main" not in specs:
        return ["argument_specs has no entry point main"]
    for name, spec in specs.items():
        if not (role / "tasks" / f"{name}.yml").is_file():
            found.append(f"argument_specs has the entry point {name}, and there is no tasks/{name}.yml")
        if not spec.get("description") or not spec.get("short_description"):
            found.append(f"the entry point {name} lacks a description or a short_description")
    if (role / "tasks/spec.yml").is_file():
        found += _specification(role, specs)
    return found


def _specification(role: Path, specs: dict[str, Any]) -> list[str]:
    """An add-on role: its specification is validated by the same options, and is where the engine looks for it."""
    found = []
    if specs.get("spec", {}).get("options") != specs["main"]["options"]:
        found.append("the entry point spec must have the options of main, else the playbook site validates nothing")
    variables = read(role / "vars/main.yml") if (role / "vars/main.yml").is_file() else {}
    if f"__{role.name}_spec" not in (variables or {}):
        found.append(f"vars/main.yml must have __{role.name}_spec, where the playbook site looks for it")
    return found


def _keys(defaults: dict[str, Any], options: dict[str, Any]) -> list[str]:
    required = {name for name, option in options.items() if option.get("required")}
    found = [f"{name} is in defaults and not in argument_specs" for name in sorted(set(defaults) - set(options))]
    found += [f"{name} is required and has a default" for name in sorted(required & set(defaults))]
    lost = set(options) - required - set(defaults)
    return found + [f"{name} is in argument_specs and not in defaults" for name in sorted(lost)]


def _default(name: str, option: dict[str, Any], default: Any) -> list[str]:
    stated = option.get("default")
    if type(stated) is not type(default) or stated != default:
        return [f"{name} is {default!r} in defaults and {stated!r} in argument_specs"]
    if templated(default):
        return []
    checked = ArgumentSpecValidator({name: {key: option[key] for key in option if key != "default"}})
    errors = checked.validate({name: default}).error_messages
    return [f"the default of {name} does not fit its specification: {error}" for error in errors]
