# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""subnet_tags: the tags by which load balancers find a cluster's subnets."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ansible_collections.ekspress.eks.plugins.module_utils import _subnet_api as api
from ansible_collections.ekspress.eks.plugins.module_utils import _subnet_tags_plan as planning
from ansible_collections.ekspress.eks.plugins.module_utils._aws import Aws
from ansible_collections.ekspress.eks.plugins.module_utils._context import Context, Logic
from ansible_collections.ekspress.eks.plugins.module_utils._ec2_tags import MAXIMUM_TAGS
from ansible_collections.ekspress.eks.plugins.module_utils._errors import EksError
from ansible_collections.ekspress.eks.plugins.module_utils._subnet_choice import Choice, choose
from ansible_collections.ekspress.eks.plugins.module_utils._subnet_discovery import (
    SCHEMES,
    Discovery,
    as_result,
    discover,
    isolated_picks,
)
from ansible_collections.ekspress.eks.plugins.module_utils._subnet_model import Network, Subnet
from ansible_collections.ekspress.eks.plugins.module_utils._subnet_options import (
    CONSTRAINTS,
    Options,
    argument_spec,
    checked,
)
from ansible_collections.ekspress.eks.plugins.module_utils._subnet_routes import Reach, reach_of
from ansible_collections.ekspress.eks.plugins.module_utils._subnet_tags_plan import Plan


def run(params: dict[str, Any], context: Context) -> dict[str, Any]:
    """Tag, or untag, the subnets. Raises EksError; nothing is written before everything was read and checked."""
    options = checked(params)
    aws = Aws(params, context)
    vpc_id = api.vpc_of(aws, options)
    network = api.read(aws, context, options, vpc_id)
    types = api.zone_types(aws, network.subnets) if options.desired.present else {}
    reach = reach_of((subnet.subnet_id for subnet in network.subnets), network.tables)
    choice = choose(options, network, reach, types)
    living = _living(aws, context, options, network, choice.subnets)
    plan = planning.make(options.desired, choice.subnets, choice.roles, living)
    _check_limit(plan)
    neighbours = _neighbours(aws, context, options, network, plan)
    warnings = [*choice.warnings, *plan.warnings]
    result = _result(network, choice, plan, reach, types)
    if options.desired.present:
        discoveries = _discoveries(options, network, plan, reach, types)
        warnings += _discovery_warnings(options, discoveries, reach)
        result["controller_picks"] = {item.scheme: as_result(item, types, reach) for item in discoveries}
    for warning in warnings:
        context.warn(warning)
    if not context.check_mode:
        api.write(aws, context, plan)
    return {**result, "neighbours": neighbours}


def _living(aws: Aws, context: Context, options: Options, network: Network, chosen: Sequence[Subnet]) -> frozenset[str]:
    """Other clusters in the VPC as far as the plan asks for them: by tags, and by EKS where role tags may go.

    Fails where ``sweep`` names a cluster that exists.
    """
    own, sweep = options.desired.cluster, options.desired.sweep
    tagged = api.tagged_clusters(network.subnets) - {own}
    listed: frozenset[str] | None = None
    if sweep & tagged:
        listed = api.listed_clusters(aws)
        alive = sorted(sweep & listed)
        if alive:
            raise EksError(
                f"sweep names clusters that exist in {aws.region}: {', '.join(alive)}. Their tags are theirs; take "
                "them out of sweep. Nothing was changed."
            )
    others = tagged - sweep
    if others or not options.desired.remove_role_tags or not planning.has_role_tags(chosen):
        return others
    listed = api.listed_clusters(aws) if listed is None else listed
    return others | api.clusters_in_vpc(aws, context, network.vpc_id, listed - {own})


def _check_limit(plan: Plan) -> None:
    if plan.too_many:
        subnets = ", ".join(f"{subnet_id} ({count})" for subnet_id, count in sorted(plan.too_many.items()))
        raise EksError(
            f"A resource has {MAXIMUM_TAGS} tags at most, and these subnets would have more: {subnets}. Remove tags "
            "from them or give fewer extra_tags. Nothing was changed.",
            subnet_ids=sorted(plan.too_many),
        )


