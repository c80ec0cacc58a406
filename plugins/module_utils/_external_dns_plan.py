# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""From instances of ExternalDNS and the account's hosted zones to IAM roles and Helm releases, or to what is wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.ekspress.eks.plugins.module_utils import _external_dns_checks as checks
from ansible_collections.ekspress.eks.plugins.module_utils import _external_dns_domains as domains
from ansible_collections.ekspress.eks.plugins.module_utils import _external_dns_zones as hosted
from ansible_collections.ekspress.eks.plugins.module_utils._external_dns_model import Instance, instance
from ansible_collections.ekspress.eks.plugins.module_utils._helm_values import merged

VARIABLE = "external_dns_instances"
CRD_SOURCE = "crd"
CRD = {
    "api_version": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "name": "dnsendpoints.externaldns.k8s.io",
}
WITHOUT_NODES = ["ClusterIP", "ExternalName", "LoadBalancer"]
"""Types of Services of which ExternalDNS needs no nodes. It waits for nodes for NodePort, and ends if it may not read
them. https://github.com/kubernetes-sigs/external-dns/blob/v0.21.0/source/service.go"""


def plan(
    given: Sequence[Mapping[str, Any]],
    zones: Sequence[hosted.Zone],
    cluster: Mapping[str, Any],
    common: Mapping[str, Any],
) -> dict[str, Any]:
    """The parts of the add-on's specification that depend on the instances.

    ``zones`` are the account's, as hosted_zones_info returns them for the cluster's VPC. ``common`` has ``state`` and
    ``values`` of all instances, and what their ``release`` and ``identity`` have in common.

    Returns ``requirements`` (those that are not met, each with a sentence that names the variable), ``instances``
    (``name``, ``present``, ``zone_arns`` and ``record_names``, which the IAM policy is made of), ``identities`` without
    policies, and ``releases``.
    """
    instances = [instance(item, str(cluster["name"]), str(common["state"]), str(cluster["region"])) for item in given]
    account = hosted.Account(str(cluster["account"]), str(cluster["vpc_id"]))
    problems = [] if instances else ["give at least one instance"]
    problems += checks.of_names(instances)
    found: list[tuple[Instance, Sequence[hosted.Zone]]] = []
    for one in instances:
        if not one.present:
            found.append((one, []))
            continue
        own, wrong = hosted.find(one, zones, account)
        wrong += checks.of_instance(one, own, common["values"])
        problems += [f"instance {one.name}: {problem}" for problem in wrong]
        found.append((one, own))
    problems += checks.of_pairs([pair for pair in found if pair[0].present])
    return {
        "requirements": [{"met": False, "message": f"{VARIABLE}: {problem}."} for problem in problems],
        "instances": [_facts(one, own) for one, own in found],
        "identities": [_identity(one, cluster, common) for one in instances],
        "releases": [_release(one, own, cluster, common, instances) for one, own in found],
    }


def _facts(one: Instance, zones: Sequence[hosted.Zone]) -> dict[str, Any]:
    return {
        "name": one.name,
        "present": one.present,
        "zone_arns": [zone["arn"] for zone in zones],
        "record_names": domains.record_names(one),
    }


def _identity(one: Instance, cluster: Mapping[str, Any], common: Mapping[str, Any]) -> dict[str, Any]:
    return {
        **common["identity"],
        "name": one.role_name,
        "state": _state(one),
        "description": f"ExternalDNS {one.name} of the EKS cluster {cluster['name']}",
        "service_accounts": [f"{common['release']['namespace']}:{one.service_account}"],
    }


