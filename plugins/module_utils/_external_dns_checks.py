# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What is wrong with instances of ExternalDNS, found before anything is installed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any

from ansible_collections.ekspress.eks.plugins.module_utils import _external_dns_domains as domains
from ansible_collections.ekspress.eks.plugins.module_utils import _hosted_zones_model as hosted
from ansible_collections.ekspress.eks.plugins.module_utils._arn import ROLE_NAME
from ansible_collections.ekspress.eks.plugins.module_utils._external_dns_model import RECORD_TYPE, RELEASE, Instance
from ansible_collections.ekspress.eks.plugins.module_utils._external_dns_zones import Zone
from ansible_collections.ekspress.eks.plugins.module_utils._helm_values import value_at

LONGEST_RELEASE = 53
"""https://helm.sh/docs/chart_template_guide/getting_started/"""
NAME = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?")
DURATION = re.compile(r"0|([0-9]+(\.[0-9]+)?(ns|us|ms|s|m|h))+")
"""https://pkg.go.dev/time#ParseDuration"""

OWNER = re.compile(r'[^\s",=\\]+')
"""ExternalDNS parts what its TXT records say at commas and equals signs.
https://github.com/kubernetes-sigs/external-dns/blob/v0.21.0/endpoint/labels.go"""
LONGEST_OWNER = 56
"""A TXT record holds 255 characters (https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/ResourceRecordTypes.html):
64 of words, the owner, and ingress/NAMESPACE/NAME, both of 63 characters."""

PREFIX = re.compile(r"([a-z0-9_.-]|%\{record_type\})*")
LONGEST_LABEL = 63
LONGEST_TYPE = "cname"
"""The longest type of a record that ExternalDNS writes by default."""

OWN_VALUES = (
    "annotationPrefix",
    "domainFilters",
    "excludeDomains",
    "extraArgs",
    "fullnameOverride",
    "nameOverride",
    "namespaceOverride",
    "namespaced",
    "policy",
    "provider",
    "registry",
    "serviceAccount.create",
    "serviceAccount.name",
    "sourceNamespace",
    "sources",
    "txtOwnerId",
    "txtPrefix",
    "txtSuffix",
)
"""Values that the IAM role, the gate, the checks of zones and owners, or another instance go by."""

OWN_ARGUMENTS = (
    "annotation-prefix",
    "aws-zone-match-parent",
    "aws-zone-type",
    "domain-filter",
    "exclude-domains",
    "fqdn-template",
    "migrate-from-txt-owner",
    "namespace",
    "policy",
    "provider",
    "regex-domain-exclusion",
    "regex-domain-filter",
    "registry",
    "source",
    "txt-owner-id",
    "txt-prefix",
    "txt-suffix",
    "zone-id-filter",
)
"""Arguments that would undo what was checked, or are another option's."""

MISSING = object()

NODES = ("node", "pod")
"""Sources that read nodes, which no Role of a namespace lets them."""


def of_names(instances: Sequence[Instance]) -> Iterator[str]:
    """What is wrong with the names, of instances that are removed too."""
    for one in instances:
        if not NAME.fullmatch(one.name) or len(one.release) > LONGEST_RELEASE:
            yield (
                f"name {one.name!r} cannot name a Helm release: 1 to {LONGEST_RELEASE - len(RELEASE)} lower case "
                "letters, digits and hyphens, a letter or digit first and last"
            )
    for first, second in combinations(instances, 2):
        if first.name == second.name:
            yield f"name {first.name} is given twice"
            continue
        for option in ("service_account", "role_name"):
            if getattr(first, option) == getattr(second, option):
                yield (
                    f"instances {first.name} and {second.name} have the same {option} {getattr(first, option)}: each "
                    "has its own, so that it may change its own zones only"
                )


