# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The groups readonly, readwrite and debugmode, and those of an inventory, as rbac_groups takes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible.module_utils.parsing.convert_bool import boolean
from ansible_collections.ekspress.eks.plugins.module_utils._errors import EksError

Item = Mapping[str, Any]

_READ = ("get", "list", "watch")
_WRITE = ("create", "delete", "deletecollection", "patch", "update")
_PLATFORM = "platform_namespaces"
_OPTIONS = frozenset(
    {"name", "rules", "cluster_role_selectors", "cluster_roles", "scope", "namespaces", "exclude_namespaces", _PLATFORM}
)
_ADDED = ("rules", "cluster_role_selectors", "cluster_roles")
"""What an inventory says of one of ours beside what it has; all else replaces it."""


def _rule(group: str | Sequence[str], resources: Sequence[str], verbs: Sequence[str]) -> dict[str, Any]:
    groups = [group] if isinstance(group, str) else list(group)
    return {"apiGroups": groups, "resources": list(resources), "verbs": list(verbs)}


def _by_label(name: str) -> dict[str, str]:
    """The label by which somebody's ClusterRole, such as one for custom resources, adds to a group of ours."""
    return {f"ekspress.eks/aggregate-to-{name}": "true"}


READONLY = {
    "name": "readonly",
    "scope": "cluster",
    # Kubernetes' own ClusterRole view, and what charts add to it: no Secrets, no roles, no bindings.
    "cluster_role_selectors": [{"rbac.authorization.k8s.io/aggregate-to-view": "true"}, _by_label("readonly")],
    "rules": [
        _rule("", ["nodes", "persistentvolumes"], _READ),
        _rule("metrics.k8s.io", ["nodes", "pods"], ["get", "list"]),
        _rule("events.k8s.io", ["events"], _READ),
        _rule("coordination.k8s.io", ["leases"], _READ),
        _rule("networking.k8s.io", ["ingressclasses", "ipaddresses", "servicecidrs"], _READ),
        _rule(
            "storage.k8s.io",
            [
                "csidrivers",
                "csinodes",
                "csistoragecapacities",
                "storageclasses",
                "volumeattachments",
                "volumeattributesclasses",
            ],
            _READ,
        ),
        _rule("scheduling.k8s.io", ["priorityclasses"], _READ),
        _rule("node.k8s.io", ["runtimeclasses"], _READ),
        _rule("apiextensions.k8s.io", ["customresourcedefinitions"], _READ),
        _rule("apiregistration.k8s.io", ["apiservices"], _READ),
        _rule(
            "admissionregistration.k8s.io",
            [
                "mutatingwebhookconfigurations",
                "validatingadmissionpolicies",
                "validatingadmissionpolicybindings",
                "validatingwebhookconfigurations",
            ],
            _READ,
        ),
        # Custom resources of the platform's own add-ons, whose charts do not label a role for it.
        _rule(["elbv2.k8s.aws", "externaldns.k8s.io", "gateway.networking.k8s.io", "traefik.io"], ["*"], _READ),
    ],
}

READWRITE = {
    "name": "readwrite",
    "cluster_role_selectors": [_by_label("readwrite")],
    # Not Kubernetes' edit, which starts programs in pods, mints tokens of service accounts and acts as them.
    "rules": [
        _rule(
            "",
            [
                "configmaps",
                "persistentvolumeclaims",
                "pods",
                "replicationcontrollers",
                "secrets",
                "serviceaccounts",
                "services",
            ],
            [*_READ, *_WRITE],
        ),
        _rule("", ["replicationcontrollers/scale"], ["get", "patch", "update"]),
        _rule("", ["pods/eviction"], ["create"]),
        _rule("apps", ["daemonsets", "deployments", "replicasets", "statefulsets"], [*_READ, *_WRITE]),
        _rule("apps", ["deployments/scale", "replicasets/scale", "statefulsets/scale"], ["get", "patch", "update"]),
        _rule("batch", ["cronjobs", "jobs"], [*_READ, *_WRITE]),
        _rule("autoscaling", ["horizontalpodautoscalers"], [*_READ, *_WRITE]),
        _rule("policy", ["poddisruptionbudgets"], [*_READ, *_WRITE]),
        _rule("networking.k8s.io", ["ingresses", "networkpolicies"], [*_READ, *_WRITE]),
    ],
}

DEBUGMODE = {
    "name": "debugmode",
    "cluster_role_selectors": [_by_label("debugmode")],
    "rules": [
        _rule("", ["pods/log"], ["get"]),
        # By WebSocket, as kubectl does it by now, these are GETs; create is what they were, and what newer API servers
        # ask for in both cases.
        _rule("", ["pods/attach", "pods/exec", "pods/portforward"], ["create", "get"]),
        _rule("", ["pods/ephemeralcontainers"], ["get", "patch", "update"]),
    ],
}

OURS: dict[str, Item] = {str(group["name"]): group for group in (READONLY, READWRITE, DEBUGMODE)}


def groups(wanted: Sequence[Item], platform_namespaces: Sequence[str]) -> list[dict[str, Any]]:
    """The ``groups`` of rbac_groups: one of ours is known by its name, with what the inventory says of it.

    Who has rights by namespace has none in the platform's own, unless it asks for them. Raises EksError.
    """
    return [_group(number, group, platform_namespaces) for number, group in enumerate(wanted, start=1)]


def _group(number: int, group: Item, platform_namespaces: Sequence[str]) -> dict[str, Any]:
    name = group.get("name")
    if not isinstance(name, str) or not name:
        raise EksError(f"access_groups: entry {number} has no name; give it the name of a Kubernetes group.")
    unknown = sorted(set(group) - _OPTIONS)
    if unknown:
        raise EksError(f"access_groups: {name} has {', '.join(unknown)}; it may have {', '.join(sorted(_OPTIONS))}.")
    base = OURS.get(name, {})
    given = {key: value for key, value in group.items() if value is not None}
    made = {**base, **given, **{key: [*base.get(key, []), *given.get(key, [])] for key in _ADDED}}
    made.setdefault("scope", "namespaces")
    platform = _asks_for_the_platform(name, made.pop(_PLATFORM, None))
    if made["scope"] == "namespaces":
        left_out = [] if platform else platform_namespaces
        made["exclude_namespaces"] = list(dict.fromkeys([*left_out, *made.get("exclude_namespaces", ())]))
    elif platform:
        raise EksError(
            f"access_groups: {name} has scope {made['scope']}, which is not by namespace, and platform_namespaces. "
            "Leave one of them out."
        )
    return made


def _asks_for_the_platform(name: str, value: Any) -> bool:
    try:
        return value is not None and bool(boolean(value))
    except TypeError as error:
        raise EksError(f"access_groups: {name}, platform_namespaces: {value!r} is neither true nor false.") from error
