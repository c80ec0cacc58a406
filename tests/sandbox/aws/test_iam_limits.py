# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Quotas, tags and OIDC providers of IAM."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sandbox.aws.client import AwsServer
from tests.sandbox.aws.policies import ALLOW_ALL, EC2_TRUST, Refused

URL = "https://oidc.eks.eu-central-1.amazonaws.com/id/0123456789ABCDEF0123456789ABCDEF"
THUMBPRINT = "9e99a48a9960b14926bb7f3b02e22da2b0ab7280"


def _role(iam: Any, name: str = "a", **arguments: Any) -> Any:
    return iam.create_role(RoleName=name, AssumeRolePolicyDocument=EC2_TRUST, **arguments)["Role"]


def _tags(count: int, first: int = 0) -> list[dict[str, str]]:
    return [{"Key": f"key-{number}", "Value": "v"} for number in range(first, first + count)]


def _policy(size: int) -> str:
    """Return a permissions policy of a size, white space not counted."""
    statement = {"Sid": "", "Effect": "Allow", "Action": "*", "Resource": "*"}
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    statement["Sid"] = "S" * (size - len("".join(json.dumps(policy).split())))
    return json.dumps(policy, indent=4)


@pytest.mark.parametrize(
    "fields",
    [
        {"RoleName": "a" * 65},
        {"RoleName": "a b"},
        {"RoleName": "ä"},
        {"Path": "no-slash"},
        {"Path": "/a b/"},
        {"Path": "/" + "a" * 511 + "/"},
        {"Description": "d" * 1001},
        {"Description": "\u2028"},
        {"MaxSessionDuration": 3599},
        {"MaxSessionDuration": 43201},
    ],
    ids=str,
)
def test_role_fields(iam: Any, refused: Refused, fields: dict[str, Any]) -> None:
    arguments = {"RoleName": "a", "AssumeRolePolicyDocument": EC2_TRUST, **fields}
    refused("ValidationError", iam.create_role, **arguments)
    assert iam.list_roles()["Roles"] == []


def test_role_fields_at_their_limits(iam: Any) -> None:
    path = "/" + "p" * 510 + "/"
    _role(iam, "n" * 64, Path=path, Description="d" * 1000, MaxSessionDuration=43200)


def test_role_names_differ_by_more_than_case(iam: Any, refused: Refused) -> None:
    _role(iam, "Reader")
    refused("EntityAlreadyExists", iam.create_role, RoleName="READER", AssumeRolePolicyDocument=EC2_TRUST)


def test_update_role_is_held_to_the_same(iam: Any, refused: Refused) -> None:
    _role(iam)
    refused("ValidationError", iam.update_role, RoleName="a", Description="d" * 1001)
    refused("ValidationError", iam.update_role, RoleName="a", MaxSessionDuration=60)


def test_inline_policies_of_a_role_together(iam: Any, refused: Refused) -> None:
    _role(iam)
    iam.put_role_policy(RoleName="a", PolicyName="first", PolicyDocument=_policy(10000))
    iam.put_role_policy(RoleName="a", PolicyName="second", PolicyDocument=_policy(240))
    error = refused(
        "LimitExceeded", iam.put_role_policy, RoleName="a", PolicyName="second", PolicyDocument=_policy(241)
    )
    assert "Maximum policy size of 10240 bytes exceeded for role a" in str(error)
    iam.put_role_policy(RoleName="a", PolicyName="first", PolicyDocument=_policy(9000))
    iam.put_role_policy(RoleName="a", PolicyName="second", PolicyDocument=_policy(1240))


def test_malformed_permissions_policy(iam: Any, refused: Refused) -> None:
    _role(iam)
    for document in ("{", json.dumps({"Statements": []})):
        refused("MalformedPolicyDocument", iam.put_role_policy, RoleName="a", PolicyName="p", PolicyDocument=document)
        refused("MalformedPolicyDocument", iam.create_policy, PolicyName="p", PolicyDocument=document)


