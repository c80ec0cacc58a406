# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""oidc_trust_policy against the AWS server: what it merges, reads, reports and prunes."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.ekspress.eks.tests.integration.eks_clusters import counted, make_cluster, written
from ansible_collections.ekspress.eks.tests.integration.iam_roles import (
    FOREIGN_STATEMENT,
    make_provider,
    make_role,
    trust_of,
)
from ansible_collections.ekspress.eks.tests.integration.trust_policies import (
    BLUE,
    CI,
    GONE,
    GREEN,
    converge,
    provider_arn,
    statement,
)

from sandbox.aws.client import AwsServer

CI_STATEMENT = {
    "Sid": "Pipeline",
    "Effect": "Allow",
    "Principal": {"Federated": provider_arn(CI)},
    "Action": "sts:AssumeRoleWithWebIdentity",
    "Condition": {"StringLike": {"token.actions.githubusercontent.com:sub": "repo:example/*"}},
}


@pytest.fixture(autouse=True)
def providers(aws: AwsServer) -> None:
    """Two clusters have their OIDC provider."""
    for issuer in (BLUE, GREEN):
        make_provider(aws, issuer)


def shown(issuer: str, *service_accounts: str) -> list[dict[str, str]]:
    return [{"issuer": issuer, "service_account": item} for item in service_accounts]


def test_unchanged_is_one_read(aws: AwsServer) -> None:
    make_role(aws, "app", statements=[FOREIGN_STATEMENT, statement(BLUE)])
    result = converge()
    assert not result["changed"], result
    assert counted(aws) == {"iam:GetRole": 1}
    aws.clear_calls()
    assert not converge(check=True, settle=7)["changed"]
    assert counted(aws) == {"iam:GetRole": 1}
    assert result["diff"]["before"] == result["diff"]["after"] == trust_of(aws, "app")


def test_check_mode_says_what_is_written(aws: AwsServer) -> None:
    make_role(aws, "app", statements=[FOREIGN_STATEMENT, CI_STATEMENT, statement(BLUE, "old:old", Sid="Ours")])
    options: dict[str, Any] = {
        "service_accounts": ["app:app", "team-*:app"],
        "issuers": [BLUE, GREEN],
        "purge_service_accounts": True,
    }
    said = converge(check=True, **options)
    assert written(aws) == []
    done = converge(**options)
    assert (said.pop("attempts"), done.pop("attempts")) == (0, 1)
    assert said == done
    assert done["changed"]
    assert done["diff"]["after"] == trust_of(aws, "app")
    assert done["added"] == [*shown(BLUE, "app:app", "team-*:app"), *shown(GREEN, "app:app", "team-*:app")]
    assert done["removed"] == shown(BLUE, "old:old")
    assert trust_of(aws, "app")["Statement"][:2] == [FOREIGN_STATEMENT, CI_STATEMENT]
    assert not converge(**options)["changed"]


def test_blue_comes_and_goes_beside_green(aws: AwsServer) -> None:
    make_role(aws, "app", statements=[CI_STATEMENT, statement(GREEN, Sid="Green"), FOREIGN_STATEMENT])
    before = trust_of(aws, "app")
    assert converge(service_accounts=["app:app", "app:other"])["changed"]
    assert not converge(service_accounts=["app:other"])["changed"]
    assert converge(service_accounts=["app:other"])["unlisted"] == shown(BLUE, "app:app")
    gone = converge(state="absent", service_accounts=["app:other"])
    assert (gone["removed"], gone["unlisted"]) == (shown(BLUE, "app:other"), shown(BLUE, "app:app"))
    assert converge(state="absent")["removed"] == shown(BLUE, "app:app")
    assert trust_of(aws, "app") == before
    aws.clear_calls()
    assert not converge(state="absent")["changed"]
    assert written(aws) == []


def test_the_issuers_are_read_from_the_clusters(aws: AwsServer) -> None:
    make_role(aws, "app")
    urls = []
    for name in ("blue", "green"):
        urls.append(make_cluster(aws, name)["identity"]["oidc"]["issuer"])
        make_provider(aws, urls[-1])
    result = converge(clusters=["blue", "green"], issuers=[BLUE, urls[0]])
    assert sorted(item["issuer"] for item in result["added"]) == sorted([BLUE, *urls]), result
    aws.clear_calls()
    assert not converge(clusters=["blue", "green"], issuers=[BLUE])["changed"]
    assert counted(aws) == {"iam:GetRole": 1, "eks:DescribeCluster": 2}


@pytest.mark.parametrize(
    ("region", "partition", "suffix"),
    [
        ("eu-central-1", "aws", "amazonaws.com"),
        ("cn-north-1", "aws-cn", "amazonaws.com.cn"),
        ("us-gov-west-1", "aws-us-gov", "amazonaws.com"),
    ],
    ids=["aws", "aws-cn", "aws-us-gov"],
)
def test_the_audience_is_one_in_every_partition(aws: AwsServer, region: str, partition: str, suffix: str) -> None:
    issuer = f"https://oidc.eks.{region}.{suffix}/id/E5"
    arn = make_provider(aws, issuer, region=region)
    iam = aws.client("iam", region)
    iam.create_role(
        RoleName="app", AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [FOREIGN_STATEMENT]})
    )
    role_arn = f"arn:{partition}:iam::123456789012:role/app"
    result = converge(region=region, issuers=[issuer], role=role_arn)
    assert result["changed"], result
    assert result["role"] == {"name": "app", "arn": role_arn}
    added = iam.get_role(RoleName="app")["Role"]["AssumeRolePolicyDocument"]["Statement"][1]
    assert added["Principal"] == {"Federated": arn}
    assert arn.startswith(f"arn:{partition}:")
    assert added["Condition"]["StringEquals"] == {
        f"oidc.eks.{region}.{suffix}/id/E5:aud": "sts.amazonaws.com",
        f"oidc.eks.{region}.{suffix}/id/E5:sub": "system:serviceaccount:app:app",
    }
    assert not converge(region=region, issuers=[issuer], role="app")["changed"]


