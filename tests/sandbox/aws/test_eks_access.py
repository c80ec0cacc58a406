# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Access entries, access policies and the authentication mode of a cluster."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.aws.client import AwsServer
from tests.sandbox.aws.policies import ACCOUNT, EC2_TRUST, Refused

CLUSTER = "sandbox-blue"
VIEW = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy"
ADMIN = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy"
CREATOR = f"arn:aws:iam::{ACCOUNT}:user/moto"
OWN = f"arn:aws:iam::{ACCOUNT}:role/aws-service-role/eks.amazonaws.com/AWSServiceRoleForAmazonEKS"
NODE = f"arn:aws:iam::{ACCOUNT}:role/{CLUSTER}-node"
FARGATE = f"arn:aws:iam::{ACCOUNT}:role/{CLUSTER}-fargate"


@pytest.fixture
def eks(aws: AwsServer) -> Any:
    """A client of EKS, of an account with one cluster; the server must hold whatever a client lets pass."""
    aws.fixtures(clusters=[CLUSTER])
    return aws.client("eks", validate=False)


@pytest.fixture
def role(aws: AwsServer, eks: Any) -> str:
    """A role with a path."""
    made = aws.client("iam").create_role(Path="/people/", RoleName="developers", AssumeRolePolicyDocument=EC2_TRUST)
    arn: str = made["Role"]["Arn"]
    return arn


def _describe(eks: Any, arn: str) -> dict[str, Any]:
    entry: dict[str, Any] = eks.describe_access_entry(clusterName=CLUSTER, principalArn=arn)["accessEntry"]
    return entry


def _list(eks: Any, **arguments: Any) -> list[str]:
    pages = eks.get_paginator("list_access_entries").paginate(clusterName=CLUSTER, **arguments)
    return [arn for page in pages for arn in page["accessEntries"]]


def _associated(eks: Any, arn: str) -> dict[str, Any]:
    pages = eks.get_paginator("list_associated_access_policies").paginate(clusterName=CLUSTER, principalArn=arn)
    return {item["policyArn"]: item["accessScope"] for page in pages for item in page["associatedAccessPolicies"]}


def _mode(eks: Any) -> str:
    mode: str = eks.describe_cluster(name=CLUSTER)["cluster"]["accessConfig"]["authenticationMode"]
    return mode


def _to(mode: str) -> dict[str, Any]:
    return {"name": CLUSTER, "accessConfig": {"authenticationMode": mode}}


def test_entries_of_eks_itself(eks: Any) -> None:
    assert _list(eks) == sorted([CREATOR, OWN, NODE, FARGATE])
    assert _associated(eks, CREATOR) == {ADMIN: {"type": "cluster", "namespaces": []}}
    assert _describe(eks, CREATOR)["username"] == CREATOR
    assert _describe(eks, NODE) == _describe(eks, NODE) | {
        "type": "EC2_LINUX",
        "username": "system:node:{{EC2PrivateDNSName}}",
        "kubernetesGroups": ["system:nodes"],
        "tags": {},
    }
    assert _describe(eks, FARGATE)["username"] == "system:node:{{SessionName}}"
    assert _describe(eks, OWN)["username"] == "eks:managed"


def test_create_and_describe(eks: Any, role: str) -> None:
    made = eks.create_access_entry(clusterName=CLUSTER, principalArn=role, tags={"team": "a"})["accessEntry"]
    assert made == _describe(eks, role)
    assert made["username"] == f"arn:aws:sts::{ACCOUNT}:assumed-role/developers/{{{{SessionName}}}}"
    assert (made["type"], made["kubernetesGroups"], made["tags"]) == ("STANDARD", [], {"team": "a"})
    assert not {"principalId", "policies"} & set(made)
    assert made["accessEntryArn"].startswith(
        f"arn:aws:eks:eu-central-1:{ACCOUNT}:access-entry/{CLUSTER}/role/{ACCOUNT}/people/developers/"
    )