def test_managed_policies_of_a_role(aws: AwsServer, iam: Any, refused: Refused) -> None:
    _role(iam)
    arns = [
        iam.create_policy(PolicyName=f"policy-{number}", PolicyDocument=ALLOW_ALL)["Policy"]["Arn"]
        for number in range(11)
    ]
    for arn in arns[:10]:
        iam.attach_role_policy(RoleName="a", PolicyArn=arn)
    iam.attach_role_policy(RoleName="a", PolicyArn=arns[0])
    error = refused("LimitExceeded", iam.attach_role_policy, RoleName="a", PolicyArn=arns[10])
    assert "Cannot exceed quota for PoliciesPerRole: 10" in str(error)
    aws.settings(managed_policies_per_role=11)
    iam.attach_role_policy(RoleName="a", PolicyArn=arns[10])


def test_managed_policy_size_and_versions(iam: Any, refused: Refused) -> None:
    arn = iam.create_policy(PolicyName="p", PolicyDocument=_policy(6144))["Policy"]["Arn"]
    refused("LimitExceeded", iam.create_policy, PolicyName="q", PolicyDocument=_policy(6145))
    for _version in range(4):
        iam.create_policy_version(PolicyArn=arn, PolicyDocument=ALLOW_ALL)
    refused("LimitExceeded", iam.create_policy_version, PolicyArn=arn, PolicyDocument=ALLOW_ALL)


def test_aws_managed_policies_are_there(iam: Any, refused: Refused) -> None:
    _role(iam)
    iam.attach_role_policy(RoleName="a", PolicyArn="arn:aws:iam::aws:policy/service-role/AmazonEBSCSIDriverPolicy")
    refused("NoSuchEntity", iam.attach_role_policy, RoleName="a", PolicyArn="arn:aws:iam::aws:policy/NoSuchPolicy")
    attached = iam.list_attached_role_policies(RoleName="a")["AttachedPolicies"]
    assert [policy["PolicyName"] for policy in attached] == ["AmazonEBSCSIDriverPolicy"]


@pytest.mark.parametrize(
    ("tags", "code"),
    [
        (_tags(51), "ValidationError"),
        ([{"Key": "k" * 129, "Value": "v"}], "ValidationError"),
        ([{"Key": "k", "Value": "v" * 257}], "ValidationError"),
        ([{"Key": "aws:k", "Value": "v"}], "InvalidInput"),
        ([{"Key": "AWS:k", "Value": "v"}], "InvalidInput"),
        ([{"Key": "k", "Value": "v"}, {"Key": "K", "Value": "w"}], "InvalidInput"),
    ],
    ids=["too-many", "long-key", "long-value", "reserved", "reserved-upper", "duplicate"],
)
def test_tags(iam: Any, refused: Refused, tags: list[dict[str, str]], code: str) -> None:
    refused(code, iam.create_role, RoleName="a", AssumeRolePolicyDocument=EC2_TRUST, Tags=tags)
    refused(code, iam.create_open_id_connect_provider, Url=URL, Tags=tags)
    _role(iam)
    refused(code, iam.tag_role, RoleName="a", Tags=tags)
    assert iam.list_role_tags(RoleName="a")["Tags"] == []


