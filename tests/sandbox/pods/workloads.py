# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Workloads as charts bring them, in a namespace, and what their pods and processes do."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from sandbox import process
from sandbox.lifecycle import DEFAULT_CLUSTER
from sandbox.pods import addresses
from tests.sandbox_fixtures import RunningSandbox
from tests.support import wait_until

Json = dict[str, Any]

TRAEFIK = "docker.io/traefik:v3.6.15"
EXTERNAL_DNS = "registry.k8s.io/external-dns/external-dns:v0.21.0"
BALANCER = "platform-1234567890.eu-central-1.elb.amazonaws.com"
TRAEFIK_PORTS = {"web": 8000, "traefik": 8080}
PING = {"httpGet": {"path": "/ping", "port": "traefik"}, "periodSeconds": 10, "failureThreshold": 3}


def traefik_arguments(ingress_class: str, *more: str, balancer: str = BALANCER) -> list[str]:
    """Return arguments as Traefik's chart gives them, with the name of the load balancer in front of it."""
    return [
        "--entryPoints.web.address=:8000/tcp",
        "--entryPoints.traefik.address=:8080/tcp",
        "--entryPoints.web.forwardedHeaders.trustedIPs=10.64.0.0/16",
        "--ping=true",
        "--global.checkNewVersion=true",
        "--providers.kubernetesIngress",
        f"--providers.kubernetesIngress.ingressClass={ingress_class}",
        f"--providers.kubernetesIngress.ingressEndpoint.hostname={balancer}",
        *more,
    ]


