# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What the ConfigMap aws-auth holds: entries, what a task wants of them, which are this module's, and changes.

https://docs.aws.amazon.com/eks/latest/userguide/auth-configmap.html
https://github.com/kubernetes-sigs/aws-iam-authenticator/blob/v0.6.13/pkg/mapper/configmap/configmap.go
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

SECTIONS = {"roles": "mapRoles", "users": "mapUsers", "accounts": "mapAccounts"}
"""The task's lists, and the keys of the ConfigMap's data that hold them."""
ARN_FIELDS = {"roles": "rolearn", "users": "userarn"}

ANNOTATION = "ekspress.eks/entries"
"""The annotation of the ConfigMap that keeps ``Tracked``."""

_ASSUMED_ROLE = re.compile(r"arn:([^:]+):sts::([^:]*):assumed-role/(.+)/[^/]*")
_ROLE_WITH_PATH = re.compile(r"(arn:[^:]+:iam::[^:]*:role)/(?:.*/)([^/]+)", re.IGNORECASE)


class Key(NamedTuple):
    """An entry's identity: its section (a key of SECTIONS), and its ARN or account in small letters."""

    section: str
    arn: str


@dataclass(frozen=True)
class Entry:
    """One identity and what Kubernetes takes it for. An account has its number as ``arn``, and nothing else."""

    arn: str
    username: str = ""
    groups: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """The ARN as the authenticator compares it."""
        return self.arn.lower()

    @property
    def digest(self) -> str:
        """A short hash of what the entry means; the order of groups does not count."""
        meaning = json.dumps([self.username, sorted(set(self.groups))])
        return hashlib.sha256(meaning.encode()).hexdigest()[:12]

    def same_as(self, other: Entry) -> bool:
        """Whether both give the same username and groups."""
        return self.username == other.username and set(self.groups) == set(other.groups)


@dataclass(frozen=True)
class Wanted:
    """What the task lists; None is a list that was not given, and its section is left alone."""

    roles: tuple[Entry, ...] | None = None
    users: tuple[Entry, ...] | None = None
    accounts: tuple[str, ...] | None = None

    def entries(self, section: str) -> tuple[Entry, ...] | None:
        """The entries of one section, accounts as entries too."""
        if section != "accounts":
            found: tuple[Entry, ...] | None = getattr(self, section)
            return found
        return None if self.accounts is None else tuple(Entry(account) for account in self.accounts)


@dataclass(frozen=True)
class Tracked:
    """The entries that this module wrote: digests by ARN (small letters), and accounts."""

    roles: Mapping[str, str] = field(default_factory=dict)
    users: Mapping[str, str] = field(default_factory=dict)
    accounts: frozenset[str] = frozenset()
    fault: str = field(default="", compare=False)
    """Why the annotation could not be read, a sentence for a warning; '' where it could."""

    @classmethod
    def read(cls, annotation: str | None) -> Tracked:
        """What an annotation says. One that is broken tracks nothing, and ``fault`` says so."""
        if not annotation:
            return cls()
        try:
            found = json.loads(annotation)
        except (ValueError, RecursionError):
            found = None
        if not _well_formed(found):
            return cls(
                fault=f"The annotation {ANNOTATION} of the ConfigMap aws-auth is not what this module writes, so no "
                "entry is taken for its own and purge removes none; entries written from now on are noted anew."
            )
        return cls(found.get("roles", {}), found.get("users", {}), frozenset(found.get("accounts", ())))

    def annotation(self) -> str:
        """The annotation's text; '' where nothing is tracked, and the annotation should go."""
        kept = {"roles": dict(self.roles), "users": dict(self.users), "accounts": sorted(self.accounts)}
        some = {section: value for section, value in kept.items() if value}
        return json.dumps(some, sort_keys=True, separators=(",", ":")) if some else ""

    def digests(self, section: str) -> dict[str, str]:
        """Digests by key of one section, accounts too."""
        if section == "accounts":
            return {account: Entry(account).digest for account in self.accounts}
        return dict(getattr(self, section))

    @classmethod
    def of(cls, digests: Mapping[str, Mapping[str, str]]) -> Tracked:
        """The inverse of ``digests`` for all sections."""
        return cls(dict(digests["roles"]), dict(digests["users"]), frozenset(digests["accounts"]))


def _well_formed(found: Any) -> bool:
    if not isinstance(found, dict):
        return False
    accounts = found.get("accounts", [])
    digests = [found.get("roles", {}), found.get("users", {})]
    return (
        isinstance(accounts, list)
        and all(isinstance(item, str) for item in accounts)
        and all(isinstance(item, dict) and all(isinstance(value, str) for value in item.values()) for item in digests)
    )


@dataclass(frozen=True)
class Change:
    """What happens to one entry. ``before`` is None for a new one, ``after`` for one that goes."""

    section: str
    key: str
    before: Entry | None
    after: Entry | None
    duplicate: bool = False
    """The entry ``before`` goes, which never counted, because the later ``after`` has the same ARN and stays."""

    @property
    def kind(self) -> str:
        """added, changed or removed."""
        if self.before is None:
            return "added"
        return "removed" if self.after is None or self.duplicate else "changed"

    def __str__(self) -> str:
        """Such as ``roles: add arn:aws:iam::111122223333:role/admin``."""
        arn = (self.after or self.before or Entry(self.key)).arn
        if self.duplicate:
            return f"{self.section}: remove a duplicate of {arn}"
        verb = {"added": "add", "changed": "change", "removed": "remove"}[self.kind]
        return f"{self.section}: {verb} {arn}"


def canonical(arn: str) -> str:
    """The ARN under which the authenticator looks an identity up, its case kept.

    A role's path goes, for tokens name the role without it; an assumed role becomes the role. Users keep their path.
    https://github.com/kubernetes-sigs/aws-iam-authenticator/blob/v0.6.13/pkg/arn/arn.go
    """
    assumed = _ASSUMED_ROLE.fullmatch(arn)
    if assumed:
        arn = f"arn:{assumed[1]}:iam::{assumed[2]}:role/{assumed[3]}"
    pathed = _ROLE_WITH_PATH.fullmatch(arn)
    return f"{pathed[1]}/{pathed[2]}" if pathed else arn
