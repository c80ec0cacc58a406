# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Starting, recognising and ending the sandbox's processes.

A process id alone says nothing after a reboot or once the number is reused, so a process is known by its id,
its start time and the boot it belongs to. Every process also carries its sandbox's directory in its environment,
and children inherit that: what a killed `up` could not record any more is still found, and nothing of
anybody else's ever is.
"""

from __future__ import annotations

import fcntl
import json
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from sandbox.errors import SandboxError

MARK = "EKSPRESS_SANDBOX_OWNER"
ROOT = Path(__file__).resolve().parent.parent

# Passed on from the caller; everything else (proxies, AWS profiles, Go settings) must not reach the processes.
_KEPT = ("HOME", "LANG", "LC_ALL", "PATH", "TMPDIR", "USER", "COVERAGE_PROCESS_START")
# Below the kernel's range for outgoing connections, so that none of those can take a port between choice and use.
_PORTS = range(18000, 30000)

# Seconds within which whoever was given a port listens on it.
_UNTIL_USED = 600.0

Identity = dict[str, object]


def boot_id() -> str:
    """Return the identifier of the running boot."""
    return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()


def start_time(pid: int) -> int | None:
    """Return a process' start time in clock ticks since boot, None if it does not run (zombies do not run)."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] in "ZX" else int(fields[19])


def identify(pid: int) -> Identity | None:
    """Return what a running process is known by, None if it does not run."""
    started = start_time(pid)
    return None if started is None else {"pid": pid, "start_time": started, "boot_id": boot_id()}


def alive(identity: Mapping[str, object] | None) -> bool:
    """Tell whether exactly this process still runs."""
    if not identity or identity.get("boot_id") != boot_id():
        return False
    return start_time(int(str(identity["pid"]))) == identity["start_time"]


