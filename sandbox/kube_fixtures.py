# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a new EKS cluster already holds: nodes of a managed node group, system workloads, aws-auth, a StorageClass."""

from __future__ import annotations

import hashlib
from typing import Any

ACCOUNT = "123456789012"
ZONES = ("a", "b", "c")
# The API server's own address of the service range is its first one, the cluster DNS' the tenth:
# https://docs.aws.amazon.com/eks/latest/APIReference/API_KubernetesNetworkConfigRequest.html
# (172.20.0.0/16 is what EKS takes where the VPC lies in 10.0.0.0/8).
SERVICE_CIDR = "172.20.0.0/16"
CLUSTER_DNS = "172.20.0.10"

Item = dict[str, Any]


def objects(cluster: str, region: str, version: str) -> list[Item]:
    """Return the objects of a new cluster of a region, with kubelets of a version (as v1.36.3)."""
    nodes = [_node(cluster, region, version, number) for number in range(len(ZONES))]
    return [
        *nodes,
        *[_namespace(name) for name in ("monitoring", "team-orders")],
        _aws_auth(cluster),
        _storage_class(),
        *_dns(region),
        *[_daemon_set(name, region) for name in ("aws-node", "kube-proxy")],
    ]


def node_name(region: str, number: int) -> str:
    """Return the private DNS name that EC2 gives the instance of a node."""
    suffix = "ec2.internal" if region == "us-east-1" else f"{region}.compute.internal"
    return f"ip-{_node_address(number).replace('.', '-')}.{suffix}"


def _node_address(number: int) -> str:
    return f"10.0.{number * 32}.{11 + number}"


def _node(cluster: str, region: str, version: str, number: int) -> Item:
    zone = f"{region}{ZONES[number % len(ZONES)]}"
    name = node_name(region, number)
    instance = "i-" + hashlib.sha256(f"{cluster}/{number}".encode()).hexdigest()[:17]
    # Zone ids are one letter code a region and a number a zone in any account.
    labels = {
        "beta.kubernetes.io/arch": "amd64",
        "beta.kubernetes.io/instance-type": "m6i.large",
        "beta.kubernetes.io/os": "linux",
        "eks.amazonaws.com/capacityType": "ON_DEMAND",
        "eks.amazonaws.com/nodegroup": "general",
        "eks.amazonaws.com/nodegroup-image": "ami-0f1e2d3c4b5a69788",
        "failure-domain.beta.kubernetes.io/region": region,
        "failure-domain.beta.kubernetes.io/zone": zone,
        "kubernetes.io/arch": "amd64",
        "kubernetes.io/hostname": name,
        "kubernetes.io/os": "linux",
        "node.kubernetes.io/instance-type": "m6i.large",
        "topology.kubernetes.io/region": region,
        "topology.kubernetes.io/zone": zone,
    }
    size = {"cpu": "2", "memory": "7934992Ki", "pods": "110", "ephemeral-storage": "83873772Ki"}
    free = {"cpu": "1930m", "memory": "7244816Ki", "pods": "110", "ephemeral-storage": "76224326324"}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": labels, "annotations": {"kwok.x-k8s.io/node": "fake"}},
        "spec": {"providerID": f"aws:///{zone}/{instance}"},
        "status": {
            "addresses": [
                {"type": "InternalIP", "address": _node_address(number)},
                {"type": "InternalDNS", "address": name},
                {"type": "Hostname", "address": name},
            ],
            "allocatable": free,
            "capacity": size,
            "nodeInfo": {
                "architecture": "amd64",
                "bootID": "",
                "containerRuntimeVersion": "containerd://2.1.4",
                "kernelVersion": "6.12.40-64.114.amzn2023.x86_64",
                "kubeProxyVersion": version,
                "kubeletVersion": f"{version}-eks-1a2b3c4",
                "machineID": "",
                "operatingSystem": "linux",
                "osImage": "Amazon Linux 2023",
                "systemUUID": "",
            },
        },
    }


def _namespace(name: str) -> Item:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


def _aws_auth(cluster: str) -> Item:
    """Return the ConfigMap as node groups and people leave it: YAML inside of YAML, with comments and odd spacing."""
    roles = f"""\
# Managed node group "general": added by EKS, nodes leave the cluster without it.
- groups:
  - system:bootstrappers
  - system:nodes
  rolearn: arn:aws:iam::{ACCOUNT}:role/{cluster}-node
  username: system:node:{{{{EC2PrivateDNSName}}}}
# Self-managed spot nodes, ask the platform team before you touch this.
- rolearn:  "arn:aws:iam::{ACCOUNT}:role/{cluster}-spot-node"
  username: "system:node:{{{{EC2PrivateDNSName}}}}"
  groups: [ system:bootstrappers, system:nodes ]   # flow style, on purpose
"""
    users = f"""\
- userarn: arn:aws:iam::{ACCOUNT}:user/break-glass
  username: break-glass
  groups:
    - system:masters
"""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "aws-auth", "namespace": "kube-system"},
        "data": {"mapRoles": roles, "mapUsers": users},
    }


def _storage_class() -> Item:
    return {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {"name": "gp2"},
        "provisioner": "kubernetes.io/aws-ebs",
        "parameters": {"type": "gp2", "fsType": "ext4"},
        "reclaimPolicy": "Delete",
        "volumeBindingMode": "WaitForFirstConsumer",
    }


def _pod_template(name: str, region: str, labels: Item, **spec: Any) -> Item:
    image = f"602401143452.dkr.ecr.{region}.amazonaws.com/eks/{name}:sandbox"
    container = {"name": name, "image": image, "resources": {"requests": {"cpu": "50m"}}}
    return {
        "metadata": {"labels": labels},
        "spec": {
            "containers": [container],
            "tolerations": [{"operator": "Exists"}],
            "priorityClassName": "system-node-critical",
            **spec,
        },
    }


def _daemon_set(name: str, region: str) -> Item:
    labels = {"k8s-app": name}
    return {
        "apiVersion": "apps/v1",
        "kind": "DaemonSet",
        "metadata": {"name": name, "namespace": "kube-system", "labels": labels},
        "spec": {
            "selector": {"matchLabels": labels},
            "template": _pod_template(name, region, labels, hostNetwork=True),
        },
    }


def _dns(region: str) -> list[Item]:
    labels = {"k8s-app": "kube-dns"}
    meta = {"namespace": "kube-system", "labels": labels}
    ports = [{"name": f"dns-{kind}".lower(), "port": 53, "protocol": kind} for kind in ("UDP", "TCP")]
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "kube-dns", **meta},
        "spec": {"clusterIP": CLUSTER_DNS, "selector": labels, "ports": ports},
    }
    deployment = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "coredns", **meta},
        "spec": {
            "replicas": 2,
            "selector": {"matchLabels": labels},
            "template": _pod_template("coredns", region, labels),
        },
    }
    return [service, deployment]
