# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Up, down and reset: the order of things, and what is told about them."""

from __future__ import annotations

import re
import shutil
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

from sandbox import process
from sandbox.aws.client import ACCESS_KEY, SECRET_KEY
from sandbox.aws_process import Aws
from sandbox.binaries import ensure
from sandbox.control_plane import BACKGROUND, ControlPlane
from sandbox.errors import SandboxError
from sandbox.registry import Registry
from sandbox.state import State, locked, socket_directory

DEFAULT_CLUSTER = "sandbox-blue"
REGION = "eu-central-1"
# https://docs.aws.amazon.com/eks/latest/APIReference/API_CreateCluster.html (name)
_NAME = re.compile(r"[0-9A-Za-z][0-9A-Za-z_-]{0,99}")


class Sandbox:
    """The sandbox in one directory."""

    def __init__(self, base: Path, say: Callable[[str], None] = print) -> None:
        self.base = base
        self._say = say

    def up(self, names: list[str]) -> bool:
        """Bring up these clusters beside those that were up before; return whether anything had to be done."""
        for name in names:
            if not _NAME.fullmatch(name):
                raise SandboxError(
                    f"{name!r} is no name of an EKS cluster",
                    "use 1 to 100 letters, digits, hyphens and underscores, beginning with a letter or digit",
                )
        with locked(self.base):
            return self._up(names)

    def down(self) -> int:
        """End everything and forget the clusters; return how many processes there were."""
        with locked(self.base):
            return self._down()

    def reset(self) -> None:
        """Bring the clusters that are up down, forget the registry's content too, and bring them up anew."""
        with locked(self.base):
            names = sorted(State(self.base).data["clusters"])
            self._down()
            shutil.rmtree(self.base / "registry", ignore_errors=True)
            self._up(names)

    def status(self) -> dict[str, Any]:
        """Return what runs, read from the processes themselves."""
        state = State(self.base)
        planes = self._planes(state, [])
        with ThreadPoolExecutor() as pool:
            aws = pool.submit(Aws(state).healthy)
            registry = pool.submit(Registry(state).healthy)
            clusters = {plane.name: pool.submit(plane.healthy) for plane in planes}
            health = {
                "aws": aws.result(),
                "registry": registry.result(),
                "clusters": {name: future.result() for name, future in clusters.items()},
            }
        return state.data | {"health": health, "processes": sorted(process.owned(self.base))}

    def renew_account(self) -> None:
        """Empty the emulated account and make its fixtures anew, for the clusters that are up."""
        with locked(self.base):
            state = State(self.base)
            aws, planes = Aws(state), self._planes(state, [])
            aws.empty()
            aws.fill([plane.name for plane in planes])
            for plane in planes:
                aws.register(plane)

    def _planes(self, state: State, names: list[str]) -> list[ControlPlane]:
        return [ControlPlane(state, name, REGION) for name in sorted({*state.data["clusters"], *names})]

    def _up(self, names: list[str]) -> bool:
        state = State(self.base)
        if not names and not state.data["clusters"]:
            names = [DEFAULT_CLUSTER]
        self._sweep(state)
        planes = self._planes(state, names)
        aws, registry = Aws(state), Registry(state)
        with ThreadPoolExecutor(max_workers=len(planes) + 2) as pool:
            aws_ok, registry_ok = pool.submit(aws.healthy), pool.submit(registry.healthy)
            sick = [plane for plane, ok in zip(planes, pool.map(ControlPlane.healthy, planes), strict=True) if not ok]
            if not sick and aws_ok.result() and registry_ok.result():
                return False
            self._bring_up(state, pool, planes, sick, None if registry_ok.result() else registry)
        return True

    def _bring_up(
        self,
        state: State,
        pool: ThreadPoolExecutor,
        planes: list[ControlPlane],
        sick: list[ControlPlane],
        registry: Registry | None,
    ) -> None:
        from sandbox.authority import Authority  # noqa: PLC0415 - slow to import, and most runs of `up` need none

        began = time.monotonic()
        binaries = ensure(self._say)
        state.put("bin", str(binaries))
        aws = Aws(state)
        # Before all that would make it at the same time.
        Authority(self.base / "aws")
        port = self._aws_port(state)
        names = [plane.name for plane in planes]
        # An API server knows the AWS server by its port.
        sick = [plane for plane in planes if plane in sick or plane.entry.get("aws_port") != port]
        tell = threading.Lock()

        def run(what: str, work: Callable[[], str]) -> str:
            done = work()
            with tell:
                self._say(f"{time.monotonic() - began:5.1f} s  {what}: {done}")
            return done

        def account() -> str:
            done = aws.up(port)
            aws.fill(names)
            return done

        def cluster(plane: ControlPlane) -> str:
            done = plane.up(binaries, port) if plane in sick else "unchanged"
            filled.result()
            aws.register(plane)
            return done

        # First in the queue of a pool that has room for all, so whoever waits for it never waits for ever.
        filled = pool.submit(run, "AWS account", account)
        tasks = [filled]
        tasks += [pool.submit(run, f"cluster {plane.name}", partial(cluster, plane)) for plane in planes]
        if registry is not None:
            tasks.append(pool.submit(run, "registry", lambda: registry.up(lambda: binaries)))
        errors = [error for error in (task.exception() for task in tasks) if error is not None]
        if errors:
            raise errors[0]
        state.put("environment", environment(state.data))

    def _aws_port(self, state: State) -> int:
        """Return the port of the AWS server: the same again where possible, as API servers know it."""
        entry = state.data["aws"]
        old = entry.get("port")
        if old and (process.alive(entry.get("process")) or process.port_is_free(old)):
            return int(old)
        return process.free_ports(1)[0]

    def _sweep(self, state: State) -> None:
        """End processes that carry our mark but that nobody recorded: a killed `up` left them."""
        known = {
            (item["pid"], item["start_time"])
            for entry in (state.data["aws"], state.data["registry"])
            if (item := entry.get("process"))
        }
        for entry in state.data["clusters"].values():
            known |= {(item["pid"], item["start_time"]) for item in entry["processes"].values()}
        loops = [entry["processes"].get(BACKGROUND) for entry in state.data["clusters"].values()]

        def strays() -> dict[int, int]:
            owned = process.owned(self.base)
            # Asked for after that, as a pod may start at any time; they are looked after as long as their loop lives.
            programs = {(item["pid"], item["start_time"]) for item in process.children(loops, self.base)}
            return {pid: started for pid, started in owned.items() if (pid, started) not in known | programs}

        count = process.end(strays)
        if count:
            self._say(f"ended {count} processes that an interrupted command had left")

    def _down(self) -> int:
        state = State(self.base)
        # An API server without etcd takes its time to end; nothing of what it holds is kept.
        count = process.end(lambda: process.owned(self.base), grace=1.0)
        for name in ("kwok", "clusters", "aws"):
            shutil.rmtree(self.base / name, ignore_errors=True)
        shutil.rmtree(socket_directory(self.base), ignore_errors=True)
        state.path.unlink(missing_ok=True)
        return count


def environment(data: dict[str, Any]) -> dict[str, str]:
    """Return the environment in which SDKs, Ansible and Helm find the sandbox."""
    first = next(iter(sorted(data["clusters"])))
    return {
        "AWS_ACCESS_KEY_ID": ACCESS_KEY,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_ENDPOINT_URL": data["aws"]["endpoint"],
        "AWS_REGION": REGION,
        "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
        "EKSPRESS_SANDBOX_BIN": data["bin"],
        "EKSPRESS_SANDBOX_DIR": data["directory"],
        "EKSPRESS_SANDBOX_REGISTRY": data["registry"]["charts"],
        "KUBECONFIG": data["clusters"][first]["kubeconfig"],
        "NO_PROXY": "127.0.0.1,localhost",
        "no_proxy": "127.0.0.1,localhost",
    }
