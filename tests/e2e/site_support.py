# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the tests of the playbook site look at: its tasks, and what clusters and the account have."""

from __future__ import annotations

import json
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.ekspress.eks.plugins.module_utils._kubernetes import MANAGER

from tests.e2e.conftest import GREEN
from tests.e2e.playbook import Run, run
from tests.sandbox_fixtures import RunningSandbox

CONVERGE = [
    "ekspress.eks.network : Converge the subnets' tags",
    "ekspress.eks.identity : Converge the OIDC provider",
    "ekspress.eks.access : Converge the rights of groups",
    "ekspress.eks.access : Converge the access entries",
    "ekspress.eks.addon : Converge the identities",
    "ekspress.eks.addon : Converge the interruption queues",
    "ekspress.eks.addon : Converge the Auto Scaling groups",
    "ekspress.eks.addon : Converge the releases",
]
BY_AWS_AUTH = "ekspress.eks.access : Converge aws-auth"
RIGHTS, ENTRIES = CONVERGE[2:4]
AWS_AUTH = "/api/v1/namespaces/kube-system/configmaps/aws-auth"
LISTED = (
    "/api/v1/secrets",
    "/api/v1/namespaces",
    *(f"/apis/rbac.authorization.k8s.io/v1/{kind}" for kind in ("clusterroles", "clusterrolebindings", "rolebindings")),
)
"""What a run without changes lists in a cluster: the Helm releases, and what groups may do where."""
CONTROLLER = "/apis/apps/v1/namespaces/kube-system/deployments/aws-load-balancer-controller"


def writes(bare: RunningSandbox) -> list[str]:
    return [call["operation"] for call in bare.aws().calls(writes=True)]


def of_others(call: dict[str, Any]) -> bool:
    """Whether another made a call: a program in the cluster, or the authenticator that asks STS whose token it got."""
    own_work = call["operation"] in ("AssumeRoleWithWebIdentity", "GetCallerIdentity")
    return own_work or "external-dns" in call["caller"]


def entries(bare: RunningSandbox, cluster: str) -> dict[str, dict[str, Any]]:
    """Entries of roles in aws-auth, by the role's name."""
    found = yaml.safe_load(bare.kube(cluster).get(AWS_AUTH)["data"]["mapRoles"])
    return {entry["rolearn"].rpartition("/")[2]: entry for entry in found}


def access_entries(bare: RunningSandbox, cluster: str) -> dict[str, dict[str, Any]]:
    """Access entries, by the name of the role."""
    eks = bare.aws().client("eks")
    arns = eks.list_access_entries(clusterName=cluster)["accessEntries"]
    found = [eks.describe_access_entry(clusterName=cluster, principalArn=arn)["accessEntry"] for arn in arns]
    return {entry["principalArn"].rpartition("/")[2]: entry for entry in found}


def parts(done: Run, cluster: str) -> list[str]:
    """Names of the converging tasks that ran for a cluster."""
    return [task.name for task in done.tasks if task.host == cluster and task.name in CONVERGE]


def objects(bare: RunningSandbox, cluster: str) -> set[tuple[str, str, str]]:
    """Kind, namespace and name of what a release would make."""
    kube = bare.kube(cluster)
    paths = (
        "/api/v1/secrets",
        "/api/v1/services",
        "/api/v1/serviceaccounts",
        "/apis/apps/v1/deployments",
        "/apis/networking.k8s.io/v1/ingresses",
        "/apis/networking.k8s.io/v1/ingressclasses",
        "/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
        "/apis/rbac.authorization.k8s.io/v1/clusterroles",
        "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations",
        "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations",
        "/apis/policy/v1/poddisruptionbudgets",
    )
    return {
        (path, item["metadata"].get("namespace", ""), item["metadata"]["name"])
        for path in paths
        for item in kube.get(path)["items"]
    }


def audited(bare: RunningSandbox, cluster: str, *, gets: bool = False) -> Counter[tuple[str, str]]:
    """The lists and writes of the collection that the API server has logged, by verb and path; its gets where asked."""
    logs = Path(bare.cluster(cluster)["audit_log"]).parent.glob("audit*.log")
    records = [json.loads(line) for log in logs for line in log.read_text(encoding="utf-8").splitlines()]
    return Counter(
        (record["verb"], record["requestURI"].partition("?")[0])
        for record in records
        if record.get("userAgent") == MANAGER
        and (gets or record["verb"] != "get")
        and "dryRun" not in record["requestURI"]
    )


def aws_calls(bare: RunningSandbox) -> list[str]:
    """The operations of AWS that the run called for."""
    return [call["operation"] for call in bare.aws().calls() if not of_others(call)]


def access(bare: RunningSandbox, hosts: Path, **variables: Any) -> Run:
    """Run the part of who may enter alone, on one cluster."""
    return run(bare.environment, hosts, "--tags", "access", "--limit", GREEN, "-e", json.dumps(variables))


def await_call(aws: Any, operation: str, process: subprocess.Popen[bytes]) -> None:
    """Wait until the server has seen an operation begin; fail if the process ends before."""
    while operation not in [fault["operation"] for fault in aws.faults() if fault["seen"]]:
        try:
            process.wait(0.05)
        except subprocess.TimeoutExpired:
            continue
        pytest.fail(f"the run ended before {operation}")
