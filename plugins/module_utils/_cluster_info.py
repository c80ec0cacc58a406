# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Facts of an EKS cluster, its nodes' groups and Fargate profiles; waits for ACTIVE where asked to."""

from __future__ import annotations

import random
import time
from typing import Any

from ansible_collections.ekspress.eks.plugins.module_utils._adapter import aws_options, cluster_options
from ansible_collections.ekspress.eks.plugins.module_utils._aws import Aws, unless_missing
from ansible_collections.ekspress.eks.plugins.module_utils._cluster import (
    Cluster,
    check_name,
    describe,
    health_issues,
    issues_text,
)
from ansible_collections.ekspress.eks.plugins.module_utils._cluster_facts import (
    auto_scaling_group_facts,
    cluster_facts,
    fargate_profile_facts,
    node_group_facts,
)
from ansible_collections.ekspress.eks.plugins.module_utils._context import Context, Logic
from ansible_collections.ekspress.eks.plugins.module_utils._errors import EksError
from ansible_collections.ekspress.eks.plugins.module_utils._parallel import gather, together
from ansible_collections.ekspress.eks.plugins.module_utils._subnet_model import cluster_tag

LONGEST_SLEEP = 30.0
"""Seconds between two reads of a cluster that has been waited for long; as botocore's own waiter cluster_active."""

GROWTH = 0.1
"""Part of the time waited so far that is slept until the next read: what waiting costs too much stays below it."""

LARGEST_PAGE = 100
"""https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_DescribeAutoScalingGroups.html"""

HOPELESS = ("FAILED", "DELETING")
"""Statuses that never become ACTIVE. https://docs.aws.amazon.com/eks/latest/APIReference/API_Cluster.html"""


def argument_spec() -> dict[str, Any]:
    """The module's options."""
    return {
        **aws_options(),
        **cluster_options(),
        "node_groups": {"type": "bool", "default": True},
        "fargate_profiles": {"type": "bool", "default": True},
        "auto_scaling_groups": {"type": "bool", "default": True},
        "wait": {"type": "bool", "default": False},
        "wait_timeout": {"type": "int", "default": 1800},
        "wait_sleep": {"type": "float", "default": 10.0},
    }


def next_sleep(waited: float, sleep: float, timeout: float) -> float:
    """Seconds until the next read after ``waited`` seconds; 0 where ``timeout`` has passed.

    ``sleep`` at first, then a tenth of the time waited so far, at most LONGEST_SLEEP (or ``sleep``, if longer),
    because EKS takes minutes. The last read is at the timeout itself.
    """
    wanted = max(sleep, min(waited * GROWTH, LONGEST_SLEEP))
    return max(0.0, min(wanted, timeout - waited))


def wait_for_active(aws: Aws, context: Context, name: str, timeout: float, sleep: float) -> Cluster:
    """Read the cluster until it is ACTIVE.

    Raises EksError with its health issues once it is FAILED or being deleted, and when ``timeout`` seconds have passed.
    """
    started = time.monotonic()
    # Clusters of one play are often created together: the jitter keeps their reads apart.
    sleep *= random.uniform(1.0, 1.2)
    while True:
        cluster = describe(aws, name)
        if cluster.status == "ACTIVE":
            return cluster
        if cluster.status in HOPELESS:
            raise _failure(
                cluster,
                f"is {cluster.status}{issues_text(cluster)} and will not become ACTIVE by waiting",
                "See the EKS console and CloudTrail for the reason, then create the cluster anew",
            )
        waited = time.monotonic() - started
        pause = next_sleep(waited, sleep, timeout)
        if pause == 0:
            raise _failure(
                cluster,
                f"is still {cluster.status} after {timeout:g} seconds{issues_text(cluster)}",
                "Run again, or with a longer wait_timeout",
            )
        context.cancelled.wait(pause)


def _failure(cluster: Cluster, state: str, step: str) -> EksError:
    return EksError(
        f"EKS cluster {cluster.name!r} in {cluster.region} {state}. {step}.",
        status=cluster.status,
        health_issues=health_issues(cluster.described),
    )


def described_groups(aws: Aws, name: str) -> list[dict[str, Any]]:
    """The EC2 Auto Scaling groups that carry the cluster's tag, by name."""
    found = aws.pages(
        aws.client("autoscaling"),
        "describe_auto_scaling_groups",
        "AutoScalingGroups",
        Filters=[{"Name": "tag-key", "Values": [cluster_tag(name)]}],
        MaxRecords=LARGEST_PAGE,
    )
    return sorted(found, key=lambda group: str(group["AutoScalingGroupName"]))


def run(params: dict[str, Any], context: Context) -> dict[str, Any]:
    """Read the cluster, then what is listed in it, side by side."""
    if params["wait_timeout"] < 0:
        raise EksError(f"wait_timeout is {params['wait_timeout']}: give a number of seconds that is not negative.")
    if not params["wait_sleep"] > 0:
        raise EksError(f"wait_sleep is {params['wait_sleep']:g}: give a number of seconds greater than 0.")
    name = params["cluster"]
    check_name(name)
    aws = Aws(params, context)
    eks = aws.client("eks")
    found = None
    if params["wait"]:
        found = wait_for_active(aws, context, name, params["wait_timeout"], params["wait_sleep"])

    def names(wanted: bool, operation: str, key: str) -> list[str]:
        return sorted(aws.pages(eks, operation, key, clusterName=name)) if wanted else []

    def auto_scaling_groups() -> list[dict[str, Any]]:
        return described_groups(aws, name) if params["auto_scaling_groups"] else []

    cluster, groups, profiles, scaling = together(
        context,
        lambda: found or describe(aws, name),
        lambda: names(params["node_groups"], "list_nodegroups", "nodegroups"),
        lambda: names(params["fargate_profiles"], "list_fargate_profiles", "fargateProfileNames"),
        auto_scaling_groups,
    )

    def described(call: tuple[str, str, str]) -> dict[str, Any] | None:
        operation, key, item = call
        # One that was deleted since the listing is no longer a fact.
        return unless_missing(
            lambda: aws.call(eks, operation, clusterName=name, **{f"{key}Name": item})[key], "ResourceNotFoundException"
        )

    answers = gather(
        context,
        described,
        [("describe_nodegroup", "nodegroup", item) for item in groups]
        + [("describe_fargate_profile", "fargateProfile", item) for item in profiles],
    )
    facts = {**cluster_facts(cluster), "dns_suffix": aws.dns_suffix(cluster.partition)}
    if params["node_groups"]:
        facts["node_groups"] = [node_group_facts(answer) for answer in answers[: len(groups)] if answer]
    if params["fargate_profiles"]:
        facts["fargate_profiles"] = [fargate_profile_facts(answer) for answer in answers[len(groups) :] if answer]
    if params["auto_scaling_groups"]:
        facts["auto_scaling_groups"] = [auto_scaling_group_facts(item) for item in scaling if not item.get("Status")]
    return {"changed": False, "cluster": facts}


LOGIC = Logic(run=run, argument_spec=argument_spec, services=("autoscaling", "eks", "sts"))