def _release(
    one: Instance,
    zones: Sequence[hosted.Zone],
    cluster: Mapping[str, Any],
    common: Mapping[str, Any],
    instances: Sequence[Instance],
) -> dict[str, Any]:
    release = {
        **common["release"],
        "name": one.release,
        "state": _state(one),
        "identity": one.role_name,
        "values": values(one, zones, cluster, common["values"]),
        "gates": [{"kind": "deployment", "namespace": common["release"]["namespace"], "name": one.release}],
    }
    if CRD_SOURCE not in one.sources:
        return {**release, "crds": "skip"}
    # The definition is of all instances that read DNSEndpoints: it goes with the last of them.
    in_use = any(other.present and CRD_SOURCE in other.sources for other in instances)
    return release if in_use else {**release, "leftovers": [dict(CRD)]}


def values(
    one: Instance, zones: Sequence[hosted.Zone], cluster: Mapping[str, Any], shared: Mapping[str, Any]
) -> dict[str, Any]:
    """The chart's values of an instance: the role's own, then those of all instances, then the instance's."""
    own: dict[str, Any] = {
        "provider": {"name": "aws"},
        "sources": list(one.sources),
        "policy": one.policy,
        "registry": "txt",
        "txtOwnerId": one.owner_id,
        "txtPrefix": one.txt_prefix,
        "annotationPrefix": one.annotation_prefix,
        "interval": one.interval,
        "triggerLoopOnEvent": one.trigger_loop_on_event,
        "namespaced": bool(one.namespace),
        "serviceAccount": {"create": True, "name": one.service_account},
        "extraArgs": arguments(one, zones),
    }
    optional = {
        "domainFilters": list(one.domain_filters),
        "excludeDomains": list(one.exclude_domains),
        "labelFilter": one.label_filter,
        "annotationFilter": one.annotation_filter,
        "sourceNamespace": one.namespace,
    }
    own |= {key: value for key, value in optional.items() if value}
    made = merged(own, shared, one.values)
    environment = list(made.get("env") or [])
    if not any(variable["name"] == "AWS_REGION" for variable in environment):
        environment.insert(0, {"name": "AWS_REGION", "value": cluster["region"]})
    return {**made, "env": environment}


def arguments(one: Instance, zones: Sequence[hosted.Zone]) -> dict[str, Any]:
    """The arguments that the chart has no value for, or one that it ignores, as it takes them in ``extraArgs``."""
    own: dict[str, Any] = {
        # The chart has aws.zoneType in old documents, and no such value.
        "aws-zone-type": one.kind,
        "zone-id-filter": sorted(str(zone["id"]) for zone in zones),
        "aws-zones-cache-duration": one.zones_cache_duration,
    }
    flags = {
        "aws-zone-match-parent": domains.needs_parents(one, [str(zone["name"]) for zone in zones]),
        "combine-fqdn-annotation": one.combine_fqdn_annotation,
        "ignore-hostname-annotation": one.ignore_hostname_annotation,
        "ignore-ingress-rules-spec": one.ignore_ingress_rules_spec,
        "ignore-ingress-tls-spec": one.ignore_ingress_tls_spec,
    }
    texts = {
        "fqdn-template": one.fqdn_template,
        "ingress-class": list(one.ingress_class_names),
        "migrate-from-txt-owner": one.previous_owner_id,
        "service-type-filter": list(WITHOUT_NODES) if one.namespace and "service" in one.sources else [],
    }
    own |= {name: True for name, wanted in flags.items() if wanted}
    own |= {name: value for name, value in texts.items() if value}
    own |= {str(name): value for name, value in one.extra_args.items()}
    return {name: _argument(own[name]) for name in sorted(own)}


def _argument(value: Any) -> Any:
    """An argument's value for ``extraArgs``: truth values become flags, lists are repeated, all else is text."""
    if value is None or isinstance(value, bool):
        return value is not False
    if isinstance(value, (list, tuple)):
        return [escaped(str(item)) for item in value]
    return escaped(str(value))


def escaped(text: str) -> str:
    """Text that the chart's own templating, which it does to ``extraArgs``, gives back as it was."""
    return text.replace("{{", '{{ "{{" }}')


def _state(one: Instance) -> str:
    return "present" if one.present else "absent"
