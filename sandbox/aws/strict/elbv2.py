# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Load balancers of Elastic Load Balancing, version 2.

https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateLoadBalancer.html (names of 32 letters,
digits and hyphens, unique in a region; two Availability Zones, one subnet of each),
https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateListener.html (one listener a port; HTTPS
needs a certificate and a known security policy),
https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_DeleteLoadBalancer.html (deletion protection),
https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-limits.html (50 tags),
https://docs.aws.amazon.com/general/latest/gr/elb.html (hosted zones of their names).
"""

from __future__ import annotations

import re
from typing import Any

from moto.acm.models import acm_backends
from moto.core.exceptions import ServiceException
from moto.ec2.models import ec2_backends
from moto.elbv2.models import elbv2_backends
from moto.elbv2.ssl_policies import SSL_POLICIES
from moto.iam.models import iam_backends
from moto.moto_api._internal import mock_random
from moto.wafv2.models import wafv2_backends

from sandbox.aws.answers import Answer, Refusal, parse, serialize
from sandbox.aws.hooks import check, correct, operation
from sandbox.aws.request import AwsRequest
from sandbox.aws.state import State
from sandbox.aws.strict.elb_zones import ZONES

TAGS = 50
_NAME = re.compile(r"(?!internal-)(?!-)[A-Za-z0-9-]{1,32}(?<!-)")


def _backend(request: AwsRequest) -> Any:
    return elbv2_backends[request.caller.account][request.region]


@check("elbv2", "CreateLoadBalancer")
def create(request: AwsRequest, state: State) -> None:
    """Refuse names, subnets and security groups that AWS refuses."""
    parameters, name = request.parameters, str(request.parameters.get("Name", ""))
    if not _NAME.fullmatch(name):
        raise Refusal(
            "ValidationError",
            f"The load balancer name '{name}' must have at most 32 letters, digits and hyphens, must not begin or end "
            "with a hyphen, and must not begin with 'internal-'",
        )
    if any(item.name == name for item in _backend(request).load_balancers.values()):
        raise Refusal(
            "DuplicateLoadBalancerName",
            f"A load balancer with the same name '{name}' exists, but with different settings",
        )
    wanted = list(parameters.get("Subnets") or [])
    wanted += [str(mapping["SubnetId"]) for mapping in parameters.get("SubnetMappings") or []]
    _subnets(request, wanted, parameters.get("Type", "application"))
    _security_groups(request, parameters.get("SecurityGroups") or [])


def _subnets(request: AwsRequest, wanted: list[str], kind: str) -> None:
    backend = ec2_backends[request.caller.account][request.region]
    known = {subnet.id: subnet for zone in backend.subnets.values() for subnet in zone.values()}
    missing = [subnet for subnet in wanted if subnet not in known]
    if missing:
        raise Refusal("SubnetNotFound", f"The subnet ID '{missing[0]}' does not exist")
    zones = [known[subnet].availability_zone for subnet in wanted]
    if len(set(zones)) < len(zones):
        raise Refusal(
            "InvalidConfigurationRequest",
            "A load balancer cannot be attached to multiple subnets in the same Availability Zone",
        )
    if kind == "application" and len(zones) < 2:
        raise Refusal("ValidationError", "At least two subnets in two different Availability Zones must be specified")


def _security_groups(request: AwsRequest, wanted: list[str]) -> None:
    backend = ec2_backends[request.caller.account][request.region]
    for group in wanted:
        if backend.get_security_group_from_id(group) is None:
            raise Refusal("InvalidSecurityGroup", f"The security group '{group}' does not exist")


@correct("elbv2", "CreateLoadBalancer")
def name(request: AwsRequest, state: State, answer: Answer) -> Answer:
    """Give a new load balancer a name of its own in the zone of its region; moto's come again and have no zone."""
    result = parse(request, answer)
    result.pop("ResponseMetadata", None)
    shown = result["LoadBalancers"][0]
    item: Any = _backend(request).load_balancers[shown["LoadBalancerArn"]]
    item.scheme = item.scheme or "internet-facing"
    network = item.type == "network"
    number = mock_random.get_random_hex(16) if network else f"{mock_random.randrange(10**9):09d}"
    domain = f"elb.{request.region}" if network else f"{request.region}.elb"
    suffix = "amazonaws.com.cn" if request.caller.partition == "aws-cn" else "amazonaws.com"
    prefix = "internal-" if item.scheme == "internal" and not network else ""
    item.dns_name = f"{prefix}{item.name}-{number}.{domain}.{suffix}"
    item.canonical_hosted_zone_id = ZONES.get(request.region, ZONES["us-east-1"])[network]
    zone = item.canonical_hosted_zone_id
    shown |= {"DNSName": item.dns_name, "CanonicalHostedZoneId": zone, "Scheme": item.scheme}
    return serialize(request, result)


