# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether each variable of the inventories is one that something reads: Ansible accepts any misspelt one in silence."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.lint.yaml_files import read

CONNECTION = re.compile(r"ansible_\w+")


def problems(root: Path) -> list[str]:
    """Variables that no role and no playbook knows, one line each."""
    known = _role_options(root)
    playbooks = "\n".join(path.read_text(encoding="utf-8") for path in sorted((root / "playbooks").glob("*.yml")))
    found = []
    for path in sorted((root / "inventories").rglob("*.yml")):
        for name in _variables(path):
            if name in known or CONNECTION.fullmatch(name) or re.search(rf"\b{name}\b", playbooks):
                continue
            found.append(f"{path.relative_to(root)}: no role and no playbook has a variable {name}")
    return found


def _role_options(root: Path) -> set[str]:
    names: set[str] = set()
    for path in (root / "roles").glob("*/meta/argument_specs.yml"):
        for entry in read(path)["argument_specs"].values():
            names |= set(entry.get("options", {}))
    return names


def _variables(path: Path) -> Iterator[str]:
    content = read(path) or {}
    if path.parent.name in ("group_vars", "host_vars") or path.parent.parent.name in ("group_vars", "host_vars"):
        yield from content
    else:
        for group in content.values():
            yield from _group(group or {})


def _group(group: dict[str, Any]) -> Iterator[str]:
    yield from group.get("vars") or {}
    for variables in (group.get("hosts") or {}).values():
        yield from variables or {}
    for child in (group.get("children") or {}).values():
        yield from _group(child or {})
