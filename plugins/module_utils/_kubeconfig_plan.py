# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A kubeconfig's text with our entries merged into it: what others have in it stays as it is.

https://kubernetes.io/docs/reference/config-api/kubeconfig.v1/
"""

from __future__ import annotations

import traceback
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.ekspress.eks.plugins.module_utils import _kubeconfig_entries as entries
from ansible_collections.ekspress.eks.plugins.module_utils._errors import EksError
from ansible_collections.ekspress.eks.plugins.module_utils._kubeconfig_entries import Context

try:
    import yaml
except ImportError:
    YAML_TRACEBACK: str | None = traceback.format_exc()
else:
    YAML_TRACEBACK = None

SECTIONS = {"clusters": "cluster", "users": "user", "contexts": "context"}
"""The lists of a kubeconfig, and the key of an item's content in each."""
NEW = "apiVersion: v1\nkind: Config\npreferences: {}\nclusters: []\nusers: []\ncontexts: []\ncurrent-context: ''\n"


@dataclass
class Plan:
    """The text that the file should have, and what becomes of each context."""

    text: str
    states: dict[str, str] = field(default_factory=dict)
    """created, changed, unchanged or removed, by the context's name."""
    before: dict[str, Any] = field(default_factory=dict)
    after: dict[str, Any] = field(default_factory=dict)
    current_context: str = ""


def merge(text: str | None, wanted: list[Context], path: str, current: str = "", overwrite: bool = False) -> Plan:
    """The text with these contexts, their clusters and users; ``text`` is None where there is no file.

    Where nothing is to be changed the text is the very one that was given. Raises EksError for a text that is no
    kubeconfig, and for entries of these names that are not ours, unless ``overwrite``.
    """
    config = _Config(text or NEW, path)
    plan = Plan(text=text or "", current_context=config.current)
    for context in wanted:
        there = {section: config.find(section, context.name) for section in SECTIONS}
        foreign = [section for section, item in there.items() if item is not None and not entries.is_ours(item)]
        after = {section: entries.merged(section, there[section], context, section in foreign) for section in SECTIONS}
        if any(not entries.same(there[section], after[section]) for section in SECTIONS):
            if foreign and not overwrite:
                raise EksError(
                    f"{path} has entries {context.name!r} in {', '.join(foreign)} that this collection did not write. "
                    "Nothing was changed. Rename them (kubectl config rename-context), give another context or "
                    "context_suffix, or set overwrite."
                )
            plan.states[context.name] = "changed" if there["contexts"] else "created"
            for section, key in SECTIONS.items():
                config.put(section, context.name, {"name": context.name, key: after[section]})
        else:
            plan.states[context.name] = "unchanged"
        plan.before[context.name] = entries.shown(there, foreign)
        plan.after[context.name] = entries.shown(after, [])
    if current and config.find("contexts", current) is None:
        known = ", ".join(config.names("contexts")) or "none"
        raise EksError(f"current_context {current!r} is no context of {path}; there are: {known}. Correct it.")
    if current:
        config.set_current(current)
    return _finished(plan, config, text)


def remove(text: str | None, names: list[str], path: str) -> Plan:
    """The text without our contexts of these names, their clusters and users; what is not ours stays."""
    config = _Config(text or NEW, path)
    plan = Plan(text=text or "", current_context=config.current)
    for name in names:
        there = {section: config.find(section, name) for section in SECTIONS}
        ours = [section for section, item in there.items() if item is not None and entries.is_ours(item)]
        plan.states[name] = "removed" if ours else "unchanged"
        if ours:
            plan.before[name] = entries.shown({section: there[section] for section in ours}, [])
        for section in ours:
            config.drop(section, name)
        if "contexts" in ours and config.current == name:
            config.set_current("")
    return _finished(plan, config, text)


