# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""IAM roles and releases of ExternalDNS's instances: their zones, values and arguments."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.ekspress.eks.plugins.module_utils._external_dns_plan import arguments, escaped, plan
from ansible_collections.ekspress.eks.tests.unit.external_dns_ground import (
    CLUSTER,
    COMMON,
    PRIVATE,
    PUBLIC,
    planned,
    zone,
)


def values_of(**more: Any) -> dict[str, Any]:
    (release,) = planned([{"name": "public", "zone_type": "public", "zones": ["example.com"], **more}])["releases"]
    found: dict[str, Any] = release["values"]
    return found


def test_an_instance_is_a_release_and_an_iam_role_of_its_own() -> None:
    made = planned([PUBLIC, PRIVATE])
    assert made["problems"] == []
    assert [release["name"] for release in made["releases"]] == ["external-dns-public", "external-dns-private"]
    assert made["identities"][1] == {
        "permissions_boundary": "",
        "name": "blue-external-dns-private",
        "state": "present",
        "description": "ExternalDNS private of the EKS cluster blue",
        "service_accounts": ["kube-system:external-dns-private"],
    }
    release = made["releases"][1]
    assert (release["identity"], release["state"], release["chart"]) == (
        "blue-external-dns-private",
        "present",
        "external-dns",
    )
    assert release["gates"] == [{"kind": "deployment", "namespace": "kube-system", "name": "external-dns-private"}]
    assert json.loads(json.dumps(made)) == made


def test_zones_of_one_name_never_cross() -> None:
    made = planned([PUBLIC, PRIVATE], zones=[zone("ZPUB"), zone("ZPRI", private=True, associated=True)])
    assert made["problems"] == []
    assert [facts["zone_arns"] for facts in made["instances"]] == [
        ["arn:aws:route53:::hostedzone/ZPUB"],
        ["arn:aws:route53:::hostedzone/ZPRI"],
    ]
    given = [release["values"]["extraArgs"] for release in made["releases"]]
    assert [args["zone-id-filter"] for args in given] == [["ZPUB"], ["ZPRI"]]
    assert [args["aws-zone-type"] for args in given] == ["public", "private"]


def test_what_later_versions_of_the_program_change_is_said_always() -> None:
    values = values_of()
    assert values == {
        "provider": {"name": "aws"},
        "sources": ["ingress", "service"],
        "policy": "upsert-only",
        "registry": "txt",
        "txtOwnerId": "eu-central-1.blue.public",
        "txtPrefix": "%{record_type}-external-dns.",
        "annotationPrefix": "external-dns.alpha.kubernetes.io/",
        "interval": "1m",
        "triggerLoopOnEvent": True,
        "namespaced": False,
        "serviceAccount": {"create": True, "name": "external-dns-public"},
        "extraArgs": {"aws-zone-type": "public", "aws-zones-cache-duration": "1h", "zone-id-filter": ["ZPUB"]},
        "env": [{"name": "AWS_REGION", "value": "eu-central-1"}],
        "priorityClassName": "system-cluster-critical",
    }


def test_every_option_becomes_its_value_or_argument() -> None:
    values = values_of(
        domain_filters=["App.Example.com."],
        exclude_domains=["old.app.example.com"],
        sources=["service", "crd"],
        annotation_filter="PublicDNSName",
        label_filter="team=web",
        ingress_class_names=["public"],
        namespace="web",
        fqdn_template='{{ index .Annotations "PublicDNSName" }}.example.com',
        combine_fqdn_annotation=True,
        ignore_hostname_annotation=True,
        ignore_ingress_rules_spec=True,
        ignore_ingress_tls_spec=True,
        policy="sync",
        owner_id="web-public",
        previous_owner_id="web",
        txt_prefix="",
        interval="5m",
        trigger_loop_on_event=False,
        zones_cache_duration="3h",
        extra_args={"aws-batch-change-size": 4000, "managed-record-types": ["A", "CNAME"], "dry-run": None},
        values={"logFormat": "json", "env": [{"name": "X", "value": "y"}]},
    )
    assert values["extraArgs"] == {
        "aws-batch-change-size": "4000",
        "aws-zone-match-parent": True,
        "aws-zone-type": "public",
        "aws-zones-cache-duration": "3h",
        "combine-fqdn-annotation": True,
        "dry-run": True,
        "fqdn-template": '{{ "{{" }} index .Annotations "PublicDNSName" }}.example.com',
        "ignore-hostname-annotation": True,
        "ignore-ingress-rules-spec": True,
        "ignore-ingress-tls-spec": True,
        "ingress-class": ["public"],
        "managed-record-types": ["A", "CNAME"],
        "migrate-from-txt-owner": "web",
        "service-type-filter": ["ClusterIP", "ExternalName", "LoadBalancer"],
        "zone-id-filter": ["ZPUB"],
    }
    told = ("domainFilters", "excludeDomains", "labelFilter", "annotationFilter", "namespaced", "sourceNamespace")
    assert [values[key] for key in told] == [
        ["app.example.com"],
        ["old.app.example.com"],
        "team=web",
        "PublicDNSName",
        True,
        "web",
    ]
    assert (values["policy"], values["txtOwnerId"], values["txtPrefix"]) == ("sync", "web-public", "")
    assert (values["interval"], values["triggerLoopOnEvent"], values["logFormat"]) == ("5m", False, "json")
    assert values["env"] == [{"name": "AWS_REGION", "value": "eu-central-1"}, {"name": "X", "value": "y"}]


