# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The plan for aws-auth: which entries come, change and go, and the texts before and after. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ansible_collections.ekspress.eks.plugins.module_utils._aws_auth_model import Change, Entry, Key, Tracked, Wanted


@dataclass(frozen=True)
class Plan:
    """What the ConfigMap's data becomes, and why."""

    data_before: Mapping[str, str]
    data_after: Mapping[str, str]
    """The whole data, keys of others included."""
    tracked_after: Tracked
    """As before where nothing changes."""
    changes: tuple[Change, ...] = ()
    """Roles first, then users and accounts; sorted by ARN in each."""
    unlisted: tuple[Key, ...] = ()
    """Entries of ours that the task no longer lists and that stay: purge is off, another hand edited them, or a
    duplicate would take effect in their place. Only of sections that are given."""
    duplicates: tuple[Key, ...] = ()
    """ARNs that have several entries, and keep them."""
    ignored: tuple[Key, ...] = ()
    """Live entries that the authenticator never matches, such as roles with a path."""
    effective_before: Mapping[str, Entry] = field(default_factory=dict)
    """What each identity (ARN in small letters) is mapped to, roles before users; without ignored entries."""
    effective_after: Mapping[str, Entry] = field(default_factory=dict)

    @property
    def changed(self) -> bool:
        """Whether the data changes. The annotation never changes without it."""
        return dict(self.data_before) != dict(self.data_after)


def plan(
    data: Mapping[str, str],
    tracked: Tracked,
    wanted: Wanted,
    *,
    state: str,
    purge: bool = False,
    collapse: bool = False,
) -> Plan:
    """Plan state present or absent. Raises EksError where live texts cannot be read or edited safely."""
    raise NotImplementedError


def restored(
    data_before: Mapping[str, str] | None, data_after: Mapping[str, str], tracked: Tracked | None = None
) -> Plan:
    """Plan the return to a backup's data. ``tracked`` is what the backup's annotation said.

    Live texts may be broken, and ``data_before`` None (no ConfigMap): what cannot be read counts as nothing. Raises
    EksError where the backup's own texts cannot be read.
    """
    raise NotImplementedError
