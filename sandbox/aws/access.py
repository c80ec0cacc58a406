# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Access entries: what one holds, who it is for, and those that EKS makes by itself.

``State.access_entries`` is (account, region, cluster) -> ARN of the principal -> entry. An entry is what
DescribeAccessEntry answers, and beside it ``principalId`` (the unique id of the IAM role or user when the entry was
made: a principal deleted and made anew under the same ARN does not match it) and ``policies``, the associated access
policies: ARN -> ``accessScope``, ``associatedAt``, ``modifiedAt``.

https://docs.aws.amazon.com/eks/latest/userguide/creating-access-entries.html,
https://docs.aws.amazon.com/eks/latest/APIReference/API_AccessEntry.html
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from moto.eks.models import eks_backends
from moto.iam.models import iam_backends
from moto.moto_api._internal import mock_random
from moto.utilities.utils import get_partition

from sandbox.aws.callers import unique_id
from sandbox.aws.state import ClusterKey, State

STANDARD = "STANDARD"
API_MODES = ("API", "API_AND_CONFIG_MAP")
CLUSTER_ADMIN = "AmazonEKSClusterAdminPolicy"
_DNS_NAME, _SESSION_NAME = "system:node:{{EC2PrivateDNSName}}", "system:node:{{SessionName}}"
# Type of an entry for nodes -> the username and the groups that EKS sets.
NODE_TYPES = {
    "EC2": (_DNS_NAME, ["system:nodes"]),
    "EC2_LINUX": (_DNS_NAME, ["system:nodes"]),
    "EC2_WINDOWS": (_DNS_NAME, ["eks:kube-proxy-windows", "system:nodes"]),
    "FARGATE_LINUX": (_SESSION_NAME, ["system:node-proxier", "system:nodes"]),
    "HYBRID_LINUX": (_SESSION_NAME, ["system:nodes"]),
    "HYPERPOD_LINUX": (_SESSION_NAME, ["system:nodes"]),
}
# EKS's own entry, which every cluster with access entries has.
OWN_ROLE = "aws-service-role/eks.amazonaws.com/AWSServiceRoleForAmazonEKS"
OWN_USERNAME, OWN_POLICIES = "eks:managed", ("AmazonEKSClusterInsightsPolicy", "AmazonEKSEventPolicy")
_PRINCIPAL = re.compile(r"arn:(aws[\w-]*):iam::(\d{12}):(role|user)/((?:[\x21-\x7e]+/)?([\w+=,.@-]{1,64}))")
_SESSION = re.compile(r"arn:(aws[\w-]*):sts::(\d{12}):assumed-role/([^/]+)/.+")


@dataclass(frozen=True)
class Principal:
    """The IAM role or user of an entry; ``name`` is without its path."""

    arn: str
    partition: str
    account: str
    kind: str
    name: str

    @property
    def username(self) -> str:
        """The username that EKS sets where nobody asks for one; a role's has no path."""
        if self.kind == "user":
            return self.arn
        return f"arn:{self.partition}:sts::{self.account}:assumed-role/{self.name}/{{{{SessionName}}}}"

    @property
    def identifier(self) -> str | None:
        """The unique id that IAM gave it; None where there is no such principal."""
        return unique_id(self.arn)


def parse(arn: str) -> Principal | None:
    """Return the principal that an ARN of a role or user names; None for anything else."""
    match = _PRINCIPAL.fullmatch(arn)
    return Principal(arn, match[1], match[2], match[3], match[5]) if match else None


def policy_arn(partition: str, name: str) -> str:
    """Return the ARN of an access policy of EKS."""
    return f"arn:{partition}:eks::aws:cluster-access-policy/{name}"


def make(
    key: ClusterKey,
    principal: Principal,
    identifier: str,
    *,
    kind: str = STANDARD,
    username: str | None = None,
    groups: list[str] | None = None,
    tags: dict[str, str] | None = None,
) -> dict[str, Any]:
    """Return a new entry with what EKS sets by itself."""
    account, region, cluster = key
    now = datetime.now(UTC)
    path = principal.arn.split(":", 5)[5].partition("/")[2]
    set_username, set_groups = NODE_TYPES.get(kind, (principal.username, []))
    return {
        "clusterName": cluster,
        "principalArn": principal.arn,
        "kubernetesGroups": list(groups or set_groups),
        "accessEntryArn": (
            f"arn:{get_partition(region)}:eks:{region}:{account}:access-entry/{cluster}/{principal.kind}/"
            f"{principal.account}/{path}/{mock_random.uuid4()}"
        ),
        "createdAt": now,
        "modifiedAt": now,
        "tags": dict(tags or {}),
        "username": username or set_username,
        "type": kind,
        "principalId": identifier,
        "policies": {},
    }


