# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Route 53: batches are whole or not at all, record sets that exclude each other, changes on their way."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from sandbox.aws.client import AwsServer
from tests.sandbox.aws.policies import Refused
from tests.sandbox.aws.zones import Zone, record_set
from tests.support import FOR_EVER, PATIENCE, wait_until

ALREADY = "Tried to create resource record set [name='www.example.com.', type='A'] but it already exists"
MISMATCH = "but the values provided do not match the current values"
LOAD_BALANCERS = "Z215JYRZR1TBD5"
"""The hosted zone of application load balancers in eu-central-1."""


@pytest.fixture
def wrong(zone: Zone, refused: Refused) -> Any:
    """Send a batch that must be refused; return the messages, and make sure that nothing was applied."""

    def send(*changes: tuple[str, dict[str, Any]], code: str = "InvalidChangeBatch") -> str:
        before = zone.listed()
        message: str = refused(code, lambda: zone.change(*changes)).response["Error"]["Message"]
        assert zone.listed() == before
        return message

    return send


def test_a_new_zone(route53: Any, aws: AwsServer) -> None:
    zone = Zone(route53, "Example.COM")
    servers, authority = route53.list_resource_record_sets(HostedZoneId=zone.id)["ResourceRecordSets"]
    assert (servers["Name"], servers["Type"], servers["TTL"]) == ("example.com.", "NS", 172800)
    assert [record["Value"][-1] for record in servers["ResourceRecords"]] == ["."] * 4
    assert (authority["Name"], authority["Type"], authority["TTL"]) == ("example.com.", "SOA", 900)
    (record,) = authority["ResourceRecords"]
    assert record["Value"] == "ns-2048.awsdns-64.com. awsdns-hostmaster.amazon.com. 1 7200 900 1209600 86400"
    assert route53.get_hosted_zone(Id=zone.id)["HostedZone"]["ResourceRecordSetCount"] == 2
    private = aws.fixtures()["hosted_zones"]["private"]
    servers, _authority = route53.list_resource_record_sets(HostedZoneId=private)["ResourceRecordSets"]
    assert servers["ResourceRecords"][0]["Value"] == "ns-1536.awsdns-00.co.uk."


def test_what_is_written_is_read(zone: Zone) -> None:
    alias = {"HostedZoneId": zone.id, "DNSName": "WWW.example.com", "EvaluateTargetHealth": True}
    place = {"GeoLocation": {"CountryCode": "DE"}, "SetIdentifier": "de"}
    zone.create(
        record_set("WWW", "A", "192.0.2.1", "192.0.2.2"),
        record_set("*", "A", AliasTarget=alias),
        record_set("here", "TXT", '"a b" "c"', **place),
    )
    listed = {item["Name"]: item for item in zone.listed()}
    assert listed["www.example.com."] == {
        "Name": "www.example.com.",
        "Type": "A",
        "TTL": 300,
        "ResourceRecords": [{"Value": "192.0.2.1"}, {"Value": "192.0.2.2"}],
    }
    wildcard = {"Name": "\\052.example.com.", "Type": "A", "AliasTarget": alias | {"DNSName": "www.example.com."}}
    assert listed["\\052.example.com."] == wildcard
    assert listed["here.example.com."]["GeoLocation"] == {"CountryCode": "DE"}
    zone.change(("DELETE", listed["here.example.com."]), ("UPSERT", record_set("www", "A", "192.0.2.9")))
    assert zone.names() == ["\\052.example.com. A", "www.example.com. A"]


def test_a_batch_is_whole_or_not_at_all(zone: Zone, wrong: Any) -> None:
    zone.create(record_set("www", "A", "192.0.2.1"))
    message = wrong(
        ("CREATE", record_set("new", "A", "192.0.2.2")),
        ("CREATE", record_set("www", "A", "192.0.2.3")),
        ("DELETE", record_set("none", "A", "192.0.2.1")),
    )
    missing = "Tried to delete resource record set [name='none.example.com.', type='A'] but it was not found"
    assert message == f"[{ALREADY}, {missing}]"


def test_what_exists_is_told_apart_by_its_set_identifier(zone: Zone, wrong: Any) -> None:
    first = record_set("www", "A", "192.0.2.1", SetIdentifier="a", Weight=1)
    zone.create(first, first | {"SetIdentifier": "b"})
    named = "[name='www.example.com.', type='A', set-identifier='a']"
    assert wrong(("CREATE", first)) == f"[Tried to create resource record set {named} but it already exists]"
    message = wrong(("DELETE", first | {"Weight": 2}))
    assert message == f"[Tried to delete resource record set {named} {MISMATCH}]"
    zone.change(("DELETE", first))
    assert zone.names() == ["www.example.com. A b"]


