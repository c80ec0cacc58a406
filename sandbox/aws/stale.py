# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""States of IAM entities before their last writes, for reads that are not yet consistent.

IAM is eventually consistent: https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot.html
("Changes that I make are not always immediately visible").
"""

from __future__ import annotations

import copy
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from moto.iam.models import iam_backends

from sandbox.aws.request import AwsRequest

# Parameter that names the entity -> the backend's dictionary that holds it. Roles are kept by id.
_ROLE, _PROVIDER, _POLICY, _PROFILE = "role", "oidc-provider", "policy", "instance-profile"
_READ_PREFIXES = ("Get", "List")

Entity = tuple[str, str, str, str]


@dataclass
class _Version:
    visible: float
    before: Any


def entity_of(request: AwsRequest) -> Entity | None:
    """Return (account, partition, kind, name) of the IAM entity that a call is about; None where there is none."""
    if request.service != "iam":
        return None
    parameters, caller = request.parameters, request.caller
    kind, name = None, ""
    if "InstanceProfileName" in parameters:
        kind, name = _PROFILE, parameters["InstanceProfileName"]
    elif "RoleName" in parameters:
        kind, name = _ROLE, parameters["RoleName"]
    elif "OpenIDConnectProviderArn" in parameters:
        kind, name = _PROVIDER, parameters["OpenIDConnectProviderArn"]
    elif request.operation == "CreateOpenIDConnectProvider" and "Url" in parameters:
        path = str(parameters["Url"]).split("://", 1)[-1]
        kind, name = _PROVIDER, f"arn:{caller.partition}:iam::{caller.account}:oidc-provider/{path}"
    elif "PolicyArn" in parameters:
        kind, name = _POLICY, parameters["PolicyArn"]
    elif request.operation == "CreatePolicy" and "PolicyName" in parameters:
        path = f"{parameters.get('Path') or '/'}{parameters['PolicyName']}"
        kind, name = _POLICY, f"arn:{caller.partition}:iam::{caller.account}:policy{path}"
    return (caller.account, caller.partition, kind, str(name)) if kind else None


def _collection(entity: Entity) -> dict[str, Any]:
    backend = iam_backends[entity[0]][entity[1]]
    collections: dict[str, dict[str, Any]] = {
        _ROLE: backend.roles,
        _PROVIDER: backend.open_id_providers,
        _POLICY: backend.managed_policies,
        _PROFILE: backend.instance_profiles,
    }
    return collections[entity[2]]


def _find(entity: Entity) -> tuple[str | None, Any]:
    """Return the key and the object of an entity in moto's state."""
    collection = _collection(entity)
    if entity[2] in (_ROLE, _PROFILE):
        for key, item in collection.items():
            if item.name == entity[3]:
                return key, item
        return None, None
    item = collection.get(entity[3])
    return (entity[3], item) if item is not None else (None, None)


class History:
    """The versions of each IAM entity that a reader may still be shown."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._versions: dict[Entity, list[_Version]] = {}

    def clear(self) -> None:
        """Forget all versions."""
        with self._lock:
            self._versions.clear()

    def snapshot(self, request: AwsRequest) -> Any:
        """Copy the entity that a write is about, before the write."""
        entity = entity_of(request)
        if entity is None:
            return None
        found = _find(entity)
        return found[0], copy.deepcopy(found[1])

    def written(self, request: AwsRequest, before: Any, now: float, stale_seconds: float) -> None:
        """Note that a write was applied, which reads see after ``stale_seconds``; of older ones keep those pending."""
        entity = entity_of(request)
        if entity is None:
            return
        with self._lock:
            pending = [item for item in self._versions.get(entity, []) if now < item.visible]
            self._versions[entity] = [*pending, _Version(now + stale_seconds, before)]

    def _shown(self, request: AwsRequest, now: float, stale_seconds: float, forced: bool) -> list[tuple[Entity, Any]]:
        only = entity_of(request)
        shown = []
        with self._lock:
            for entity, versions in self._versions.items():
                if entity[:2] != (request.caller.account, request.caller.partition):
                    continue
                pending = [item for item in versions if now < item.visible and stale_seconds > 0]
                if pending:
                    shown.append((entity, pending[0].before))
                elif forced and only in (None, entity):
                    shown.append((entity, versions[-1].before))
        return shown

    @contextmanager
    def past(self, request: AwsRequest, now: float, stale_seconds: float, forced: bool) -> Iterator[None]:
        """Let moto read entities as they were before writes not visible yet (``forced``: before the last write).

        The caller holds moto's lock.
        """
        if request.service != "iam" or not request.operation.startswith(_READ_PREFIXES):
            yield
            return
        present: list[tuple[dict[str, Any], dict[str, Any]]] = []
        for entity, (key, item) in self._shown(request, now, stale_seconds, forced):
            collection = _collection(entity)
            present.append((collection, dict(collection)))
            current_key, _current = _find(entity)
            if current_key is not None:
                del collection[current_key]
            if key is not None:
                collection[key] = item
        try:
            yield
        finally:
            for collection, items in reversed(present):
                collection.clear()
                collection.update(items)
