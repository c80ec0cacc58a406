# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Access entries: what a task asks for, what EKS has, and EKS's own defaults. Pure.

https://docs.aws.amazon.com/eks/latest/userguide/creating-access-entries.html
https://docs.aws.amazon.com/eks/latest/APIReference/API_AccessEntry.html
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ansible_collections.ekspress.eks.plugins.module_utils import _arn
from ansible_collections.ekspress.eks.plugins.module_utils._aws_auth_model import canonical
from ansible_collections.ekspress.eks.plugins.module_utils._irsa_tags import RESERVED

STANDARD = "STANDARD"
NODE_TYPES = ("EC2", "EC2_LINUX", "EC2_WINDOWS", "FARGATE_LINUX", "HYBRID_LINUX", "HYPERPOD_LINUX")
TYPES = (STANDARD, *NODE_TYPES)
WITH_POLICIES = (STANDARD, "EC2")
"""Types whose entries may have access policies; EC2 is that of custom node classes of EKS Auto Mode:
https://docs.aws.amazon.com/eks/latest/userguide/create-node-class.html"""

CONFIG_MAP, BOTH, API = "CONFIG_MAP", "API_AND_CONFIG_MAP", "API"
MODES = (CONFIG_MAP, BOTH, API)
"""Authentication modes, in the only order in which they can be changed:
https://docs.aws.amazon.com/eks/latest/userguide/setting-up-access-entries.html"""

CLUSTER_ADMIN = "AmazonEKSClusterAdminPolicy"
OWNER = f"{RESERVED}owner"
"""The tag of entries that this collection made; its value is the task's option owner."""
DEFAULT_OWNER = "access_entries"

TAGS = 50
"""Of an entry at most: https://docs.aws.amazon.com/eks/latest/userguide/eks-using-tags.html#tag-restrictions"""

WHOLE_CLUSTER: tuple[str, ...] = ()
"""The scope of an access policy is the namespaces that it counts in; without any it counts in all of the cluster."""


def policy_arn(partition: str, name: str) -> str:
    """The ARN of an access policy, such as AmazonEKSViewPolicy."""
    return f"arn:{partition}:eks::aws:cluster-access-policy/{name}"


def all_rights(policy: str, scope: tuple[str, ...]) -> bool:
    """Whether an access policy (ARN) gives all rights in the whole cluster."""
    return policy.endswith(f"/{CLUSTER_ADMIN}") and scope == WHOLE_CLUSTER


def default_username(principal: str) -> str:
    """The username that EKS gives a STANDARD entry; without a role's path."""
    arn = _arn.parse(principal)
    if arn.resource_type != "role":
        return principal
    return f"arn:{arn.partition}:sts::{arn.account}:assumed-role/{arn.name}/{{{{SessionName}}}}"


def identity(principal: str) -> str:
    """The ARN in small letters by which aws-auth and tokens know a principal, a role without its path."""
    return canonical(principal).lower()


@dataclass(frozen=True)
class Wanted:
    """One entry as the task asks for it; None is left alone."""

    principal: str
    kind: str = STANDARD
    username: str | None = None
    groups: frozenset[str] | None = None
    policies: Mapping[str, tuple[str, ...]] | None = None
    """Scopes by the ARN of the access policy."""
    tags: Mapping[str, str] = field(default_factory=dict)
    recreate: bool = False


@dataclass(frozen=True)
class Entry:
    """One entry as EKS has it, or will have it."""

    principal: str
    arn: str = ""
    """Of the entry itself; '' before it is made."""
    kind: str = STANDARD
    username: str = ""
    groups: frozenset[str] = frozenset()
    policies: Mapping[str, tuple[str, ...]] | None = field(default_factory=dict)
    """None where they were not read, as nothing depends on them."""
    tags: Mapping[str, str] = field(default_factory=dict)
    created: datetime | None = None

    @property
    def admin(self) -> bool:
        """Whether it has all rights in the whole cluster by an access policy."""
        return any(all_rights(arn, scope) for arn, scope in (self.policies or {}).items())

    def shown(self) -> dict[str, Any]:
        """What results and diffs show."""
        found: dict[str, Any] = {
            "type": self.kind,
            "username": self.username,
            "groups": sorted(self.groups),
            "tags": dict(sorted(self.tags.items())),
        }
        if self.policies is not None:
            found["policies"] = [
                {"policy": arn.rpartition("/")[2], "namespaces": list(scope)}
                for arn, scope in sorted(self.policies.items())
            ]
        return found


def from_answer(described: Mapping[str, Any], policies: list[dict[str, Any]] | None) -> Entry:
    """An Entry from the answers of DescribeAccessEntry and, where asked for, ListAssociatedAccessPolicies."""
    return Entry(
        principal=described["principalArn"],
        arn=described.get("accessEntryArn") or "",
        kind=described.get("type") or STANDARD,
        username=described.get("username") or "",
        groups=frozenset(described.get("kubernetesGroups") or ()),
        policies=None if policies is None else {item["policyArn"]: scope_of(item["accessScope"]) for item in policies},
        tags=dict(described.get("tags") or {}),
        created=described.get("createdAt"),
    )


def scope_of(scope: Mapping[str, Any]) -> tuple[str, ...]:
    """Namespaces of an access scope, sorted; none for the whole cluster."""
    return tuple(sorted(set(scope.get("namespaces") or ()))) if scope.get("type") == "namespace" else WHOLE_CLUSTER


def access_scope(scope: tuple[str, ...]) -> dict[str, Any]:
    """A scope as AWS's API takes it."""
    return {"type": "namespace", "namespaces": list(scope)} if scope else {"type": "cluster"}
