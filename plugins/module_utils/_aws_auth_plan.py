# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The plan for aws-auth: which entries come, change and go, and the texts before and after. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from ansible_collections.ekspress.eks.plugins.module_utils._aws_auth_items import Item
from ansible_collections.ekspress.eks.plugins.module_utils._aws_auth_model import (
    SECTIONS,
    Change,
    Entry,
    Key,
    Tracked,
    Wanted,
)
from ansible_collections.ekspress.eks.plugins.module_utils._aws_auth_text import Listing, read
from ansible_collections.ekspress.eks.plugins.module_utils._errors import EksError


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
    duplicate would take effect in their place. Only of sections that are given, and only with state present."""
    duplicates: tuple[Key, ...] = ()
    """ARNs that have several entries, and keep them."""
    ignored: tuple[Key, ...] = ()
    """Live entries that the authenticator never matches, such as roles with a path."""
    effective_before: Mapping[str, Entry] = field(default_factory=dict)
    """What each identity (ARN in small letters) is mapped to, roles before users, and the accounts; without ignored
    entries."""
    effective_after: Mapping[str, Entry] = field(default_factory=dict)

    @property
    def changed(self) -> bool:
        """Whether the data changes. The annotation never changes without it."""
        return dict(self.data_before) != dict(self.data_after)


@dataclass
class _Section:
    """The edits of one section, while they are gathered."""

    listing: Listing
    digests: dict[str, str]
    """Of what is tracked, before and then after."""
    by_key: dict[str, list[int]] = field(default_factory=dict)
    gone: set[int] = field(default_factory=set)
    changed: dict[int, Entry] = field(default_factory=dict)
    added: list[Entry] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    unlisted: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        for number, item in enumerate(self.listing.items):
            self.by_key.setdefault(item.key, []).append(number)

    @property
    def name(self) -> str:
        return self.listing.section

    def winner(self, key: str) -> Item:
        return self.listing.items[self.by_key[key][-1]]

    def note(self, key: str, before: Entry | None, after: Entry | None, *, duplicate: bool = False) -> None:
        self.changes.append(Change(self.name, key, before, after, duplicate))

    def put(self, entry: Entry) -> None:
        """Have an entry as wanted. One that is so already stays whose it is."""
        if entry.key not in self.by_key:
            self.added.append(entry)
            self.note(entry.key, None, entry)
        else:
            item = self.winner(entry.key)
            if item.exact and item.entry.same_as(entry):
                return
            after = Entry(item.entry.arn, entry.username, entry.groups)
            self.changed[self.by_key[entry.key][-1]] = after
            self.note(entry.key, item.entry, after)
        self.digests[entry.key] = entry.digest

    def remove(self, key: str) -> None:
        """Remove all entries of an ARN; an earlier one would take effect otherwise."""
        numbers = self.by_key.get(key, [])
        self.digests.pop(key, None)
        self.gone.update(numbers)
        if numbers:
            self.note(key, self.winner(key).entry, None)

    def collapse(self) -> None:
        """Remove the entries that never counted, because a later one has their ARN."""
        for key, numbers in self.by_key.items():
            winner = self.winner(key).entry
            for number in numbers[:-1]:
                self.gone.add(number)
                self.note(key, self.listing.items[number].entry, winner, duplicate=True)
            self.by_key[key] = numbers[-1:]

    def drop_unlisted(self, listed: Iterable[str], *, purge: bool) -> None:
        """Remove the entries of ours that are not listed, where they are as we wrote them."""
        for key in sorted(set(self.digests) - set(listed)):
            if key not in self.by_key:
                continue
            item = self.winner(key)
            ours = item.exact and item.entry.digest == self.digests[key]
            if purge and ours and len(self.by_key[key]) == 1:
                self.remove(key)
            else:
                self.unlisted.append(key)

    def forget_missing(self) -> None:
        """Track nothing that is not there."""
        there = {*self.by_key, *(entry.key for entry in self.added)}
        self.digests = {key: digest for key, digest in self.digests.items() if key in there}

    def edited(self) -> str:
        added = sorted(self.added, key=lambda entry: entry.key)
        return self.listing.edited(gone=self.gone, changed=self.changed, added=added)

    def duplicates(self) -> list[Key]:
        return [
            Key(self.name, key)
            for key, numbers in sorted(self.by_key.items())
            if len(numbers) > 1 and not self.gone.issuperset(numbers)
        ]


def plan(
    data: Mapping[str, str],
    tracked: Tracked,
    wanted: Wanted,
    *,
    state: str,
    purge: bool = False,
    collapse: bool = False,
) -> Plan:
    """Plan state present or absent. Raises EksError where live texts cannot be read or edited safely.

    With ``collapse`` duplicates go from all sections that are given; purge has no meaning with state absent.
    """
    sections = {name: _Section(read(data.get(key, ""), name), tracked.digests(name)) for name, key in SECTIONS.items()}
    for name, section in sections.items():
        entries = wanted.entries(name)
        if entries is None:
            continue
        if collapse:
            section.collapse()
        if state == "absent":
            for entry in entries:
                section.remove(entry.key)
        else:
            for entry in entries:
                section.put(entry)
            section.drop_unlisted([entry.key for entry in entries], purge=purge)
    if state != "absent":
        _check_users(sections["roles"], wanted.users or ())
    after = dict(data)
    for name, section in sections.items():
        if section.changes:
            after[SECTIONS[name]] = section.edited()
    changes = [change for section in sections.values() for change in sorted(section.changes, key=lambda one: one.key)]
    listings = [section.listing for section in sections.values()]
    effective = _effective(listings)
    return Plan(
        data_before=dict(data),
        data_after=after,
        tracked_after=_tracked(sections) if changes else tracked,
        changes=tuple(changes),
        unlisted=tuple(Key(name, key) for name, section in sections.items() for key in section.unlisted),
        duplicates=tuple(key for section in sections.values() for key in section.duplicates()),
        ignored=_ignored(listings),
        effective_before=effective,
        effective_after=_effective([read(after.get(SECTIONS[name], ""), name) for name in SECTIONS])
        if changes
        else effective,
    )


def _tracked(sections: Mapping[str, _Section]) -> Tracked:
    for section in sections.values():
        section.forget_missing()
    return Tracked.of({name: section.digests for name, section in sections.items()})


def _check_users(roles: _Section, users: Iterable[Entry]) -> None:
    """The authenticator looks into mapRoles first, for users too."""
    for entry in users:
        if entry.key in roles.by_key:
            raise EksError(
                f"users: {entry.arn} also has an entry in mapRoles (line {roles.winner(entry.key).line}), which wins "
                "over mapUsers, so that the wanted one would not count. Remove it from mapRoles with 'kubectl -n "
                "kube-system edit configmap aws-auth'. Nothing was written."
            )


def _effective(listings: Iterable[Listing]) -> dict[str, Entry]:
    by_section = {listing.section: listing for listing in listings}
    return {
        item.key: item.taken
        for name in ("accounts", "users", "roles")
        if name in by_section
        for item in by_section[name].items
        if item.matches
    }


def _ignored(listings: Iterable[Listing]) -> tuple[Key, ...]:
    found = [Key(listing.section, item.key) for listing in listings for item in listing.items if not item.matches]
    return tuple(dict.fromkeys(found))


def restored(
    data_before: Mapping[str, str] | None, data_after: Mapping[str, str], tracked: Tracked | None = None
) -> Plan:
    """Plan the return to a backup's data. ``tracked`` is what the backup's annotation said.

    Live texts may be broken, and ``data_before`` None (no ConfigMap): what cannot be read counts as nothing. Raises
    EksError where the backup's own texts cannot be read.
    """
    before = [_if_readable((data_before or {}).get(key, ""), name) for name, key in SECTIONS.items()]
    after = [read(data_after.get(key, ""), name) for name, key in SECTIONS.items()]
    changes: list[Change] = []
    for old, new in zip(before, after, strict=True):
        was, becomes = ({item.key: item.entry for item in listing.items} for listing in (old, new))
        for key in sorted({*was, *becomes}):
            one, other = was.get(key), becomes.get(key)
            if one is None or other is None or not one.same_as(other):
                changes.append(Change(old.section, key, one, other))
    return Plan(
        data_before=dict(data_before or {}),
        data_after=dict(data_after),
        tracked_after=tracked or Tracked(),
        changes=tuple(changes),
        duplicates=tuple(key for listing in after for key in _Section(listing, {}).duplicates()),
        ignored=_ignored(after),
        effective_before=_effective(before),
        effective_after=_effective(after),
    )


def _if_readable(text: str, section: str) -> Listing:
    try:
        return read(text, section)
    except EksError:
        return read("", section)
