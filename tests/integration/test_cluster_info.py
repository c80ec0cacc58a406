# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""cluster_info against the AWS server: facts, calls, waiting, accounts, refusals."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from ansible_collections.ekspress.eks.plugins.module_utils._cluster_info import LOGIC
from ansible_collections.ekspress.eks.plugins.module_utils._context import Context
from ansible_collections.ekspress.eks.plugins.module_utils._runner import execute
from ansible_collections.ekspress.eks.tests.integration.eks_clusters import ACCOUNT, counted, make_cluster, written
from ansible_collections.ekspress.eks.tests.support import PATIENCE, run_held, run_logic, wait_until

from sandbox.aws.client import AwsServer

PEM = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
NODE_ROLE = f"arn:aws:iam::{ACCOUNT}:role/nodes"
POD_ROLE = f"arn:aws:iam::{ACCOUNT}:role/fargate"
NOTHING = {"node_groups": False, "fargate_profiles": False, "auto_scaling_groups": False}
BARE = {"cluster": "blue", **NOTHING}
GROUPS = "autoscaling:DescribeAutoScalingGroups"


def info(**params: Any) -> dict[str, Any]:
    return run_logic(LOGIC, {"cluster": "blue", **params})


def add_workers(aws: AwsServer, node_groups: int = 1, fargate_profiles: int = 1) -> None:
    eks = aws.client("eks")
    subnets = [subnet["SubnetId"] for subnet in aws.client("ec2").describe_subnets()["Subnets"]]
    for number in range(node_groups):
        eks.create_nodegroup(
            clusterName="blue",
            nodegroupName=f"nodes-{number:02d}",
            nodeRole=NODE_ROLE,
            subnets=subnets[:2],
            labels={"tier": "app"},
            taints=[{"key": "dedicated", "value": "app", "effect": "NO_SCHEDULE"}],
            scalingConfig={"minSize": 1, "maxSize": 4, "desiredSize": 2},
            amiType="AL2023_x86_64_STANDARD",
            capacityType="SPOT",
            instanceTypes=["m6i.large", "m5.large"],
        )
    for number in range(fargate_profiles):
        eks.create_fargate_profile(
            clusterName="blue",
            fargateProfileName=f"fargate-{number:02d}",
            podExecutionRoleArn=POD_ROLE,
            subnets=subnets[:1],
            selectors=[{"namespace": "batch", "labels": {"size": "small"}}],
        )
    aws.clear_calls()


@contextmanager
def after_reads(aws: AwsServer, reads: int, **fields: Any) -> Iterator[None]:
    """Set the cluster's fields once the server saw that many DescribeCluster calls."""
    ended = threading.Event()

    def change() -> None:
        while not ended.is_set():
            if len(aws.calls("DescribeCluster")) >= reads:
                aws.cluster("blue", **fields)
                return
            ended.wait(0.02)

    thread = threading.Thread(target=change)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def test_facts_of_a_cluster(aws: AwsServer) -> None:
    made = make_cluster(aws, version="1.33", tags={"team": "platform", "environment": "dev"})
    aws.cluster(
        "blue",
        ca_data=base64.b64encode(PEM.encode()).decode(),
        access_config={"authenticationMode": "API_AND_CONFIG_MAP"},
        compute_config={"enabled": True},
    )
    result = info()
    assert not result["changed"]
    cluster = result["cluster"]
    assert cluster == {
        "name": "blue",
        "arn": f"arn:aws:eks:eu-central-1:{ACCOUNT}:cluster/blue",
        "partition": "aws",
        "dns_suffix": "amazonaws.com",
        "region": "eu-central-1",
        "account": ACCOUNT,
        "status": "ACTIVE",
        "health_issues": [],
        "version": "1.33",
        "platform_version": made["platformVersion"],
        "created": made["createdAt"].strftime("%Y-%m-%dT%H:%M:%SZ"),
        "endpoint": made["endpoint"],
        "ca_certificate": PEM,
        "ca_data": base64.b64encode(PEM.encode()).decode(),
        "issuer": made["identity"]["oidc"]["issuer"],
        "role_arn": f"arn:aws:iam::{ACCOUNT}:role/eks-cluster",
        "vpc_id": made["resourcesVpcConfig"]["vpcId"],
        "subnet_ids": sorted(made["resourcesVpcConfig"]["subnetIds"]),
        "security_group_ids": [],
        "cluster_security_group_id": made["resourcesVpcConfig"]["clusterSecurityGroupId"],
        "endpoint_public_access": True,
        "endpoint_private_access": False,
        "public_access_cidrs": ["0.0.0.0/0"],
        "ip_family": "ipv4",
        "service_cidr": "172.20.0.0/16",
        "authentication_mode": "API_AND_CONFIG_MAP",
        "auto_mode": True,
        "tags": {"environment": "dev", "team": "platform"},
        "node_groups": [],
        "fargate_profiles": [],
        "auto_scaling_groups": [],
    }
    assert json.loads(json.dumps(result)) == result


