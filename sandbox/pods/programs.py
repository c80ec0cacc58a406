# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which images run, as which program, and what each program must be told so that it stays on loopback.

A pod's arguments are its own. Changed in them are addresses only: where the program listens (a free port of 127.0.0.1
stands for the pod's own), and which clients it trusts (127.a.b.c stands for the VPC's 10.a.b.c).
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandbox import process

Json = dict[str, Any]

OPT_OUT = "sandbox.ekspress/run"
_ADDRESS = re.compile(r"(?P<host>\[[^]]*]|[^:]*):(?P<port>\d+)(?P<protocol>/.+)?")


class CannotRun(Exception):
    """A container that cannot be started, with the reason as a kubelet has it."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class Ports:
    """The local ports that stand for a pod's own."""

    def __init__(self) -> None:
        self.open: dict[int, int] = {}

    def local(self, address: str, option: str) -> str:
        """Return the loopback address to listen on in the place of the one that an option gives."""
        found = _ADDRESS.fullmatch(address)
        if found is None:
            raise CannotRun("RunContainerError", f"{option}: {address} has no port number; the sandbox needs one")
        (port,) = process.free_ports(1)
        protocol, host = found["protocol"] or "", found["host"].strip("[]")
        inside = host == "localhost" or (host and ipaddress.ip_address(host).is_loopback)
        # What listens on the pod's loopback address, or for datagrams, is not reached from outside either.
        if not inside and protocol in ("", "/tcp"):
            self.open[int(found["port"])] = port
        return f"127.0.0.1:{port}{protocol}"


@dataclass
class Start:
    """What a program is started with."""

    arguments: list[str]
    environment: dict[str, str]

    def change(self, option: re.Pattern[str], change: Callable[[str, str], str]) -> set[str]:
        """Change the values of options (--name=value, --name value) by name and value; return their names."""
        seen = set()
        for index, argument in enumerate(self.arguments):
            name, assigned, value = argument.partition("=")
            if not option.fullmatch(name):
                continue
            seen.add(name)
            if assigned:
                self.arguments[index] = f"{name}={change(name, value)}"
            elif index + 1 < len(self.arguments):
                self.arguments[index + 1] = change(name, self.arguments[index + 1])
        return seen

    def refuse(self, option: re.Pattern[str], why: str) -> None:
        """Refuse options, and variables in their place, that the sandbox has no answer to."""
        for name in [*(argument.partition("=")[0] for argument in self.arguments), *self.environment]:
            if option.fullmatch(name):
                raise CannotRun("RunContainerError", f"{name}: {why}")


@dataclass(frozen=True)
class Program:
    """A program that really runs.

    Attributes:
        name: of the program, and the last part of its images' names in whatever registry.
        commands: what a container's command may begin with.
        kubeconfig: variable in which it takes a kubeconfig; its in-cluster files have a fixed path, out of reach here.
        adapt: makes it listen on loopback only.
    """

    name: str
    commands: frozenset[str]
    kubeconfig: str
    adapt: Callable[[Start, Ports], None]


_ENTRY_POINT = re.compile(r"--entrypoints\.([^.]+)\.address", re.IGNORECASE)
_TRUSTED = re.compile(r"--entrypoints\.[^.]+\.(forwardedheaders|proxyprotocol)\.trustedips", re.IGNORECASE)
_TRAEFIK_ELSEWHERE = re.compile(r"--configfile|TRAEFIK_ENTRYPOINTS_.+", re.IGNORECASE)
_TRAEFIK_FILES = [Path("/etc/traefik/traefik").with_suffix(f".{kind}") for kind in ("toml", "yaml", "yml")]


def played_by(cidr: str) -> str:
    """Return the loopback addresses that stand for those of the VPC; all others are left as they are."""
    head, dot, rest = cidr.strip().partition(".")
    return f"127.{rest}" if dot and head == "10" else cidr


def _traefik(start: Start, ports: Ports) -> None:
    """https://doc.traefik.io/traefik/v3.6/reference/install-configuration/entrypoints/"""
    start.refuse(_TRAEFIK_ELSEWHERE, "the sandbox runs Traefik with entry points from its arguments only")
    present = [path for path in _TRAEFIK_FILES if path.exists()]
    if present:
        raise CannotRun("RunContainerError", f"{present[0]} of this machine would win over the pod's arguments")
    seen = start.change(_ENTRY_POINT, lambda option, value: ports.local(value, option))
    names = {found[1].lower() for option in seen if (found := _ENTRY_POINT.fullmatch(option))}
    # Those that it makes by itself where nobody names them.
    if not names - {"traefik"}:
        start.arguments.append(f"--entryPoints.http.address={ports.local(':80', 'entry point http')}")
    if "traefik" not in names:
        start.arguments.append(f"--entryPoints.traefik.address={ports.local(':8080', 'entry point traefik')}")
    start.change(_TRUSTED, lambda option, value: ",".join(map(played_by, value.split(","))))


_METRICS = re.compile(r"--metrics-address")
_METRICS_VARIABLE = "EXTERNAL_DNS_METRICS_ADDRESS"
_WEBHOOK = re.compile(r"--webhook-server|EXTERNAL_DNS_WEBHOOK_SERVER")


def _external_dns(start: Start, ports: Ports) -> None:
    """https://kubernetes-sigs.github.io/external-dns/v0.21.0/docs/flags/ (each is a variable too)"""
    start.refuse(_WEBHOOK, "the sandbox does not run ExternalDNS as a webhook provider")
    if not start.change(_METRICS, lambda option, value: ports.local(value, option)):
        address = start.environment.get(_METRICS_VARIABLE, ":7979")
        start.environment[_METRICS_VARIABLE] = ports.local(address, _METRICS_VARIABLE)


PROGRAMS = {
    program.name: program
    for program in (
        Program("external-dns", frozenset({"external-dns"}), "EXTERNAL_DNS_KUBECONFIG", _external_dns),
        Program("traefik", frozenset({"traefik", "entrypoint.sh"}), "KUBECONFIG", _traefik),
    )
}
IMAGE = f"(^|/)({'|'.join(PROGRAMS)})(:[^/]*)?(@[^/]*)?$"
_IMAGE = re.compile(IMAGE)


def program_of(image: str) -> Program | None:
    """Return the program that an image runs as, None where it is KWOK's."""
    found = _IMAGE.search(image)
    return PROGRAMS[found[2]] if found else None


def container_of(pod: Json) -> Json | None:
    """Return the container of a pod that really runs, None where the pod is KWOK's; stages.py asks the same in jq."""
    annotations = pod["metadata"].get("annotations") or {}
    if annotations.get(OPT_OUT) == "false" or pod["spec"].get("restartPolicy", "Always") != "Always":
        return None
    return next((item for item in pod["spec"]["containers"] if program_of(item["image"])), None)