def _finished(plan: Plan, config: _Config, text: str | None) -> Plan:
    if config.current != plan.current_context:
        plan.before["current-context"] = plan.current_context
        plan.after["current-context"] = config.current
    plan.current_context = config.current
    if config.touched or (text is None and plan.after):
        plan.text = config.text()
    return plan


class _Config:
    """A kubeconfig as YAML's nodes, so that scalars of others keep their very form; comments are lost by a change."""

    def __init__(self, text: str, path: str) -> None:
        self.touched = False
        try:
            content = yaml.safe_load(text)
            self._root = _nodes(NEW if content is None else text)
        except (yaml.YAMLError, ValueError) as error:
            # The message of the error quotes the text, which may hold secrets.
            mark = getattr(error, "problem_mark", None)
            where = f" at line {mark.line + 1}" if mark else ""
            raise EksError(f"{path} is no valid YAML{where}. Nothing was changed. Repair or remove it.") from None
        content = yaml.safe_load(NEW) if content is None else content
        problem = _problem(content)
        if problem:
            raise EksError(f"{path} is no kubeconfig: {problem}. Nothing was changed. Repair it, or give another path.")
        self._content: dict[str, Any] = content

    @property
    def current(self) -> str:
        return str(self._content.get("current-context") or "")

    def names(self, section: str) -> list[str]:
        return [item["name"] for item in self._content.get(section) or []]

    def find(self, section: str, name: str) -> dict[str, Any] | None:
        """The content of an entry; {} where it has none, None where there is no such entry."""
        for item in self._content.get(section) or []:
            if item["name"] == name:
                return dict(item.get(SECTIONS[section]) or {})
        return None

    def put(self, section: str, name: str, entry: dict[str, Any]) -> None:
        items, nodes = self._list(section)
        node = _nodes(yaml.safe_dump(entry, sort_keys=False))
        place = next((index for index, item in enumerate(items) if item["name"] == name), len(items))
        items[place : place + 1] = [entry]
        nodes[place : place + 1] = [node]
        self.touched = True

    def drop(self, section: str, name: str) -> None:
        items, nodes = self._list(section)
        place = next(index for index, item in enumerate(items) if item["name"] == name)
        del items[place], nodes[place]
        self.touched = True

    def set_current(self, name: str) -> None:
        if name == self.current:
            return
        self._content["current-context"] = name
        self._set("current-context", name)
        self.touched = True

    def text(self) -> str:
        return str(yaml.serialize(self._root, Dumper=yaml.SafeDumper, allow_unicode=True, width=1_000_000))

    def _list(self, section: str) -> tuple[list[Any], list[Any]]:
        """The items of a section and their nodes, which are made where there are none."""
        if not self._content.get(section):
            self._content[section] = []
            self._set(section, [])
        node = next(value for key, value in self._root.value if key.value == section)
        node.flow_style = False
        return self._content[section], node.value

    def _set(self, key: str, value: Any) -> None:
        made = _nodes(yaml.safe_dump({key: value})).value[0]
        for index, (known, _value) in enumerate(self._root.value):
            if known.value == key:
                self._root.value[index] = (known, made[1])
                return
        self._root.value.append(made)


def _nodes(text: str) -> Any:
    return yaml.compose(text, Loader=yaml.SafeLoader)


def _problem(content: Any) -> str:
    """Why a document is no kubeconfig that we change; '' where it is one."""
    if not isinstance(content, dict) or content.get("kind", "Config") != "Config":
        return "it is of another kind"
    for section, key in SECTIONS.items():
        items = [] if content.get(section) is None else content[section]
        if not isinstance(items, list) or not all(isinstance(item, dict) and "name" in item for item in items):
            return f"its {section} are no list of named entries"
        if not all(isinstance(item.get(key) or {}, dict) for item in items):
            return f"one of its {section} has no fields"
        names = [item["name"] for item in items]
        if len(set(map(str, names))) != len(names):
            return f"two of its {section} have one name"
    return ""
