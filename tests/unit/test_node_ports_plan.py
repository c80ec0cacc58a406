# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Which ports of nodes are reached: each kind of rule, and all of them against a packet-by-packet judgement."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import product
from typing import Any

import pytest
from ansible_collections.ekspress.eks.plugins.module_utils import _node_ports_model as model
from ansible_collections.ekspress.eks.plugins.module_utils._node_ports_plan import MissingRule, Plan, Subnets, make
from hypothesis import given
from hypothesis import strategies as st

CLUSTER, ADDITIONAL, NODE, OTHER = "sg-cluster", "sg-additional", "sg-node", "sg-other"
PORT = 9443
EVERYTHING_OUT = {"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}], "Ipv6Ranges": [{"CidrIpv6": "::/0"}]}
SUBNETS = {
    "subnet-a": [model.block("10.0.0.0/24")],
    "subnet-b": [model.block("10.0.1.0/24")],
    "subnet-node": [model.block("10.0.2.0/24")],
}
INTO_NODE = MissingRule(NODE, False, PORT, CLUSTER)


def tcp(first: int = PORT, last: int | None = None, protocol: str = "tcp", **sides: Any) -> dict[str, Any]:
    """A permission as EC2 describes it; ``groups``, ``cidrs`` and ``lists`` are those on the other side."""
    cidrs = sides.get("cidrs", [])
    return {
        "IpProtocol": protocol,
        "FromPort": first,
        "ToPort": first if last is None else last,
        "UserIdGroupPairs": [{"GroupId": group_id, "UserId": "1"} for group_id in sides.get("groups", [])],
        "IpRanges": [{"CidrIp": cidr} for cidr in cidrs if ":" not in cidr],
        "Ipv6Ranges": [{"CidrIpv6": cidr} for cidr in cidrs if ":" in cidr],
        "PrefixListIds": [{"PrefixListId": found} for found in sides.get("lists", [])],
    }


def all_traffic(**sides: Any) -> dict[str, Any]:
    described = tcp(protocol="-1", **sides)
    del described["FromPort"], described["ToPort"]
    return described


def group(group_id: str, *ingress: dict[str, Any], egress: Iterable[dict[str, Any]] = (EVERYTHING_OUT,)) -> Any:
    return model.security_group(
        {"GroupId": group_id, "IpPermissions": list(ingress), "IpPermissionsEgress": list(egress)}
    )


def instance(number: int = 1, *interfaces: tuple[str, ...], subnet_id: str = "subnet-node") -> model.Node:
    described = [
        {"SubnetId": subnet_id, "Groups": [{"GroupId": group_id} for group_id in groups]}
        for groups in interfaces or ((NODE,),)
    ]
    return model.node({"InstanceId": f"i-{number}", "NetworkInterfaces": described})


def plane(family: str = "ipv4", **network: Any) -> model.ControlPlane:
    vpc = {
        "clusterSecurityGroupId": CLUSTER,
        "securityGroupIds": [ADDITIONAL],
        "subnetIds": ["subnet-a", "subnet-b"],
        **network,
    }
    return model.control_plane("blue", {"resourcesVpcConfig": vpc, "kubernetesNetworkConfig": {"ipFamily": family}})


def judge(
    *groups: Any,
    nodes: Iterable[model.Node] = (instance(),),
    ports: Iterable[int] = (PORT,),
    subnets: Subnets | None = None,
    of: model.ControlPlane | None = None,
) -> Plan:
    known = {CLUSTER: group(CLUSTER), ADDITIONAL: group(ADDITIONAL), **{item.group_id: item for item in groups}}
    return make(of or plane(), nodes, known, ports, SUBNETS if subnets is None else subnets)


def state(*groups: Any, **more: Any) -> str:
    (nodes,) = judge(*groups, **more).sets
    return nodes.verdicts[PORT].state


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ([], "blocked"),
        ([tcp(groups=[CLUSTER])], "reachable"),
        ([tcp(groups=[ADDITIONAL])], "reachable"),
        ([tcp(protocol="6", groups=[CLUSTER])], "reachable"),
        ([all_traffic(groups=[CLUSTER])], "reachable"),
        ([tcp(1025, 65535, groups=[CLUSTER])], "reachable"),
        ([tcp(PORT, 9500, groups=[OTHER, CLUSTER])], "reachable"),
        ([tcp(9000, PORT, groups=[CLUSTER])], "reachable"),
        ([tcp(9444, 9500, groups=[CLUSTER])], "blocked"),
        ([tcp(443, 9442, groups=[CLUSTER])], "blocked"),
        ([tcp(protocol="udp", groups=[CLUSTER])], "blocked"),
        ([tcp(-1, -1, protocol="icmp", groups=[CLUSTER])], "blocked"),
        ([tcp(groups=[NODE, OTHER])], "blocked"),
        ([tcp(cidrs=["10.0.0.0/16"])], "reachable"),
        ([tcp(cidrs=["0.0.0.0/0"])], "reachable"),
        ([tcp(cidrs=["0.0.0.0/1"]), tcp(cidrs=["128.0.0.0/1"])], "reachable"),
        ([tcp(cidrs=["10.0.0.0/24", "10.0.1.0/24"])], "reachable"),
        ([tcp(cidrs=["10.0.0.0/24"]), tcp(9000, 9999, cidrs=["10.0.1.0/24"])], "reachable"),
        ([tcp(cidrs=["10.0.0.0/25", "10.0.0.128/25", "10.0.1.0/24"])], "reachable"),
        ([tcp(cidrs=["10.0.0.0/24"])], "unknown"),
        ([tcp(cidrs=["10.0.0.0/24"]), tcp(443, cidrs=["10.0.1.0/24"])], "unknown"),
        ([tcp(cidrs=["10.0.1.7/32"])], "unknown"),
        ([tcp(cidrs=["10.0.2.0/24", "192.168.0.0/16"])], "blocked"),
        ([tcp(cidrs=["::/0"])], "blocked"),
        ([tcp(lists=["pl-1"])], "unknown"),
        ([tcp(443, lists=["pl-1"])], "blocked"),
        ([tcp(lists=["pl-1"], groups=[CLUSTER])], "reachable"),
    ],
)
def test_what_lets_the_control_plane_in(rules: list[dict[str, Any]], expected: str) -> None:
    assert state(group(NODE, *rules)) == expected


