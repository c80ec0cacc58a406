# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""IAM over time: writes that overlap, reads that lag behind."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from sandbox.aws.client import AwsServer
from tests.sandbox.aws.policies import ALLOW_ALL, EC2_TRUST, Refused
from tests.support import FOR_EVER, PATIENCE, wait_until

STALE = 0.5


def _description(iam: Any) -> str:
    return str(iam.get_role(RoleName="a")["Role"]["Description"])


def test_overlapping_writes_on_one_role(aws: AwsServer, iam: Any, refused: Refused) -> None:
    for name in ("a", "b"):
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=EC2_TRUST)
    aws.fault("PutRolePolicy", "latency", seconds=FOR_EVER)
    slow = aws.client("iam")
    with ThreadPoolExecutor(1) as pool:
        pending = pool.submit(slow.put_role_policy, RoleName="a", PolicyName="p", PolicyDocument=ALLOW_ALL)
        wait_until(lambda: aws.faults()[0]["hit"], "the write")
        error = refused("ConcurrentModification", iam.tag_role, RoleName="a", Tags=[{"Key": "k", "Value": "v"}])
        assert error.response["ResponseMetadata"]["HTTPStatusCode"] == 409
        # Reads and other entities are not in the way.
        iam.get_role(RoleName="a")
        iam.tag_role(RoleName="b", Tags=[{"Key": "k", "Value": "v"}])
        assert not pending.done()
        aws.clear_faults()
        pending.result(timeout=PATIENCE)
    iam.tag_role(RoleName="a", Tags=[{"Key": "k", "Value": "v"}])
    assert iam.list_role_policies(RoleName="a")["PolicyNames"] == ["p"]


def test_concurrent_modification_by_fault(aws: AwsServer, iam: Any, refused: Refused) -> None:
    iam.create_role(RoleName="a", AssumeRolePolicyDocument=EC2_TRUST)
    aws.fault("TagRole", "error", code="ConcurrentModification", status=409)
    tags = [{"Key": "k", "Value": "v"}]
    refused("ConcurrentModification", iam.tag_role, RoleName="a", Tags=tags)
    assert iam.list_role_tags(RoleName="a")["Tags"] == []
    iam.tag_role(RoleName="a", Tags=tags)


def test_reads_lag_behind(aws: AwsServer, iam: Any, refused: Refused) -> None:
    aws.settings(iam_stale_seconds=FOR_EVER)
    iam.create_role(RoleName="a", AssumeRolePolicyDocument=EC2_TRUST)
    refused("NoSuchEntity", iam.get_role, RoleName="a")
    assert iam.list_roles()["Roles"] == []
    # Writes see the truth.
    iam.tag_role(RoleName="a", Tags=[{"Key": "k", "Value": "v"}])
    iam.put_role_policy(RoleName="a", PolicyName="p", PolicyDocument=ALLOW_ALL)
    refused("NoSuchEntity", iam.list_role_policies, RoleName="a")
    assert iam.list_roles()["Roles"] == []
    aws.settings(iam_stale_seconds=0)
    assert [role["RoleName"] for role in iam.list_roles()["Roles"]] == ["a"]
    assert iam.list_role_policies(RoleName="a")["PolicyNames"] == ["p"]
    assert iam.list_role_tags(RoleName="a")["Tags"] == [{"Key": "k", "Value": "v"}]


def test_each_write_appears_in_its_turn(aws: AwsServer, iam: Any) -> None:
    iam.create_role(RoleName="a", AssumeRolePolicyDocument=EC2_TRUST, Description="0")
    aws.settings(iam_stale_seconds=STALE)
    started = time.monotonic()
    iam.update_role(RoleName="a", Description="1")
    aws.settings(iam_stale_seconds=FOR_EVER)
    iam.update_role(RoleName="a", Description="2")
    # A read after its time may come late; one before it would be too early.
    assert wait_until(lambda: _description(iam).strip("0"), "the first write") == "1"
    assert time.monotonic() - started >= STALE
    assert _description(iam) == "1"
    aws.settings(iam_stale_seconds=0)
    assert _description(iam) == "2"


def test_lists_lag_behind_as_single_reads_do(aws: AwsServer, iam: Any) -> None:
    for name in ("kept", "gone"):
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=EC2_TRUST, Description="0")
    aws.settings(iam_stale_seconds=FOR_EVER)
    iam.delete_role(RoleName="gone")
    iam.update_role(RoleName="kept", Description="1")
    iam.create_role(RoleName="new", AssumeRolePolicyDocument=EC2_TRUST)
    shown = {role["RoleName"]: role.get("Description") for role in iam.list_roles()["Roles"]}
    assert shown == {"kept": "0", "gone": "0"}
    provider = iam.create_open_id_connect_provider(Url="https://example.com/id")["OpenIDConnectProviderArn"]
    assert iam.list_open_id_connect_providers()["OpenIDConnectProviderList"] == []
    aws.settings(iam_stale_seconds=0)
    shown = {role["RoleName"]: role.get("Description", "") for role in iam.list_roles()["Roles"]}
    assert shown == {"kept": "1", "new": ""}
    assert iam.list_open_id_connect_providers()["OpenIDConnectProviderList"] == [{"Arn": provider}]


def test_provider_reads_lag_behind(aws: AwsServer, iam: Any, refused: Refused) -> None:
    url = "https://example.com/id"
    arn = iam.create_open_id_connect_provider(Url=url, ClientIDList=["one"])["OpenIDConnectProviderArn"]
    aws.settings(iam_stale_seconds=FOR_EVER)
    iam.add_client_id_to_open_id_connect_provider(OpenIDConnectProviderArn=arn, ClientID="two")
    assert iam.get_open_id_connect_provider(OpenIDConnectProviderArn=arn)["ClientIDList"] == ["one"]
    iam.delete_open_id_connect_provider(OpenIDConnectProviderArn=arn)
    assert iam.list_open_id_connect_providers()["OpenIDConnectProviderList"] == [{"Arn": arn}]
    aws.settings(iam_stale_seconds=0)
    refused("NoSuchEntity", iam.get_open_id_connect_provider, OpenIDConnectProviderArn=arn)


def test_a_refused_write_changes_no_past(aws: AwsServer, iam: Any, refused: Refused) -> None:
    iam.create_role(RoleName="a", AssumeRolePolicyDocument=EC2_TRUST, Description="0")
    iam.update_role(RoleName="a", Description="1")
    refused("ValidationError", iam.update_role, RoleName="a", MaxSessionDuration=1)
    aws.fault("GetRole", "stale")
    assert iam.get_role(RoleName="a")["Role"]["Description"] == "0"
