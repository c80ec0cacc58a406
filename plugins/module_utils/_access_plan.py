# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""From the people and node roles of an inventory, and a cluster's facts, to what aws_auth and access_entries take."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.ekspress.eks.plugins.module_utils._access_entries_model import (
    API,
    BOTH,
    CLUSTER_ADMIN,
    CONFIG_MAP,
    identity,
)
from ansible_collections.ekspress.eks.plugins.module_utils._access_migration_identity import (
    BOOTSTRAPPERS,
    BRIDGE,
    DNS_NODE,
    SESSION_NODE,
    WINDOWS,
)
from ansible_collections.ekspress.eks.plugins.module_utils._aws_auth_guards import FARGATE, MASTERS, NODES
from ansible_collections.ekspress.eks.plugins.module_utils._aws_auth_input import checked_name
from ansible_collections.ekspress.eks.plugins.module_utils._errors import EksError

Item = Mapping[str, Any]

_OF_ALL = (BOOTSTRAPPERS, NODES)
NODE_MAPPINGS = {
    "EC2_LINUX": (DNS_NODE, _OF_ALL),
    "EC2_WINDOWS": (DNS_NODE, (*_OF_ALL, WINDOWS)),
    "FARGATE_LINUX": (SESSION_NODE, (*_OF_ALL, FARGATE)),
    "HYBRID_LINUX": (SESSION_NODE, _OF_ALL),
}
"""What a node of each type of access entry is called, and its groups:

https://docs.aws.amazon.com/eks/latest/userguide/auth-configmap.html
https://docs.aws.amazon.com/eks/latest/userguide/windows-support.html
https://docs.aws.amazon.com/eks/latest/userguide/hybrid-nodes-cluster-prep.html
"""
MANAGED_NODES = ("auto", "always", "never")

AWS_AUTH, ACCESS_ENTRIES = "aws_auth", "access_entries"
_WAYS = {
    (CONFIG_MAP, "auto"): (AWS_AUTH,),
    (CONFIG_MAP, AWS_AUTH): (AWS_AUTH,),
    (BOTH, "auto"): (ACCESS_ENTRIES,),
    (BOTH, ACCESS_ENTRIES): (ACCESS_ENTRIES,),
    (BOTH, AWS_AUTH): (AWS_AUTH,),
    (BOTH, "both"): (ACCESS_ENTRIES, AWS_AUTH),
    (API, "auto"): (ACCESS_ENTRIES,),
    (API, ACCESS_ENTRIES): (ACCESS_ENTRIES,),
}
"""By authentication mode and what is asked for; others cannot be."""

_NAME = re.compile(r"/?([\x21-\x2e\x30-\x7e]+/)*[A-Za-z0-9_+=,.@-]{1,64}")
"""A role's or user's name, with or without its path: https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html"""


@dataclass(frozen=True)
class _Node:
    """A role of nodes; ``origin`` says in a message where it comes from."""

    arn: str
    type: str
    origin: str

    def entry(self) -> dict[str, Any]:
        """The access entry: EKS itself gives nodes their username and groups by the type."""
        return {"principal": _principal(self.arn), "type": self.type}


def ways(mode: str, through: str = "auto") -> tuple[str, ...]:
    """By what people get in: aws_auth, access_entries, or both. Raises EksError where the mode does not have it."""
    found = _WAYS.get((mode, through))
    if found:
        return found
    if mode == CONFIG_MAP:
        raise EksError(
            f"access_through is {through}, but the cluster has the authentication mode CONFIG_MAP, which has no access "
            "entries. Set access_through to auto, or change the mode to API_AND_CONFIG_MAP first, from which there is "
            "no way back."
        )
    raise EksError(
        f"access_through is {through}, but the cluster has the authentication mode {mode}, which does not read "
        "aws-auth. Set access_through to auto."
    )