@pytest.mark.parametrize(
    ("cidrs", "expected"),
    [
        (["::/0"], "reachable"),
        (["2001:db8::/56"], "reachable"),
        (["2001:db8:0:1::/64"], "unknown"),
        (["0.0.0.0/0"], "blocked"),
        (["2001:db8:1::/56"], "blocked"),
    ],
)
def test_a_cluster_of_ipv6_is_judged_by_its_addresses_of_ipv6(cidrs: list[str], expected: str) -> None:
    described = {"CidrBlock": "10.0.0.0/24", "Ipv6CidrBlockAssociationSet": []}
    blocks = {
        subnet_id: model.subnet_blocks(
            {
                **described,
                "Ipv6CidrBlockAssociationSet": [
                    {"Ipv6CidrBlock": "2001:db8:ffff::/64", "Ipv6CidrBlockState": {"State": "disassociated"}},
                    {"Ipv6CidrBlock": f"2001:db8:0:{number}::/64", "Ipv6CidrBlockState": {"State": "associated"}},
                ],
            },
            6,
        )
        for number, subnet_id in enumerate(["subnet-a", "subnet-b"], 1)
    }
    assert state(group(NODE, tcp(cidrs=cidrs)), of=plane("ipv6"), subnets=blocks) == expected


def test_the_cluster_security_group_reaches_itself_by_its_own_rule_alone() -> None:
    nodes = [instance(1, (CLUSTER,))]
    assert state(group(CLUSTER, all_traffic(groups=[CLUSTER])), nodes=nodes) == "reachable"
    plan = judge(group(CLUSTER), nodes=nodes)
    assert plan.missing == [MissingRule(CLUSTER, False, PORT, CLUSTER)]


