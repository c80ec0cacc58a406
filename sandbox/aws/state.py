# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""State of the server apart from moto's: settings, faults, calls and what clusters have that moto lacks."""

from __future__ import annotations

import threading
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from pathlib import Path
from typing import Any

from moto.core.base_backend import BackendDict
from moto.core.model_instances import reset_model_data

from sandbox.aws import zones
from sandbox.aws.calls import CallLog
from sandbox.aws.faults import FaultTable
from sandbox.aws.stale import History

# Account, region and name of a cluster.
ClusterKey = tuple[str, str, str]


@dataclass
class Settings:
    """What a test may set.

    Args:
        iam_stale_seconds: how long reads of an IAM entity answer the state before a write; seconds.
        page_size: most items in an answer of an operation that has pages; None for what the caller asks for.
        trust_policy_size: quota of a role's trust policy in characters, 2,048 to 4,096.
        managed_policies_per_role: quota of managed policies attached to a role, 10 to 25.
        rules_per_bus: quota of rules of an event bus.
        queue_name_blocked_seconds: how long the name of a deleted queue cannot be used again; seconds.
        route53_pending_seconds: how long a change of DNS is PENDING; seconds.
        cluster_update_seconds: how long an update of a cluster's configuration takes; seconds.
        cluster_update_error: message with which updates of a cluster's configuration end Failed; None for success.
        node_entries_on_mode_change: whether the nodes that there are get access entries once a cluster's authentication
            mode has them.
        access_entries_per_cluster: quota of access entries of a cluster.
    """

    iam_stale_seconds: float = 0.0
    page_size: int | None = None
    trust_policy_size: int = 2048
    managed_policies_per_role: int = 10
    rules_per_bus: int = 300
    queue_name_blocked_seconds: float = 60.0
    route53_pending_seconds: float = 0.0
    cluster_update_seconds: float = 0.0
    cluster_update_error: str | None = None
    node_entries_on_mode_change: bool = True
    access_entries_per_cluster: int = 1000


@dataclass(frozen=True)
class DnsChange:
    """A change of Route 53; ``applied`` is of the monotonic clock."""

    submitted: datetime
    applied: float
    comment: str | None


@dataclass
class ClusterUpdate:
    """An update of a cluster's authentication mode; ``ends`` is of the monotonic clock."""

    id: str
    mode: str
    created: datetime
    ends: float
    error: str | None
    status: str = "InProgress"


class State:
    """Everything that a reset puts back."""

    def __init__(self) -> None:
        # moto is not made for threads: one call at a time is applied; delays happen outside of it.
        self.moto_lock = threading.RLock()
        self.calls = CallLog()
        self.faults = FaultTable()
        self.history = History()
        self._clear()

    def _clear(self) -> None:
        self.settings = Settings()
        self.cluster_creators: dict[ClusterKey, str] = {}
        # Clusters whose creator has had its access entry.
        self.creators_settled: set[ClusterKey] = set()
        self.access_entries: dict[ClusterKey, dict[str, dict[str, Any]]] = {}
        self.cluster_updates: dict[ClusterKey, list[ClusterUpdate]] = {}
        # Directories of the files that the authenticators of clusters read.
        self.authenticators: dict[ClusterKey, Path] = {}
        self.deleted_principals: dict[str, str] = {}
        self.deleted_queues: dict[tuple[str, str, str], float] = {}
        self.dns_changes: dict[str, DnsChange] = {}
        self.fixtures: dict[str, Any] = {}
        self.writing: set[tuple[str, ...]] = set()
        self.writing_lock = threading.Lock()

    def reset(self) -> None:
        """Forget everything, moto's state included; delays end."""
        self.faults.clear()
        with self.moto_lock:
            # First: some backends make EC2's anew while they are reset, with a default subnet in every zone.
            zones.reset()
            BackendDict.reset()
            reset_model_data()
            self.calls.clear()
            self.history.clear()
            self._clear()

    def change_settings(self, values: dict[str, Any]) -> dict[str, Any]:
        """Change some settings; raise ValueError naming those that do not exist."""
        known = {item.name for item in fields(Settings)}
        unknown = sorted(set(values) - known)
        if unknown:
            raise ValueError(f"unknown settings {unknown}: there are {sorted(known)}")
        self.settings = Settings(**{**asdict(self.settings), **values})
        return asdict(self.settings)
