# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""From what aws-auth maps to access entries that give the same, or the reason why none can. Pure.

https://docs.aws.amazon.com/eks/latest/userguide/migrating-access-entries.html
https://docs.aws.amazon.com/eks/latest/userguide/creating-access-entries.html
https://github.com/kubernetes-sigs/aws-iam-authenticator/blob/v0.6.13/pkg/server/server.go (placeholders)
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.ekspress.eks.plugins.module_utils._access_entries_guards import EVERYBODY
from ansible_collections.ekspress.eks.plugins.module_utils._access_entries_input import (
    LINKED,
    SESSION_NAMES,
    group_faults,
    username_faults,
)
from ansible_collections.ekspress.eks.plugins.module_utils._access_entries_model import CLUSTER_ADMIN, STANDARD
from ansible_collections.ekspress.eks.plugins.module_utils._aws_auth_guards import FARGATE, MASTERS, NODES
from ansible_collections.ekspress.eks.plugins.module_utils._aws_auth_model import Entry as Mapped

BRIDGE = "ekspress.eks:access-migration"
"""The group that administrators have while their entry is made."""

BOOTSTRAPPERS = "system:bootstrappers"
WINDOWS = "eks:kube-proxy-windows"
DNS_NODE, SESSION_NODE = "system:node:{{EC2PrivateDNSName}}", "system:node:{{SessionName}}"
_OF_NODES = frozenset({NODES, BOOTSTRAPPERS, FARGATE, WINDOWS, EVERYBODY})
_BRACES = re.compile(r"\{\{.*?\}\}")
_LINKED_NAME = "AWSServiceRoleFor"


@dataclass(frozen=True)
class Identity:
    """One principal of aws-auth, and the entry that takes its place."""

    mapped: Mapped
    principal: str
    """Its ARN with its path."""
    kind: str = STANDARD
    username: str = ""
    groups: tuple[str, ...] = ()
    admin: bool = False
    """Whether it was in system:masters."""

    def entry(self, *more_groups: str) -> dict[str, Any]:
        """As the module access_entries takes it."""
        if self.kind != STANDARD:
            return {"principal": self.principal, "type": self.kind}
        return {
            "principal": self.principal,
            "type": STANDARD,
            "username": self.username,
            "groups": [*self.groups, *more_groups],
            "policies": [{"policy": CLUSTER_ADMIN}] if self.admin else [],
        }


@dataclass(frozen=True)
class Refusal:
    """Why an identity cannot have an entry that gives it the same."""

    mapped: Mapped
    reasons: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.mapped.arn}: {' '.join(self.reasons)}"


def converted(mapped: Mapped, principal: str, node_types: Mapping[str, str]) -> Identity | Refusal:
    """The entry for what aws-auth maps.

    Args:
        mapped: the mapping that counts.
        principal: ARN of the role or user, with its path.
        node_types: types of the entries of managed node groups' and Fargate profiles' roles, by ``identity``.
    """
    if principal.split(":", 5)[-1].startswith(f"role/{LINKED}") or principal.rpartition("/")[2].startswith(
        _LINKED_NAME
    ):
        return Refusal(
            mapped,
            (
                "it is a service-linked role, which EKS takes no entries for. Ask the AWS service whether it has a "
                "policy of its own for access entries, and remove the mapping then; until then the cluster needs "
                "aws-auth.",
            ),
        )
    if NODES in mapped.groups:
        return _node(mapped, principal, node_types.get(mapped.key))
    if not mapped.username:
        return Refusal(mapped, ("it has no username, so that nobody gets in by it. Give it one, or remove it.",))
    username, reasons = _username(mapped, principal)
    groups = []
    for group in dict.fromkeys(mapped.groups):
        if group not in (MASTERS, EVERYBODY):
            reasons += group_faults(group)
            if group == BRIDGE:
                reasons.append(
                    f"groups: {group} is the group of administrators while they are moved, and has all rights then. "
                    "Name another one in aws-auth first."
                )
            groups.append(group)
    if reasons:
        return Refusal(mapped, tuple(dict.fromkeys(reasons)))
    return Identity(mapped, principal, STANDARD, username, tuple(groups), MASTERS in mapped.groups)


def _username(mapped: Mapped, principal: str) -> tuple[str, list[str]]:
    """The username as an entry can have it: what is the same for every session is filled in."""
    user = ":user/" in principal
    text = mapped.username.replace("{{AccountID}}", principal.split(":")[4])
    for placeholder in SESSION_NAMES if user else ():
        # Only sessions of roles have a name.
        text = text.replace(placeholder, "")
    unknown = [name for name in _BRACES.findall(text) if name not in SESSION_NAMES]
    if unknown:
        known = unknown[0] in ("{{EC2PrivateDNSName}}", "{{AccessKeyID}}")
        why = "EKS replaces it in aws-auth, and not in access entries" if known else "EKS takes it as it stands today"
        return text, [
            f"username: {mapped.username!r} has {unknown[0]}: {why}. Take another username in aws-auth first."
        ]
    if not text.strip():
        return text, [f"username: {mapped.username!r} is empty for a user, who has no session. Take another one first."]
    return text, username_faults(text)


def _node(mapped: Mapped, principal: str, managed: str | None) -> Identity | Refusal:
    if ":role/" not in principal:
        return Refusal(mapped, (f"it is a user in the group {NODES}; access entries of nodes are for roles.",))
    others = sorted(set(mapped.groups) - _OF_NODES)
    if others:
        return Refusal(
            mapped,
            (
                f"it lets nodes in and has the groups {', '.join(others)} too, which an entry of nodes cannot have. "
                "Give people and programs a role of their own.",
            ),
        )
    kind = managed or _node_type(mapped)
    if kind is None:
        return Refusal(
            mapped,
            (
                f"it lets nodes in (group {NODES}) under the username {mapped.username!r}, and entries of nodes have "
                f"{DNS_NODE} or {SESSION_NODE}.",
            ),
        )
    return Identity(mapped, principal, kind)


def _node_type(mapped: Mapped) -> str | None:
    if mapped.username == DNS_NODE:
        return "EC2_WINDOWS" if WINDOWS in mapped.groups else "EC2_LINUX"
    if mapped.username == SESSION_NODE:
        return "FARGATE_LINUX" if FARGATE in mapped.groups else "HYBRID_LINUX"
    return None