def environment(directory: Path, extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the environment of a process of the sandbox in this directory."""
    base = {name: os.environ[name] for name in _KEPT if name in os.environ}
    base.update(extra or {})
    # The SDKs would otherwise dial the instance metadata address; distribution would look for a trace collector.
    base |= {"AWS_EC2_METADATA_DISABLED": "true", "OTEL_TRACES_EXPORTER": "none", "PYTHONPATH": str(ROOT)}
    return base | {MARK: str(directory)}


def spawn(
    command: Sequence[str | Path],
    directory: Path,
    log: Path,
    extra: Mapping[str, str] | None = None,
    inherited: Sequence[int] = (),
) -> Identity:
    """Start a process in a session of its own, writing to a log file, and return what it is known by.

    Args:
        command: the program and its arguments.
        directory: of the sandbox.
        log: that it writes to.
        extra: variables for it.
        inherited: open files that it gets, by their numbers.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    if log.exists():
        # Why the one before ended stays readable, apart from what this one says.
        log.replace(log.with_suffix(".previous.log"))
    with log.open("ab") as output:
        process = subprocess.Popen(
            [str(part) for part in command],
            cwd=ROOT,
            env=environment(directory, extra),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            pass_fds=inherited,
        )
    identity = identify(process.pid)
    if identity is None:
        raise SandboxError(f"{Path(command[0]).name} ended at once (code {process.wait()})", tail(log))
    return identity


def owned(directory: Path) -> dict[int, int]:
    """Return the running processes of the sandbox in this directory: id to start time."""
    mark = f"{MARK}={directory}".encode()
    found = {}
    for entry in os.scandir("/proc"):
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            values = Path(entry.path, "environ").read_bytes().split(b"\0")
        except OSError:
            continue
        started = start_time(int(entry.name)) if mark in values else None
        if started is not None:
            found[int(entry.name)] = started
    return found


def children(parents: Iterable[Mapping[str, object] | None], directory: Path) -> list[Identity]:
    """Return the processes of the sandbox in this directory that running processes of it have started."""
    known = {int(str(item["pid"])) for item in parents if item and alive(item)}
    found = [identify(pid) for pid in owned(directory) if known and _parent(pid) in known]
    return [item for item in found if item is not None]


def _parent(pid: int) -> int | None:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    return int(stat.rpartition(")")[2].split()[1])


def end(processes: Callable[[], Mapping[int, int]], grace: float = 5.0) -> int:
    """End processes (asked anew until none is left, as they may fork meanwhile) and return how many there were.

    They get SIGTERM first, and SIGKILL after the grace period (seconds).
    """
    seen: set[tuple[int, int]] = set()
    deadline = time.monotonic() + grace
    while left := dict(processes()):
        late = time.monotonic() > deadline
        if time.monotonic() > deadline + 10:
            raise SandboxError(
                f"processes {sorted(left)} do not end, not even by SIGKILL",
                "look at their state with ps; a process that waits for a broken disk ends only with a reboot",
            )
        for pid, started in left.items():
            if late or (pid, started) not in seen:
                _signal(pid, started, signal.SIGKILL if late else signal.SIGTERM)
            seen.add((pid, started))
        _reap(left)
        time.sleep(0.02)
    return len(seen)


def end_identities(identities: Iterable[Mapping[str, object] | None], grace: float = 5.0) -> int:
    """End those of these processes that still run and return how many there were."""
    known = [item for item in identities if item]

    def running() -> dict[int, int]:
        return {int(str(item["pid"])): int(str(item["start_time"])) for item in known if alive(item)}

    return end(running, grace)


def _signal(pid: int, started: int, number: signal.Signals) -> None:
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        # The handle pins the process, so the start time read now is that of the process that gets the signal.
        if start_time(pid) == started:
            signal.pidfd_send_signal(handle, number)
    except ProcessLookupError:
        return
    finally:
        os.close(handle)


def _reap(pids: Iterable[int]) -> None:
    for pid in pids:
        try:
            os.waitpid(pid, os.WNOHANG)
        except ChildProcessError:
            continue


def free_ports(count: int) -> list[int]:
    """Return free TCP ports of the loopback address, which no other sandbox of this user was given of late."""
    with _given_ports() as given:
        ports: list[int] = []
        for port in random.sample(_PORTS, len(_PORTS)):
            if len(ports) == count:
                given.update(dict.fromkeys(map(str, ports), time.monotonic()))
                return ports
            if str(port) not in given and port_is_free(port):
                ports.append(port)
    raise SandboxError(
        f"fewer than {count} ports are free between {_PORTS.start} and {_PORTS.stop} on 127.0.0.1",
        "end other programs that listen there",
    )


@contextmanager
def _given_ports() -> Iterator[dict[str, float]]:
    """Ports that may not be listened on yet, and when they were given (monotonic seconds); changes are kept."""
    path = Path(tempfile.gettempdir(), f"ekspress-{os.getuid()}-ports.json")
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    with os.fdopen(handle, "r+", encoding="ascii") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        now = time.monotonic()
        try:
            before = dict(json.load(file))
        except (TypeError, ValueError):
            before = {}
        # After a reboot the clock begins anew.
        given = {port: since for port, since in before.items() if now - _UNTIL_USED < since <= now}
        yield given
        file.seek(0)
        file.truncate()
        json.dump(given, file)


def port_is_free(port: int) -> bool:
    """Tell whether a process could listen on this port of the loopback address now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def wait_until(ready: Callable[[], bool], what: str, log: Path, identity: Identity | None, timeout: float) -> None:
    """Wait until a condition holds; raise with the end of the log on a timeout (seconds) or if the process ends."""
    deadline = time.monotonic() + timeout
    while not ready():
        if identity is not None and not alive(identity):
            raise SandboxError(f"{what} ended while it started", tail(log))
        if time.monotonic() > deadline:
            raise SandboxError(f"{what} was not ready after {timeout:.0f} s", tail(log))
        time.sleep(0.05)


def tail(log: Path, lines: int = 12) -> str:
    """Return where the log is and its last lines."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - 16384))
            text = file.read().decode("utf-8", "replace")
    except OSError:
        return f"it left no log at {log}"
    return "\n".join([f"see {log}, which ends with:", *("  " + line for line in text.splitlines()[-lines:])])


def python() -> str:
    """Return the interpreter that the sandbox's own processes run with."""
    return sys.executable
