# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""URL paths of Kubernetes objects: known kinds without a call, others by discovery."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from ansible_collections.ekspress.eks.plugins.module_utils._errors import EksError

KNOWN: dict[tuple[str, str], tuple[str, bool]] = {
    ("v1", "ConfigMap"): ("configmaps", True),
    ("v1", "Event"): ("events", True),
    ("v1", "Namespace"): ("namespaces", False),
    ("v1", "Node"): ("nodes", False),
    ("v1", "Pod"): ("pods", True),
    ("v1", "Secret"): ("secrets", True),
    ("v1", "Service"): ("services", True),
    ("v1", "ServiceAccount"): ("serviceaccounts", True),
    ("apps/v1", "ControllerRevision"): ("controllerrevisions", True),
    ("apps/v1", "DaemonSet"): ("daemonsets", True),
    ("apps/v1", "Deployment"): ("deployments", True),
    ("apps/v1", "ReplicaSet"): ("replicasets", True),
    ("apps/v1", "StatefulSet"): ("statefulsets", True),
    ("batch/v1", "Job"): ("jobs", True),
    ("discovery.k8s.io/v1", "EndpointSlice"): ("endpointslices", True),
    ("networking.k8s.io/v1", "Ingress"): ("ingresses", True),
    ("networking.k8s.io/v1", "IngressClass"): ("ingressclasses", False),
    ("rbac.authorization.k8s.io/v1", "ClusterRole"): ("clusterroles", False),
    ("rbac.authorization.k8s.io/v1", "ClusterRoleBinding"): ("clusterrolebindings", False),
    ("rbac.authorization.k8s.io/v1", "Role"): ("roles", True),
    ("rbac.authorization.k8s.io/v1", "RoleBinding"): ("rolebindings", True),
    ("apiextensions.k8s.io/v1", "CustomResourceDefinition"): ("customresourcedefinitions", False),
    ("apiregistration.k8s.io/v1", "APIService"): ("apiservices", False),
    ("admissionregistration.k8s.io/v1", "MutatingWebhookConfiguration"): ("mutatingwebhookconfigurations", False),
    ("admissionregistration.k8s.io/v1", "ValidatingWebhookConfiguration"): ("validatingwebhookconfigurations", False),
    ("coordination.k8s.io/v1", "Lease"): ("leases", True),
}
"""(apiVersion, kind) to the plural's name and whether it lives in a namespace."""


def root(api_version: str) -> str:
    """The path of an API version: /api/v1, /apis/apps/v1."""
    return f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"


class Paths:
    """Paths in one cluster; ``read`` gives the APIResourceList at a path, or None where the API version is unknown."""

    def __init__(self, read: Callable[[str], dict[str, Any] | None]) -> None:
        self._read = read
        self._kinds = dict(KNOWN)

    def namespaced(self, api_version: str, kind: str) -> bool:
        """Whether objects of a kind live in namespaces."""
        return self._lookup(api_version, kind)[1]

    def collection(self, api_version: str, kind: str, namespace: str | None = None) -> str:
        """The path of all objects of a kind; of one namespace where given and the kind has them."""
        plural, namespaced = self._lookup(api_version, kind)
        where = f"/namespaces/{quote(namespace, safe='')}" if namespaced and namespace else ""
        return f"{root(api_version)}{where}/{plural}"

    def object(self, api_version: str, kind: str, name: str, namespace: str | None = None) -> str:
        """The path of one object."""
        if self.namespaced(api_version, kind) and not namespace:
            raise EksError(f"{kind} {name!r} needs a namespace.")
        return f"{self.collection(api_version, kind, namespace)}/{quote(name, safe='')}"

    def _lookup(self, api_version: str, kind: str) -> tuple[str, bool]:
        if (api_version, kind) not in self._kinds:
            found = self._read(root(api_version)) or {}
            for item in found.get("resources", []):
                if "/" not in item["name"]:
                    self._kinds[(api_version, item["kind"])] = (item["name"], bool(item["namespaced"]))
        if (api_version, kind) not in self._kinds:
            raise UnknownKindError(
                f"The cluster has no kind {kind!r} in {api_version}: install what defines it (a CRD) before."
            )
        return self._kinds[(api_version, kind)]


class UnknownKindError(EksError):
    """The cluster does not serve a kind (yet)."""