def test_refused_principals(eks: Any, role: str, refused: Refused) -> None:
    call = {"clusterName": CLUSTER}
    for arn in (
        role.replace("people/", ""),
        role.replace("people", "People"),
        f"arn:aws:iam::{ACCOUNT}:role/nobody",
        f"arn:aws:iam::{ACCOUNT}:root",
        f"arn:aws:iam::{ACCOUNT}:role/*",
        f"arn:aws:sts::{ACCOUNT}:assumed-role/developers/me",
        f"arn:aws-cn:iam::{ACCOUNT}:role/people/developers",
        "developers",
    ):
        error = refused("InvalidParameterException", eks.create_access_entry, principalArn=arn, **call)
        assert "invalid principal" in str(error)
    error = refused("InvalidParameterException", eks.create_access_entry, principalArn=OWN, **call)
    assert "Service Linked Role" in str(error)
    eks.create_access_entry(principalArn=role, **call)
    error = refused("ResourceInUseException", eks.create_access_entry, principalArn=role, **call)
    assert error.response["ResponseMetadata"]["HTTPStatusCode"] == 409


def test_principals_of_another_account(aws: AwsServer, eks: Any, refused: Refused) -> None:
    other = aws.fixtures(clusters=[CLUSTER])["remote"]["role_arn"]
    error = refused(
        "InvalidParameterException", eks.create_access_entry, clusterName=CLUSTER, principalArn=other, type="EC2_LINUX"
    )
    assert "same account" in str(error)
    eks.create_access_entry(clusterName=CLUSTER, principalArn=other)
    assert _describe(eks, other)["username"].startswith("arn:aws:sts::210987654321:assumed-role/")


@pytest.mark.parametrize("prefix", ["system:", "eks:", "aws:", "amazon:", "iam:"])
def test_refused_names(eks: Any, role: str, refused: Refused, prefix: str) -> None:
    call = {"clusterName": CLUSTER, "principalArn": role}
    refused("InvalidParameterException", eks.create_access_entry, username=f"{prefix}x", **call)
    refused("InvalidParameterException", eks.create_access_entry, kubernetesGroups=["a", f"{prefix}x"], **call)
    eks.create_access_entry(**call)
    refused("InvalidParameterException", eks.update_access_entry, username=f"{prefix}x", **call)
    refused("InvalidParameterException", eks.update_access_entry, kubernetesGroups=[f"{prefix}x"], **call)


def test_session_names_need_a_colon_before_them(eks: Any, role: str, refused: Refused) -> None:
    call = {"clusterName": CLUSTER, "principalArn": role}
    for name in ("john{{SessionName}}", "{{SessionNameRaw}}:john"):
        refused("InvalidParameterException", eks.create_access_entry, username=name, **call)
    eks.create_access_entry(username="jo:hn{{SessionName}}", **call)


def test_node_entries(eks: Any, aws: AwsServer, role: str, refused: Refused) -> None:
    call = {"clusterName": CLUSTER, "principalArn": role, "type": "EC2_LINUX"}
    refused("InvalidParameterException", eks.create_access_entry, username="x", **call)
    refused("InvalidParameterException", eks.create_access_entry, kubernetesGroups=["x"], **call)
    refused("InvalidParameterException", eks.create_access_entry, **call | {"type": "LINUX"})
    user = aws.client("iam").create_user(UserName="ann")["User"]["Arn"]
    refused("InvalidParameterException", eks.create_access_entry, **call | {"principalArn": user})
    eks.create_access_entry(**call)
    refused("InvalidParameterException", eks.update_access_entry, clusterName=CLUSTER, principalArn=role, username="x")
    scope = {"type": "cluster"}
    error = refused(
        "InvalidRequestException",
        eks.associate_access_policy,
        clusterName=CLUSTER,
        principalArn=role,
        policyArn=VIEW,
        accessScope=scope,
    )
    assert "STANDARD" in str(error)


