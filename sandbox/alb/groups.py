# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which Ingresses are the controller's, and which of them share a load balancer.

https://kubernetes-sigs.github.io/aws-load-balancer-controller/latest/guide/ingress/ingress_class/,
https://kubernetes-sigs.github.io/aws-load-balancer-controller/latest/guide/ingress/annotations/#ingressgroup
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from sandbox.alb.annotations import PREFIX, Annotations, ModelError
from sandbox.alb.controller import Controller
from sandbox.alb.names import GroupId

CONTROLLER = "ingress.k8s.aws/alb"
CLASS_ANNOTATION = "kubernetes.io/ingress.class"
DEFAULT_CLASS = "ingressclass.kubernetes.io/is-default-class"
_NAME = re.compile(r"([a-z0-9][-a-z0-9.]*)?[a-z0-9]")
_PARAMETERS = frozenset(
    {
        "certificateArn",
        "group",
        "inboundCIDRs",
        "ipAddressType",
        "loadBalancerAttributes",
        "loadBalancerName",
        "scheme",
        "sslPolicy",
        "sslRedirectPort",
        "subnets",
        "tags",
        "targetType",
        "wafv2AclArn",
    }
)

Json = dict[str, Any]


@dataclass(frozen=True)
class Member:
    """An Ingress of a group, and the spec of its class' IngressClassParams."""

    ingress: Json
    params: Json = field(default_factory=dict)

    @property
    def key(self) -> str:
        """Namespace and name."""
        return key_of(self.ingress)

    @property
    def namespace(self) -> str:
        """Its namespace."""
        return str(self.ingress["metadata"]["namespace"])

    @property
    def own(self) -> dict[str, str]:
        """Its annotations, as they are."""
        return dict(self.ingress["metadata"].get("annotations") or {})

    @property
    def annotations(self) -> Annotations:
        """Its annotations, with what IngressClassParams say in the place of its own."""
        texts = {
            "certificate-arn": ",".join(self.params.get("certificateArn") or []),
            "inbound-cidrs": ",".join(self.params.get("inboundCIDRs") or []),
            "ip-address-type": self.params.get("ipAddressType"),
            "load-balancer-name": self.params.get("loadBalancerName"),
            "scheme": self.params.get("scheme"),
            "ssl-policy": self.params.get("sslPolicy"),
            "ssl-redirect": self.params.get("sslRedirectPort"),
            "wafv2-acl-arn": self.params.get("wafv2AclArn"),
        }
        return Annotations({PREFIX + name: str(text) for name, text in texts.items() if text}, self.own)

    def pairs(self, name: str) -> dict[str, str]:
        """Return pairs of key and value that IngressClassParams have in a list (tags, loadBalancerAttributes)."""
        return {str(item["key"]): str(item["value"]) for item in self.params.get(name) or []}


@dataclass
class Group:
    """The Ingresses of a group, and those that leave it but still have its finalizer."""

    id: GroupId
    members: list[Member] = field(default_factory=list)
    leaving: list[Json] = field(default_factory=list)


@dataclass
class Groups:
    """All groups, and what is wrong with Ingresses that are in none: pairs of Ingress and words."""

    groups: dict[GroupId, Group] = field(default_factory=dict)
    wrong: list[tuple[Json, str]] = field(default_factory=list)

    def get(self, group: GroupId) -> Group:
        """Return a group, made where it is not there yet."""
        return self.groups.setdefault(group, Group(group))


class _InvalidClass(Exception):
    """The class of an Ingress, or its parameters, do not exist."""


def key_of(item: Json) -> str:
    """Return namespace and name of an object."""
    return f"{item['metadata']['namespace']}/{item['metadata']['name']}"


