# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""From instances of Traefik to their releases: for each a load balancer and Traefik behind it; and what cannot work."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible.module_utils.parsing.convert_bool import boolean
from ansible_collections.ekspress.eks.plugins.module_utils import _traefik_checks as checks
from ansible_collections.ekspress.eks.plugins.module_utils._helm_values import merged

INSTANCE: dict[str, Any] = {
    "state": "present",
    "ingress_class": "",
    "scheme": "internet-facing",
    "target_type": "ip",
    "https": True,
    "redirect_http": True,
    "certificates": [],
    "hosts": [],
    "ssl_policy": "ELBSecurityPolicy-TLS13-1-2-2021-06",
    "web_acl": "",
    "security_groups": [],
    "inbound_cidrs": [],
    "subnets": [],
    "ip_address_type": "ipv4",
    "load_balancer_name": "",
    "group": "",
    "access_logs_bucket": "",
    "access_logs_prefix": "",
    "idle_timeout": 60,
    "deregistration_delay": 30,
    "attributes": {},
    "target_attributes": {},
    "tags": {},
    "annotations": {},
    "trusted_ips": [],
    "published_hostname": "",
    "replicas": 2,
    "values": {},
}
"""Options of an instance beside its name, and what they are where not given."""

WEB, PING = 8000, 8080
"""Ports of the entry points web and traefik, as the chart has them."""

SPARE = 5
"""Seconds that a pod lives on after it has answered everything."""

HEALTH_INTERVAL, UNHEALTHY_AFTER = 10, 2
"""Seconds between two health checks of the load balancer, and how many must fail."""

ADDRESS = "status.loadBalancer.ingress[0].hostname"
HOSTNAME = "providers.kubernetesIngress.ingressEndpoint.hostname"


ROUTES = (
    ("networking.k8s.io/v1", "Ingress"),
    ("traefik.io/v1alpha1", "IngressRoute"),
    ("traefik.io/v1alpha1", "IngressRouteTCP"),
    ("traefik.io/v1alpha1", "IngressRouteUDP"),
)
"""Kinds of what apps are reached by."""

PROTECTED = r"(^|,)\s*deletion_protection\.enabled\s*=\s*true\s*(,|$)"
"""With it in its attributes the controller deletes no load balancer, and its Ingress is never gone.
https://kubernetes-sigs.github.io/aws-load-balancer-controller/latest/guide/ingress/annotations/#load-balancer-attributes"""


def plan(instances: Sequence[Mapping[str, Any]], settings: Mapping[str, Any]) -> dict[str, Any]:
    """What the role makes of its variables.

    - ``releases``: two for each instance, as the engine takes them.
    - ``requirements``: those that are not met: why some of it cannot work, with the variable.
    - ``load_balancers``: what is to be looked for in AWS, as load_balancer_inputs_info takes it.

    ``settings`` are the role's variables that hold for all instances, by their names without the role's; ``found`` is
    the result of load_balancer_inputs_info, empty where AWS was not asked.
    """
    complete = [completed(instance, settings) for instance in instances]
    present = [instance for instance in complete if instance["state"] == "present"]
    return {
        "releases": [
            release
            for instance in complete
            for release in _releases(instance, {**settings, "served": {other["ingress_class"] for other in present}})
        ],
        "requirements": [
            {"met": False, "message": message} for message in checks.refusals(complete, {**settings, "labels": labels})
        ],
        "load_balancers": [
            {key: instance[key] for key in ("name", "certificates", "hosts", "web_acl", "security_groups")}
            for instance in present
        ],
    }


def completed(instance: Mapping[str, Any], settings: Mapping[str, Any]) -> dict[str, Any]:
    """An instance with everything it does not say; absent where all of them are."""
    made = {**INSTANCE, **{key: value for key, value in instance.items() if value is not None}}
    for option, usual in INSTANCE.items():
        if isinstance(usual, bool):
            made[option] = boolean(made[option])
        elif isinstance(usual, int):
            made[option] = int(made[option])
    made["ingress_class"] = made["ingress_class"] or made["name"]
    made["trusted_ips"] = list(made["trusted_ips"] or settings["found"].get("vpc_cidrs", []))
    if settings["state"] == "absent":
        made["state"] = "absent"
    return made


