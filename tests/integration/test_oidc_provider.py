# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""oidc_provider against the AWS server: every path, its calls and races."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from ansible_collections.ekspress.eks.tests.integration.eks_clusters import ACCOUNT, counted, make_cluster, written
from ansible_collections.ekspress.eks.tests.integration.oidc_providers import (
    ARN,
    HASHES,
    ISSUER,
    READ,
    STS,
    make_provider,
    make_role,
    provider,
    there,
)

from sandbox.aws.client import AwsServer


def test_created_for_a_cluster(aws: AwsServer) -> None:
    issuer = make_cluster(aws)["identity"]["oidc"]["issuer"]
    arn = f"arn:aws:iam::{ACCOUNT}:oidc-provider/{issuer[8:]}"
    result = provider(None, cluster="blue", tags={"team": "platform"})
    state = {"arn": arn, "issuer": issuer, "audiences": [STS], "thumbprints": [], "tags": {"team": "platform"}}
    assert result == {"changed": True, **state, "diff": {"before": {}, "after": state}}
    assert counted(aws) == {
        "eks:DescribeCluster": 1,
        "iam:GetOpenIDConnectProvider": 1,
        "iam:CreateOpenIDConnectProvider": 1,
    }
    made = there(aws, arn)
    assert made is not None
    assert (made["audiences"], made["tags"]) == ([STS], {"team": "platform"})
    aws.clear_calls()
    again = provider(None, cluster="blue", tags={"team": "platform"})
    assert not again["changed"]
    assert again["diff"]["before"] == again["diff"]["after"]
    assert counted(aws) == {"eks:DescribeCluster": 1, "iam:GetOpenIDConnectProvider": 1}


def test_created_for_an_issuer_with_thumbprints(aws: AwsServer) -> None:
    result = provider(thumbprints=HASHES, audiences=["b", "a", "b"])
    assert result["changed"]
    assert (result["arn"], result["audiences"]) == (ARN, ["a", "b"])
    assert result["thumbprints"] == ["a" * 40, "b" * 40]
    assert counted(aws) == READ | {"iam:CreateOpenIDConnectProvider": 1}
    assert there(aws) == {"audiences": ["a", "b"], "thumbprints": ["a" * 40, "b" * 40], "tags": {}}
    aws.clear_calls()
    assert not provider(thumbprints=HASHES, audiences=["a"])["changed"]
    assert counted(aws) == READ


def test_adopts_one_that_exists_and_leaves_the_rest_alone(aws: AwsServer) -> None:
    make_provider(aws, ["foreign"], {"owner": "someone"})
    result = provider(tags={"team": "platform"})
    assert result["changed"]
    assert result["diff"]["before"]["audiences"] == ["foreign"]
    assert there(aws) == {
        "audiences": ["foreign", STS],
        "thumbprints": ["c" * 40],
        "tags": {"owner": "someone", "team": "platform"},
    }
    aws.clear_calls()
    assert not provider(tags={"team": "platform"})["changed"]
    assert counted(aws) == READ


@pytest.mark.parametrize(
    ("options", "writes", "after"),
    [
        ({}, [], {}),
        ({"purge_tags": True}, [], {}),
        ({"tags": {}}, [], {}),
        ({"audiences": []}, [], {}),
        ({"audiences": ["new"]}, ["AddClientIDTo"], {"audiences": ["foreign", "new", STS]}),
        ({"audiences": ["new", "newer"]}, ["AddClientIDTo"] * 2, {"audiences": ["foreign", "new", "newer", STS]}),
        ({"purge_audiences": True}, ["RemoveClientIDFrom"], {"audiences": [STS]}),
        (
            {"audiences": ["new"], "purge_audiences": True},
            ["AddClientIDTo", "RemoveClientIDFrom", "RemoveClientIDFrom"],
            {"audiences": ["new"]},
        ),
        ({"thumbprints": HASHES}, ["Update…Thumbprint"], {"thumbprints": ["a" * 40, "b" * 40]}),
        ({"thumbprints": ["C" * 40]}, [], {}),
        ({"tags": {"owner": "someone else", "n": 1}}, ["Tag"], {"tags": {"owner": "someone else", "n": "1"}}),
        ({"tags": {"n": "1"}, "purge_tags": True}, ["Tag", "Untag"], {"tags": {"n": "1"}}),
        ({"tags": {}, "purge_tags": True}, ["Untag"], {"tags": {}}),
    ],
)
def test_each_change_and_its_calls(
    aws: AwsServer, options: dict[str, Any], writes: list[str], after: dict[str, Any]
) -> None:
    make_provider(aws, ["foreign", STS], {"owner": "someone"})
    names = [
        f"iam:{f'{write}OpenIDConnectProvider' if '…' not in write else write.replace('…', 'OpenIDConnectProvider')}"
        for write in writes
    ]
    before = there(aws)
    assert before is not None
    aws.clear_calls()
    planned = provider(check=True, **options)
    assert written(aws) == []
    assert there(aws) == before
    aws.clear_calls()
    result = provider(**options)
    assert written(aws) == names
    assert {key: count for key, count in counted(aws).items() if key not in names} == READ
    assert result == planned
    assert result["changed"] == bool(writes)
    assert there(aws) == before | after
    assert {key: result[key] for key in before} == before | after
    aws.clear_calls()
    assert not provider(**options)["changed"]
    assert counted(aws) == READ


