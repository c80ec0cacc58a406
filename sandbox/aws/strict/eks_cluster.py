# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""EKS clusters as AWS describes them today; moto's lack fields and share one issuer.

https://docs.aws.amazon.com/eks/latest/APIReference/API_Cluster.html,
https://docs.aws.amazon.com/eks/latest/APIReference/API_DescribeCluster.html,
https://docs.aws.amazon.com/eks/latest/userguide/sec-group-reqs.html (cluster security group)
"""

from __future__ import annotations

import base64
from typing import Any

from moto.ec2.models import ec2_backends
from moto.moto_api._internal import mock_random
from moto.utilities.utils import get_partition

from sandbox.aws.access import settle
from sandbox.aws.answers import Answer, Refusal, serialize
from sandbox.aws.clusters import UnknownCluster, find
from sandbox.aws.hooks import check, correct
from sandbox.aws.request import AwsRequest
from sandbox.aws.state import State

DEFAULT_VERSION = "1.34"
NO_CERTIFICATE = f"-----BEGIN CERTIFICATE-----\n{base64.b64encode(b'set one').decode()}\n-----END CERTIFICATE-----\n"
"""The form of a CA certificate, for clusters that nobody calls."""
SUFFIXES = {"aws": "amazonaws.com", "aws-cn": "amazonaws.com.cn", "aws-us-gov": "amazonaws.com"}


def refuse_unknown(request: AwsRequest) -> None:
    """Refuse what is asked of a cluster that does not exist."""
    name = str(request.parameters.get("name", request.parameters.get("clusterName", "")))
    try:
        find(request.caller.account, request.region, name)
    except UnknownCluster as cause:
        raise Refusal("ResourceNotFoundException", f"No cluster found for name: {name}.", 404) from cause


@check("eks", "ListNodegroups", "ListFargateProfiles", "DescribeNodegroup", "DescribeFargateProfile")
@check("eks", "CreateNodegroup", "CreateFargateProfile")
def cluster_exists(request: AwsRequest, state: State) -> None:
    """Refuse what is asked of a cluster that does not exist; moto ends in an internal error."""
    key = "clusterName" if "clusterName" in request.parameters else "name"
    if key in request.parameters:
        refuse_unknown(request)


@check("eks", "CreateCluster")
def network_exists(request: AwsRequest, state: State) -> None:
    """Refuse subnets that do not exist or are of one zone only.

    https://docs.aws.amazon.com/eks/latest/userguide/network-reqs.html ("at least two subnets … different
    Availability Zones")
    """
    wanted = request.parameters.get("resourcesVpcConfig", {}).get("subnetIds") or []
    known = subnets_of(request)
    missing = [subnet for subnet in wanted if subnet not in known]
    if missing:
        message = f"The subnet ID '{missing[0]}' does not exist (Service: Ec2, Status Code: 400)"
        raise Refusal("InvalidParameterException", message)
    if len({known[subnet].availability_zone for subnet in wanted}) < 2:
        raise Refusal("InvalidParameterException", "Subnets specified must be in at least two different AZs")


@check("eks", "CreateCluster")
def bootstrap_allowed(request: AwsRequest, state: State) -> None:
    """Refuse a cluster that nobody could get into: without access entries the creator is the first administrator.

    https://docs.aws.amazon.com/eks/latest/userguide/grant-k8s-access.html
    """
    access = request.parameters.get("accessConfig") or {}
    bootstrap = access.get("bootstrapClusterCreatorAdminPermissions", True)
    if access.get("authenticationMode", "CONFIG_MAP") == "CONFIG_MAP" and not bootstrap:
        raise Refusal(
            "InvalidParameterException",
            "bootstrapClusterCreatorAdminPermissions must be true if cluster authentication mode is set to CONFIG_MAP",
        )


def subnets_of(request: AwsRequest) -> dict[str, Any]:
    """Return moto's subnets of the request's account and region by id."""
    backend = ec2_backends[request.caller.account][request.region]
    return {subnet.id: subnet for zone in backend.subnets.values() for subnet in zone.values()}


@correct("eks", "CreateCluster")
def complete(request: AwsRequest, state: State, answer: Answer) -> Answer:
    """Give a new cluster its own issuer, endpoint and security group, and the fields that moto lacks."""
    name, account, region = str(request.parameters["name"]), request.caller.account, request.region
    cluster: Any = find(account, region, name)
    parameters = request.parameters
    suffix = SUFFIXES.get(get_partition(region), "amazonaws.com")
    # moto's random numbers, so that a seed repeats them.
    identifier = mock_random.get_random_hex(32).upper()
    cluster.identity = {"oidc": {"issuer": f"https://oidc.eks.{region}.{suffix}/id/{identifier}"}}
    cluster.endpoint = f"https://{identifier}.gr7.{region}.eks.{suffix}"
    cluster.certificate_authority = {"data": base64.b64encode(NO_CERTIFICATE.encode()).decode()}
    cluster.version = parameters.get("version") or DEFAULT_VERSION
    cluster.platformVersion = "eks.9"
    config = dict(parameters["resourcesVpcConfig"])
    subnets = subnets_of(request)
    vpc_id = next(subnets[subnet].vpc_id for subnet in config["subnetIds"])
    group = ec2_backends[account][region].create_security_group(
        f"eks-cluster-sg-{name}-{mock_random.randrange(10**9):09d}",
        f"EKS created security group of cluster {name}",
        vpc_id=vpc_id,
        tags={f"kubernetes.io/cluster/{name}": "owned", "aws:eks:cluster-name": name},
    )
    _open_to_itself(ec2_backends[account][region], group.id)
    public = config.get("endpointPublicAccess", True)
    cluster.resources_vpc_config = {
        "subnetIds": config["subnetIds"],
        "securityGroupIds": config.get("securityGroupIds") or [],
        "clusterSecurityGroupId": group.id,
        "vpcId": vpc_id,
        "endpointPublicAccess": public,
        "endpointPrivateAccess": config.get("endpointPrivateAccess", False),
        "publicAccessCidrs": config.get("publicAccessCidrs") or (["0.0.0.0/0"] if public else []),
    }
    auto_mode = bool((parameters.get("computeConfig") or {}).get("enabled", False))
    network = parameters.get("kubernetesNetworkConfig") or {}
    cluster.kubernetes_network_config = {
        "serviceIpv4Cidr": network.get("serviceIpv4Cidr", "172.20.0.0/16"),
        "ipFamily": network.get("ipFamily", "ipv4"),
        "elasticLoadBalancing": network.get("elasticLoadBalancing") or {"enabled": auto_mode},
    }
    # Without accessConfig the API's default is CONFIG_MAP: API_CreateAccessConfigRequest.html
    access = parameters.get("accessConfig") or {}
    cluster.access_config = {"authenticationMode": access.get("authenticationMode", "CONFIG_MAP")}
    cluster.compute_config = parameters.get("computeConfig") or {"enabled": False}
    cluster.storage_config = parameters.get("storageConfig") or {"blockStorage": {"enabled": auto_mode}}
    cluster.upgrade_policy = parameters.get("upgradePolicy") or {"supportType": "EXTENDED"}
    cluster.zonal_shift_config = parameters.get("zonalShiftConfig") or {"enabled": False}
    cluster.deletion_protection = bool(parameters.get("deletionProtection", False))
    cluster.health = {"issues": []}
    if access.get("bootstrapClusterCreatorAdminPermissions", True):
        state.cluster_creators[account, region, name] = request.caller.arn
    settle(state, (account, region, name))
    return serialize(request, {"cluster": cluster})


def _open_to_itself(ec2: Any, group_id: str) -> None:
    """Let all in from the cluster security group itself, and out to it, beside what every new group lets out."""
    rule = {
        "group_name_or_id": group_id,
        "ip_protocol": "-1",
        "from_port": None,
        "to_port": None,
        "ip_ranges": [],
        "source_groups": [{"GroupId": group_id}],
    }
    ec2.authorize_security_group_ingress(**rule)
    ec2.authorize_security_group_egress(**rule)


@correct("eks", "DeleteCluster")
def forget(request: AwsRequest, state: State, answer: Answer) -> Answer:
    """Forget who created a deleted cluster, its access entries and its updates."""
    key = (request.caller.account, request.region, str(request.parameters["name"]))
    state.cluster_creators.pop(key, None)
    state.creators_settled.discard(key)
    state.access_entries.pop(key, None)
    state.cluster_updates.pop(key, None)
    return answer
