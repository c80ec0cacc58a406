# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What is wrong with certificates, hosts, web ACLs and security groups of load balancers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from ansible_collections.ekspress.eks.plugins.module_utils._load_balancer_inputs_plan import (
    Certificate,
    Known,
    Wanted,
    certificate,
    covers,
    named_certificate,
    named_web_acl,
    open_hosts,
    problems,
)
from hypothesis import given
from hypothesis import strategies as st

REGION, VPC, NOW = "eu-central-1", "vpc-0a1b2c3d4e5f67890", datetime(2026, 3, 1, tzinfo=UTC)
CERTIFICATE = "arn:aws:acm:eu-central-1:111122223333:certificate/a1b2c3d4-5678-90ab-cdef-111111111111"
ACL = "arn:aws:wafv2:eu-central-1:111122223333:regional/webacl/public/a1b2c3d4-5678-90ab-cdef-222222222222"
GROUP = "sg-0a1b2c3d4e5f67890"
LABEL = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,8}[a-z0-9])?", fullmatch=True)


def wanted(**more: Any) -> Wanted:
    return Wanted(**{"name": "web", "certificates": (), "hosts": (), "web_acl": "", "security_groups": (), **more})


def issued(*domains: str, **more: Any) -> Certificate:
    return Certificate(**{"arn": CERTIFICATE, "status": "ISSUED", "domains": frozenset(domains), **more})


def said(item: Wanted, **known: Any) -> list[tuple[str, str]]:
    facts = Known(**{"certificates": {}, "web_acls": {}, "security_groups": {}, **known})
    return [(problem.option, problem.message) for problem in problems([item], facts, REGION, VPC, NOW)]


@pytest.mark.parametrize(
    ("domain", "host", "fits"),
    [
        ("shop.example.com", "shop.example.com", True),
        ("Shop.Example.com", "shop.example.COM", True),
        ("*.example.com", "shop.example.com", True),
        ("*.example.com", "*.example.com", True),
        ("*.example.com", "example.com", False),
        ("*.example.com", "a.shop.example.com", False),
        ("*.example.com", "*.shop.example.com", False),
        ("shop.example.com", "*.example.com", False),
        ("*.com", "example.com", True),
        ("shop.example.com", "shop.example.com.evil.example", False),
    ],
)
def test_a_wildcard_stands_for_exactly_one_label(domain: str, host: str, fits: bool) -> None:
    assert covers(domain, host) is fits


@given(st.lists(LABEL, min_size=1, max_size=4), st.lists(LABEL, min_size=1, max_size=4))
def test_a_wildcard_covers_what_differs_from_it_in_the_first_label_only(one: list[str], other: list[str]) -> None:
    domain, host = ".".join(["*", *one]), ".".join(other)
    assert covers(domain, host) is (other[1:] == one)


def test_what_is_there_is_fine() -> None:
    item = wanted(certificates=(CERTIFICATE,), hosts=("shop.example.com",), web_acl=ACL, security_groups=(GROUP,))
    known = {"certificates": {CERTIFICATE: issued("*.example.com")}, "web_acls": {ACL: True}}
    assert said(item, **known, security_groups={GROUP: VPC}) == []
    assert said(wanted(hosts=("shop.example.com",)), certificates={"found": issued("shop.example.com")}) == []
    assert said(wanted(web_acl="none")) == []


@pytest.mark.parametrize(
    ("found", "message"),
    [
        (None, "there is no such certificate in ACM of account 111122223333 in eu-central-1"),
        (issued("x", status="EXPIRED", not_after=NOW - timedelta(days=28)), "it expired on 2026-02-01: renew it"),
        (issued("x", not_after=NOW), "it expired on 2026-03-01: renew it in ACM, or name another"),
        (issued("x", status="EXPIRED"), "it expired: renew it in ACM, or name another"),
        (issued("x", status="PENDING_VALIDATION"), "it is not issued yet: make the records in DNS"),
        (issued("x", status="REVOKED"), "its status in ACM is REVOKED, not ISSUED: name another"),
    ],
)
def test_a_certificate_that_cannot_be_used(found: Certificate | None, message: str) -> None:
    ((option, text),) = said(wanted(certificates=(CERTIFICATE,)), certificates={CERTIFICATE: found})
    assert option == "certificates"
    assert text.startswith(message)


@pytest.mark.parametrize(
    ("arn", "message"),
    [
        ("shop", "not an ARN"),
        (CERTIFICATE.replace("eu-central-1", "us-east-1"), "it is in us-east-1, and a load balancer takes"),
        ("arn:aws:iam::111122223333:server-certificate/shop", "it is no ARN of a certificate of ACM"),
        (ACL, "it is no ARN of a certificate of ACM"),
    ],
)
def test_what_is_no_certificate_of_the_region(arn: str, message: str) -> None:
    assert message in str(named_certificate(arn, REGION))
    assert message in said(wanted(certificates=(arn,)))[0][1]


