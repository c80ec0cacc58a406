# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a real account has, built through AWS's API against the server itself.

``build`` returns a dictionary (JSON at ``GET /sandbox/fixtures``):

- ``account``, ``partition``, ``region``; ``vpc_id``, ``subnets`` (name: id), ``route_tables``, ``internet_gateway``,
  ``nat_gateways``, ``neighbour`` (a cluster that exists in tags only), ``security_groups``
- ``clusters``: name to ``arn``, ``issuer``, ``endpoint``, ``version``, ``role_arn``, ``node_role_arn``,
  ``fargate_role_arn``, ``nodegroup``, ``fargate_profile``, ``cluster_security_group``, ``auto_scaling_groups``
  (``general`` of the managed node group, ``spot`` of self-managed nodes: name), ``node_security_group`` (of ``spot``);
  ``fixtures_nodes`` says what is in them
- ``foreign_auto_scaling_group``: name of one that belongs to no cluster
- ``people``: the roles that people assume, and that of nodes that Karpenter starts (name: ARN)
- ``hosted_zones`` (public, private: id), ``certificates`` (name: ARN), ``instance_profiles`` (name: ARN)
- ``remote``: a cluster of another account and region, with ``account``, ``region``, ``cluster``, ``role_arn`` (to
  assume) and ``external_id``
