# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Makes AWS have what a model wants: in the controller's order, and only what differs.

Security group, target groups, load balancer, listeners, rules, web ACL; what is not wanted any more goes last.
"""

from __future__ import annotations

from typing import Any

from sandbox.alb.aws import Aws, AwsAccount, AwsError, having
from sandbox.alb.listener_writes import ListenerWrites
from sandbox.alb.model import LoadBalancer, Model, SecurityGroup, TargetGroup

DESCRIPTION = "[k8s] Managed SecurityGroup for LoadBalancer"
RESOURCE = "ingress.k8s.aws/resource"
_PROTECTED = "deletion_protection.enabled"

Json = dict[str, Any]


class Deployer:
    """Writes one model."""

    def __init__(self, aws: Aws, account: AwsAccount) -> None:
        self._aws = aws
        self._account = account

    def deploy(self, model: Model) -> str | None:
        """Make AWS have what a model wants; return the load balancer's name, None where it wants none."""
        group = self._security_group(model)
        present = self._account.tagged("describe_target_groups", "TargetGroups", "TargetGroupArn", model.tags)
        arns = self._target_groups(model, present)
        balancer = self._load_balancer(model, group)
        if balancer is not None:
            listeners = ListenerWrites(self._aws, balancer["LoadBalancerArn"], arns)
            listeners.write(list(model.listeners.values()))
            self._web_acl(model, balancer["LoadBalancerArn"])
        for item in present:
            if item["TargetGroupArn"] not in arns.values():
                self._aws.call("elbv2", "delete_target_group", TargetGroupArn=item["TargetGroupArn"])
        if model.security_group is None:
            self._remove_security_groups(model)
        return None if balancer is None else str(balancer["DNSName"]).lower()

    def _security_groups(self, model: Model) -> list[Json]:
        found = []
        for item in self._account.security_groups():
            tags = {tag["Key"]: tag["Value"] for tag in item.get("Tags") or []}
            if having(tags, model.tags):
                found.append(item | {"Labels": tags})
        return found

    def _security_group(self, model: Model) -> str | None:
        wanted = model.security_group
        if wanted is None:
            return None
        present = next(iter(self._security_groups(model)), None)
        if present is None:
            return self._make_security_group(wanted)
        group = str(present["GroupId"])
        self._tag_in_ec2(group, present["Labels"], wanted.tags)
        current = {pair for permission in present["IpPermissions"] for pair in _pairs(permission)}
        for operation, pairs in (
            ("revoke_security_group_ingress", current - set(wanted.rules)),
            ("authorize_security_group_ingress", set(wanted.rules) - current),
        ):
            if pairs:
                self._aws.call("ec2", operation, GroupId=group, IpPermissions=_permissions(pairs))
        return group

    def _make_security_group(self, wanted: SecurityGroup) -> str:
        tags = [{"Key": key, "Value": value} for key, value in wanted.tags.items()]
        made = self._aws.call(
            "ec2",
            "create_security_group",
            GroupName=wanted.name,
            Description=DESCRIPTION,
            VpcId=self._account.vpc(),
            TagSpecifications=[{"ResourceType": "security-group", "Tags": tags}],
        )
        group = str(made["GroupId"])
        permissions = _permissions(set(wanted.rules))
        self._aws.call("ec2", "authorize_security_group_ingress", GroupId=group, IpPermissions=permissions)
        return group

    def _remove_security_groups(self, model: Model) -> None:
        for item in self._security_groups(model):
            self._aws.call("ec2", "delete_security_group", GroupId=item["GroupId"])

    def _tag_in_ec2(self, resource: str, current: dict[str, str], wanted: dict[str, str]) -> None:
        more = [{"Key": key, "Value": value} for key, value in wanted.items() if current.get(key) != value]
        less = [{"Key": key} for key in current if key not in wanted and not key.startswith("aws:")]
        if more:
            self._aws.call("ec2", "create_tags", Resources=[resource], Tags=more)
        if less:
            self._aws.call("ec2", "delete_tags", Resources=[resource], Tags=less)

    def _target_groups(self, model: Model, present: list[Json]) -> dict[str, str]:
        """Write the target groups and return the ARN of each resource."""
        by_name = {item["TargetGroupName"]: item for item in present}
        arns = {}
        for resource, wanted in model.target_groups.items():
            current = by_name.get(wanted.name)
            if current is None:
                current = self._make_target_group(wanted) | {"Tags": wanted.tags}
            arn = str(current["TargetGroupArn"])
            if any(str(current.get(name)) != str(value) for name, value in wanted.health.items()):
                self._aws.call("elbv2", "modify_target_group", TargetGroupArn=arn, **wanted.health)
            self._attributes("target_group", "TargetGroupArn", arn, wanted.attributes)
            self._aws.retag(arn, current["Tags"], wanted.tags)
            arns[resource] = arn
        return arns

    def _make_target_group(self, wanted: TargetGroup) -> Json:
        made = self._aws.call(
            "elbv2",
            "create_target_group",
            Name=wanted.name,
            Protocol=wanted.protocol,
            ProtocolVersion=wanted.version,
            Port=wanted.port,
            VpcId=self._account.vpc(),
            TargetType=wanted.target_type,
            IpAddressType=wanted.ip_address_type,
            Tags=[{"Key": key, "Value": value} for key, value in wanted.tags.items()],
            **wanted.health,
        )
        return dict(made["TargetGroups"][0])

    def _attributes(self, kind: str, parameter: str, arn: str, wanted: dict[str, str]) -> None:
        """Write the attributes that are asked for; others stay as they are."""
        if not wanted:
            return
        answer = self._aws.call("elbv2", f"describe_{kind}_attributes", **{parameter: arn})
        current = {item["Key"]: str(item["Value"]) for item in answer["Attributes"]}
        differing = [{"Key": key, "Value": value} for key, value in wanted.items() if current.get(key) != value]
        if differing:
            self._aws.call("elbv2", f"modify_{kind}_attributes", **{parameter: arn}, Attributes=differing)

    def _load_balancer(self, model: Model, group: str | None) -> Json | None:
        wanted, current = model.load_balancer, None
        for item in self._account.load_balancers(model.tags):
            if wanted is None or current is not None or item["Scheme"] != wanted.scheme:
                self._delete(item["LoadBalancerArn"])
            else:
                current = item
        if wanted is None:
            return None
        groups = list(wanted.security_groups) or [str(group)]
        if current is None:
            current = self._make_load_balancer(wanted, groups) | {"Tags": wanted.tags}
        self._update(wanted, current, groups)
        return current

    def _make_load_balancer(self, wanted: LoadBalancer, groups: list[str]) -> Json:
        made = self._aws.call(
            "elbv2",
            "create_load_balancer",
            Name=wanted.name,
            Type="application",
            Scheme=wanted.scheme,
            IpAddressType=wanted.ip_address_type,
            Subnets=list(wanted.subnets),
            SecurityGroups=groups,
            Tags=[{"Key": key, "Value": value} for key, value in wanted.tags.items()],
        )
        return dict(made["LoadBalancers"][0])

    def _update(self, wanted: LoadBalancer, current: Json, groups: list[str]) -> None:
        arn = str(current["LoadBalancerArn"])
        if {zone["SubnetId"] for zone in current["AvailabilityZones"]} != set(wanted.subnets):
            self._aws.call("elbv2", "set_subnets", LoadBalancerArn=arn, Subnets=list(wanted.subnets))
        if set(current.get("SecurityGroups") or []) != set(groups):
            self._aws.call("elbv2", "set_security_groups", LoadBalancerArn=arn, SecurityGroups=groups)
        if current["IpAddressType"] != wanted.ip_address_type:
            kind = wanted.ip_address_type
            self._aws.call("elbv2", "set_ip_address_type", LoadBalancerArn=arn, IpAddressType=kind)
        self._attributes("load_balancer", "LoadBalancerArn", arn, wanted.attributes)
        self._aws.retag(arn, current["Tags"], wanted.tags)

    def _delete(self, arn: str) -> None:
        try:
            self._aws.call("elbv2", "delete_load_balancer", LoadBalancerArn=arn)
        except AwsError as refused:
            if "OperationNotPermitted" not in str(refused) or "deletion protection" not in str(refused):
                raise
            self._attributes("load_balancer", "LoadBalancerArn", arn, {_PROTECTED: "false"})
            self._aws.call("elbv2", "delete_load_balancer", LoadBalancerArn=arn)

    def _web_acl(self, model: Model, arn: str) -> None:
        if model.web_acl is None:
            return
        answer = self._aws.call("wafv2", "get_web_acl_for_resource", ResourceArn=arn)
        current = (answer.get("WebACL") or {}).get("ARN", "")
        if current == model.web_acl:
            return
        if current:
            self._aws.call("wafv2", "disassociate_web_acl", ResourceArn=arn)
        if model.web_acl:
            self._aws.call("wafv2", "associate_web_acl", WebACLArn=model.web_acl, ResourceArn=arn)


def _pairs(permission: Json) -> list[tuple[int, str]]:
    ranges = [item["CidrIp"] for item in permission.get("IpRanges") or []]
    ranges += [item["CidrIpv6"] for item in permission.get("Ipv6Ranges") or []]
    return [(int(permission.get("FromPort", 0)), cidr) for cidr in ranges]


def _permissions(pairs: set[tuple[int, str]]) -> list[Json]:
    found = []
    for port, cidr in sorted(pairs):
        key, name = ("Ipv6Ranges", "CidrIpv6") if ":" in cidr else ("IpRanges", "CidrIp")
        found.append({"IpProtocol": "tcp", "FromPort": port, "ToPort": port, key: [{name: cidr}]})
    return found
