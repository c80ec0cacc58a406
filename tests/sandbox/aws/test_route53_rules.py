# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Route 53's rules that need no server: names, values, the number of record sets."""

from __future__ import annotations

import pytest

from sandbox.aws.strict.route53_batch import SETS, Zone, apply
from sandbox.aws.strict.route53_names import BadName, normal, order
from sandbox.aws.strict.route53_values import problems


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("Example.COM", "example.com."),
        ("example.com.", "example.com."),
        ("*.example.com", "\\052.example.com."),
        ("\\052.example.com", "\\052.example.com."),
        ("_dmarc.a-b.example.com", "_dmarc.a-b.example.com."),
        ("@.example.com", "\\100.example.com."),
    ],
)
def test_names(name: str, kept: str) -> None:
    assert normal(name) == kept


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("", "DomainNameEmpty (Domain name is empty)"),
        ("a..b", "DomainLabelEmpty (Domain label is empty)"),
        ("x" * 64 + ".example.com", "DomainLabelTooLong (Domain label is too long)"),
        (".".join(["x" * 63] * 4) + ".com", "DomainNameTooLong (Domain name is too long)"),
    ],
)
def test_bad_names(name: str, problem: str) -> None:
    with pytest.raises(BadName) as caught:
        normal(name)
    assert str(caught.value) == f"FATAL problem: {problem} encountered with '{name}'"


def test_order() -> None:
    assert order("b.www.example.com.") == "com.example.www.b."


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("A", "192.0.2.1"),
        ("AAAA", "2001:db8::1"),
        ("CNAME", "a.example.com."),
        ("CNAME", "*.example.com"),
        ("MX", "10 mail.example.com"),
        ("MX", "0 ."),
        ("SRV", "1 2 443 a.example.com"),
        ("CAA", '0 issue "ca.example.com"'),
        ("TXT", '"heritage=external-dns,external-dns/owner=a,external-dns/resource=ingress/b/c"'),
        ("TXT", '"a" "b"'),
        ("TXT", '"say \\"hello\\" \\344"'),
        ("TXT", '""'),
        ("TXT", f'"{"x" * 255}" "{"x" * 255}"'),
    ],
)
def test_good_values(kind: str, value: str) -> None:
    assert problems(kind, [value]) == []


QUOTES = "InvalidCharacterString (Value should be enclosed in quotation marks)"


@pytest.mark.parametrize(
    ("kind", "value", "problem"),
    [
        ("A", "a.example.com", "ARRDATAIllegalIPv4Address (Value is not a valid IPv4 address)"),
        ("A", "2001:db8::1", "ARRDATAIllegalIPv4Address (Value is not a valid IPv4 address)"),
        ("A", "192.0.2.1, 192.0.2.2", "ARRDATANotSingleField (Value contains spaces)"),
        ("AAAA", "192.0.2.1", "AAAARRDATAIllegalIPv6Address (Value is not a valid IPv6 address)"),
        ("CNAME", "a..b", "DomainLabelEmpty (Domain label is empty)"),
        ("CNAME", "https://a.example.com", "UnsupportedCharacter (Value contains unsupported characters)"),
        ("MX", "mail.example.com", "MXRRDATANotAllFields (Value has the wrong number of fields)"),
        ("MX", "x mail.example.com", "MXRRDATAIllegalNumber (Value is not a number of 16 bits)"),
        ("TXT", "heritage=external-dns", QUOTES),
        ("TXT", '"owner="x",resource=y"', QUOTES),
        ("TXT", '"open', QUOTES),
        ("TXT", "", QUOTES),
        ("TXT", f'"{"x" * 256}"', "CharacterStringTooLong (Value is too long)"),
    ],
)
def test_bad_values(kind: str, value: str, problem: str) -> None:
    assert problems(kind, [value]) == [
        f"Invalid Resource Record: 'FATAL problem: {problem} encountered with '{value}''"
    ]


def test_numbers_of_values() -> None:
    assert problems("A", ["192.0.2.1", "192.0.2.1"]) == ["Duplicate Resource Record: '192.0.2.1'"]
    assert problems("CNAME", ["a.example.com", "b.example.com"]) == ["Cannot have more than 1 records in a RRSet."]
    many = [f"192.0.{number // 256}.{number % 256}" for number in range(401)]
    assert problems("A", many) == ["Cannot have more than 400 records in a RRSet."]
    assert problems("A", many[1:]) == []


def test_record_sets_of_a_zone() -> None:
    names = ["example.com.", *(f"r{number}.example.com." for number in range(SETS - 2))]
    current = [{"Name": name, "Type": "NS", "TTL": 1, "ResourceRecords": [{"Value": "a."}]} for name in names]
    current.append({"Name": "example.com.", "Type": "SOA", "TTL": 1, "ResourceRecords": [{"Value": "a."}]})
    one = ("UPSERT", current[1] | {"TTL": 2})
    more = ("CREATE", current[1] | {"Name": "new.example.com."})
    left, messages = apply(Zone("Z1", "example.com."), current, [one], lambda item, present: [])
    assert (len(left), messages) == (SETS, [])
    _left, messages = apply(Zone("Z1", "example.com."), current, [more], lambda item, present: [])
    assert messages == ["Exceeded limit MAX_RRSETS_BY_ZONE for zone: Z1"]
