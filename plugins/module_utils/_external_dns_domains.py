# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Which names of a zone an instance of ExternalDNS writes, and whether two instances would write the same ones.

A domain filter takes a name that it is the end of, at a dot, and excluded domains take names away in the same way:
https://github.com/kubernetes-sigs/external-dns/blob/v0.21.0/endpoint/domain_filter.go
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ansible_collections.ekspress.eks.plugins.module_utils._external_dns_model import RECORD_TYPE, Instance
from ansible_collections.ekspress.eks.plugins.module_utils._hosted_zones_model import is_within

RECORD_TYPES = ("A", "AAAA", "CNAME")
TYPES_ARGUMENT = "managed-record-types"
"""The types that ExternalDNS writes by default, and the argument that names others.
https://github.com/kubernetes-sigs/external-dns/blob/v0.21.0/docs/flags.md"""


def roots(instance: Instance, zone: str) -> list[str]:
    """The domains of a zone, with all below them, that an instance's filters let through, those excluded left out."""
    let_through = [zone] if not instance.domain_filters else list(_within(instance.domain_filters, zone))
    return [domain for domain in dict.fromkeys(let_through) if not excluded(domain, instance)]


def _within(filters: Iterable[str], zone: str) -> Iterator[str]:
    for domain in filters:
        if is_within(domain, zone):
            yield domain
        elif is_within(zone, domain):
            yield zone


def excluded(domain: str, instance: Instance) -> bool:
    """Whether an instance's excluded domains take away a domain with all below it."""
    return any(is_within(domain, other) for other in instance.exclude_domains)


def needs_parents(instance: Instance, zones: Iterable[str]) -> bool:
    """Whether ExternalDNS must be told to take zones that are above the domain filters (--aws-zone-match-parent).

    Else it takes a zone only if a filter takes the zone's own name.
    """
    filters = instance.domain_filters
    return bool(filters) and any(not any(is_within(zone, domain) for domain in filters) for zone in zones)


def shared_domain(first: Instance, second: Instance, zone: str) -> str:
    """A domain of a zone below which both instances would write; '' where there is none."""
    for one in roots(first, zone):
        for other in roots(second, zone):
            lower = one if is_within(one, other) else other if is_within(other, one) else ""
            if lower and not excluded(lower, first) and not excluded(lower, second):
                return lower
    return ""


def record_names(instance: Instance) -> list[str]:
    """Patterns of the names, TXT records included, that an instance with domain filters writes, for its IAM policy.

    None without domain filters. The prefix of a TXT record goes before a name's first label: what is below a domain
    stays there, and only for the domain's own name is there another one beside it, for each type of records.
    """
    patterns = []
    for domain in instance.domain_filters:
        own = (domain, f"*.{domain}")
        beside = [txt_name(instance, domain, kind) for kind in record_types(instance)]
        patterns += [*own, *(name for name in beside if not name.endswith(f".{domain}"))]
    return list(dict.fromkeys(patterns))


def txt_name(instance: Instance, name: str, kind: str) -> str:
    """The name of the TXT record that says whose a record of a type is.

    https://github.com/kubernetes-sigs/external-dns/blob/v0.21.0/registry/mapper/mapper.go
    """
    if RECORD_TYPE in instance.txt_prefix:
        return f"{instance.txt_prefix.replace(RECORD_TYPE, kind)}{name}"
    return f"{instance.txt_prefix}{kind}-{name}"


def record_types(instance: Instance) -> list[str]:
    """The types of records that an instance writes, in small letters; an alias to a load balancer counts as a CNAME."""
    given = instance.extra_args.get(TYPES_ARGUMENT) or RECORD_TYPES
    kinds = [given] if isinstance(given, str) else given
    return sorted({"cname", *(str(kind).lower() for kind in kinds)})
