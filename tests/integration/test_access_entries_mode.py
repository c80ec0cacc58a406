# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The authentication mode by access_entries: forward only, on request only, and with everybody on board."""

from __future__ import annotations

import pytest
from ansible_collections.ekspress.eks.plugins.module_utils import _access_entries_mode
from ansible_collections.ekspress.eks.plugins.module_utils._access_entries import LOGIC
from ansible_collections.ekspress.eks.plugins.module_utils._aws_auth_model import Entry
from ansible_collections.ekspress.eks.tests.integration.access_entries import (
    ADMIN,
    CREATOR,
    OWN,
    converge,
    done,
    entry,
    every,
    make_role,
    mode_of,
    policy,
    refused,
    role_arn,
)
from ansible_collections.ekspress.eks.tests.integration.eks_clusters import counted, make_cluster, written
from ansible_collections.ekspress.eks.tests.support import run_logic

from sandbox.aws.client import AwsServer

NODE = role_arn("node")
BOTH, API = "API_AND_CONFIG_MAP", "API"


@pytest.fixture
def mapped(monkeypatch: pytest.MonkeyPatch) -> list[Entry]:
    """What aws-auth maps; no Kubernetes API is asked for it."""
    found: list[Entry] = []
    monkeypatch.setattr(_access_entries_mode, "mapped", lambda *_arguments: found)
    return found


@pytest.fixture(autouse=True)
def cluster(aws: AwsServer, mapped: list[Entry], monkeypatch: pytest.MonkeyPatch) -> None:
    """A cluster of the mode CONFIG_MAP with a node group, and the roles a and b."""
    monkeypatch.setattr(_access_entries_mode, "FIRST_PAUSE", 0.05)
    for name in ("a", "b", "node", "karpenter"):
        make_role(aws, name)
    make_cluster(aws)
    subnet = aws.client("ec2").describe_subnets()["Subnets"][0]["SubnetId"]
    aws.client("eks").create_nodegroup(clusterName="blue", nodegroupName="g", nodeRole=NODE, subnets=[subnet])
    aws.clear_calls()


def test_the_mode_and_entries_in_one_task(aws: AwsServer) -> None:
    wanted = entry("a", groups=["g"])
    checked = converge(wanted, authentication_mode=BOTH, check=True)
    assert written(aws) == []
    shown = done(wanted, authentication_mode=BOTH)
    assert shown == checked
    assert shown["changes"] == [
        "authentication mode: CONFIG_MAP to API_AND_CONFIG_MAP (cannot be undone)",
        f"{role_arn('a')}: create (STANDARD)",
    ]
    assert shown["diff"]["before"]["authentication_mode"] == "CONFIG_MAP"
    assert (shown["authentication_mode"], mode_of(aws)) == (BOTH, BOTH)
    assert set(every(aws)) == {CREATOR, OWN, NODE, role_arn("a")}
    aws.clear_calls()
    assert not done(wanted, authentication_mode=BOTH)["changed"]
    assert written(aws) == []


def test_the_mode_alone(aws: AwsServer) -> None:
    assert done(entries=None, authentication_mode=BOTH)["changed"]
    aws.clear_calls()
    assert not done(entries=None, authentication_mode=BOTH)["changed"]
    assert counted(aws) == {"eks:DescribeCluster": 1, "eks:ListAccessEntries": 1}


def test_an_entry_that_eks_makes_with_the_mode_is_not_made_twice(aws: AwsServer) -> None:
    wanted = entry(NODE, type="EC2_LINUX")
    assert converge(wanted, authentication_mode=BOTH, check=True)["entries"][0]["state"] == "unchanged"
    assert done(wanted, authentication_mode=BOTH)["entries"][0]["state"] == "unchanged"


def test_an_entry_that_eks_does_not_make_with_the_mode(aws: AwsServer) -> None:
    aws.settings(node_entries_on_mode_change=False)
    assert done(entry(NODE, type="EC2_LINUX"), authentication_mode=BOTH)["entries"][0]["state"] == "created"