def test_update_leaves_what_is_left_out(eks: Any, role: str, refused: Refused) -> None:
    call = {"clusterName": CLUSTER, "principalArn": role}
    refused("ResourceNotFoundException", eks.update_access_entry, username="x", **call)
    eks.create_access_entry(username="a:{{SessionName}}", kubernetesGroups=["one"], **call)
    eks.update_access_entry(kubernetesGroups=["two", "three"], **call)
    assert _describe(eks, role)["username"] == "a:{{SessionName}}"
    eks.update_access_entry(username="b", **call)
    assert _describe(eks, role)["kubernetesGroups"] == ["two", "three"]
    eks.update_access_entry(kubernetesGroups=[], **call)
    assert _describe(eks, role)["kubernetesGroups"] == []


def test_delete(eks: Any, role: str, refused: Refused) -> None:
    call = {"clusterName": CLUSTER, "principalArn": role}
    eks.create_access_entry(**call)
    eks.associate_access_policy(policyArn=VIEW, accessScope={"type": "cluster"}, **call)
    eks.delete_access_entry(**call)
    refused("ResourceNotFoundException", eks.delete_access_entry, **call)
    eks.create_access_entry(**call)
    assert _associated(eks, role) == {}


def test_policies(eks: Any, role: str, refused: Refused) -> None:
    call = {"clusterName": CLUSTER, "principalArn": role}
    everywhere = {"accessScope": {"type": "cluster"}}
    refused("ResourceNotFoundException", eks.associate_access_policy, policyArn=VIEW, **everywhere, **call)
    eks.create_access_entry(**call)
    for scope, arn, code in (
        ({"type": "cluster", "namespaces": ["a"]}, VIEW, "InvalidParameterException"),
        ({"type": "namespace"}, VIEW, "InvalidParameterException"),
        ({"type": "galaxy"}, VIEW, "InvalidParameterException"),
        ({"type": "cluster"}, VIEW.replace("View", "Wild"), "ResourceNotFoundException"),
        ({"type": "cluster"}, VIEW.replace("aws:eks", "aws-cn:eks"), "ResourceNotFoundException"),
        ({"type": "cluster"}, VIEW.replace("View", "Compute"), "InvalidParameterException"),
    ):
        refused(code, eks.associate_access_policy, policyArn=arn, accessScope=scope, **call)
    eks.associate_access_policy(policyArn=VIEW, **everywhere, **call)
    narrow = {"type": "namespace", "namespaces": ["dev-*", "b"]}
    eks.associate_access_policy(policyArn=VIEW, accessScope=narrow, **call)
    assert _associated(eks, role) == {VIEW: narrow}
    assert _list(eks, associatedPolicyArn=VIEW) == [role]
    assert _list(eks, associatedPolicyArn=ADMIN) == [CREATOR]
    refused("ResourceNotFoundException", eks.disassociate_access_policy, policyArn=ADMIN, **call)
    eks.disassociate_access_policy(policyArn=VIEW, **call)
    assert _associated(eks, role) == {}
    listed = eks.get_paginator("list_access_policies").paginate(PaginationConfig={"PageSize": 10})
    policies = {item["name"]: item["arn"] for page in listed for item in page["accessPolicies"]}
    assert policies["AmazonEKSViewPolicy"] == VIEW
    assert len(policies) > 10


def test_pages(aws: AwsServer, eks: Any, role: str, refused: Refused) -> None:
    aws.settings(page_size=1)
    eks.create_access_entry(clusterName=CLUSTER, principalArn=role)
    for arn in (VIEW, ADMIN):
        eks.associate_access_policy(
            clusterName=CLUSTER, principalArn=role, policyArn=arn, accessScope={"type": "cluster"}
        )
    assert len(eks.list_access_entries(clusterName=CLUSTER)["accessEntries"]) == 1
    assert _list(eks) == sorted([CREATOR, OWN, NODE, FARGATE, role])
    assert set(_associated(eks, role)) == {VIEW, ADMIN}
    for wrong in ({"maxResults": 101}, {"nextToken": "x"}):
        refused("InvalidParameterException", eks.list_access_entries, clusterName=CLUSTER, **wrong)


