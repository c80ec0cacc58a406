# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""node_ports_info against the AWS server: what it reads, how often, and what it says."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.ekspress.eks.plugins.module_utils import _node_ports_info
from ansible_collections.ekspress.eks.plugins.module_utils._node_ports_info import LOGIC
from ansible_collections.ekspress.eks.tests.integration.eks_clusters import counted, make_cluster, written
from ansible_collections.ekspress.eks.tests.integration.eks_nodes import add_group, add_node, from_group, tcp
from ansible_collections.ekspress.eks.tests.support import run_held, run_logic

from sandbox.aws.client import AwsServer

READS = {"eks:DescribeCluster": 1, "ec2:DescribeInstances": 1, "ec2:DescribeSecurityGroups": 1}


class Ground:
    """A cluster, and what its nodes are made of."""

    def __init__(self, aws: AwsServer, **more: Any) -> None:
        self.aws = aws
        self.network = make_cluster(aws, **more)["resourcesVpcConfig"]
        self.own: str = self.network["clusterSecurityGroupId"]
        self.subnet: str = self.network["subnetIds"][0]

    def group(self, name: str, *permissions: dict[str, Any]) -> str:
        return add_group(self.aws, name, self.network["vpcId"], *permissions)

    def node(self, *interfaces: list[str], cluster: str = "blue", **more: Any) -> str:
        return add_node(self.aws, cluster, self.subnet, *interfaces, **more)

    def ports(self, *ports: int, check: bool = False, **options: Any) -> dict[str, Any]:
        self.aws.clear_calls()
        return run_logic(LOGIC, {"cluster": "blue", "ports": list(ports or (9443,)), **options}, check=check)


def test_nodes_with_the_cluster_security_group_are_reached(aws: AwsServer) -> None:
    ground = Ground(aws)
    node = ground.node([ground.own])
    result = ground.ports(9443, 10250, when_blocked="fail")
    assert result == {
        "changed": False,
        "cluster_security_group_id": ground.own,
        "control_plane_security_group_ids": [ground.own],
        "nodes": [
            {
                "security_group_ids": [ground.own],
                "instance_ids": [node],
                "reachable": [9443, 10250],
                "blocked": [],
                "unknown": [],
                "reasons": {},
            }
        ],
        "blocked_on_all_nodes": [],
        "missing_rules": [],
    }
    assert json.loads(json.dumps(result)) == result
    assert counted(aws) == READS


def test_nodes_with_groups_of_their_own_are_judged_by_them(aws: AwsServer) -> None:
    ground = Ground(aws)
    opened = ground.group("opened", tcp(9443, UserIdGroupPairs=from_group(ground.own)))
    closed = ground.group("closed", tcp(10250, UserIdGroupPairs=from_group(ground.own)))
    first, second = sorted([ground.node([closed]), ground.node([closed])])
    ground.node([opened])
    result = ground.ports(9443)
    by_groups = {tuple(nodes["security_group_ids"]): nodes for nodes in result["nodes"]}
    assert by_groups[(opened,)]["reachable"] == [9443]
    assert by_groups[(closed,)] == {
        "security_group_ids": [closed],
        "instance_ids": [first, second],
        "reachable": [],
        "blocked": [9443],
        "unknown": [],
        "reasons": {"9443": f"no rule of {closed} lets it in from {ground.own}"},
    }
    assert result["blocked_on_all_nodes"] == []
    assert result["missing_rules"] == [
        {
            "group_id": closed,
            "is_egress": False,
            "ip_protocol": "tcp",
            "from_port": 9443,
            "to_port": 9443,
            "referenced_group_id": ground.own,
        }
    ]
    assert counted(aws) == READS
    assert "warnings" not in result


def test_addresses_are_held_to_the_subnets_of_the_control_plane(aws: AwsServer) -> None:
    ground = Ground(aws)
    described = aws.client("ec2").describe_subnets(SubnetIds=ground.network["subnetIds"])["Subnets"]
    cidrs = [{"CidrIp": subnet["CidrBlock"]} for subnet in described]
    ground.node([ground.group("all", tcp(9443, IpRanges=cidrs))])
    assert ground.ports()["nodes"][0]["reachable"] == [9443]
    assert counted(aws) == {**READS, "ec2:DescribeSubnets": 1}
    ground.node([ground.group("some", tcp(9443, IpRanges=cidrs[:1]))])
    unknown = [nodes for nodes in ground.ports()["nodes"] if nodes["unknown"]]
    subnets = ", ".join(sorted(ground.network["subnetIds"]))
    assert [nodes["reasons"]["9443"] for nodes in unknown] == [f"a rule has some addresses of {subnets}, not all"]