def test_facts_of_node_groups_and_fargate_profiles(aws: AwsServer) -> None:
    make_cluster(aws)
    add_workers(aws, node_groups=2, fargate_profiles=2)
    cluster = info()["cluster"]
    assert [group["name"] for group in cluster["node_groups"]] == ["nodes-00", "nodes-01"]
    group = cluster["node_groups"][0]
    assert group["node_role_arn"] == NODE_ROLE
    assert group["status"] == "ACTIVE"
    assert group["ami_type"] == "AL2023_x86_64_STANDARD"
    assert group["capacity_type"] == "SPOT"
    assert group["instance_types"] == ["m6i.large", "m5.large"]
    assert group["labels"] == {"tier": "app"}
    assert group["taints"] == [{"key": "dedicated", "value": "app", "effect": "NO_SCHEDULE"}]
    assert group["scaling"] == {"min_size": 1, "max_size": 4, "desired_size": 2}
    assert len(group["subnet_ids"]) == 2
    assert len(group["auto_scaling_group_names"]) == 1
    assert [profile["name"] for profile in cluster["fargate_profiles"]] == ["fargate-00", "fargate-01"]
    profile = cluster["fargate_profiles"][0]
    assert profile["pod_execution_role_arn"] == POD_ROLE
    assert profile["selectors"] == [{"namespace": "batch", "labels": {"size": "small"}}]
    assert len(profile["subnet_ids"]) == 1


def test_facts_of_auto_scaling_groups(aws: AwsServer) -> None:
    fixtures = aws.fixtures(["blue", "blue-2"])["clusters"]["blue"]
    managed, spot = info()["cluster"]["auto_scaling_groups"][::-1]
    assert managed["tags"] == {
        "eks:cluster-name": "blue",
        "eks:nodegroup-name": "general",
        "k8s.io/cluster-autoscaler/blue": "owned",
        "k8s.io/cluster-autoscaler/enabled": "true",
        "kubernetes.io/cluster/blue": "owned",
    }
    described = aws.client("autoscaling").describe_auto_scaling_instances()["AutoScalingInstances"]
    members = {
        name: sorted(item["InstanceId"] for item in described if item["AutoScalingGroupName"] == name)
        for name in fixtures["auto_scaling_groups"].values()
    }
    sizes = {key: managed[key] for key in ("min_size", "max_size", "desired_capacity")}
    assert sizes == {"min_size": 3, "max_size": 9, "desired_capacity": 3}
    assert (managed["name"], managed["node_group"]) == (fixtures["auto_scaling_groups"]["general"], "general")
    assert managed["instance_ids"] == members[managed["name"]]
    assert len(managed["instance_ids"]) == 3
    assert spot == {
        "name": "blue-spot",
        "node_group": "",
        "tags": {"CostCenter": "4711", "kubernetes.io/cluster/blue": "owned"},
        "min_size": 1,
        "max_size": 6,
        "desired_capacity": 2,
        "instance_ids": members["blue-spot"],
    }


def test_auto_scaling_groups_are_read_to_the_last_page(aws: AwsServer) -> None:
    aws.fixtures(["blue"])
    aws.settings(page_size=1)
    assert [group["node_group"] for group in info()["cluster"]["auto_scaling_groups"]] == ["", "general"]
    assert counted(aws)[GROUPS] == 2


def test_the_domain_is_that_of_the_partition(aws: AwsServer) -> None:
    make_cluster(aws, region="cn-north-1")
    cluster = run_logic(LOGIC, {**BARE, "region": "cn-north-1"})["cluster"]
    assert (cluster["partition"], cluster["dns_suffix"]) == ("aws-cn", "amazonaws.com.cn")


