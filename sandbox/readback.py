# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What exists in a sandbox's cluster and account, read back from the APIs."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import botocore.session
import yaml

OURS = ("k8s.io/cluster-autoscaler/", "node-termination-handler/", "ekspress.eks/")
"""Beginnings of the tags that this project's add-ons set on Auto Scaling groups, or want there."""


def report(state: dict[str, Any], name: str) -> str:
    """Return, as a text for people, what the platform consists of in one cluster."""
    entry = state["clusters"][name]
    session = botocore.session.Session()
    session.set_credentials("sandbox", "sandbox")

    def client(service: str) -> Any:
        return session.create_client(
            service, region_name=entry["region"], endpoint_url=state["aws"]["endpoint"], use_ssl=False
        )

    cluster = client("eks").describe_cluster(name=name)["cluster"]
    sections = {
        f"EKS cluster {name}": [
            f"version {cluster['version']}, {cluster['status']}, VPC {cluster['resourcesVpcConfig']['vpcId']}"
        ],
        "IAM OIDC provider": _provider(client("iam"), cluster),
        "IAM roles for service accounts": _roles(client("iam"), cluster),
        "Subnet tags": _subnets(client("ec2"), cluster),
        "Who may enter, by access entries (access policies after the groups)": _entries(client("eks"), name),
        "What groups may do (see docs/access.md)": _rights(state, entry),
        "Who may enter, by aws-auth (ours: entries of the role access; foreign: EKS's and other people's)": _mappings(
            state, entry
        ),
        "Helm releases (of stand-in charts, see sandbox/charts)": _releases(state, entry),
        "Interruption queues and their EventBridge rules": _queues(client("sqs"), client("events"), name),
        "Auto Scaling groups: tags of ours, and lifecycle hooks": _autoscaling_groups(client("autoscaling"), name),
        "Kubernetes": _objects(state, entry),
    }
    return "\n".join(
        f"\n{title}\n" + "\n".join(f"  {line}" for line in lines or ["none"]) for title, lines in sections.items()
    )


def _provider(iam: Any, cluster: dict[str, Any]) -> list[str]:
    host = cluster["identity"]["oidc"]["issuer"].removeprefix("https://")
    arns = [item["Arn"] for item in iam.list_open_id_connect_providers()["OpenIDConnectProviderList"]]
    return [
        f"{arn}  audiences {', '.join(iam.get_open_id_connect_provider(OpenIDConnectProviderArn=arn)['ClientIDList'])}"
        for arn in arns
        if arn.endswith(host)
    ]


def _roles(iam: Any, cluster: dict[str, Any]) -> list[str]:
    host = cluster["identity"]["oidc"]["issuer"].removeprefix("https://")
    lines = []
    for page in iam.get_paginator("list_roles").paginate():
        for role in page["Roles"]:
            trust = json.dumps(role["AssumeRolePolicyDocument"])
            if host in trust:
                policies = iam.list_role_policies(RoleName=role["RoleName"])["PolicyNames"]
                subjects = [
                    subject
                    for statement in role["AssumeRolePolicyDocument"]["Statement"]
                    for subject in _texts(statement.get("Condition", {}).get("StringEquals", {}).get(f"{host}:sub"))
                ]
                lines.append(f"{role['Arn']}  for {', '.join(subjects)}  policies {', '.join(policies)}")
    return lines


def _queues(sqs: Any, events: Any, name: str) -> list[str]:
    lines = []
    for url in sqs.list_queues(QueueNamePrefix=name).get("QueueUrls", []):
        arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        rules = sorted(events.list_rule_names_by_target(TargetArn=arn)["RuleNames"])
        lines += [arn, *(f"  {rule}" for rule in rules)]
    return lines


def _autoscaling_groups(autoscaling: Any, name: str) -> list[str]:
    of_cluster = [{"Name": "tag-key", "Values": [f"kubernetes.io/cluster/{name}"]}]
    lines = []
    for group in autoscaling.describe_auto_scaling_groups(Filters=of_cluster)["AutoScalingGroups"]:
        title = group["AutoScalingGroupName"]
        hooks = autoscaling.describe_lifecycle_hooks(AutoScalingGroupName=title)["LifecycleHooks"]
        lines.append(f"{title}  {len(group['Instances'])} instances")
        tags = {tag["Key"]: tag["Value"] for tag in group["Tags"]}
        lines += [f"  {key} = {value}" for key, value in sorted(tags.items()) if key.startswith(OURS)]
        lines += [f"  hook {hook['LifecycleHookName']}: {hook['LifecycleTransition']}" for hook in hooks]
    return lines


def _texts(value: str | list[str] | None) -> list[str]:
    return [value] if isinstance(value, str) else value or []