def test_tags_that_are_there_count(iam: Any, refused: Refused) -> None:
    _role(iam, Tags=_tags(49))
    arn = iam.create_open_id_connect_provider(Url=URL, Tags=_tags(49))["OpenIDConnectProviderArn"]
    refused("LimitExceeded", iam.tag_role, RoleName="a", Tags=_tags(2, 49))
    refused("LimitExceeded", iam.tag_open_id_connect_provider, OpenIDConnectProviderArn=arn, Tags=_tags(2, 49))
    iam.tag_role(RoleName="a", Tags=_tags(2, 48))
    iam.tag_open_id_connect_provider(OpenIDConnectProviderArn=arn, Tags=_tags(2, 48))
    refused("InvalidInput", iam.untag_role, RoleName="a", TagKeys=["aws:x"])


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"Url": "http://example.com"}, "ValidationError"),
        ({"Url": "https://example.com/?q=1"}, "ValidationError"),
        ({"Url": "https://example.com/" + "a" * 240}, "ValidationError"),
        ({"ThumbprintList": [THUMBPRINT] * 6}, "InvalidInput"),
        ({"ThumbprintList": [THUMBPRINT[1:] + "g"]}, "InvalidInput"),
        ({"ThumbprintList": [THUMBPRINT + "0"]}, "ValidationError"),
        ({"ClientIDList": [f"audience-{number}" for number in range(101)]}, "LimitExceeded"),
        ({"ClientIDList": ["a" * 256]}, "ValidationError"),
    ],
    ids=["http", "query", "long-url", "thumbprints", "hexadecimal", "length", "audiences", "long-audience"],
)
def test_oidc_provider_fields(iam: Any, refused: Refused, fields: dict[str, Any], code: str) -> None:
    arguments = {"Url": URL, "ClientIDList": ["sts.amazonaws.com"], **fields}
    refused(code, iam.create_open_id_connect_provider, **arguments)


def test_oidc_provider_is_unique(iam: Any, refused: Refused) -> None:
    iam.create_open_id_connect_provider(Url=URL)
    error = refused("EntityAlreadyExists", iam.create_open_id_connect_provider, Url=URL)
    assert URL in str(error)


def test_oidc_provider_audiences_and_thumbprints(iam: Any, refused: Refused) -> None:
    audiences = [f"audience-{number}" for number in range(99)]
    arn = iam.create_open_id_connect_provider(Url=URL, ClientIDList=audiences)["OpenIDConnectProviderArn"]
    for _twice in range(2):
        iam.add_client_id_to_open_id_connect_provider(OpenIDConnectProviderArn=arn, ClientID="sts.amazonaws.com")
    shown = iam.get_open_id_connect_provider(OpenIDConnectProviderArn=arn)
    assert sorted(shown["ClientIDList"]) == sorted([*audiences, "sts.amazonaws.com"])
    assert shown["Url"] == URL.removeprefix("https://")
    refused(
        "LimitExceeded",
        iam.add_client_id_to_open_id_connect_provider,
        OpenIDConnectProviderArn=arn,
        ClientID="one-more",
    )
    refused(
        "InvalidInput",
        iam.update_open_id_connect_provider_thumbprint,
        OpenIDConnectProviderArn=arn,
        ThumbprintList=["g" * 40],
    )
    iam.update_open_id_connect_provider_thumbprint(OpenIDConnectProviderArn=arn, ThumbprintList=[THUMBPRINT])
    for _twice in range(2):
        iam.remove_client_id_from_open_id_connect_provider(OpenIDConnectProviderArn=arn, ClientID="audience-0")
    shown = iam.get_open_id_connect_provider(OpenIDConnectProviderArn=arn)
    assert sorted(shown["ClientIDList"]) == sorted([*audiences[1:], "sts.amazonaws.com"])
    missing = f"{arn}0"
    for change in (iam.add_client_id_to_open_id_connect_provider, iam.remove_client_id_from_open_id_connect_provider):
        refused("NoSuchEntity", change, OpenIDConnectProviderArn=missing, ClientID="a")


def test_tag_keys_are_one_whatever_their_case(iam: Any) -> None:
    _role(iam, Tags=[{"Key": "Team", "Value": "a"}, {"Key": "Other", "Value": "b"}])
    iam.tag_role(RoleName="a", Tags=[{"Key": "TEAM", "Value": "c"}])
    assert iam.list_role_tags(RoleName="a")["Tags"] == [{"Key": "Other", "Value": "b"}, {"Key": "TEAM", "Value": "c"}]
    iam.untag_role(RoleName="a", TagKeys=["team"])
    assert iam.list_role_tags(RoleName="a")["Tags"] == [{"Key": "Other", "Value": "b"}]