def test_never_back(aws: AwsServer) -> None:
    done(entries=None, authentication_mode=BOTH)
    done(entry("a", policies=[policy(ADMIN)]), authentication_mode=API)
    assert mode_of(aws) == API
    message = refused(entry("b"), authentication_mode=BOTH)
    assert "AWS lets no cluster go back" in message


def test_api_from_config_map_goes_both_steps(aws: AwsServer, mapped: list[Entry]) -> None:
    mapped.append(Entry(role_arn("a"), "a", ("system:masters",)))
    wanted = [entry("a", policies=[policy(ADMIN)]), entry(CREATOR)]
    checked = converge(*wanted, authentication_mode=API, check=True)
    shown = done(*wanted, authentication_mode=API)
    assert [text for text in shown["changes"] if text.startswith("authentication mode")] == [
        "authentication mode: CONFIG_MAP to API_AND_CONFIG_MAP (cannot be undone)",
        "authentication mode: API_AND_CONFIG_MAP to API, aws-auth is no longer read (cannot be undone)",
    ]
    assert (shown["authentication_mode"], mode_of(aws), checked["authentication_mode"]) == (API, API, API)
    assert [written(aws)[0], written(aws)[-1]] == ["eks:UpdateClusterConfig", "eks:UpdateClusterConfig"]


def test_api_with_somebody_left_behind(aws: AwsServer, mapped: list[Entry]) -> None:
    done(entries=None, authentication_mode=BOTH)
    aws.client("eks").delete_access_entry(clusterName="blue", principalArn=NODE)
    aws.client("eks").delete_access_entry(clusterName="blue", principalArn=CREATOR)
    mapped += [
        Entry(role_arn("karpenter"), "system:node:{{EC2PrivateDNSName}}", ("system:nodes",)),
        Entry(role_arn("B"), "b"),
        Entry("arn:aws:iam::444455556666:role/theirs", "c"),
        Entry("111122223333"),
    ]
    aws.clear_calls()
    message = refused(entry("a"), authentication_mode=API)
    assert written(aws) == []
    for part in (
        f"{NODE}: a managed node group",
        f"{role_arn('karpenter')}: aws-auth lets nodes in",
        f"{role_arn('B')}: aws-auth lets it in",
        "arn:aws:iam::444455556666:role/theirs: aws-auth lets it in",
        "111122223333: aws-auth lets it in",
        f"{CREATOR}: it is whom this task runs as",
        f"No access entry has {ADMIN}",
    ):
        assert part in message
    assert done(entry("a"), authentication_mode=API, force=True)["authentication_mode"] == API


def test_api_with_everybody_on_board(aws: AwsServer, mapped: list[Entry]) -> None:
    done(entries=None, authentication_mode=BOTH)
    deep = make_role(aws, "deep", "/teams/")
    # By the mapping of a role that is gone nobody gets in.
    mapped += [Entry(role_arn("DEEP"), "x"), Entry(role_arn("gone"), "x")]
    assert done(entry(deep), authentication_mode=API)["authentication_mode"] == API