def mappings(
    people: Sequence[Item],
    cluster: Item,
    node_roles: Sequence[Item] = (),
    managed_nodes: str = "auto",
    through: str = "auto",
) -> dict[str, list[Any]]:
    """The ``roles`` and ``users`` of aws_auth and the ``entries`` of access_entries: people in their order, then nodes.

    ``ways`` is by which of the two people get in, ``administrators`` are those ``entries`` that give all rights. Names
    become ARNs of the cluster's account and partition. Raises EksError that names the entry at fault.
    """
    mode = cluster["authentication_mode"]
    chosen = ways(mode, through)
    persons = [_person(number, person, cluster) for number, person in enumerate(people, start=1)]
    _check_names(persons)
    listed = list(_listed(node_roles, cluster))
    nodes = _node_entries([*listed, *_managed(cluster, node_roles, managed_nodes)])
    taken = {identity(arn) for arn in [*(node["arn"] for node in nodes), *(node.arn for node in listed)]}
    for person in persons:
        if person.kind == "role" and identity(person.arn) in taken:
            raise EksError(
                f"access_people: {person.arn} is also a role of the cluster's nodes, and there is one entry for each "
                "role. Give people a role of their own, and take this one out of access_people: nodes need it."
            )
        if person.policies and ACCESS_ENTRIES not in chosen:
            raise EksError(
                f"access_people: {person.arn} has policies, which only access entries have, and people of this cluster "
                f"get in by aws-auth (authentication mode {mode}, access_through {through}). Give groups instead."
            )
    mapped = [person for person in persons if AWS_AUTH in chosen and (person.groups or not person.policies)]
    entries = [person.entry() for person in persons] if ACCESS_ENTRIES in chosen else []
    return {
        "ways": list(chosen),
        "roles": [person.mapping() for person in mapped if person.kind == "role"] + (nodes if mode != API else []),
        "users": [person.mapping() for person in mapped if person.kind == "user"],
        "entries": [*entries, *map(_Node.entry, listed)] if ACCESS_ENTRIES in chosen else [],
        "administrators": [entry for entry in entries if _administers(entry)],
    }


def _administers(entry: Item) -> bool:
    """Whether an access entry gives all rights by itself, whatever RBAC says of its groups."""
    return any(_is_administrator(one["policy"]) and "namespaces" not in one for one in entry["policies"])


def _is_administrator(policy: Any) -> bool:
    return str(policy).rpartition("/")[2] == CLUSTER_ADMIN


@dataclass(frozen=True)
class _Person:
    """Who may enter, and as whom."""

    kind: str
    arn: str
    username: str
    groups: tuple[str, ...]
    policies: tuple[dict[str, Any], ...]
    named: bool
    """Whether the inventory gives the username."""

    def mapping(self) -> dict[str, Any]:
        """The entry of aws-auth."""
        return {"arn": self.arn, "username": self.username, "groups": list(self.groups)}

    def entry(self) -> dict[str, Any]:
        """The access entry, with the policy that stands for the group system:masters, which none may have.

        Policies are always given, so that who is no administrator any more loses that policy.
        """
        policies = list(self.policies)
        if MASTERS in self.groups:
            # One that is asked for, maybe in some namespaces, is less than the group.
            policies = [one for one in policies if not _is_administrator(one["policy"])]
            policies.insert(0, {"policy": CLUSTER_ADMIN})
        return {
            "principal": _principal(self.arn),
            "username": self.username,
            "groups": [group for group in self.groups if group != MASTERS],
            "policies": policies,
        }


def _principal(arn: str) -> str:
    """An ARN as access entries have it: a role's session stands for the role, whose path it does not tell."""
    found = re.fullmatch(r"arn:([^:]+):sts::(\d+):assumed-role/([^/]+)/.*", arn)
    return f"arn:{found[1]}:iam::{found[2]}:role/{found[3]}" if found else arn


def _person(number: int, person: Item, cluster: Item) -> _Person:
    kinds = [kind for kind in ("role", "user") if person.get(kind)]
    if len(kinds) != 1:
        raise EksError(
            f"access_people: entry {number} must have a role or a user, and not both. Give the name or the ARN of an "
            "IAM role, or of an IAM user."
        )
    (kind,) = kinds
    what = f"access_people: entry {number}"
    arn = _arn(str(person[kind]), kind, what, cluster)
    if person.get("groups") is None and not person.get("policies"):
        raise EksError(
            f"{what} ({arn}) has neither groups nor policies, so that it could do nothing. Give groups, whose rights "
            "access_groups and RBAC say, or access policies."
        )
    name = arn.split("/")[1] if ":assumed-role/" in arn else arn.rpartition("/")[2]
    if BRIDGE in (person.get("groups") or ()):
        raise EksError(
            f"{what} ({arn}) has the group {BRIDGE}, which the move to access entries binds to all rights in the "
            "cluster while it runs. Give system:masters to administrators, and groups of your own to others."
        )
    # Who shares a role is told apart in the audit log by the session's name only.
    default = f"{name}:{{{{SessionName}}}}" if kind == "role" else name
    username = checked_name(f"{what}, username", person.get("username") or default)
    policies = tuple(
        {key: one[key] for key in ("policy", "namespaces") if one.get(key) is not None}
        for one in person.get("policies") or []
    )
    return _Person(kind, arn, username, tuple(person.get("groups") or ()), policies, bool(person.get("username")))


