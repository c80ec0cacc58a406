# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Clusters and accounts as tests set them, past what the AWS API allows."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from moto.eks.models import eks_backends
from moto.iam.models import iam_backends
from moto.utilities.utils import get_partition

from sandbox.aws import access, authenticator
from sandbox.aws.state import ClusterKey, State

DEFAULT_ACCOUNT = "123456789012"
STATUSES = ("CREATING", "ACTIVE", "DELETING", "FAILED", "UPDATING", "PENDING")
AUTHENTICATION_MODES = ("CONFIG_MAP", "API", "API_AND_CONFIG_MAP")
KEYS = frozenset(
    {
        "region",
        "account",
        "endpoint",
        "ca_data",
        "status",
        "access_config",
        "compute_config",
        "health",
        "version",
        "creator",
        "issuer",
        "authenticator",
    }
)


class UnknownCluster(Exception):
    """There is no such cluster."""


def find(account: str, region: str, name: str) -> Any:
    """Return moto's cluster; raise UnknownCluster where there is none."""
    clusters = eks_backends[account][region].clusters
    if name not in clusters:
        raise UnknownCluster(f"No cluster {name} in account {account}, region {region}: create it first.")
    return clusters[name]


def change(state: State, name: str, data: dict[str, Any]) -> dict[str, Any]:
    """Set fields of a cluster that no AWS call sets.

    Args:
        state: the server's state.
        name: the cluster's name.
        data: ``region`` (required), ``account``, ``endpoint`` (URL), ``ca_data`` (base64 of PEM), ``issuer`` (URL),
            ``status``, ``version``, ``access_config`` (authenticationMode), ``compute_config`` (enabled),
            ``health`` (issues), ``creator`` (ARN that is the cluster's administrator), ``authenticator`` (directory for
            the files that its aws-iam-authenticator reads).
    """
    unknown = sorted(set(data) - KEYS)
    if unknown:
        raise ValueError(f"unknown keys {unknown}: a cluster has {sorted(KEYS)}")
    if "region" not in data:
        raise ValueError("region is required")
    if "status" in data and data["status"] not in STATUSES:
        raise ValueError(f"unknown status {data['status']!r}: choose one of {', '.join(STATUSES)}")
    mode = data.get("access_config", {}).get("authenticationMode", "API")
    if mode not in AUTHENTICATION_MODES:
        raise ValueError(f"unknown authenticationMode {mode!r}: choose one of {', '.join(AUTHENTICATION_MODES)}")
    region, account = data["region"], data.get("account", DEFAULT_ACCOUNT)
    cluster = find(account, region, name)
    for field in ("endpoint", "status", "version", "health"):
        if field in data:
            setattr(cluster, field, data[field])
    for field in ("access_config", "compute_config"):
        if field in data:
            setattr(cluster, field, {**getattr(cluster, field, {}), **data[field]})
    if "ca_data" in data:
        cluster.certificate_authority = {"data": data["ca_data"]}
    if "issuer" in data:
        cluster.identity = {"oidc": {"issuer": data["issuer"]}}
    key = (account, region, name)
    _change_access(state, key, data)
    _tell_authenticator(state, key, data.get("authenticator"))
    built = state.fixtures.get("clusters", {}).get(name)
    if built is not None and built["arn"] == cluster.arn:
        built.update({field: data[field] for field in ("endpoint", "issuer", "version") if field in data})
    return {"name": name, "arn": cluster.arn, "endpoint": cluster.endpoint, "status": cluster.status}


def _tell_authenticator(state: State, key: ClusterKey, directory: str | None) -> None:
    if directory is not None:
        state.authenticators[key] = Path(directory)
    if key in state.authenticators:
        authenticator.write(state, key, again=directory is not None)


def _change_access(state: State, key: ClusterKey, data: dict[str, Any]) -> None:
    if "creator" in data:
        before = access.of_caller(state.cluster_creators.get(key, ""))
        if before is not None:
            state.access_entries.get(key, {}).pop(before.arn, None)
        state.creators_settled.discard(key)
        state.cluster_creators[key] = data["creator"]
    if {"creator", "access_config"} & set(data):
        access.settle(state, key)


def add_account(account: str, data: dict[str, Any]) -> dict[str, Any]:
    """Make an IAM user with an access key in an account, as its first caller.

    Args:
        account: 12 digits.
        data: ``user`` (name, default ``operator``), ``region`` (decides the partition, default eu-central-1).
    """
    if not re.fullmatch(r"\d{12}", account):
        raise ValueError(f"account {account!r} is not 12 digits")
    name = data.get("user", "operator")
    backend = iam_backends[account][get_partition(data.get("region", "eu-central-1"))]
    if not any(user.name == name for user in backend.users.values()):
        backend.create_user(region_name=data.get("region", "eu-central-1"), user_name=name)
    key = backend.create_access_key(user_name=name)
    return {
        "account": account,
        "arn": backend.get_user(name).arn,
        "access_key_id": key.access_key_id,
        "secret_access_key": key.secret_access_key,
    }