def associate(entry: dict[str, Any], arn: str, scope: dict[str, Any]) -> dict[str, Any]:
    """Associate an access policy, or change the scope of one that is associated; return the association."""
    now = datetime.now(UTC)
    before = entry["policies"].get(arn, {"associatedAt": now})
    entry["policies"][arn] = before | {"accessScope": scope, "modifiedAt": now}
    association: dict[str, Any] = entry["policies"][arn]
    return association


def mode_of(key: ClusterKey) -> str:
    """Return the authentication mode of a cluster that exists."""
    cluster: Any = eks_backends[key[0]][key[1]].clusters[key[2]]
    return str(cluster.access_config["authenticationMode"])


def settle(state: State, key: ClusterKey, *, nodes: bool = True) -> None:
    """Make the entries that EKS makes by itself, where the mode of the cluster has entries at all.

    https://docs.aws.amazon.com/eks/latest/userguide/access-entries.html (the creator's),
    https://docs.aws.amazon.com/eks/latest/userguide/creating-access-entries.html ("EKS will create access entries (if
    enabled)" for managed node groups and Fargate profiles).

    Args:
        state: the server's state.
        key: the cluster.
        nodes: whether the roles of node groups and of Fargate profiles get theirs.
    """
    if mode_of(key) not in API_MODES:
        return
    account, region, _name = key
    partition = get_partition(region)
    entries = state.access_entries.setdefault(key, {})
    own = Principal(
        f"arn:{partition}:iam::{account}:role/{OWN_ROLE}", partition, account, "role", OWN_ROLE.rpartition("/")[2]
    )
    if own.arn not in entries:
        entries[own.arn] = make(key, own, f"AROA{mock_random.get_random_hex(17).upper()}", username=OWN_USERNAME)
        for name in OWN_POLICIES:
            associate(entries[own.arn], policy_arn(partition, name), {"type": "cluster", "namespaces": []})
    if key not in state.creators_settled:
        state.creators_settled.add(key)
        _add_creator(state, key, entries)
    if nodes:
        for arn, kind in node_roles(key).items():
            principal = parse(arn)
            if principal is not None and arn not in entries:
                entries[arn] = make(key, principal, principal.identifier or "", kind=kind)


def _add_creator(state: State, key: ClusterKey, entries: dict[str, dict[str, Any]]) -> None:
    """Give the creator its entry, once: whoever deletes it does not get it back."""
    principal = of_caller(state.cluster_creators.get(key, ""))
    if principal is None or principal.arn in entries:
        return
    entries[principal.arn] = make(key, principal, principal.identifier or "")
    scope = {"type": "cluster", "namespaces": []}
    associate(entries[principal.arn], policy_arn(get_partition(key[1]), CLUSTER_ADMIN), scope)


def of_caller(arn: str) -> Principal | None:
    """Return the principal of a caller's ARN: of a session its role, with the path that the session does not show."""
    match = _SESSION.fullmatch(arn)
    if match is None:
        return parse(arn)
    roles = iam_backends[match[2]][match[1]].roles.values()
    return next((parse(str(role.arn)) for role in roles if role.name == match[3]), None)


def node_roles(key: ClusterKey) -> dict[str, str]:
    """Return the roles of managed node groups and of Fargate profiles, and the type of the entry of each."""
    cluster: Any = eks_backends[key[0]][key[1]].clusters[key[2]]
    found = {str(profile.pod_execution_role_arn): "FARGATE_LINUX" for profile in cluster.fargate_profiles.values()}
    for group in cluster.nodegroups.values():
        windows = str(group.ami_type).upper().startswith("WINDOWS")
        found[str(group.node_role)] = "EC2_WINDOWS" if windows else "EC2_LINUX"
    return found
