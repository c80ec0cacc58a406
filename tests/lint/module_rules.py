# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What must hold for every module beside what ansible-test asks."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import yaml

from tests.lint.yaml_files import read

ATTRIBUTES = ("check_mode", "diff_mode", "idempotent")
FRAGMENTS = ("ekspress.eks.aws", "ekspress.eks.attributes")


def problems(root: Path) -> list[str]:
    """What is wrong with the modules of a collection, one line each."""
    modules = sorted(path.stem for path in (root / "plugins/modules").glob("*.py"))
    actions = sorted(path.stem for path in (root / "plugins/action").glob("*.py"))
    group = read(root / "meta/runtime.yml")["action_groups"]["eks"]
    found = [f"{name} is not in the action group eks of meta/runtime.yml" for name in modules if name not in group]
    found += [f"the action group eks names {name}, which is no module" for name in group if name not in modules]
    found += [f"{name} has no action plugin, so it never runs in process" for name in modules if name not in actions]
    found += [f"the action plugin {name} has no module" for name in actions if name not in modules]
    for name in modules:
        found += [f"{name}: {problem}" for problem in _module(root / f"plugins/modules/{name}.py")]
    for name in set(modules) & set(actions):
        if f'LOGIC = load("_{name}")' not in (root / f"plugins/action/{name}.py").read_text(encoding="utf-8"):
            found.append(f'{name}: its action plugin must set LOGIC = load("_{name}")')
    return found


def _module(path: Path) -> list[str]:
    text = path.read_text(encoding="utf-8")
    strings = _strings(ast.parse(text))
    found = [f"{name} is missing or empty" for name in ("DOCUMENTATION", "EXAMPLES", "RETURN") if name not in strings]
    if f"module_utils._{path.stem} import LOGIC" not in text or "run_module(LOGIC)" not in text:
        found.append(f"main() must run the LOGIC of module_utils/_{path.stem}.py with run_module, and nothing else")
    return found + (_documentation(strings["DOCUMENTATION"]) if "DOCUMENTATION" in strings else [])


def _strings(tree: ast.Module) -> dict[str, Any]:
    """The module's constants that hold text, read as YAML; empty ones are left out."""
    found = {}
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            content = yaml.safe_load(node.value.value)
            if content and isinstance(node.targets[0], ast.Name):
                found[node.targets[0].id] = content
    return found


def _documentation(documentation: dict[str, Any]) -> list[str]:
    stated = documentation.get("attributes", {})
    found = [f"attributes does not say how far {name} is supported" for name in ATTRIBUTES if name not in stated]
    fragments = documentation.get("extends_documentation_fragment", [])
    return found + [f"it does not extend the fragment {name}" for name in FRAGMENTS if name not in fragments]
