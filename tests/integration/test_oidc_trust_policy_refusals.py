# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""oidc_trust_policy where it cannot do what it is asked: it says why and what to do, and writes nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.ekspress.eks.plugins.module_utils import _irsa_provider, _oidc_trust_policy
from ansible_collections.ekspress.eks.tests.integration.eks_clusters import make_cluster, written
from ansible_collections.ekspress.eks.tests.integration.iam_roles import (
    FOREIGN_STATEMENT,
    make_provider,
    make_role,
    trust_of,
)
from ansible_collections.ekspress.eks.tests.integration.trust_policies import BLUE, GONE, GREEN, converge, statement

from sandbox.aws.client import AwsServer


@pytest.fixture(autouse=True)
def role(aws: AwsServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """A role; and nobody waits for what does not come."""
    monkeypatch.setattr(_oidc_trust_policy, "PAUSES", (0.01, 0.01))
    monkeypatch.setattr(_irsa_provider, "PAUSES", (0.01, 0.01))
    make_provider(aws, BLUE)
    make_role(aws, "app")


MORE = [f"more-{number:03d}:service-account" for number in range(30)]


def refused(aws: AwsServer, *words: str, check_too: bool = True, **options: Any) -> None:
    """Both modes fail with the words, and nothing is written."""
    before = trust_of(aws, "app")
    aws.clear_calls()
    for check in (False, True) if check_too else (False,):
        result = converge(check=check, **options)
        assert result.get("failed"), result
        assert result["changed"] is False
        for text in words:
            assert text in result["msg"], result["msg"]
    assert written(aws) == []
    assert trust_of(aws, "app") == before


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"role": "a role"}, ["'a role' is neither the name nor the ARN"]),
        ({"role": "path/app"}, ["is neither the name nor the ARN", "no path"]),
        ({"role": "x" * 65}, ["1 to 64 letters"]),
        ({"role": "arn:aws:iam:role/app"}, ["is not an ARN", "arn:PARTITION:SERVICE:REGION:ACCOUNT:RESOURCE"]),
        ({"role": "arn:aws:iam::1234:role/app"}, ["is not an ARN", "12 digits"]),
        ({"role": "arn:aws:iam::123456789012:user/app"}, ["of kind 'iam user'", "the ARN of an IAM role"]),
        ({"role": "arn:aws:sts::123456789012:assumed-role/app/me"}, ["sts assumed-role", "the ARN of an IAM role"]),
        ({"role": "arn:aws-cn:iam::123456789012:role/app"}, ["in partition aws-cn", "the region of the task in aws"]),
        ({"role": "arn:aws:iam::210987654321:role/app"}, ["in account 210987654321", "of account 123456789012"]),
        ({"role": "arn:aws:iam::123456789012:role/other/app"}, ["the IAM role of that name is arn:"]),
        ({"role": "missing"}, ["no IAM role 'missing' in account 123456789012", "ekspress.eks.irsa_roles"]),
        ({"role": "arn:aws:iam::210987654321:role/missing"}, ["in account 210987654321", "assume_role_arn"]),
        ({"service_accounts": ["app"]}, ["'app' is not NAMESPACE:NAME"]),
        ({"service_accounts": ["App:app"]}, ["is not NAMESPACE:NAME"]),
        ({"service_accounts": ["app:app:app"]}, ["is not NAMESPACE:NAME"]),
        ({"service_accounts": ["system:serviceaccount:app:app"]}, ["is not NAMESPACE:NAME"]),
        ({"service_accounts": []}, ["empty list", "name at least one"]),
        ({"service_accounts": [], "state": "absent"}, ["empty list", "leave it out"]),
        ({"service_accounts": None}, ["service_accounts"]),
        ({"issuers": [BLUE.removeprefix("https://")]}, ["must start with https://"]),
        ({"issuers": ["https://oidc.eks.eu-central-1.amazonaws.com:443/id/B1"]}, ["must not hold a port"]),
        ({"issuers": []}, ["name at least one"]),
        ({"issuers": None}, ["one of the following is required: clusters, issuers"]),
        ({"clusters": ["arn:aws:eks:eu-central-1:123456789012:cluster/blue"]}, ["is not an EKS cluster name"]),
        ({"clusters": ["missing"]}, ["There is no EKS cluster 'missing'"]),
        ({"clusters": ["missing"], "state": "absent"}, ["There is no EKS cluster 'missing'", "give its issuer"]),
        ({"max_length": 2047}, ["max_length is 2047", "from 2048 to 4096"]),
        ({"max_length": 4097}, ["max_length is 4097"]),
        ({"settle": -1}, ["settle is -1", "from 0 to 60"]),
        ({"settle": 61}, ["settle is 61"]),
    ],
    ids=lambda value: "-".join(map(str, value.values()))[:40] if isinstance(value, dict) else "",
)
def test_bad_input(aws: AwsServer, options: dict[str, Any], words: list[str]) -> None:
    refused(aws, *words, **options)


