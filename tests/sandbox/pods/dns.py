# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""ExternalDNS as teams have it that run several, the roles that it comes with, and the records that it writes."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

from sandbox.kube_fixtures import ACCOUNT
from tests.sandbox_fixtures import RunningSandbox

from .workloads import EXTERNAL_DNS, Namespace

READ = ["get", "list", "watch"]
RULES = [
    {"apiGroups": [""], "resources": ["services", "pods", "nodes"], "verbs": READ},
    {"apiGroups": ["discovery.k8s.io"], "resources": ["endpointslices"], "verbs": READ},
    {"apiGroups": ["networking.k8s.io"], "resources": ["ingresses"], "verbs": READ},
]
HEALTH = {"httpGet": {"path": "/healthz", "port": "http"}}
MOST_MIB = 400
"""What all programs of a test may take together."""

Records = set[tuple[str, str]]


def domain_of(name: str) -> str:
    """Return the domain that the test with a namespace of this name has for itself."""
    return f"{name}.example.org"


def own_records(route53: Any, zone: str) -> list[dict[str, Any]]:
    """Return the record sets of a zone beside those that every zone has."""
    found = route53.list_resource_record_sets(HostedZoneId=zone)["ResourceRecordSets"]
    return [item for item in found if item["Type"] not in ("NS", "SOA")]


def records(sandbox: RunningSandbox, zone: str) -> Records:
    """Return the names and types of a zone's own record sets."""
    found = own_records(sandbox.aws().client("route53"), zone)
    return {(item["Name"].rstrip("."), item["Type"]) for item in found}


def trusting(namespace: Namespace, account: str) -> str:
    """Make a role of a service account, and return its ARN."""
    iam = namespace.sandbox.aws().client("iam")
    issuer = namespace.sandbox.cluster(namespace.cluster)["issuer"]
    host = issuer.removeprefix("https://")
    with contextlib.suppress(iam.exceptions.EntityAlreadyExistsException):
        iam.create_open_id_connect_provider(Url=issuer, ClientIDList=["sts.amazonaws.com"])
    subject = f"system:serviceaccount:{namespace.name}:{account}"
    statement = {
        "Effect": "Allow",
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Principal": {"Federated": f"arn:aws:iam::{ACCOUNT}:oidc-provider/{host}"},
        "Condition": {"StringEquals": {f"{host}:sub": subject, f"{host}:aud": "sts.amazonaws.com"}},
    }
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    name = f"{namespace.name}-{account}"
    arn: str = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document)["Role"]["Arn"]
    return arn


def external_dns(
    namespace: Namespace,
    kind: str,
    account: str,
    arn: str,
    *,
    policy: str = "upsert-only",
    annotation: str = "DNSName",
    owner: str = "",
) -> None:
    """Make an ExternalDNS for the zones of one kind; its Deployment has the name of its service account.

    It works for Ingresses with an annotation, whose value is the first label of their name.
    """
    namespace.account(account, RULES, **{"eks.amazonaws.com/role-arn": arn})
    arguments = [
        "--source=service",
        "--source=ingress",
        f"--domain-filter={domain_of(namespace.name)}",
        f"--fqdn-template={{{{ .Annotations.{annotation} }}}}.{domain_of(namespace.name)}",
        f"--annotation-filter={annotation}",
        "--ignore-hostname-annotation",
        "--ignore-ingress-rules-spec",
        "--provider=aws",
        f"--aws-zone-type={kind}",
        f"--policy={policy}",
        "--registry=txt",
        f"--txt-owner-id={owner or f'{namespace.cluster}-{kind}'}",
        f"--namespace={namespace.name}",
        "--events",
        "--interval=5s",
    ]
    namespace.deploy(
        account,
        EXTERNAL_DNS,
        {"http": 7979},
        pod={"serviceAccountName": account},
        args=arguments,
        livenessProbe=HEALTH,
        readinessProbe=HEALTH,
    )


def memory(namespace: Namespace) -> dict[str, float]:
    """Return the memory of the namespace's programs by pod, in MiB; pages that several share are counted once."""
    return {pod: _memory(int(str(item["pid"]))) for pod, item in namespace.processes().items()}


def _memory(pid: int) -> float:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("Pss:"))
