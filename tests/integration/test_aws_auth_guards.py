# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What aws_auth does not drop unless it is forced to, and what it asks AWS and the cluster to know it."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.ekspress.eks.plugins.module_utils._aws import Aws
from ansible_collections.ekspress.eks.plugins.module_utils._aws_auth_facts import Facts
from ansible_collections.ekspress.eks.plugins.module_utils._context import Context
from ansible_collections.ekspress.eks.plugins.module_utils._errors import EksError
from ansible_collections.ekspress.eks.plugins.module_utils._kubernetes import Kubernetes, connect
from ansible_collections.ekspress.eks.plugins.module_utils._kubernetes_connection import Connection
from ansible_collections.ekspress.eks.plugins.module_utils._kubernetes_errors import KubernetesError

from sandbox.aws.client import AwsServer
from sandbox.lifecycle import DEFAULT_CLUSTER
from tests.integration.aws_auth_support import ACCOUNT, FOREIGN_USERS, Mappings, Outcome, arn, entry
from tests.integration.eks_clusters import make_cluster
from tests.sandbox_fixtures import RunningSandbox

FARGATE = f"arn:aws:iam::{ACCOUNT}:role/teams/fargate"
FARGATE_ENTRY = f"- {{rolearn: '{arn('fargate')}', username: f, groups: [pods]}}\n"
REVIEW = "POST /apis/authentication.k8s.io/v1/selfsubjectreviews"


@dataclass
class Eks:
    """A cluster of a test's own account whose control plane is the sandbox's; the caller is its creator."""

    aws: AwsServer
    mappings: Mappings
    caller: str

    def run(self, *, check: bool = False, **options: Any) -> Outcome:
        """Run the module by the cluster's name."""
        return self.mappings.run(check=check, cluster=DEFAULT_CLUSTER, **options)

    def mode(self, name: str) -> None:
        """Set the cluster's authentication mode."""
        self.aws.cluster(DEFAULT_CLUSTER, access_config={"authenticationMode": name})


@pytest.fixture
def eks(aws: AwsServer, sandbox: RunningSandbox, mappings: Mappings) -> Eks:
    """The cluster, with a Fargate profile."""
    described = make_cluster(aws, DEFAULT_CLUSTER)
    aws.client("eks").create_fargate_profile(
        clusterName=DEFAULT_CLUSTER,
        fargateProfileName="system",
        podExecutionRoleArn=FARGATE,
        subnets=described["resourcesVpcConfig"]["subnetIds"],
        selectors=[{"namespace": "fargate"}],
    )
    authority = Path(sandbox.cluster()["ca_file"]).read_bytes()
    aws.cluster(
        DEFAULT_CLUSTER,
        status="ACTIVE",
        endpoint=sandbox.cluster()["endpoint"],
        ca_data=base64.b64encode(authority).decode(),
    )
    return Eks(aws, mappings, aws.client("sts").get_caller_identity()["Arn"])


def test_by_a_clusters_name_nothing_changes_in_two_calls(eks: Eks) -> None:
    eks.mappings.put()
    made = eks.run(roles=[entry("new")])
    assert made.changes
    assert made.calls[:2] == ["eks:DescribeCluster", "GET …/aws-auth"]
    assert not any("Fargate" in call or "selfsubject" in call for call in made.calls), "nothing is dropped"
    again = eks.run(roles=[entry("new")])
    assert again.unchanged
    assert again.calls == ["eks:DescribeCluster", "GET …/aws-auth"]


def test_in_authentication_mode_api_it_refuses(eks: Eks) -> None:
    eks.mappings.put()
    version = eks.mappings.version
    eks.mode("API")
    for options in ({"roles": [entry("new")]}, {"state": "restored"}):
        ran = eks.run(**options)
        assert "authentication mode API, in which aws-auth is not read" in ran.message
        assert "ekspress.eks.access_entries" in ran.message
        assert ran.calls == ["eks:DescribeCluster"]
    assert eks.mappings.version == version
    for mode in ("API_AND_CONFIG_MAP", "CONFIG_MAP"):
        eks.mode(mode)
        assert eks.run(check=True, roles=[entry("new")]).changes


