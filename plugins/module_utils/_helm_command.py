# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The helm program, version 3 or 4: called with secrets on its standard input and in its environment only."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.ekspress.eks.plugins.module_utils import _ecr
from ansible_collections.ekspress.eks.plugins.module_utils._aws import Aws
from ansible_collections.ekspress.eks.plugins.module_utils._context import Context
from ansible_collections.ekspress.eks.plugins.module_utils._errors import CancelledError, EksError
from ansible_collections.ekspress.eks.plugins.module_utils._helm_charts import Chart
from ansible_collections.ekspress.eks.plugins.module_utils._helm_releases_plan import Release
from ansible_collections.ekspress.eks.plugins.module_utils._helm_storage import DIGEST_LABEL, DIGEST_LENGTH, MARK_LABEL
from ansible_collections.ekspress.eks.plugins.module_utils._helm_values import secrets, written
from ansible_collections.ekspress.eks.plugins.module_utils._helm_words import advised, cleaned
from ansible_collections.ekspress.eks.plugins.module_utils._kubernetes_connection import Connection, memory_file

SERVER_SIDE = 4
"""Major version from which helm applies server-side, and so meets fields that others hold."""

HISTORY = 10
"""Revisions that are kept of a release: Helm's own default, stated so that no environment variable changes it."""

GRACE_SECONDS = 15.0
"""Time that helm gets to mark its release as failed once the task is ended."""

STILL_THERE = "still exists"
"""What helm 4 says of an object that it waits for in vain."""

LATER_SECONDS = 30.0
"""helm ends by itself after its timeout; this much later it is ended by us."""


@dataclass(frozen=True)
class Login:
    """Where helm finds the logins to registries: a file's path, the descriptors behind it, and the secrets in it."""

    path: str
    inherited: tuple[int, ...] = ()
    secrets: frozenset[str] = frozenset()


