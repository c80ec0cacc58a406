# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A container's volumes in a private directory, and tokens that are renewed as a kubelet renews them.

No mount namespace is needed (few machines allow one without root): wherever the container's arguments and variables
name a path below a mount, they get the path of the private directory.
https://kubernetes.io/docs/concepts/storage/projected-volumes/
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sandbox.kube_client import KubeClient
from sandbox.pods.programs import CannotRun
from sandbox.pods.values import Source, resource
from sandbox.pods.values import field as field_of
from sandbox.state import write_file

Json = dict[str, Any]

_RENEWED_AFTER = 0.8
"""Part of a token's life after which it is renewed."""
_RETRY_SECONDS = 5.0


@dataclass
class Token:
    """A token of a service account in a file; `due` is when it is to be requested (monotonic seconds)."""

    path: Path
    audience: str | None
    seconds: int
    due: float = 0.0


@dataclass
class Volumes:
    """What is mounted where, and which of it must be renewed."""

    mounts: dict[str, Path] = field(default_factory=dict)
    tokens: list[Token] = field(default_factory=list)

    def here(self, text: str) -> str:
        """Return a text in which paths below mounts are those of the private directories."""
        for path in sorted(self.mounts, key=len, reverse=True):
            # Not inside of a longer name or path.
            below = re.compile(rf"(?<![\w./-]){re.escape(path)}(?![\w.-])")
            text = below.sub(str(self.mounts[path]).replace("\\", r"\\"), text)
        return text

    def next_due(self) -> float:
        """Return when the next token must be renewed (monotonic seconds)."""
        return min((token.due for token in self.tokens), default=float("inf"))

    def renew(self, client: KubeClient, pod: Json, *, must: bool) -> None:
        """Request the tokens that are due, bound to the pod; failures are tried again later unless they must not be."""
        for token in self.tokens:
            if token.due > time.monotonic():
                continue
            problem = _request(client, pod, token)
            if problem and must:
                raise CannotRun("CreateContainerConfigError", f"no service account token: {problem}")
            if problem:
                token.due = time.monotonic() + _RETRY_SECONDS


def _request(client: KubeClient, pod: Json, token: Token) -> str | None:
    """Write a new token; return what is wrong where there is none.

    https://kubernetes.io/docs/reference/kubernetes-api/authentication-resources/token-request-v1/
    """
    meta = pod["metadata"]
    account = pod["spec"].get("serviceAccountName", "default")
    bound = {"apiVersion": "v1", "kind": "Pod", "name": meta["name"], "uid": meta["uid"]}
    spec: Json = {"expirationSeconds": token.seconds, "boundObjectRef": bound}
    if token.audience:
        spec["audiences"] = [token.audience]
    path = f"/api/v1/namespaces/{meta['namespace']}/serviceaccounts/{quote(account)}/token"
    body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": spec}
    try:
        status, answer = client.request("POST", path, body)
    except OSError as error:
        return str(error)
    if status != 201:
        return str(answer.get("message", answer) if isinstance(answer, dict) else answer)
    token.due = time.monotonic() + int(answer["spec"]["expirationSeconds"]) * _RENEWED_AFTER
    write_file(token.path, answer["status"]["token"])
    return None


def make(source: Source, pod: Json, container: Json, directory: Path) -> Volumes:
    """Fill the volumes that a container mounts, below a directory."""
    volumes = Volumes()
    by_name = {item["name"]: item for item in pod["spec"].get("volumes", [])}
    node = source.client.get(f"/api/v1/nodes/{quote(pod['spec'].get('nodeName', ''))}") or {}
    allocatable = node.get("status", {}).get("allocatable", {})
    for mount in container.get("volumeMounts", []):
        folder = directory / mount["name"]
        if not folder.exists():
            folder.mkdir(parents=True, mode=0o700)
            filler = _Filler(source, pod, container, allocatable, folder, volumes.tokens)
            filler.fill(by_name.get(mount["name"], {}))
        below = folder / mount["subPath"] if mount.get("subPath") else folder
        volumes.mounts[mount["mountPath"].rstrip("/") or "/"] = below
    return volumes


@dataclass
class _Filler:
    source: Source
    pod: Json
    container: Json
    allocatable: Mapping[str, str]
    folder: Path
    tokens: list[Token]

    def fill(self, volume: Json) -> None:
        """Fill one volume; kinds that hold no objects of the API (emptyDir, hostPath, claims …) are empty."""
        if "configMap" in volume:
            self._entries("configmaps", volume["configMap"]["name"], volume["configMap"])
        if "secret" in volume:
            self._entries("secrets", volume["secret"]["secretName"], volume["secret"])
        if "downwardAPI" in volume:
            self._fields(volume["downwardAPI"])
        for part in volume.get("projected", {}).get("sources", []):
            if "configMap" in part:
                self._entries("configmaps", part["configMap"]["name"], part["configMap"])
            if "secret" in part:
                self._entries("secrets", part["secret"]["name"], part["secret"])
            if "downwardAPI" in part:
                self._fields(part["downwardAPI"])
            if "serviceAccountToken" in part:
                wanted = part["serviceAccountToken"]
                seconds = int(wanted.get("expirationSeconds", 3600))
                self.tokens.append(Token(self.folder / wanted["path"], wanted.get("audience"), seconds))

    def _entries(self, kind: str, name: str, wanted: Json) -> None:
        optional = bool(wanted.get("optional"))
        data = self.source.data(kind, name, optional)
        items = {item["key"]: item["path"] for item in wanted.get("items", [])} or {key: key for key in data}
        for key, path in items.items():
            if key in data:
                self._write(path, data[key])
            elif not optional:
                raise CannotRun("CreateContainerConfigError", f"references non-existent config key: {key} ({name})")

    def _fields(self, wanted: Json) -> None:
        for item in wanted.get("items", []):
            if "fieldRef" in item:
                text = field_of(self.pod, item["fieldRef"]["fieldPath"])
            else:
                text = resource(self.container, item["resourceFieldRef"], self.allocatable)
            self._write(item["path"], text.encode())

    def _write(self, path: str, content: bytes) -> None:
        target = self.folder / path
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        target.write_bytes(content)
        target.chmod(0o600)
