# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What is refused of ExternalDNS's instances, and that what two would write both is found exactly."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Any

import pytest
from ansible_collections.ekspress.eks.plugins.module_utils import _external_dns_domains as domains
from ansible_collections.ekspress.eks.plugins.module_utils._external_dns_model import Instance, instance
from ansible_collections.ekspress.eks.plugins.module_utils._hosted_zones_model import is_within
from ansible_collections.ekspress.eks.tests.unit.external_dns_ground import COMMON, PRIVATE, PUBLIC, planned, zone
from hypothesis import given
from hypothesis import strategies as st

OTHER = {**PUBLIC, "name": "other"}
OWN_NAMES = ["app.example.com", "*.app.example.com"]
MANY = [zone(f"Z{number}", f"{number}.example.net") for number in range(12)]
TWO_PUBLIC = [zone("ZPUB"), zone("ZPUB2")]
UNSEEN = [zone("ZPRI", private=True, associated=False)]
TWO_UNSEEN = [*UNSEEN, zone("ZPRI2", private=True, associated=False)]

ZONE_CASES: dict[str, tuple[dict[str, Any], list[dict[str, Any]] | None, str]] = {
    "no-zones": ({"zones": []}, None, "zones is empty: give at least one hosted zone"),
    "no-such-name": (
        {"zones": ["example.net"]},
        None,
        "zones has example.net: account 111122223333 has no public hosted zone of this name; "
        "it has example.com (ZPUB), example.org (ZORG)",
    ),
    "no-such-id": (
        {"zones": ["Z9"]},
        None,
        "zones has Z9: account 111122223333 has no hosted zone of this ID; it has ",
    ),
    "no-zone-at-all": ({}, [], "has no public hosted zone of this name; it has none"),
    "many-others": ({}, MANY, "and 2 more"),
    "other-kind-by-name": ({}, UNSEEN, "has no public hosted zone of this name (there is a private one, ZPRI)"),
    "other-kind-by-id": ({"zones": ["ZPRI"]}, None, "zones has ZPRI: it is a private zone, and zone_type is public"),
    "no-name": (
        {"zones": ["*.example.com"]},
        None,
        "zones has *.example.com: this is neither the ID of a hosted zone nor",
    ),
    "twice": (
        {},
        TWO_PUBLIC,
        "zones has example.com: there are 2 public hosted zones of this name, ZPUB and ZPUB2: give the ID of one",
    ),
    "private-twice": (
        {"zone_type": "private"},
        TWO_UNSEEN,
        "there are 2 private hosted zones of this name, ZPRI and ZPRI2",
    ),
    "not-associated": (
        {"zone_type": "private"},
        UNSEEN,
        "the private zone ZPRI is not associated with the cluster's VPC vpc-1, so that nothing in the cluster would",
    ),
    "linked": (
        {},
        [zone("ZPUB", linked_service="servicediscovery.amazonaws.com")],
        "zones has example.com: servicediscovery.amazonaws.com made it, and lets nobody else change its records",
    ),
}
OPTION_CASES: dict[str, tuple[dict[str, Any], str]] = {
    "name": ({"name": "Public"}, "name 'Public' cannot name a Helm release: 1 to 40 lower case letters"),
    "name-too-long": ({"name": "p" * 41, "owner_id": "p"}, "cannot name a Helm release: 1 to 40"),
    "filter-elsewhere": (
        {"domain_filters": ["example.org"]},
        "domain_filters has example.org, outside of all its zones",
    ),
    "filter-no-domain": (
        {"domain_filters": [".example.com"]},
        "domain_filters has '.example.com', which is not a domain name",
    ),
    "zone-without-filter": (
        {"zones": ["example.com", "example.org"], "domain_filters": ["example.com"]},
        "nothing would ever be written into the zone example.org: domain_filters (example.com)",
    ),
    "zone-excluded": ({"exclude_domains": ["com"]}, "nothing would ever be written into the zone example.com"),
    "sync-without-owner": ({"policy": "sync"}, "policy sync needs owner_id"),
    "owner-with-comma": ({"owner_id": "a,b"}, "owner_id 'a,b' does not fit into TXT records"),
    "owner-too-long": ({"owner_id": "o" * 57}, "does not fit into TXT records: 1 to 56 characters"),
    "previous-owner": ({"previous_owner_id": "a=b"}, "previous_owner_id 'a=b' does not fit into TXT records"),
    "takes-over-and-deletes": (
        {"policy": "sync", "owner_id": "new", "previous_owner_id": "old"},
        "previous_owner_id with policy sync: ExternalDNS could not delete what is gone of the owner before",
    ),
    "same-owner-as-before": (
        {"previous_owner_id": "eu-central-1.blue.public"},
        "previous_owner_id and owner_id are both eu-central-1.blue.public",
    ),
    "annotation-prefix": (
        {"annotation_prefix": "internal.dns"},
        "annotation_prefix 'internal.dns' must end with a slash",
    ),
    "txt-prefix": ({"txt_prefix": "a b"}, "txt_prefix 'a b' may have letters, digits, hyphens, underscores, dots and"),
    "txt-prefix-label": (
        {"txt_prefix": f"{'t' * 59}%{{record_type}}."},
        "makes names of TXT records that Route 53 refuses",
    ),
    "txt-prefix-and-type": ({"txt_prefix": "t" * 58}, "makes names of TXT records that Route 53 refuses"),
    "txt-prefix-name": (
        {"txt_prefix": "%{record_type}." + "t23456789." * 24},
        "makes names of TXT records that Route 53",
    ),
    "txt-prefix-empty-label": ({"txt_prefix": "a..b."}, "makes names of TXT records that Route 53 refuses"),
    "no-source": ({"sources": []}, "sources is empty"),
    "nodes-of-a-namespace": (
        {"namespace": "web", "sources": ["pod", "node"]},
        "sources has node, pod, for which ExternalDNS",
    ),
    "no-name-left": ({"ignore_hostname_annotation": True}, "ignore_hostname_annotation needs fqdn_template"),
    "two-class-filters": (
        {"ingress_class_names": ["a"], "annotation_filter": "kubernetes.io/ingress.class in (a)"},
        "annotation_filter asks for kubernetes.io/ingress.class",
    ),
    "interval": ({"interval": "60"}, "interval '60' is not a duration, such as 30s"),
    "cache": ({"zones_cache_duration": "one hour"}, "zones_cache_duration 'one hour' is not a duration"),
    "own-argument": (
        {"extra_args": {"zone-id-filter": "Z9"}},
        "extra_args sets zone-id-filter, which the role sets itself",
    ),
    "own-argument-turned": (
        {"extra_args": {"no-aws-zone-match-parent": True}},
        "extra_args sets no-aws-zone-match-parent",
    ),
    "dashes": ({"extra_args": {"--once": True}}, "extra_args has --once: give the names of arguments without hyphens"),
    "map": ({"extra_args": {"once": {"a": 1}}}, "extra_args has a map for once"),
    "own-value": (
        {"values": {"txtOwnerId": "x"}},
        "values sets txtOwnerId, which zones, owner, IAM role or gate go by",
    ),
    "own-nested-value": ({"values": {"serviceAccount": {"name": "x"}}}, "values sets serviceAccount.name"),
    "role-name": ({"role_name": "r" * 65}, "is no name of an IAM role, which has 1 to 64 characters"),
}
PAIR_CASES: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "same-name": ({}, {"name": "public", "zones": ["example.org"]}, "name public is given twice"),
    "same-zone": (
        {},
        {},
        "instances public and other would both write below example.com in the zone ZPUB (example.com)",
    ),
    "by-id-and-name": ({}, {"zones": ["ZPUB"]}, "would both write below example.com in the zone ZPUB"),
    "filter-within-filter": (
        {"domain_filters": ["app.example.com"]},
        {"domain_filters": ["web.example.com", "a.app.example.com"]},
        "would both write below a.app.example.com in the zone ZPUB",
    ),
    "excluded-elsewhere": (
        {"exclude_domains": ["web.example.com"]},
        {"domain_filters": ["app.example.com"]},
        "would both write below app.example.com",
    ),
    "same-owner": (
        {"owner_id": "dns"},
        {"owner_id": "dns", "zones": ["example.org"]},
        "instances public and other have the same owner dns",
    ),
    "owner-made-of-names": (
        {"owner_id": "eu-central-1.blue.other"},
        {"zones": ["example.org"]},
        "have the same owner eu-central-1.blue.other",
    ),
    "same-service-account": (
        {"service_account": "dns"},
        {"service_account": "dns", "zones": ["example.org"]},
        "instances public and other have the same service_account dns",
    ),
    "same-role": ({"role_name": "r"}, {"role_name": "r", "zones": ["example.org"]}, "have the same role_name r"),
}