"""

from __future__ import annotations

import functools
import json
from typing import Any

import boto3
from botocore.config import Config
from moto.acm.models import acm_backends
from moto.utilities.utils import get_partition

from sandbox.aws import fixtures_nodes, zones
from sandbox.aws.callers import resolve
from sandbox.aws.clusters import add_account
from sandbox.aws.fixtures_network import build_network, security_group

ACCESS_KEY = "AKIASANDBOX000000000"
DEFAULT_CLUSTERS = ("sandbox-blue",)
REMOTE_ACCOUNT = "210987654321"
REMOTE_REGION = "eu-west-1"
REMOTE_CLUSTER = "remote-blue"
REMOTE_ROLE = "platform-operator"
EXTERNAL_ID = "ekspress-remote"
DOMAIN = "sandbox.example.com"
PEOPLE = ("k8sadmin", "k8sreadwrite", "k8sreadonly")
NODE_POLICIES = ("AmazonEKSWorkerNodePolicy", "AmazonEKS_CNI_Policy", "AmazonEC2ContainerRegistryReadOnly")


@functools.cache
def _session() -> boto3.Session:
    return boto3.Session()


class _Account:
    """Clients of one account and region."""

    def __init__(self, endpoint: str, region: str, access_key: str, secret_key: str) -> None:
        self._keys = {"aws_access_key_id": access_key, "aws_secret_access_key": secret_key, "region_name": region}
        self._config = Config(proxies={}, retries={"max_attempts": 0}, read_timeout=60)
        self._endpoint = endpoint
        self.region = region
        caller = resolve(access_key, region)
        self.account, self.partition, self.arn = caller.account, get_partition(region), caller.arn
        self.ec2, self.iam, self.eks = self.client("ec2"), self.client("iam"), self.client("eks")

    @functools.cached_property
    def autoscaling(self) -> Any:
        """The client of Auto Scaling."""
        return self.client("autoscaling")

    def client(self, service: str) -> Any:
        # One session: its loader reads each service's model once.
        make: Any = _session().client
        return make(service, endpoint_url=self._endpoint, config=self._config, **self._keys)

    def role(self, name: str, principal: dict[str, Any], policies: tuple[str, ...] = (), **extra: Any) -> str:
        """Make a role; return its ARN."""
        statement = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole", **extra}
        trust = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        arn: str = self.iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)["Role"]["Arn"]
        for policy in policies:
            self.iam.attach_role_policy(RoleName=name, PolicyArn=f"arn:{self.partition}:iam::aws:policy/{policy}")
        return arn


def build(endpoint: str, clusters: list[str] | None = None, region: str = "eu-central-1") -> dict[str, Any]:
    """Build everything once, in an account that is empty.

    Args:
        endpoint: URL of the server.
        clusters: names of the clusters, ``["sandbox-blue"]`` by default.
        region: region of all but the remote cluster.
    """
    names = list(clusters) if clusters is not None else list(DEFAULT_CLUSTERS)
    account = _Account(endpoint, region, ACCESS_KEY, "sandbox")
    local_zone = _opt_in(account)
    network = build_network(account.ec2, region, local_zone, account.account)
    groups = {"load-balancer": security_group(account.ec2, network["vpc_id"], "load-balancer", "Public load balancers")}
    role_arn = account.role("eks-cluster", {"Service": "eks.amazonaws.com"}, ("AmazonEKSClusterPolicy",))
    foreign = fixtures_nodes.foreign(
        account.ec2, account.autoscaling, network["subnets"]["public-a"], groups["load-balancer"]
    )
    built = {}
    for name in names:
        built[name] = _cluster(account, name, role_arn, network, groups)
    return {
        "account": account.account,
        "partition": account.partition,
        "region": region,
        **network,
        "security_groups": groups,
        "clusters": built,
        "foreign_auto_scaling_group": foreign,
        "people": _people(account),
        "hosted_zones": _hosted_zones(account, network["vpc_id"]),
        "certificates": _certificates(account),
        "instance_profiles": _instance_profiles(account),
        "remote": _remote(endpoint, account.arn),
    }


def add_clusters(endpoint: str, before: dict[str, Any], clusters: list[str]) -> dict[str, Any]:
    """Build the clusters that an account built before lacks; the others stay as they are.

    Args:
        endpoint: URL of the server.
        before: what ``build`` returned.
        clusters: names of all clusters wanted.
    """
    missing = [name for name in clusters if name not in before["clusters"]]
    if not missing:
        return before
    account = _Account(endpoint, before["region"], ACCESS_KEY, "sandbox")
    groups = dict(before["security_groups"])
    role_arn = f"arn:{account.partition}:iam::{account.account}:role/eks-cluster"
    built = {name: _cluster(account, name, role_arn, before, groups) for name in missing}
    return before | {"security_groups": groups, "clusters": before["clusters"] | built}


def _opt_in(account: _Account) -> str | None:
    for edge in zones.EDGE_ZONES.get(account.region, ()):
        account.ec2.modify_availability_zone_group(GroupName=edge.group, OptInStatus="opted-in")
    return next((edge.name for edge in zones.EDGE_ZONES.get(account.region, ()) if edge.zone_type == zones.LOCAL), None)


def _cluster(
    account: _Account, name: str, role_arn: str, network: dict[str, Any], groups: dict[str, str]
) -> dict[str, Any]:
    control_plane = [network["subnets"][f"private-{zone}"] for zone in "abc"]
    groups[name] = security_group(account.ec2, network["vpc_id"], f"{name}-additional", f"Additional group of {name}")
    cluster = account.eks.create_cluster(
        name=name,
        version="1.34",
        roleArn=role_arn,
        resourcesVpcConfig={
            "subnetIds": control_plane,
            "securityGroupIds": [groups[name]],
            "endpointPrivateAccess": True,
        },
        accessConfig={"authenticationMode": "API_AND_CONFIG_MAP"},
        tags={"environment": name.split("-", maxsplit=1)[0], "colour": name.rsplit("-", maxsplit=1)[-1]},
    )["cluster"]
    node_role = account.role(f"{name}-node", {"Service": "ec2.amazonaws.com"}, NODE_POLICIES)
    fargate_role = account.role(
        f"{name}-fargate", {"Service": "eks-fargate-pods.amazonaws.com"}, ("AmazonEKSFargatePodExecutionRolePolicy",)
    )
    cluster_group: str = cluster["resourcesVpcConfig"]["clusterSecurityGroupId"]
    managed = fixtures_nodes.managed(account.eks, name, control_plane, node_role)
    clients = (account.ec2, account.autoscaling)
    spot = fixtures_nodes.self_managed(clients, name, network["vpc_id"], control_plane, cluster_group)
    account.eks.create_fargate_profile(
        clusterName=name,
        fargateProfileName="system",
        podExecutionRoleArn=fargate_role,
        subnets=control_plane,
        selectors=[{"namespace": "fargate"}],
    )
    return {
        "arn": cluster["arn"],
        "issuer": cluster["identity"]["oidc"]["issuer"],
        "endpoint": cluster["endpoint"],
        "version": cluster["version"],
        "role_arn": role_arn,
        "node_role_arn": node_role,
        "fargate_role_arn": fargate_role,
        "nodegroup": fixtures_nodes.NODE_GROUP,
        "fargate_profile": "system",
        "cluster_security_group": cluster_group,
        "auto_scaling_groups": {"general": managed, "spot": spot["name"]},
        "node_security_group": spot["security_group"],
    }


def _people(account: _Account) -> dict[str, str]:
    anybody = {"AWS": f"arn:{account.partition}:iam::{account.account}:root"}
    roles = {name: account.role(name, anybody) for name in PEOPLE}
    return roles | {"karpenter-node": account.role("karpenter-node", {"Service": "ec2.amazonaws.com"}, NODE_POLICIES)}


def _hosted_zones(account: _Account, vpc: str) -> dict[str, str]:
    route53 = account.client("route53")
    public = route53.create_hosted_zone(Name=DOMAIN, CallerReference="public")
    private = route53.create_hosted_zone(
        Name=f"internal.{DOMAIN}",
        CallerReference="private",
        HostedZoneConfig={"PrivateZone": True},
        VPC={"VPCRegion": account.region, "VPCId": vpc},
    )
    return {
        "public": public["HostedZone"]["Id"].removeprefix("/hostedzone/"),
        "private": private["HostedZone"]["Id"].removeprefix("/hostedzone/"),
    }


def _certificates(account: _Account) -> dict[str, str]:
    acm = account.client("acm")
    wanted = {"wildcard": f"*.{DOMAIN}", "other": "www.example.org"}
    made = {
        name: acm.request_certificate(DomainName=domain, ValidationMethod="DNS")["CertificateArn"]
        for name, domain in wanted.items()
    }
    for arn in made.values():
        # Its owner has put the record that validates it into DNS long ago.
        acm_backends[account.account][account.region].get_certificate(arn).status = "ISSUED"
    return made


def _instance_profiles(account: _Account) -> dict[str, str]:
    account.role("bastion", {"Service": "ec2.amazonaws.com"})
    profile = account.iam.create_instance_profile(InstanceProfileName="bastion")["InstanceProfile"]
    account.iam.add_role_to_instance_profile(InstanceProfileName="bastion", RoleName="bastion")
    return {"bastion": profile["Arn"]}


def _remote(endpoint: str, trusted: str) -> dict[str, str]:
    """Build a small cluster of another account, reached by a role that wants an external id."""
    key = add_account(REMOTE_ACCOUNT, {"region": REMOTE_REGION})
    remote = _Account(endpoint, REMOTE_REGION, key["access_key_id"], key["secret_access_key"])
    home = trusted.split(":")[4]
    role_arn = remote.role(
        REMOTE_ROLE,
        {"AWS": f"arn:{remote.partition}:iam::{home}:root"},
        Condition={"StringEquals": {"sts:ExternalId": EXTERNAL_ID}},
    )
    vpc = remote.ec2.create_vpc(CidrBlock="10.80.0.0/16")["Vpc"]["VpcId"]
    subnets = [
        remote.ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.80.{index}.0/24", AvailabilityZone=f"{REMOTE_REGION}{zone}")
        for index, zone in enumerate("ab")
    ]
    cluster_role = remote.role("eks-cluster", {"Service": "eks.amazonaws.com"}, ("AmazonEKSClusterPolicy",))
    cluster = remote.eks.create_cluster(
        name=REMOTE_CLUSTER,
        roleArn=cluster_role,
        resourcesVpcConfig={"subnetIds": [subnet["Subnet"]["SubnetId"] for subnet in subnets]},
    )["cluster"]
    return {
        "account": REMOTE_ACCOUNT,
        "region": REMOTE_REGION,
        "cluster": REMOTE_CLUSTER,
        "cluster_arn": cluster["arn"],
        "issuer": cluster["identity"]["oidc"]["issuer"],
        "vpc_id": vpc,
        "role_arn": role_arn,
        "external_id": EXTERNAL_ID,
    }