def test_one_of_several_groups_is_enough() -> None:
    nodes = [instance(1, (NODE, OTHER))]
    assert state(group(NODE), group(OTHER, tcp(groups=[CLUSTER])), nodes=nodes) == "reachable"


def test_a_group_that_was_not_found_makes_unknown_what_the_others_do_not_open() -> None:
    nodes = [instance(1, (NODE, OTHER))]
    assert state(group(NODE, tcp(groups=[CLUSTER])), nodes=nodes) == "reachable"
    plan = judge(group(NODE), nodes=nodes)
    assert plan.sets[0].verdicts[PORT].reasons == (f"{OTHER} was not found",)
    assert plan.sets[0].ports("unknown") == [PORT]
    assert plan.missing == []


@pytest.mark.parametrize(
    ("egress", "expected"),
    [
        ([tcp(groups=[NODE])], "reachable"),
        ([all_traffic(groups=[CLUSTER])], "blocked"),
        ([tcp(10250, groups=[NODE])], "blocked"),
        ([tcp(cidrs=["10.0.2.0/24"])], "reachable"),
        ([tcp(cidrs=["10.0.0.0/24"])], "blocked"),
        ([tcp(cidrs=["10.0.2.128/25"])], "unknown"),
        ([], "blocked"),
    ],
)
def test_what_lets_the_control_plane_out(egress: list[dict[str, Any]], expected: str) -> None:
    groups = [group(CLUSTER, egress=egress), group(ADDITIONAL, egress=[]), group(NODE, tcp(groups=[CLUSTER]))]
    plan = judge(*groups)
    assert plan.sets[0].verdicts[PORT].state == expected
    assert plan.missing == ([MissingRule(CLUSTER, True, PORT, NODE)] if expected == "blocked" else [])


def test_what_is_closed_on_both_sides_needs_two_rules() -> None:
    plan = judge(group(CLUSTER, egress=[]), group(ADDITIONAL, egress=[]), group(NODE))
    assert plan.missing == [MissingRule(CLUSTER, True, PORT, NODE), INTO_NODE]
    assert plan.sets[0].verdicts[PORT].reasons == (
        f"no rule of {NODE} lets it in from {ADDITIONAL}, {CLUSTER}",
        f"no rule of {ADDITIONAL}, {CLUSTER} lets it out to {NODE}",
    )


def test_interfaces_that_are_not_alike_make_a_node_unknown() -> None:
    groups = [group(NODE, tcp(groups=[CLUSTER])), group(OTHER)]
    plan = judge(*groups, nodes=[instance(1, (NODE,), (OTHER,))])
    (nodes,) = plan.sets
    assert nodes.group_ids == (NODE, OTHER)
    assert nodes.verdicts[PORT].state == "unknown"
    assert nodes.verdicts[PORT].reasons[0] == "it is not the same for all network interfaces"
    assert plan.missing == [MissingRule(OTHER, False, PORT, CLUSTER)]
    assert state(*groups, nodes=[instance(1, (NODE,), (NODE, OTHER))]) == "reachable"


def test_an_interface_without_address_does_not_count_and_one_not_yet_shown_is_the_instances() -> None:
    described = {
        "InstanceId": "i-1",
        "SubnetId": "subnet-node",
        "SecurityGroups": [{"GroupId": NODE}],
        "NetworkInterfaces": [{"InterfaceType": "efa-only", "SubnetId": "subnet-a", "Groups": [{"GroupId": OTHER}]}],
    }
    assert model.node(described).interfaces == {model.Interface(frozenset({NODE}), "subnet-node")}