def only_problem(made: dict[str, Any]) -> str:
    (problem,) = made["problems"]
    assert problem.startswith("external_dns_instances: ")
    assert problem.endswith(".")
    return str(problem)


@pytest.mark.parametrize("case", ZONE_CASES)
def test_a_zone_that_cannot_be_is_refused(case: str) -> None:
    options, zones, said = ZONE_CASES[case]
    assert said in only_problem(planned([{**PUBLIC, **options}], zones=zones))


@pytest.mark.parametrize("case", OPTION_CASES)
def test_an_option_that_would_not_work_is_refused(case: str) -> None:
    options, said = OPTION_CASES[case]
    assert said in only_problem(planned([{**PUBLIC, **options}]))


@pytest.mark.parametrize("case", PAIR_CASES)
def test_instances_that_would_meet_are_refused(case: str) -> None:
    first, second, said = PAIR_CASES[case]
    problems = planned([{**PUBLIC, **first}, {**OTHER, **second}])["problems"]
    assert [problem for problem in problems if said in problem]


def test_values_of_all_instances_may_not_undo_what_was_checked_either() -> None:
    problem = only_problem(planned([PUBLIC], common={**COMMON, "values": {"registry": "noop"}}))
    assert "external_dns_values sets registry" in problem


def test_no_instance_is_refused() -> None:
    assert only_problem(planned([])) == "external_dns_instances: give at least one instance."


