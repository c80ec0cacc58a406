# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Ingresses, Services and an account, for the tests of the load balancer controller."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandbox.alb.annotations import PREFIX
from sandbox.alb.build import build
from sandbox.alb.controller import Controller
from sandbox.alb.groups import Groups, load
from sandbox.alb.model import Model
from sandbox.alb.names import GroupId

Json = dict[str, Any]

CONTROLLER = Controller("blue", vpc="vpc-1", tags={"team": "platform"})
CLASS: Json = {"metadata": {"name": "alb"}, "spec": {"controller": "ingress.k8s.aws/alb"}}
CERTIFICATE = "arn:aws:acm:eu-central-1:123456789012:certificate/wildcard"


def ingress(name: str = "web", annotations: Mapping[str, str] | None = None, **spec: Any) -> Json:
    """Return an Ingress of the class alb that leads everything to the Service web; keys get the controller's prefix."""
    own = {PREFIX + key: value for key, value in (annotations or {}).items()}
    backend = {"service": {"name": "web", "port": {"number": 80}}}
    content = {"ingressClassName": "alb", "defaultBackend": backend} | spec
    return {
        "metadata": {"namespace": "apps", "name": name, "uid": f"uid-{name}", "annotations": own},
        "spec": {key: value for key, value in content.items() if value is not None},
    }


def service(name: str = "web", annotations: Mapping[str, str] | None = None, **spec: Any) -> Json:
    """Return a Service with one port, of the type NodePort."""
    own = {PREFIX + key: value for key, value in (annotations or {}).items()}
    ports = [{"name": "http", "port": 80, "targetPort": 8080, "nodePort": 30080}]
    meta = {"namespace": "apps", "name": name, "uid": f"uid-{name}", "annotations": own}
    return {"metadata": meta, "spec": {"type": "NodePort", "ports": ports} | spec}


def subnet(name: str, zone: str, **tags: str) -> Json:
    """Return a subnet of EC2's, with room and without IPv6; underscores in tags stand for slashes."""
    return {
        "SubnetId": f"subnet-{name}",
        "AvailabilityZone": zone,
        "AvailableIpAddressCount": 100,
        "Tags": [{"Key": "Name", "Value": name}, *({"Key": key, "Value": value} for key, value in tags.items())],
    }


INTERNAL = {"kubernetes.io/role/internal-elb": "1"}
PUBLIC = {"kubernetes.io/role/elb": "1"}


class FakeAccount:
    """What is in AWS, as a test says it."""

    def __init__(self, **more: Any) -> None:
        self.present: Json = {
            "subnets": [
                *(subnet(f"private-{zone}", zone, **INTERNAL) for zone in "ab"),
                *(subnet(f"public-{zone}", zone, **PUBLIC) for zone in "ab"),
            ],
            "public": {"subnet-public-a", "subnet-public-b"},
            "zones": {"a": "availability-zone", "b": "availability-zone", "edge": "local-zone"},
            "security_groups": [{"GroupId": "sg-1", "Tags": [{"Key": "Name", "Value": "web"}]}],
            "certificates": {CERTIFICATE: {"*.example.com"}},
            "load_balancer": None,
            "web_acls": {"shield": "arn:acl"},
            **more,
        }

    def vpc(self) -> str:
        return "vpc-1"

    def subnets(self) -> list[Json]:
        return list(self.present["subnets"])

    def public(self) -> set[str]:
        return set(self.present["public"])

    def zones(self) -> dict[str, str]:
        return dict(self.present["zones"])

    def security_groups(self) -> list[Json]:
        return list(self.present["security_groups"])

    def certificates(self) -> dict[str, set[str]]:
        return dict(self.present["certificates"])

    def load_balancer(self, tags: Mapping[str, str]) -> Json | None:
        found: Json | None = self.present["load_balancer"]
        return found

    def web_acl(self, name: str) -> str | None:
        found: str | None = self.present["web_acls"].get(name)
        return found


def groups(*ingresses: Json, params: Json | None = None, controller: Controller = CONTROLLER) -> Groups:
    """Sort Ingresses into groups; ``params`` is the spec of IngressClassParams of the class alb."""
    spec = CLASS["spec"] | ({"parameters": {"name": "alb"}} if params is not None else {})
    classes: dict[str, Json] = {
        "alb": CLASS | {"spec": spec},
        "nginx": {"metadata": {"name": "nginx"}, "spec": {"controller": "x"}},
    }
    return load(controller, ingresses, classes, {} if params is None else {"alb": params})


def model(
    *ingresses: Json,
    services: tuple[Json, ...] = (),
    params: Json | None = None,
    controller: Controller = CONTROLLER,
    **account: Any,
) -> Model:
    """Return the model of the one group that some Ingresses are in."""
    ((_id, group),) = groups(*ingresses, params=params, controller=controller).groups.items()
    known = {f"apps/{item['metadata']['name']}": item for item in services or (service(),)}
    return build(controller, group, known, FakeAccount(**account))


WEB = GroupId("apps", "web")