def test_api_with_entries_that_do_not_count(aws: AwsServer, mapped: list[Entry]) -> None:
    """Those of principals that were made anew, the caller's own too, and a STANDARD one for nodes."""
    done(entries=None, authentication_mode=BOTH)
    operators = make_role(aws, "operators")
    done(entry("a"), entry("b", policies=[policy(ADMIN)]), entry("karpenter"), entry(operators))
    for name in ("a", "operators", "node"):
        aws.client("iam").delete_role(RoleName=name)
        make_role(aws, name)
    mapped += [
        Entry(role_arn("a"), "a"),
        Entry(role_arn("karpenter"), "system:node:{{EC2PrivateDNSName}}", ("system:nodes",)),
    ]
    session = aws.client("sts").assume_role(RoleArn=operators, RoleSessionName="ann")["Credentials"]
    keys = {
        "access_key": session["AccessKeyId"],
        "secret_key": session["SecretAccessKey"],
        "session_token": session["SessionToken"],
    }
    for entries in (None, [entry("b")]):
        options = {"cluster": "blue", "entries": entries, "authentication_mode": API, **keys}
        result = run_logic(LOGIC, options)
        assert result["failed"]
        for part in (
            f"{NODE}: a managed node group or Fargate profile of the cluster runs with this role",
            f"{role_arn('a')}: aws-auth lets it in, and its entry is dead",
            f"{role_arn('karpenter')}: aws-auth lets nodes in by this role",
            "its access entry has the type STANDARD, which lets no nodes in",
            "role/operators/ann: it is whom this task runs as, and its entry is dead",
        ):
            assert part in result["msg"].replace("assumed-role", "role")
        assert len(result["reasons"]) == 4
    assert mode_of(aws) == BOTH
    anew = [entry(name, username=None, groups=[], recreate=True) for name in ("a", "operators")]
    nodes = [entry(name, type="EC2_LINUX", recreate=True) for name in ("node", "karpenter")]
    done(*anew, *nodes, force=True)
    assert not run_logic(LOGIC, {"cluster": "blue", "authentication_mode": API, **keys}).get("failed")


def test_api_is_asked_again_after_the_entries_are_written(aws: AwsServer, mapped: list[Entry]) -> None:
    done(entries=None, authentication_mode=BOTH)
    aws.fault("CreateAccessEntry", "error", code="ResourceLimitExceededException", message="too many", times=None)
    result = converge(entry("a"), authentication_mode=API)
    assert result["failed"]
    assert "ResourceLimitExceededException" in result["msg"]
    assert mode_of(aws) == BOTH


def test_it_waits_for_eks(aws: AwsServer) -> None:
    aws.settings(cluster_update_seconds=0.3)
    shown = done(entry("a"), authentication_mode=BOTH)
    assert shown["authentication_mode"] == BOTH
    assert counted(aws)["eks:DescribeUpdate"] >= 2


def test_it_waits_for_an_update_of_another(aws: AwsServer) -> None:
    aws.settings(cluster_update_seconds=0.3)
    aws.client("eks").update_cluster_config(name="blue", accessConfig={"authenticationMode": BOTH})
    shown = done(entry("a"), authentication_mode=BOTH)
    assert shown["changes"] == [f"{role_arn('a')}: create (STANDARD)"]


def test_an_update_that_fails(aws: AwsServer) -> None:
    aws.settings(cluster_update_error="no luck")
    result = converge(entry("a"), authentication_mode=BOTH)
    assert result["failed"]
    assert "no luck" in result["msg"]
    assert "aws eks describe-update --name blue --update-id" in result["msg"]
    assert mode_of(aws) == "CONFIG_MAP"


def test_a_lost_answer(aws: AwsServer) -> None:
    aws.fault("UpdateClusterConfig", "drop_connection", times=1)
    assert done(entry("a"), authentication_mode=BOTH)["authentication_mode"] == BOTH
    assert mode_of(aws) == BOTH


def test_what_eks_made_with_the_mode_is_guarded_too(aws: AwsServer) -> None:
    result = converge(entry(CREATOR, policies=[]), authentication_mode=BOTH)
    assert result["failed"]
    assert "The authentication mode is API_AND_CONFIG_MAP now, which cannot be undone" in result["msg"]
    assert (result["changed"], result["authentication_mode"]) == (True, BOTH)


def test_without_the_right_to_list_roles_all_count(aws: AwsServer, mapped: list[Entry]) -> None:
    done(entries=None, authentication_mode=BOTH)
    mapped.append(Entry(role_arn("gone"), "x"))
    aws.fault("ListRoles", "deny", times=None)
    assert f"{role_arn('gone')}: aws-auth lets it in" in refused(entry("a"), authentication_mode=API)
