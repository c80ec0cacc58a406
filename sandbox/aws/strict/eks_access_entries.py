# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The API of access entries, which moto lacks.

https://docs.aws.amazon.com/eks/latest/APIReference/API_CreateAccessEntry.html, API_DescribeAccessEntry.html,
API_ListAccessEntries.html, API_UpdateAccessEntry.html, API_DeleteAccessEntry.html, API_TagResource.html
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sandbox.aws import access
from sandbox.aws.answers import Answer, Refusal
from sandbox.aws.clusters import find
from sandbox.aws.hooks import correct, operation
from sandbox.aws.pages import cut
from sandbox.aws.request import AwsRequest
from sandbox.aws.state import ClusterKey, State
from sandbox.aws.strict import eks_access_rules as rules
from sandbox.aws.strict.eks_access_mode import advance
from sandbox.aws.strict.eks_cluster import refuse_unknown

HIDDEN = ("principalId", "policies")


def entries_of(request: AwsRequest, state: State) -> dict[str, dict[str, Any]]:
    """Return the entries of a request's cluster; refuse a cluster whose authentication mode has none."""
    refuse_unknown(request)
    key = (request.caller.account, request.region, str(request.parameters["clusterName"]))
    advance(state, key)
    if access.mode_of(key) not in access.API_MODES:
        modes = ", ".join(access.API_MODES)
        raise Refusal(
            "InvalidRequestException",
            f"The cluster's authentication mode must be set to one of [{modes}] to perform this operation.",
        )
    return state.access_entries.setdefault(key, {})


def entry_of(request: AwsRequest, state: State) -> dict[str, Any]:
    """Return the entry that a request names."""
    entry = entries_of(request, state).get(str(request.parameters["principalArn"]))
    if entry is None:
        raise Refusal(
            "ResourceNotFoundException",
            "The specified principalArn could not be found. You can view your available access entries with "
            "'list-access-entries'.",
            404,
        )
    return entry


def _shown(entry: dict[str, Any]) -> dict[str, Any]:
    return {"accessEntry": {name: value for name, value in entry.items() if name not in HIDDEN}}


@operation("eks", "CreateAccessEntry")
def create(request: AwsRequest, state: State) -> dict[str, Any]:
    """Make an entry, bound to the unique id that its principal has now."""
    parameters = request.parameters
    principal = rules.principal_of(request)
    kind = rules.type_of(request, principal)
    rules.check_names(parameters, kind)
    tags = parameters.get("tags") or {}
    rules.check_tags(tags, {})
    entries = entries_of(request, state)
    if principal.arn in entries:
        message = "The specified access entry resource is already in use on this cluster."
        raise Refusal("ResourceInUseException", message, 409)
    identifier = rules.identifier_of(principal)
    quota = state.settings.access_entries_per_cluster
    if len(entries) >= quota:
        raise Refusal("ResourceLimitExceededException", f"A cluster has at most {quota} access entries.")
    key: ClusterKey = (request.caller.account, request.region, str(parameters["clusterName"]))
    entries[principal.arn] = access.make(
        key,
        principal,
        identifier,
        kind=kind,
        username=parameters.get("username"),
        groups=parameters.get("kubernetesGroups"),
        tags=tags,
    )
    return _shown(entries[principal.arn])


@operation("eks", "DescribeAccessEntry")
def describe(request: AwsRequest, state: State) -> dict[str, Any]:
    """Show an entry, without the unique id of its principal."""
    return _shown(entry_of(request, state))


@operation("eks", "ListAccessEntries")
def list_entries(request: AwsRequest, state: State) -> dict[str, Any]:
    """List the principals of the entries, of those with an access policy where one is asked for."""
    policy = request.parameters.get("associatedPolicyArn")
    entries = entries_of(request, state)
    arns = sorted(arn for arn, entry in entries.items() if policy is None or policy in entry["policies"])
    page, token = cut(request, state, arns)
    return {"accessEntries": page, "nextToken": token}


@operation("eks", "UpdateAccessEntry")
def update(request: AwsRequest, state: State) -> dict[str, Any]:
    """Change an entry's username or groups; what is left out stays, no groups are no groups."""
    parameters = request.parameters
    rules.check_linked(str(parameters["principalArn"]))
    entry = entry_of(request, state)
    rules.check_names(parameters, entry["type"])
    if parameters.get("kubernetesGroups") is not None:
        entry["kubernetesGroups"] = list(parameters["kubernetesGroups"])
    if parameters.get("username"):
        entry["username"] = parameters["username"]
    entry["modifiedAt"] = datetime.now(UTC)
    return _shown(entry)


@operation("eks", "DeleteAccessEntry")
def delete(request: AwsRequest, state: State) -> dict[str, Any]:
    """Delete an entry with its associations."""
    rules.check_linked(str(request.parameters["principalArn"]))
    entry = entry_of(request, state)
    del entries_of(request, state)[entry["principalArn"]]
    return {}


def _tagged(request: AwsRequest, state: State) -> dict[str, Any] | None:
    """Return the entry that a request about tags names by its ARN; None for anything else."""
    arn = str(request.parameters["resourceArn"])
    if ":access-entry/" not in arn:
        return None
    everything = (entry for entries in state.access_entries.values() for entry in entries.values())
    entry = next((entry for entry in everything if entry["accessEntryArn"] == arn), None)
    if entry is None:
        raise Refusal("NotFoundException", f"Resource not found: {arn}", 404)
    return entry


@operation("eks", "TagResource")
def tag(request: AwsRequest, state: State) -> dict[str, Any] | None:
    """Tag an entry; other resources are moto's."""
    entry = _tagged(request, state)
    if entry is None:
        return None
    rules.check_tags(request.parameters["tags"], entry["tags"])
    entry["tags"] |= request.parameters["tags"]
    return {}


@operation("eks", "UntagResource")
def untag(request: AwsRequest, state: State) -> dict[str, Any] | None:
    """Take tags off an entry; other resources are moto's."""
    entry = _tagged(request, state)
    if entry is None:
        return None
    for key in request.parameters["tagKeys"]:
        entry["tags"].pop(key, None)
    return {}


@operation("eks", "ListTagsForResource")
def list_tags(request: AwsRequest, state: State) -> dict[str, Any] | None:
    """List the tags of an entry; other resources are moto's."""
    entry = _tagged(request, state)
    return None if entry is None else {"tags": entry["tags"]}


@correct("eks", "CreateNodegroup", "CreateFargateProfile")
def give_nodes_theirs(request: AwsRequest, state: State, answer: Answer) -> Answer:
    """Make the entry of a new node group's or Fargate profile's role."""
    access.settle(state, (request.caller.account, request.region, str(request.parameters["clusterName"])))
    return answer


@correct("eks", "DeleteNodegroup", "DeleteFargateProfile")
def take_nodes_theirs(request: AwsRequest, state: State, answer: Answer) -> Answer:
    """Delete the entry of a role that nothing of the cluster uses any more.

    https://docs.aws.amazon.com/eks/latest/userguide/delete-managed-node-group.html
    """
    key = (request.caller.account, request.region, str(request.parameters["clusterName"]))
    find(*key)
    used, entries = access.node_roles(key), state.access_entries.get(key, {})
    for arn in [arn for arn, entry in entries.items() if entry["type"] in access.NODE_TYPES and arn not in used]:
        if not entries[arn]["tags"]:
            del entries[arn]
    return answer
