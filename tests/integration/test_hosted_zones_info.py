# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""hosted_zones_info against the AWS server: what it reads, how often, and what it says."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.ekspress.eks.plugins.module_utils import _hosted_zones_info
from ansible_collections.ekspress.eks.plugins.module_utils._hosted_zones_info import LOGIC
from ansible_collections.ekspress.eks.tests.integration.eks_clusters import counted, written
from ansible_collections.ekspress.eks.tests.support import run_held, run_logic

from sandbox.aws.client import AwsServer

LIST, BY_VPC = "route53:ListHostedZones", "route53:ListHostedZonesByVPC"


class Ground:
    """An account with two VPCs, and zones of them."""

    def __init__(self, aws: AwsServer) -> None:
        self.aws = aws
        self.route53 = aws.client("route53")
        self.count = 0
        self.vpc, self.other_vpc = (
            aws.client("ec2").create_vpc(CidrBlock=f"10.{number}.0.0/16")["Vpc"]["VpcId"] for number in (10, 20)
        )

    def zone(self, name: str, vpc: str = "") -> str:
        """The ID of a new zone, private where it is given a VPC."""
        self.count += 1
        more: dict[str, Any] = {"CallerReference": str(self.count)}
        if vpc:
            more["HostedZoneConfig"] = {"PrivateZone": True, "Comment": "internal"}
            more["VPC"] = {"VPCRegion": "eu-central-1", "VPCId": vpc}
        made: str = self.route53.create_hosted_zone(Name=name, **more)["HostedZone"]["Id"]
        return made.removeprefix("/hostedzone/")

    def info(self, *, check: bool = False, **options: Any) -> dict[str, Any]:
        self.aws.clear_calls()
        return run_logic(LOGIC, {"region": "eu-central-1", **options}, check=check)


def test_zones_are_told_by_name_and_kind(aws: AwsServer) -> None:
    ground = Ground(aws)
    elsewhere = ground.zone("example.org")
    private = ground.zone("example.com", ground.vpc)
    public = ground.zone("example.com")
    result = ground.info(domains=["Example.com."])
    assert result == {
        "changed": False,
        "zones": [
            {
                "id": public,
                "arn": f"arn:aws:route53:::hostedzone/{public}",
                "name": "example.com",
                "private": False,
                "comment": "",
                "record_count": 2,
                "linked_service": "",
                "associated": None,
            },
            {
                "id": private,
                "arn": f"arn:aws:route53:::hostedzone/{private}",
                "name": "example.com",
                "private": True,
                "comment": "internal",
                "record_count": result["zones"][1]["record_count"],
                "linked_service": "",
                "associated": None,
            },
        ],
        "other_names": ["example.org"],
    }
    assert json.loads(json.dumps(result)) == result
    assert counted(aws) == {LIST: 1}
    assert [zone["id"] for zone in ground.info(ids=[f"/hostedzone/{private}"])["zones"]] == [private]
    assert [zone["id"] for zone in ground.info(private=False)["zones"]] == [public, elsewhere]
    assert len(ground.info()["zones"]) == 3


def test_a_vpc_is_associated_with_its_own_private_zones(aws: AwsServer) -> None:
    ground = Ground(aws)
    own, other = ground.zone("example.com", ground.vpc), ground.zone("example.com", ground.other_vpc)
    ground.zone("example.com")
    result = run_held(aws, lambda: ground.info(vpc_id=ground.vpc), 2, "ListHostedZones", "ListHostedZonesByVPC")
    assert {zone["id"]: zone["associated"] for zone in result["zones"] if zone["private"]} == {own: True, other: False}
    assert [zone["associated"] for zone in result["zones"] if not zone["private"]] == [None]
    assert counted(aws) == {LIST: 1, BY_VPC: 1}
    assert written(aws) == []
    assert ground.info(vpc_id=ground.vpc, check=True) == result


def test_all_pages_are_read(aws: AwsServer) -> None:
    ground = Ground(aws)
    made = {ground.zone(f"{number}.example.com") for number in range(101)}
    result = ground.info()
    assert {zone["id"] for zone in result["zones"]} == made
    assert counted(aws) == {LIST: 2}


def test_all_pages_of_associations_are_read() -> None:
    pages: dict[str | None, dict[str, Any]] = {
        None: {"HostedZoneSummaries": [{"HostedZoneId": "Z1"}], "NextToken": "more"},
        "more": {"HostedZoneSummaries": [{"HostedZoneId": "/hostedzone/Z2"}]},
    }

    class Pages:
        def client(self, service: str) -> str:
            return service

        def call(self, client: str, operation: str, **arguments: Any) -> dict[str, Any]:
            assert (client, operation) == ("route53", "list_hosted_zones_by_vpc")
            assert (arguments["VPCId"], arguments["VPCRegion"]) == ("vpc-1", "eu-west-1")
            return pages[arguments.get("NextToken")]

    aws: Any = Pages()
    assert _hosted_zones_info._associated(aws, "vpc-1", "eu-west-1") == {"Z1", "Z2"}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"ids": ["example.com"]}, "ids has 'example.com', which is not the ID of a hosted zone"),
        ({"domains": ["*.example.com"]}, "domains has '*.example.com', which is not a domain name"),
        ({"vpc_region": "eu-west-1"}, "vpc_id"),
    ],
)
def test_bad_options_are_refused_before_any_call(aws: AwsServer, options: dict[str, Any], message: str) -> None:
    result = run_logic(LOGIC, {"region": "eu-central-1", **options})
    assert result["failed"]
    assert message in result["msg"]
    assert aws.calls() == []


@pytest.mark.parametrize("action", [LIST, BY_VPC])
def test_denied_on_each_call(aws: AwsServer, action: str) -> None:
    ground = Ground(aws)
    aws.fault(action.partition(":")[2], "deny", times=None)
    result = ground.info(vpc_id=ground.vpc)
    assert result["failed"]
    assert f"The AWS identity of this task may not call {action}: add the action to its policy" in result["msg"]


def test_throttling_is_waited_out(aws: AwsServer) -> None:
    ground = Ground(aws)
    zone = ground.zone("example.com")
    aws.fault("ListHostedZones", "throttle", times=2)
    assert [item["id"] for item in ground.info()["zones"]] == [zone]
    assert counted(aws) == {LIST: 3}