def test_an_arn_of_another_partition_is_refused(eks: Eks) -> None:
    ran = eks.run(roles=[{**entry("new"), "arn": f"arn:aws-cn:iam::{ACCOUNT}:role/new"}])
    assert "aws-cn" in ran.message
    assert ran.calls == ["eks:DescribeCluster"]


def test_nodes_are_not_dropped(mappings: Mappings) -> None:
    mappings.put()
    node = {"arn": arn("node")}
    nodes = ["system:nodes", "system:bootstrappers"]
    dropping: list[dict[str, Any]] = [
        {"roles": [node], "state": "absent"},
        {"roles": [{**node, "username": "system:node:{{EC2PrivateDNSName}}", "groups": ["system:bootstrappers"]}]},
        {"roles": [{**node, "username": "other", "groups": nodes}]},
    ]
    for options in dropping:
        for check in (True, False):
            ran = mappings.run(check=check, **options)
            assert arn("node") in ran.message
            assert "system:nodes" in ran.message
            assert "Nothing was written. Set force: true" in ran.message
    assert mappings.backups == {}
    kept: dict[str, Any] = {
        "roles": [{**node, "username": "system:node:{{EC2PrivateDNSName}}", "groups": [*nodes, "more"]}]
    }
    assert mappings.run(**kept).changes == [f"roles: change {arn('node')}"]
    assert mappings.run(**dropping[0], force=True).changes == [f"roles: remove {arn('node')}"]


def test_the_last_administrator_stays_and_all_reasons_are_told_at_once(mappings: Mappings) -> None:
    mappings.put()
    last: dict[str, Any] = {"users": [entry("break-glass", kind="user")], "state": "absent"}
    assert "system:masters" in mappings.run(**last).message
    both = mappings.run(**last, roles=[entry("Spot")])
    assert len(both.result["reasons"]) == 2
    assert all(reason in both.message for reason in both.result["reasons"])
    mappings.run(roles=[entry("admins", "system:masters")])
    assert mappings.run(**last).changes


def test_the_role_of_a_fargate_profile_stays(eks: Eks) -> None:
    eks.mappings.put({"mapRoles": FARGATE_ENTRY})
    for check in (True, False):
        ran = eks.run(check=check, roles=[entry("fargate")], state="absent")
        assert arn("fargate") in ran.message
        assert "Fargate profile" in ran.message
        assert [call for call in ran.calls if "Fargate" in call] == [
            "eks:ListFargateProfiles",
            "eks:DescribeFargateProfile",
        ]
    assert eks.mappings.data == {"mapRoles": FARGATE_ENTRY}
    forced = eks.run(roles=[entry("fargate")], state="absent", force=True)
    assert forced.changes
    assert not any("Fargate" in call or "selfsubject" in call for call in forced.calls), "nothing is asked in vain"


def test_fargate_profiles_are_not_read_for_users(eks: Eks) -> None:
    eks.mappings.put()
    eks.run(users=[entry("former", kind="user")])
    gone = eks.run(users=[entry("former", kind="user")], state="absent")
    assert gone.changes
    assert not any("Fargate" in call for call in gone.calls)


@pytest.mark.parametrize("operation", ["ListFargateProfiles", "DescribeFargateProfile"])
def test_fargate_profiles_that_may_not_be_read_are_no_free_pass(eks: Eks, operation: str) -> None:
    eks.mappings.put({"mapRoles": FARGATE_ENTRY})
    eks.aws.fault(operation, "deny", times=None)
    for check in (True, False):
        ran = eks.run(check=check, roles=[entry("fargate")], state="absent")
        assert f"eks:{operation} failed: AccessDenied" in ran.message
        assert "add the action to its policy" in ran.message
        assert "Or set force: true" in ran.message
    assert eks.mappings.data == {"mapRoles": FARGATE_ENTRY}
    assert eks.mappings.backups == {}


def test_a_cluster_that_may_not_be_described_is_told(eks: Eks) -> None:
    eks.aws.fault("DescribeCluster", "deny", times=None)
    ran = eks.run(roles=[entry("new")])
    assert "eks:DescribeCluster failed: AccessDenied" in ran.message
    assert eks.mappings.live() is None


