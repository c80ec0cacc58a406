# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""oidc_provider against the AWS server: bad options, limits and refusals, and runs that were ended."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.ekspress.eks.plugins.module_utils._oidc_provider import LOGIC
from ansible_collections.ekspress.eks.tests.integration.eks_clusters import counted, make_cluster, written
from ansible_collections.ekspress.eks.tests.integration.oidc_providers import (
    ARN,
    HASHES,
    ISSUER,
    STS,
    make_provider,
    provider,
    there,
)
from ansible_collections.ekspress.eks.tests.support import run_logic

from sandbox.aws.client import AwsServer


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"issuer": "http://example.com/id"}, "it must start with https://"),
        ({"issuer": "https://example.com:443/id"}, "it must not hold a port"),
        ({"issuer": f"https://example.com/{'a' * 240}"}, "260 characters and 255 is the most"),
        ({"issuer": ""}, "'' is not an OIDC issuer"),
        ({"audiences": [""]}, "The audience '' has 0 characters; IAM takes 1 to 255"),
        ({"audiences": ["a" * 256]}, "has 256 characters; IAM takes 1 to 255"),
        ({"audiences": [], "purge_audiences": True}, "nobody could use the OIDC provider any more"),
        ({"thumbprints": []}, "thumbprints has 0 entries; IAM takes 1 to 5. Leave the option out"),
        ({"thumbprints": ["a" * 40] * 6}, "thumbprints has 6 entries"),
        ({"thumbprints": ["a" * 39]}, "is not the SHA-1 hash of a certificate"),
        ({"thumbprints": [":".join(["ab"] * 20)]}, "40 hexadecimal digits without colons"),
        ({"tags": {"aws:x": "y"}}, "only AWS sets tags that start with aws:"),
        ({"tags": {"": "y"}}, "a key has 1 to 128 characters"),
        ({"tags": {"k" * 129: "y"}}, "a key has 1 to 128 characters"),
        ({"tags": {"k": "v" * 257}}, "a value has at most 256 characters"),
        ({"tags": {"k": "a;b"}}, "it holds ';'; allowed are letters, numbers, spaces and +-./:=@_"),
        ({"tags": {"k": "a\nb"}}, r"it holds '\n'"),
        ({"tags": {"k": True}}, "The value of the tag 'k' is True: quote it in YAML"),
        ({"tags": {"k": None}}, "The value of the tag 'k' is None"),
        ({"tags": {"k": ["a"]}}, "The value of the tag 'k' is ['a']"),
        ({"tags": {"Team": "a", "team": "b"}}, "The tags 'Team' and 'team' differ in case only"),
        ({"cluster": "blue"}, "parameters are mutually exclusive: cluster|issuer"),
        ({"issuer": None}, "one of the following is required: cluster, issuer"),
        ({"issuer": None, "cluster": "a b"}, "'a b' is not an EKS cluster name"),
    ],
)
def test_bad_options_are_refused_before_any_call(aws: AwsServer, options: dict[str, Any], message: str) -> None:
    params = {"issuer": ISSUER} | options
    result = run_logic(LOGIC, {key: value for key, value in params.items() if value is not None})
    assert result["failed"]
    assert message in result["msg"]
    assert aws.calls() == []


def test_limits_with_what_is_there_already(aws: AwsServer) -> None:
    make_provider(aws, [f"a-{number}" for number in range(99)], {f"t-{number}": "x" for number in range(49)})
    before = there(aws)
    aws.clear_calls()
    assert "would have 101 audiences and IAM allows 100" in provider(audiences=["one", "two"])["msg"]
    assert "would have 51 tags and IAM allows 50" in provider(audiences=[], tags={"one": 1, "two": 2})["msg"]
    assert written(aws) == []
    assert there(aws) == before
    assert provider(audiences=["one"], tags={"one": 1})["changed"]