def test_nodes_are_told_by_their_groups_and_a_port_is_closed_only_where_all_close_it() -> None:
    nodes = [instance(3), instance(1, (CLUSTER,)), instance(2), instance(4, (CLUSTER,), subnet_id="subnet-a")]
    groups = [group(CLUSTER, all_traffic(groups=[CLUSTER])), group(NODE, tcp(10250, groups=[CLUSTER]))]
    plan = judge(*groups, nodes=nodes, ports=[PORT, 10250, PORT])
    assert [(item.group_ids, item.instance_ids) for item in plan.sets] == [
        ((CLUSTER,), ("i-1", "i-4")),
        ((NODE,), ("i-2", "i-3")),
    ]
    assert [item.ports("reachable") for item in plan.sets] == [[PORT, 10250], [10250]]
    assert plan.sets[1].ports("blocked") == [PORT]
    assert plan.blocked_everywhere == []
    assert plan.missing == [INTO_NODE]
    assert judge(*groups, nodes=nodes[::2], ports=[PORT, 10250]).blocked_everywhere == [PORT]


def test_no_nodes_have_nothing_blocked() -> None:
    plan = judge(nodes=[])
    assert (plan.sets, plan.blocked_everywhere, plan.missing) == ((), [], [])


@pytest.mark.parametrize(
    ("node_rules", "plane_egress", "wanted"),
    [
        ([tcp(groups=[CLUSTER])], [EVERYTHING_OUT], set()),
        ([tcp(cidrs=["0.0.0.0/0"])], [EVERYTHING_OUT], set()),
        ([tcp(groups=[CLUSTER]), tcp(cidrs=["10.0.0.0/16"])], [EVERYTHING_OUT], set()),
        ([tcp(443, cidrs=["10.0.0.0/16"])], [EVERYTHING_OUT], set()),
        ([tcp(cidrs=["2001:db8::/32"])], [EVERYTHING_OUT], set()),
        ([tcp(cidrs=["10.0.0.0/16"])], [], set()),
        ([tcp(cidrs=["10.0.0.0/16"])], [EVERYTHING_OUT], {"subnet-a", "subnet-b"}),
        ([tcp(groups=[CLUSTER])], [tcp(cidrs=["10.0.0.0/16"])], {"subnet-node"}),
    ],
)
def test_subnets_are_asked_for_where_they_decide(
    node_rules: list[dict[str, Any]], plane_egress: list[dict[str, Any]], wanted: set[str]
) -> None:
    groups = [
        group(CLUSTER, egress=plane_egress),
        group(ADDITIONAL, egress=plane_egress),
        group(NODE, *node_rules),
    ]
    assert judge(*groups, subnets={}).subnet_ids == wanted
    assert judge(*groups).subnet_ids == set()


def test_a_subnet_that_was_not_found_is_not_asked_for_again() -> None:
    plan = judge(group(NODE, tcp(cidrs=["10.0.0.0/16"])), subnets={"subnet-a": SUBNETS["subnet-a"]})
    assert plan.sets[0].verdicts[PORT].reasons == ("the addresses of subnet-b are not known",)


def test_a_cluster_without_a_security_group_of_its_own_is_told_by_the_additional_one() -> None:
    old = plane(clusterSecurityGroupId=None)
    assert judge(group(NODE), of=old).missing == [MissingRule(NODE, False, PORT, ADDITIONAL)]


PORTS = [1, 2, 3]
FEW = ["10.0.0.0/30", "10.0.0.4/30", "10.0.0.8/30"]
"""The subnets of the examples: so few addresses that each packet can be tried."""
BLOCKS = {name: [model.block(cidr)] for name, cidr in zip(["subnet-a", "subnet-b", "subnet-node"], FEW, strict=True)}
CIDRS = [*FEW, "10.0.0.0/29", "10.0.0.2/31", "10.0.0.6/32", "10.0.0.0/28", "0.0.0.0/0", "192.168.0.0/16", "::/0"]
GROUPS = [CLUSTER, ADDITIONAL, NODE, OTHER]

some_rules = st.lists(
    st.builds(
        tcp,
        first=st.sampled_from(PORTS),
        last=st.sampled_from([3, 65535]),
        protocol=st.sampled_from(["tcp", "6", "udp"]),
        groups=st.lists(st.sampled_from(GROUPS), max_size=1),
        cidrs=st.lists(st.sampled_from(CIDRS), max_size=2),
        lists=st.lists(st.just("pl-1"), max_size=1),
    ),
    max_size=3,
)


