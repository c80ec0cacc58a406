# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Options of rbac_groups: their spec, and the groups that they ask for, checked before any call."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.ekspress.eks.plugins.module_utils._adapter import (
    aws_options,
    cluster_options,
    kubernetes_options,
)
from ansible_collections.ekspress.eks.plugins.module_utils._errors import EksError

EXCLUDED = ("kube-*",)
"""Kubernetes keeps this prefix to itself: https://kubernetes.io/docs/concepts/overview/working-with-objects/namespaces/"""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9:._@+=-]{0,99}")
"""What is sure to be a group's name, part of an object's name in a URL, and no template."""
_CLUSTER_ROLE = re.compile(r"[A-Za-z0-9][A-Za-z0-9:._-]{0,252}")
_NAMESPACE = re.compile(r"[a-z0-9*?-]{1,63}")
_LABEL_KEY = re.compile(r"([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")
_LABEL_VALUE = re.compile(r"([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?")
"""https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#syntax-and-character-set"""
_RULE_KEYS = ("apiGroups", "resources", "resourceNames", "nonResourceURLs", "verbs")
"""https://kubernetes.io/docs/reference/kubernetes-api/authorization-resources/cluster-role-v1/"""


@dataclass(frozen=True)
class Group:
    """A Kubernetes group, and what it may do where."""

    name: str
    rules: tuple[dict[str, Any], ...] = ()
    selectors: tuple[dict[str, str], ...] = ()
    """Labels of ClusterRoles whose rules count as the group's own."""
    cluster_roles: tuple[str, ...] = ()
    everywhere: bool = False
    namespaces: tuple[str, ...] = field(default=("*",))
    excluded: tuple[str, ...] = EXCLUDED
    """Names and patterns, both."""


def argument_spec() -> dict[str, Any]:
    """The options of the module."""
    texts = {"type": "list", "elements": "str"}
    group = {
        "name": {"type": "str", "required": True},
        "rules": {"type": "list", "elements": "dict", "default": []},
        "cluster_role_selectors": {"type": "list", "elements": "dict", "default": []},
        "cluster_roles": {**texts, "default": []},
        "scope": {"type": "str", "choices": ["namespaces", "cluster"], "default": "namespaces"},
        "namespaces": texts,
        "exclude_namespaces": texts,
    }
    own = {
        "groups": {"type": "list", "elements": "dict", "required": True, "options": group},
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        "purge": {"type": "bool", "default": False},
    }
    cluster = {name: {**spec, "required": False} for name, spec in cluster_options().items()}
    return {**aws_options(), **cluster, **kubernetes_options(), **own}


def wanted(params: Mapping[str, Any]) -> tuple[Group, ...]:
    """The groups of a task. Raises EksError that names the group and the option."""
    present = params["state"] == "present"
    if params["purge"] and not present:
        raise EksError("purge goes with state: present, which lists what stays; with state: absent nothing is listed.")
    groups = tuple(_group(item, present) for item in params["groups"])
    names = [group.name for group in groups]
    for name in names:
        if names.count(name) > 1:
            raise EksError(f"groups: {name} is listed twice; give it once, with all that it may do.")
    return groups


def _group(item: Mapping[str, Any], present: bool) -> Group:
    name = item["name"]
    what = f"groups: {name}"
    if not _NAME.fullmatch(name):
        raise EksError(
            f"groups: {name!r} cannot be a group here: 1 to 100 letters, digits and :._@+=-, with a letter or digit "
            "first, because objects of the cluster are named after it."
        )
    if name.startswith("system:"):
        raise EksError(
            f"{what} is one of Kubernetes' own groups, which whoever is in it did not get from you "
            "(system:authenticated is everybody). Name a group of your own, and map people to it."
        )
    if not present:
        return Group(name)
    made = Group(
        name,
        tuple(_rule(f"{what}, rule {number}", rule) for number, rule in enumerate(item["rules"], start=1)),
        tuple(_selector(what, labels) for labels in item["cluster_role_selectors"]),
        _names(f"{what}, cluster_roles", item["cluster_roles"], _CLUSTER_ROLE),
        item["scope"] == "cluster",
        *_places(what, item),
    )
    if not (made.rules or made.selectors or made.cluster_roles):
        raise EksError(
            f"{what} may do nothing: give it rules, cluster_roles or cluster_role_selectors, or take its rights away "
            "with state: absent."
        )
    if not made.everywhere and any("nonResourceURLs" in rule for rule in made.rules):
        raise EksError(f"{what} has a rule with nonResourceURLs, which are in no namespace; set scope to cluster.")
    return made


def _places(what: str, item: Mapping[str, Any]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    given = {key: item[key] for key in ("namespaces", "exclude_namespaces") if item[key] is not None}
    if item["scope"] == "cluster" and given:
        raise EksError(
            f"{what} has scope cluster, which is every namespace and what is in none, so {' and '.join(given)} cannot "
            "count. Set scope to namespaces, or leave them out."
        )
    namespaces = _names(f"{what}, namespaces", given.get("namespaces", ["*"]), _NAMESPACE)
    excluded = _names(f"{what}, exclude_namespaces", given.get("exclude_namespaces", EXCLUDED), _NAMESPACE)
    return namespaces, excluded


def _names(what: str, names: Sequence[str], pattern: re.Pattern[str]) -> tuple[str, ...]:
    for name in names:
        if not pattern.fullmatch(name):
            kind = "namespace (* and ? stand for other characters)" if pattern is _NAMESPACE else "ClusterRole"
            raise EksError(f"{what}: {name!r} cannot be the name of a {kind}.")
    return tuple(dict.fromkeys(names))


def _selector(what: str, labels: Mapping[str, Any]) -> dict[str, str]:
    good = all(
        _LABEL_KEY.fullmatch(str(key)) and isinstance(value, str) and _LABEL_VALUE.fullmatch(value)
        for key, value in labels.items()
    )
    if not labels or not good:
        raise EksError(
            f"{what}, cluster_role_selectors: {dict(labels)!r} are no labels. Each item is labels that a ClusterRole "
            'must have, such as rbac.authorization.k8s.io/aggregate-to-view: "true" (true in quotes).'
        )
    return {str(key): str(value) for key, value in sorted(labels.items())}


def _rule(what: str, rule: Mapping[str, Any]) -> dict[str, Any]:
    unknown = sorted(set(map(str, rule)) - set(_RULE_KEYS))
    if unknown:
        raise EksError(f"{what} has {', '.join(unknown)}; a rule of RBAC has {', '.join(_RULE_KEYS)}.")
    made = {key: _texts(f"{what}, {key}", rule[key]) for key in _RULE_KEYS if rule.get(key)}
    if "verbs" not in made:
        raise EksError(f"{what} has no verbs, such as get, list and watch.")
    of_objects = "apiGroups" in made and "resources" in made
    if not of_objects and ("nonResourceURLs" not in made or len(made) > 2):
        raise EksError(
            f'{what} needs apiGroups ("" for Pods, Services and others of v1) and resources, or nonResourceURLs alone.'
        )
    if of_objects and "nonResourceURLs" in made:
        raise EksError(f"{what} has resources and nonResourceURLs; make two rules of it.")
    return made


def _texts(what: str, values: Any) -> list[str]:
    if not isinstance(values, list | tuple) or not all(isinstance(value, str) for value in values):
        raise EksError(f"{what} must be a list of texts, not {values!r}.")
    return [str(value) for value in values]
