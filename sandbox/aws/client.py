# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What tests and the sandbox's command line use: one AWS server, started, asked, stopped."""

from __future__ import annotations

import functools
import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Any

import boto3
from botocore.config import Config

START_SECONDS = 180.0
STOP_SECONDS = 30.0
ANSWER_SECONDS = 300.0
ROOT = Path(__file__).resolve().parents[2]
DEFAULT_REGION = "eu-central-1"
ACCESS_KEY = "AKIASANDBOX000000000"
# Part of no name: Ansible hides every text of a result that contains a secret.
SECRET_KEY = "a+secret/of+no+account"
# Left behind by the user's shell, these would send calls elsewhere or change who calls.
UNWANTED = (
    "AWS_PROFILE",
    "AWS_DEFAULT_PROFILE",
    "AWS_SESSION_TOKEN",
    "AWS_SECURITY_TOKEN",
    "AWS_REGION",
    "AWS_ROLE_ARN",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CA_BUNDLE",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "http_proxy",
    "https_proxy",
    "all_proxy",
)


@functools.cache
def _session() -> boto3.Session:
    return boto3.Session()


class SandboxError(Exception):
    """The server refused an admin call or did not start."""


class AwsServer:
    """One server process, or a connection to one that runs already (``AwsServer.at``).

    Args:
        region: default region of clients and of ``environment``.
    """

    def __init__(self, region: str = DEFAULT_REGION) -> None:
        self.region = region
        self._process: subprocess.Popen[bytes] | None = None
        self._directory: tempfile.TemporaryDirectory[str] | None = None
        self._endpoint: str | None = None
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    @classmethod
    def at(cls, endpoint: str, region: str = DEFAULT_REGION) -> AwsServer:
        """Return a client of a server that something else started."""
        server = cls(region)
        server._endpoint = endpoint.rstrip("/")
        return server

    @classmethod
    def waiting_for(cls, port_file: Path, process: subprocess.Popen[bytes], region: str = DEFAULT_REGION) -> AwsServer:
        """Return a client of a process that was just started, once it accepts; raise SandboxError if it does not."""
        deadline = time.monotonic() + START_SECONDS
        while not port_file.exists():
            if process.poll() is not None or time.monotonic() > deadline:
                raise SandboxError(f"the AWS server did not start within {START_SECONDS:.0f} s: see its output")
            try:
                process.wait(0.02)
            except subprocess.TimeoutExpired:
                continue
        return cls.at(f"http://127.0.0.1:{int(port_file.read_text())}", region)

    def start(self) -> AwsServer:
        """Start the process and wait until it accepts."""
        self._directory = tempfile.TemporaryDirectory(prefix="ekspress-aws-")
        port_file = Path(self._directory.name) / "port"
        log = Path(self._directory.name) / "log"
        environment = {key: value for key, value in os.environ.items() if key not in UNWANTED}
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, (str(ROOT), environment.get("PYTHONPATH"))))
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "sandbox.aws", "--port-file", str(port_file), "--until-stdin-closes"],
                env=environment,
                # The other end closes when this process ends, however it ends: no server is left behind.
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            self._endpoint = self.waiting_for(port_file, self._process).endpoint
        except SandboxError as failed:
            text = log.read_text(errors="replace")[-4000:]
            self.stop()
            raise SandboxError(f"{failed}:\n{text}") from failed
        return self

    def stop(self) -> None:
        """End the process, if this object started one."""
        if self._process is not None:
            if self._process.poll() is None:
                self._process.terminate()
            try:
                self._process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait(STOP_SECONDS)
            if self._process.stdin is not None:
                self._process.stdin.close()
            self._process = None
        if self._directory is not None:
            self._directory.cleanup()
            self._directory = None
        self._endpoint = None

    def __enter__(self) -> AwsServer:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def endpoint(self) -> str:
        """URL of the server, without a slash at its end."""
        if self._endpoint is None:
            raise SandboxError("the AWS server is not running: call start() first")
        return self._endpoint

    @property
    def pid(self) -> int | None:
        """Process id, where this object started the process."""
        return self._process.pid if self._process is not None else None

    @property
    def environment(self) -> dict[str, str]:
        """Variables that make any AWS SDK talk to this server and to nothing else."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
            "AWS_DEFAULT_REGION": self.region,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "NO_PROXY": "127.0.0.1,localhost",
            "no_proxy": "127.0.0.1,localhost",
        }

    def client(
        self,
        service: str,
        region: str | None = None,
        credentials: dict[str, Any] | None = None,
        validate: bool = True,
    ) -> Any:
        """Return a boto3 client.

        Args:
            service: botocore's name of the service.
            region: by default the server's.
            credentials: ``access_key_id``, ``secret_access_key`` and ``session_token`` of ``account()``, or the
                ``Credentials`` of an STS answer; by default the default account's.
            validate: let botocore check parameters before it calls.
        """
        given = credentials or {}
        config = Config(
            retries={"max_attempts": 0},
            proxies={},
            connect_timeout=5,
            read_timeout=ANSWER_SECONDS,
            parameter_validation=validate,
        )
        # One session: its loader reads each service's model once.
        make: Any = _session().client
        return make(
            service,
            endpoint_url=self.endpoint,
            config=config,
            aws_access_key_id=given.get("access_key_id") or given.get("AccessKeyId") or ACCESS_KEY,
            aws_secret_access_key=given.get("secret_access_key") or given.get("SecretAccessKey") or SECRET_KEY,
            aws_session_token=given.get("session_token") or given.get("SessionToken"),
            region_name=region or self.region,
        )

    def admin(self, method: str, path: str, data: dict[str, Any] | None = None) -> Any:
        """Call the admin API; raise SandboxError with its message where it refuses."""
        body = json.dumps(data).encode() if data is not None else None
        request = urllib.request.Request(
            f"{self.endpoint}/sandbox/{path}", data=body, method=method, headers={"Content-Type": "application/json"}
        )
        try:
            with self._opener.open(request, timeout=ANSWER_SECONDS) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as refused:
            text = refused.read().decode(errors="replace")
            raise SandboxError(f"{method} /sandbox/{path}: {refused.code} {text}") from refused

    def open(self, url: str) -> Any:
        """GET a URL past any proxy, a presigned one for example; close what it returns."""
        return self._opener.open(url, timeout=ANSWER_SECONDS)

    def calls(
        self,
        operation: str | None = None,
        writes: bool | None = None,
        service: str | None = None,
        failed: bool | None = None,
    ) -> list[dict[str, Any]]:
        """Return the calls that the server saw, oldest first.

        Args:
            operation: only this operation, for example ``CreateTags``.
            writes: only writes (True) or only reads (False).
            service: only this service, for example ``ec2``.
            failed: only calls that an error answered (True), or none of them (False).
        """
        return [
            call
            for call in self.admin("GET", "calls")["calls"]
            if operation in (None, call["operation"])
            and writes in (None, call["write"])
            and service in (None, call["service"])
            and failed in (None, call["error"] is not None)
        ]

    def clear_calls(self) -> None:
        """Forget the calls so far."""
        self.admin("DELETE", "calls")

    def fault(self, operation: str, effect: str, service: str = "*", **rule: Any) -> dict[str, Any]:
        """Order a fault: see ``sandbox.aws.faults.Fault`` for match, nth, times, code, message, status, seconds."""
        answer: dict[str, Any] = self.admin(
            "POST", "faults", {"service": service, "operation": operation, "effect": effect, **rule}
        )
        return answer

    def faults(self) -> list[dict[str, Any]]:
        """Return the rules in force with their counters ``seen`` and ``hit``."""
        answer: list[dict[str, Any]] = self.admin("GET", "faults")["faults"]
        return answer

    def clear_faults(self) -> None:
        """Lift all faults."""
        self.admin("DELETE", "faults")

    def settings(self, **values: Any) -> dict[str, Any]:
        """Change settings (``sandbox.aws.state.Settings``) and return all of them."""
        answer: dict[str, Any] = self.admin("PUT", "settings", values)
        return answer

    def reset(self) -> None:
        """Put everything back: AWS's state, faults, calls, settings."""
        self.admin("POST", "reset")

    def cluster(self, name: str, region: str | None = None, **fields: Any) -> dict[str, Any]:
        """Set fields of an existing cluster: see ``sandbox.aws.clusters.change``."""
        answer: dict[str, Any] = self.admin("PUT", f"clusters/{name}", {"region": region or self.region, **fields})
        return answer

    def account(self, account: str, user: str = "operator", region: str | None = None) -> dict[str, Any]:
        """Make an IAM user with an access key in an account and return its credentials and ``arn``."""
        answer: dict[str, Any] = self.admin(
            "POST", f"accounts/{account}", {"user": user, "region": region or self.region}
        )
        return answer

    def fixtures(self, clusters: list[str] | None = None, region: str | None = None) -> dict[str, Any]:
        """Build a real account's resources and return their ids: see ``sandbox.aws.fixtures``."""
        data: dict[str, Any] = {"region": region or self.region}
        if clusters is not None:
            data["clusters"] = clusters
        answer: dict[str, Any] = self.admin("POST", "fixtures", data)
        return answer