def of_instance(instance: Instance, zones: Sequence[Zone], shared_values: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong with an instance by itself."""
    yield from _of_domains(instance, [str(zone["name"]) for zone in zones])
    yield from _of_registry(instance, zones)
    yield from _of_sources(instance)
    yield from _of_arguments(instance.extra_args)
    for variable, values in (("external_dns_values", shared_values), ("values", instance.values)):
        owned = [path for path in OWN_VALUES if value_at(values, path.split("."), MISSING) is not MISSING]
        if owned:
            yield (
                f"{variable} sets {', '.join(owned)}, which zones, owner, IAM role or gate go by; use the instance's "
                "own options, such as extra_args, owner_id, txt_prefix, domain_filters or service_account"
            )
    if not ROLE_NAME.fullmatch(instance.role_name):
        yield (
            f"role_name {instance.role_name} is no name of an IAM role, which has 1 to 64 characters: give a shorter "
            "one"
        )


def _of_domains(instance: Instance, zones: Sequence[str]) -> Iterator[str]:
    for option, given in (("domain_filters", instance.domain_filters), ("exclude_domains", instance.exclude_domains)):
        for domain in given:
            if not hosted.is_domain(domain):
                yield (
                    f"{option} has {domain!r}, which is not a domain name: letters, digits, hyphens and underscores "
                    "between dots, without one at the beginning, such as example.com"
                )
    if not zones:
        return
    elsewhere = [
        domain
        for domain in filter(hosted.is_domain, instance.domain_filters)
        if not any(hosted.is_within(domain, zone) or hosted.is_within(zone, domain) for zone in zones)
    ]
    if elsewhere:
        yield f"domain_filters has {', '.join(elsewhere)}, outside of all its zones ({', '.join(zones)})"
        return
    for zone in zones:
        if not domains.roots(instance, zone):
            yield (
                f"nothing would ever be written into the zone {zone}: domain_filters "
                f"({_list(instance.domain_filters)}) and exclude_domains ({_list(instance.exclude_domains)}) leave "
                "none of its names"
            )


def _of_registry(instance: Instance, zones: Sequence[Zone]) -> Iterator[str]:
    if instance.policy == "sync" and not instance.owner_given:
        yield (
            "policy sync needs owner_id: it deletes the records that bear the owner, and who else writes into the "
            "zones cannot be seen from here (another account may have a cluster of this name and region). Give an "
            f"owner_id that nobody else has, such as {instance.owner_id}"
        )
    for option, owner in (("owner_id", instance.owner_id), ("previous_owner_id", instance.previous_owner_id)):
        if owner and (not OWNER.fullmatch(owner) or len(owner) > LONGEST_OWNER):
            yield (
                f"{option} {owner!r} does not fit into TXT records: 1 to {LONGEST_OWNER} characters without spaces, "
                "commas, quotation marks, equals signs and backslashes"
            )
    if instance.previous_owner_id and instance.policy == "sync":
        # The TXT record that it deletes has the new owner then, which Route 53 refuses, as the record has the old one.
        yield (
            "previous_owner_id with policy sync: ExternalDNS could not delete what is gone of the owner before, and "
            "its changes would fail. Let it take over with policy upsert-only, then take previous_owner_id out and "
            "set sync"
        )
    if instance.previous_owner_id == instance.owner_id:
        yield f"previous_owner_id and owner_id are both {instance.owner_id}: leave previous_owner_id out"
    if not instance.annotation_prefix.endswith("/") or instance.annotation_prefix == "/":
        yield (
            f"annotation_prefix {instance.annotation_prefix!r} must end with a slash, such as "
            "external-dns.alpha.kubernetes.io/"
        )
    prefix = instance.txt_prefix
    if not PREFIX.fullmatch(prefix):
        yield f"txt_prefix {prefix!r} may have letters, digits, hyphens, underscores, dots and {RECORD_TYPE} only"
        return
    written = prefix.replace(RECORD_TYPE, LONGEST_TYPE) + ("" if RECORD_TYPE in prefix else f"{LONGEST_TYPE}-")
    longest = max((len(str(zone["name"])) for zone in zones), default=0)
    if any(not 0 < len(label) <= LONGEST_LABEL for label in written.rstrip(".").split(".")) or (
        len(written) + longest > hosted.LONGEST_NAME
    ):
        yield (
            f"txt_prefix {prefix!r} makes names of TXT records that Route 53 refuses: a label has 1 to {LONGEST_LABEL} "
            f"characters, a name {hosted.LONGEST_NAME}; give a shorter one"
        )


def _of_sources(instance: Instance) -> Iterator[str]:
    if not instance.sources:
        yield "sources is empty: give at least one, such as ingress"
    if instance.namespace and set(instance.sources) & set(NODES):
        yield (
            f"sources has {', '.join(sorted(set(instance.sources) & set(NODES)))}, for which ExternalDNS reads nodes; "
            f"with namespace {instance.namespace} it may read nothing outside of that: leave one of them out"
        )
    if instance.ignore_hostname_annotation and not instance.fqdn_template:
        yield (
            "ignore_hostname_annotation needs fqdn_template: without one ExternalDNS does not start, as it could not "
            "name anything"
        )
    if instance.ingress_class_names and "kubernetes.io/ingress.class" in instance.annotation_filter:
        yield (
            "annotation_filter asks for kubernetes.io/ingress.class, which ExternalDNS refuses beside "
            "ingress_class_names: leave it to ingress_class_names"
        )
    for option, duration in (("interval", instance.interval), ("zones_cache_duration", instance.zones_cache_duration)):
        if not DURATION.fullmatch(duration):
            yield f"{option} {duration!r} is not a duration, such as 30s, 1m or 1h30m"


def _of_arguments(given: Mapping[str, Any]) -> Iterator[str]:
    owned = [name for name in given if str(name).lstrip("-").removeprefix("no-") in OWN_ARGUMENTS]
    if owned:
        yield f"extra_args sets {', '.join(owned)}, which the role sets itself: use the instance's other options"
    dashed = [str(name) for name in given if str(name).startswith("-")]
    if dashed:
        yield f"extra_args has {', '.join(dashed)}: give the names of arguments without hyphens before them"
    nested = [str(name) for name, value in given.items() if isinstance(value, Mapping)]
    if nested:
        yield f"extra_args has a map for {', '.join(nested)}: an argument has a text, a number, a truth value or a list"


def of_pairs(found: Sequence[tuple[Instance, Sequence[Zone]]]) -> Iterator[str]:
    """What is wrong between instances: owners of the same name, and names that both would write."""
    for (first, _zones), (second, _others) in combinations(found, 2):
        if first.owner_id == second.owner_id:
            yield (
                f"instances {first.name} and {second.name} have the same owner {first.owner_id}, and would take, or "
                "with policy sync delete, each other's records: give each its own owner_id"
            )
    for (first, zones), (second, others) in combinations(found, 2):
        for zone in zones:
            if zone["id"] not in [other["id"] for other in others]:
                continue
            domain = domains.shared_domain(first, second, str(zone["name"]))
            if domain:
                yield (
                    f"instances {first.name} and {second.name} would both write below {domain} in the zone "
                    f"{zone['id']} ({zone['name']}): give them domain_filters that do not overlap, or exclude_domains"
                )


def _list(items: Iterable[str]) -> str:
    return ", ".join(items) or "none"
