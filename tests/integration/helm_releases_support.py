# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Small charts, and a namespace of a real cluster to install them in."""

from __future__ import annotations

import fcntl
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.ekspress.eks.plugins.module_utils._context import Context
from ansible_collections.ekspress.eks.plugins.module_utils._helm_releases import LOGIC
from ansible_collections.ekspress.eks.plugins.module_utils._runner import execute

from sandbox.kube_client import KubeClient
from sandbox.lifecycle import DEFAULT_CLUSTER
from tests.sandbox_fixtures import RunningSandbox

RBAC = "rbac.authorization.k8s.io"

NOWHERE = "/nowhere/helm"
"""A helm that cannot be started, where none must be."""

CONFIG_MAP = """\
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ .Release.Name }}
data:
  values: {{ toJson .Values | quote }}
"""

DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ .Release.Name }}
spec:
  replicas: {{ .Values.replicas }}
  selector:
    matchLabels: {app: "{{ .Release.Name }}"}
  template:
    metadata:
      labels: {app: "{{ .Release.Name }}"}
    spec:
      nodeSelector: {{ toJson .Values.nodeSelector }}
      containers:
        - name: main
          image: registry.example/main:1
"""

ENDLESS_HOOK = """\
apiVersion: v1
kind: Pod
metadata:
  name: {{ .Release.Name }}-hook
  annotations:
    helm.sh/hook: pre-install,pre-upgrade
    helm.sh/hook-delete-policy: before-hook-creation
spec:
  nodeSelector: {nowhere: "true"}
  restartPolicy: Never
  containers:
    - name: main
      image: registry.example/hook:1
"""


def write_chart(directory: Path, *templates: str, version: str = "1.0.0", values: str = "") -> str:
    """Write a chart, named as its directory, and return its path."""
    (directory / "templates").mkdir(parents=True, exist_ok=True)
    (directory / "Chart.yaml").write_text(f"apiVersion: v2\nname: {directory.name}\nversion: {version}\n")
    (directory / "values.yaml").write_text(values)
    for number, template in enumerate(templates):
        (directory / "templates" / f"{number}.yaml").write_text(template)
    return str(directory)


@contextmanager
def turn(sandbox: RunningSandbox, name: str, mode: int) -> Iterator[None]:
    """Take turns with tests in other workers of pytest-xdist: fcntl.LOCK_EX alone, LOCK_SH with others of that mode."""
    with (sandbox.directory / f"{name}.lock").open("w", encoding="ascii") as lock:
        fcntl.flock(lock, mode)
        yield


@dataclass
class Run:
    """A run of the module: its result and the calls that it made."""

    result: dict[str, Any]
    calls: list[str]
    warnings: list[str]

    @property
    def states(self) -> dict[str, str]:
        """The state of each release by its name."""
        return {release["name"]: release["state"] for release in self.result.get("releases", [])}

    @property
    def helm(self) -> list[str]:
        """What helm was called for."""
        return [call.removeprefix("helm:") for call in self.calls if call.startswith("helm:")]


@dataclass
class Ground:
    """A namespace of its own, and the module run against it."""

    kube: KubeClient
    namespace: str
    options: dict[str, Any]
    context: Context = field(default_factory=Context)

    def release(self, name: str, chart: str, **more: Any) -> dict[str, Any]:
        """A release of the namespace."""
        return {"name": name, "namespace": self.namespace, "chart": chart, "timeout": 300, **more}

    def run(self, *releases: dict[str, Any], check: bool = False, **options: Any) -> Run:
        """Run the module with releases."""
        params = {**self.options, "releases": list(releases), **options}
        validated = ArgumentSpecValidator(LOGIC.argument_spec(), **LOGIC.constraints).validate(params)
        assert not validated.error_messages
        self.context = Context(check_mode=check, diff_mode=True)
        result = execute(LOGIC, validated.validated_parameters, self.context)
        return Run(result, list(self.context.actions), list(self.context.warnings))

    def path(self, plural: str, name: str = "", group: str = "/api/v1") -> str:
        """The path of objects in the namespace."""
        return f"{group}/namespaces/{self.namespace}/{plural}{'/' if name else ''}{name}"

    @contextmanager
    def allowed(self, *rules: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """The option of a user who may do this and nothing else."""
        base = {"apiVersion": f"{RBAC}/v1", "metadata": {"name": self.namespace}}
        role = {"apiGroup": RBAC, "kind": "ClusterRole", "name": self.namespace}
        subjects = [{"apiGroup": RBAC, "kind": "User", "name": self.namespace}]
        self.kube.apply({**base, "kind": "ClusterRole", "rules": list(rules)}, "tests")
        self.kube.apply({**base, "kind": "ClusterRoleBinding", "roleRef": role, "subjects": subjects}, "tests")
        try:
            yield {"impersonate_user": self.namespace}
        finally:
            for plural in ("clusterrolebindings", "clusterroles"):
                self.kube.request("DELETE", f"/apis/{RBAC}/v1/{plural}/{self.namespace}")

    def revisions(self, name: str) -> dict[int, str]:
        """Helm's status of each revision of a release."""
        path = self.path("secrets") + f"?labelSelector=owner%3Dhelm%2Cname%3D{name}"
        labels = [secret["metadata"]["labels"] for secret in self.kube.get(path)["items"]]
        return {int(label["version"]): label["status"] for label in labels}

    def objects(self) -> dict[str, str]:
        """Versions of all Secrets and ConfigMaps of the namespace, which show whether anything was written.

        Without the ConfigMap that the controller manager puts into a new namespace at a time of its own.
        """
        found = {}
        for plural in ("secrets", "configmaps"):
            for item in self.kube.get(self.path(plural))["items"]:
                found[f"{plural}/{item['metadata']['name']}"] = item["metadata"]["resourceVersion"]
        found.pop("configmaps/kube-root-ca.crt", None)
        return found


@contextmanager
def namespace(sandbox: RunningSandbox, helm_program: str, cluster: str = DEFAULT_CLUSTER) -> Iterator[Ground]:
    """A namespace that is gone afterwards."""
    name = f"helm-{uuid.uuid4().hex[:8]}"
    kube = sandbox.kube(cluster)
    kube.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}, "tests")
    yield Ground(kube, name, {"kubeconfig": sandbox.cluster(cluster)["kubeconfig"], "helm_binary": helm_program})
    kube.close()
    # A new connection: the API server may have closed the old one while the test waited for something else.
    last = sandbox.kube(cluster)
    assert last.request("DELETE", f"/api/v1/namespaces/{name}")[0] == 200
    last.close()
