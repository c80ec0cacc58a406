# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Instances of ExternalDNS as the role external_dns is given them, completed by what is left out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible.module_utils.parsing.convert_bool import boolean
from ansible_collections.ekspress.eks.plugins.module_utils._hosted_zones_model import bare_name

RELEASE = "external-dns-"
"""Begins the names of the Helm releases. As it holds the chart's name, the chart names its objects as the release."""

RECORD_TYPE = "%{record_type}"
"""What ExternalDNS puts a record's type in place of, in the prefix of its TXT records."""

DEFAULTS: dict[str, Any] = {
    "state": "present",
    "allow_unassociated": False,
    "domain_filters": [],
    "exclude_domains": [],
    "sources": ["ingress", "service"],
    "annotation_filter": "",
    "label_filter": "",
    "ingress_class_names": [],
    "namespace": "",
    "fqdn_template": "",
    "combine_fqdn_annotation": False,
    "ignore_hostname_annotation": False,
    "ignore_ingress_rules_spec": False,
    "ignore_ingress_tls_spec": False,
    "policy": "upsert-only",
    "owner_id": "",
    "previous_owner_id": "",
    "txt_prefix": f"{RECORD_TYPE}-external-dns.",
    "annotation_prefix": "external-dns.alpha.kubernetes.io/",
    "interval": "1m",
    "trigger_loop_on_event": True,
    "zones_cache_duration": "1h",
    "service_account": "",
    "role_name": "",
    "extra_args": {},
    "values": {},
}
"""What an instance has where it does not say otherwise. A role's argument specification does not fill that in."""


@dataclass(frozen=True)
class Instance:
    """An instance; each attribute is described in the role's argument specification."""

    name: str
    present: bool
    private: bool
    zones: tuple[str, ...]
    allow_unassociated: bool
    domain_filters: tuple[str, ...]
    exclude_domains: tuple[str, ...]
    sources: tuple[str, ...]
    annotation_filter: str
    label_filter: str
    ingress_class_names: tuple[str, ...]
    namespace: str
    fqdn_template: str
    combine_fqdn_annotation: bool
    ignore_hostname_annotation: bool
    ignore_ingress_rules_spec: bool
    ignore_ingress_tls_spec: bool
    policy: str
    owner_id: str
    owner_given: bool
    """Whether the owner was given, not made of names."""
    previous_owner_id: str
    txt_prefix: str
    annotation_prefix: str
    interval: str
    trigger_loop_on_event: bool
    zones_cache_duration: str
    service_account: str
    role_name: str
    extra_args: Mapping[str, Any]
    values: Mapping[str, Any]

    @property
    def release(self) -> str:
        """The name of its Helm release, Deployment and cluster role."""
        return f"{RELEASE}{self.name}"

    @property
    def kind(self) -> str:
        """The kind of its zones, as ExternalDNS calls it."""
        return "private" if self.private else "public"


def instance(given: Mapping[str, Any], cluster: str, state: str = "present", region: str = "") -> Instance:
    """An instance of a cluster, of the state that it and the whole role have."""
    known = {**DEFAULTS, **{key: value for key, value in given.items() if value is not None}}
    name = str(known.get("name", ""))
    return Instance(
        name=name,
        present=state == "present" and known["state"] == "present",
        private=known.get("zone_type") == "private",
        zones=_texts(known.get("zones") or []),
        allow_unassociated=boolean(known["allow_unassociated"]),
        domain_filters=tuple(map(bare_name, _texts(known["domain_filters"]))),
        exclude_domains=tuple(map(bare_name, _texts(known["exclude_domains"]))),
        sources=_texts(known["sources"]),
        annotation_filter=str(known["annotation_filter"]),
        label_filter=str(known["label_filter"]),
        ingress_class_names=_texts(known["ingress_class_names"]),
        namespace=str(known["namespace"]),
        fqdn_template=str(known["fqdn_template"]),
        combine_fqdn_annotation=boolean(known["combine_fqdn_annotation"]),
        ignore_hostname_annotation=boolean(known["ignore_hostname_annotation"]),
        ignore_ingress_rules_spec=boolean(known["ignore_ingress_rules_spec"]),
        ignore_ingress_tls_spec=boolean(known["ignore_ingress_tls_spec"]),
        policy=str(known["policy"]),
        owner_id=str(known["owner_id"]) or f"{region}.{cluster}.{name}",
        owner_given=bool(known["owner_id"]),
        previous_owner_id=str(known["previous_owner_id"]),
        txt_prefix=str(known["txt_prefix"]).lower(),
        annotation_prefix=str(known["annotation_prefix"]),
        interval=str(known["interval"]),
        trigger_loop_on_event=boolean(known["trigger_loop_on_event"]),
        zones_cache_duration=str(known["zones_cache_duration"]),
        service_account=str(known["service_account"]) or f"{RELEASE}{name}",
        role_name=str(known["role_name"]) or f"{cluster}-{RELEASE}{name}",
        extra_args=known["extra_args"],
        values=known["values"],
    )


def _texts(given: Any) -> tuple[str, ...]:
    """A list's items as texts; a single text is a list of one, as in a module's options."""
    return tuple(map(str, [given] if isinstance(given, str) else given))
