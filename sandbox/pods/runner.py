# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Runs one pod's program: starts it, asks its probes, renews its tokens, starts it again when it ends."""

from __future__ import annotations

import contextlib
import http.client
import json
import math
import os
import select
import shutil
import subprocess
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sandbox import process
from sandbox.kube_client import KubeClient
from sandbox.pods import identity, status, values, volumes
from sandbox.pods.probes import Probe
from sandbox.pods.programs import CannotRun, Ports, Start, container_of, program_of
from sandbox.state import write_file

Json = dict[str, Any]

ACCOUNT_MOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"
_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 30.0
"""A tenth of a kubelet's pauses between restarts (seconds); each is twice as long as the one before."""
_STEADY = 60.0
"""A program that ran this long (seconds) begins with the first pause again."""


@dataclass(frozen=True)
class Setting:
    """What all pods of a cluster share.

    Attributes:
        base: the sandbox's directory.
        files: directory of what belongs to the pods that run.
        endpoint: URL of the API server; `pki` has its certificate authority and the administrator's certificate.
        programs: directory of the programs.
        aws: URL of the AWS server.
        proxy: URL of the proxy to other pods.
    """

    base: Path
    files: Path
    endpoint: str
    pki: Path
    programs: Path
    aws: str
    region: str
    proxy: str

    def client(self) -> KubeClient:
        """Return a new client of the cluster's API, as its administrator."""
        return KubeClient(self.endpoint, self.pki)


