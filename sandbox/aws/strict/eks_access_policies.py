# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Access policies of EKS, and which of them an access entry has with which scope.

https://docs.aws.amazon.com/eks/latest/userguide/access-policies.html,
https://docs.aws.amazon.com/eks/latest/userguide/access-policy-permissions.html (the names, and which are for roles of
AWS alone), https://docs.aws.amazon.com/eks/latest/APIReference/API_AssociateAccessPolicy.html
"""

from __future__ import annotations

from typing import Any

from sandbox.aws import access
from sandbox.aws.answers import Refusal
from sandbox.aws.hooks import operation
from sandbox.aws.pages import cut
from sandbox.aws.request import AwsRequest
from sandbox.aws.state import State
from sandbox.aws.strict.eks_access_entries import entry_of
from sandbox.aws.strict.eks_access_rules import check_linked, invalid

# For anybody's roles and users.
POLICIES = (
    "AmazonAIOpsAssistantPolicy",
    "AmazonARCRegionSwitchScalingPolicy",
    "AmazonEKSACKPolicy",
    "AmazonEKSAdminPolicy",
    "AmazonEKSAdminViewPolicy",
    "AmazonEKSArgoCDClusterPolicy",
    "AmazonEKSArgoCDPolicy",
    "AmazonEKSAutoNodePolicy",
    "AmazonEKSClusterAdminPolicy",
    "AmazonEKSEditPolicy",
    "AmazonEKSKROPolicy",
    "AmazonEKSLoadBalancingClusterPolicy",
    "AmazonEKSLoadBalancingPolicy",
    "AmazonEKSNetworkingClusterPolicy",
    "AmazonEKSNetworkingPolicy",
    "AmazonEKSSecretAdminPolicy",
    "AmazonEKSSecretReaderPolicy",
    "AmazonEKSViewPolicy",
    "AWSBackupFullAccessPolicyForBackup",
    "AWSBackupFullAccessPolicyForRestore",
)
# For service-linked roles alone.
LINKED_POLICIES = (
    "AmazonEKSBlockStorageClusterPolicy",
    "AmazonEKSBlockStoragePolicy",
    "AmazonEKSClusterInsightsPolicy",
    "AmazonEKSComputeClusterPolicy",
    "AmazonEKSComputePolicy",
    "AmazonEKSEventPolicy",
    "AmazonEKSHybridPolicy",
    "AmazonEKSPodIdentityPolicy",
)
# Custom node classes of EKS Auto Mode: https://docs.aws.amazon.com/eks/latest/userguide/create-node-class.html
WITH_POLICIES = (access.STANDARD, "EC2")


def _policy(request: AwsRequest) -> str:
    """Return the ARN of the policy that a request names; refuse one that there is not."""
    arn = str(request.parameters["policyArn"])
    if arn not in {access.policy_arn(request.caller.partition, name) for name in (*POLICIES, *LINKED_POLICIES)}:
        raise Refusal("ResourceNotFoundException", "The specified policyArn could not be found.", 404)
    return arn


def _scope(request: AwsRequest) -> dict[str, Any]:
    asked = request.parameters["accessScope"]
    namespaces = list(asked.get("namespaces") or [])
    if asked.get("type") not in ("cluster", "namespace"):
        raise invalid("The specified accessScope type is invalid: it must be one of [cluster, namespace]")
    if asked["type"] == "cluster" and namespaces:
        raise invalid("accessScope should not include namespaces if the type is not set as namespace")
    if asked["type"] == "namespace" and not namespaces:
        raise invalid("At least 1 namespace must be provided if the type is set as namespace")
    return {"type": asked["type"], "namespaces": namespaces}


@operation("eks", "AssociateAccessPolicy")
def associate(request: AwsRequest, state: State) -> dict[str, Any]:
    """Give an entry an access policy; one that it has gets the new scope."""
    check_linked(str(request.parameters["principalArn"]))
    scope = _scope(request)
    entry = entry_of(request, state)
    arn = _policy(request)
    if entry["type"] not in WITH_POLICIES:
        raise Refusal(
            "InvalidRequestException",
            f'This operation can only be performed on Access Entries with a type of "{access.STANDARD}"',
        )
    if arn.rpartition("/")[2] in LINKED_POLICIES:
        raise invalid("The specified policyArn is invalid: it is for service-linked roles alone.")
    association = access.associate(entry, arn, scope)
    return {
        "clusterName": entry["clusterName"],
        "principalArn": entry["principalArn"],
        "associatedAccessPolicy": {"policyArn": arn, **association},
    }


@operation("eks", "DisassociateAccessPolicy")
def disassociate(request: AwsRequest, state: State) -> dict[str, Any]:
    """Take an access policy from an entry."""
    check_linked(str(request.parameters["principalArn"]))
    entry = entry_of(request, state)
    if entry["policies"].pop(str(request.parameters["policyArn"]), None) is None:
        raise Refusal("ResourceNotFoundException", "The specified policyArn could not be found.", 404)
    return {}


@operation("eks", "ListAssociatedAccessPolicies")
def list_associated(request: AwsRequest, state: State) -> dict[str, Any]:
    """List the access policies of an entry."""
    entry = entry_of(request, state)
    items = [{"policyArn": arn, **association} for arn, association in sorted(entry["policies"].items())]
    page, token = cut(request, state, items)
    return {
        "clusterName": entry["clusterName"],
        "principalArn": entry["principalArn"],
        "associatedAccessPolicies": page,
        "nextToken": token,
    }


@operation("eks", "ListAccessPolicies")
def list_policies(request: AwsRequest, state: State) -> dict[str, Any]:
    """List the access policies that there are."""
    names = sorted((*POLICIES, *LINKED_POLICIES))
    items = [{"name": name, "arn": access.policy_arn(request.caller.partition, name)} for name in names]
    page, token = cut(request, state, items)
    return {"accessPolicies": page, "nextToken": token}