def test_all_that_is_wrong_is_said_at_once() -> None:
    wrong = {"policy": "sync", "interval": "x", "zones": ["example.net"]}
    assert len(planned([{**PUBLIC, **wrong}, PRIVATE])["problems"]) == 3


@pytest.mark.parametrize(
    ("options", "zones"),
    [
        ({"policy": "sync", "owner_id": "web"}, None),
        ({"zones": ["ZPUB", "Example.com.", "/hostedzone/ZORG"]}, None),
        ({"zone_type": "private"}, [*TWO_UNSEEN, zone("ZPRI3", private=True, associated=True)]),
        ({"zone_type": "private", "allow_unassociated": True}, UNSEEN),
        ({"txt_prefix": ""}, None),
        ({"txt_prefix": "t" * 57}, None),
        ({"owner_id": "ingress-eks-blue.example.com"}, None),
        ({"exclude_domains": ["old.example.com"]}, None),
    ],
)
def test_what_can_be_is_let_be(options: dict[str, Any], zones: list[dict[str, Any]] | None) -> None:
    assert planned([{**PUBLIC, **options}], zones=zones)["problems"] == []


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"domain_filters": ["app.example.com"]}, {"domain_filters": ["web.example.com"]}),
        ({"exclude_domains": ["app.example.com"]}, {"domain_filters": ["app.example.com"]}),
        ({"zones": ["example.org"]}, {}),
    ],
)
def test_instances_that_never_meet_are_let_be(first: dict[str, Any], second: dict[str, Any]) -> None:
    assert planned([{**PUBLIC, **first}, {**OTHER, **second}])["problems"] == []


def test_instances_that_are_removed_meet_nobody() -> None:
    assert planned([PUBLIC, {**OTHER, "state": "absent"}])["problems"] == []


ZONE = "z.com"
BELOW = st.sampled_from(["", "a.", "b.", "a.a.", "b.a.", "a.b."]).map(lambda labels: f"{labels}{ZONE}")
FILTERS = st.lists(st.one_of(BELOW, st.just("com")), max_size=3)
TERRITORIES = st.builds(
    lambda filters, excludes: instance({"domain_filters": filters, "exclude_domains": excludes}, "blue"),
    FILTERS,
    st.lists(BELOW, max_size=3),
)


