# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What objects of RBAC groups need, and how what is there differs from it. Pure: no calls are made here."""

from __future__ import annotations

import fnmatch
import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from ansible_collections.ekspress.eks.plugins.module_utils._errors import EksError
from ansible_collections.ekspress.eks.plugins.module_utils._kubernetes import MANAGER
from ansible_collections.ekspress.eks.plugins.module_utils._rbac_groups_input import Group

API = "rbac.authorization.k8s.io"
VERSION = f"{API}/v1"
CLUSTER_ROLE, CLUSTER_BINDING, BINDING = "ClusterRole", "ClusterRoleBinding", "RoleBinding"
KINDS = (CLUSTER_ROLE, CLUSTER_BINDING, BINDING)

LABEL, LABEL_VALUE = "ekspress.eks/managed-by", "rbac-groups"
RULES_OF = "ekspress.eks/rules-of"
"""Label of a ClusterRole that holds a group's own rules, for the one that aggregates them with those of others."""
GROUP = "ekspress.eks/group"
"""Annotation with the group's name, which may have characters that no label has."""
PREFIX = "ekspress:"

CREATE, UPDATE, RECREATE, DELETE = "create", "update", "recreate", "delete"

Item = dict[str, Any]


class Key(NamedTuple):
    """Which object."""

    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.name}{f' in {self.namespace}' if self.namespace else ''}"


@dataclass(frozen=True)
class Change:
    """One object that is not as it should be; ``item`` is what is to be applied, None for what is to go."""

    action: str
    key: Key
    live: Item | None
    item: Item | None

    def __str__(self) -> str:
        return f"{self.action} {self.key}"


@dataclass(frozen=True)
class Plan:
    """What is to be done, in order, and whose rights stay though no option names them."""

    changes: tuple[Change, ...]
    unlisted: tuple[str, ...]


def key_of(item: Mapping[str, Any]) -> Key:
    """Which object an item is."""
    meta = item["metadata"]
    return Key(str(item["kind"]), meta.get("namespace") or "", meta["name"])


