# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Which ports of the nodes the control plane reaches, as their security groups say. No input or output.

A connection is let through where the rules of the control plane's groups let it out and those of the node's groups let
it in; of several groups, one that does is enough.
https://docs.aws.amazon.com/vpc/latest/userguide/vpc-security-groups.html
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from ansible_collections.ekspress.eks.plugins.module_utils._node_ports_model import (
    Block,
    ControlPlane,
    Interface,
    Node,
    Rule,
    SecurityGroup,
)

State = Literal["reachable", "blocked", "unknown"]
REACHABLE: State = "reachable"
BLOCKED: State = "blocked"
UNKNOWN: State = "unknown"

LAST_ADDRESS = {4: 2**32 - 1, 6: 2**128 - 1}

Subnets = Mapping[str, Sequence[Block]]
"""Addresses of subnets by id; one that is not in it was not read, or does not exist."""


@dataclass(frozen=True, order=True)
class MissingRule:
    """A rule that would let the control plane reach a port."""

    group_id: str
    egress: bool
    port: int
    other_group_id: str


@dataclass(frozen=True)
class Verdict:
    """Whether a port is reached, why not (or why nobody knows), and what would help."""

    state: State
    reasons: tuple[str, ...] = ()
    missing: frozenset[MissingRule] = frozenset()
    subnet_ids: frozenset[str] = frozenset()
    """Subnets whose addresses decide."""


@dataclass(frozen=True)
class NodeSet:
    """Nodes whose network interfaces have the same security groups."""

    group_ids: tuple[str, ...]
    instance_ids: tuple[str, ...]
    verdicts: Mapping[int, Verdict]

    def ports(self, state: State) -> list[int]:
        """The ports of a state, sorted."""
        return sorted(port for port, verdict in self.verdicts.items() if verdict.state == state)


@dataclass(frozen=True)
class Plan:
    """The nodes, judged."""

    sets: tuple[NodeSet, ...] = ()
    subnet_ids: frozenset[str] = frozenset()
    """Subnets to read for a better judgement."""

    @property
    def blocked_everywhere(self) -> list[int]:
        """Ports that no node lets the control plane reach; none where there are no nodes."""
        ports = {port for item in self.sets for port in item.ports(BLOCKED)}
        return sorted(port for port in ports if all(item.verdicts[port].state == BLOCKED for item in self.sets))

    @property
    def missing(self) -> list[MissingRule]:
        """The rules that would let the control plane reach all ports, sorted."""
        return sorted({rule for item in self.sets for verdict in item.verdicts.values() for rule in verdict.missing})


def make(
    plane: ControlPlane,
    nodes: Iterable[Node],
    groups: Mapping[str, SecurityGroup],
    ports: Iterable[int],
    subnets: Subnets,
) -> Plan:
    """Judge every port of every node; nodes of the same groups are judged together."""
    ports = sorted(set(ports))
    alike: dict[frozenset[frozenset[str]], list[Node]] = {}
    for node in sorted(nodes, key=lambda item: item.instance_id):
        alike.setdefault(frozenset(interface.group_ids for interface in node.interfaces), []).append(node)
    sets = []
    for members in alike.values():
        interfaces = sorted({interface for node in members for interface in node.interfaces}, key=_order)
        verdicts = {
            port: _together([_interface_verdict(plane, interface, groups, port, subnets) for interface in interfaces])
            for port in ports
        }
        instance_ids = tuple(node.instance_id for node in members)
        sets.append(NodeSet(tuple(sorted(members[0].group_ids)), instance_ids, verdicts))
    wanted = frozenset(
        subnet_id for item in sets for verdict in item.verdicts.values() for subnet_id in verdict.subnet_ids
    )
    return Plan(tuple(sorted(sets, key=lambda item: (item.group_ids, item.instance_ids))), wanted - subnets.keys())


def _order(interface: Interface) -> tuple[list[str], str]:
    return sorted(interface.group_ids), interface.subnet_id


def _together(verdicts: Sequence[Verdict]) -> Verdict:
    """The verdict of several interfaces: pods may be behind any of them."""
    states = {verdict.state for verdict in verdicts}
    reasons = tuple(dict.fromkeys(reason for verdict in verdicts for reason in verdict.reasons))
    missing = frozenset(rule for verdict in verdicts for rule in verdict.missing)
    wanted = frozenset(subnet_id for verdict in verdicts for subnet_id in verdict.subnet_ids)
    if len(states) > 1:
        reasons = ("it is not the same for all network interfaces", *reasons)
        return Verdict(UNKNOWN, reasons, missing, wanted)
    return Verdict(states.pop(), reasons, missing, wanted)


