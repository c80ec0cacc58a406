# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The authentication mode of a cluster: forward only, a step at a time, waited for.

https://docs.aws.amazon.com/eks/latest/userguide/setting-up-access-entries.html
"""

from __future__ import annotations

import itertools
from typing import Any

from ansible_collections.ekspress.eks.plugins.module_utils import _cluster
from ansible_collections.ekspress.eks.plugins.module_utils._access_entries_model import API, BOTH, CONFIG_MAP, MODES
from ansible_collections.ekspress.eks.plugins.module_utils._aws import Aws, error_code
from ansible_collections.ekspress.eks.plugins.module_utils._aws_auth_api import EKS, data_of
from ansible_collections.ekspress.eks.plugins.module_utils._aws_auth_model import Entry, Tracked, Wanted
from ansible_collections.ekspress.eks.plugins.module_utils._aws_auth_plan import plan
from ansible_collections.ekspress.eks.plugins.module_utils._cluster import Cluster
from ansible_collections.ekspress.eks.plugins.module_utils._context import Context
from ansible_collections.ekspress.eks.plugins.module_utils._errors import CancelledError, EksError
from ansible_collections.ekspress.eks.plugins.module_utils._kubernetes import connect

FIRST_PAUSE, LONGEST_PAUSE = 1.0, 15.0
"""Seconds between looks at an update, doubled each time."""
PATIENCE = 3600.0
"""Seconds that an update is waited for; AWS takes some minutes."""

WAYS = {
    (CONFIG_MAP, BOTH): f"authentication mode: {CONFIG_MAP} to {BOTH} (cannot be undone)",
    (BOTH, API): f"authentication mode: {BOTH} to {API}, aws-auth is no longer read (cannot be undone)",
}


def steps(before: str, wanted: str | None) -> list[tuple[str, str]]:
    """The changes of mode that lead to the one asked for, each (from, to). Raises EksError where there is no way."""
    if wanted is None or wanted == before:
        return []
    if MODES.index(wanted) < MODES.index(before):
        raise EksError(
            f"authentication_mode is {wanted}, and the cluster has {before}: AWS lets no cluster go back. Leave the "
            f"option out, or give {before}. Nothing was changed."
        )
    way = MODES[MODES.index(before) : MODES.index(wanted) + 1]
    return list(itertools.pairwise(way))


def settled(aws: Aws, context: Context, name: str, cluster: Cluster) -> Cluster:
    """The cluster once no update of it is under way."""
    waited, pause = 0.0, FIRST_PAUSE
    while cluster.status == "UPDATING" and not context.check_mode:
        waited, pause = _wait(context, f"EKS cluster {name!r} is UPDATING", waited, pause)
        cluster = _cluster.describe(aws, name)
    return cluster


def change(aws: Aws, context: Context, cluster: Cluster, mode: str) -> Cluster:
    """Change the mode by one step, and wait until that is done; the cluster as it is then. Raises EksError."""
    eks: Any = aws.client("eks")
    wanted = {"authenticationMode": mode}
    try:
        update = aws.call(eks, "update_cluster_config", name=cluster.name, accessConfig=wanted)["update"]
    except EksError as error:
        if error_code(error) not in ("ResourceInUseException", "InvalidParameterException"):
            raise
        # Another run may have been quicker, or this one's own answer was lost.
        now = settled(aws, context, cluster.name, _cluster.describe(aws, cluster.name))
        if now.authentication_mode == mode:
            return now
        raise
    waited, pause = 0.0, FIRST_PAUSE
    while update["status"] == "InProgress":
        update = aws.call(eks, "describe_update", name=cluster.name, updateId=update["id"])["update"]
        if update["status"] == "InProgress":
            what = f"The update {update['id']} of EKS cluster {cluster.name!r} to {mode} is not done"
            waited, pause = _wait(context, what, waited, pause)
    now = settled(aws, context, cluster.name, _cluster.describe(aws, cluster.name))
    if update["status"] != "Successful" or now.authentication_mode != mode:
        errors = "; ".join(
            f"{item.get('errorCode')}: {item.get('errorMessage')}" for item in update.get("errors") or []
        )
        raise EksError(
            f"The update {update['id']} of EKS cluster {cluster.name!r} to the authentication mode {mode} ended "
            f"{update['status']} ({errors or 'EKS gives no reason'}); it has {now.authentication_mode}. See it with: "
            f"aws eks describe-update --name {cluster.name} --update-id {update['id']}; then run again."
        )
    return now


def _wait(context: Context, what: str, waited: float, pause: float) -> tuple[float, float]:
    if waited >= PATIENCE:
        raise EksError(f"{what} after {waited:.0f} seconds. Run again once EKS is done with it: aws eks list-updates.")
    context.cancelled.wait(pause)
    if context.cancelled.is_set():
        raise CancelledError(f"{what}, and the task was ended before. EKS goes on; run again.")
    return waited + pause, min(LONGEST_PAUSE, pause * 2)


def mapped(params: dict[str, Any], aws: Aws, context: Context, cluster: Cluster, what: str) -> list[Entry]:
    """What aws-auth maps, one entry for each identity that counts.

    Raises EksError where it cannot be read: ``what`` cannot be told then.
    """
    try:
        kubernetes = connect(params, aws, context, cluster)
        item = kubernetes.find(kubernetes.paths.object("v1", "ConfigMap", EKS.name, EKS.namespace))
        made = plan(data_of(item), Tracked(), Wanted(), state="absent")
    except CancelledError:
        raise
    except EksError as error:
        raise EksError(
            f"{what} cannot be told: {error.message} Or set force: true, once you know that it is so.",
            **error.details,
        ) from error
    return [entry for _key, entry in sorted(made.effective_before.items())]
