# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Why instances of Traefik cannot work: what their options contradict, without a look at AWS."""

from __future__ import annotations

import ipaddress
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.ekspress.eks.plugins.module_utils._fargate import profiles_for
from ansible_collections.ekspress.eks.plugins.module_utils._helm_values import value_at

NAME = re.compile(r"[a-z]([-a-z0-9]{0,47}[a-z0-9])?")
"""With -alb it is the name of a Service and of a release. https://helm.sh/docs/chart_template_guide/getting_started/"""

BALANCER = re.compile(r"(?!internal-)[A-Za-z0-9]([-A-Za-z0-9]{0,30}[A-Za-z0-9])?")
"""https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateLoadBalancer.html"""

GROUP = re.compile(r"(?=.{1,63}$)[a-z0-9]([-a-z0-9.]*[a-z0-9])?")
"""https://kubernetes-sigs.github.io/aws-load-balancer-controller/latest/guide/ingress/annotations/#group.name"""

CLASS = re.compile(r"(?=.{1,253}$)[a-z0-9]([-a-z0-9.]*[a-z0-9])?")
NAMESPACE = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
"""https://kubernetes.io/docs/concepts/overview/working-with-objects/names/"""

PREFIX = re.compile(r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?/")
"""https://kubernetes.io/docs/concepts/overview/working-with-objects/annotations/#syntax-and-character-set"""

LONGEST_NAME = 63
"""Characters of a name that the chart does not cut: its cluster-wide objects are called NAME-NAMESPACE."""

LONGEST_RELEASE = 53
"""https://helm.sh/docs/chart_template_guide/getting_started/"""

HOST = re.compile(r"(\*\.)?([a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?\.)+[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
"""https://kubernetes.io/docs/concepts/services-networking/ingress/#hostname-wildcards"""

OWN = {
    "fullnameOverride": "name",
    "nameOverride": "name",
    "instanceLabelOverride": "name",
    "namespaceOverride": "traefik_namespace",
    "ingressClass": "ingress_class",
    "service.enabled": "target_type",
    "service.type": "target_type",
    "service.spec": "target_type",
    "service.nameOverride": "target_type",
    "ports.web.port": "target_type",
    "ports.traefik.port": "target_type",
    "ports.web.forwardedHeaders": "trusted_ips",
    "deployment.enabled": "state",
    "deployment.kind": "replicas",
    "deployment.replicas": "replicas",
    "deployment.healthchecksPort": "target_type",
    "deployment.terminationGracePeriodSeconds": "traefik_drain_time and traefik_grace_time",
    "providers.kubernetesIngress.ingressClass": "ingress_class",
    "providers.kubernetesIngress.publishedService": "published_hostname",
    "providers.kubernetesIngress.ingressEndpoint": "published_hostname",
    "providers.kubernetesCRD.ingressClass": "ingress_class",
}
"""Values that other things must agree with, and the option that decides them."""

ATTRIBUTES = {
    "attributes": {"idle_timeout.": "idle_timeout", "access_logs.s3.": "access_logs_bucket and access_logs_prefix"},
    "target_attributes": {"deregistration_delay.": "deregistration_delay"},
}
"""Beginnings of attributes' keys, and the option that decides them."""

MOST_TARGET_DELAY = 3600
MOST_IDLE = 4000
"""Seconds. https://docs.aws.amazon.com/elasticloadbalancing/latest/application/application-load-balancers.html"""


def refusals(instances: Sequence[Mapping[str, Any]], settings: Mapping[str, Any]) -> list[str]:
    """What is wrong, each with the variable, the cause and what to do."""
    present = [instance for instance in instances if instance["state"] == "present"]
    found = [*_twice(instances, present), *_releases_twice(instances)]
    found += _of_all(settings) if present else []
    for instance in present:
        who = f"traefik_instances: instance {instance['name']!r}"
        found += [f"{who}: {problem}" for problem in _of(instance, settings)]
        found += [f"{who}: values sets {path}" for path in _own(instance["values"])]
    found += [f"traefik_values sets {path}" for path in _own(settings["values"])]
    found += [
        f"traefik_instances: instance {problem['load_balancer']!r}: {problem['option']} has {problem['value']!r}: "
        f"{problem['message']}."
        for problem in settings["found"].get("problems", [])
    ]
    return found


def _twice(instances: Sequence[Mapping[str, Any]], present: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for name in _repeated(instance["name"] for instance in instances):
        yield f"traefik_instances has two instances of the name {name!r}. Give each another name."
    for name in _repeated(instance["ingress_class"] for instance in present):
        yield (
            f"traefik_instances: two instances have the ingress_class {name!r}, so both would serve its Ingresses and "
            "write their status. Give each another ingress_class."
        )
    for option in ("load_balancer_name", "group"):
        for value in _repeated(instance[option] for instance in present if instance[option]):
            yield (
                f"traefik_instances: two instances have the {option} {value!r}, and each needs a load balancer of its "
                f"own. Give each another {option}, or none."
            )


def _releases_twice(instances: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    names = {instance["name"] for instance in instances}
    for name in sorted(name for name in names if f"{name}-alb" in names):
        yield (
            f"traefik_instances has the names {name!r} and '{name}-alb', which is also the name of the release of "
            f"{name!r}'s load balancer. Give one of them another name."
        )


def _of_all(settings: Mapping[str, Any]) -> Iterator[str]:
    namespace, most = settings["namespace"], LONGEST_RELEASE - len("-namespace")
    if not NAMESPACE.fullmatch(namespace):
        yield (
            f"traefik_namespace is {namespace!r}, which is no name of a namespace: 1 to 63 lower-case letters, digits "
            "and hyphens, no hyphen first or last."
        )
    elif settings["create_namespace"] and len(namespace) > most:
        yield (
            f"traefik_namespace has {len(namespace)} characters, and the release that makes it is called "
            f"{namespace}-namespace, of which Helm takes {LONGEST_RELEASE}. Give {most} at most, or make the namespace "
            "yourself and set traefik_create_namespace to false."
        )
    for prefix in settings["external_dns_prefixes"]:
        if not PREFIX.fullmatch(prefix):
            yield (
                f"traefik_external_dns_prefixes has {prefix!r}, which begins no annotation: a domain in lower case and "
                "a slash, such as external-dns.alpha.kubernetes.io/."
            )


def _repeated(values: Iterable[str]) -> list[str]:
    return [value for value, count in Counter(values).items() if count > 1]


def _of(instance: Mapping[str, Any], settings: Mapping[str, Any]) -> Iterator[str]:
    if not NAME.fullmatch(instance["name"]):
        yield "the name must be 1 to 49 lower-case letters, digits and hyphens, a letter first and no hyphen last."
    elif len(f"{instance['name']}-{settings['namespace']}") > LONGEST_NAME:
        yield (
            f"the name and traefik_namespace ({settings['namespace']}) have more than {LONGEST_NAME - 1} characters "
            "together: the chart would cut the names of its cluster-wide objects. Shorten one of the two."
        )
    if instance["ingress_class"] != instance["name"] and not CLASS.fullmatch(instance["ingress_class"]):
        yield (
            f"ingress_class is {instance['ingress_class']!r}: 1 to 253 lower-case letters, digits, hyphens and dots, a "
            "letter or digit first and last."
        )
    if instance["group"] and not GROUP.fullmatch(instance["group"]):
        yield (
            f"group is {instance['group']!r}: 1 to 63 lower-case letters, digits, hyphens and dots, a letter or digit "
            "first and last."
        )
    if instance["ingress_class"] == settings["alb_ingress_class"]:
        yield (
            f"ingress_class is {instance['ingress_class']!r}, the class of the AWS Load Balancer Controller "
            "(traefik_alb_ingress_class), which would make a load balancer for each Ingress of it. Choose another."
        )
    yield from _targets(instance, settings)
    yield from _listeners(instance)
    yield from _texts(instance, settings)
    yield from _items(instance)
    yield from _options_of_their_own(instance)
    if instance["load_balancer_name"] and not BALANCER.fullmatch(instance["load_balancer_name"]):
        yield (
            f"load_balancer_name is {instance['load_balancer_name']!r}: 1 to 32 letters, digits and hyphens, no hyphen "
            "first or last, and not beginning with internal-."
        )
    if instance["replicas"] < 1:
        yield f"replicas is {instance['replicas']}; give 1 or more."


def _targets(instance: Mapping[str, Any], settings: Mapping[str, Any]) -> Iterator[str]:
    profiles = profiles_for(settings["fargate_profiles"], settings["namespace"], settings["labels"](instance["name"]))
    if instance["target_type"] == "instance" and profiles:
        yield (
            f"its pods run on Fargate (by the profile {profiles[0]} for the namespace {settings['namespace']}), where "
            "no node has a port for them: set target_type to ip, or take the namespace out of the Fargate profile."
        )
    delay, lives = instance["deregistration_delay"], settings["drain_time"] + settings["grace_time"]
    if not 0 <= delay <= MOST_TARGET_DELAY:
        yield f"deregistration_delay is {delay}; give 0 to {MOST_TARGET_DELAY} seconds."
    elif delay > lives:
        yield (
            f"deregistration_delay ({delay} s) is longer than a pod lives on when it is stopped (traefik_drain_time "
            f"and traefik_grace_time, {lives} s in all): the load balancer would wait for answers that never come. "
            "Shorten the delay or lengthen one of the two."
        )
    if not 1 <= instance["idle_timeout"] <= MOST_IDLE:
        yield f"idle_timeout is {instance['idle_timeout']}; give 1 to {MOST_IDLE} seconds."


def _listeners(instance: Mapping[str, Any]) -> Iterator[str]:
    certified = instance["certificates"] or instance["hosts"]
    if instance["https"] and not certified:
        yield (
            "HTTPS needs a certificate: give certificates (ARNs of ACM), or hosts for which the AWS Load Balancer "
            "Controller finds them; or set https to false for plain HTTP."
        )
    if not instance["https"] and certified:
        yield "https is false, and so certificates and hosts have no use: take them out, or set https to true."
    if instance["security_groups"] and instance["inbound_cidrs"]:
        yield (
            "inbound_cidrs has no effect beside security_groups, which say themselves who may come in: leave one of "
            "the two out."
        )
    for host in instance["hosts"]:
        if not HOST.fullmatch(host):
            yield f"hosts has {host!r}, which is no name of a host, such as shop.example.com or *.example.com."
    if not instance["trusted_ips"]:
        yield (
            "trusted_ips is empty, and AWS was not asked for the addresses of the VPC (traefik_check_inputs): Traefik "
            "would believe no header of the load balancer, and redirect for ever. Give trusted_ips."
        )
    for option in ("inbound_cidrs", "trusted_ips"):
        for text in instance[option]:
            if not _is_block(text):
                yield f"{option} has {text!r}, which is no block of addresses such as 10.0.0.0/16."


def _is_block(text: str) -> bool:
    try:
        ipaddress.ip_network(text)
    except ValueError:
        return False
    return True


def _options_of_their_own(instance: Mapping[str, Any]) -> Iterator[str]:
    for option, keys in ATTRIBUTES.items():
        for key in instance[option]:
            own = next((name for start, name in keys.items() if str(key).startswith(start)), None)
            if own:
                yield f"{option} has {key!r}, on which other things depend. Take it out, and use {own}."


def _texts(instance: Mapping[str, Any], settings: Mapping[str, Any]) -> Iterator[str]:
    """What would be read otherwise in an annotation, which has pairs key=value with commas between them."""
    for option in ("attributes", "target_attributes", "tags"):
        pairs = {**(settings["tags"] if option == "tags" else {}), **instance[option]}
        bad = [key for key, value in pairs.items() if re.search("[,=]", str(key)) or "," in str(value)]
        if bad:
            where = f"{option}, or traefik_tags," if option == "tags" else option
            yield f"{where} has {' and '.join(map(repr, bad))}: no comma may be in it, and no equals sign in a key."


def _items(instance: Mapping[str, Any]) -> Iterator[str]:
    """What would be read otherwise in an annotation that is a list with commas between its items."""
    for option in ("certificates", "security_groups", "subnets"):
        bad = [str(item) for item in instance[option] if not re.fullmatch(r"[^\s,]+( [^\s,]+)*", str(item))]
        if bad:
            yield (
                f"{option} has {' and '.join(map(repr, bad))}: an item is one ID, name or ARN, without commas. Write "
                "each as an item of its own."
            )


def _own(values: Mapping[str, Any]) -> Iterator[str]:
    for path, option in OWN.items():
        if value_at(values, path.split(".")) is not None:
            yield f"{path}, with which the role's other objects must agree. Take it out, and use {option}."