@check("elbv2", "CreateListener")
def one_a_port(request: AwsRequest, state: State) -> None:
    """Refuse a second listener of a port, and HTTPS without a certificate."""
    parameters = request.parameters
    balancer = _backend(request).load_balancers.get(parameters.get("LoadBalancerArn"))
    port, protocol = parameters.get("Port"), parameters.get("Protocol")
    if balancer is not None and any(str(item.port) == str(port) for item in balancer.listeners.values()):
        raise Refusal("DuplicateListener", f"A listener already exists on port {port} for this load balancer")
    if protocol == "HTTPS" and not parameters.get("Certificates"):
        raise Refusal("ValidationError", "A certificate must be specified for HTTPS listeners")
    policy = parameters.get("SslPolicy")
    if policy is not None and policy not in SSL_POLICIES:
        raise Refusal("SSLPolicyNotFound", f"SSL policy '{policy}' not found")
    certificates(request, state)


@check("elbv2", "ModifyListener", "AddListenerCertificates")
def certificates(request: AwsRequest, state: State) -> None:
    """Refuse certificates that do not exist or that ACM has not issued."""
    account = request.caller.account
    uploaded = iam_backends[account][request.caller.partition].certificates.values()
    for wanted in request.parameters.get("Certificates") or []:
        arn = str(wanted.get("CertificateArn"))
        region = arn.split(":")[3] if arn.count(":") > 3 else ""
        issued = acm_backends[account][region]._certificates.get(arn) if region == request.region else None
        if issued is None and all(certificate.arn != arn for certificate in uploaded):
            raise Refusal("CertificateNotFound", f"Certificate ARN '{arn}' not found")
        if issued is not None and issued.status != "ISSUED":
            raise Refusal(
                "UnsupportedCertificate",
                f"The certificate '{arn}' must have a fully-qualified domain name, a supported signature, "
                "and a supported RSA key size.",
            )


@check("elbv2", "DeleteLoadBalancer")
def protection(request: AwsRequest, state: State) -> None:
    """Refuse to delete a load balancer that is protected; moto deletes it."""
    arn = request.parameters.get("LoadBalancerArn")
    item = _backend(request).load_balancers.get(arn)
    if item is not None and str(item.attrs.get("deletion_protection.enabled")).lower() == "true":
        message = f"Load balancer '{arn}' cannot be deleted because deletion protection is enabled"
        raise Refusal("OperationNotPermitted", message)


@correct("elbv2", "DeleteLoadBalancer")
def release(request: AwsRequest, state: State, answer: Answer) -> Answer:
    """Let target groups and web ACLs forget a deleted load balancer."""
    arn = request.parameters.get("LoadBalancerArn")
    for group in _backend(request).target_groups.values():
        group.load_balancer_arns = [item for item in group.load_balancer_arns if item != arn]
    for acl in wafv2_backends[request.caller.account][request.region].wacls.values():
        acl.associated_resources = [item for item in acl.associated_resources if item != arn]
    return answer


@operation("elbv2", "AddTags")
def add_tags(request: AwsRequest, state: State) -> dict[str, Any]:
    """Set tags on all resources, or on none; moto has room for 10."""
    backend = _backend(request)
    tags = {str(tag["Key"]): str(tag.get("Value") or "") for tag in request.parameters.get("Tags") or []}
    arns = [str(arn) for arn in request.parameters.get("ResourceArns") or []]
    for arn in arns:
        try:
            backend._get_resource_by_arn(arn)
        except ServiceException as cause:
            raise Refusal(str(cause.code), str(cause.message)) from cause
        if len(backend.tagging_service.get_tag_dict_for_resource(arn) | tags) > TAGS:
            raise Refusal(
                "TooManyTags",
                "The quota for the number of tags that can be assigned to a load balancer has been reached",
            )
    for arn in arns:
        backend.tagging_service.tag_resource(arn, [{"Key": key, "Value": value} for key, value in tags.items()])
    return {}
