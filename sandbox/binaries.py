# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Finds the real programs that the sandbox runs, or has them built once.

In this order: the directory SANDBOX_BIN, an earlier build, the versions that fit on PATH, a build from
`sandbox/tools/` into the user's cache. Each Go module there is built for itself; a build belongs to the pins,
the Go version and the flags that made it.
"""

from __future__ import annotations

import fcntl
import functools
import hashlib
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sandbox import go_build
from sandbox.errors import SandboxError


@dataclass(frozen=True)
class Tool:
    """A program, the Go module in which its own is pinned, and the arguments that make it print its version."""

    module: go_build.Module
    pinned_as: str
    version: str


_KUBERNETES = "k8s.io/kubernetes"
TOOLS = {
    "aws-iam-authenticator": Tool(go_build.AUTHENTICATOR, "sigs.k8s.io/aws-iam-authenticator", "version --short"),
    "etcd": Tool(go_build.TOOLS, "go.etcd.io/etcd/server/v3", "--version"),
    "external-dns": Tool(go_build.EXTERNAL_DNS, "sigs.k8s.io/external-dns", "--version"),
    "helm": Tool(go_build.TOOLS, "helm.sh/helm/v4", "version --short"),
    "helm3": Tool(go_build.TOOLS, "helm.sh/helm/v3", "version --short"),
    "kube-apiserver": Tool(go_build.TOOLS, _KUBERNETES, "--version"),
    "kube-controller-manager": Tool(go_build.TOOLS, _KUBERNETES, "--version"),
    "kube-scheduler": Tool(go_build.TOOLS, _KUBERNETES, "--version"),
    "kubectl": Tool(go_build.TOOLS, _KUBERNETES, "version --client"),
    "kwok": Tool(go_build.TOOLS, "sigs.k8s.io/kwok", "--version"),
    "kwokctl": Tool(go_build.TOOLS, "sigs.k8s.io/kwok", "--version"),
    "registry": Tool(go_build.TOOLS, "github.com/distribution/distribution/v3", "--version"),
    "traefik": Tool(go_build.TRAEFIK, "github.com/traefik/traefik/v3", "version"),
}


def ensure(say: Callable[[str], None]) -> Path:
    """Return a directory that holds every program under its own name."""
    given = os.environ.get("SANDBOX_BIN")
    if given:
        return _given(Path(given).resolve())
    go = go_build.find_go()
    version = go.version if go else go_build.wheel_version()
    return _links({name: path for module in go_build.MODULES for name, path in _programs(module, go, version, say)})


def _programs(
    module: go_build.Module, go: go_build.Go | None, version: str, say: Callable[[str], None]
) -> list[tuple[str, str]]:
    """Return the names and paths of a module's programs, built where they must be."""
    names = [name for name, tool in TOOLS.items() if tool.module is module]
    target = cache() / go_build.fingerprint(module, version)
    if not target.is_dir():
        on_path = {name: shutil.which(name) for name in names}
        if all(path and _fits(name, path) for name, path in on_path.items()):
            return [(name, str(path)) for name, path in on_path.items()]
        with _alone(module, target, say):
            if not target.is_dir():
                go_build.build(go or go_build.install_go(cache(), say), module, target, say)
    return [(name, str(target / name)) for name in names]


def cache() -> Path:
    """Return the directory of all builds; it may be removed at any time while no sandbox runs."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "ekspress" / "tools"


@functools.lru_cache(maxsize=1)
def kubernetes_version() -> str:
    """Return the version of Kubernetes that the control planes run."""
    return go_build.pins(go_build.TOOLS)[_KUBERNETES]


def _given(directory: Path) -> Path:
    missing = [name for name in TOOLS if not os.access(directory / name, os.X_OK)]
    if missing:
        raise SandboxError(
            f"SANDBOX_BIN={directory} lacks {', '.join(missing)}",
            "put them there, or unset SANDBOX_BIN to have them built",
        )
    return directory


def _links(programs: dict[str, str]) -> Path:
    """Return a directory of links to programs, wherever those are."""
    digest = hashlib.sha256(repr(sorted(programs.items())).encode()).hexdigest()[:16]
    directory = cache() / f"all-{digest}"
    directory.mkdir(parents=True, exist_ok=True)
    for name, path in programs.items():
        link = directory / f".{name}.{os.getpid()}"
        link.symlink_to(path)
        link.replace(directory / name)
    return directory


def _fits(name: str, path: str) -> bool:
    tool = TOOLS[name]
    try:
        done = subprocess.run([path, *tool.version.split()], capture_output=True, text=True, check=False, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return False
    minor = go_build.pins(tool.module)[tool.pinned_as].rsplit(".", 1)[0].removeprefix("v")
    return re.search(rf"(?<![\d.]){re.escape(minor)}(?!\d)", done.stdout) is not None


@contextmanager
def _alone(module: go_build.Module, target: Path, say: Callable[[str], None]) -> Iterator[None]:
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.with_suffix(".lock").open("w", encoding="ascii") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"waiting for another process that builds {module.title} ({module.time} at most)")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
