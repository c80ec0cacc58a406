# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The configuration files of a control plane: of kwokctl, with KWOK's stages, and of the API server."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sandbox import kwok_stages
from sandbox.binaries import kubernetes_version
from sandbox.kube_fixtures import SERVICE_CIDR
from sandbox.state import write_file


def write(files: Path, entry: dict[str, Any], binaries: Path, *, webhook: str, egress_socket: Path) -> Path:
    """Write them into a directory for the cluster of an entry of the state; return that of kwokctl.

    Args:
        webhook: URL that tells who a bearer token belongs to.
        egress_socket: of the egress proxy.
    """

    def file(name: str, content: dict[str, Any]) -> str:
        write_file(files / name, json.dumps(content, indent=2) + "\n")
        return str(files / name)

    tokens = file(
        "token-webhook.json",
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "aws", "cluster": {"server": webhook}}],
            "users": [{"name": "api-server", "user": {}}],
            "contexts": [{"name": "aws", "context": {"cluster": "aws", "user": "api-server"}}],
            "current-context": "aws",
        },
    )
    connection = {"proxyProtocol": "HTTPConnect", "transport": {"uds": {"udsName": str(egress_socket)}}}
    egress = file(
        "egress.json",
        {
            "apiVersion": "apiserver.k8s.io/v1beta1",
            "kind": "EgressSelectorConfiguration",
            "egressSelections": [{"name": "cluster", "connection": connection}],
        },
    )
    server = {
        "advertise-address": "10.0.255.10",
        **_audit(file, entry["audit_log"]),
        "authentication-token-webhook-config-file": tokens,
        "authentication-token-webhook-version": "v1",
        # Short, so that a changed access entry counts at once; not 0, so that a burst of calls asks once.
        "authentication-token-webhook-cache-ttl": "1s",
        "egress-selector-config-file": egress,
        # As on EKS: webhooks are dialled at their endpoints, so a Service without any is refused by name.
        "enable-aggregator-routing": "true",
        "service-account-issuer": entry["issuer"],
        "service-account-jwks-uri": f"{entry['issuer']}/keys",
        "api-audiences": "https://kubernetes.default.svc",
        "service-cluster-ip-range": SERVICE_CIDR,
        "v": "1",
    }
    # There is one of each: an election would only end them where a busy machine keeps them from renewing their lease.
    alone = {"leader-elect": "false", "v": "1"}
    patches = {
        "etcd": {"log-level": "warn", "unsafe-no-fsync": "true"},
        "kube-apiserver": server,
        "kube-controller-manager": alone | {"service-cluster-ip-range": SERVICE_CIDR},
        "kube-scheduler": alone,
    }
    ports = entry["ports"]
    options = {
        "runtime": "binary",
        "bindAddress": "127.0.0.1",
        "kubeVersion": kubernetes_version(),
        "etcdBinary": str(binaries / "etcd"),
        "kubeApiserverBinary": str(binaries / "kube-apiserver"),
        "kubeControllerManagerBinary": str(binaries / "kube-controller-manager"),
        "kubeSchedulerBinary": str(binaries / "kube-scheduler"),
        "kwokControllerBinary": str(binaries / "kwok"),
        "kubectlBinary": str(binaries / "kubectl"),
        "etcdPort": ports["etcd"],
        "etcdPeerPort": ports["etcd-peer"],
        "kubeApiserverPort": ports["kube-apiserver"],
        "kubeControllerManagerPort": ports["kube-controller-manager"],
        "kubeSchedulerPort": ports["kube-scheduler"],
        "kwokControllerPort": ports["kwok-controller"],
    }
    configuration = {
        "apiVersion": "config.kwok.x-k8s.io/v1alpha1",
        "kind": "KwokctlConfiguration",
        "options": options,
        "componentsPatches": [
            {
                "name": name,
                # A flag that is a list would otherwise get a second item beside kwokctl's own.
                "extraArgs": [
                    {"key": key, "value": value, "override": key == "service-account-issuer"}
                    for key, value in flags.items()
                ],
            }
            for name, flags in patches.items()
        ],
    }
    documents = (json.dumps(document, indent=2) for document in (configuration, *kwok_stages.stages()))
    path = files / "kwokctl.yaml"
    write_file(path, "\n---\n".join(documents) + "\n")
    return path


def _audit(file: Callable[[str, dict[str, Any]], str], log: str) -> dict[str, str]:
    """Return the flags of a log of requests: each is in it before it is answered.

    https://kubernetes.io/docs/tasks/debug/debug-cluster/audit/
    """
    policy = {
        "apiVersion": "audit.k8s.io/v1",
        "kind": "Policy",
        "omitStages": ["ResponseStarted", "ResponseComplete", "Panic"],
        "omitManagedFields": True,
        "rules": [
            # What the API server asks itself, and health checks, would be most of the log.
            {"level": "None", "nonResourceURLs": ["/healthz*", "/livez*", "/readyz*"]},
            {"level": "None", "users": ["system:apiserver"]},
            {"level": "Metadata"},
        ],
    }
    return {
        "audit-policy-file": file("audit-policy.json", policy),
        "audit-log-path": log,
        # MiB; with the one that is written to, this is all that it takes of the disk.
        "audit-log-maxsize": "16",
        "audit-log-maxbackup": "1",
    }
