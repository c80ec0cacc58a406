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

# Flags that kwokctl sets too: as lists, they would get ours as further items.
_REPLACED = frozenset({"authorization-mode", "service-account-issuer"})


def write(
    files: Path, entry: dict[str, Any], binaries: Path, *, authentication: Path, authorization: str, egress_socket: Path
) -> Path:
    """Write them into a directory for the cluster of an entry of the state; return that of kwokctl.

    Args:
        files: the directory.
        entry: of the state.
        binaries: directory of the programs.
        authentication: file that says how to ask who a bearer token belongs to.
        authorization: URL that tells what somebody may do whom RBAC does not let.
        egress_socket: of the egress proxy.
    """

    def file(name: str, content: dict[str, Any]) -> str:
        write_file(files / name, json.dumps(content, indent=2) + "\n")
        return str(files / name)

    authorizer = file(
        "authorization-webhook.json",
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "eks", "cluster": {"server": authorization}}],
            "users": [{"name": "api-server", "user": {}}],
            "contexts": [{"name": "eks", "context": {"cluster": "eks", "user": "api-server"}}],
            "current-context": "eks",
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
        "authentication-token-webhook-config-file": str(authentication),
        "authentication-token-webhook-version": "v1beta1",
        # Short, so that a changed access entry counts at once; not 0, so that a burst of calls asks once.
        "authentication-token-webhook-cache-ttl": "1s",
        # As on EKS, where access policies count beside what RBAC allows. Without an answer nothing is allowed.
        "authorization-mode": "Node,RBAC,Webhook",
        "authorization-webhook-config-file": authorizer,
        "authorization-webhook-version": "v1",
        "authorization-webhook-cache-authorized-ttl": "1s",
        "authorization-webhook-cache-unauthorized-ttl": "1s",
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
                "extraArgs": [
                    {"key": key, "value": value, "override": key in _REPLACED} for key, value in flags.items()
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
