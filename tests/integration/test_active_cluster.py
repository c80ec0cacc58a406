# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""active_cluster against the AWS server: life of the records, calls, what others have, and changes in between."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from ansible_collections.ekspress.eks.plugins.module_utils import _active_cluster
from ansible_collections.ekspress.eks.plugins.module_utils._active_cluster import LOGIC
from ansible_collections.ekspress.eks.tests.integration.eks_clusters import counted, make_cluster, written
from ansible_collections.ekspress.eks.tests.support import FOR_EVER, in_hand, run_held, run_logic, wait_until

from sandbox.aws.client import AwsServer

NAME, TXT = "api.example.com", "_eks.api.example.com"
READ = {
    "eks:DescribeCluster": 1,
    "route53:ListHostedZonesByName": 1,
    "route53:ListResourceRecordSets": 1,
}


class Ground:
    """An account with two clusters and a hosted zone."""

    def __init__(self, aws: AwsServer) -> None:
        self.aws = aws
        self.route53 = aws.client("route53")
        self.hosts = {name: self.cluster(name) for name in ("blue", "green")}
        self.zone = self.make_zone("example.com", "public")
        aws.clear_calls()

    def cluster(self, name: str, **more: Any) -> str:
        host = f"{name}0123.gr7.eu-central-1.eks.amazonaws.com"
        make_cluster(self.aws, name)
        self.aws.cluster(name, endpoint=f"https://{host.upper()}", **more)
        return host

    def make_zone(self, name: str, reference: str, vpc: str = "") -> str:
        more: dict[str, Any] = {"VPC": {"VPCRegion": "eu-central-1", "VPCId": vpc}} if vpc else {}
        if vpc:
            more["HostedZoneConfig"] = {"PrivateZone": True}
        made = self.route53.create_hosted_zone(Name=name, CallerReference=reference, **more)
        return str(made["HostedZone"]["Id"]).removeprefix("/hostedzone/")

    def run(self, *, check: bool = False, **options: Any) -> dict[str, Any]:
        where = {} if "zone_id" in options else {"zone": "example.com"}
        self.aws.clear_calls()
        return run_logic(LOGIC, {"name": NAME, "region": "eu-central-1", **where, **options}, check=check, diff=True)

    def change(self, action: str, name: str, kind: str, value: str, ttl: int = 60) -> None:
        record = {"Name": name, "Type": kind, "TTL": ttl, "ResourceRecords": [{"Value": value}]}
        batch: Any = {"Changes": [{"Action": action, "ResourceRecordSet": record}]}
        self.route53.change_resource_record_sets(HostedZoneId=self.zone, ChangeBatch=batch)

    def records(self) -> dict[tuple[str, str], tuple[int, str]]:
        found = self.route53.list_resource_record_sets(HostedZoneId=self.zone)["ResourceRecordSets"]
        return {
            (item["Name"].rstrip("."), item["Type"]): (item["TTL"], item["ResourceRecords"][0]["Value"])
            for item in found
            if item["Type"] not in ("NS", "SOA")
        }

    def wanted(self, cluster: str, ttl: int = 60) -> dict[tuple[str, str], tuple[int, str]]:
        return {
            (NAME, "CNAME"): (ttl, self.hosts[cluster]),
            (TXT, "TXT"): (ttl, f'"v=eks1 cluster={cluster} region=eu-central-1"'),
        }


@pytest.fixture
def ground(aws: AwsServer) -> Ground:
    return Ground(aws)


def test_both_records_are_made_by_one_batch_and_a_second_run_only_reads(ground: Ground, aws: AwsServer) -> None:
    first = ground.run(cluster="blue")
    assert first["changed"], first
    assert counted(aws) == {**READ, "route53:ChangeResourceRecordSets": 1}
    assert ground.records() == ground.wanted("blue")
    assert first["active"] == {"cluster": "blue", "region": "eu-central-1", "host": ground.hosts["blue"]}
    assert first["previous"] is None
    assert first["change_id"].startswith("C")
    again = ground.run(cluster="blue")
    assert not again["changed"], again
    assert again["previous"] == again["active"] == first["active"]
    assert counted(aws) == READ
    assert again["diff"]["before"] == again["diff"]["after"]