def _releases(instance: Mapping[str, Any], settings: Mapping[str, Any]) -> list[dict[str, Any]]:
    namespace, name = settings["namespace"], instance["name"]
    common = {"namespace": namespace, "state": instance["state"], "timeout": settings["timeout"]}
    common["values_variable"] = "traefik_instances"
    needs = list(settings["needs"])
    front = f"{name}-alb"
    published = instance["published_hostname"]
    source = {"kind": "ingress", "namespace": namespace, "name": front, "path": ADDRESS, "value": HOSTNAME}
    return [
        {
            **common,
            "name": front,
            "chart": settings["alb_chart"],
            "version": settings["alb_chart_version"],
            "needs": needs,
            "values": load_balancer_values(instance, settings),
            # Of a load balancer that is being replaced the name of the old one would be published.
            "gates": [{"kind": "ingress", "namespace": namespace, "name": front, "reconciled": True}],
            "used_by": _protection(instance, namespace, front),
        },
        {
            **common,
            "name": name,
            "repository": settings["repository"],
            "chart": "traefik",
            "version": settings["chart_version"],
            "needs": [f"{namespace}/{front}", *needs],
            "values": _values(instance, settings),
            "values_from": [] if published else [source],
            "gates": [{"kind": "deployment", "namespace": namespace, "name": name}],
            "used_by": _used_by(instance, settings),
            "leftovers": list(settings["leftovers"]),
        },
    ]


def _protection(instance: Mapping[str, Any], namespace: str, front: str) -> list[dict[str, str]]:
    return [
        {
            "api_version": "networking.k8s.io/v1",
            "kind": "Ingress",
            "name": front,
            "namespace": namespace,
            "annotation": "alb.ingress.kubernetes.io/load-balancer-attributes",
            "pattern": PROTECTED,
            "advice": (
                f"Set deletion_protection.enabled to false in attributes of the instance {instance['name']} in "
                "traefik_instances and run with the state present, then remove it."
            ),
        }
    ]


def _used_by(instance: Mapping[str, Any], settings: Mapping[str, Any]) -> list[dict[str, str]]:
    """What apps are reached by through an instance, unless another one takes over."""
    if settings["abandon"] or instance["ingress_class"] in settings["served"]:
        return []
    advice = (
        "Delete them or give them another class, then run again; or set traefik_abandon to true to leave them behind, "
        "unreachable."
    )
    return [
        {"api_version": version, "kind": kind, "ingress_class": instance["ingress_class"], "advice": advice}
        for version, kind in ROUTES
    ]


def _values(instance: Mapping[str, Any], settings: Mapping[str, Any]) -> dict[str, Any]:
    own = instance_values(instance, settings)
    made = merged(settings["common_values"], own, settings["values"], instance["values"])
    if instance["target_type"] == "instance":
        # A list is one value, and this one is the role's and the user's.
        made["additionalArguments"] = ["--ping.entrypoint=web", *(made.get("additionalArguments") or [])]
    return made


def labels(name: str) -> dict[str, str]:
    """What selects the pods of an instance."""
    return {"app.kubernetes.io/name": "traefik", "app.kubernetes.io/instance": name}