class Helm:
    """Runs helm against one cluster.

    ``started`` is told the key of each release that a helm process begins to change; ``aws`` gives the session that
    logs in to ECR.
    """

    def __init__(
        self,
        binary: str,
        connection: Connection,
        context: Context,
        *,
        started: Callable[[str], None],
        aws: Callable[[], Aws],
    ) -> None:
        self._aws = aws
        self._binary = binary
        self._connection = connection
        self._context = context
        self._started = started
        self._asking = threading.Lock()
        self._version: int | None = None

    def rehearse(self, release: Release) -> str:
        """The manifest that an install or upgrade would make, rendered as there but for what it would write.

        Raises EksError with helm's own words.
        """
        printed = self._upgrade(release, "--dry-run=server", "--output", "json", write=False)
        try:
            return str(json.loads(printed).get("manifest") or "")
        except (ValueError, AttributeError) as error:
            raise EksError(f"helm upgrade {release.key} printed no release: install Helm 3.14 or later.") from error

    def upgrade(self, release: Release, mark: str = "") -> None:
        """Install or upgrade a release, with a mark on Helm's record. Raises EksError with helm's own words."""
        self._upgrade(release, mark=mark, write=True)

    def _upgrade(self, release: Release, *more: str, mark: str = "", write: bool) -> str:
        chart = release.chart
        if chart is None:
            raise EksError(f"Release {release.key} has no chart.")
        arguments = ["upgrade", release.name, chart.reference, "--install", "--reset-values", "--values", "-"]
        # CRDs are applied before, on upgrades too, which helm itself does not do.
        arguments.append("--skip-crds")
        arguments += ["--history-max", str(HISTORY), "--timeout", f"{release.timeout}s"]
        labels = {DIGEST_LABEL: chart.digest[:DIGEST_LENGTH], MARK_LABEL: mark}
        given = [f"{key}={value}" for key, value in labels.items() if value]
        arguments += ["--labels", ",".join(given)] if given else []
        if release.create_namespace:
            arguments.append("--create-namespace")
        if release.take_ownership:
            arguments.append("--take-ownership")
            if self._major() >= SERVER_SIDE:
                arguments.append("--force-conflicts")
        return self._run(release, [*arguments, *more], written(release.values), write=write)

    def _major(self) -> int:
        """The major version of helm, asked for once."""
        with self._asking:
            if self._version is None:
                command = [self._program(), "version", "--template", "{{.Version}}"]
                try:
                    made = subprocess.run(
                        command,
                        stdin=subprocess.DEVNULL,
                        capture_output=True,
                        text=True,
                        timeout=LATER_SECONDS,
                        check=False,
                    )
                except (OSError, subprocess.SubprocessError) as error:
                    raise EksError(f"helm cannot be started: {error}. Set helm_binary to Helm 3 or 4.") from error
                found = re.match(r"v?(\d+)\.", made.stdout)
                if not found:
                    said = cleaned(made.stderr, set())
                    raise EksError(f"helm tells no version: {said}. Set helm_binary to Helm 3 or 4.")
                self._version = int(found[1])
            return self._version

    def pull(self, release: Release, chart: Chart, directory: str) -> None:
        """Fetch the archive of a chart from its OCI registry into a directory."""
        arguments = ["pull", chart.reference, "--version", chart.version, "--destination", directory]
        if release.plain_http:
            arguments.append("--plain-http")
        with self._login(chart.reference) as login:
            self._run(release, arguments, write=False, login=login)

    def rollback(self, release: Release, revision: int) -> None:
        """Bring a release back to a revision."""
        arguments = ["rollback", release.name, str(revision), "--history-max", str(HISTORY)]
        self._run(release, [*arguments, "--timeout", f"{release.timeout}s"])

    def uninstall(self, release: Release) -> None:
        """Remove a release with its history; ends once its objects are gone, finalizers included."""
        arguments = ["uninstall", release.name, "--ignore-not-found", "--wait", "--cascade", "foreground"]
        arguments += ["--timeout", f"{release.timeout}s"]
        started = time.monotonic()
        try:
            self._run(release, arguments)
        except EksError as error:
            if STILL_THERE not in error.message or time.monotonic() - started >= release.timeout:
                raise
            # Helm 4 has given up its wait at once, as it does where it reads an object just as that is being deleted.
            self._run(release, arguments)

    def _run(
        self,
        release: Release,
        arguments: list[str],
        text: str = "",
        *,
        write: bool = True,
        login: Login | None = None,
    ) -> str:
        """What helm printed. Raises EksError with its words where it failed."""
        login = login or Login(_registry_config())
        call = f"helm {arguments[0]} {release.key}"
        self._context.before_call(call, write=write)
        with kubeconfig_file(self._connection) as (kubeconfig, inherited):
            try:
                process = subprocess.Popen(
                    [self._program(), *arguments, "--namespace", release.namespace],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    env=self._environment(kubeconfig, login.path),
                    pass_fds=(*inherited, *login.inherited),
                    encoding="utf-8",
                    errors="replace",
                )
            except OSError as error:
                raise EksError(f"helm cannot be started: {error}. Set helm_binary to Helm 3 or 4.") from error
            self._context.actions.append(f"helm:{arguments[0]}")
            if write:
                self._started(release.key)
            printed, words = self._finish(process, text, call, release.timeout + LATER_SECONDS)
        if process.returncode < 0:
            raise EksError(
                f"{call} was killed ({_signal(-process.returncode)}), as happens where memory runs out. The next run "
                "repairs the release."
            )
        if process.returncode != 0:
            said = cleaned(words, secrets(release.values) | login.secrets)
            raise EksError(advised(said, release) if said else f"{call} ended with status {process.returncode}.")
        return printed

    def _finish(self, process: subprocess.Popen[str], text: str, call: str, seconds: float) -> tuple[str, str]:
        waited = 0.0
        content: str | None = text
        while True:
            try:
                return process.communicate(content, timeout=0.5)
            except subprocess.TimeoutExpired:
                content = None
                waited += 0.5
            if self._context.cancelled.is_set() or waited > seconds:
                process.terminate()
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.communicate(timeout=GRACE_SECONDS)
                process.kill()
                process.communicate()
                if self._context.cancelled.is_set():
                    raise CancelledError(f"{call} was stopped: the task was ended. The next run repairs the release.")
                raise EksError(
                    f"{call} did not end within {seconds:.0f} s and was stopped. Raise the release's timeout."
                )

    def _program(self) -> str:
        found = shutil.which(os.path.expanduser(self._binary))
        if found is None:
            raise EksError(
                f"The program {self._binary!r} is not there; it is needed to change releases. "
                "Install Helm 3.14 or later, or Helm 4, or set helm_binary to its path."
            )
        return found

    @contextlib.contextmanager
    def _login(self, reference: str) -> Iterator[Login]:
        """The registry logins for an address: our own in memory for ECR, else the user's.

        The user's are good for ECR too where our session gets no token, as where it has no AWS credentials at all.
        """
        host = _ecr.host_of(reference)
        if not host:
            yield Login(_registry_config())
            return
        try:
            content, token = _ecr.registry_config(self._aws(), host)
        except CancelledError:
            raise
        except EksError:
            if not _knows(_registry_config(), host):
                raise
            yield Login(_registry_config())
            return
        with memory_file(content) as path:
            yield Login(path, (int(path.rpartition("/")[2]),), frozenset({token, *_password(token)}))

    def _environment(self, kubeconfig: str, registry_config: str) -> dict[str, str]:
        """The environment of a helm process, its only place of a secret."""
        home = cache_directory() / "helm"
        home.mkdir(mode=0o700, exist_ok=True)
        made = {name: value for name, value in os.environ.items() if not name.startswith(("HELM_", "KUBE"))}
        for kind in ("CACHE", "CONFIG", "DATA"):
            made[f"HELM_{kind}_HOME"] = str(home / kind.lower())
        made["HELM_REGISTRY_CONFIG"] = registry_config
        made["KUBECONFIG"] = kubeconfig
        if self._connection.token is not None:
            # Minted for this process: it has the whole of a token's 15 minutes.
            made["HELM_KUBETOKEN"] = self._connection.token(True)
        return made


@contextlib.contextmanager
def kubeconfig_file(connection: Connection) -> Iterator[tuple[str, tuple[int, ...]]]:
    """The path of the connection's kubeconfig, in memory where the system can, and the descriptors behind it."""
    content = json.dumps(connection.kubeconfig())
    if connection.client_key or hasattr(os, "memfd_create"):
        with memory_file(content) as path:
            yield path, (int(path.rpartition("/")[2]),)
        return
    with tempfile.NamedTemporaryFile("w", prefix="ekspress-kubeconfig-", suffix=".json") as file:
        file.write(content)
        file.flush()
        yield file.name, ()


def _signal(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def cache_directory() -> Path:
    """A directory of this collection's own: the user's repositories and plugins do not count, nor are they touched."""
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    home = Path(base).expanduser() / "ekspress.eks"
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise EksError(
            f"The cache {home} cannot be made: {error}. Set XDG_CACHE_HOME to a writable directory."
        ) from error
    return home


def _registry_config() -> str:
    if os.environ.get("HELM_REGISTRY_CONFIG"):
        return os.environ["HELM_REGISTRY_CONFIG"]
    base = os.environ.get("XDG_CONFIG_HOME") or "~/.config"
    return str(Path(base).expanduser() / "helm" / "registry" / "config.json")


def _knows(path: str, host: str) -> bool:
    """Whether a file of registry logins names a host."""
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
        return any(host in (content.get(section) or {}) for section in ("auths", "credHelpers"))
    except (OSError, ValueError, AttributeError, TypeError):
        return False


def _password(token: str) -> set[str]:
    """The password within a login as Docker's configuration has it."""
    try:
        return {base64.b64decode(token).decode().partition(":")[2]} - {""}
    except ValueError:
        return set()
