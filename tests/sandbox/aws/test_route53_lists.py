# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Lists of record sets: order, beginning, pages."""

from __future__ import annotations

from typing import Any

from sandbox.aws.client import AwsServer
from tests.sandbox.aws.policies import Refused
from tests.sandbox.aws.zones import Zone, record_set


def test_order_of_lists(zone: Zone) -> None:
    zone.create(
        record_set("www", "TXT", '"x"'),
        record_set("www", "A", "192.0.2.1"),
        record_set("b.www", "A", "192.0.2.1"),
        record_set("www-x", "A", "192.0.2.1"),
        record_set("_dns", "A", "192.0.2.1"),
        record_set("z", "A", "192.0.2.1", SetIdentifier="2", Weight=1),
        record_set("z", "A", "192.0.2.1", SetIdentifier="1", Weight=1),
        record_set("", "MX", "10 mail.example.com"),
    )
    expected = [
        "example.com. MX",
        "_dns.example.com. A",
        # "com.example.www-x." comes before "com.example.www.": a hyphen before a dot.
        "www-x.example.com. A",
        "www.example.com. A",
        "www.example.com. TXT",
        "b.www.example.com. A",
        "z.example.com. A 1",
        "z.example.com. A 2",
    ]
    assert zone.names() == expected


def test_lists_begin_where_asked(zone: Zone, route53: Any, refused: Refused) -> None:
    weighted = [record_set("z", "A", "192.0.2.1", SetIdentifier=name, Weight=1) for name in "abc"]
    zone.create(
        record_set("a", "A", "192.0.2.1"), record_set("m", "A", "192.0.2.1"), record_set("m", "TXT", '"x"'), *weighted
    )

    def first(**start: Any) -> tuple[str, ...]:
        item = zone.listed(**start)[0]
        return tuple(filter(None, (item["Name"], item["Type"], item.get("SetIdentifier"))))

    assert first(StartRecordName="b.example.com") == ("m.example.com.", "A")
    assert first(StartRecordName="M.example.com", StartRecordType="B") == ("m.example.com.", "TXT")
    # A type counts among the record sets of that name only.
    assert first(StartRecordName="l.example.com", StartRecordType="TXT") == ("m.example.com.", "A")
    start = {"StartRecordName": "z.example.com", "StartRecordType": "A", "StartRecordIdentifier": "b"}
    assert first(**start) == ("z.example.com.", "A", "b")
    refused("InvalidInput", route53.list_resource_record_sets, HostedZoneId=zone.id, StartRecordType="A")
    page = route53.list_resource_record_sets(HostedZoneId=zone.id, StartRecordName="z.example.com", MaxItems="2")
    assert (page["IsTruncated"], page["MaxItems"]) == (True, "2")
    following = tuple(page[f"NextRecord{part}"] for part in ("Name", "Type", "Identifier"))
    assert following == ("z.example.com.", "A", "c")


def test_pages_of_lists(zone: Zone, route53: Any, aws: AwsServer) -> None:
    items = [record_set(f"r{number:03}", "A", "192.0.2.1") for number in range(310)]
    zone.create(*items)
    page = route53.list_resource_record_sets(HostedZoneId=zone.id, MaxItems="500")
    assert (len(page["ResourceRecordSets"]), page["MaxItems"], page["IsTruncated"]) == (300, "300", True)
    assert page["NextRecordName"] == "r298.example.com."
    whole = [
        item["Name"]
        for item in zone.client.get_paginator("list_resource_record_sets")
        .paginate(HostedZoneId=zone.id)
        .search("ResourceRecordSets[]")
    ]
    assert len(whole) == 312
    aws.settings(page_size=100)
    assert len(route53.list_resource_record_sets(HostedZoneId=zone.id)["ResourceRecordSets"]) == 100