def load_balancer_values(instance: Mapping[str, Any], settings: Mapping[str, Any]) -> dict[str, Any]:
    """Values of the chart shared-alb."""
    attributes = {"idle_timeout.timeout_seconds": instance["idle_timeout"], **instance["attributes"]}
    # Said also where there is no bucket: the controller leaves alone what no annotation names any more.
    attributes["access_logs.s3.enabled"] = bool(instance["access_logs_bucket"])
    if instance["access_logs_bucket"]:
        attributes["access_logs.s3.bucket"] = instance["access_logs_bucket"]
        if instance["access_logs_prefix"]:
            attributes["access_logs.s3.prefix"] = instance["access_logs_prefix"]
    delay = {"deregistration_delay.timeout_seconds": instance["deregistration_delay"]}
    return {
        "loadBalancer": {
            "ingressClass": settings["alb_ingress_class"],
            "scheme": instance["scheme"],
            "name": instance["load_balancer_name"],
            "group": instance["group"],
            "ipAddressType": instance["ip_address_type"],
            "subnets": list(instance["subnets"]),
            "securityGroups": list(instance["security_groups"]),
            "inboundCidrs": list(instance["inbound_cidrs"]),
            "webAcl": instance["web_acl"],
            "attributes": _texts(attributes),
            "tags": _texts({**settings["tags"], **instance["tags"]}),
        },
        "listeners": {
            "https": instance["https"],
            "redirect": instance["redirect_http"],
            "certificates": list(instance["certificates"]),
            "hosts": list(instance["hosts"]),
            "sslPolicy": instance["ssl_policy"],
        },
        "targets": {
            "type": instance["target_type"],
            "selector": labels(instance["name"]),
            "port": WEB,
            "attributes": _texts({**delay, **instance["target_attributes"]}),
            "healthCheck": {
                # The entry point traefik is of the pods alone; nodes have a port for web only.
                "port": PING if instance["target_type"] == "ip" else "traffic-port",
                "path": "/ping",
                "interval": HEALTH_INTERVAL,
                "unhealthyThreshold": UNHEALTHY_AFTER,
            },
        },
        "externalDns": {"annotationPrefixes": list(settings["external_dns_prefixes"])},
        "annotations": dict(instance["annotations"]),
    }


def _texts(pairs: Mapping[str, Any]) -> dict[str, str]:
    """Values as AWS writes them; Helm would write a large number with an exponent."""
    return {str(key): str(value).lower() if isinstance(value, bool) else str(value) for key, value in pairs.items()}


def instance_values(instance: Mapping[str, Any], settings: Mapping[str, Any]) -> dict[str, Any]:
    """Values of Traefik's chart that are an instance's own."""
    name, ingress_class = instance["name"], instance["ingress_class"]
    drain, grace = settings["drain_time"], settings["grace_time"]
    lifecycle = {"requestAcceptGraceTimeout": drain}
    values: dict[str, Any] = {
        "fullnameOverride": name,
        "instanceLabelOverride": name,
        "ingressClass": {"enabled": True, "isDefaultClass": False, "name": ingress_class},
        # That of the load balancer is there before the pods are; the chart's own would ask for another load balancer.
        "service": {"enabled": False},
        "deployment": {"replicas": instance["replicas"], "terminationGracePeriodSeconds": drain + grace + SPARE},
        "ports": {
            # The load balancer ends TLS.
            "websecure": None,
            "traefik": {"transport": {"lifeCycle": lifecycle}},
            "web": {
                "forwardedHeaders": {"trustedIPs": list(instance["trusted_ips"])},
                "transport": {
                    "lifeCycle": {**lifecycle, "graceTimeOut": grace},
                    # Longer than the load balancer keeps a connection: else it would send a request into a closed one.
                    "respondingTimeouts": {"idleTimeout": instance["idle_timeout"] + 30},
                },
            },
        },
        "providers": {
            "kubernetesIngress": {"ingressClass": ingress_class, "publishedService": {"enabled": False}},
            "kubernetesCRD": {"ingressClass": ingress_class},
        },
        "topologySpreadConstraints": [
            {
                "maxSkew": 1,
                "topologyKey": key,
                "whenUnsatisfiable": "ScheduleAnyway",
                "labelSelector": {"matchLabels": labels(name)},
                "matchLabelKeys": ["pod-template-hash"],
            }
            for key in ("topology.kubernetes.io/zone", "kubernetes.io/hostname")
        ],
    }
    if instance["published_hostname"]:
        values["providers"]["kubernetesIngress"]["ingressEndpoint"] = {"hostname": instance["published_hostname"]}
    if instance["target_type"] == "instance":
        values["deployment"]["healthchecksPort"] = WEB
    return values
