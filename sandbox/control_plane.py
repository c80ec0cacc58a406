# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One real Kubernetes control plane a cluster: etcd, API server, controllers, scheduler, KWOK's nodes."""

from __future__ import annotations

import base64
import hashlib
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sandbox import authenticator, control_plane_files, process
from sandbox.authenticator import Authenticator
from sandbox.binaries import kubernetes_version
from sandbox.errors import SandboxError
from sandbox.kube_client import KubeClient
from sandbox.kube_fixtures import SERVICE_CIDR, objects
from sandbox.state import State, socket_directory

COMPONENTS = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kwok-controller")
PROXY = "egress-proxy"
BACKGROUND = "background"
_START = ["start", "cluster"]
_START_TIMEOUT = 300.0
_MANAGER = "eks"
_OF_A_NAMESPACE = ("serviceaccounts/default", "configmaps/kube-root-ca.crt")


class ControlPlane:
    """The control plane of one cluster of a sandbox."""

    def __init__(self, state: State, name: str, region: str) -> None:
        self.state = state
        self.name = name
        self.region = region
        self.work = state.base / "kwok"
        self.home = self.work / "clusters" / name
        self.files = state.base / "clusters" / name
        self.socket = socket_directory(state.base) / f"{hashlib.sha256(name.encode()).hexdigest()[:12]}.sock"

    @property
    def entry(self) -> dict[str, Any]:
        """The cluster's entry in the state, empty if it has none."""
        return dict(self.state.data["clusters"].get(self.name, {}))

    @property
    def issuer(self) -> str:
        """The cluster's OIDC issuer: the same again after the emulated account was lost."""
        digest = hashlib.sha256(f"{self.state.base}/{self.name}".encode()).hexdigest()[:32].upper()
        return f"https://oidc.eks.{self.region}.amazonaws.com/id/{digest}"

    @property
    def endpoint(self) -> str:
        """The API server's URL."""
        return str(self.entry["endpoint"])

    @property
    def authenticator_files(self) -> Path:
        """The directory of what its aws-iam-authenticator reads."""
        return self.files / "authenticator"

    def ca_data(self) -> str:
        """The certificate authority of the API server as DescribeCluster gives it: base64 of PEM."""
        return base64.b64encode((self.home / "pki" / "ca.crt").read_bytes()).decode("ascii")

    def client(self) -> KubeClient:
        """Return a client with the administrator's certificate."""
        return KubeClient(self.endpoint, self.home / "pki")

    def dead(self) -> list[str]:
        """Return the names of its processes that do not run."""
        processes = self.entry.get("processes", {})
        names = (*COMPONENTS, PROXY, BACKGROUND, authenticator.NAME)
        return [name for name in names if not process.alive(processes.get(name))]

    def healthy(self) -> bool:
        """Tell whether it was completely made, all its processes run and its API server is ready."""
        if not self.entry.get("ready") or self.dead():
            return False
        client = self.client()
        try:
            return client.ready()
        finally:
            client.close()

    def up(self, binaries: Path, aws_port: int) -> str:
        """Create it or start again what of it does not run; return what was done."""
        entry = self.entry
        if not entry.get("ready"):
            self._create_anew(binaries, aws_port)
            return "created"
        if entry.get("aws_port") != aws_port:
            self._create_anew(binaries, aws_port)
            return "created anew, as the AWS server's port was taken"
        if authenticator.NAME not in entry["ports"]:
            self._create_anew(binaries, aws_port)
            return "created anew, as an earlier version of the sandbox had made it"
        dead = self.dead()
        lost_ports = [
            f"{name} ({port})"
            for name, port in entry["ports"].items()
            if any(name.startswith(part) for part in dead) and not process.port_is_free(port)
        ]
        if lost_ports:
            self._create_anew(binaries, aws_port)
            return f"created anew, as other programs took the ports of {', '.join(lost_ports)}"
        self._restart(binaries, dead)
        return f"started again: {', '.join(dead)}" if dead else "restarted"

    def remove(self) -> None:
        """End its processes and remove all that it left."""
        processes = self.entry.get("processes", {})
        programs = process.children([processes.get(BACKGROUND)], self.state.base)
        process.end_identities([*processes.values(), *self._forked().values(), *programs], grace=1.0)
        self.state.remove("clusters", self.name)
        shutil.rmtree(self.home, ignore_errors=True)
        shutil.rmtree(self.files, ignore_errors=True)
        self.socket.unlink(missing_ok=True)

    def _create_anew(self, binaries: Path, aws_port: int) -> None:
        """Create it with nothing left of before; with other ports where another program took one meanwhile."""
        for last in (False, False, True):
            self.remove()
            try:
                self._create(binaries, aws_port)
                return
            except SandboxError as error:
                if last or "address already in use" not in str(error):
                    raise

    def _create(self, binaries: Path, aws_port: int) -> None:
        names = ("etcd", "etcd-peer", *COMPONENTS[1:], authenticator.NAME)
        ports = dict(zip(names, process.free_ports(len(names)), strict=True))
        self.state.change(
            "clusters",
            self.name,
            region=self.region,
            endpoint=f"https://127.0.0.1:{ports['kube-apiserver']}",
            ca_file=str(self.home / "pki" / "ca.crt"),
            kubeconfig=str(self.files / "kubeconfig"),
            issuer=self.issuer,
            service_cidr=SERVICE_CIDR,
            webhooks_file=str(self.files / "webhooks.json"),
            pods_file=str(self.files / "pods.json"),
            audit_log=str(self.files / "audit.log"),
            ports=ports,
            aws_port=aws_port,
            processes={},
            ready=False,
        )
        from sandbox.authority import Authority  # noqa: PLC0415 - slow to import, and most runs of `up` need none

        own = self._authenticator()
        own.prepare(self.name, self.files / "kubeconfig", Authority(self.state.base / "aws"))
        configuration = control_plane_files.write(
            self.files,
            self.entry,
            binaries,
            authentication=own.webhook_file,
            authorization=f"http://127.0.0.1:{aws_port}/sandbox/authorize/{self.name}",
            egress_socket=self.socket,
        )
        self._start_proxy()
        config = ["--config", str(configuration), "--kubeconfig", str(self.files / "kubeconfig")]
        self._start_components(binaries, ["create", "cluster", *config])
        self._start_authenticator(binaries)
        self._start_background(binaries)
        self._fill()
        self._await_background()
        self._await(authenticator.NAME, self._authenticator().answers)
        self.state.change("clusters", self.name, ready=True)

    def _restart(self, binaries: Path, dead: list[str]) -> None:
        if PROXY in dead:
            self._start_proxy()
        self._start_components(binaries, _START)
        if authenticator.NAME in dead:
            self._start_authenticator(binaries)
            self._await(authenticator.NAME, self._authenticator().answers)
        if BACKGROUND in dead:
            self._start_background(binaries)
            self._await_background()

    def _start_components(self, binaries: Path, command: list[str]) -> None:
        """Have kwokctl start them with a command, and again those that ended meanwhile."""
        for last in (False, False, True):
            # Whatever kwokctl recorded of a process that is gone may by now be the number of somebody else's.
            forked = self._forked()
            for name in COMPONENTS:
                if name in self.dead() and name not in forked:
                    (self.home / "pids" / f"{name}.pid").unlink(missing_ok=True)
            self._kwokctl(binaries, command)
            try:
                self._finish()
                return
            except SandboxError:
                # Controllers end by themselves where the API server does not answer for longer than they wait for it
                # (the controller manager 10 s, KWOK a minute), which a very busy machine takes.
                if last or "kube-apiserver" in self.dead():
                    raise
            command = _START

    def _forked(self) -> dict[str, process.Identity]:
        """Return the components that kwokctl started, as far as they run and are this sandbox's."""
        owned = process.owned(self.state.base)
        found = {}
        for name in COMPONENTS:
            try:
                pid = int((self.home / "pids" / f"{name}.pid").read_text(encoding="ascii"))
            except (OSError, ValueError):
                continue
            identity = process.identify(pid)
            if identity is not None and owned.get(pid) == identity["start_time"]:
                found[name] = identity
        return found

    def _finish(self) -> None:
        """Record the processes and wait until the API server is ready."""
        processes = self.entry["processes"] | self._forked()
        self.state.change("clusters", self.name, processes=processes)
        client = self.client()
        log = self._log("kube-apiserver")
        server = processes.get("kube-apiserver", {"pid": 0, "start_time": 0})
        try:
            process.wait_until(client.ready, f"the API server of {self.name}", log, server, _START_TIMEOUT)
        finally:
            client.close()
        missing = [name for name in self.dead() if name not in (BACKGROUND, authenticator.NAME)]
        if missing:
            raise SandboxError(
                f"cluster {self.name}: {', '.join(missing)} ended while it started",
                process.tail(self._log(missing[0])),
            )

    def _fill(self) -> None:
        client = self.client()
        log = self._log("kube-controller-manager")
        manager = self.entry["processes"]["kube-controller-manager"]
        spaces = ("default", "kube-system")

        def accounts() -> bool:
            return all(client.get(f"/api/v1/namespaces/{space}/serviceaccounts/default") for space in spaces)

        def settled() -> bool:
            """Whether controllers have made what they make once and at a time of their own."""
            names = [item["metadata"]["name"] for item in client.get("/api/v1/namespaces")["items"]]
            paths = [f"/api/v1/namespaces/{name}/{what}" for name in names for what in _OF_A_NAMESPACE]
            return all(client.get(path) for path in (*paths, "/api/v1/namespaces/default/services/kubernetes"))

        def nodes() -> bool:
            items = client.get("/api/v1/nodes")["items"]
            return bool(items) and all(
                condition["status"] == "True"
                for item in items
                for condition in item["status"].get("conditions", [{"type": "Ready", "status": "False"}])
                if condition["type"] == "Ready"
            )

        try:
            # Pods cannot be made before their service account is.
            process.wait_until(accounts, f"the service accounts of {self.name}", log, manager, _START_TIMEOUT)
            for item in objects(self.name, self.region, kubernetes_version()):
                client.apply(item, _MANAGER)
                if item["kind"] == "Node":
                    self._node_status(client, item)
            process.wait_until(nodes, f"the nodes of {self.name}", log, manager, _START_TIMEOUT)
            process.wait_until(settled, f"the namespaces of {self.name}", log, manager, _START_TIMEOUT)
        finally:
            client.close()

    def _node_status(self, client: KubeClient, node: dict[str, Any]) -> None:
        path = f"/api/v1/nodes/{node['metadata']['name']}/status"
        status, body = client.request("PATCH", path, {"status": node["status"]}, "application/merge-patch+json")
        if status != 200:
            raise SandboxError(f"PATCH {self.endpoint}{path} answered {status}: {body}")

    def _start_proxy(self) -> None:
        self.socket.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.socket.unlink(missing_ok=True)
        self._start(PROXY, ["sandbox.egress_proxy", "--socket", self.socket])
        self._await(PROXY, self.socket.exists)

    def _start_background(self, binaries: Path) -> None:
        Path(self.entry["pods_file"]).unlink(missing_ok=True)
        module: list[str | Path] = ["sandbox.background", "--base", self.state.base, "--files", self.files / "pods"]
        module += ["--programs", binaries, "--region", self.region]
        module += ["--aws", f"http://127.0.0.1:{self.entry['aws_port']}"]
        self._start(BACKGROUND, module)

    def _authenticator(self) -> Authenticator:
        port = self.entry["ports"][authenticator.NAME]
        return Authenticator(self.authenticator_files, port, self.state.base / "aws" / "ca.crt")

    def _start_authenticator(self, binaries: Path) -> None:
        """Start it where the API server is ready: before, it would wait some seconds to watch aws-auth."""
        program = binaries / authenticator.NAME
        identity = self._authenticator().start(program, self.state.base, self.region, self.entry["aws_port"])
        self._record(authenticator.NAME, identity)

    def _await_background(self) -> None:
        self._await(BACKGROUND, Path(self.entry["pods_file"]).exists)

    def _start(self, name: str, module: list[str | Path]) -> None:
        """Start a process of ours that works with the API server and with pods."""
        command = [process.python(), "-m", *module, "--endpoint", self.endpoint, "--pki", self.home / "pki"]
        command += ["--control", self.entry["webhooks_file"], "--pods", self.entry["pods_file"]]
        # What SDKs would read of the caller's.
        nobodys = {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}
        self._record(name, process.spawn(command, self.state.base, self._log(name), nobodys))

    def _record(self, name: str, identity: process.Identity) -> None:
        self.state.change("clusters", self.name, processes=self.entry["processes"] | {name: identity})

    def _await(self, name: str, ready: Callable[[], bool]) -> None:
        identity = self.entry["processes"][name]
        process.wait_until(ready, f"{name} of {self.name}", self._log(name), identity, _START_TIMEOUT)

    def _log(self, name: str) -> Path:
        if name == authenticator.NAME:
            return self._authenticator().log
        return (self.files if name in (PROXY, BACKGROUND) else self.home / "logs") / f"{name}.log"

    def _kwokctl(self, binaries: Path, arguments: list[str]) -> None:
        log = self.files / "kwokctl.log"
        extra = process.environment(
            self.state.base,
            {"KWOK_WORKDIR": str(self.work), "PATH": f"{binaries}:/usr/bin:/bin", "HOME": str(self.files)},
        )
        command = [str(binaries / "kwokctl"), "--name", self.name, *arguments]
        with log.open("ab") as output:
            done = subprocess.run(
                command, env=extra, stdin=subprocess.DEVNULL, stdout=output, stderr=output, check=False, timeout=600
            )
        if done.returncode:
            what = " ".join(arguments[:2])
            raise SandboxError(f"kwokctl {what} {self.name} ended with code {done.returncode}", process.tail(log))