def test_foreign_statements_are_sent_as_they_came(aws: AwsServer) -> None:
    condition = {"StringEquals": {"aws:PrincipalTag/Büro": ["Köln", "<&>%2F+ \\ /"]}, "Bool": {"aws:x": True}}
    foreign = {**FOREIGN_STATEMENT, "Condition": condition, "Principal": {"Service": ["ec2.amazonaws.com"]}}
    make_role(aws, "app", statements=[foreign, statement(GREEN, Sid="Green")])
    before = trust_of(aws, "app")["Statement"]
    assert converge()["changed"]
    (call,) = aws.calls("UpdateAssumeRolePolicy")
    sent = json.dumps([*before, statement(BLUE)], separators=(",", ":"), ensure_ascii=False)
    assert call["parameters"]["PolicyDocument"] == f'{{"Version":"2012-10-17","Statement":{sent}}}'


def test_orphans_are_reported_and_left(aws: AwsServer) -> None:
    make_role(aws, "app", statements=[statement(GONE, Sid="Old"), CI_STATEMENT, statement(GREEN), statement(BLUE)])
    result = converge()
    assert not result["changed"], result
    assert result["orphans"] == [
        {"provider_arn": provider_arn(GONE), "sids": ["Old"], "statements": [1], "removed": False}
    ]
    assert counted(aws) == {"iam:GetRole": 1, "iam:ListOpenIDConnectProviders": 1}


def test_orphans_are_pruned_and_nothing_else(aws: AwsServer) -> None:
    both: dict[str, Any] = {"Principal": {"Federated": [provider_arn(GONE), provider_arn(GREEN)]}}
    mixed: dict[str, Any] = {"Principal": {"Federated": provider_arn(GONE), "Service": "ec2.amazonaws.com"}}
    kept: list[dict[str, Any]] = [
        CI_STATEMENT,
        statement(BLUE),
        statement(GREEN),
        statement(GONE, **both),
        statement(GONE, **mixed),
        statement(GONE, Principal={"Federated": provider_arn(GONE, "210987654321")}),
    ]
    aws.settings(trust_policy_size=4096)
    make_role(aws, "app", statements=[statement(GONE), *kept[:3], statement(GONE, Effect="Deny", Sid="Two"), *kept[3:]])
    said = converge(check=True, prune_orphans=True, max_length=4096)
    assert said["orphans"] == [
        {"provider_arn": provider_arn(GONE), "sids": ["Two"], "statements": [1, 5], "removed": True}
    ]
    done = converge(prune_orphans=True, max_length=4096)
    assert done["changed"], done
    assert done["diff"] == said["diff"]
    assert trust_of(aws, "app")["Statement"] == kept
    aws.clear_calls()
    assert not converge(prune_orphans=True, max_length=4096)["changed"]
    assert written(aws) == []


def test_a_stale_list_prunes_no_live_provider(aws: AwsServer) -> None:
    make_role(aws, "app", statements=[statement(BLUE), statement(GONE)])
    make_provider(aws, GONE)
    aws.fault("ListOpenIDConnectProviders", "stale", times=None)
    result = converge(prune_orphans=True)
    assert not result["changed"], result
    assert [orphan["removed"] for orphan in result["orphans"]] == [False]
    assert counted(aws)["iam:GetOpenIDConnectProvider"] == 1
    assert written(aws) == []


def test_listing_denied_is_a_warning(aws: AwsServer) -> None:
    make_role(aws, "app", statements=[statement(GONE), statement(BLUE)])
    aws.fault("ListOpenIDConnectProviders", "deny", times=None)
    result = converge(prune_orphans=True)
    assert not result["changed"], result
    assert result["orphans"] == []
    assert "none was reported or removed" in result["warnings"][0]
    assert "iam:ListOpenIDConnectProviders" in result["warnings"][0]


def test_a_role_that_is_not_there_trusts_nobody(aws: AwsServer) -> None:
    result = converge(state="absent")
    assert not result["changed"], result
    assert result["role"] == {"name": "app", "arn": "arn:aws:iam::123456789012:role/app"}


def test_a_role_that_shows_late_is_waited_for(aws: AwsServer) -> None:
    make_role(aws, "app")
    aws.fault("GetRole", "error", code="NoSuchEntity", message="The role with name app cannot be found.", status=404)
    assert converge()["changed"]


@pytest.mark.usefixtures("fresh_reads")
@pytest.mark.parametrize("settle", [0, 1])
def test_what_a_change_costs(aws: AwsServer, settle: int) -> None:
    make_role(aws, "app")
    result = converge(settle=settle)
    assert result["attempts"] == 1
    calls = counted(aws)
    assert {name: calls[name] for name in calls if name != "iam:GetRole"} == {
        "iam:GetOpenIDConnectProvider": 1,
        "iam:UpdateAssumeRolePolicy": 1,
    }
    # One to plan, one to write upon; then those that watch.
    assert calls["iam:GetRole"] == 2 if settle == 0 else 3 <= calls["iam:GetRole"] <= 12
