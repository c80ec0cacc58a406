# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What there is in a cluster and in an account, to see that nothing is left of an add-on."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from sandbox.aws.client import AwsServer
from sandbox.kube_client import KubeClient
from tests.support import wait_until

# helm_releases and the control plane keep their Leases; Events end by themselves. CRDs stay, as Helm leaves them: all
# objects of a kind would go with it.
KEPT = frozenset({"events", "leases", "customresourcedefinitions"})
AUTOMATIC = "kube-aggregator.kubernetes.io/automanaged"
"""Label of the APIServices that come and go with the kinds they serve."""


def in_cluster(kube: KubeClient) -> set[str]:
    """API group, plural, namespace and name of everything that can be listed."""
    groups = ["/api/v1"]
    groups += [f"/apis/{group['preferredVersion']['groupVersion']}" for group in kube.get("/apis")["groups"]]
    found = set()
    for group in groups:
        for resource in kube.get(group)["resources"]:
            plural = resource["name"]
            if "list" not in resource["verbs"] or plural in KEPT:
                continue
            for item in _items(kube, f"{group}/{plural}"):
                meta = item["metadata"]
                if AUTOMATIC not in meta.get("labels", {}):
                    found.add(f"{group}/{plural} {meta.get('namespace', '')}/{meta['name']}")
    return found


def _items(kube: KubeClient, path: str) -> list[dict[str, Any]]:
    """The objects of a list, none where it is no longer served; a kind that is new is not served at once."""

    def answer() -> tuple[int, Any] | None:
        status, body = kube.request("GET", path)
        return None if status == HTTPStatus.TOO_MANY_REQUESTS else (status, body)

    status, body = wait_until(answer, f"an answer to GET {path}")
    assert status in (HTTPStatus.OK, HTTPStatus.NOT_FOUND), body
    return list(body.get("items", []))


def in_account(aws: AwsServer) -> set[str]:
    """IAM roles, queues, rules for events; tags and lifecycle hooks of Auto Scaling groups, tags of instances."""
    roles = aws.client("iam").list_roles(MaxItems=1000)["Roles"]
    queues = aws.client("sqs").list_queues().get("QueueUrls", [])
    rules = aws.client("events").list_rules()["Rules"]
    found = {*(role["Arn"] for role in roles), *queues, *(rule["Arn"] for rule in rules)}
    scaling = aws.client("autoscaling")
    for group in scaling.describe_auto_scaling_groups()["AutoScalingGroups"]:
        name = group["AutoScalingGroupName"]
        found |= {f"{name} {tag['Key']}={tag['Value']} {tag['PropagateAtLaunch']}" for tag in group["Tags"]}
        hooks = scaling.describe_lifecycle_hooks(AutoScalingGroupName=name)["LifecycleHooks"]
        found |= {f"{name} hook {hook['LifecycleHookName']}" for hook in hooks}
    instances = [{"Name": "resource-type", "Values": ["instance"]}]
    tags = aws.client("ec2").describe_tags(Filters=instances)["Tags"]
    return found | {f"{tag['ResourceId']} {tag['Key']}={tag['Value']}" for tag in tags}