class Runner(threading.Thread):
    """The process of one pod, for as long as that pod lives."""

    def __init__(self, setting: Setting, pod: Json, begin: status.Shown, changed: Callable[[], None]) -> None:
        container = container_of(pod)
        assert container is not None
        meta = pod["metadata"]
        super().__init__(name=f"{meta['namespace']}/{meta['name']}", daemon=True)
        self.container = container
        self.shown = begin
        self.ports: dict[int, int] = {}
        self.identity: process.Identity | None = None
        self.ended = False
        self._setting = setting
        self._pod = pod
        self._changed = changed
        self._client = setting.client()
        self._directory = setting.files / f"{meta['namespace']}_{meta['name']}_{meta['uid']}"
        self.log = self._directory / f"{container['name']}.log"
        self._volumes: volumes.Volumes | None = None
        self._wake = os.eventfd(0, os.EFD_CLOEXEC)
        self._guard = threading.Lock()
        self._kill_at: float | None = None

    def end(self, grace: float) -> None:
        """End the process: SIGTERM now, SIGKILL after a time (seconds). The thread ends with it."""
        kill_at = time.monotonic() + grace
        with self._guard:
            if not self.ended and (self._kill_at is None or kill_at < self._kill_at):
                self._kill_at = kill_at
                os.eventfd_write(self._wake, 1)

    def run(self) -> None:
        """Run until told to end."""
        pause = _FIRST_PAUSE
        try:
            while self._kill_at is None:
                began = time.monotonic()
                self._once(pause)
                steady = time.monotonic() - began > _STEADY
                pause = _FIRST_PAUSE if steady else min(pause * 2, _LONGEST_PAUSE)
        finally:
            shutil.rmtree(self._directory / "volumes", ignore_errors=True)
            self._client.close()
            with self._guard:
                self.ended = True
                os.close(self._wake)
            self._changed()

    def _once(self, pause: float) -> None:
        """Start the program and stay until it has ended and its pause is over."""
        try:
            child, probes = self._start()
        except CannotRun as error:
            self._show(self.shown.waiting(error.reason, str(error)))
        except Exception as error:
            # Whatever a pod's specification holds, its thread goes on, and its status says what was wrong with it.
            traceback.print_exc()
            self._show(self.shown.waiting("CreateContainerError", str(error)))
        else:
            code = self._stay(child, *probes)
            self.ports, self.identity = {}, None
            print(f"{self.name}: ended with code {code}", flush=True)
            if self._kill_at is None:
                message = f"back-off {pause:.0f}s restarting failed container={self.container['name']} pod={self.name}"
                self._show(self.shown.ended(code).waiting("CrashLoopBackOff", message))
        if self._kill_at is None:
            self._poll(None, time.monotonic() + pause)

    def _show(self, shown: status.Shown) -> None:
        self.shown = shown
        self._changed()

    def _start(self) -> tuple[subprocess.Popen[bytes], tuple[Probe, Probe]]:
        # A connection that was idle since the last start may have been closed by the other side.
        self._client.close()
        source = values.Source(self._client, self._pod["metadata"]["namespace"])
        environment = values.variables(source, self._pod, self.container)
        if self._volumes is None:
            shutil.rmtree(self._directory / "volumes", ignore_errors=True)
            self._volumes = volumes.make(source, self._pod, self.container, self._directory / "volumes")
        folder, region = self._directory / "volumes", self._setting.region
        identity.add(self._client, self._pod, environment, self._volumes, directory=folder, region=region)
        self._volumes.renew(self._client, self._pod, must=True)
        ports = Ports()
        command, environment = self._command(environment, self._volumes, ports)
        home = self._directory / "home"
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
        with self.log.open("ab") as log:
            log.write(f"# {self.container['image']} runs as: {' '.join(command)}\n".encode())
            log.flush()
            child = subprocess.Popen(
                command,
                cwd=home,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.ports, self.identity = ports.open, process.identify(child.pid)
        print(f"{self.name}: started {command[0]} as process {child.pid}", flush=True)
        began = time.monotonic()
        readiness, liveness = (
            Probe(self.container, key, ports.open, began) for key in ("readinessProbe", "livenessProbe")
        )
        shown = self.shown.running()
        self._show(replace(shown, ready=True) if readiness.good else shown)
        return child, (readiness, liveness)

    def _command(
        self, environment: dict[str, str], mounted: volumes.Volumes, ports: Ports
    ) -> tuple[list[str], dict[str, str]]:
        """Return the command and its environment: the pod's own, led to this machine's addresses and directories."""
        program = program_of(self.container["image"])
        assert program is not None
        words = [values.expanded(word, environment) for word in self.container.get("command", [])]
        arguments = [values.expanded(word, environment) for word in self.container.get("args", [])]
        if words and Path(words[0]).name not in program.commands:
            raise CannotRun("RunContainerError", f"the sandbox has no {words[0]}: it runs {program.name} only")
        arguments = words[1:] + arguments
        if arguments and arguments[0] in program.commands:
            arguments = arguments[1:]
        here = {name: mounted.here(value) for name, value in environment.items()}
        start = Start([mounted.here(argument) for argument in arguments], here)
        program.adapt(start, ports)
        start.environment |= self._led(program.kubeconfig, mounted)
        return [str(self._setting.programs / program.name), *start.arguments], start.environment

    def _led(self, kubeconfig: str, mounted: volumes.Volumes) -> dict[str, str]:
        """Return the variables that lead the program to the sandbox and nowhere else."""
        setting = self._setting
        home = str(self._directory / "home")
        proxies = {name: setting.proxy for key in ("HTTP_PROXY", "HTTPS_PROXY") for name in (key, key.lower())}
        led = process.environment(setting.base, {"HOME": home, "TMPDIR": home})
        # STS by its own name too: the SDK for Go asks it for credentials before it heeds the common name.
        led |= dict.fromkeys(("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_STS"), setting.aws)
        led |= proxies | dict.fromkeys(("NO_PROXY", "no_proxy"), "127.0.0.1,localhost")
        account = mounted.mounts.get(ACCOUNT_MOUNT)
        if account is not None:
            led[kubeconfig] = str(self._kubeconfig(account))
        return led

    def _kubeconfig(self, account: Path) -> Path:
        """Write what stands for the in-cluster configuration, which is the same but for its path."""
        cluster = {"server": self._setting.endpoint, "certificate-authority": str(account / "ca.crt")}
        context = {"cluster": "in", "user": "pod", "namespace": self._pod["metadata"]["namespace"]}
        content = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "in", "cluster": cluster}],
            "users": [{"name": "pod", "user": {"tokenFile": str(account / "token")}}],
            "contexts": [{"name": "in", "context": context}],
            "current-context": "in",
        }
        path = self._directory / "volumes" / "kubeconfig.json"
        write_file(path, json.dumps(content))
        return path

    def _stay(self, child: subprocess.Popen[bytes], readiness: Probe, liveness: Probe) -> int:
        """Ask the probes and renew the tokens until the process has ended; return its code."""
        assert self._volumes is not None
        handle = os.pidfd_open(child.pid)
        kill_at = math.inf
        try:
            while True:
                told, now = kill_at, time.monotonic()
                if self._kill_at is not None:
                    kill_at = min(kill_at, self._kill_at)
                elif liveness.good is False and told == math.inf:
                    print(f"{self.name}: liveness probe failed: {liveness.message}", flush=True)
                    kill_at = now + float(self._pod["spec"].get("terminationGracePeriodSeconds", 30))
                if now >= kill_at:
                    child.kill()
                elif kill_at < math.inf and told == math.inf:
                    child.terminate()
                elif kill_at == math.inf:
                    self._tend(now, readiness, liveness)
                due = min(readiness.due, liveness.due, self._volumes.next_due()) if kill_at == math.inf else kill_at
                if handle in self._poll(handle, due):
                    return child.wait()
        finally:
            os.close(handle)
            if child.returncode is None:
                child.kill()
                child.wait()

    def _tend(self, now: float, readiness: Probe, liveness: Probe) -> None:
        if readiness.due <= now:
            readiness.ask()
            if readiness.good is not None and readiness.good != self.shown.ready:
                self._show(replace(self.shown, ready=readiness.good))
        if liveness.due <= now:
            liveness.ask()
        if self._volumes is not None and self._volumes.next_due() <= now:
            with contextlib.suppress(http.client.HTTPException):
                self._volumes.renew(self._client, self._pod, must=False)

    def _poll(self, handle: int | None, until: float) -> set[int]:
        """Wait for a handle, for being told to end, and for a time (monotonic seconds); return what is readable."""
        poll = select.poll()
        for each in (handle, self._wake):
            if each is not None:
                poll.register(each, select.POLLIN)
        # Nothing is due later than in an hour, and a poll takes no infinity.
        wait = min(max(until - time.monotonic(), 0), 3600.0)
        ready = {each for each, _ in poll.poll(math.ceil(wait * 1000))}
        if self._wake in ready:
            os.eventfd_read(self._wake)
        return ready
