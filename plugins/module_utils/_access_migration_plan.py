# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The plan of the move from aws-auth to access entries: lossless, or refused with the reason. Pure.

An entry of an administrator cannot be made in one call: EKS lets nobody give system:masters, and its access policy
comes by a second one, while the entry already counts in the place of aws-auth. So it is made with a group of its own,
the bridge, which is bound to the ClusterRole cluster-admin before and taken away once the policy is proven.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.ekspress.eks.plugins.module_utils._access_entries_model import (
    NODE_TYPES,
    OWNER,
    STANDARD,
    Entry,
    identity,
)
from ansible_collections.ekspress.eks.plugins.module_utils._access_entries_plan import DEAD
from ansible_collections.ekspress.eks.plugins.module_utils._access_migration_identity import (
    BRIDGE,
    Identity,
    Refusal,
    converted,
)
from ansible_collections.ekspress.eks.plugins.module_utils._arn import ACCOUNT
from ansible_collections.ekspress.eks.plugins.module_utils._aws_auth_guards import NODES
from ansible_collections.ekspress.eks.plugins.module_utils._aws_auth_model import SECTIONS
from ansible_collections.ekspress.eks.plugins.module_utils._aws_auth_model import Entry as Mapped
from ansible_collections.ekspress.eks.plugins.module_utils._aws_auth_text import read

MAP_ACCOUNTS = (
    "mapAccounts lets every role and user of the account in, and access entries are made one by one. List those who "
    "need it in mapRoles and mapUsers, and remove the account from mapAccounts."
)
NO_PRINCIPAL = "it is not the ARN of an IAM role or user, which alone have access entries. Remove it from aws-auth."
ANEW = (
    "Make it anew first (ekspress.eks.access_entries with recreate: true), or delete it there (state: absent), so that "
    "the move makes it."
)
NOT_EXACT = (
    "a part of it is no text to EKS (a number, or a word such as yes, without quotes), so that it is not what it looks "
    "like. Write it in quotes, or remove it."
)


@dataclass(frozen=True)
class Facts:
    """What the plan goes by, beside aws-auth."""

    entries: Mapping[str, Entry]
    """The access entries that there are, by ``identity``, with their policies."""
    node_types: Mapping[str, str]
    """Types of the entries of managed node groups' and Fargate profiles' roles, by their ARNs."""
    find: Callable[[str], str | None]
    """Gives the ARN with the path for one of aws-auth; None where nobody has it."""
    owner: str
    dead: Callable[[Entry], bool] = lambda _entry: False
    """Whether the role or user of an entry is another one than the entry was made for."""


@dataclass(frozen=True)
class Migration:
    """Who gets an entry, and who does not."""

    identities: tuple[Identity, ...] = ()
    """That are this migration's: they have no entry, or one that it made."""
    already: tuple[str, ...] = ()
    """Principals whose entry others made; it counts already."""
    gone: tuple[str, ...] = ()
    """ARNs in aws-auth of which there is no role or user any more: nobody gets in by them."""
    ignored: tuple[str, ...] = ()
    """ARNs in aws-auth that EKS never matches, such as roles with a path."""
    duplicates: tuple[str, ...] = ()
    """ARNs that aws-auth has several times; the last one counts."""
    refused: tuple[Refusal, ...] = ()
    unmapped: tuple[str, ...] = ()
    """Principals whose entry this migration made, and that aws-auth does not map any more, or not so."""
    facts: Facts | None = None

    def current(self, item: Identity) -> Entry | None:
        """The entry that an identity has."""
        return self.facts.entries.get(identity(item.principal)) if self.facts else None

    def bridged(self, item: Identity) -> bool:
        """Whether an identity needs the bridge: its policy is not there yet, or the bridge was not taken away yet."""
        if not item.admin:
            return False
        current = self.current(item)
        return current is None or not current.admin or BRIDGE in current.groups

    @property
    def entries(self) -> list[dict[str, Any]]:
        """The entries as they are to be in the end."""
        return [item.entry() for item in self.identities]

    @property
    def first_entries(self) -> list[dict[str, Any]]:
        """The entries as they are made: administrators with the bridge."""
        return [item.entry(*([BRIDGE] if self.bridged(item) else [])) for item in self.identities]

    @property
    def needs_bridge(self) -> bool:
        """Whether anybody needs it."""
        return any(self.bridged(item) for item in self.identities)

    @property
    def made(self) -> list[str]:
        """Principals whose entry this migration made, but for nodes that aws-auth does not have: they need theirs."""
        facts = self.facts
        if facts is None:
            return []
        nodes = {identity(item.principal) for item in self.identities if not item.mapped.username}
        return sorted(
            entry.principal
            for key, entry in facts.entries.items()
            if entry.tags.get(OWNER) == facts.owner and key not in nodes
        )

    def against_undo(self) -> list[str]:
        """Whom the way back would take access from, or would give another; in sentences."""
        found = [
            f"{arn}: aws-auth does not let it in any more, or not as its entry does. Bring a backup of aws-auth back "
            "first (ekspress.eks.aws_auth with state: restored)."
            for arn in self.unmapped
        ]
        for item in self.identities:
            current = self.current(item)
            if current is not None and not _same(item, current):
                found.append(
                    f"{item.principal}: aws-auth would let it in as {item.mapped.username!r} with the groups "
                    f"{list(item.mapped.groups)}, and its entry is another by now. Correct aws-auth first."
                )
        return found