def test_what_is_not_read_is_unknown(aws: AwsServer) -> None:
    ground = Ground(aws)
    ec2 = aws.client("ec2")
    entries = {"PrefixListName": "offices", "MaxEntries": 1, "AddressFamily": "IPv4"}
    listed = ec2.create_managed_prefix_list(**entries)["PrefixList"]["PrefixListId"]
    ground.node([ground.group("listed", tcp(9443, PrefixListIds=[{"PrefixListId": listed}]))])
    result = ground.ports(when_blocked="fail")
    assert result["nodes"][0]["unknown"] == [9443]
    assert len(result["warnings"]) == 1
    assert f"may not reach TCP port 9443 of {result['nodes'][0]['instance_ids'][0]}" in result["warnings"][0]
    assert f"a rule has the prefix list {listed}, which is not read" in result["warnings"][0]


def test_a_control_plane_that_may_not_get_out(aws: AwsServer) -> None:
    ground = Ground(aws)
    ec2 = aws.client("ec2")
    (group,) = ec2.describe_security_groups(GroupIds=[ground.own])["SecurityGroups"]
    ec2.revoke_security_group_egress(GroupId=ground.own, IpPermissions=group["IpPermissionsEgress"])
    node = ground.group("node", tcp(9443, UserIdGroupPairs=from_group(ground.own)))
    ground.node([node])
    result = ground.ports(when_blocked="fail")
    assert result["failed"]
    assert f"no rule of {ground.own} lets it out to {node}." in result["msg"]
    assert f"Add an egress rule (ec2:AuthorizeSecurityGroupEgress) to GroupId {ground.own}: " in result["msg"]
    assert result["missing_rules"][0]["is_egress"]


def test_nodes_are_those_of_the_cluster_that_live(aws: AwsServer) -> None:
    ground = Ground(aws)
    living = ground.node([ground.own])
    ended = ground.node([ground.own])
    stopped = ground.node([ground.own])
    ground.node([ground.own], cluster="green")
    ground.node([ground.own], tag="team/{}")
    ec2 = aws.client("ec2")
    ec2.terminate_instances(InstanceIds=[ended])
    ec2.stop_instances(InstanceIds=[stopped])
    assert [nodes["instance_ids"] for nodes in ground.ports()["nodes"]] == [[living]]


def test_interfaces_of_custom_networking_count(aws: AwsServer) -> None:
    ground = Ground(aws)
    ground.node([ground.own], [ground.group("pods")])
    result = ground.ports(when_blocked="fail")
    assert result["nodes"][0]["unknown"] == [9443]
    assert "it is not the same for all network interfaces" in result["warnings"][0]


def test_a_cluster_without_nodes_has_nothing_blocked(aws: AwsServer) -> None:
    ground = Ground(aws)
    result = ground.ports(when_blocked="fail")
    assert (result["nodes"], result["blocked_on_all_nodes"], result["missing_rules"]) == ([], [], [])
    assert counted(aws) == {"eks:DescribeCluster": 1, "ec2:DescribeInstances": 1}


def test_all_pages_are_read(aws: AwsServer) -> None:
    ground = Ground(aws)
    nodes = [ground.node([ground.group(f"group-{number}")]) for number in range(3)]
    aws.settings(page_size=1)
    result = ground.ports()
    assert sorted(name for found in result["nodes"] for name in found["instance_ids"]) == sorted(nodes)
    assert counted(aws)["ec2:DescribeInstances"] == 3
    assert counted(aws)["ec2:DescribeSecurityGroups"] == 4
    assert "was not found" not in json.dumps(result)


def test_more_groups_than_a_filter_takes_are_read_in_parts(aws: AwsServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_node_ports_info, "EC2_FILTER_VALUES", 2)
    ground = Ground(aws)
    for number in range(4):
        ground.node([ground.group(f"group-{number}")])
    result = run_held(aws, ground.ports, 3, "DescribeSecurityGroups")
    assert counted(aws) == {**READS, "ec2:DescribeSecurityGroups": 3}
    assert [nodes["blocked"] for nodes in result["nodes"]] == [[9443]] * 4


def test_the_first_reads_are_made_side_by_side(aws: AwsServer) -> None:
    ground = Ground(aws)
    ground.node([ground.own])
    result = run_held(aws, ground.ports, 2, "DescribeCluster", "DescribeInstances")
    assert result["nodes"][0]["reachable"] == [9443]