def _check_names(persons: Sequence[_Person]) -> None:
    """Raise EksError where two would have one username that nobody chose, as roles of two accounts with one name."""
    first: dict[str, _Person] = {}
    for person in persons:
        other = first.setdefault(person.username, person)
        if identity(other.arn) != identity(person.arn) and not (other.named and person.named):
            raise EksError(
                f"access_people: {other.arn} and {person.arn} would both have the username {person.username!r}, so "
                "that neither RBAC nor the audit log could tell them apart. Give one of them another username."
            )


def _arn(text: str, kind: str, what: str, cluster: Item) -> str:
    """An ARN as it is given (aws_auth checks it), or the one of a name in the cluster's account."""
    if text.startswith("arn:"):
        other = "user" if kind == "role" else "role"
        if text.split(":", 5)[-1].startswith(f"{other}/"):
            raise EksError(f"{what}: {text} is the ARN of an IAM {other}, and is given as a {kind}.")
        return text
    if not _NAME.fullmatch(text):
        raise EksError(
            f"{what}: {text!r} is neither an ARN nor the name of an IAM {kind}. A name has 1 to 64 letters, digits and "
            "+=,.@_-, with its path before it where it has one; an ARN is "
            f"arn:{cluster['partition']}:iam::ACCOUNT:{kind}/NAME."
        )
    return f"arn:{cluster['partition']}:iam::{cluster['account']}:{kind}/{text.removeprefix('/')}"


def _listed(node_roles: Sequence[Item], cluster: Item) -> Iterator[_Node]:
    for number, entry in enumerate(node_roles, start=1):
        what = f"access_node_roles: entry {number}"
        yield _Node(_arn(str(entry["role"]), "role", what, cluster), entry.get("type") or "EC2_LINUX", what)


def _managed(cluster: Item, node_roles: Sequence[Item], managed_nodes: str) -> Iterator[_Node]:
    """The roles of managed node groups and Fargate profiles, where aws-auth is to have them.

    From API_AND_CONFIG_MAP on, EKS gives each of them an access entry when it makes them, and access entries win over
    aws-auth: an entry of ours would be dead at best, and the last thing in the way of the mode API.
    https://docs.aws.amazon.com/eks/latest/userguide/creating-access-entries.html
    """
    if managed_nodes == "never" or (managed_nodes == "auto" and cluster["authentication_mode"] != CONFIG_MAP):
        return
    # Listed ones are as the user says; of an AMI of one's own no API tells whether it is Windows, and entries without
    # kube-proxy's group would cut Windows nodes off: EKS's own entry for such a node group stays as it is.
    groups = cluster["node_groups"]
    unclear = {identity(group["node_role_arn"]) for group in groups if group["ami_type"] in ("CUSTOM", "")}
    known = unclear | {identity(node.arn) for node in _listed(node_roles, cluster)}
    for group in groups:
        if identity(group["node_role_arn"]) not in known:
            kind = "EC2_WINDOWS" if group["ami_type"].startswith("WINDOWS") else "EC2_LINUX"
            yield _Node(group["node_role_arn"], kind, f"node group {group['name']}")
    for profile in cluster["fargate_profiles"]:
        if identity(profile["pod_execution_role_arn"]) not in known:
            yield _Node(profile["pod_execution_role_arn"], "FARGATE_LINUX", f"Fargate profile {profile['name']}")


def _node_entries(nodes: Sequence[_Node]) -> list[dict[str, Any]]:
    """One entry a role, with the groups of all types of nodes that have it."""
    first: dict[str, _Node] = {}
    groups: dict[str, dict[str, None]] = {}
    for node in nodes:
        other = first.setdefault(identity(node.arn), node)
        if NODE_MAPPINGS[other.type][0] != NODE_MAPPINGS[node.type][0]:
            raise EksError(
                f"{other.origin} ({other.type}) and {node.origin} ({node.type}) have the same IAM role {node.arn}. "
                "Their nodes have different usernames, and aws-auth has one for each role: give them different roles, "
                "as EKS asks for, or set access_managed_nodes to never and leave this role to EKS."
            )
        groups.setdefault(identity(node.arn), {}).update(dict.fromkeys(NODE_MAPPINGS[node.type][1]))
    return [
        {"arn": node.arn, "username": NODE_MAPPINGS[node.type][0], "groups": list(groups[key])}
        for key, node in first.items()
    ]