def test_a_cname_stands_alone(zone: Zone, wrong: Any) -> None:
    zone.create(record_set("a", "A", "192.0.2.1"), record_set("c", "CNAME", "a.example.com"))
    begin, end = "RRSet of type CNAME with DNS name", "in zone example.com."
    conflict = "is not permitted as it conflicts with other records with the same DNS name"
    message = wrong(
        ("UPSERT", record_set("a", "CNAME", "c.example.com")), ("CREATE", record_set("", "CNAME", "a.example.com"))
    )
    apex = f"{begin} example.com. is not permitted at apex {end}"
    assert message == f"[{begin} a.example.com. {conflict} {end}, {apex}]"
    there = "because a conflicting RRSet of type CNAME with the same DNS name already exists"
    assert wrong(("CREATE", record_set("c", "TXT", '"x"'))) == (
        f"[RRSet of type TXT with DNS name c.example.com. is not permitted {there} {end}]"
    )
    # A batch may put one in the place of the other.
    zone.change(("DELETE", record_set("a", "A", "192.0.2.1")), ("CREATE", record_set("a", "CNAME", "b.example.com")))
    assert zone.names() == ["a.example.com. CNAME", "c.example.com. CNAME"]


def test_routing_policies_do_not_mix(zone: Zone, wrong: Any) -> None:
    weighted = record_set("w", "A", "192.0.2.1", SetIdentifier="one", Weight=10)
    latency = record_set("l", "A", "192.0.2.1", SetIdentifier="one", Region="eu-central-1")
    zone.create(weighted, latency, record_set("s", "A", "192.0.2.1"))
    others = "cannot be created as other RRSets exist with the same name and type."
    assert (
        wrong(("UPSERT", record_set("w", "A", "192.0.2.1"))) == f"[RRSet with DNS name w.example.com., type A {others}]"
    )
    simple = weighted | {"Name": "s.example.com"}
    begin = "RRSet with DNS name s.example.com., type A, SetIdentifier one"
    there = "set exists with the same name and type."
    assert wrong(("CREATE", simple)) == f"[{begin} cannot be created as a non-weighted {there}]"
    message = wrong(("CREATE", weighted | {"Name": "l.example.com", "SetIdentifier": "two"}))
    assert message.endswith(f"SetIdentifier two cannot be created as a non-weighted {there}]")
    message = wrong(("CREATE", latency | {"SetIdentifier": "two"}))
    twice = "cannot be created because a latency RRSet with the same name, type and region already exists."
    assert message.endswith(f"SetIdentifier two, and Region Name=eu-central-1 {twice}]")
    message = wrong(("CREATE", weighted | {"SetIdentifier": "two", "TTL": 60}))
    assert message.endswith("cannot be created as weighted sets must contain the same TTL.]")
    two = weighted | {"SetIdentifier": "two", "Weight": 0}
    zone.create(two)
    assert wrong(("DELETE", two | {"Weight": 1})).endswith(f"{MISMATCH}]")
    zone.change(("DELETE", two))


@pytest.mark.parametrize(
    "other",
    [
        {"TTL": 60},
        {"ResourceRecords": [{"Value": "192.0.2.1"}]},
        {"ResourceRecords": [{"Value": "192.0.2.1"}, {"Value": "192.0.2.9"}]},
    ],
)
def test_deleted_only_by_all_of_its_values(zone: Zone, wrong: Any, other: dict[str, Any]) -> None:
    present = record_set("www", "A", "192.0.2.1", "192.0.2.2")
    zone.create(present)
    named = "[name='www.example.com.', type='A']"
    assert wrong(("DELETE", present | other)) == f"[Tried to delete resource record set {named} {MISMATCH}]"
    # The order of values does not count.
    zone.change(("DELETE", present | {"ResourceRecords": present["ResourceRecords"][::-1]}))
    assert zone.names() == []


def test_alias_is_deleted_only_by_its_target(zone: Zone, wrong: Any) -> None:
    alias = {"HostedZoneId": zone.id, "DNSName": "www.example.com", "EvaluateTargetHealth": False}
    zone.create(record_set("www", "A", "192.0.2.1"), record_set("", "A", AliasTarget=alias))
    message = wrong(("DELETE", record_set("", "A", AliasTarget=alias | {"EvaluateTargetHealth": True})))
    assert message.endswith(f"{MISMATCH}]")
    zone.change(("DELETE", record_set("", "A", AliasTarget=alias | {"DNSName": "www.example.com."})))
    assert zone.names() == ["www.example.com. A"]


def test_names_outside_of_the_zone(wrong: Any) -> None:
    others = [
        {"Name": name, "Type": "A", "TTL": 1, "ResourceRecords": [{"Value": "192.0.2.1"}]}
        for name in ("www.example.org", "notexample.com")
    ]
    assert wrong(*[("CREATE", other) for other in others]) == (
        "[RRSet with DNS name www.example.org. is not permitted in zone example.com., "
        "RRSet with DNS name notexample.com. is not permitted in zone example.com.]"
    )