def test_a_cluster_that_is_not_active(aws: AwsServer) -> None:
    make_cluster(aws, "blue")
    aws.cluster("blue", status="CREATING")
    refused(aws, "'blue' is CREATING", clusters=["blue"])
    assert not converge(clusters=["blue"], state="absent").get("failed")


def test_a_provider_that_is_not_there(aws: AwsServer) -> None:
    result = converge(issuers=[BLUE, GREEN])
    assert result["failed"]
    assert "id/C2 of issuer" in result["msg"]
    assert "ekspress.eks.oidc_provider" in result["msg"]
    assert written(aws) == []
    checked = converge(check=True, issuers=[BLUE, GREEN])
    assert checked["changed"]
    assert "id/C2 of issuer" in checked["warnings"][0]


def test_trust_is_taken_from_an_issuer_that_is_gone(aws: AwsServer) -> None:
    aws.client("iam").update_assume_role_policy(
        RoleName="app",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [FOREIGN_STATEMENT, statement(GONE)]}),
    )
    assert converge(issuers=[GONE], state="absent")["changed"]
    assert trust_of(aws, "app")["Statement"] == [FOREIGN_STATEMENT]


def test_nobody_would_be_left(aws: AwsServer) -> None:
    make_role(aws, "alone", statements=[statement(BLUE)])
    for check in (False, True):
        result = converge(check=check, role="alone", state="absent")
        assert result["failed"], result
        assert "IAM role 'alone': nobody would be trusted any more" in result["msg"]
        assert "state: absent" in result["msg"]
    assert written(aws) == []


def test_the_quota(aws: AwsServer) -> None:
    many = [f"namespace-{number:03d}:service-account" for number in range(36)]
    now = converge(check=True, service_accounts=["app:app"], state="absent")["size"]
    refused(
        aws,
        "IAM role 'app'",
        f"now {now}",
        "quota is 2048",
        "Pod Identity",
        "a role of its own",
        "max_length",
        service_accounts=many,
    )
    aws.settings(trust_policy_size=4096)
    assert converge(service_accounts=many, max_length=4096)["size"] > 2048
    more = [f"namespace-{number:03d}:service-account" for number in range(100)]
    refused(aws, "quota is 4096", "Pod Identity", "no more than 4096", service_accounts=more, max_length=4096)
    # One that is over the quota already may still become shorter.
    fewer = many[:34]
    result = converge(service_accounts=fewer, purge_service_accounts=True)
    assert result["changed"], result
    assert result["size"] > 2048


def test_the_quota_message_says_what_pruning_would_free(aws: AwsServer) -> None:
    make_role(aws, "full", statements=[FOREIGN_STATEMENT, statement(GONE), statement(GREEN, Sid="x" * 850)])
    make_provider(aws, GREEN)
    many = [f"namespace-{number:03d}:service-account" for number in range(5)]
    now = converge(role="full", state="absent", check=True)["size"]
    freed = now - converge(role="full", issuers=[GONE], state="absent", check=True)["size"]
    for check in (False, True):
        result = converge(role="full", service_accounts=many, check=check)
        assert f"{freed} of them are of clusters that are gone; prune_orphans: true removes" in result["msg"], result
    done = converge(role="full", service_accounts=many, prune_orphans=True)
    assert done["changed"], done
    assert "are gone" not in converge(role="full", service_accounts=[*many, *MORE], prune_orphans=True)["msg"]


