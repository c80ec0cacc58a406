# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether each task's arguments exist in its module: ansible-lint asks that of no module that has an action plugin."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import ansible_collections
from ansible.playbook.block import Block
from ansible.playbook.handler import Handler
from ansible.playbook.role_include import IncludeRole
from ansible.playbook.task import Task

from scripts.steps import program
from tests.lint.yaml_files import read, templated

SOURCES = (
    "roles/*/tasks/**/*.yml",
    "roles/*/handlers/**/*.yml",
    "playbooks/**/*.yml",
    "extensions/molecule/**/*.yml",
)
ANY_ARGUMENT = ("ansible.builtin.set_fact", "ansible.builtin.add_host")
"""Modules whose arguments are the caller's own variables."""
KEYWORDS = {*Task.fattributes, *Handler.fattributes, *Block.fattributes, *IncludeRole.fattributes, "static"}
TASK_LISTS = ("pre_tasks", "tasks", "post_tasks", "handlers")
BLOCKS = ("block", "rescue", "always")

Options = Mapping[str, Mapping[str, Any]]
Defaults = tuple[tuple[str, Mapping[str, Any]], ...]


@dataclass(frozen=True)
class Use:
    """A task as it stands in a file: its module, its arguments, and the module_defaults around it."""

    place: str
    module: str
    arguments: Any
    defaults: Defaults


def problems(root: Path) -> list[str]:
    """What is wrong with the tasks of the roles, playbooks and scenarios below root, one line each."""
    uses, found = [], []
    for path in sorted({path for source in SOURCES for path in root.glob(source)}):
        try:
            uses += list(_uses(read(path), str(path.relative_to(root)), ()))
        except ValueError as error:
            found.append(str(error))
    names = {use.module for use in uses} | {name for use in uses for name, _ in use.defaults if not _group(name)}
    known = documented(tuple(sorted(names)))
    return found + [problem for use in uses for problem in _check(use, known)]


@cache
def documented(modules: tuple[str, ...]) -> dict[str, Options]:
    """The options of each module that exists, as ansible-doc gives them."""
    if not modules:
        return {}
    path = str(Path(next(iter(ansible_collections.__path__))).parent)
    done = subprocess.run(
        [program("ansible-doc"), "-t", "module", "--json", *modules],
        env=os.environ | {"ANSIBLE_COLLECTIONS_PATH": path, "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    answer = json.loads(done.stdout)
    return {name: entry["doc"].get("options", {}) for name, entry in answer.items() if entry.get("doc")}


def _uses(items: Any, place: str, defaults: Defaults) -> Iterator[Use]:
    """Every task in a list of plays, blocks and tasks, however deep."""
    for number, item in enumerate(items if isinstance(items, list) else (), start=1):
        if not isinstance(item, dict):
            continue
        here = f"{place}: {item.get('name') or f'item {number}'}"
        around = defaults + tuple(_own_defaults(item))
        if "hosts" in item:
            for key in TASK_LISTS:
                yield from _uses(item.get(key), here, around)
        elif "block" in item:
            for key in BLOCKS:
                yield from _uses(item.get(key), here, around)
        else:
            yield _use(item, here, around)


def _own_defaults(item: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    stated = item.get("module_defaults") or {}
    for entry in stated if isinstance(stated, list) else [stated]:
        for name, arguments in entry.items():
            if isinstance(arguments, dict):
                yield name, arguments


def _use(task: Mapping[str, Any], place: str, defaults: Defaults) -> Use:
    names = [key for key in task if key not in KEYWORDS and not key.startswith("with_")]
    if len(names) != 1:
        raise ValueError(f"{place}: a task has one module, this one has {', '.join(names) or 'none'}")
    arguments = task[names[0]]
    if isinstance(arguments, dict):
        arguments = {**task.get("args", {}), **arguments}
    return Use(place, names[0], arguments, defaults)


def _check(use: Use, known: Mapping[str, Options]) -> Iterator[str]:
    options = known.get(use.module)
    if options is None:
        if use.module.endswith("import_playbook"):
            return
        yield f"{use.place}: there is no module {use.module}"
        return
    if use.module in ANY_ARGUMENT:
        return
    if isinstance(use.arguments, str) and not _takes_text(options) and not templated(use.arguments):
        yield f"{use.place}: write the arguments of {use.module} as a mapping"
    given = [("", use.arguments)]
    given += [(f" (module_defaults {name})", found) for name, found in use.defaults if _covers(name, use.module)]
    for origin, arguments in given:
        for problem in _arguments(options, arguments, use.module):
            yield f"{use.place}: {problem}{origin}"


def _takes_text(options: Options) -> bool:
    return any(name in ("free_form", "free-form", "_raw_params", "cmd", "file") for name in options)


def _arguments(options: Options, arguments: Any, owner: str) -> Iterator[str]:
    """Unknown keys and values outside the choices, in the arguments and in all that they hold."""
    names = {alias: option for name, option in options.items() for alias in (name, *option.get("aliases", ()))}
    for key, value in arguments.items() if isinstance(arguments, dict) else ():
        if key not in names:
            yield f"{owner} has no option {key}; it has {', '.join(sorted(options))}"
            continue
        yield from _value(names[key], value, f"{owner}.{key}")


def _value(option: Mapping[str, Any], value: Any, owner: str) -> Iterator[str]:
    entries = value if isinstance(value, list) else [value]
    choices = {str(choice).lower() for choice in option.get("choices", ())}
    for entry in entries:
        if choices and not templated(entry) and str(entry).lower() not in choices:
            yield f"{owner} cannot be {entry!r}; it is one of {', '.join(sorted(choices))}"
        if option.get("suboptions"):
            yield from _arguments(option["suboptions"], entry, owner)


def _group(name: str) -> bool:
    return name.startswith("group/")


def _covers(name: str, module: str) -> bool:
    return module in _members(name.removeprefix("group/")) if _group(name) else module == name


@cache
def _members(group: str) -> frozenset[str]:
    """The modules of an action group, by full name."""
    namespace, collection, name = group.split(".", 2)
    for place in _places(ansible_collections.__path__):
        path = place / namespace / collection / "meta" / "runtime.yml"
        if path.is_file():
            entries = read(path).get("action_groups", {}).get(name, ())
            prefix = f"{namespace}.{collection}."
            return frozenset(_full(entry, prefix) for entry in entries if isinstance(entry, str))
    return frozenset()


def _full(entry: str, prefix: str) -> str:
    return entry if entry.count(".") > 1 else f"{prefix}{entry}"


def _places(paths: Iterable[str]) -> list[Path]:
    return [Path(path) for path in paths]