def test_tags(eks: Any, role: str, refused: Refused) -> None:
    entry = eks.create_access_entry(clusterName=CLUSTER, principalArn=role)["accessEntry"]["accessEntryArn"]
    eks.tag_resource(resourceArn=entry, tags={"a": "1", "b": "2"})
    eks.untag_resource(resourceArn=entry, tagKeys=["a"])
    assert _describe(eks, role)["tags"] == {"b": "2"} == eks.list_tags_for_resource(resourceArn=entry)["tags"]
    refused("InvalidParameterException", eks.tag_resource, resourceArn=entry, tags={"aws:x": "1"})
    refused("InvalidParameterException", eks.tag_resource, resourceArn=entry, tags={str(n): "" for n in range(50)})
    refused("NotFoundException", eks.tag_resource, resourceArn=f"{entry}0", tags={"a": "1"})
    cluster = eks.describe_cluster(name=CLUSTER)["cluster"]["arn"]
    eks.tag_resource(resourceArn=cluster, tags={"mine": "1"})
    assert eks.describe_cluster(name=CLUSTER)["cluster"]["tags"]["mine"] == "1"


def test_without_entries(aws: AwsServer, eks: Any, role: str, refused: Refused) -> None:
    aws.cluster(CLUSTER, access_config={"authenticationMode": "CONFIG_MAP"})
    call = {"clusterName": CLUSTER, "principalArn": role}
    for function, arguments in (
        (eks.create_access_entry, call),
        (eks.describe_access_entry, call),
        (eks.delete_access_entry, call),
        (eks.list_associated_access_policies, call),
        (eks.list_access_entries, {"clusterName": CLUSTER}),
    ):
        assert "authentication mode" in str(refused("InvalidRequestException", function, **arguments))
    refused("ResourceNotFoundException", eks.list_access_entries, clusterName="none")


def test_the_mode_goes_forward_only(aws: AwsServer, eks: Any, refused: Refused) -> None:
    aws.cluster(CLUSTER, access_config={"authenticationMode": "CONFIG_MAP"})
    for wrong in ("API", "CONFIG_MAP", "ANY"):
        refused("InvalidParameterException", eks.update_cluster_config, **_to(wrong))
    begun = eks.update_cluster_config(**_to("API_AND_CONFIG_MAP"))["update"]
    assert (begun["status"], begun["type"]) == ("InProgress", "AccessConfigUpdate")
    ended = eks.describe_update(name=CLUSTER, updateId=begun["id"])["update"]
    assert (ended["status"], _mode(eks)) == ("Successful", "API_AND_CONFIG_MAP")
    for wrong in ("API_AND_CONFIG_MAP", "CONFIG_MAP"):
        refused("InvalidParameterException", eks.update_cluster_config, **_to(wrong))
    refused("InvalidParameterException", eks.update_cluster_config, **_to("API"), logging={})
    eks.update_cluster_config(**_to("API"))
    refused("InvalidParameterException", eks.update_cluster_config, **_to("API_AND_CONFIG_MAP"))
    assert _mode(eks) == "API"
    refused("ResourceNotFoundException", eks.describe_update, name=CLUSTER, updateId="none")


def test_an_update_takes_its_time(aws: AwsServer, eks: Any, refused: Refused) -> None:
    aws.settings(cluster_update_seconds=3600)
    begun = eks.update_cluster_config(**_to("API"))["update"]
    assert eks.describe_cluster(name=CLUSTER)["cluster"]["status"] == "UPDATING"
    assert eks.describe_update(name=CLUSTER, updateId=begun["id"])["update"]["status"] == "InProgress"
    assert _mode(eks) == "API_AND_CONFIG_MAP"
    refused("ResourceInUseException", eks.update_cluster_config, **_to("API"))