def test_a_switch_changes_both_at_once_and_check_mode_foretells_it(ground: Ground, aws: AwsServer) -> None:
    ground.run(cluster="blue")
    foretold = ground.run(cluster="green", check=True)
    assert written(aws) == []
    assert ground.records() == ground.wanted("blue")
    done = ground.run(cluster="green")
    assert {**done, "change_id": None} == {**foretold, "change_id": None}
    assert done["previous"]["cluster"] == "blue"
    assert done["diff"]["after"] == {
        f"CNAME {NAME}": {"ttl": 60, "values": [ground.hosts["green"]]},
        f"TXT {TXT}": {"ttl": 60, "values": ['"v=eks1 cluster=green region=eu-central-1"']},
    }
    assert written(aws) == ["route53:ChangeResourceRecordSets"]
    assert ground.records() == ground.wanted("green")


def test_with_endpoint_and_zone_id_nothing_of_the_cluster_is_read(ground: Ground, aws: AwsServer) -> None:
    host = "x.gr7.eu-central-1.eks.amazonaws.com"
    result = ground.run(cluster="elsewhere", endpoint=f"https://{host}", zone_id=ground.zone, ttl=5, check=True)
    assert result["active"]["host"] == host
    assert counted(aws) == {"route53:GetHostedZone": 1, "route53:ListResourceRecordSets": 1}


def test_records_between_the_two_names_cost_a_second_list(ground: Ground, aws: AwsServer) -> None:
    ground.change("CREATE", "a.api.example.com", "A", "192.0.2.1")
    ground.change("CREATE", "0.api.example.com", "A", "192.0.2.1")
    ground.run(cluster="blue")
    aws.settings(page_size=2)
    result = ground.run(cluster="blue")
    assert not result["changed"], result
    assert counted(aws) == {**READ, "route53:ListResourceRecordSets": 2}


def test_removed_together(ground: Ground, aws: AwsServer) -> None:
    ground.run(cluster="blue")
    gone = ground.run(state="absent")
    assert (gone["changed"], gone["active"], gone["previous"]["cluster"]) == (True, None, "blue")
    assert written(aws) == ["route53:ChangeResourceRecordSets"]
    assert ground.records() == {}
    assert not ground.run(state="absent")["changed"]
    assert "eks:DescribeCluster" not in counted(aws)


def test_a_cluster_that_is_not_active_takes_no_records_with_it(ground: Ground, aws: AwsServer) -> None:
    ground.run(cluster="green")
    kept = ground.run(state="absent", cluster="blue")
    assert (kept["changed"], kept["active"]["cluster"], written(aws)) == (False, "green", [])
    assert "leads to EKS cluster 'green' and not to 'blue'" in kept["warnings"][0]
    assert ground.records() == ground.wanted("green")
    assert ground.run(state="absent", cluster="green")["changed"]


def test_a_record_that_was_taken_away_comes_back(ground: Ground) -> None:
    ground.run(cluster="blue")
    ground.change("DELETE", NAME, "CNAME", ground.hosts["blue"])
    assert ground.run(cluster="blue")["changed"]
    assert ground.records() == ground.wanted("blue")


def test_records_of_others_stay_unless_told(ground: Ground, aws: AwsServer) -> None:
    ground.change("CREATE", NAME, "CNAME", "old.example.org", ttl=300)
    refused = ground.run(cluster="blue")
    assert refused["failed"]
    assert "leads to old.example.org" in refused["msg"]
    assert "no TXT record _eks.api.example.com" in refused["msg"]
    assert written(aws) == []
    assert ground.run(state="absent")["failed"]
    assert ground.records() == {(NAME, "CNAME"): (300, "old.example.org")}
    assert ground.run(cluster="blue", overwrite=True)["changed"]
    assert ground.records() == ground.wanted("blue")


def test_a_zone_that_somebody_else_is_changing_is_waited_for(ground: Ground, aws: AwsServer) -> None:
    aws.fault("ChangeResourceRecordSets", "latency", seconds=FOR_EVER, nth=1)
    with ThreadPoolExecutor(2) as pool:
        other = pool.submit(ground.change, "CREATE", "other.example.com", "A", "192.0.2.1")
        wait_until(lambda: in_hand(aws, "ChangeResourceRecordSets"), "the other change")
        running = pool.submit(run_logic, LOGIC, {"name": NAME, "zone_id": ground.zone, "cluster": "blue"})
        wait_until(lambda: "PriorRequestNotComplete" in [call["error"] for call in aws.calls()], "the refusal")
        aws.clear_faults()
        other.result()
        assert running.result()["changed"], running.result()
    assert ground.records() == {**ground.wanted("blue"), ("other.example.com", "A"): (60, "192.0.2.1")}


