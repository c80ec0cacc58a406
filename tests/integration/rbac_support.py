# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Groups and namespaces of a test's own, and rbac_groups run for them."""

from __future__ import annotations

import json
from collections import Counter
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.ekspress.eks.plugins.module_utils._context import Context
from ansible_collections.ekspress.eks.plugins.module_utils._rbac_groups import LOGIC
from ansible_collections.ekspress.eks.plugins.module_utils._runner import execute

from tests.sandbox_fixtures import RunningSandbox
from tests.support import wait_until

RBAC = "/apis/rbac.authorization.k8s.io/v1"
REVIEWS = "/apis/authorization.k8s.io/v1/subjectaccessreviews"
READ_PODS = {"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}
KINDS = ("clusterroles", "clusterrolebindings", "rolebindings")


@dataclass
class Outcome:
    """A run of the module: its result, the calls that it made, and its warnings."""

    result: dict[str, Any]
    calls: list[str]
    warnings: list[str]

    @property
    def message(self) -> str:
        """Why it failed."""
        assert self.result.get("failed"), self.result
        assert not self.result["changed"]
        return str(self.result["msg"])

    @property
    def changes(self) -> list[str]:
        """What it changed; the run must not have failed."""
        assert not self.result.get("failed"), self.result
        assert self.result["changed"] == bool(self.result["changes"])
        assert len(self.result["diff"]) == len(self.result["changes"])
        return list(self.result["changes"])


@dataclass
class Groups:
    """Groups whose names begin with a prefix of the test's own."""

    sandbox: RunningSandbox
    prefix: str
    namespaces: list[str] = field(default_factory=list)

    def run(self, *groups: dict[str, Any], check: bool = False, **options: Any) -> Outcome:
        """Run the module; groups are given without the prefix, and get only the test's own namespaces by default."""
        own = [{**self._narrow(group, options), "name": self.name(group["name"])} for group in groups]
        given = {"kubeconfig": self.sandbox.cluster()["kubeconfig"], "groups": own, **options}
        validated = ArgumentSpecValidator(LOGIC.argument_spec(), **LOGIC.constraints).validate(deepcopy(given))
        assert not validated.error_messages
        context = Context(check_mode=check, diff_mode=True)
        result = execute(LOGIC, validated.validated_parameters, context)
        calls = [call.removeprefix("kubernetes:") for call in context.actions]
        return Outcome(result, calls, list(context.warnings))

    def _narrow(self, group: dict[str, Any], options: dict[str, Any]) -> dict[str, Any]:
        if group.get("scope") == "cluster" or "namespaces" in group or options.get("state") == "absent":
            return group
        return {"namespaces": [f"{self.prefix}*"], **group}

    def name(self, group: str) -> str:
        """The name of a group as the cluster knows it."""
        return f"{self.prefix}{group}"

    def call(self, method: str, path: str, body: Any = None, kind: str = "application/json") -> tuple[int, Any]:
        """A call of somebody else."""
        kube = self.sandbox.kube()
        try:
            return kube.request(method, path, body, kind)
        finally:
            kube.close()

    def namespace(self, name: str = "", **meta: Any) -> str:
        """Make a namespace."""
        made = f"{self.prefix}{name}"
        assert self.call("POST", "/api/v1/namespaces", {"metadata": {"name": made, **meta}})[0] == 201
        self.namespaces.append(made)
        return made

    def objects(self) -> dict[str, dict[str, Any]]:
        """The test's objects of RBAC by kind, namespace and name."""
        found = {}
        for kind in KINDS:
            for item in self.call("GET", f"{RBAC}/{kind}")[1]["items"]:
                if self.prefix in item["metadata"]["name"]:
                    key = "/".join(
                        filter(None, (kind, item["metadata"].get("namespace", ""), item["metadata"]["name"]))
                    )
                    found[key.replace(self.prefix, "")] = item
        return found

    def may(self, group: str, verb: str = "get", resource: str = "pods", namespace: str = "") -> bool:
        """Whether a member of a group may do something, as the API server decides it."""
        attributes = {"verb": verb, "resource": resource, "namespace": namespace}
        spec = {"user": "somebody", "groups": [self.name(group)], "resourceAttributes": attributes}
        status, answer = self.call("POST", REVIEWS, {"spec": spec})
        assert status == 201, answer
        return bool(answer["status"]["allowed"])

    def comes_to(self, allowed: bool, group: str, **what: str) -> None:
        """Wait until the API server decides so, as its authorizer follows what is written."""
        wait_until(lambda: self.may(group, **what) == allowed)

    def clean(self) -> None:
        """Remove all that the test left."""
        for key, item in self.objects().items():
            kind, name = key.split("/")[0], item["metadata"]["name"]
            namespace = item["metadata"].get("namespace")
            where = f"{RBAC}/namespaces/{namespace}" if namespace else RBAC
            self.call("DELETE", f"{where}/{kind}/{name}")
        for namespace in self.namespaces:
            self.call("DELETE", f"/api/v1/namespaces/{namespace}")


def audited(sandbox: RunningSandbox, agent: str) -> Counter[tuple[str, str]]:
    """Verb and path of the requests of a program that the API server has logged."""
    logs = Path(sandbox.cluster()["audit_log"]).parent.glob("audit*.log")
    records = [json.loads(line) for log in logs for line in log.read_text(encoding="utf-8").splitlines()]
    return Counter(
        (record["verb"], record["requestURI"].partition("?")[0])
        for record in records
        if record.get("userAgent") == agent
    )
