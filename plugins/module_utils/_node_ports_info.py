# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""node_ports_info: which ports of a cluster's nodes the control plane can reach."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from ansible_collections.ekspress.eks.plugins.module_utils import _cluster
from ansible_collections.ekspress.eks.plugins.module_utils import _node_ports_model as model
from ansible_collections.ekspress.eks.plugins.module_utils import _node_ports_plan as planning
from ansible_collections.ekspress.eks.plugins.module_utils._adapter import aws_options, cluster_options
from ansible_collections.ekspress.eks.plugins.module_utils._aws import EC2_FILTER_VALUES, Aws
from ansible_collections.ekspress.eks.plugins.module_utils._context import Context, Logic
from ansible_collections.ekspress.eks.plugins.module_utils._errors import EksError, named
from ansible_collections.ekspress.eks.plugins.module_utils._parallel import batches, gather, together
from ansible_collections.ekspress.eks.plugins.module_utils._subnet_model import cluster_tag

STATES = ["pending", "running"]

SECURITY_GROUPS = ("describe_security_groups", "SecurityGroups", "group-id")
SUBNETS = ("describe_subnets", "Subnets", "subnet-id")

NAMED = 3
"""Instances that a message names; the result has all."""


def argument_spec() -> dict[str, Any]:
    """The module's options."""
    return {
        **aws_options(),
        **cluster_options(),
        "ports": {"type": "list", "elements": "int", "required": True},
        "when_blocked": {"type": "str", "choices": ["ignore", "warn", "fail"], "default": "ignore"},
    }


def run(params: dict[str, Any], context: Context) -> dict[str, Any]:
    """Read the nodes and their security groups, and judge every port."""
    ports = _checked(params["ports"])
    name = params["cluster"]
    _cluster.check_name(name)
    aws = Aws(params, context)
    described, nodes = together(context, lambda: _cluster.describe(aws, name).described, lambda: _nodes(aws, name))
    plane = model.control_plane(name, described)
    if not plane.group_ids:
        raise EksError(
            f"EKS cluster {name!r} is {described.get('status')} and has no security groups yet; "
            "wait until it is ACTIVE."
        )
    groups = _groups(aws, context, nodes, plane) if nodes else {}
    plan = planning.make(plane, nodes, groups, ports, {})
    if plan.subnet_ids:
        subnets = _subnets(aws, context, plan.subnet_ids, plane.ip_version)
        plan = planning.make(plane, nodes, groups, ports, subnets)
    result = {
        "changed": False,
        "cluster_security_group_id": plane.cluster_group_id,
        "control_plane_security_group_ids": sorted(plane.group_ids),
        "nodes": [_node_set_result(item) for item in plan.sets],
        "blocked_on_all_nodes": plan.blocked_everywhere,
        "missing_rules": [_rule_result(rule) for rule in plan.missing],
    }
    _report(context, params["when_blocked"], plane, plan, result)
    return result


def _checked(ports: Sequence[int]) -> list[int]:
    if not ports:
        raise EksError("ports is empty: give at least one TCP port.")
    for port in ports:
        if not 1 <= port <= model.LAST_PORT:
            raise EksError(f"ports has {port}: a TCP port is a number from 1 to {model.LAST_PORT}.")
    return sorted(set(ports))


def _nodes(aws: Aws, name: str) -> list[model.Node]:
    """Instances that carry the cluster's tag, as those of EKS and Karpenter do, and self-managed nodes must.

    https://docs.aws.amazon.com/eks/latest/userguide/launch-workers.html
    """
    filters = [
        {"Name": "tag-key", "Values": [cluster_tag(name)]},
        {"Name": "instance-state-name", "Values": STATES},
    ]
    reservations = aws.pages(aws.client("ec2"), "describe_instances", "Reservations", Filters=filters)
    return [model.node(instance) for reservation in reservations for instance in reservation["Instances"]]


def _groups(
    aws: Aws, context: Context, nodes: Iterable[model.Node], plane: model.ControlPlane
) -> dict[str, model.SecurityGroup]:
    wanted = plane.group_ids.union(*(node.group_ids for node in nodes))
    described = _by_id(aws, context, SECURITY_GROUPS, wanted)
    return {item["GroupId"]: model.security_group(item) for item in described}


