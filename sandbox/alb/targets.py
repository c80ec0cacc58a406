# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Target groups: one for each Ingress, Service and port.

https://kubernetes-sigs.github.io/aws-load-balancer-controller/latest/guide/ingress/annotations/#traffic-routing,
https://kubernetes-sigs.github.io/aws-load-balancer-controller/latest/guide/ingress/annotations/#health-check
"""

from __future__ import annotations

from typing import Any

from sandbox.alb import names, tags
from sandbox.alb.annotations import Annotations, ModelError
from sandbox.alb.controller import Controller
from sandbox.alb.groups import Member, key_of
from sandbox.alb.model import TargetGroup, resource_tags
from sandbox.alb.names import GroupId

PROTOCOLS = ("HTTP", "HTTPS")
VERSIONS = ("HTTP1", "HTTP2", "GRPC")
TRAFFIC = "traffic-port"

Json = dict[str, Any]


def port_of(service: Json, port: int | str) -> Json:
    """Return the port of a Service, by number or name."""
    field = "name" if isinstance(port, str) else "port"
    for item in service["spec"].get("ports") or []:
        if item.get(field) == port:
            return dict(item)
    raise ModelError(f"unable to find port {port} on service {key_of(service)}")


def build(
    controller: Controller, group: GroupId, stack: dict[str, str], *, member: Member, service: Json, port: int | str
) -> TargetGroup:
    """Return the target group of a port of a Service that an Ingress leads to."""
    annotations = _annotations(member, service)
    service_port = port_of(service, port)
    target_type = _target_type(controller, member, annotations)
    protocol = _one_of(annotations, "backend-protocol", PROTOCOLS, "HTTP", "backend protocol must be within")
    words = "backend protocol version must be within"
    version = _one_of(annotations, "backend-protocol-version", VERSIONS, "HTTP1", words)
    health = _health(service, annotations, target_type, protocol, version)
    number = _number(target_type, service_port)
    if not number:
        hint = "When using Instance targets, your service be must of type 'NodePort' or 'LoadBalancer'"
        if target_type == "ip":
            hint = "Are you using the correct service type?"
        raise ModelError(f"TargetGroup port is empty. {hint}")
    meta = service["metadata"]
    parts = (controller.cluster, str(group), member.namespace, member.ingress["metadata"]["name"], str(meta["uid"]))
    own = (*parts, str(port), str(number), target_type, protocol, version)
    resource = f"{member.key}-{meta['name']}:{port}"
    wanted = tags.of_member(controller, member, meta.get("annotations"))
    return TargetGroup(
        resource=resource,
        name=names.of_target_group(meta["namespace"], meta["name"], *own),
        target_type=target_type,
        port=number,
        protocol=protocol,
        version=version,
        ip_address_type="ipv6" if "IPv6" in (service["spec"].get("ipFamilies") or []) else "ipv4",
        health=health,
        attributes=annotations.mapping("target-group-attributes"),
        tags=resource_tags(stack, resource, wanted),
    )


def _annotations(member: Member, service: Json) -> Annotations:
    """A Service's annotations win over those of the Ingress."""
    return Annotations(service["metadata"].get("annotations"), member.own)


def _target_type(controller: Controller, member: Member, annotations: Annotations) -> str:
    wanted = member.params.get("targetType") or annotations.text("target-type") or controller.target_type
    if wanted not in ("instance", "ip"):
        raise ModelError(f"unknown targetType: {wanted}")
    return str(wanted)


def _one_of(annotations: Annotations, name: str, choices: tuple[str, ...], default: str, words: str) -> str:
    value = annotations.text(name) or default
    if value not in choices:
        raise ModelError(f"{words} [{', '.join(choices)}]: {value}")
    return value


def _number(target_type: str, port: Json) -> int:
    """Return a target group's port. Targets are registered with ports of their own, so that it decides nothing."""
    if target_type == "instance":
        return int(port.get("nodePort", 0))
    target = port.get("targetPort", port["port"])
    return target if isinstance(target, int) else 1


def _health(service: Json, annotations: Annotations, target_type: str, protocol: str, version: str) -> Json:
    grpc = version == "GRPC"
    words = "healthCheckProtocol must be within"
    checked = _one_of(annotations, "healthcheck-protocol", PROTOCOLS, protocol, words)
    codes = annotations.text("success-codes") or ("12" if grpc else "200")

    def number(name: str, default: int) -> int:
        value = annotations.integer(name)
        return default if value is None else value

    return {
        "HealthCheckProtocol": checked,
        "HealthCheckPort": _health_port(service, annotations, target_type),
        "HealthCheckPath": annotations.text("healthcheck-path") or ("/AWS.ALB/healthcheck" if grpc else "/"),
        "HealthCheckIntervalSeconds": number("healthcheck-interval-seconds", 15),
        "HealthCheckTimeoutSeconds": number("healthcheck-timeout-seconds", 5),
        "HealthyThresholdCount": number("healthy-threshold-count", 2),
        "UnhealthyThresholdCount": number("unhealthy-threshold-count", 2),
        "Matcher": {"GrpcCode" if grpc else "HttpCode": codes},
    }


def _health_port(service: Json, annotations: Annotations, target_type: str) -> str:
    wanted = annotations.text("healthcheck-port") or TRAFFIC
    if wanted == TRAFFIC or wanted.isdigit():
        return wanted
    try:
        port = port_of(service, wanted)
    except ModelError as wrong:
        raise ModelError(f"failed to resolve healthCheckPort: {wrong}") from wrong
    if target_type == "instance":
        return str(port.get("nodePort", 0))
    if isinstance(port.get("targetPort", port["port"]), int):
        return str(port.get("targetPort", port["port"]))
    words = "cannot use named healthCheckPort for IP TargetType when service's targetPort is a named port"
    raise ModelError(words)