def _interface_verdict(
    plane: ControlPlane, interface: Interface, groups: Mapping[str, SecurityGroup], port: int, subnets: Subnets
) -> Verdict:
    """The verdict of one interface: the packet must be let out there and let in here."""
    theirs, ours = ", ".join(sorted(plane.group_ids)), ", ".join(sorted(interface.group_ids))
    let_out = _rules(groups, plane.group_ids, "egress")
    let_in = _rules(groups, interface.group_ids, "ingress")
    here = _Side(interface.group_ids, frozenset({interface.subnet_id}), plane.ip_version)
    there = _Side(plane.group_ids, plane.subnet_ids, plane.ip_version)
    out, into = _passes(let_out, port, here, subnets), _passes(let_in, port, there, subnets)
    if BLOCKED in (into.state, out.state):
        reasons, missing = [], []
        # A group that both sides have is the one that EKS itself opens: its own rules are what is missing first.
        shared = plane.cluster_group_id in interface.group_ids
        own = plane.cluster_group_id if shared else min(interface.group_ids, default="")
        if into.state == BLOCKED:
            reasons.append(f"no rule of {ours} lets it in from {theirs}")
            missing.append(MissingRule(own, False, port, plane.main_group_id))
        if out.state == BLOCKED:
            reasons.append(f"no rule of {theirs} lets it out to {ours}")
            missing.append(MissingRule(plane.main_group_id, True, port, own))
        return Verdict(BLOCKED, tuple(reasons), frozenset(missing))
    if UNKNOWN in (into.state, out.state):
        return Verdict(UNKNOWN, into.reasons + out.reasons, frozenset(), into.subnet_ids | out.subnet_ids)
    return Verdict(REACHABLE)


@dataclass(frozen=True)
class _Rules:
    """The rules of several security groups, of which one is enough."""

    rules: tuple[Rule, ...]
    unread: tuple[str, ...]


@dataclass(frozen=True)
class _Side:
    """One end of a connection: its security groups, and the subnets that its addresses are of."""

    group_ids: frozenset[str]
    subnet_ids: frozenset[str]
    ip_version: int


def _rules(groups: Mapping[str, SecurityGroup], ids: Iterable[str], way: Literal["ingress", "egress"]) -> _Rules:
    ids = sorted(ids)
    known = [groups[group_id] for group_id in ids if group_id in groups]
    rules = tuple(rule for group in known for rule in (group.ingress if way == "ingress" else group.egress))
    return _Rules(rules, tuple(group_id for group_id in ids if group_id not in groups))


def _passes(held: _Rules, port: int, other: _Side, subnets: Subnets) -> Verdict:
    """Whether rules let a port through to or from the other side."""
    rules = [rule for rule in held.rules if rule.first_port <= port <= rule.last_port]
    version, subnet_ids = other.ip_version, sorted(other.subnet_ids)
    blocks = _merged(found for rule in rules for found in rule.blocks if found.version == version)
    everywhere = any(found.first == 0 and found.last == LAST_ADDRESS[version] for found in blocks)
    if everywhere or any(rule.group_ids & other.group_ids for rule in rules):
        return Verdict(REACHABLE)
    reasons: list[str] = []
    unread: list[str] = []
    if blocks:
        unread = [subnet_id for subnet_id in subnet_ids if not subnets.get(subnet_id)]
        addresses = [found for subnet_id in subnet_ids for found in subnets.get(subnet_id, ())]
        if addresses and not unread and all(_covers(blocks, found) for found in addresses):
            return Verdict(REACHABLE)
        if unread:
            reasons.append(f"the addresses of {', '.join(unread)} are not known")
        elif any(_touches(blocks, found) for found in addresses):
            reasons.append(f"a rule has some addresses of {', '.join(subnet_ids)}, not all")
    lists = sorted({found for rule in rules for found in rule.prefix_list_ids})
    if lists:
        reasons.append(f"a rule has the prefix list {', '.join(lists)}, which is not read")
    if held.unread:
        reasons.append(f"{', '.join(held.unread)} was not found")
    return Verdict(UNKNOWN if reasons else BLOCKED, tuple(reasons), frozenset(), frozenset(unread))


def _merged(blocks: Iterable[Block]) -> list[Block]:
    """Blocks of one version without overlaps; neighbours are one."""
    merged: list[Block] = []
    for found in sorted(blocks, key=lambda item: (item.first, item.last)):
        if merged and found.first <= merged[-1].last + 1:
            merged[-1] = Block(found.version, merged[-1].first, max(merged[-1].last, found.last))
        else:
            merged.append(found)
    return merged


def _covers(blocks: Iterable[Block], wanted: Block) -> bool:
    return any(found.first <= wanted.first and wanted.last <= found.last for found in blocks)


def _touches(blocks: Iterable[Block], wanted: Block) -> bool:
    return any(found.first <= wanted.last and wanted.first <= found.last for found in blocks)
