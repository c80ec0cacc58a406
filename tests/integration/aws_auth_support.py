# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A ConfigMap aws-auth of a test's own, what others leave in it, and the module run against it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from copy import deepcopy
from functools import partial
from typing import Any

import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.ekspress.eks.plugins.module_utils._aws_auth import LOGIC, run
from ansible_collections.ekspress.eks.plugins.module_utils._aws_auth_api import Place
from ansible_collections.ekspress.eks.plugins.module_utils._context import Context, Logic
from ansible_collections.ekspress.eks.plugins.module_utils._kubernetes import Kubernetes
from ansible_collections.ekspress.eks.plugins.module_utils._runner import execute

from tests.sandbox_fixtures import RunningSandbox

ACCOUNT = "123456789012"
ENTRIES = "ekspress.eks/entries"
BACKUPS = "ekspress.eks/backup-of=aws-auth"

FOREIGN_ROLES = f"""\
# Managed node group "general": added by EKS.
- groups:
  - system:bootstrappers
  - system:nodes
  rolearn: arn:aws:iam::{ACCOUNT}:role/node
  username: system:node:{{{{EC2PrivateDNSName}}}}
- rolearn:  "arn:aws:iam::{ACCOUNT}:role/Spot"
  username: "system:node:{{{{EC2PrivateDNSName}}}}"   # quoted, on purpose
  groups: [ system:bootstrappers, system:nodes ]
  note: {{ kept: true }}
"""
FOREIGN_USERS = f"""\
- userarn: arn:aws:iam::{ACCOUNT}:user/break-glass
  username: break-glass
  groups:
    - system:masters
"""
FOREIGN = {"mapRoles": FOREIGN_ROLES, "mapUsers": FOREIGN_USERS, "README": "not ours\r\n"}


def arn(name: str, kind: str = "role") -> str:
    """The ARN of a role or user."""
    return f"arn:aws:iam::{ACCOUNT}:{kind}/{name}"


def entry(name: str, *groups: str, username: str = "", kind: str = "role") -> dict[str, Any]:
    """An entry as the module takes it."""
    return {"arn": arn(name, kind), "username": username or name, "groups": list(groups)}


def logic_at(place: Place) -> Logic:
    """The module's logic for another ConfigMap than EKS's."""
    return dataclasses.replace(LOGIC, run=partial(run, place=place))


@dataclasses.dataclass
class Outcome:
    """A run of the module: its result, the calls that it made, and its warnings."""

    result: dict[str, Any]
    calls: list[str]
    warnings: list[str]

    @property
    def message(self) -> str:
        """Why it failed."""
        assert self.result.get("failed"), self.result
        return str(self.result["msg"])

    @property
    def changes(self) -> list[str]:
        """What it changed; the run must not have failed."""
        assert not self.result.get("failed"), self.result
        assert self.result["changed"] == bool(self.result["changes"] or self.result["restored_from"])
        return list(self.result["changes"])

    @property
    def unchanged(self) -> bool:
        """Whether it succeeded and changed nothing."""
        return not self.result.get("failed") and not self.result["changed"] and not self.result["changes"]