def test_max_length_of_an_account_that_has_not_that_quota(aws: AwsServer) -> None:
    many = [f"namespace-{number:03d}:service-account" for number in range(36)]
    before = trust_of(aws, "app")
    result = converge(service_accounts=many, max_length=4096)
    assert "LimitExceeded" in result["msg"]
    assert trust_of(aws, "app") == before


def dead_principal(aws: AwsServer, **more: Any) -> str:
    """Make a role that trusts one that is deleted; give the id that is left of that."""
    iam = make_role(aws, "gone")
    principal = {"AWS": "arn:aws:iam::123456789012:role/gone"}
    make_role(
        aws,
        "other",
        statements=[FOREIGN_STATEMENT, {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole", **more}],
    )
    iam.delete_role(RoleName="gone")
    aws.clear_calls()
    return str(trust_of(aws, "other")["Statement"][1]["Principal"]["AWS"])


@pytest.mark.parametrize("more", [{}, {"Sid": "Old"}], ids=["position", "sid"])
def test_a_dead_principal_in_a_foreign_statement(aws: AwsServer, more: dict[str, Any]) -> None:
    principal = dead_principal(aws, **more)
    where = "statement 'Old'" if more else "statement number 2"
    before = trust_of(aws, "other")
    for check in (False, True):
        result = converge(check=check, role="other")
        assert result["failed"], result
        for words in ("IAM role 'other'", f"{where} trusts {principal}", "deleted", "Take it out"):
            assert words in result["msg"], result["msg"]
    assert written(aws) == []
    assert trust_of(aws, "other") == before
    assert not converge(role="other", state="absent").get("failed"), "nothing is to be written"


def test_a_principal_that_dies_before_the_write_is_named(aws: AwsServer) -> None:
    make_role(aws, "gone")
    principal = {"AWS": "arn:aws:iam::123456789012:role/gone"}
    make_role(
        aws, "other", statements=[{"Sid": "Old", "Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}]
    )
    message = 'Invalid principal in policy: "AWS":"arn:aws:iam::123456789012:role/gone"'
    aws.fault("UpdateAssumeRolePolicy", "error", code="MalformedPolicyDocument", message=message, status=400)
    result = converge(role="other")
    assert result["failed"]
    assert result["changed"] is False
    assert "role/gone is in statement 'Old'" in result["msg"]
    assert "IAM role 'other'" in result["msg"]


def with_orphan(aws: AwsServer) -> dict[str, Any]:
    document = {"Version": "2012-10-17", "Statement": [FOREIGN_STATEMENT, statement(GONE)]}
    aws.client("iam").update_assume_role_policy(RoleName="app", PolicyDocument=json.dumps(document))
    return {"prune_orphans": True}


def with_cluster(aws: AwsServer) -> dict[str, Any]:
    make_provider(aws, make_cluster(aws, "blue")["identity"]["oidc"]["issuer"])
    return {"clusters": ["blue"]}


def plain(_aws: AwsServer) -> dict[str, Any]:
    return {}


@pytest.mark.parametrize(
    ("service", "operation", "prepared"),
    [
        ("iam", "GetRole", plain),
        ("iam", "GetOpenIDConnectProvider", plain),
        ("iam", "UpdateAssumeRolePolicy", plain),
        ("iam", "GetOpenIDConnectProvider", with_orphan),
        ("eks", "DescribeCluster", with_cluster),
    ],
    ids=["role", "provider", "write", "orphan", "cluster"],
)
def test_access_denied(
    aws: AwsServer, service: str, operation: str, prepared: Callable[[AwsServer], dict[str, Any]]
) -> None:
    options = prepared(aws)
    before = trust_of(aws, "app")
    aws.fault(operation, "deny", service=service, times=None)
    result = converge(**options)
    assert result["failed"], result
    assert result["changed"] is False
    assert f"may not call {service}:{operation}" in result["msg"]
    aws.clear_faults()
    assert trust_of(aws, "app") == before


@pytest.mark.usefixtures("fresh_reads")
def test_reads_denied_after_the_write_say_that_it_was_written(aws: AwsServer) -> None:
    aws.fault("GetRole", "deny", nth=3, times=None)
    result = converge(settle=1)
    assert result["failed"]
    assert result["changed"] is True
    assert len(written(aws)) == 1