def with_rules(group_id: str) -> st.SearchStrategy[Any]:
    return st.builds(lambda into, out: group(group_id, *into, egress=out), some_rules, some_rules)


some_groups = st.fixed_dictionaries({group_id: with_rules(group_id) for group_id in GROUPS})
some_interfaces = st.lists(
    st.sets(st.sampled_from([CLUSTER, NODE, OTHER]), min_size=1).map(lambda groups: tuple(sorted(groups))),
    min_size=1,
    max_size=2,
)


def lets_through(rules: Iterable[model.Rule], port: int, group_ids: frozenset[str], address: int) -> bool | None:
    """Whether rules let one packet to or from one address through; None where only a prefix list might."""
    on_port = [rule for rule in rules if rule.first_port <= port <= rule.last_port]
    for rule in on_port:
        if rule.group_ids & group_ids:
            return True
        if any(found.version == 4 and found.first <= address <= found.last for found in rule.blocks):
            return True
    return None if any(rule.prefix_list_ids for rule in on_port) else False


def addresses(subnet_id: str) -> range:
    (only,) = BLOCKS[subnet_id]
    return range(only.first, only.last + 1)


@given(some_groups, some_interfaces, st.sampled_from(PORTS))
def test_the_verdict_is_that_of_every_packet(
    groups: dict[str, Any], interfaces: list[tuple[str, ...]], port: int
) -> None:
    (nodes,) = make(plane(), [instance(1, *interfaces)], groups, [port], BLOCKS).sets
    egress = [rule for name in (CLUSTER, ADDITIONAL) for rule in groups[name].egress]
    packets: set[bool | None] = set()
    for held in interfaces:
        ingress = [rule for name in held for rule in groups[name].ingress]
        for source, target in product([*addresses("subnet-a"), *addresses("subnet-b")], addresses("subnet-node")):
            ways = {
                lets_through(egress, port, frozenset(held), target),
                lets_through(ingress, port, plane().group_ids, source),
            }
            packets.add(False if False in ways else None if None in ways else True)
    expected = "reachable" if packets == {True} else "blocked" if packets == {False} else "unknown"
    assert nodes.verdicts[port].state == expected
    assert bool(nodes.verdicts[port].reasons) == (expected != "reachable")


@given(some_groups, some_interfaces, st.sampled_from(PORTS))
def test_the_missing_rules_open_what_is_blocked(
    groups: dict[str, Any], interfaces: list[tuple[str, ...]], port: int
) -> None:
    nodes = [instance(1, *interfaces)]
    plan = make(plane(), nodes, groups, [port], BLOCKS)
    mended = dict(groups)
    for rule in plan.missing:
        added = model.Rule(port, port, frozenset({rule.other_group_id}), (), frozenset())
        before = mended[rule.group_id]
        into, out = before.ingress, before.egress
        into, out = (into, (*out, added)) if rule.egress else ((*into, added), out)
        mended[rule.group_id] = model.SecurityGroup(rule.group_id, into, out)
    if plan.blocked_everywhere:
        assert plan.missing
    after = make(plane(), nodes, mended, [port], BLOCKS)
    assert after.missing == []
    assert after.blocked_everywhere == []


@given(some_groups, st.lists(some_interfaces, max_size=5), st.randoms(use_true_random=False))
def test_the_order_of_nodes_and_ports_does_not_matter(
    groups: dict[str, Any], interfaces: list[list[tuple[str, ...]]], random: Any
) -> None:
    nodes = [instance(number, *held) for number, held in enumerate(interfaces)]
    plan = make(plane(), nodes, groups, PORTS, BLOCKS)
    shuffled, ports = random.sample(nodes, len(nodes)), random.sample(PORTS, len(PORTS))
    assert make(plane(), shuffled, groups, ports, BLOCKS) == plan
    assert sorted(name for item in plan.sets for name in item.instance_ids) == [node.instance_id for node in nodes]