@pytest.mark.parametrize("purge", [False, True])
def test_a_tag_that_differs_in_case_only_is_replaced(aws: AwsServer, purge: bool) -> None:
    make_provider(aws, [STS], {"Department": "a", "other": "b"})
    other = {} if purge else {"other": "b"}
    result = provider(tags={"department": "c"}, purge_tags=purge)
    assert result["tags"] == {"department": "c", **other}
    assert result["diff"]["after"]["tags"] == result["tags"]
    assert (there(aws) or {})["tags"] == result["tags"]
    assert not provider(tags={"department": "c"}, purge_tags=purge)["changed"]


def test_check_mode_of_creating_and_deleting(aws: AwsServer) -> None:
    planned = provider(check=True, tags={"a": "b"}, thumbprints=HASHES)
    assert written(aws) == []
    assert provider(tags={"a": "b"}, thumbprints=HASHES) == planned
    aws.clear_calls()
    planned = provider(check=True, state="absent")
    assert written(aws) == []
    assert provider(state="absent") == planned
    assert planned["changed"]
    assert planned["diff"]["after"] == {}


@pytest.mark.parametrize(
    ("region", "partition", "suffix"),
    [
        ("eu-central-1", "aws", "amazonaws.com"),
        ("cn-north-1", "aws-cn", "amazonaws.com.cn"),
        ("us-gov-west-1", "aws-us-gov", "amazonaws.com"),
    ],
)
def test_partitions(aws: AwsServer, region: str, partition: str, suffix: str) -> None:
    issuer = make_cluster(aws, region=region)["identity"]["oidc"]["issuer"]
    assert issuer.startswith(f"https://oidc.eks.{region}.{suffix}/id/")
    result = provider(None, cluster="blue", region=region)
    assert result["arn"] == f"arn:{partition}:iam::{ACCOUNT}:oidc-provider/{issuer[8:]}"
    assert result["audiences"] == [STS]
    listed = aws.client("iam", region).list_open_id_connect_providers()["OpenIDConnectProviderList"]
    assert [item["Arn"] for item in listed] == [result["arn"]]
    by_issuer = provider(issuer, region=region)
    assert (by_issuer["arn"], by_issuer["changed"]) == (result["arn"], False)


def test_created_by_another_meanwhile(aws: AwsServer) -> None:
    make_provider(aws, ["foreign"])
    aws.fault("GetOpenIDConnectProvider", "error", code="NoSuchEntity", message="gone", status=404)
    result = provider(tags={"team": "platform"})
    assert result["changed"]
    assert result["diff"]["before"]["audiences"] == ["foreign"]
    made = there(aws)
    assert made is not None
    assert (made["audiences"], made["tags"]) == (["foreign", STS], {"team": "platform"})
    assert [call["operation"] for call in aws.calls(failed=True)] == [
        "GetOpenIDConnectProvider",
        "CreateOpenIDConnectProvider",
    ]


def test_reads_that_lag_behind_are_waited_for(aws: AwsServer) -> None:
    make_provider(aws, [STS])
    aws.fault("GetOpenIDConnectProvider", "error", code="NoSuchEntity", message="gone", status=404, times=3)
    assert not provider()["changed"]
    assert counted(aws) == {
        "sts:GetCallerIdentity": 1,
        "iam:GetOpenIDConnectProvider": 4,
        "iam:CreateOpenIDConnectProvider": 1,
    }


def test_a_second_run_soon_after_the_first_sees_through_stale_reads(aws: AwsServer) -> None:
    aws.settings(iam_stale_seconds=1.0)
    assert provider()["changed"]
    assert not provider()["changed"]