def test_an_update_that_fails(aws: AwsServer, eks: Any) -> None:
    aws.settings(cluster_update_error="no luck")
    begun = eks.update_cluster_config(**_to("API"))["update"]
    ended = eks.describe_update(name=CLUSTER, updateId=begun["id"])["update"]
    assert (ended["status"], ended["errors"][0]["errorMessage"]) == ("Failed", "no luck")
    assert (_mode(eks), eks.describe_cluster(name=CLUSTER)["cluster"]["status"]) == ("API_AND_CONFIG_MAP", "ACTIVE")


@pytest.mark.parametrize("nodes", [True, False])
def test_entries_that_come_with_the_mode(aws: AwsServer, nodes: bool) -> None:
    fixtures = aws.fixtures(clusters=[CLUSTER])
    aws.settings(node_entries_on_mode_change=nodes)
    eks, subnets = aws.client("eks"), fixtures["subnets"]
    call = {"clusterName": "old"}
    eks.create_cluster(
        name="old",
        roleArn=fixtures["clusters"][CLUSTER]["role_arn"],
        resourcesVpcConfig={"subnetIds": [subnets["private-a"], subnets["private-b"]]},
    )
    eks.create_nodegroup(
        nodegroupName="linux", nodeRole=NODE, subnets=[subnets["private-a"]], amiType="WINDOWS_CORE_2022_x86_64", **call
    )
    eks.update_cluster_config(name="old", accessConfig={"authenticationMode": "API_AND_CONFIG_MAP"})
    assert set(eks.list_access_entries(**call)["accessEntries"]) == {CREATOR, OWN} | ({NODE} if nodes else set())
    if nodes:
        described = eks.describe_access_entry(principalArn=NODE, **call)["accessEntry"]
        assert described["type"] == "EC2_WINDOWS"
        eks.delete_nodegroup(nodegroupName="linux", **call)
        assert NODE not in eks.list_access_entries(**call)["accessEntries"]


def test_a_deleted_creator_entry_stays_deleted(eks: Any) -> None:
    eks.delete_access_entry(clusterName=CLUSTER, principalArn=CREATOR)
    eks.update_cluster_config(**_to("API"))
    assert CREATOR not in _list(eks)


def test_without_bootstrap(aws: AwsServer, eks: Any, refused: Refused) -> None:
    fixtures = aws.fixtures(clusters=[CLUSTER])
    call = {
        "name": "bare",
        "roleArn": fixtures["clusters"][CLUSTER]["role_arn"],
        "resourcesVpcConfig": {"subnetIds": [fixtures["subnets"][f"private-{zone}"] for zone in "ab"]},
    }
    bare = {"bootstrapClusterCreatorAdminPermissions": False}
    refused("InvalidParameterException", eks.create_cluster, **call, accessConfig=bare)
    eks.create_cluster(**call, accessConfig={**bare, "authenticationMode": "API"})
    assert eks.list_access_entries(clusterName="bare")["accessEntries"] == [OWN]


def test_quota_of_entries(aws: AwsServer, eks: Any, role: str, refused: Refused) -> None:
    aws.settings(access_entries_per_cluster=len(_list(eks)))
    refused("ResourceLimitExceededException", eks.create_access_entry, clusterName=CLUSTER, principalArn=role)


def test_another_administrator(aws: AwsServer, eks: Any, role: str) -> None:
    session = f"arn:aws:sts::{ACCOUNT}:assumed-role/developers/me"
    aws.cluster(CLUSTER, creator=session)
    assert CREATOR not in _list(eks)
    assert set(_associated(eks, role)) == {ADMIN}


def test_the_first_user_exists(aws: AwsServer, eks: Any) -> None:
    shown = aws.client("iam").get_user(UserName="moto")["User"]
    identity = aws.client("sts").get_caller_identity()
    assert (shown["Arn"], shown["UserId"]) == (CREATOR, identity["UserId"])
    eks.delete_access_entry(clusterName=CLUSTER, principalArn=CREATOR)
    eks.create_access_entry(clusterName=CLUSTER, principalArn=CREATOR)