def test_a_region_of_the_users_is_left() -> None:
    environment = [{"name": "AWS_REGION", "value": "eu-west-1"}]
    assert values_of(values={"env": environment})["env"] == environment


def test_values_of_an_instance_win_over_those_of_all() -> None:
    common = {**COMMON, "values": {"logLevel": "debug", "resources": {"limits": {"memory": "1Gi"}, "requests": {}}}}
    instance = {**PUBLIC, "values": {"resources": {"limits": {"memory": "2Gi"}}}}
    (release,) = planned([instance], common=common)["releases"]
    assert release["values"]["logLevel"] == "debug"
    assert release["values"]["resources"] == {"limits": {"memory": "2Gi"}, "requests": {}}


@pytest.mark.parametrize(
    ("filters", "wanted"),
    [
        ([], False),
        (["example.com"], False),
        (["com"], False),
        (["a.example.com"], True),
        (["a.example.com", "com"], False),
    ],
)
def test_a_zone_above_all_filters_is_asked_for(filters: list[str], wanted: bool) -> None:
    """Else ExternalDNS would not take the zone, and write nothing without a word."""
    assert values_of(domain_filters=filters)["extraArgs"].get("aws-zone-match-parent", False) is wanted


def test_a_service_types_filter_of_the_users_is_left() -> None:
    found = values_of(namespace="web", extra_args={"service-type-filter": ["LoadBalancer"]})
    assert found["extraArgs"]["service-type-filter"] == ["LoadBalancer"]
    assert "service-type-filter" not in values_of(namespace="web", sources=["ingress"])["extraArgs"]


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("{{.Name}}", '{{ "{{" }}.Name}}'),
        ("plain } text", "plain } text"),
        ("{{- .Name -}}.{{.Namespace}}", '{{ "{{" }}- .Name -}}.{{ "{{" }}.Namespace}}'),
        ("{{{", '{{ "{{" }}{'),
    ],
)
def test_braces_are_escaped_for_the_charts_templating(text: str, made: str) -> None:
    assert escaped(text) == made


def test_the_definition_of_dns_endpoints_is_installed_only_for_those_who_read_them() -> None:
    crd = {**PUBLIC, "sources": ["crd"]}
    made = planned([crd, PRIVATE])
    assert [release.get("crds") for release in made["releases"]] == [None, "skip"]
    assert ["leftovers" in release for release in made["releases"]] == [False, False]


def test_the_definition_goes_with_the_last_who_reads_it() -> None:
    gone = {**PUBLIC, "sources": ["crd"], "state": "absent"}
    other = {**PRIVATE, "sources": ["crd"]}
    (release, _kept) = planned([gone, other])["releases"]
    assert (release["state"], "leftovers" in release) == ("absent", False)
    (release, _gone) = planned([gone, {**other, "state": "absent"}])["releases"]
    assert [item["name"] for item in release["leftovers"]] == ["dnsendpoints.externaldns.k8s.io"]


def test_what_is_removed_needs_no_zone() -> None:
    made = planned([PUBLIC, {**PRIVATE, "state": "absent"}], zones=[zone("ZPUB")])
    assert made["problems"] == []
    assert [release["state"] for release in made["releases"]] == ["present", "absent"]
    assert [identity["state"] for identity in made["identities"]] == ["present", "absent"]
    whole = plan([PUBLIC, PRIVATE], [], CLUSTER, {**COMMON, "state": "absent"})
    assert whole["requirements"] == []
    assert {release["state"] for release in whole["releases"]} == {"absent"}


def test_arguments_are_in_one_order() -> None:
    (one, other) = ({**PUBLIC, "extra_args": dict(items)} for items in ([("b", 1), ("a", 2)], [("a", 2), ("b", 1)]))
    found = [list(planned([item])["releases"][0]["values"]["extraArgs"]) for item in (one, other)]
    assert found[0] == found[1] == sorted(found[0])
    assert arguments.__doc__