@pytest.mark.parametrize(
    ("arn", "message"),
    [
        ("public", "not an ARN"),
        (ACL.replace("eu-central-1", "eu-west-1"), "it is in eu-west-1, and a load balancer takes those of its own"),
        (
            ACL.replace("eu-central-1", "us-east-1").replace("regional", "global"),
            "its scope is CLOUDFRONT, and a load balancer needs one of the scope REGIONAL",
        ),
        (ACL.replace("webacl", "rulegroup"), "it is no ARN of a web ACL of WAFv2"),
        (CERTIFICATE, "it is no ARN of a web ACL of WAFv2"),
        (ACL, "there is no such web ACL in eu-central-1"),
    ],
)
def test_a_web_acl_that_cannot_be_used(arn: str, message: str) -> None:
    ((option, text),) = said(wanted(web_acl=arn), web_acls={ACL: False})
    assert option == "web_acl"
    assert message in text


def test_name_and_id_of_a_web_acl() -> None:
    assert named_web_acl(ACL, REGION) == ("public", "a1b2c3d4-5678-90ab-cdef-222222222222")


@pytest.mark.parametrize(
    ("hosts", "domains", "message"),
    [
        (("shop.example.com",), (), "request one for shop.example.com or *.example.com there"),
        (("*.example.com",), ("shop.example.com",), "request one for *.example.com there"),
        (("example.com",), ("*.example.com",), "request one for example.com there"),
    ],
)
def test_a_host_without_a_certificate(hosts: tuple[str, ...], domains: tuple[str, ...], message: str) -> None:
    ((option, text),) = said(wanted(hosts=hosts), certificates={"found": issued(*domains)})
    assert option == "hosts"
    assert text == f"no certificate that ACM issued in eu-central-1 is for it: {message}"


def test_a_host_whose_only_certificate_expired() -> None:
    old = issued("shop.example.com", not_after=NOW - timedelta(seconds=1))
    assert "expired: renew it" in said(wanted(hosts=("shop.example.com",)), certificates={"found": old})[0][1]


def test_hosts_need_one_of_the_certificates_that_are_named_and_no_other_is_looked_for() -> None:
    item = wanted(certificates=(CERTIFICATE,), hosts=("shop.example.com", "other.example.org"))
    known = {CERTIFICATE: issued("shop.example.com"), "found": issued("other.example.org", arn="found")}
    ((option, text),) = said(item, certificates=known)
    assert (option, "none of the certificates that are named is for it" in text) == ("hosts", True)
    # One that does not exist is complained of once.
    assert [option for option, _text in said(item, certificates={CERTIFICATE: None})] == ["certificates"]


@pytest.mark.parametrize(
    ("group", "vpcs", "message"),
    [
        (GROUP, {}, "there is no such security group"),
        (GROUP, {GROUP: "vpc-1"}, f"it is of vpc-1, and the cluster's load balancers are in {VPC}"),
        ("load-balancer", {}, "it is no id of a security group"),
    ],
)
def test_a_security_group_that_cannot_be_used(group: str, vpcs: dict[str, str], message: str) -> None:
    ((option, text),) = said(wanted(security_groups=(group,)), security_groups=vpcs)
    assert option == "security_groups"
    assert message in text


def test_only_hosts_that_nothing_issued_is_for_are_open() -> None:
    some = [
        wanted(hosts=("a.example.com", "b.example.com")),
        wanted(hosts=("c.example.com",), certificates=(CERTIFICATE,)),
    ]
    assert open_hosts(some, []) == {"a.example.com", "b.example.com"}
    assert open_hosts(some, [issued("a.example.com"), issued("b.example.com", status="EXPIRED")]) == {"b.example.com"}


def test_a_summary_tells_whether_it_has_all_names() -> None:
    summary = {"CertificateArn": CERTIFICATE, "DomainName": "example.com", "Status": "ISSUED"}
    assert not certificate(summary).complete
    names = {**summary, "SubjectAlternativeNameSummaries": ["www.example.com"]}
    assert certificate(names).complete
    assert certificate(names).domains == {"example.com", "www.example.com"}
    assert not certificate({**names, "HasAdditionalSubjectAlternativeNames": True}).complete
    described = {**summary, "SubjectAlternativeNames": ["*.example.com"], "NotAfter": datetime(2026, 1, 1)}
    full = certificate(described)
    assert (full.complete, full.not_after) == (True, datetime(2026, 1, 1, tzinfo=UTC))