def test_too_many_providers_in_the_account(aws: AwsServer) -> None:
    aws.fault("CreateOpenIDConnectProvider", "error", code="LimitExceeded", message="Cannot exceed quota", status=409)
    result = provider()
    assert result["msg"] == (
        "iam:CreateOpenIDConnectProvider failed: LimitExceeded: Cannot exceed quota. "
        "Delete the OIDC providers of clusters that are gone, or raise the quota of IAM in Service Quotas."
    )
    assert there(aws) is None


def test_an_issuer_that_iam_cannot_reach(aws: AwsServer) -> None:
    aws.fault(
        "CreateOpenIDConnectProvider", "error", code="OpenIdIdpCommunicationError", message="no answer", status=400
    )
    assert f"IAM could not reach {ISSUER} to read its certificate" in provider()["msg"]


def test_deleted_by_another_meanwhile(aws: AwsServer) -> None:
    make_provider(aws, ["foreign"])
    aws.fault("AddClientID*", "error", code="NoSuchEntity", message="gone", status=404)
    assert provider()["msg"].endswith(f"{ARN} was deleted while this task ran; run again to create it.")
    aws.fault("DeleteOpenIDConnectProvider", "error", code="NoSuchEntity", message="gone", status=404)
    assert provider(state="absent")["changed"]


@pytest.mark.parametrize(
    ("operation", "exists", "options"),
    [
        ("sts:GetCallerIdentity", True, {}),
        ("iam:GetOpenIDConnectProvider", True, {}),
        ("iam:CreateOpenIDConnectProvider", False, {}),
        ("iam:AddClientIDToOpenIDConnectProvider", True, {}),
        ("iam:RemoveClientIDFromOpenIDConnectProvider", True, {"audiences": ["a"], "purge_audiences": True}),
        ("iam:UpdateOpenIDConnectProviderThumbprint", True, {"thumbprints": HASHES}),
        ("iam:TagOpenIDConnectProvider", True, {"tags": {"a": "b"}}),
        ("iam:UntagOpenIDConnectProvider", True, {"tags": {}, "purge_tags": True}),
        ("iam:ListRoles", True, {"state": "absent"}),
        ("iam:DeleteOpenIDConnectProvider", True, {"state": "absent"}),
    ],
)
def test_denied_on_each_call(aws: AwsServer, operation: str, exists: bool, options: dict[str, Any]) -> None:
    if exists:
        make_provider(aws, ["a", "b"], {"owner": "someone"})
    service, _, name = operation.partition(":")
    aws.fault(name, "deny", service=service, times=None)
    result = provider(**options)
    assert result["failed"]
    assert result["msg"].startswith(f"{operation} failed: AccessDenied: ")
    assert f"The AWS identity of this task may not call {operation}: add the action to its policy" in result["msg"]
    assert result["error"]["action"] == operation
    assert ("force=true deletes it without looking" in result["msg"]) == (name == "ListRoles")
    aws.clear_faults()
    assert (there(aws) is not None) == exists


def test_denied_to_describe_the_cluster(aws: AwsServer) -> None:
    make_cluster(aws)
    aws.fault("DescribeCluster", "deny", times=None)
    result = provider(None, cluster="blue")
    assert result["msg"].startswith("eks:DescribeCluster failed: AccessDeniedException: ")
    assert counted(aws) == {"eks:DescribeCluster": 1}


@pytest.mark.parametrize("writes", range(4))
def test_a_run_that_was_ended_is_completed_by_the_next(aws: AwsServer, writes: int) -> None:
    """However many of its writes a run got done, the provider stays usable and the next run does the rest."""
    make_provider(aws, ["old", STS], {"owner": "someone"})
    options: dict[str, Any] = {
        "audiences": [STS, "new"],
        "purge_audiences": True,
        "tags": {"a": "b"},
        "purge_tags": True,
    }
    steps = ["AddClientIDTo", "RemoveClientIDFrom", "Tag", "Untag"]
    aws.fault(f"{steps[writes]}OpenIDConnectProvider", "deny")
    assert provider(**options)["failed"]
    made = there(aws)
    assert made is not None
    assert STS in made["audiences"]
    assert provider(**options)["changed"]
    assert there(aws) == {"audiences": ["new", STS], "thumbprints": ["c" * 40], "tags": {"a": "b"}}
