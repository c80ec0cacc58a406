# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a group of Ingresses wants in AWS.

Actions and conditions are those of the API of Elastic Load Balancing, save that a target group of the model is named by
``Resource``, its resource id, in the place of an ARN.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from sandbox.alb.controller import Controller

Json = dict[str, Any]


class Account(Protocol):
    """What the controller reads in AWS before it decides."""

    def vpc(self) -> str:
        """Return the id of the cluster's VPC."""

    def subnets(self) -> list[Json]:
        """Return all subnets of the VPC."""

    def public(self) -> set[str]:
        """Return the ids of the subnets that have a route to an internet gateway."""

    def zones(self) -> dict[str, str]:
        """Return the type of each Availability Zone."""

    def security_groups(self) -> list[Json]:
        """Return all security groups of the VPC."""

    def certificates(self) -> dict[str, set[str]]:
        """Return the domains of each certificate that ACM has issued, by ARN."""

    def load_balancer(self, tags: Mapping[str, str]) -> Json | None:
        """Return the load balancer that has all of these tags."""

    def web_acl(self, name: str) -> str | None:
        """Return the ARN of a web ACL of WAFv2."""


@dataclass(frozen=True)
class SecurityGroup:
    """The security group that lets clients reach the load balancer; rules are pairs of port and CIDR."""

    name: str
    rules: tuple[tuple[int, str], ...]
    tags: dict[str, str]


@dataclass(frozen=True)
class LoadBalancer:
    """An application load balancer; without security groups of its own it gets the managed one."""

    name: str
    scheme: str
    ip_address_type: str
    subnets: tuple[str, ...]
    security_groups: tuple[str, ...]
    attributes: dict[str, str]
    tags: dict[str, str]


@dataclass(frozen=True)
class TargetGroup:
    """A target group; ``health`` has the names of the API."""

    resource: str
    name: str
    target_type: str
    port: int
    protocol: str
    version: str
    ip_address_type: str
    health: Json
    attributes: dict[str, str]
    tags: dict[str, str]


@dataclass(frozen=True)
class Rule:
    """A rule; its priority is its place among the listener's."""

    conditions: list[Json]
    actions: list[Json]
    tags: dict[str, str]


@dataclass(frozen=True)
class Listener:
    """A listener; the first certificate is the default one."""

    port: int
    protocol: str
    policy: str | None
    certificates: tuple[str, ...]
    default: list[Json]
    rules: tuple[Rule, ...]
    tags: dict[str, str]


@dataclass(frozen=True)
class Model:
    """All that belongs to a group; a group without members wants nothing.

    Args:
        tags: tags that all of it has.
        web_acl: ARN of the web ACL, empty for none, None to leave it as it is.
    """

    tags: dict[str, str]
    load_balancer: LoadBalancer | None = None
    security_group: SecurityGroup | None = None
    target_groups: dict[str, TargetGroup] = field(default_factory=dict)
    listeners: dict[int, Listener] = field(default_factory=dict)
    web_acl: str | None = None


def stack_tags(controller: Controller, group: str) -> dict[str, str]:
    """Return the tags that tell whose a thing in AWS is."""
    return {"elbv2.k8s.aws/cluster": controller.cluster, "ingress.k8s.aws/stack": group}


def resource_tags(stack: Mapping[str, str], resource: str, more: Mapping[str, str]) -> dict[str, str]:
    """Return the tags of one thing of a group."""
    return {**more, "ingress.k8s.aws/resource": resource, **stack}
