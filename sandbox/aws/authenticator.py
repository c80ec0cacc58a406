# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the aws-iam-authenticator of each cluster reads of EKS: access entries, the creator, the order of its backends.

Access entries are found by the id that IAM gave to the principal, as one made anew under the same name does not have
it. https://docs.aws.amazon.com/eks/latest/userguide/creating-access-entries.html,
https://github.com/kubernetes-sigs/aws-iam-authenticator/tree/v0.6.13/pkg/mapper/dynamicfile
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from moto.eks.models import eks_backends

from sandbox.authenticator import ENTRIES_FILE, MODE_FILE
from sandbox.aws.access import API_MODES, mode_of
from sandbox.aws.callers import unique_id
from sandbox.aws.state import ClusterKey, State

_ADMINISTRATORS = "system:masters"
_CREATOR = "kubernetes-admin"
# Of CONFIG_MAP, the first backend knows the creator only.
_BACKENDS = {
    "CONFIG_MAP": "DynamicFile EKSConfigMap",
    "API_AND_CONFIG_MAP": "DynamicFile EKSConfigMap",
    "API": "DynamicFile",
}


def publish(state: State) -> None:
    """Write the files of each cluster that has an authenticator, where they change."""
    for key in state.authenticators:
        write(state, key)


def write(state: State, key: ClusterKey, *, again: bool = False) -> None:
    """Write the files of a cluster's authenticator, where they change; ``again`` has it read them in any case."""
    if key[2] not in eks_backends[key[0]][key[1]].clusters:
        return
    directory = state.authenticators[key]
    _replace(directory / ENTRIES_FILE, json.dumps(mappings(state, key)), again)
    # The last one, as its backends read the other.
    _replace(directory / MODE_FILE, json.dumps({"backendMode": _BACKENDS[mode_of(key)]}), again)


def mappings(state: State, key: ClusterKey) -> dict[str, Any]:
    """Return who gets in without the ConfigMap aws-auth."""
    if mode_of(key) not in API_MODES:
        creator = state.cluster_creators.get(key, "")
        found = [_mapping(creator, unique_id(creator), _CREATOR, [_ADMINISTRATORS])]
    else:
        found = [
            _mapping(arn, entry["principalId"], entry["username"], entry["kubernetesGroups"])
            for arn, entry in state.access_entries.get(key, {}).items()
        ]
    known = [mapping for mapping in found if mapping["userid"]]
    return {
        "mapRoles": [mapping for mapping in known if "rolearn" in mapping],
        "mapUsers": [mapping for mapping in known if "userarn" in mapping],
    }


def _mapping(arn: str, identifier: str | None, username: str, groups: list[str]) -> dict[str, Any]:
    field = "userarn" if ":user/" in arn else "rolearn"
    return {field: arn, "userid": identifier, "username": username, "groups": groups}


def _replace(path: Path, text: str, again: bool) -> None:
    """Give a file another content by one write into it.

    The authenticator watches the file itself: it sees such a write at once, and a file put in its place only when it
    looks again after a second, with a gap in which a further one is missed. So the text is filled up to the length of
    the one before: nobody reads a part of either.
    """
    before = path.read_bytes() if path.exists() else b""
    data = text.encode()
    if before.rstrip() == data and not again:
        return
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        os.pwrite(handle, data.ljust(len(before)), 0)
    finally:
        os.close(handle)
