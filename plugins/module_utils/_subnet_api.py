# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What subnet_tags reads of AWS and writes to it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ansible_collections.ekspress.eks.plugins.module_utils import _cluster, _subnet_model, _subnet_routes
from ansible_collections.ekspress.eks.plugins.module_utils._aws import Aws, error_code, unless_missing
from ansible_collections.ekspress.eks.plugins.module_utils._context import Context
from ansible_collections.ekspress.eks.plugins.module_utils._ec2_tags import Write
from ansible_collections.ekspress.eks.plugins.module_utils._errors import EksError
from ansible_collections.ekspress.eks.plugins.module_utils._parallel import gather, settle, together
from ansible_collections.ekspress.eks.plugins.module_utils._subnet_model import Network, Subnet
from ansible_collections.ekspress.eks.plugins.module_utils._subnet_options import Options
from ansible_collections.ekspress.eks.plugins.module_utils._subnet_routes import RouteTable
from ansible_collections.ekspress.eks.plugins.module_utils._subnet_tags_plan import Plan, writes


def vpc_of(aws: Aws, options: Options) -> str:
    """The VPC of the cluster, or the one given for the removal of a cluster's tags that is gone."""
    name = options.desired.cluster
    try:
        cluster = _cluster.describe(aws, name)
    except EksError as error:
        gone = error_code(error) == "ResourceNotFoundException"
        if gone and options.vpc_id and not options.desired.present:
            return options.vpc_id
        if gone and not options.desired.present:
            raise EksError(
                f"{error.message} To remove the tags of a cluster that is gone, give vpc_id; nothing was changed."
            ) from error
        raise
    if options.desired.present:
        _cluster.require_active(cluster)
    if not cluster.vpc_id:
        raise EksError(f"EKS cluster {name!r} is {cluster.status} and has no VPC yet; wait until it is ACTIVE.")
    if options.vpc_id not in ("", cluster.vpc_id):
        raise EksError(
            f"EKS cluster {name!r} is in {cluster.vpc_id}, not in {options.vpc_id}; correct vpc_id or leave it out. "
            "Nothing was changed."
        )
    return cluster.vpc_id


def read(aws: Aws, context: Context, options: Options, vpc_id: str) -> Network:
    """Read the VPC: its subnets, its route tables where they are needed, and which subnets the filters match."""
    ec2 = aws.client("ec2")
    in_vpc = {"Name": "vpc-id", "Values": [vpc_id]}

    def subnets() -> list[Subnet]:
        described = aws.pages(ec2, "describe_subnets", "Subnets", Filters=[in_vpc])
        return sorted(map(_subnet_model.from_description, described), key=lambda subnet: subnet.subnet_id)

    def matching() -> frozenset[str] | None:
        if not options.filters:
            return None
        described = aws.pages(ec2, "describe_subnets", "Subnets", Filters=[in_vpc, *options.filters])
        return frozenset(item["SubnetId"] for item in described)

    def tables() -> list[RouteTable]:
        if not options.desired.present:
            return []
        described = aws.pages(ec2, "describe_route_tables", "RouteTables", Filters=[in_vpc])
        return [_subnet_routes.from_description(item) for item in described]

    found, matched, routing = together(context, subnets, matching, tables)
    ids = frozenset(subnet.subnet_id for subnet in found)
    return Network(vpc_id, tuple(found), ids if matched is None else matched & ids, tuple(routing))


def zone_types(aws: Aws, subnets: Iterable[Subnet]) -> dict[str, str]:
    """The zone type of each subnet by its id; asks AWS only where a zone's name has none of the documented forms."""
    subnets = list(subnets)
    types = {subnet.subnet_id: _subnet_model.zone_type(subnet, aws.region, {}) for subnet in subnets}
    unknown = sorted({subnet.zone for subnet in subnets if not types[subnet.subnet_id]})
    if not unknown:
        return types
    answer = aws.call(aws.client("ec2"), "describe_availability_zones", ZoneNames=unknown, AllAvailabilityZones=True)
    known = {
        zone["ZoneName"]: zone.get("ZoneType") or _subnet_model.AVAILABILITY_ZONE
        for zone in answer["AvailabilityZones"]
    }
    return {subnet.subnet_id: _subnet_model.zone_type(subnet, aws.region, known) for subnet in subnets}


def tagged_clusters(subnets: Iterable[Subnet]) -> frozenset[str]:
    """Names of all clusters whose tag any of the subnets carries."""
    return frozenset(name for subnet in subnets for name in subnet.tagged_clusters)


def listed_clusters(aws: Aws) -> frozenset[str]:
    """Names of all clusters in the region and account, connected ones (of other kinds than EKS) included.

    https://docs.aws.amazon.com/eks/latest/APIReference/API_ListClusters.html
    """
    return frozenset(aws.pages(aws.client("eks"), "list_clusters", "clusters", include=["all"]))


def clusters_in_vpc(aws: Aws, context: Context, vpc_id: str, names: Iterable[str]) -> frozenset[str]:
    """Those of the named clusters that are in the VPC (one call each, side by side)."""
    eks = aws.client("eks")

    def vpc_of_cluster(name: str) -> str:
        answer = unless_missing(lambda: aws.call(eks, "describe_cluster", name=name), "ResourceNotFoundException")
        return _cluster.from_description(answer["cluster"]).vpc_id if answer else ""

    ordered = sorted(names)
    found = gather(context, vpc_of_cluster, ordered)
    return frozenset(name for name, where in zip(ordered, found, strict=True) if where == vpc_id)


def write(aws: Aws, context: Context, plan: Plan) -> None:
    """Carry out a plan, removals before what is set, each side by side.

    Raises EksError that says what was written before a call failed; the next run does the rest.
    """
    ec2 = aws.client("ec2")

    def call(item: Write) -> None:
        tags = [{"Key": key, "Value": value} for key, value in item.tags]
        aws.call(ec2, item.operation, Resources=list(item.resource_ids), Tags=tags)

    done: list[Write] = []
    for batch in writes(plan):
        outcomes = settle(context, call, batch)
        done += [item for item, outcome in zip(batch, outcomes, strict=True) if outcome is None]
        _raise_first(batch, outcomes, done)


def _raise_first(batch: Sequence[Write], outcomes: Sequence[Exception | None], done: Sequence[Write]) -> None:
    failed = [(item, error) for item, error in zip(batch, outcomes, strict=True) if error is not None]
    if not failed:
        return
    item, error = failed[0]
    if not isinstance(error, EksError):
        raise error
    written = sorted({subnet_id for write in done for subnet_id in write.resource_ids})
    tags = ", ".join(key for key, _value in item.tags)
    was = f"Tags of {len(written)} subnets were written before; run again for the rest." if written else ""
    raise EksError(
        f"{tags} of {', '.join(item.resource_ids)}: {error.message} {was or 'Nothing was changed.'}",
        **{**error.details, "changed": bool(written), "written_subnet_ids": written},
    ) from error
