# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Nothing that the sandbox runs listens on, or talks to, anything but this machine."""

from __future__ import annotations

import ipaddress
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox import authenticator, process
from tests.sandbox_fixtures import RunningSandbox

NAME = "sandbox-blue"


def lasting(sandbox: RunningSandbox) -> list[int]:
    """Return the processes that run as long as the sandbox: others (helm, kwokctl) may end while they are looked at."""
    state = sandbox.state
    recorded = [state["aws"]["process"], state["registry"]["process"], *state["clusters"][NAME]["processes"].values()]
    return [item["pid"] for item in recorded]


def sockets(pid: int) -> set[str]:
    """Return the inodes of a process' sockets."""
    found = set()
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        try:
            target = os.readlink(entry)
        except FileNotFoundError:
            continue
        if target.startswith("socket:["):
            found.add(target[8:-1])
    return found


def addresses(pid: int) -> Iterator[tuple[str, str]]:
    """Yield the local and remote addresses of a process' TCP and UDP sockets."""
    inodes = sockets(pid)
    for protocol in ("tcp", "tcp6", "udp", "udp6", "raw", "raw6"):
        table = Path(f"/proc/{pid}/net/{protocol}")
        lines = table.read_text(encoding="ascii").splitlines()[1:] if table.exists() else []
        for line in lines:
            fields = line.split()
            if fields[9] in inodes:
                yield address(fields[1]), address(fields[2])


def address(text: str) -> str:
    """Return the address of a /proc/net entry (words in the machine's order) without its port."""
    raw = bytes.fromhex(text.partition(":")[0])
    words = b"".join(raw[at : at + 4][::-1] for at in range(0, len(raw), 4))
    found = ipaddress.ip_address(words)
    return str(getattr(found, "ipv4_mapped", None) or found)


def test_every_socket_is_a_loopback_one(sandbox: RunningSandbox) -> None:
    pids = lasting(sandbox)
    assert len(pids) >= 9
    assert set(pids) <= set(process.owned(sandbox.directory))
    seen = [pair for pid in pids for pair in addresses(pid)]
    assert len(seen) > 20
    for local, remote in seen:
        assert ipaddress.ip_address(local).is_loopback, (local, remote)
        # 0.0.0.0 is the remote side of a socket that listens.
        assert ipaddress.ip_address(remote).is_loopback or remote in ("0.0.0.0", "::"), (local, remote)


def test_no_process_looks_for_instance_metadata_or_proxies(sandbox: RunningSandbox) -> None:
    authenticated = sandbox.state["clusters"][NAME]["processes"][authenticator.NAME]["pid"]
    for pid in lasting(sandbox):
        variables = dict(
            item.split("=", 1) for item in Path(f"/proc/{pid}/environ").read_text().split("\0") if "=" in item
        )
        assert variables["AWS_EC2_METADATA_DISABLED"] == "true"
        proxies = {name: value for name, value in variables.items() if name.lower().endswith("_proxy")}
        # The authenticator calls STS at its own name, which is the account's process.
        led = {"HTTPS_PROXY": sandbox.state["aws"]["endpoint"], "NO_PROXY": "127.0.0.1"}
        assert proxies == (led if pid == authenticated else {})


def test_nothing_listens_on_all_addresses_where_the_authenticator_would(sandbox: RunningSandbox) -> None:
    """It wants a port of all addresses, and no option keeps it from that; more sandboxes may be up meanwhile."""
    for port in (authenticator.PUBLIC_PORT, *process.free_ports(1)):
        with authenticator.taken(port) as first, authenticator.taken(port) as second, socket.socket() as wanted:
            assert first
            assert second
            wanted.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with pytest.raises(OSError, match="in use"):
                wanted.bind(("0.0.0.0", port))