def test_one_change_a_recordrecord_set(zone: Zone, wrong: Any) -> None:
    item = record_set("www", "A", "192.0.2.1")
    twice = "[The request contains an invalid set of changes for a resource record set 'A www.example.com.']"
    assert wrong(("CREATE", item), ("CREATE", item)) == twice
    zone.create(item)
    assert wrong(("DELETE", item), ("DELETE", item)) == twice
    assert wrong(("UPSERT", item), ("DELETE", item)) == twice
    zone.change(("DELETE", item), ("CREATE", item | {"TTL": 60}))
    assert zone.listed()[0]["TTL"] == 60


def test_the_zones_own_records_stay(zone: Zone, route53: Any, wrong: Any) -> None:
    servers, authority = route53.list_resource_record_sets(HostedZoneId=zone.id)["ResourceRecordSets"]
    assert wrong(("DELETE", servers), ("DELETE", authority)) == (
        "[A HostedZone must contain exactly one SOA record., "
        "A HostedZone must contain at least one NS record for the zone itself.]"
    )
    zone.change(("UPSERT", servers | {"TTL": 60}))


def test_alias_targets(zone: Zone, wrong: Any, aws: AwsServer) -> None:
    subnets = aws.fixtures()["subnets"]
    elb = aws.client("elbv2")
    made = elb.create_load_balancer(Name="shared", Subnets=[subnets["public-a"], subnets["public-b"]])
    name = made["LoadBalancers"][0]["DNSName"]

    def alias(target: str, hosted_zone: str = LOAD_BALANCERS, kind: str = "A") -> dict[str, Any]:
        target_of = {"HostedZoneId": hosted_zone, "DNSName": target, "EvaluateTargetHealth": True}
        return record_set("app", kind, AliasTarget=target_of)

    def words(target: str, hosted_zone: str, kind: str = "A") -> tuple[str, str]:
        begin = f"Tried to create an alias that targets {target}., type {kind} in zone {hosted_zone}, but"
        return (
            f"{begin} the alias target name does not lie within the target zone",
            f"{begin} that target was not found",
        )

    none = "none-1.eu-central-1.elb.amazonaws.com"
    assert wrong(("CREATE", alias(none))) == f"[{words(none, LOAD_BALANCERS)[1]}]"
    # The zone of another region, this very zone, and a zone of nobody's.
    for other in ("Z32O12XQLNTSW2", zone.id, "Z0000000000000"):
        assert wrong(("CREATE", alias(name, other))) == f"[{', '.join(words(name, other))}]"
    inside = "missing.example.com"
    assert wrong(("CREATE", alias(inside, zone.id))) == f"[{words(inside, zone.id)[1]}]"
    assert wrong(("CREATE", alias(name, kind="TXT"))) == f"[{words(name, LOAD_BALANCERS, 'TXT')[1]}]"
    zone.create(alias(f"dualstack.{name}"), alias(name.upper(), kind="AAAA"))
    assert zone.names() == ["app.example.com. A", "app.example.com. AAAA"]


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (
            {"TTL": None},
            "Expected exactly one of [AliasTarget, all of [TTL, and ResourceRecords], or "
            "TrafficPolicyInstanceId], but found none",
        ),
        (
            {"AliasTarget": {"HostedZoneId": "Z1", "DNSName": "x.example.com", "EvaluateTargetHealth": False}},
            "Expected exactly one of [AliasTarget, all of [TTL, and ResourceRecords], or TrafficPolicyInstanceId], but "
            "found more than one",
        ),
        ({"Weight": 1}, "Missing field 'SetIdentifier'"),
        (
            {"SetIdentifier": "a"},
            "Expected exactly one of [Weight, Region, Failover, GeoLocation, MultiValueAnswer, "
            "GeoProximityLocation, or CidrRoutingConfig], but found none",
        ),
        ({"SetIdentifier": "a", "Weight": 1, "Region": "eu-west-1"}, "Expected exactly one of [Weight"),
    ],
)
def test_incomplete_changes(wrong: Any, more: dict[str, Any], message: str) -> None:
    item = {key: value for key, value in (record_set("www", "A", "192.0.2.1") | more).items() if value is not None}
    found = wrong(("CREATE", item), code="InvalidInput")
    assert found.startswith(f"Invalid request: {message}")
    identifier = more.get("SetIdentifier", "null")
    where = f"[Action=CREATE, Name=www.example.com, Type=A, SetIdentifier={identifier}]"
    assert found.endswith(f"in Change with {where}")