def load(
    controller: Controller, ingresses: Iterable[Json], classes: dict[str, Json], params: dict[str, Json]
) -> Groups:
    """Sort Ingresses into groups.

    Args:
        controller: the controller that runs.
        ingresses: all Ingresses.
        classes: IngressClasses by name.
        params: the spec of IngressClassParams by name.
    """
    found = Groups()
    blocked: set[GroupId] = set()
    for ingress in ingresses:
        if controller.namespace and ingress["metadata"]["namespace"] != controller.namespace:
            continue
        pending = _pending(ingress)
        try:
            own = _group_of(controller, ingress, classes, params)
        except _InvalidClass:
            # A class that was taken away by mistake must not take the load balancers with it.
            blocked |= pending
            continue
        except ModelError as wrong:
            found.wrong.append((ingress, str(wrong)))
            own = None
        if own is not None:
            found.get(own[0]).members.append(own[1])
        for group in sorted(pending - ({own[0]} if own else set())):
            found.get(group).leaving.append(ingress)
    for group in blocked:
        found.groups.pop(group, None)
    return found


def in_order(members: list[Member]) -> list[Member]:
    """Return members by their order, then by name."""
    return sorted(members, key=lambda member: (_order(member), member.key))


def _order(member: Member) -> int:
    order = member.annotations.integer("group.order") or 0
    if not -1000 <= order <= 1000:
        words = "explicit Ingress group order must be within [-1000:1000]"
        raise ModelError(f"{words}, Ingress: {member.key}, order: {order}")
    return order


def _pending(ingress: Json) -> set[GroupId]:
    """Return the groups whose finalizer an Ingress has."""
    found = set()
    for finalizer in ingress["metadata"].get("finalizers") or []:
        group = GroupId("", finalizer.removeprefix("group.ingress.k8s.aws/"))
        if finalizer == group.finalizer:
            found.add(group)
        elif finalizer == "ingress.k8s.aws/resources":
            found.add(GroupId(ingress["metadata"]["namespace"], ingress["metadata"]["name"]))
    return found


def _group_of(
    controller: Controller, ingress: Json, classes: dict[str, Json], params: dict[str, Json]
) -> tuple[GroupId, Member] | None:
    meta = ingress["metadata"]
    if meta.get("deletionTimestamp"):
        return None
    annotations = meta.get("annotations") or {}
    if CLASS_ANNOTATION in annotations:
        if annotations[CLASS_ANNOTATION] != controller.ingress_class:
            return None
        member = Member(ingress)
    else:
        parameters = _parameters(ingress, classes, params)
        if parameters is None:
            return None
        member = Member(ingress, parameters)
    name = (member.params.get("group") or {}).get("name", member.annotations.text("group.name"))
    if name is None:
        return GroupId(meta["namespace"], meta["name"]), member
    if not _NAME.fullmatch(name):
        rule = "must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an "
        raise ModelError(f"invalid ingress group: groupName {rule}alphanumeric character")
    if len(name) > 63:
        raise ModelError("invalid ingress group: groupName must be no more than 63 characters")
    return GroupId("", name), member


def _parameters(ingress: Json, classes: dict[str, Json], params: dict[str, Json]) -> Json | None:
    """Return the parameters of an Ingress' class, None where the class is not the controller's."""
    name = ingress["spec"].get("ingressClassName")
    if name is None:
        marked = (
            item["metadata"]["name"]
            for item in classes.values()
            if (item["metadata"].get("annotations") or {}).get(DEFAULT_CLASS) == "true"
        )
        name = next(marked, None)
        if name is None:
            return None
    if name not in classes:
        raise _InvalidClass
    spec = classes[name]["spec"]
    if spec.get("controller") != CONTROLLER:
        return None
    reference = spec.get("parameters")
    if not reference:
        return {}
    if reference["name"] not in params:
        raise _InvalidClass
    parameters = params[reference["name"]]
    foreign = sorted(set(parameters) - _PARAMETERS)
    if foreign:
        words = f"the sandbox does not play {', '.join(foreign)}"
        raise ModelError(f"IngressClassParams {reference['name']}: {words} (see sandbox/README.md)")
    return parameters