def _same(item: Identity, current: Entry) -> bool:
    """Whether an entry is what aws-auth would give; one that is not whole yet counts as well."""
    if item.kind != STANDARD or current.kind != STANDARD:
        return item.kind == current.kind
    return (
        item.username == current.username
        and set(item.groups) == current.groups - {BRIDGE}
        and (item.admin or not current.policies)
    )


def migration(data: Mapping[str, str], facts: Facts) -> Migration:
    """Plan the move of what aws-auth holds. Raises EksError where its texts cannot be read."""
    effective: dict[str, tuple[Mapped, bool]] = {}
    seen: set[tuple[str, str]] = set()
    ignored: list[str] = []
    duplicates: list[str] = []
    # Roles are looked up before users, and both before accounts.
    for section in ("accounts", "users", "roles"):
        for item in read(data.get(SECTIONS[section], ""), section).items:
            if not item.matches:
                ignored.append(item.entry.arn)
                continue
            if (section, item.key) in seen:
                duplicates.append(item.entry.arn)
            seen.add((section, item.key))
            effective[item.key] = (item.entry, item.exact)
    made = [_planned(entry, facts, exact=exact) for _key, (entry, exact) in sorted(effective.items())]
    identities = [item for item in made if isinstance(item, Identity)]
    mapped = {identity(item.principal) for item in identities}
    identities += _unmapped_nodes(facts, mapped)
    useless = {item.principal: reason for item in identities if (reason := _useless(item, facts))}
    made += [Refusal(item.mapped, (useless[item.principal],)) for item in identities if item.principal in useless]
    identities = [item for item in identities if item.principal not in useless]
    # An entry that lets nobody in is nobody's loss.
    whole = {identity(arn) for arn in (*useless, *(item.principal for item in identities))}
    identities.sort(key=lambda one: one.principal)
    theirs = [item for item in identities if _foreign(item, facts)]
    return Migration(
        identities=tuple(item for item in identities if not _foreign(item, facts)),
        already=tuple(item.principal for item in theirs),
        gone=tuple(item for item in made if isinstance(item, str)),
        ignored=tuple(dict.fromkeys(ignored)),
        duplicates=tuple(dict.fromkeys(duplicates)),
        refused=tuple(item for item in made if isinstance(item, Refusal) and not _covered(item, facts)),
        unmapped=tuple(
            entry.principal
            for key, entry in sorted(facts.entries.items())
            if entry.tags.get(OWNER) == facts.owner and key not in whole
        ),
        facts=facts,
    )


def _foreign(item: Identity, facts: Facts) -> bool:
    """Whether an identity has an entry that others made."""
    current = facts.entries.get(identity(item.principal))
    return current is not None and current.tags.get(OWNER) != facts.owner


def _covered(item: Refusal, facts: Facts) -> bool:
    """Whether an entry counts already in the place of a mapping that none could be made for."""
    current = facts.entries.get(identity(item.mapped.arn))
    return current is not None and not facts.dead(current) and _right_kind(current, node=NODES in item.mapped.groups)


def _useless(item: Identity, facts: Facts) -> str:
    """Why the entry that an identity has does not let it in, in a sentence; '' where it does, or there is none."""
    current = facts.entries.get(identity(item.principal))
    if current is None:
        return ""
    if facts.dead(current):
        return f"{DEAD}. {ANEW}"
    if not _right_kind(current, node=item.kind != STANDARD):
        return f"it lets nodes in, and its access entry has the type {current.kind}, which lets none in. {ANEW}"
    return ""


def _right_kind(entry: Entry, *, node: bool) -> bool:
    return not node or entry.kind in NODE_TYPES


def _planned(mapped: Mapped, facts: Facts, *, exact: bool) -> Identity | Refusal | str:
    """The entry of an identity, the reason why there is none, or its ARN where nobody has it."""
    if ACCOUNT.fullmatch(mapped.key):
        return Refusal(mapped, (MAP_ACCOUNTS,))
    resource = mapped.key.split(":", 5)[-1]
    if not resource.startswith(("role/", "user/")):
        return Refusal(mapped, (NO_PRINCIPAL,))
    if not exact:
        return Refusal(mapped, (NOT_EXACT,))
    principal = facts.find(mapped.arn)
    if principal is None:
        return mapped.arn
    return converted(mapped, principal, {identity(arn): kind for arn, kind in facts.node_types.items()})


def _unmapped_nodes(facts: Facts, mapped: set[str]) -> list[Identity]:
    """Roles of managed node groups and Fargate profiles that aws-auth does not have."""
    return [
        Identity(Mapped(arn, groups=(NODES,)), arn, kind)
        for arn, kind in sorted(facts.node_types.items())
        if identity(arn) not in mapped
    ]
