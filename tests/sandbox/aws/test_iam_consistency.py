# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""IAM over time: writes that overlap, reads that lag behind."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from sandbox.aws.client import AwsServer
from tests.sandbox.aws.policies import ALLOW_ALL, EC2_TRUST, Refused

STALE = 0.6


def _wait_for_write(aws: AwsServer, operation: str) -> None:
    deadline = time.monotonic() + 10
    while not aws.calls(operation):
        assert time.monotonic() < deadline


def test_overlapping_writes_on_one_role(aws: AwsServer, iam: Any, refused: Refused) -> None:
    for name in ("a", "b"):
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=EC2_TRUST)
    aws.fault("PutRolePolicy", "latency", seconds=1.5)
    slow = aws.client("iam")
    with ThreadPoolExecutor(1) as pool:
        pending = pool.submit(slow.put_role_policy, RoleName="a", PolicyName="p", PolicyDocument=ALLOW_ALL)
        _wait_for_write(aws, "PutRolePolicy")
        error = refused("ConcurrentModification", iam.tag_role, RoleName="a", Tags=[{"Key": "k", "Value": "v"}])
        assert error.response["ResponseMetadata"]["HTTPStatusCode"] == 409
        # Reads and other entities are not in the way.
        iam.get_role(RoleName="a")
        iam.tag_role(RoleName="b", Tags=[{"Key": "k", "Value": "v"}])
        assert not pending.done()
        pending.result(timeout=10)
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
    aws.settings(iam_stale_seconds=STALE)
    iam.create_role(RoleName="a", AssumeRolePolicyDocument=EC2_TRUST)
    started = time.monotonic()
    refused("NoSuchEntity", iam.get_role, RoleName="a")
    assert iam.list_roles()["Roles"] == []
    # Writes see the truth.
    iam.tag_role(RoleName="a", Tags=[{"Key": "k", "Value": "v"}])
    iam.put_role_policy(RoleName="a", PolicyName="p", PolicyDocument=ALLOW_ALL)
    deadline = time.monotonic() + 10
    while not iam.list_roles()["Roles"]:
        assert time.monotonic() < deadline
    assert time.monotonic() - started >= STALE * 0.9
    while iam.list_role_policies(RoleName="a")["PolicyNames"] != ["p"]:
        assert time.monotonic() < deadline
    assert iam.list_role_tags(RoleName="a")["Tags"] == [{"Key": "k", "Value": "v"}]


def test_each_write_appears_in_its_turn(aws: AwsServer, iam: Any) -> None:
    iam.create_role(RoleName="a", AssumeRolePolicyDocument=EC2_TRUST, Description="0")
    aws.settings(iam_stale_seconds=STALE)
    seen = []
    iam.update_role(RoleName="a", Description="1")
    half = time.monotonic() + STALE / 2
    while time.monotonic() < half:
        seen.append(iam.get_role(RoleName="a")["Role"]["Description"])
    iam.update_role(RoleName="a", Description="2")
    deadline = time.monotonic() + 10
    while not seen or seen[-1] != "2":
        assert time.monotonic() < deadline
        seen.append(iam.get_role(RoleName="a")["Role"]["Description"])
    assert list(dict.fromkeys(seen)) == ["0", "1", "2"]


def test_provider_reads_lag_behind(aws: AwsServer, iam: Any, refused: Refused) -> None:
    url = "https://example.com/id"
    arn = iam.create_open_id_connect_provider(Url=url, ClientIDList=["one"])["OpenIDConnectProviderArn"]
    aws.settings(iam_stale_seconds=60)
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