def test_what_was_read_too_early_is_read_again(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the read and the batch the TTL of a record changes: the first batch is refused, the second is right."""
    ground.run(cluster="blue")
    real = _active_cluster._read
    reads: list[Any] = []

    def read(*arguments: Any) -> Any:
        found = real(*arguments)
        if not reads:
            ground.change("UPSERT", TXT, "TXT", '"v=eks1 cluster=green region=eu-central-1"', ttl=7)
        reads.append(found)
        return found

    monkeypatch.setattr(_active_cluster, "_read", read)
    assert ground.run(cluster="green")["changed"]
    assert len(reads) == 2
    assert ground.records() == ground.wanted("green")


def test_a_refused_batch_leaves_all_as_it_was(ground: Ground, aws: AwsServer) -> None:
    ground.run(cluster="blue")
    aws.fault("ChangeResourceRecordSets", "deny", times=None)
    refused = ground.run(cluster="green")
    aws.clear_faults()
    assert refused["error"]["action"] == "route53:ChangeResourceRecordSets"
    assert ground.records() == ground.wanted("blue")


def test_it_waits_until_all_servers_have_it(ground: Ground, aws: AwsServer) -> None:
    aws.settings(route53_pending_seconds=0.5)
    assert ground.run(cluster="blue", wait=True)["changed"]
    assert counted(aws)["route53:GetChange"] >= 2
    assert not ground.run(cluster="blue", wait=True)["changed"]
    assert "route53:GetChange" not in counted(aws)


def test_a_wait_ends_with_what_was_done(ground: Ground, aws: AwsServer) -> None:
    aws.settings(route53_pending_seconds=FOR_EVER)
    late = ground.run(cluster="blue", wait=True, wait_timeout=0)
    assert late["failed"]
    assert late["changed"]
    assert late["change_id"] in late["msg"]
    assert ground.records() == ground.wanted("blue")


def test_the_cluster_and_the_zone_are_read_side_by_side(ground: Ground, aws: AwsServer) -> None:
    result = run_held(
        aws, lambda: ground.run(cluster="blue", check=True), 2, "DescribeCluster", "ListHostedZonesByName"
    )
    assert result["changed"], result


def test_two_zones_of_one_name_are_told_apart(ground: Ground, aws: AwsServer) -> None:
    vpc = aws.client("ec2").create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    private = ground.make_zone("example.com", "private", vpc)
    both = ground.run(cluster="blue")
    assert both["failed"]
    assert f"{private} (private)" in both["msg"]
    assert f"{ground.zone} (public)" in both["msg"]
    assert ground.run(cluster="blue", private=True)["zone_id"] == private
    assert ground.run(cluster="blue", private=False)["zone_id"] == ground.zone


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"cluster": "nowhere"}, "the clusters there are: blue, green"),
        ({"cluster": "blue", "zone": "example.org"}, "no hosted zone example.org"),
        ({"cluster": "blue", "private": True}, "no private hosted zone example.com"),
        ({"cluster": "blue", "zone_id": "ZNOWHERE"}, "NoSuchHostedZone"),
        ({"cluster": "blue", "zone_id": "example.com"}, "not the ID of a hosted zone"),
        ({"cluster": "blue", "name": "example.com"}, "the hosted zone itself"),
        ({"cluster": "blue", "ttl": 0}, "1 to 86400 seconds"),
        ({"cluster": "blue", "wait_timeout": -1}, "not negative"),
        ({"cluster": "arn:aws:eks:eu-central-1:1:cluster/blue"}, "not the ARN"),
        ({"cluster": "blue", "endpoint": "https://127.0.0.1"}, "leads to a host name only"),
        ({}, "state is present but all of the following are missing: cluster"),
    ],
)
def test_what_is_wrong_is_told_before_anything_is_written(
    ground: Ground, aws: AwsServer, options: dict[str, Any], message: str
) -> None:
    refused = ground.run(**options)
    assert refused["failed"]
    assert message in refused["msg"]
    assert written(aws) == []


def test_a_cluster_that_is_not_active_is_no_aim(ground: Ground, aws: AwsServer) -> None:
    aws.cluster("blue", status="DELETING")
    refused = ground.run(cluster="blue")
    assert "is DELETING" in refused["msg"]
    assert written(aws) == []