def _subnets(aws: Aws, context: Context, wanted: Iterable[str], version: int) -> dict[str, tuple[model.Block, ...]]:
    described = _by_id(aws, context, SUBNETS, wanted)
    return {item["SubnetId"]: model.subnet_blocks(item, version) for item in described}


def _by_id(aws: Aws, context: Context, kind: tuple[str, str, str], wanted: Iterable[str]) -> list[dict[str, Any]]:
    """What there is of the ids: by a filter, because an unknown id is an error where ids are asked for."""
    operation, key, filter_name = kind
    parts = batches(sorted(filter(None, wanted)), EC2_FILTER_VALUES)
    ec2 = aws.client("ec2")

    def read(part: list[str]) -> list[dict[str, Any]]:
        return aws.pages(ec2, operation, key, Filters=[{"Name": filter_name, "Values": part}])

    return [item for found in gather(context, read, parts) for item in found]


def _node_set_result(nodes: planning.NodeSet) -> dict[str, Any]:
    return {
        "security_group_ids": list(nodes.group_ids),
        "instance_ids": list(nodes.instance_ids),
        "reachable": nodes.ports(planning.REACHABLE),
        "blocked": nodes.ports(planning.BLOCKED),
        "unknown": nodes.ports(planning.UNKNOWN),
        "reasons": {
            str(port): "; ".join(verdict.reasons) for port, verdict in sorted(nodes.verdicts.items()) if verdict.reasons
        },
    }


def _rule_result(rule: planning.MissingRule) -> dict[str, Any]:
    return {
        "group_id": rule.group_id,
        "is_egress": rule.egress,
        "ip_protocol": "tcp",
        "from_port": rule.port,
        "to_port": rule.port,
        "referenced_group_id": rule.other_group_id,
    }


def _report(
    context: Context, when_blocked: str, plane: model.ControlPlane, plan: planning.Plan, result: dict[str, Any]
) -> None:
    """Warn or fail, as ``when_blocked`` says."""
    if when_blocked == "ignore":
        return
    start = f"The control plane of EKS cluster {plane.cluster_name!r}"
    if when_blocked == "fail" and plan.blocked_everywhere:
        port = plan.blocked_everywhere[0]
        count = sum(len(item.instance_ids) for item in plan.sets)
        what = " ".join(f"{_named(item)}: {_why(item, port)}." for item in plan.sets)
        steps = " ".join(_step(rule) for rule in plan.missing if rule.port == port)
        raise EksError(
            f"{start} cannot reach TCP port {port} of any of its {count} nodes. {what} {steps}",
            **{key: value for key, value in result.items() if key != "changed"},
        )
    for item in plan.sets:
        for port in sorted(set(item.verdicts) - set(item.ports(planning.REACHABLE))):
            verdict = item.verdicts[port]
            says = "cannot reach" if verdict.state == planning.BLOCKED else "may not reach"
            steps = " ".join(_step(rule) for rule in sorted(verdict.missing))
            context.warn(f"{start} {says} TCP port {port} of {_named(item)}: {_why(item, port)}. {steps}".strip())


def _why(nodes: planning.NodeSet, port: int) -> str:
    return "; ".join(nodes.verdicts[port].reasons)


def _named(nodes: planning.NodeSet) -> str:
    return f"{named(nodes.instance_ids, NAMED)} ({', '.join(nodes.group_ids)})"


def _step(rule: planning.MissingRule) -> str:
    """What to do, in the words of the EC2 API."""
    kind = "an egress" if rule.egress else "an ingress"
    operation = "AuthorizeSecurityGroupEgress" if rule.egress else "AuthorizeSecurityGroupIngress"
    return (
        f"Add {kind} rule (ec2:{operation}) to GroupId {rule.group_id}: IpProtocol tcp, FromPort {rule.port}, ToPort "
        f"{rule.port}, UserIdGroupPairs GroupId {rule.other_group_id}."
    )


LOGIC = Logic(run=run, argument_spec=argument_spec, services=("ec2", "eks"))