@pytest.mark.parametrize(
    ("options", "calls"),
    [
        (
            {},
            {
                "eks:DescribeCluster": 1,
                "eks:ListNodegroups": 1,
                "eks:ListFargateProfiles": 1,
                "eks:DescribeNodegroup": 3,
                "eks:DescribeFargateProfile": 2,
                GROUPS: 1,
            },
        ),
        (
            {"node_groups": False},
            {"eks:DescribeCluster": 1, "eks:ListFargateProfiles": 1, "eks:DescribeFargateProfile": 2, GROUPS: 1},
        ),
        (
            {"fargate_profiles": False},
            {"eks:DescribeCluster": 1, "eks:ListNodegroups": 1, "eks:DescribeNodegroup": 3, GROUPS: 1},
        ),
        ({**NOTHING, "auto_scaling_groups": True}, {"eks:DescribeCluster": 1, GROUPS: 1}),
        (NOTHING, {"eks:DescribeCluster": 1}),
        ({**NOTHING, "wait": True}, {"eks:DescribeCluster": 1}),
    ],
)
def test_calls_of_each_path(aws: AwsServer, options: dict[str, Any], calls: dict[str, int]) -> None:
    make_cluster(aws)
    add_workers(aws, node_groups=3, fargate_profiles=2)
    result = info(**options)
    assert counted(aws) == calls
    for key, count in (("node_groups", 3), ("fargate_profiles", 2), ("auto_scaling_groups", 3)):
        assert len(result["cluster"].get(key, [])) == (count if options.get(key, True) else 0)
        assert (key in result["cluster"]) == options.get(key, True)


def test_calls_are_made_side_by_side(aws: AwsServer) -> None:
    make_cluster(aws)
    add_workers(aws, node_groups=4, fargate_profiles=4)
    cluster = run_held(aws, info, 8, "DescribeNodegroup", "DescribeFargateProfile")["cluster"]
    assert (len(cluster["node_groups"]), len(cluster["fargate_profiles"])) == (4, 4)
    run_held(aws, info, 4, "DescribeCluster", "ListNodegroups", "ListFargateProfiles", "DescribeAutoScalingGroups")


def test_check_mode_reads_the_same(aws: AwsServer) -> None:
    make_cluster(aws)
    add_workers(aws)
    assert run_logic(LOGIC, {"cluster": "blue"}, check=True, diff=True) == info()
    assert written(aws) == []


def test_a_node_group_deleted_since_the_listing_is_left_out(aws: AwsServer) -> None:
    make_cluster(aws)
    add_workers(aws, node_groups=2)
    aws.fault(
        "DescribeNodegroup",
        "error",
        code="ResourceNotFoundException",
        status=404,
        match={"nodegroupName": "nodes-00"},
    )
    assert [group["name"] for group in info()["cluster"]["node_groups"]] == ["nodes-01"]


@pytest.mark.parametrize("status", ["CREATING", "FAILED", "DELETING", "UPDATING"])
def test_without_wait_any_status_is_a_fact(aws: AwsServer, status: str) -> None:
    make_cluster(aws)
    aws.cluster("blue", status=status)
    result = info()
    assert result["cluster"]["status"] == status
    assert "failed" not in result


@pytest.mark.parametrize("before", ["CREATING", "PENDING", "UPDATING"])
def test_wait_ends_when_the_cluster_is_active(aws: AwsServer, before: str) -> None:
    make_cluster(aws)
    aws.cluster("blue", status=before)
    with after_reads(aws, 2, status="ACTIVE"):
        result = info(wait=True, wait_sleep=0.05)
    assert result["cluster"]["status"] == "ACTIVE"
    calls = counted(aws)
    assert calls.pop("eks:DescribeCluster") >= 3
    assert calls == {"eks:ListNodegroups": 1, "eks:ListFargateProfiles": 1, GROUPS: 1}