def _neighbours(
    aws: Aws, context: Context, options: Options, network: Network, plan: Plan
) -> list[dict[str, str | list[str]]]:
    """Neighbours touched; EKS is asked for untagged ones only where a first cluster tag would hide a subnet."""
    own = options.desired.cluster
    others = api.tagged_clusters(network.subnets) - options.desired.sweep
    if planning.hides(plan, network.subnets, own):
        listed = api.listed_clusters(aws) - others - {own}
        others |= api.clusters_in_vpc(aws, context, network.vpc_id, listed)
    touched = planning.neighbours(plan, network.subnets, own, others)
    for neighbour in touched:
        if neighbour["effect"] == "hidden":
            subnets = ", ".join(neighbour["subnet_ids"])
            context.warn(
                f"The cluster tag hides {subnets} from the load balancer controller of cluster {neighbour['cluster']}, "
                "which is in the same VPC and has no tag of its own there; set its tag too, or use cluster_tag=auto."
            )
    return touched


def _discoveries(
    options: Options, network: Network, plan: Plan, reach: Mapping[str, Reach], types: Mapping[str, str]
) -> list[Discovery]:
    """What the controller finds once the plan is carried out."""
    tagged = [planning.after(subnet, plan.changes.get(subnet.subnet_id)) for subnet in network.subnets]
    return [discover(options.desired.cluster, tagged, reach, types, scheme) for scheme in SCHEMES]


def _discovery_warnings(options: Options, discoveries: Iterable[Discovery], reach: Mapping[str, Reach]) -> list[str]:
    warnings = []
    for found in discoveries:
        scheme = found.scheme.replace("_", "-")
        unwanted = options.roles is not None and SCHEMES[found.scheme] not in options.roles.values()
        if unwanted:
            continue
        if found.problem:
            warnings.append(f"The load balancer controller cannot place {scheme} load balancers: {found.problem}.")
        for subnet in isolated_picks(found, reach):
            warnings.append(
                f"The load balancer controller would place {scheme} load balancers of {subnet.zone} in "
                f"{subnet.subnet_id} ({subnet.name or subnet.cidr}), which has no route for 0.0.0.0/0, though another "
                "subnet there has one. If it is for databases or transit, choose by filters or private_subnet_ids, and "
                "remove its role tag."
            )
        if found.refused_for_cluster:
            warnings.append(
                f"The load balancer controller passes {', '.join(found.refused_for_cluster)} by for {scheme} load "
                f"balancers: tagged for another cluster and not for {options.desired.cluster}. Use cluster_tag=auto "
                "for them, or sweep the tags of clusters that are gone."
            )
    return warnings


def _result(
    network: Network, choice: Choice, plan: Plan, reach: Mapping[str, Reach], types: Mapping[str, str]
) -> dict[str, Any]:
    by_id = {subnet.subnet_id: subnet for subnet in network.subnets}
    return {
        "changed": bool(plan.changes),
        "vpc_id": network.vpc_id,
        "subnets": [_subnet_result(subnet, choice, plan, reach, types) for subnet in choice.subnets],
        "left_out": [{"subnet_id": key, "reason": reason} for key, reason in sorted(choice.left_out.items())],
        "other_clusters": [
            {
                "cluster": name,
                "subnet_ids": [item.subnet_id for item in network.subnets if name in item.tagged_clusters],
            }
            for name in sorted(api.tagged_clusters(network.subnets) - {choice.cluster})
        ],
        "diff": {
            "before": {key: _touched(by_id[key].tags, change) for key, change in sorted(plan.changes.items())},
            "after": {
                key: _touched(planning.after(by_id[key], change).tags, change)
                for key, change in sorted(plan.changes.items())
            },
        },
    }


def _touched(tags: Mapping[str, str], change: planning.Change) -> dict[str, str]:
    return {key: tags[key] for key in sorted({*change.set, *change.remove}) if key in tags}


def _subnet_result(
    subnet: Subnet, choice: Choice, plan: Plan, reach: Mapping[str, Reach], types: Mapping[str, str]
) -> dict[str, Any]:
    change = plan.changes.get(subnet.subnet_id)
    where = reach[subnet.subnet_id]
    return {
        "subnet_id": subnet.subnet_id,
        "name": subnet.name,
        "zone": subnet.zone,
        "zone_type": types.get(subnet.subnet_id, ""),
        "cidr": subnet.cidr,
        "role": choice.roles.get(subnet.subnet_id, ""),
        "reason": choice.reasons.get(subnet.subnet_id, ""),
        "route_table_id": where.route_table_id,
        "main_route_table": where.main,
        "default_route": where.default_target,
        "tags_set": dict(sorted(change.set.items())) if change else {},
        "tags_removed": dict(sorted(change.remove.items())) if change else {},
    }


LOGIC = Logic(run=run, argument_spec=argument_spec, services=("ec2", "eks"), constraints=CONSTRAINTS)