def open_namespaces(items: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    """Names of the namespaces in which objects can be made: those that are being deleted take no more."""
    return tuple(sorted(item["metadata"]["name"] for item in items if not item["metadata"].get("deletionTimestamp")))


def bound_in(group: Group, namespaces: Iterable[str]) -> tuple[str, ...]:
    """Those of the namespaces in which a group gets its rights; none for one that has them everywhere."""
    if group.everywhere:
        return ()
    return tuple(name for name in namespaces if _matches(name, group.namespaces) and not _matches(name, group.excluded))


def missing(group: Group, namespaces: Iterable[str]) -> tuple[str, ...]:
    """Namespaces that a group names and that are not there."""
    if group.everywhere:
        return ()
    there = set(namespaces)
    return tuple(name for name in group.namespaces if name not in there and not set(name) & set("*?"))


def _matches(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)


def desired(groups: Iterable[Group], namespaces: Iterable[str]) -> dict[Key, Item]:
    """All objects of the groups. Raises EksError where two groups need different objects of one name."""
    names = tuple(namespaces)
    made: dict[Key, Item] = {}
    for group in groups:
        for item in _objects(group, bound_in(group, names)):
            other = made.setdefault(key_of(item), item)
            if other is not item:
                raise EksError(
                    f"groups: {other['metadata']['annotations'][GROUP]} and {group.name} would both have the "
                    f"{key_of(item)}; give one of them another name."
                )
    return made


def _objects(group: Group, namespaces: tuple[str, ...]) -> Iterator[Item]:
    own = f"{PREFIX}{group.name}"
    roles = {}
    if group.selectors:
        selectors = [*group.selectors, *([{RULES_OF: label_value(group.name)}] if group.rules else [])]
        rule = {"clusterRoleSelectors": [{"matchLabels": labels} for labels in selectors]}
        yield _item(CLUSTER_ROLE, own, group, aggregationRule=rule)
        if group.rules:
            role = _item(CLUSTER_ROLE, f"{own}:rules", group, rules=list(group.rules))
            role["metadata"]["labels"][RULES_OF] = label_value(group.name)
            yield role
        roles[own] = own
    elif group.rules:
        yield _item(CLUSTER_ROLE, own, group, rules=list(group.rules))
        roles[own] = own
    roles.update({f"{own}:{name}": name for name in group.cluster_roles})
    for name, role_name in roles.items():
        binding = {
            "roleRef": {"apiGroup": API, "kind": CLUSTER_ROLE, "name": role_name},
            "subjects": [{"apiGroup": API, "kind": "Group", "name": group.name}],
        }
        if group.everywhere:
            yield _item(CLUSTER_BINDING, name, group, **binding)
        for namespace in namespaces:
            item = _item(BINDING, name, group, **binding)
            item["metadata"]["namespace"] = namespace
            yield item


def _item(kind: str, name: str, group: Group, **content: Any) -> Item:
    meta = {"name": name, "labels": {LABEL: LABEL_VALUE}, "annotations": {GROUP: group.name}}
    return {"apiVersion": VERSION, "kind": kind, "metadata": meta, **content}


def label_value(name: str) -> str:
    """A group's name as the value of a label: itself, or what of it may be one with a hash."""
    if re.fullmatch(r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?", name):
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:12]
    return f"{re.sub(r'[^A-Za-z0-9_.-]', '-', name)[:48]}-{digest}"


def ours(item: Mapping[str, Any]) -> bool:
    """Whether this module made an object: a copy of one has the label, but another field manager."""
    return any(
        entry.get("manager") == MANAGER and entry.get("operation") == "Apply"
        for entry in item["metadata"].get("managedFields") or []
    )


def labelled(item: Mapping[str, Any]) -> bool:
    """Whether an object has the label of those that this module made."""
    return bool((item["metadata"].get("labels") or {}).get(LABEL) == LABEL_VALUE)


def group_of(item: Mapping[str, Any]) -> str:
    """The group of an object of ours."""
    return str((item["metadata"].get("annotations") or {}).get(GROUP, ""))


def as_wanted(live: Mapping[str, Any], item: Mapping[str, Any]) -> bool:
    """Whether an object is as it is to be; labels and annotations of others do not count."""
    return view(live, item) == view(item, item)


def view(source: Mapping[str, Any], item: Mapping[str, Any]) -> Item:
    """What of an object counts for what is wanted of it (``item``), without what the API server adds."""
    meta = source["metadata"]
    made: Item = {
        part: {key: value for key, value in (meta.get(part) or {}).items() if key in (item["metadata"].get(part) or {})}
        for part in ("labels", "annotations")
    }
    for key in ("aggregationRule", "rules", "roleRef", "subjects"):
        # A controller of Kubernetes fills in the rules of a role that aggregates.
        if key == "rules" and "aggregationRule" in item:
            continue
        made[key] = [_plain(one) for one in source.get(key) or []] if key in ("rules", "subjects") else source.get(key)
    return {key: value for key, value in made.items() if value}


def _plain(part: Mapping[str, Any]) -> Item:
    return {key: value for key, value in sorted(part.items()) if value}


def plan(wanted: Mapping[Key, Item], live: Mapping[Key, Item], listed: Iterable[str], *, purge: bool) -> Plan:
    """From what the groups need and what of ours there is to what is to be done.

    What a listed group does not need any more goes; what is of other groups goes with ``purge`` alone.
    """
    changes = [change for key, item in wanted.items() if (change := _put(key, live.get(key), item))]
    names, left = set(listed), set()
    for key, item in live.items():
        if key in wanted:
            continue
        if purge or group_of(item) in names:
            changes.append(Change(DELETE, key, item, None))
        else:
            left.add(group_of(item))
    return Plan(tuple(sorted(changes, key=_turn)), tuple(sorted(left)))


def _put(key: Key, live: Item | None, item: Item) -> Change | None:
    if live is None:
        return Change(CREATE, key, None, item)
    if as_wanted(live, item):
        return None
    moved = live.get("roleRef") != item.get("roleRef")
    return Change(RECREATE if moved else UPDATE, key, live, item)


def aggregates_by_others(change: Change) -> bool:
    """Whether a role is to lose an aggregation, which goes with an apply only where we were who set it."""
    live, item = change.live or {}, change.item or {}
    return change.action == UPDATE and bool(live.get("aggregationRule")) and "aggregationRule" not in item


def _turn(change: Change) -> tuple[int, Key]:
    return stage(change), change.key


def stage(change: Change) -> int:
    """In which turn a change is made: roles before what binds them, and the other way round where they go.

    What is given is given before anything is taken, so that nobody who keeps a right is without it meanwhile.
    """
    is_role = change.key.kind == CLUSTER_ROLE
    if change.action == DELETE:
        return 3 if is_role else 2
    return 0 if is_role else 1


def text(source: Mapping[str, Any] | None, item: Mapping[str, Any]) -> str:
    """An object for a diff."""
    return "" if source is None else json.dumps(view(source, item), indent=2, sort_keys=True) + "\n"