def test_limits_of_a_batch(zone: Zone, wrong: Any) -> None:
    def sets(count: int) -> list[dict[str, Any]]:
        return [record_set(f"r{number}", "A", "192.0.2.1", "192.0.2.2") for number in range(count)]

    # Two records each, and an UPSERT counts twice.
    assert wrong(*[("CREATE", item) for item in sets(501)]) == "[Number of records limit of 1000 exceeded.]"
    assert wrong(*[("UPSERT", item) for item in sets(251)]) == "[Number of records limit of 1000 exceeded.]"
    text = " ".join(f'"{"x" * 198}"' for _ in range(19))
    long = [record_set(f"t{number}", "TXT", text) for number in range(8)]
    assert wrong(*[("UPSERT", item) for item in long]) == "[RDATA character limit of 32000 exceeded.]"
    zone.create(*long)
    assert wrong(("CREATE", record_set("w", "TXT", f'"{"x" * 3999}"')), code="InvalidInput")
    assert wrong(("CREATE", record_set("w", "A", "192.0.2.1", TTL=-1)), code="InvalidInput")
    assert wrong(code="InvalidInput")
    assert wrong(("REMOVE", record_set("w", "A", "192.0.2.1")), code="InvalidInput")


def test_unknown_zones_and_health_checks(zone: Zone, route53: Any, wrong: Any, refused: Refused) -> None:
    error = refused("NoSuchHostedZone", route53.list_resource_record_sets, HostedZoneId="Z1")
    assert error.response["Error"]["Message"] == "No hosted zone found with ID: Z1"
    assert error.response["ResponseMetadata"]["HTTPStatusCode"] == 404
    batch = {"Changes": [{"Action": "CREATE", "ResourceRecordSet": record_set("www", "A", "192.0.2.1")}]}
    refused("NoSuchHostedZone", route53.change_resource_record_sets, HostedZoneId="Z1", ChangeBatch=batch)
    assert wrong(("CREATE", record_set("www", "A", "192.0.2.1", HealthCheckId="none")), code="NoSuchHealthCheck")
    refused("InvalidDomainName", route53.create_hosted_zone, Name="a..b", CallerReference="x")


def test_a_change_is_pending_at_first(zone: Zone, route53: Any, aws: AwsServer, refused: Refused) -> None:
    aws.settings(route53_pending_seconds=FOR_EVER)
    info = zone.create(record_set("www", "A", "192.0.2.1"))["ChangeInfo"]
    assert info["Status"] == "PENDING"
    assert route53.get_change(Id=info["Id"])["ChangeInfo"] == info
    # Reads show the new state all the same.
    assert zone.names() == ["www.example.com. A"]
    aws.settings(route53_pending_seconds=0)
    assert route53.get_change(Id=info["Id"])["ChangeInfo"]["Status"] == "INSYNC"
    made = route53.create_hosted_zone(Name="example.org", CallerReference="x")
    assert made["ChangeInfo"]["Id"] != info["Id"]
    assert route53.get_change(Id=made["ChangeInfo"]["Id"])["ChangeInfo"]["Status"] == "INSYNC"
    assert made["Location"].endswith(made["HostedZone"]["Id"].removeprefix("/"))
    error = refused("NoSuchChange", route53.get_change, Id="C1")
    assert error.response["Error"]["Message"] == "Could not find resource with ID: C1"


def test_one_change_of_a_zone_at_a_time(zone: Zone, route53: Any, aws: AwsServer, refused: Refused) -> None:
    other = Zone(route53, "example.org")
    aws.fault("ChangeResourceRecordSets", "latency", seconds=FOR_EVER)
    slow = aws.client("route53")
    batch = {"Changes": [{"Action": "CREATE", "ResourceRecordSet": record_set("www", "A", "192.0.2.1")}]}
    with ThreadPoolExecutor(1) as pool:
        pending = pool.submit(slow.change_resource_record_sets, HostedZoneId=zone.id, ChangeBatch=batch)
        wait_until(lambda: aws.faults()[0]["hit"], "the change")
        error = refused("PriorRequestNotComplete", lambda: zone.create(record_set("a", "A", "192.0.2.1")))
        message = "The request was rejected because Route 53 was still processing a prior request."
        assert error.response["Error"]["Message"] == message
        refused("PriorRequestNotComplete", route53.delete_hosted_zone, Id=zone.id)
        # Reads and other zones are not in the way.
        assert zone.names() == []
        item = record_set("www", "A", "192.0.2.1") | {"Name": "www.example.org"}
        other.create(item)
        assert not pending.done()
        aws.clear_faults()
        pending.result(timeout=PATIENCE)
    zone.create(record_set("a", "A", "192.0.2.1"))
    assert zone.names() == ["a.example.com. A", "www.example.com. A"]