def _subnets(ec2: Any, cluster: dict[str, Any]) -> list[str]:
    vpc = cluster["resourcesVpcConfig"]["vpcId"]
    subnets = ec2.describe_subnets(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["Subnets"]
    lines = []
    for subnet in sorted(subnets, key=lambda item: (item["AvailabilityZone"], item["CidrBlock"])):
        tags = {tag["Key"]: tag["Value"] for tag in subnet.get("Tags", [])}
        ours = " ".join(f"{key}={value}" for key, value in sorted(tags.items()) if key.startswith("kubernetes.io/"))
        lines.append(f"{subnet['SubnetId']}  {subnet['AvailabilityZone']:<19} {tags.get('Name', ''):<28} {ours or '-'}")
    return lines


def _entries(eks: Any, name: str) -> list[str]:
    rows: list[tuple[str, ...]] = []
    for page in eks.get_paginator("list_access_entries").paginate(clusterName=name):
        for arn in page["accessEntries"]:
            entry = eks.describe_access_entry(clusterName=name, principalArn=arn)["accessEntry"]
            associated = eks.list_associated_access_policies(clusterName=name, principalArn=arn)
            policies = [item["policyArn"].rpartition("/")[2] for item in associated["associatedAccessPolicies"]]
            rows.append((arn, entry["username"], ", ".join([*entry["kubernetesGroups"], *policies])))
    return _columns(sorted(rows))


def _rights(state: dict[str, Any], entry: dict[str, Any]) -> list[str]:
    kinds = "clusterrolebindings,rolebindings"
    command = [
        "get",
        kinds,
        "--all-namespaces",
        "--selector",
        "ekspress.eks/managed-by=rbac-groups",
        "--output",
        "json",
    ]
    places: dict[tuple[str, str], list[str]] = {}
    for item in json.loads(_run([str(Path(state["bin"], "kubectl")), *command], entry))["items"]:
        for subject in item["subjects"]:
            where = item["metadata"].get("namespace", "the whole cluster")
            places.setdefault((subject["name"], item["roleRef"]["name"]), []).append(where)
    return _columns([(*key, ", ".join(sorted(where))) for key, where in sorted(places.items())])


def _columns(rows: list[tuple[str, ...]]) -> list[str]:
    """Lines of cells one below the other."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]) - 1)] if rows else []
    return [
        "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[-1]]) for row in rows
    ]


def _mappings(state: dict[str, Any], entry: dict[str, Any]) -> list[str]:
    command = ["get", "configmap", "aws-auth", "--namespace", "kube-system", "--ignore-not-found", "--output", "json"]
    found = json.loads(_run([str(Path(state["bin"], "kubectl")), *command], entry) or "{}")
    ours = json.loads(found.get("metadata", {}).get("annotations", {}).get("ekspress.eks/entries", "{}"))
    rows: list[tuple[str, ...]] = []
    for section, key, arn in (("roles", "mapRoles", "rolearn"), ("users", "mapUsers", "userarn")):
        for item in yaml.safe_load(found.get("data", {}).get(key, "")) or []:
            whose = "ours" if item[arn].lower() in ours.get(section, {}) else "foreign"
            rows.append((whose, item[arn], str(item.get("username", "")), ", ".join(item.get("groups") or [])))
    return _columns(sorted(rows, key=lambda row: row[0], reverse=True))


def _releases(state: dict[str, Any], entry: dict[str, Any]) -> list[str]:
    found = json.loads(_run([str(Path(state["bin"], "helm")), "list", "--all-namespaces", "--output", "json"], entry))
    return [
        f"{item['namespace']}/{item['name']}  {item['chart']}  {item['status']}  revision {item['revision']}"
        for item in found
    ]


def _objects(state: dict[str, Any], entry: dict[str, Any]) -> list[str]:
    kinds = (
        "deployments.apps,ingressclasses.networking.k8s.io,validatingwebhookconfigurations.admissionregistration.k8s.io"
    )
    command = [str(Path(state["bin"], "kubectl")), "get", kinds, "--all-namespaces", "--output", "json"]
    lines = []
    for item in json.loads(_run(command, entry))["items"]:
        ready = item.get("status", {}).get("readyReplicas")
        suffix = f"  {ready or 0}/{item['spec']['replicas']} ready" if item["kind"] == "Deployment" else ""
        lines.append(f"{item['kind']} {item['metadata']['name']}{suffix}")
    return lines


def _run(command: list[str], entry: dict[str, Any]) -> str:
    environment = {
        "KUBECONFIG": entry["kubeconfig"],
        "HOME": str(Path(entry["kubeconfig"]).parent),
        "PATH": "/usr/bin:/bin",
    }
    return subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout
