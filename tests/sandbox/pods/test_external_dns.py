# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Pods of ExternalDNS' image are the real ExternalDNS: it comes to AWS as its service account, and writes records."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from sandbox.kube_fixtures import ACCOUNT
from tests.sandbox_fixtures import RunningSandbox
from tests.support import wait_until

from .workloads import EXTERNAL_DNS, Namespace, answer_of, state_of

READ = ["get", "list", "watch"]
RULES = [
    {"apiGroups": [""], "resources": ["services", "pods", "nodes"], "verbs": READ},
    {"apiGroups": ["discovery.k8s.io"], "resources": ["endpointslices"], "verbs": READ},
    {"apiGroups": ["networking.k8s.io"], "resources": ["ingresses"], "verbs": READ},
]
HEALTH = {"httpGet": {"path": "/healthz", "port": "http"}}
DOMAIN = "ingress.example.org"
MOST_MIB = 400

Records = set[tuple[str, str]]


@pytest.fixture
def zones(sandbox: RunningSandbox) -> Iterator[dict[str, str]]:
    """A public and a private zone of the same name: kind to id."""
    route53 = sandbox.aws().client("route53")
    vpc = sandbox.aws().client("ec2").describe_vpcs()["Vpcs"][0]["VpcId"]
    where = {"VPCRegion": sandbox.cluster()["region"], "VPCId": vpc}
    made = {
        "public": route53.create_hosted_zone(Name=DOMAIN, CallerReference="real-public"),
        "private": route53.create_hosted_zone(
            Name=DOMAIN, CallerReference="real-private", HostedZoneConfig={"PrivateZone": True}, VPC=where
        ),
    }
    ids = {kind: zone["HostedZone"]["Id"] for kind, zone in made.items()}
    yield ids
    for zone in ids.values():
        changes = [{"Action": "DELETE", "ResourceRecordSet": item} for item in own_records(route53, zone)]
        if changes:
            route53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch={"Changes": changes})
        route53.delete_hosted_zone(Id=zone)


@pytest.fixture
def balancer(sandbox: RunningSandbox) -> Iterator[str]:
    """The name of a load balancer: aliases of others are refused."""
    elb, subnets = sandbox.aws().client("elbv2"), sandbox.aws().admin("GET", "fixtures")["subnets"]
    (made,) = elb.create_load_balancer(Name="real-dns", Subnets=[subnets["public-a"], subnets["public-b"]])[
        "LoadBalancers"
    ]
    yield made["DNSName"]
    elb.delete_load_balancer(LoadBalancerArn=made["LoadBalancerArn"])


@pytest.fixture
def role(sandbox: RunningSandbox) -> Iterator[Callable[[str], str]]:
    """Make a role for a service account (system:serviceaccount:namespace:name), and return its ARN."""
    iam = sandbox.aws().client("iam")
    issuer = sandbox.cluster()["issuer"]
    host = issuer.removeprefix("https://")
    made: list[str] = []
    with contextlib.suppress(iam.exceptions.EntityAlreadyExistsException):
        iam.create_open_id_connect_provider(Url=issuer, ClientIDList=["sts.amazonaws.com"])

    def make(subject: str) -> str:
        statement = {
            "Effect": "Allow",
            "Action": "sts:AssumeRoleWithWebIdentity",
            "Principal": {"Federated": f"arn:aws:iam::{ACCOUNT}:oidc-provider/{host}"},
            "Condition": {"StringEquals": {f"{host}:sub": subject, f"{host}:aud": "sts.amazonaws.com"}},
        }
        document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        made.append(f"real-{subject.rpartition(':')[2]}")
        arn: str = iam.create_role(RoleName=made[-1], AssumeRolePolicyDocument=document)["Role"]["Arn"]
        return arn

    yield make
    for name in made:
        iam.delete_role(RoleName=name)


def own_records(route53: Any, zone: str) -> list[dict[str, Any]]:
    """Return the record sets of a zone beside those that every zone has."""
    found = route53.list_resource_record_sets(HostedZoneId=zone)["ResourceRecordSets"]
    return [item for item in found if item["Type"] not in ("NS", "SOA")]


def records(sandbox: RunningSandbox, zone: str) -> Records:
    """Return the names and types of a zone's own record sets."""
    found = own_records(sandbox.aws().client("route53"), zone)
    return {(item["Name"].rstrip("."), item["Type"]) for item in found}


def external_dns(namespace: Namespace, kind: str, account: str, arn: str) -> None:
    """Make an ExternalDNS for the zones of one kind, as the teams have it that run several."""
    namespace.account(account, RULES, **{"eks.amazonaws.com/role-arn": arn})
    arguments = [
        "--source=service",
        "--source=ingress",
        f"--domain-filter={DOMAIN}",
        "--fqdn-template={{ .Annotations.DNSName }}." + DOMAIN,
        "--annotation-filter=DNSName",
        "--ignore-hostname-annotation",
        "--ignore-ingress-rules-spec",
        "--provider=aws",
        f"--aws-zone-type={kind}",
        "--policy=upsert-only",
        "--registry=txt",
        "--txt-owner-id=sandbox-blue",
        f"--namespace={namespace.name}",
        "--events",
        "--interval=5s",
    ]
    namespace.deploy(
        "external-dns",
        EXTERNAL_DNS,
        {"http": 7979},
        pod={"serviceAccountName": account},
        args=arguments,
        livenessProbe=HEALTH,
        readinessProbe=HEALTH,
    )


def balanced(namespace: Namespace, name: str, balancer: str) -> None:
    """Have the status of an Ingress name its load balancer."""
    path = f"/apis/networking.k8s.io/v1/namespaces/{namespace.name}/ingresses/{name}/status"
    status = {"status": {"loadBalancer": {"ingress": [{"hostname": balancer}]}}}
    assert namespace.kube.request("PATCH", path, status, "application/merge-patch+json")[0] == 200


def memory(pid: int) -> float:
    """Return a process' resident memory in MiB."""
    lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS:"))


def test_an_ingress_gets_its_records(
    sandbox: RunningSandbox,
    namespace: Namespace,
    zones: dict[str, str],
    balancer: str,
    role: Callable[[str], str],
) -> None:
    namespace.deploy("shop", "example.com/shop:1", {"http": 8080})
    namespace.traefik("traefik", balancer=balancer)
    namespace.ingress("shop", "shop.example.com", f"{namespace.name}-traefik", DNSName="shop")
    arn = role(f"system:serviceaccount:{namespace.name}:external-dns")
    external_dns(namespace, "private", "external-dns", arn)
    namespace.ready("external-dns")
    wanted = {(f"shop.{DOMAIN}", "A"), (f"shop.{DOMAIN}", "AAAA")}
    # Traefik writes the load balancer's name into the status, and ExternalDNS takes it from there.
    wait_until(lambda: wanted <= records(sandbox, zones["private"]), "the records")
    assert any(kind == "TXT" for _, kind in records(sandbox, zones["private"]))
    assert records(sandbox, zones["public"]) == set()
    calls = [call for call in sandbox.aws().calls() if call["operation"] == "ChangeResourceRecordSets"]
    assert any(f"{arn.rpartition('/')[2]}/" in call["caller"] for call in calls)
    assert answer_of(namespace.port("external-dns", "http"), "/healthz")[0] == 200
    used = [memory(int(str(item["pid"]))) for item in namespace.processes().values()]
    assert len(used) == 2
    assert sum(used) < MOST_MIB, used


def test_a_service_account_that_the_role_does_not_trust(
    sandbox: RunningSandbox,
    namespace: Namespace,
    zones: dict[str, str],
    balancer: str,
    role: Callable[[str], str],
) -> None:
    namespace.ingress("shop", "shop.example.com", "none", DNSName="shop")
    balanced(namespace, "shop", balancer)
    external_dns(namespace, "public", "stranger", role(f"system:serviceaccount:{namespace.name}:owner"))

    def refused() -> bool:
        calls = sandbox.aws().calls()
        return any(
            call["operation"] == "AssumeRoleWithWebIdentity" and call["error"] == "AccessDenied" for call in calls
        )

    wait_until(refused, "the refusal")
    wait_until(lambda: namespace.pods("external-dns"), "the pod")
    log = Path(namespace.entries()[namespace.pods("external-dns")[0]["metadata"]["name"]]["log"])
    wait_until(lambda: "Not authorized to perform sts:AssumeRoleWithWebIdentity" in log.read_text(), "the log")
    assert records(sandbox, zones["public"]) == set()
    assert state_of(namespace.pods("external-dns")[0])["image"] == EXTERNAL_DNS
