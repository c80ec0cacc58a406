# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The authentication mode of a cluster: forward only, a step at a time, and never back.

https://docs.aws.amazon.com/eks/latest/userguide/setting-up-access-entries.html ("you can't change the authentication
mode back to a mode that removes the EKS API"; the cluster is UPDATING meanwhile),
https://docs.aws.amazon.com/eks/latest/APIReference/API_UpdateClusterConfig.html, API_DescribeUpdate.html
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

from moto.eks.models import eks_backends
from moto.moto_api._internal import mock_random

from sandbox.aws import access
from sandbox.aws.answers import Refusal
from sandbox.aws.hooks import check, operation
from sandbox.aws.request import AwsRequest
from sandbox.aws.state import ClusterKey, ClusterUpdate, State
from sandbox.aws.strict.eks_cluster import refuse_unknown

NEXT = {"CONFIG_MAP": "API_AND_CONFIG_MAP", "API_AND_CONFIG_MAP": "API"}
IDENTITY = frozenset({"name", "accessConfig", "clientRequestToken"})


def _key(request: AwsRequest) -> ClusterKey:
    return request.caller.account, request.region, str(request.parameters["name"])


def advance(state: State, key: ClusterKey) -> None:
    """Finish the updates of a cluster whose time has come."""
    for update in state.cluster_updates.get(key, []):
        if update.status != "InProgress" or time.monotonic() < update.ends:
            continue
        cluster: Any = eks_backends[key[0]][key[1]].clusters[key[2]]
        cluster.status = "ACTIVE"
        update.status = "Failed" if update.error else "Successful"
        if not update.error:
            cluster.access_config = {**cluster.access_config, "authenticationMode": update.mode}
            access.settle(state, key, nodes=state.settings.node_entries_on_mode_change)


def _shown(update: ClusterUpdate, status: str | None = None) -> dict[str, Any]:
    errors = [{"errorCode": "Unknown", "errorMessage": update.error}] if update.status == "Failed" else []
    return {
        "update": {
            "id": update.id,
            "status": status or update.status,
            "type": "AccessConfigUpdate",
            "params": [{"type": "AuthenticationMode", "value": f'"{update.mode}"'}],
            "createdAt": update.created,
            "errors": errors,
        }
    }


@check("eks", "DescribeCluster", "UpdateClusterConfig", "DescribeUpdate")
def finish_updates(request: AwsRequest, state: State) -> None:
    """Let updates end before anybody looks."""
    refuse_unknown(request)
    advance(state, _key(request))


@operation("eks", "UpdateClusterConfig")
def update(request: AwsRequest, state: State) -> dict[str, Any] | None:
    """Begin a change of the authentication mode; other settings are moto's."""
    wanted = request.parameters.get("accessConfig")
    if wanted is None:
        return None
    if set(request.parameters) - IDENTITY:
        raise Refusal("InvalidParameterException", "Only one type of update can be allowed.")
    key = _key(request)
    cluster: Any = eks_backends[key[0]][key[1]].clusters[key[2]]
    if cluster.status != "ACTIVE":
        message = f"Cluster status is {cluster.status}: it must be ACTIVE to change its authentication mode."
        raise Refusal("ResourceInUseException", message, 409)
    before, mode = access.mode_of(key), str(wanted.get("authenticationMode"))
    if NEXT.get(before) != mode:
        raise Refusal("InvalidParameterException", f"Unsupported authentication mode update from {before} to {mode}")
    settings = state.settings
    begun = ClusterUpdate(
        id=str(mock_random.uuid4()),
        mode=mode,
        created=datetime.now(UTC),
        ends=time.monotonic() + settings.cluster_update_seconds,
        error=settings.cluster_update_error,
    )
    state.cluster_updates.setdefault(key, []).append(begun)
    cluster.status = "UPDATING"
    advance(state, key)
    return _shown(begun, "InProgress")


@operation("eks", "DescribeUpdate")
def describe(request: AwsRequest, state: State) -> dict[str, Any]:
    """Show an update of a cluster's authentication mode."""
    wanted = str(request.parameters["updateId"])
    found = next((item for item in state.cluster_updates.get(_key(request), []) if item.id == wanted), None)
    if found is None:
        raise Refusal("ResourceNotFoundException", f"No update found for ID: {wanted}", 404)
    return _shown(found)