@dataclasses.dataclass
class Mappings:
    """The ConfigMap aws-auth of a namespace of its own."""

    sandbox: RunningSandbox
    namespace: str

    @property
    def place(self) -> Place:
        """Where it is."""
        return Place(self.namespace, "aws-auth")

    @property
    def options(self) -> dict[str, Any]:
        """How the module reaches it: with the administrator's certificate, who is nobody to AWS."""
        return {"kubeconfig": self.sandbox.cluster()["kubeconfig"]}

    def run(self, *, check: bool = False, **options: Any) -> Outcome:
        """Run the module."""
        logic = logic_at(self.place)
        own = {} if "cluster" in options else self.options
        validated = ArgumentSpecValidator(logic.argument_spec(), **logic.constraints).validate(
            deepcopy({**own, **options})
        )
        assert not validated.error_messages
        context = Context(check_mode=check, diff_mode=True)
        result = execute(logic, validated.validated_parameters, context)
        calls = [
            call.removeprefix("kubernetes:").replace(self.path("", collection=True), "…") for call in context.actions
        ]
        return Outcome(result, calls, list(context.warnings))

    def path(self, name: str = "aws-auth", *, collection: bool = False) -> str:
        """The path of a ConfigMap, or of all."""
        base = f"/api/v1/namespaces/{self.namespace}/configmaps"
        return base if collection else f"{base}/{name}"

    def call(self, method: str, path: str, body: Any = None, kind: str = "application/json") -> tuple[int, Any]:
        """A call of somebody else."""
        kube = self.sandbox.kube()
        try:
            return kube.request(method, path, body, kind)
        finally:
            kube.close()

    def put(self, data: dict[str, str] | None = None, **more: Any) -> dict[str, Any]:
        """Make the ConfigMap as somebody else would; ``more`` are further keys of it, metadata included."""
        meta = {"name": "aws-auth", "namespace": self.namespace, **more.pop("metadata", {})}
        item = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": data or FOREIGN, **more}
        status, answer = self.call("POST", self.path(collection=True), item)
        assert status == 201, answer
        return dict(answer)

    def edit(self, data: dict[str, Any]) -> None:
        """Change texts as somebody else would."""
        status, answer = self.call("PATCH", self.path(), {"data": data}, "application/merge-patch+json")
        assert status == 200, answer

    def delete(self, name: str = "aws-auth") -> None:
        """Delete a ConfigMap."""
        assert self.call("DELETE", self.path(name))[0] == 200

    def live(self) -> dict[str, Any] | None:
        """The ConfigMap."""
        status, item = self.call("GET", self.path())
        return dict(item) if status == 200 else None

    @property
    def item(self) -> dict[str, Any]:
        """The ConfigMap, which must be there."""
        found = self.live()
        assert found is not None
        return found

    @property
    def data(self) -> dict[str, str]:
        """Its texts."""
        return dict(self.item.get("data") or {})

    @property
    def tracked(self) -> str:
        """What it says of the module's entries."""
        return str((self.item["metadata"].get("annotations") or {}).get(ENTRIES, ""))

    @property
    def version(self) -> str:
        """Its version, which each write changes."""
        return str(self.item["metadata"]["resourceVersion"])

    @property
    def backups(self) -> dict[str, dict[str, Any]]:
        """Its backups by name, the oldest version first."""
        found = self.call("GET", f"{self.path(collection=True)}?labelSelector={BACKUPS.replace('=', '%3D')}")[1]
        named = {item["metadata"]["name"]: item for item in found["items"]}
        return {name: named[name] for name in sorted(named, key=lambda name: int(name.rpartition("-")[2]))}

    def mapped(self) -> dict[str, tuple[str, frozenset[str]]]:
        """Username and groups of each ARN and account, as the last entry of each says."""
        return mapped(self.data)


def mapped(data: dict[str, str]) -> dict[str, tuple[str, frozenset[str]]]:
    """What texts map, read by another way than the module's; they must be lists of entries."""
    found = {}
    for key, field in (("mapRoles", "rolearn"), ("mapUsers", "userarn")):
        for item in yaml.safe_load(data.get(key, "[]")) or []:
            found[item[field]] = (item["username"], frozenset(item["groups"]))
    for account in yaml.safe_load(data.get("mapAccounts", "[]")) or []:
        assert isinstance(account, str)
        found[account] = ("", frozenset())
    return found


def meddle(
    patch: pytest.MonkeyPatch, method: str, action: Callable[[], Any], *, times: int = 1, dry_run: bool = False
) -> list[str]:
    """Let somebody else act just before calls of a method to ConfigMaps are sent; gives the paths of those calls."""
    real = Kubernetes.request
    met: list[str] = []

    def request(self: Kubernetes, verb: str, path: str, **more: Any) -> dict[str, Any]:
        if verb == method and "/configmaps" in path and more.get("dry_run", False) == dry_run and len(met) < times:
            met.append(path)
            action()
        return real(self, verb, path, **more)

    patch.setattr(Kubernetes, "request", request)
    return met
