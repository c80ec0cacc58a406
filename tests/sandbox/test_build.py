# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The tools are found or built once; a failed build leaves nothing and says what to do.

Go itself is replaced by a script that prints, fails and waits as told: a real build takes minutes, and `make test`
does it anyway before the first sandbox starts.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from sandbox import binaries, go_build, process
from sandbox.errors import SandboxError
from tests.support import PATIENCE, wait_until

GO = """\
#!/bin/sh
case "$1 $2" in
  "env GOVERSION") echo "${FAKE_VERSION:-go1.99.0}"; exit;;
  "list -deps") [ -z "$FAKE_DOWNLOAD" ] || { echo "$FAKE_DOWNLOAD" >&2; exit 1; }; printf 'a\\nb\\nc\\n'; exit;;
esac
for last; do case "$before" in -o) out=$last;; esac; before=$last; done
echo built >> "$FAKE_LOG"
[ -z "$FAKE_BUILD" ] || { echo "$FAKE_BUILD" >&2; exit 1; }
if [ -n "$FAKE_WAIT" ]; then while [ ! -e "$FAKE_WAIT" ]; do sleep 0.02; done; fi
case "$out" in
  */helm3) echo x > "$out"; chmod +x "$out"; exit;;
esac
case "$PWD" in
  */tools) names="server helm kube-apiserver kube-controller-manager kube-scheduler kubectl kwok kwokctl registry";;
  *) names=${PWD##*/};;
esac
for name in $names; do
  echo x > "$out$name"; chmod +x "$out$name"
done
"""
BUILDS = 5
"""The tools, helm 3 with the same names as another of them, Traefik, ExternalDNS, aws-iam-authenticator."""
ENSURE = "from sandbox.binaries import ensure; print(ensure(print))"


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A PATH with the stand-in for Go, an empty cache, no SANDBOX_BIN."""
    path = tmp_path / "path"
    path.mkdir()
    (path / "go").write_text(GO, encoding="ascii")
    (path / "go").chmod(0o755)
    monkeypatch.setenv("PATH", f"{path}:/usr/bin:/bin")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("FAKE_LOG", str(tmp_path / "log"))
    monkeypatch.delenv("SANDBOX_BIN", raising=False)
    return tmp_path


def builds(world: Path) -> int:
    """Return how often Go was asked to build."""
    log = world / "log"
    return len(log.read_text(encoding="ascii").splitlines()) if log.exists() else 0


def start() -> subprocess.Popen[str]:
    """Start a process that needs the tools."""
    return subprocess.Popen([sys.executable, "-c", ENSURE], cwd=process.ROOT, stdout=subprocess.PIPE, text=True)


def left(world: Path) -> list[str]:
    """Return what is in the cache beside locks."""
    return sorted(item.name for item in binaries.cache().iterdir() if item.suffix != ".lock")


def built(directory: Path) -> list[str]:
    """Return what is in the cache where everything is built: one directory a module, and that of the links."""
    modules = {(directory / name).resolve().parent.name for name in binaries.TOOLS}
    assert len(modules) == len(go_build.MODULES)
    return sorted([directory.name, *modules])


def test_built_once_with_every_program_under_its_name(world: Path) -> None:
    directory = binaries.ensure(print)
    assert sorted(item.name for item in directory.iterdir()) == sorted(binaries.TOOLS)
    assert left(world) == built(directory)
    assert binaries.ensure(print) == directory
    assert builds(world) == BUILDS


def test_two_at_once_build_once(world: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gate = world / "gate"
    monkeypatch.setenv("FAKE_WAIT", str(gate))
    first, second = start(), start()
    wait_until(lambda: builds(world), "the build")
    gate.touch()
    outputs = [child.communicate(timeout=PATIENCE)[0] for child in (first, second)]
    assert {output.splitlines()[-1] for output in outputs} == {str(binaries.ensure(print))}
    assert builds(world) == BUILDS


def test_a_killed_build_leaves_no_half_of_it(world: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gate = world / "gate"
    monkeypatch.setenv("FAKE_WAIT", str(gate))
    monkeypatch.setenv(process.MARK, str(gate))
    first = start()
    wait_until(lambda: builds(world), "the build")
    first.kill()
    gate.touch()
    first.communicate(timeout=PATIENCE)
    # What it had started must not write beside the next build.
    wait_until(lambda: not process.owned(gate), "the end of what it had started")
    directory = binaries.ensure(print)
    assert sorted(item.name for item in directory.iterdir()) == sorted(binaries.TOOLS)
    assert left(world) == built(directory)


@pytest.mark.parametrize(
    ("variable", "said", "step"),
    [
        ("FAKE_DOWNLOAD", "Get x: dial tcp: lookup proxy.example: no such host", "set GOPROXY"),
        ("FAKE_BUILD", "write x: no space left on device", "free some space"),
        ("FAKE_BUILD", "compile: signal: killed", "ran out of memory"),
        ("FAKE_BUILD", "verifying x: checksum mismatch", "do not use it"),
        ("FAKE_BUILD", "x.go:1: syntax error", "goes on where it ended"),
    ],
)
def test_failures_say_what_to_do(
    world: Path, monkeypatch: pytest.MonkeyPatch, variable: str, said: str, step: str
) -> None:
    monkeypatch.setenv(variable, said)
    with pytest.raises(SandboxError) as failure:
        binaries.ensure(print)
    assert said in str(failure.value)
    assert step in str(failure.value)
    assert left(world) == []


def test_what_is_built_is_not_built_again_with_the_rest(world: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another version of one program costs the build of that program."""
    directory = binaries.ensure(print)
    (directory / "traefik").resolve().unlink()
    (directory / "traefik").resolve().parent.rmdir()
    assert binaries.ensure(print) == directory
    assert builds(world) == BUILDS + 1
    assert (directory / "traefik").exists()


def test_an_old_go_is_not_used(world: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAKE_VERSION", "go1.22.1")
    assert go_build.find_go() is None
    monkeypatch.setenv("FAKE_VERSION", "go1.26.1")
    found = go_build.find_go()
    assert found is not None
    assert found.version == "1.26.1"


def test_sandbox_bin_must_hold_everything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SANDBOX_BIN", str(tmp_path))
    for name in binaries.TOOLS:
        (tmp_path / name).touch(mode=0o755)
    assert binaries.ensure(print) == tmp_path
    (tmp_path / "etcd").unlink()
    with pytest.raises(SandboxError, match="lacks etcd"):
        binaries.ensure(print)


def test_programs_on_path_must_fit_the_pins(world: Path) -> None:
    version = {"helm": "v4.3.9", "helm3": "v3.22.0", "etcd": "etcd Version: 3.6.1", "traefik": "Version: 3.6.99"}
    for name, tool in binaries.TOOLS.items():
        program = world / "path" / name
        text = version.get(name, go_build.pins(tool.module)[tool.pinned_as])
        program.write_text(f"#!/bin/sh\necho '{text}'\n", encoding="ascii")
        program.chmod(0o755)
    directory = binaries.ensure(print)
    assert os.readlink(directory / "etcd") == str(world / "path" / "etcd")
    assert builds(world) == 0
    (world / "path" / "helm").write_text("#!/bin/sh\necho v3.22.0\n", encoding="ascii")
    assert binaries.ensure(print) != directory
    # Only the module of the one that does not fit.
    assert builds(world) == 2