@pytest.mark.parametrize("status", ["FAILED", "DELETING"])
def test_wait_fails_where_waiting_is_hopeless(aws: AwsServer, status: str) -> None:
    make_cluster(aws)
    aws.cluster("blue", status="CREATING")
    health = {"issues": [{"code": "Ec2SubnetNotFound", "message": "subnet-1 is gone", "resourceIds": ["subnet-1"]}]}
    with after_reads(aws, 1, status=status, health=health):
        result = info(wait=True, wait_sleep=0.05)
    assert result["msg"] == (
        f"EKS cluster 'blue' in eu-central-1 is {status} (Ec2SubnetNotFound: subnet-1 is gone) and will not become "
        "ACTIVE by waiting. See the EKS console and CloudTrail for the reason, then create the cluster anew."
    )
    assert result["failed"]
    assert result["status"] == status
    assert result["health_issues"] == [
        {"code": "Ec2SubnetNotFound", "message": "subnet-1 is gone", "resource_ids": ["subnet-1"]}
    ]


def test_wait_ends_at_its_timeout(aws: AwsServer) -> None:
    make_cluster(aws)
    aws.cluster("blue", status="CREATING")
    result = info(wait=True, wait_timeout=0)
    assert result["msg"] == (
        "EKS cluster 'blue' in eu-central-1 is still CREATING after 0 seconds. "
        "Run again, or with a longer wait_timeout."
    )
    assert counted(aws) == {"eks:DescribeCluster": 1}


def test_wait_ends_with_the_task(aws: AwsServer) -> None:
    make_cluster(aws)
    aws.cluster("blue", status="CREATING")
    context = Context()
    params = {"cluster": "blue", "wait": True, "wait_timeout": 1800, "wait_sleep": 600.0}
    params |= {**NOTHING, "region": "eu-central-1", "validate_certs": True}
    results: list[dict[str, Any]] = []
    thread = threading.Thread(target=lambda: results.append(execute(LOGIC, params, context)))
    thread.start()
    wait_until(lambda: aws.calls("DescribeCluster"), "the first read")
    context.cancelled.set()
    thread.join(PATIENCE)
    assert results[0]["msg"] == "eks:DescribeCluster was not called: the task was ended before."


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ({"wait_timeout": -1}, "wait_timeout is -1: give a number of seconds that is not negative."),
        ({"wait_sleep": 0}, "wait_sleep is 0: give a number of seconds greater than 0."),
        ({"wait_sleep": "nan"}, "wait_sleep is nan: give a number of seconds greater than 0."),
        ({"cluster": "arn:aws:eks:eu-central-1:123456789012:cluster/blue"}, "Give the name, not the ARN."),
        ({"cluster": ""}, "'' is not an EKS cluster name"),
        ({"cluster": "../blue"}, "'../blue' is not an EKS cluster name"),
    ],
)
def test_bad_options_are_refused_before_any_call(aws: AwsServer, option: dict[str, Any], message: str) -> None:
    result = info(**{"wait": True, **option})
    assert result["failed"]
    assert message in result["msg"]
    assert aws.calls() == []


def test_an_unknown_cluster_is_named_with_those_that_exist(aws: AwsServer) -> None:
    make_cluster(aws, "green")
    make_cluster(aws, "blue-2")
    result = info()
    assert result["msg"] == (
        "There is no EKS cluster 'blue' in eu-central-1; the clusters there are: blue-2, green. "
        "Check the name, the region and the AWS account."
    )
    assert info(wait=True)["msg"] == result["msg"]


@pytest.mark.parametrize(
    "action",
    [
        "eks:DescribeCluster",
        "eks:ListNodegroups",
        "eks:ListFargateProfiles",
        "eks:DescribeNodegroup",
        "eks:DescribeFargateProfile",
        GROUPS,
    ],
)
def test_denied_on_each_call(aws: AwsServer, action: str) -> None:
    make_cluster(aws)
    add_workers(aws)
    aws.fault(action.partition(":")[2], "deny", times=None)
    result = info()
    assert result["failed"]
    assert result["msg"].startswith(f"{action} failed: AccessDenied")
    assert f"The AWS identity of this task may not call {action}: add the action to its policy" in result["msg"]
    assert result["error"]["action"] == action


def test_throttling_is_waited_out(aws: AwsServer) -> None:
    make_cluster(aws)
    aws.fault("DescribeCluster", "throttle", times=2)
    assert run_logic(LOGIC, BARE)["cluster"]["name"] == "blue"
    assert counted(aws) == {"eks:DescribeCluster": 3}