def writes(one: Instance, name: str) -> bool:
    """Whether ExternalDNS lets a name through, name by name, as its own filter does."""
    if any(is_within(name, domain) for domain in one.exclude_domains):
        return False
    return not one.domain_filters or any(is_within(name, domain) for domain in one.domain_filters)


@given(TERRITORIES, TERRITORIES)
def test_a_shared_domain_is_found_where_and_only_where_there_is_a_name_that_both_write(
    first: Instance, second: Instance
) -> None:
    ends = [ZONE, *first.domain_filters, *second.domain_filters, *first.exclude_domains, *second.exclude_domains]
    candidates = {f"{label}{end}" for end in ends for label in ("", "new.")}
    both = [name for name in candidates if is_within(name, ZONE) and writes(first, name) and writes(second, name)]
    shared = domains.shared_domain(first, second, ZONE)
    assert bool(shared) == bool(both)
    assert not shared or (writes(first, f"new.{shared}") and writes(second, f"new.{shared}"))
    assert shared == "" or is_within(shared, ZONE)


@given(TERRITORIES)
def test_there_are_roots_where_and_only_where_a_name_is_written(one: Instance) -> None:
    candidates = {f"{label}{end}" for end in (ZONE, *one.domain_filters) for label in ("", "new.")}
    written = [name for name in candidates if is_within(name, ZONE) and writes(one, name)]
    assert bool(domains.roots(one, ZONE)) == bool(written)


@pytest.mark.parametrize(
    ("prefix", "patterns"),
    [
        ("%{record_type}-external-dns.", OWN_NAMES),
        ("", [*OWN_NAMES, "a-app.example.com", "aaaa-app.example.com", "cname-app.example.com"]),
        ("%{record_type}-", [*OWN_NAMES, "a-app.example.com", "aaaa-app.example.com", "cname-app.example.com"]),
        (
            "txt.",
            [*OWN_NAMES, "txt.a-app.example.com", "txt.aaaa-app.example.com", "txt.cname-app.example.com"],
        ),
    ],
)
def test_the_policys_names_are_those_of_records_and_their_txt_records(prefix: str, patterns: list[str]) -> None:
    one = instance({"domain_filters": ["app.example.com"], "txt_prefix": prefix}, "blue")
    assert domains.record_names(one) == patterns
    assert domains.record_names(instance({"txt_prefix": prefix}, "blue")) == []
    assert not any(fnmatchcase("evilapp.example.com", pattern) for pattern in domains.record_names(one))


@given(
    st.sampled_from(["", "%{record_type}-", "%{record_type}-external-dns.", "txt.", "%{record_type}.x-", "txt-"]),
    st.lists(st.sampled_from(["app.example.com", "a.app.example.com", "example.com"]), min_size=1, max_size=2),
    st.sampled_from(["", "www.", "a-b.www.", "*.", "_sip._tcp."]),
    st.sampled_from(["A", "AAAA", "CNAME", "SRV"]),
    st.sampled_from(["", "a-", "evil", "cname-x"]),
)
def test_the_policy_lets_it_write_its_records_and_none_of_a_neighbour(
    prefix: str, filters: list[str], below: str, kind: str, neighbour: str
) -> None:
    more = {"extra_args": {"managed-record-types": ["A", kind]}} if kind == "SRV" else {}
    one = instance({"domain_filters": filters, "txt_prefix": prefix, **more}, "blue")
    patterns = domains.record_names(one)
    for domain in filters:
        name = f"{below}{domain}"
        for written in (name, domains.txt_name(one, name, kind.lower())):
            assert any(fnmatchcase(written, pattern) for pattern in patterns)
        # Another record, at a name that only ends with the same letters.
        other = f"{below}{neighbour}x{domain}"
        within = any(is_within(other, item) for item in filters)
        assert within or not any(fnmatchcase(other, pattern) for pattern in patterns)