def test_a_port_that_no_node_opens_fails_where_asked_to(aws: AwsServer) -> None:
    ground = Ground(aws)
    closed, other = sorted([ground.group("closed"), ground.group("other")])
    several = sorted(ground.node([closed]) for _ in range(5))
    one = ground.node([other])
    result = ground.ports(9443, when_blocked="fail")
    assert result["failed"]
    assert result["msg"] == (
        "The control plane of EKS cluster 'blue' cannot reach TCP port 9443 of any of its 6 nodes. "
        f"{', '.join(several[:3])} and 2 more ({closed}): no rule of {closed} lets it in from {ground.own}. "
        f"{one} ({other}): no rule of {other} lets it in from {ground.own}. "
        f"Add an ingress rule (ec2:AuthorizeSecurityGroupIngress) to GroupId {closed}: IpProtocol tcp, FromPort 9443, "
        f"ToPort 9443, UserIdGroupPairs GroupId {ground.own}. "
        f"Add an ingress rule (ec2:AuthorizeSecurityGroupIngress) to GroupId {other}: IpProtocol tcp, FromPort 9443, "
        f"ToPort 9443, UserIdGroupPairs GroupId {ground.own}."
    )
    assert result["blocked_on_all_nodes"] == [9443]
    assert [rule["group_id"] for rule in result["missing_rules"]] == [closed, other]
    assert written(aws) == []
    ignored = ground.ports(9443)
    assert "failed" not in ignored
    assert "warnings" not in ignored
    assert ignored["blocked_on_all_nodes"] == [9443]
    warned = ground.ports(9443, when_blocked="warn")
    assert "failed" not in warned
    assert len(warned["warnings"]) == 2


def test_a_port_that_some_nodes_open_is_warned_of(aws: AwsServer) -> None:
    ground = Ground(aws)
    closed = ground.group("closed")
    ground.node([ground.own])
    node = ground.node([closed])
    result = ground.ports(when_blocked="fail")
    assert "failed" not in result
    assert result["warnings"] == [
        f"The control plane of EKS cluster 'blue' cannot reach TCP port 9443 of {node} ({closed}): no rule of {closed} "
        f"lets it in from {ground.own}. Add an ingress rule (ec2:AuthorizeSecurityGroupIngress) to GroupId {closed}: "
        f"IpProtocol tcp, FromPort 9443, ToPort 9443, UserIdGroupPairs GroupId {ground.own}."
    ]


def test_check_mode_reads_the_same(aws: AwsServer) -> None:
    ground = Ground(aws)
    ground.node([ground.group("closed")])
    assert ground.ports(check=True, when_blocked="warn") == ground.ports(when_blocked="warn")
    assert written(aws) == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"ports": []}, "ports is empty: give at least one TCP port."),
        ({"ports": [9443, 0]}, "ports has 0: a TCP port is a number from 1 to 65535."),
        ({"ports": [65536]}, "ports has 65536: a TCP port is a number from 1 to 65535."),
        ({"ports": ["https"]}, "https"),
        ({"cluster": "../blue"}, "'../blue' is not an EKS cluster name"),
        ({"when_blocked": "cry"}, "when_blocked"),
    ],
)
def test_bad_options_are_refused_before_any_call(aws: AwsServer, options: dict[str, Any], message: str) -> None:
    result = run_logic(LOGIC, {"cluster": "blue", "ports": [9443], **options})
    assert result["failed"]
    assert message in result["msg"]
    assert aws.calls() == []


def test_an_unknown_cluster_is_named_with_those_that_exist(aws: AwsServer) -> None:
    make_cluster(aws, "green")
    result = run_logic(LOGIC, {"cluster": "blue", "ports": [9443]})
    assert "There is no EKS cluster 'blue' in eu-central-1; the clusters there are: green." in result["msg"]


@pytest.mark.parametrize(
    "action", ["eks:DescribeCluster", "ec2:DescribeInstances", "ec2:DescribeSecurityGroups", "ec2:DescribeSubnets"]
)
def test_denied_on_each_call(aws: AwsServer, action: str) -> None:
    ground = Ground(aws)
    ground.node([ground.group("addresses", tcp(9443, IpRanges=[{"CidrIp": "10.0.0.0/8"}]))])
    aws.fault(action.partition(":")[2], "deny", times=None)
    result = ground.ports()
    assert result["failed"]
    assert f"The AWS identity of this task may not call {action}: add the action to its policy" in result["msg"]


def test_throttling_is_waited_out(aws: AwsServer) -> None:
    ground = Ground(aws)
    ground.node([ground.own])
    aws.fault("DescribeSecurityGroups", "throttle", times=2)
    assert ground.ports()["nodes"][0]["reachable"] == [9443]
    assert counted(aws)["ec2:DescribeSecurityGroups"] == 3