def test_runs_at_once_lose_nothing(aws: AwsServer) -> None:
    names = [f"audience-{number}" for number in range(8)]
    results: list[dict[str, Any]] = []
    start = threading.Barrier(len(names))

    def one(name: str) -> None:
        start.wait()
        results.append(provider(audiences=[name], tags={name: "x"}))

    threads = [threading.Thread(target=one, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [result.get("msg") for result in results if result.get("failed")] == []
    made = there(aws)
    assert made is not None
    assert made["audiences"] == names
    assert sorted(made["tags"]) == names


def test_absent(aws: AwsServer) -> None:
    make_provider(aws, [STS], {"owner": "someone"})
    make_role(aws, "other", {"Federated": "cognito-identity.amazonaws.com"})
    result = provider(state="absent")
    nothing: dict[str, Any] = {"audiences": [], "thumbprints": [], "tags": {}}
    assert {key: result[key] for key in ("changed", "arn", "issuer", *nothing)} == {
        "changed": True,
        "arn": ARN,
        "issuer": ISSUER,
        **nothing,
    }
    assert result["diff"]["before"]["tags"] == {"owner": "someone"}
    assert counted(aws) == READ | {"iam:ListRoles": 1, "iam:DeleteOpenIDConnectProvider": 1}
    assert there(aws) is None
    aws.clear_calls()
    assert not provider(state="absent")["changed"]
    assert counted(aws) == READ


def test_absent_is_refused_while_roles_trust_it(aws: AwsServer) -> None:
    make_provider(aws, [STS])
    aws.client("iam").create_open_id_connect_provider(Url=f"{ISSUER}0")
    make_role(aws, "app", {"Federated": ARN}, path="/team/")
    make_role(aws, "both", {"Federated": [f"{ARN}0", ARN]})
    make_role(aws, "longer", {"Federated": f"{ARN}0"})
    make_role(aws, "service", {"Service": "ec2.amazonaws.com"})
    before = there(aws)
    aws.clear_calls()
    for check in (True, False):
        result = provider(state="absent", check=check)
        assert result["failed"]
        assert not result["changed"]
        assert result["msg"] == (
            f"The OIDC provider {ARN} is still trusted by 2 IAM roles: both, team/app. Their pods would lose access to "
            "AWS. Remove it from their trust policies first, or set force=true to delete it all the same. "
            "Nothing was changed."
        )
        assert result["trusted_by"] == [f"arn:aws:iam::{ACCOUNT}:role/{name}" for name in ("both", "team/app")]
    assert written(aws) == []
    assert there(aws) == before
    aws.clear_calls()
    assert provider(state="absent", force=True)["changed"]
    assert counted(aws) == READ | {"iam:DeleteOpenIDConnectProvider": 1}
    assert there(aws) is None


def test_absent_looks_at_all_pages_of_roles(aws: AwsServer) -> None:
    make_provider(aws, [STS])
    for number in range(24):
        make_role(aws, f"a-{number:02d}", {"Service": "ec2.amazonaws.com"})
    make_role(aws, "z", {"Federated": ARN})
    aws.settings(page_size=10)
    aws.clear_calls()
    result = provider(state="absent")
    assert "is still trusted by 1 IAM role: z." in result["msg"]
    assert counted(aws) == READ | {"iam:ListRoles": 3}


def test_a_long_list_of_roles_is_cut_in_the_message_only(aws: AwsServer) -> None:
    make_provider(aws, [STS])
    for number in range(23):
        make_role(aws, f"role-{number:02d}", {"Federated": ARN})
    result = provider(state="absent")
    assert "by 23 IAM roles: role-00, " in result["msg"]
    assert ", role-19 and 3 more. Their pods" in result["msg"]
    assert len(result["trusted_by"]) == 23


def test_absent_for_a_cluster_that_is_gone(aws: AwsServer) -> None:
    result = provider(None, cluster="blue", state="absent")
    assert result["failed"]
    assert result["msg"].startswith("There is no EKS cluster 'blue' in eu-central-1; the clusters there are: none.")
    assert result["msg"].endswith("Where the cluster is already deleted, give its issuer in place of its name.")


@pytest.mark.parametrize("status", ["DELETING", "FAILED"])
def test_absent_for_a_cluster_that_does_not_work(aws: AwsServer, status: str) -> None:
    make_cluster(aws)
    assert provider(None, cluster="blue")["changed"]
    aws.cluster("blue", status=status)
    assert provider(None, cluster="blue", state="absent")["changed"]


@pytest.mark.parametrize("status", ["CREATING", "FAILED", "DELETING"])
def test_present_needs_a_cluster_that_works(aws: AwsServer, status: str) -> None:
    make_cluster(aws)
    aws.cluster("blue", status=status, health={"issues": [{"code": "AccessDenied", "message": "no role"}]})
    aws.clear_calls()
    result = provider(None, cluster="blue")
    assert result["failed"]
    assert result["msg"].startswith(f"EKS cluster 'blue' is {status} (AccessDenied: no role). ")
    assert result["msg"].endswith("nothing was changed.")
    assert counted(aws) == {"eks:DescribeCluster": 1}