def test_the_callers_own_entry_stays(eks: Eks) -> None:
    own = f"- userarn: {eks.caller.upper().replace('ARN:AWS:IAM', 'arn:aws:iam')}\n  username: me\n  groups: [a, b]\n"
    eks.mappings.put({"mapUsers": FOREIGN_USERS + own})
    me = {"arn": eks.caller, "username": "me", "groups": ["a", "b"]}
    dropping: list[dict[str, Any]] = [{"users": [me], "state": "absent"}, {"users": [{**me, "groups": ["a"]}]}]
    for options in dropping:
        for check in (True, False):
            ran = eks.run(check=check, **options)
            assert "this task itself" in ran.message
            assert [call for call in ran.calls if "review" in call] == [REVIEW]
            assert "sts:GetCallerIdentity" not in ran.calls
    assert eks.mappings.data == {"mapUsers": FOREIGN_USERS + own}
    assert eks.run(users=[{**me, "groups": ["a", "b", "c"]}]).changes, "what takes nothing away is no drop"
    assert eks.run(users=[me], state="absent", force=True).changes


def test_who_impersonates_keeps_his_own_entry(eks: Eks) -> None:
    eks.mappings.put({"mapUsers": f"{FOREIGN_USERS}- {{userarn: '{eks.caller}', username: me, groups: [a]}}\n"})
    ran = eks.run(
        users=[{"arn": eks.caller}],
        state="absent",
        impersonate_user="another",
        impersonate_groups=["system:masters"],
    )
    assert "this task itself" in ran.message
    assert "sts:GetCallerIdentity" not in ran.calls, "the cluster told it"


def facts(sandbox: RunningSandbox, aws: Aws | None, context: Context, client: Kubernetes | None = None) -> Facts:
    """The facts for an administrator with a client certificate, unless another client is given."""
    kubernetes = client or connect({"kubeconfig": sandbox.cluster()["kubeconfig"]}, None, context)
    return Facts(kubernetes, aws, context, DEFAULT_CLUSTER)


def test_a_session_of_a_role_is_known_by_its_role(sandbox: RunningSandbox) -> None:
    real = connect({"kubeconfig": sandbox.cluster()["kubeconfig"]}, None, Context()).connection

    class Session(Connection):
        """Somebody whom the API server knows as the authenticator would tell it."""

        def headers(self, renew: bool = False) -> list[tuple[str, str]]:
            session = f"arn:aws:sts::{ACCOUNT}:assumed-role/platform/me"
            return [
                ("Impersonate-User", "platform:me"),
                ("Impersonate-Extra-arn", session),
                ("Impersonate-Extra-canonicalArn", arn("platform")),
            ]

    context = Context(check_mode=True)
    client = Kubernetes(Session(**{name: getattr(real, name) for name in real.__dataclass_fields__}), context)
    assert facts(sandbox, None, context, client).caller == arn("platform")


def test_a_client_certificate_is_nobody_to_aws(sandbox: RunningSandbox) -> None:
    context = Context(check_mode=True)
    assert facts(sandbox, None, context).caller == ""
    assert context.warnings == []


@pytest.mark.parametrize("status", [403, 404])
def test_where_the_cluster_does_not_tell_who_calls_aws_does(
    aws: AwsServer, sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    def refuse(*_arguments: Any, **_more: Any) -> dict[str, Any]:
        raise KubernetesError("The API refused it.", status, "", "", "POST")

    monkeypatch.setattr(Kubernetes, "review", refuse)
    context = Context()
    expected = aws.client("sts").get_caller_identity()["Arn"]
    assert facts(sandbox, Aws({}, context), context).caller == expected
    assert context.actions == ["sts:GetCallerIdentity"]
    if status == 404:
        assert facts(sandbox, None, context).caller == ""
        assert "older than Kubernetes 1.28" in context.warnings[0]
    else:
        with pytest.raises(EksError, match=r"own access away cannot be told: The API refused it\. Or set force: true"):
            _ = facts(sandbox, None, context).caller
    aws.fault("GetCallerIdentity", "deny", times=None)
    with pytest.raises(EksError, match=r"cannot be told: .*GetCallerIdentity failed: AccessDenied.*force: true"):
        _ = facts(sandbox, Aws({}, context), context).caller
