# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Listeners: ports, certificates and where they lead.

https://kubernetes-sigs.github.io/aws-load-balancer-controller/latest/guide/ingress/annotations/#traffic-listening,
https://kubernetes-sigs.github.io/aws-load-balancer-controller/latest/guide/ingress/cert_discovery/
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sandbox.alb.annotations import ModelError
from sandbox.alb.controller import Controller
from sandbox.alb.groups import Member
from sandbox.alb.model import Account

HTTP, HTTPS = "HTTP", "HTTPS"
ANYWHERE = ("0.0.0.0/0", "::/0")


@dataclass(frozen=True)
class Port:
    """What Ingresses want of one port."""

    protocol: str
    certificates: tuple[str, ...] = ()
    policy: str | None = None
    cidrs: tuple[str, ...] = ()


def ports_of(controller: Controller, members: Sequence[Member], account: Account) -> dict[int, Port]:
    """Return the ports of a group."""
    wanted: dict[int, list[tuple[str, Port]]] = {}
    for member in members:
        try:
            own = _ports(member, account)
        except ModelError as wrong:
            raise ModelError(f"ingress: {member.key}: {wrong}") from wrong
        for number, port in own.items():
            wanted.setdefault(number, []).append((member.key, port))
    found = {}
    for number, ports in sorted(wanted.items()):
        try:
            found[number] = _merged(controller, ports)
        except ModelError as wrong:
            raise ModelError(f"failed to merge listenPort config for port: {number}: {wrong}") from wrong
    return found


def of_member(member: Member, number: int) -> bool:
    """Tell whether an Ingress listens on a port."""
    return number in _listen_ports(member)


def redirect_of(members: Sequence[Member], ports: dict[int, Port]) -> int | None:
    """Return the port that plain HTTP is redirected to, None where it is not."""
    wanted = set()
    for member in members:
        try:
            port = member.annotations.integer("ssl-redirect")
        except ModelError as wrong:
            raise ModelError(f"ingress: {member.key}: {wrong}") from wrong
        if port is not None:
            wanted.add(port)
    if not wanted:
        return None
    if len(wanted) > 1:
        raise ModelError(f"conflicting sslRedirect port: [{' '.join(map(str, sorted(wanted)))}]")
    port = wanted.pop()
    if port not in ports:
        raise ModelError(f"listener does not exist for SSLRedirect port: {port}")
    if ports[port].protocol != HTTPS:
        raise ModelError(f"listener protocol non-SSL for SSLRedirect port: {port}")
    return port


def discovered(hosts: Sequence[str], certificates: dict[str, set[str]]) -> tuple[str, ...]:
    """Return the certificates of some hosts."""
    found = set()
    for host in sorted(set(hosts)):
        fitting = [arn for arn, domains in certificates.items() if any(_fits(domain, host) for domain in domains)]
        if not fitting:
            raise ModelError(f"no certificate found for host: {host}")
        found |= set(fitting)
    return tuple(sorted(found))


def _fits(domain: str, host: str) -> bool:
    if domain.startswith("*."):
        return domain.split(".")[1:] == host.split(".")[1:]
    return domain == host


def _listen_ports(member: Member) -> dict[int, str]:
    raw = member.annotations.text("listen-ports")
    if raw is None:
        return {443: HTTPS} if member.annotations.items("certificate-arn") else {80: HTTP}
    entries: Any = None
    try:
        entries = member.annotations.document("listen-ports")
        pairs = [(str(protocol), int(port)) for entry in entries for protocol, port in entry.items()]
    except (ModelError, AttributeError, TypeError, ValueError) as wrong:
        raise ModelError(f"failed to parse listen-ports configuration: `{raw}`: {wrong}") from wrong
    if not entries:
        raise ModelError(f"empty listen-ports configuration: `{raw}`")
    for protocol, port in pairs:
        if not 1 <= port <= 65535:
            raise ModelError(f"listen port must be within [1, 65535]: {port}")
        if protocol not in (HTTP, HTTPS):
            raise ModelError(f"listen protocol must be within [{HTTP}, {HTTPS}]: {protocol}")
    return {port: protocol for protocol, port in pairs}


def _ports(member: Member, account: Account) -> dict[int, Port]:
    annotations = member.annotations
    certificates = tuple(annotations.items("certificate-arn") or ())
    cidrs = tuple(annotations.items("inbound-cidrs") or ())
    for cidr in cidrs:
        try:
            ipaddress.ip_network(cidr, strict=False)
        except ValueError as cause:
            words = f"invalid CIDR address: {cidr}"
            raise ModelError(f"invalid inbound-cidrs settings on Ingress: {member.key}: {words}") from cause
    listen = _listen_ports(member)
    if HTTPS in listen.values() and not certificates:
        certificates = discovered(_hosts(member), account.certificates())
    plain, secure = Port(HTTP, cidrs=cidrs), Port(HTTPS, certificates, annotations.text("ssl-policy"), cidrs)
    return {number: secure if protocol == HTTPS else plain for number, protocol in listen.items()}


def _hosts(member: Member) -> list[str]:
    spec = member.ingress["spec"]
    hosts = [rule["host"] for rule in spec.get("rules") or [] if rule.get("host")]
    return hosts + [host for entry in spec.get("tls") or [] for host in entry.get("hosts") or []]


def _merged(controller: Controller, ports: list[tuple[str, Port]]) -> Port:
    first, (key, port) = ports[0][0], ports[0]
    policy, cidrs = port.policy, port.cidrs
    for key, port in ports[1:]:
        if port.protocol != ports[0][1].protocol:
            words = f"{first}: {ports[0][1].protocol} | {key}: {port.protocol}"
            raise ModelError(f"conflicting protocol, {words}")
        if cidrs and port.cidrs and set(cidrs) != set(port.cidrs):
            raise ModelError(f"conflicting inbound-cidrs, {first}: {_list(cidrs)} | {key}: {_list(port.cidrs)}")
        if policy and port.policy and policy != port.policy:
            raise ModelError(f"conflicting sslPolicy, {first}: {policy} | {key}: {port.policy}")
        policy, cidrs = policy or port.policy, cidrs or port.cidrs
    protocol = ports[0][1].protocol
    certificates = [arn for _key, port in ports for arn in port.certificates]
    # The default certificate may be among the others once more.
    more = list(dict.fromkeys(certificates[1:]))
    if protocol == HTTPS and policy is None:
        policy = controller.ssl_policy
    return Port(protocol, (*certificates[:1], *more), policy, tuple(sorted(set(cidrs or ANYWHERE))))


def _list(items: Sequence[str]) -> str:
    return f"[{' '.join(sorted(items))}]"
