# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Access entries for tests: as they are asked for, as others have them, and as EKS has them."""

from __future__ import annotations

import json
from typing import Any

from ansible_collections.ekspress.eks.plugins.module_utils._access_entries import LOGIC
from ansible_collections.ekspress.eks.tests.integration.eks_clusters import ACCOUNT
from ansible_collections.ekspress.eks.tests.support import run_logic

from sandbox.aws.client import AwsServer

CLUSTER = "blue"
CREATOR = f"arn:aws:iam::{ACCOUNT}:user/moto"
OWN = f"arn:aws:iam::{ACCOUNT}:role/aws-service-role/eks.amazonaws.com/AWSServiceRoleForAmazonEKS"
ADMIN = "AmazonEKSClusterAdminPolicy"
VIEW = "AmazonEKSViewPolicy"
OWNER = "ekspress.eks/owner"
SESSION = "{{SessionName}}"
TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "sts:AssumeRole"}],
    }
)


def role_arn(name: str, path: str = "/", account: str = ACCOUNT) -> str:
    """The ARN of a role."""
    return f"arn:aws:iam::{account}:role{path}{name}"


def make_role(aws: AwsServer, name: str, path: str = "/") -> str:
    """Make a role; its ARN."""
    made: str = aws.client("iam").create_role(RoleName=name, Path=path, AssumeRolePolicyDocument=TRUST)["Role"]["Arn"]
    return made


def entry(name: str, **more: Any) -> dict[str, Any]:
    """An entry as a task asks for it."""
    return {"principal": name if name.startswith("arn:") else role_arn(name), **more}


def policy(name: str, *namespaces: str) -> dict[str, Any]:
    """An access policy as a task asks for it."""
    return {"policy": name, **({"namespaces": list(namespaces)} if namespaces else {})}


def converge(*entries: dict[str, Any], check: bool = False, **params: Any) -> dict[str, Any]:
    """Run the module."""
    return run_logic(LOGIC, {"cluster": CLUSTER, "entries": list(entries), **params}, check=check, diff=True)


def done(*entries: dict[str, Any], **params: Any) -> dict[str, Any]:
    """Run the module, which must not fail."""
    result = converge(*entries, **params)
    assert not result.get("failed"), result["msg"]
    return result


def refused(*entries: dict[str, Any], **params: Any) -> str:
    """Run the module, which must fail, and change nothing; its message."""
    result = converge(*entries, **params)
    assert result.get("failed"), result
    assert not result["changed"]
    return str(result["msg"])


def every(aws: AwsServer, cluster: str = CLUSTER) -> dict[str, dict[str, Any]]:
    """All entries of the cluster by principal, with their policies; without times and ids."""
    eks = aws.client("eks")
    found = {}
    for arn in eks.list_access_entries(clusterName=cluster)["accessEntries"]:
        call = {"clusterName": cluster, "principalArn": arn}
        shown = eks.describe_access_entry(**call)["accessEntry"]
        policies = eks.list_associated_access_policies(**call)["associatedAccessPolicies"]
        found[arn] = {
            "type": shown["type"],
            "username": shown["username"],
            "groups": sorted(shown["kubernetesGroups"]),
            "tags": shown["tags"],
            "policies": {
                item["policyArn"].rpartition("/")[2]: sorted(item["accessScope"]["namespaces"]) for item in policies
            },
        }
    return found


def people(aws: AwsServer) -> dict[str, dict[str, Any]]:
    """The entries that EKS did not make by itself."""
    return {arn: shown for arn, shown in every(aws).items() if arn not in (CREATOR, OWN)}


def mode(aws: AwsServer, name: str) -> None:
    """Give the cluster an authentication mode."""
    aws.cluster(CLUSTER, access_config={"authenticationMode": name})


def mode_of(aws: AwsServer) -> str:
    """The cluster's authentication mode."""
    shown: str = aws.client("eks").describe_cluster(name=CLUSTER)["cluster"]["accessConfig"]["authenticationMode"]
    return shown