def answer_of(
    port: int, path: str, host: str = "localhost", *, source: str = "127.0.0.1", **headers: str
) -> tuple[int, str]:
    """Return the status and the body that a local port answers a GET with, sent from a loopback address."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60, source_address=(source, 0))
    try:
        connection.request("GET", path, headers={"Host": host, **headers})
        found = connection.getresponse()
        return found.status, found.read().decode()
    finally:
        connection.close()


class Namespace:
    """A namespace of a cluster."""

    def __init__(self, sandbox: RunningSandbox, name: str, cluster: str = DEFAULT_CLUSTER) -> None:
        self.sandbox = sandbox
        self.name = name
        self.cluster = cluster
        self.kube = sandbox.kube(cluster)

    def apply(self, version: str, kind: str, name: str, **fields: Any) -> None:
        """Apply an object; `meta` adds to its metadata."""
        meta = {"name": name, "namespace": self.name, **fields.pop("meta", {})}
        if kind in ("Namespace", "ClusterRole", "ClusterRoleBinding", "IngressClass"):
            del meta["namespace"]
        self.kube.apply({"apiVersion": version, "kind": kind, "metadata": meta, **fields}, "test")

    def account(self, name: str, rules: list[Json], **annotations: str) -> None:
        """Make a service account with rules that hold in the whole cluster."""
        whole = f"{self.name}-{name}"
        group = "rbac.authorization.k8s.io"
        self.apply("v1", "ServiceAccount", name, meta={"annotations": annotations})
        self.apply(f"{group}/v1", "ClusterRole", whole, rules=rules)
        role = {"apiGroup": group, "kind": "ClusterRole", "name": whole}
        subject = {"kind": "ServiceAccount", "name": name, "namespace": self.name}
        self.apply(f"{group}/v1", "ClusterRoleBinding", whole, roleRef=role, subjects=[subject])

    def deploy(
        self,
        name: str,
        image: str,
        ports: dict[str, int],
        *,
        replicas: int = 1,
        pod: Json | None = None,
        **container: Any,
    ) -> None:
        """Make a Deployment of one container, and a Service with its ports."""
        listed = [{"name": key, "containerPort": port} for key, port in ports.items()]
        spec = {"containers": [{"name": name, "image": image, "ports": listed, **container}], **(pod or {})}
        template = {"metadata": {"labels": {"app": name}}, "spec": spec}
        selector = {"matchLabels": {"app": name}}
        self.apply(
            "apps/v1", "Deployment", name, spec={"replicas": replicas, "selector": selector, "template": template}
        )
        self.service(name, ports)

    def service(self, name: str, ports: dict[str, int]) -> None:
        """Make the Service of a Deployment."""
        listed = [{"name": key, "port": port, "targetPort": key} for key, port in ports.items()]
        self.apply("v1", "Service", name, spec={"selector": {"app": name}, "ports": listed})

    def traefik(self, name: str, *more: str, replicas: int = 1, balancer: str = BALANCER, **pod: Any) -> None:
        """Make a Traefik with an IngressClass of its own, named after the namespace and it."""
        whole = f"{self.name}-{name}"
        read = ["get", "list", "watch"]
        rules = [
            {"apiGroups": [""], "resources": ["services", "secrets", "nodes", "namespaces"], "verbs": read},
            {"apiGroups": ["discovery.k8s.io"], "resources": ["endpointslices"], "verbs": read},
            {"apiGroups": ["networking.k8s.io"], "resources": ["ingresses", "ingressclasses"], "verbs": read},
            {"apiGroups": ["networking.k8s.io"], "resources": ["ingresses/status"], "verbs": ["update"]},
        ]
        self.account(name, rules)
        self.apply("networking.k8s.io/v1", "IngressClass", whole, spec={"controller": "traefik.io/ingress-controller"})
        self.deploy(
            name,
            TRAEFIK,
            TRAEFIK_PORTS,
            replicas=replicas,
            pod={"serviceAccountName": name, **pod},
            args=traefik_arguments(whole, *more, balancer=balancer),
            readinessProbe=PING,
            livenessProbe=PING,
        )

    def ingress(self, name: str, host: str, ingress_class: str, **annotations: str) -> None:
        """Make an Ingress for the Service of the same name, port http."""
        backend = {"service": {"name": name, "port": {"name": "http"}}}
        rule = {"host": host, "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": backend}]}}
        spec = {"ingressClassName": ingress_class, "rules": [rule]}
        self.apply("networking.k8s.io/v1", "Ingress", name, spec=spec, meta={"annotations": annotations})

    def balancers(self, ingress: str) -> list[str]:
        """Return the hostnames that the status of an Ingress has."""
        item = self.kube.get(f"/apis/networking.k8s.io/v1/namespaces/{self.name}/ingresses/{ingress}")
        return [entry["hostname"] for entry in item["status"].get("loadBalancer", {}).get("ingress") or ()]

    def scale(self, name: str, replicas: int) -> None:
        """Change the number of a Deployment's pods."""
        path = f"/apis/apps/v1/namespaces/{self.name}/deployments/{name}/scale"
        body = {"spec": {"replicas": replicas}}
        assert self.kube.request("PATCH", path, body, "application/merge-patch+json")[0] == 200

    def pods(self, app: str) -> list[Json]:
        """Return the pods of a workload, those that end too, oldest first."""
        items: list[Json] = self.kube.get(f"/api/v1/namespaces/{self.name}/pods?labelSelector=app%3D{app}")["items"]
        return sorted(items, key=lambda pod: (pod["metadata"]["creationTimestamp"], pod["metadata"]["name"]))

    def ready(self, app: str, count: int = 1) -> list[Json]:
        """Wait until a number of pods, and no others, are ready, and return them."""

        def found() -> list[Json] | None:
            pods = self.pods(app)
            return pods if len(pods) == count and all(is_ready(pod) for pod in pods) else None

        pods: list[Json] = wait_until(found, f"{count} ready pods of {app}")
        return pods

    def delete(self, pod: Json, **options: Any) -> None:
        """Delete a pod."""
        path = f"/api/v1/namespaces/{self.name}/pods/{pod['metadata']['name']}"
        assert self.kube.request("DELETE", path, options)[0] == 200

    def entries(self) -> dict[str, Json]:
        """Return what the sandbox says of the namespace's pods that run, by name."""
        found = addresses.read(Path(self.sandbox.cluster(self.cluster)["pods_file"]))
        return {key.split("/")[1]: entry for key, entry in found.items() if key.split("/")[0] == self.name}

    def processes(self) -> dict[str, process.Identity]:
        """Return the processes of the namespace's pods, by pod."""
        return {name: entry["process"] for name, entry in self.entries().items() if entry["process"]}

    @staticmethod
    def alive(processes: dict[str, process.Identity] | Iterable[process.Identity]) -> list[process.Identity]:
        """Return those of some processes that still run."""
        values = processes.values() if isinstance(processes, dict) else processes
        return [item for item in values if process.alive(item)]

    def port(self, service: str, name: str) -> int:
        """Wait for the local port behind a Service's port."""

        def there() -> int | None:
            return self.sandbox.service_port(self.name, service, name, cluster=self.cluster)

        found: int = wait_until(there, f"{service}, port {name}")
        return found

    def remove(self) -> None:
        """Delete the namespace and what its workloads had outside of it."""
        for group, kind in (("rbac.authorization.k8s.io", "clusterroles"),
                            ("rbac.authorization.k8s.io", "clusterrolebindings"),
                            ("networking.k8s.io", "ingressclasses")):  # fmt: skip
            for item in self.kube.get(f"/apis/{group}/v1/{kind}")["items"]:
                if item["metadata"]["name"].startswith(f"{self.name}-"):
                    self.kube.request("DELETE", f"/apis/{group}/v1/{kind}/{item['metadata']['name']}")
        assert self.kube.request("DELETE", f"/api/v1/namespaces/{self.name}")[0] == 200
        wait_until(lambda: self.kube.get(f"/api/v1/namespaces/{self.name}") is None, f"the end of {self.name}")

    def close(self) -> None:
        """Close the connection."""
        self.kube.close()


def is_ready(pod: Json) -> bool:
    """Tell whether a pod is ready."""
    conditions = pod["status"].get("conditions", [])
    return any(item["type"] == "Ready" and item["status"] == "True" for item in conditions)


def state_of(pod: Json) -> Json:
    """Return the status of a pod's container, empty where it has none yet."""
    return next(iter(pod["status"].get("containerStatuses", [])), {})


def told(text: str) -> Json:
    """Return what a played pod was asked."""
    found: Json = json.loads(text)
    return found
