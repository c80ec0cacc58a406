# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What the role alb_controller checks before anything is changed, on clusters of the AWS server, in one run."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from ansible_collections.ekspress.eks.tests.integration.eks_clusters import ACCOUNT, make_cluster, written
from ansible_collections.ekspress.eks.tests.integration.eks_nodes import add_group, add_node, from_group, tcp

from sandbox.aws.client import AwsServer
from tests.contract_suite.runs import WAYS, Playground, Run

CHECK = "ekspress.eks.addon : Check that the control plane reaches the nodes"
TAGS = "ekspress.eks.addon : Refuse what cannot work"
DONE = "The specification"

CLUSTERS: dict[str, dict[str, Any]] = {
    "open": {},
    "closed": {},
    "mixed": {},
    "other-port": {"alb_controller_values": {"webhookBindPort": 10260}},
    "unchecked": {"alb_controller_check_security_groups": False},
    "absent": {"alb_controller_state": "absent"},
    "fargate": {},
    "other-pods-on-fargate": {},
    "comma": {"alb_controller_tags": {"team": "a,b"}},
    "tracked": {"alb_controller_tags": {"elbv2.k8s.aws/cluster": "x", "cost-centre": 4711}},
    "tagged": {"alb_controller_tags": {"team": "a=b", "cost-centre": 4711, "k8s.aws/stack": ""}},
}
"""Variables of each cluster's host."""
OF_ITS_OWN = ("open", "tagged", "comma", "tracked")
"""Clusters whose nodes have the cluster security group."""


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Run, dict[str, str], list[str]]]:
    """The role's specification made for all clusters; the run, the groups of their nodes, the writes that were seen."""
    with AwsServer() as aws:
        groups = {name: furnish(aws, name) for name in CLUSTERS}
        aws.clear_calls()
        ground = Playground(tmp_path_factory.mktemp("role") / "ground", aws.environment)
        role = {"name": "ekspress.eks.alb_controller", "tasks_from": "spec", "public": True}
        tasks = [
            {"ansible.builtin.include_role": role},
            {
                "ansible.builtin.include_role": {"name": "ekspress.eks.addon", "tasks_from": "preflight"},
                "vars": {"addon_specs": ["{{ __alb_controller_spec }}"]},
            },
            {"name": DONE, "ansible.builtin.debug": {"var": "__alb_controller_spec.releases"}},
        ]
        interpreter = {"ansible_python_interpreter": ground.interpreter(WAYS[0])}
        hosts = {name: {**variables, **interpreter} for name, variables in CLUSTERS.items()}
        run = ground.run([{"hosts": "all", "gather_facts": False, "tasks": tasks}], hosts)
        yield run, groups, written(aws)


def furnish(aws: AwsServer, name: str) -> str:
    """Make a cluster with a node; return the node's security group."""
    network = make_cluster(aws, name)["resourcesVpcConfig"]
    own: str = network["clusterSecurityGroupId"]
    subnet, vpc_id = network["subnetIds"][0], network["vpcId"]
    rule = tcp(10260, UserIdGroupPairs=from_group(own))
    group = own if name in OF_ITS_OWN else add_group(aws, name, vpc_id, rule)
    add_node(aws, name, subnet, [group])
    if name == "mixed":
        add_node(aws, name, subnet, [own])
    if "fargate" in name:
        labels = {"k8s-app": "kube-dns"} if name == "other-pods-on-fargate" else {}
        aws.client("eks").create_fargate_profile(
            clusterName=name,
            fargateProfileName="system",
            podExecutionRoleArn=f"arn:aws:iam::{ACCOUNT}:role/fargate",
            subnets=[subnet],
            selectors=[{"namespace": "kube-*", "labels": labels}],
        )
    return group


def failed(run: Run, task: str, cluster: str) -> bool:
    (record,) = [record for record in run.records if (record["task"], record["host"]) == (task, cluster)]
    return bool(record["kind"] == "failed")


def test_a_cluster_whose_nodes_let_the_control_plane_in_is_specified(done: tuple[Run, Any, Any]) -> None:
    result = done[0].result(CHECK, "open")
    assert not failed(done[0], CHECK, "open")
    assert "warnings" not in result
    assert [nodes["reachable"] for nodes in result["nodes"]] == [[9443]]
    assert done[0].results(DONE, "open")


@pytest.mark.parametrize("cluster", ["closed", "other-pods-on-fargate"])
def test_a_cluster_whose_nodes_do_not_is_refused_with_the_rule_to_add(
    done: tuple[Run, dict[str, str], list[str]], cluster: str
) -> None:
    run, groups, writes = done
    result = run.result(CHECK, cluster)
    assert failed(run, CHECK, cluster)
    source = result["cluster_security_group_id"]
    assert f"cannot reach TCP port 9443 of any of its 1 nodes. {result['nodes'][0]['instance_ids'][0]}" in result["msg"]
    assert f"no rule of {groups[cluster]} lets it in from {source}." in result["msg"]
    assert (
        f"Add an ingress rule (ec2:AuthorizeSecurityGroupIngress) to GroupId {groups[cluster]}: IpProtocol tcp, "
        f"FromPort 9443, ToPort 9443, UserIdGroupPairs GroupId {source}."
    ) in result["msg"]
    assert run.results(DONE, cluster) == []
    assert writes == []


def test_a_cluster_of_which_some_nodes_do_is_specified_with_a_warning(done: tuple[Run, dict[str, str], Any]) -> None:
    run, groups, _writes = done
    result = run.result(CHECK, "mixed")
    assert not failed(run, CHECK, "mixed")
    (warning,) = result["warnings"]
    assert f"({groups['mixed']}): no rule of {groups['mixed']} lets it in from" in warning
    assert "[WARNING]: The control plane of EKS cluster 'mixed' cannot reach TCP port 9443 of" in run.output
    assert run.results(DONE, "mixed")


def test_the_port_is_the_one_that_the_webhook_binds(done: tuple[Run, Any, Any]) -> None:
    result = done[0].result(CHECK, "other-port")
    assert [nodes["reachable"] for nodes in result["nodes"]] == [[10260]]


@pytest.mark.parametrize("cluster", ["unchecked", "absent", "fargate"])
def test_nothing_is_checked_where_nothing_is_to_be_reached(done: tuple[Run, Any, Any], cluster: str) -> None:
    assert done[0].results(CHECK, cluster) == []
    assert done[0].results(DONE, cluster)


@pytest.mark.parametrize(("cluster", "said"), [("comma", "a,b"), ("tracked", "elbv2.k8s.aws/cluster")])
def test_tags_on_which_the_controller_would_end_are_refused(
    done: tuple[Run, Any, Any], cluster: str, said: str
) -> None:
    result = done[0].result(TAGS, cluster)
    assert failed(done[0], TAGS, cluster)
    assert f"alb_controller_tags has {said}: the controller would not start with it" in result["msg"]
    assert done[0].results(DONE, cluster) == []


def test_other_tags_are_taken(done: tuple[Run, Any, Any]) -> None:
    (release,) = done[0].result(DONE, "tagged")["__alb_controller_spec.releases"]
    assert release["values"]["defaultTags"] == {"team": "a=b", "cost-centre": 4711, "k8s.aws/stack": ""}
    assert release["values"]["enableServiceMutatorWebhook"] is False
