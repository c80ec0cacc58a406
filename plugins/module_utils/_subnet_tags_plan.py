# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The plan for subnets' tags: what is set, what is removed, in how few calls. Pure, no calls are made here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ansible_collections.ekspress.eks.plugins.module_utils._ec2_tags import MAXIMUM_TAGS, Write, grouped
from ansible_collections.ekspress.eks.plugins.module_utils._iam_tags import count
from ansible_collections.ekspress.eks.plugins.module_utils._subnet_model import (
    CLUSTER_TAG_PREFIX,
    CLUSTER_TAG_VALUES,
    REFUSING_PREFIX,
    ROLE_TAG_VALUE,
    ROLE_TAG_VALUES,
    ROLE_TAGS,
    Subnet,
    cluster_tag,
    refused_to,
)


@dataclass(frozen=True)
class Desired:
    """What the operator asks for."""

    cluster: str
    present: bool = True
    extra_tags: Mapping[str, str] = field(default_factory=dict)
    cluster_tag: str = "auto"
    """auto, always or never."""
    cluster_tag_value: str = "shared"
    remove_role_tags: bool = False
    sweep: frozenset[str] = frozenset()
    """Names of clusters that are gone, whose tags go."""


@dataclass(frozen=True)
class Change:
    """What happens to one subnet's tags: values set, and values removed (as they were read)."""

    subnet_id: str
    set: Mapping[str, str]
    remove: Mapping[str, str]

    def __bool__(self) -> bool:
        return bool(self.set or self.remove)


@dataclass(frozen=True)
class Plan:
    """Changes of the subnets that change, by subnet id, and what the operator should know of them."""

    changes: Mapping[str, Change]
    warnings: tuple[str, ...] = ()
    too_many: Mapping[str, int] = field(default_factory=dict)
    """Tags that a subnet would have, by subnet id, where AWS allows fewer."""


def make(desired: Desired, subnets: Sequence[Subnet], roles: Mapping[str, str], living: Iterable[str] = ()) -> Plan:
    """Plan the tags of ``subnets``.

    ``roles`` gives public or private by subnet id; a subnet without gets no role, extra or cluster tag. ``living`` are
    other clusters in the VPC, which keep role tags from being removed.
    """
    others = sorted(set(living) - {desired.cluster} - desired.sweep)
    if desired.present:
        changes = [_present(desired, subnet, roles.get(subnet.subnet_id, "")) for subnet in subnets]
        warnings = []
    else:
        changes = [_absent(desired, subnet, keep_roles=bool(others)) for subnet in subnets]
        warnings = _kept(desired, subnets, others)
    by_id = {subnet.subnet_id: subnet for subnet in subnets}
    made = {change.subnet_id: change for change in changes if change}
    counts = {subnet_id: count(after(by_id[subnet_id], change).tags) for subnet_id, change in made.items()}
    too_many = {subnet_id: count for subnet_id, count in counts.items() if count > MAXIMUM_TAGS and made[subnet_id].set}
    return Plan(made, tuple(warnings), too_many)


def after(subnet: Subnet, change: Change | None) -> Subnet:
    """The subnet as it is once the change is made."""
    if change is None:
        return subnet
    tags = {key: value for key, value in subnet.tags.items() if key not in change.remove}
    return replace(subnet, tags={**tags, **change.set})


def writes(plan: Plan) -> tuple[list[Write], list[Write]]:
    """The calls that carry out a plan: removals first, so that no subnet passes its limit of tags between them."""
    removals = grouped("delete_tags", {key: change.remove for key, change in plan.changes.items()})
    settings = grouped("create_tags", {key: change.set for key, change in plan.changes.items()})
    return removals, settings


def _present(desired: Desired, subnet: Subnet, role: str) -> Change:
    removed = _swept(desired, subnet)
    if not role:
        return Change(subnet.subnet_id, {}, removed)
    kept = {key: value for key, value in subnet.tags.items() if key not in removed}
    wanted = dict(desired.extra_tags)
    if kept.get(ROLE_TAGS[role]) not in ROLE_TAG_VALUES:
        wanted[ROLE_TAGS[role]] = ROLE_TAG_VALUE
    own = cluster_tag(desired.cluster)
    if desired.cluster_tag == "always" or (desired.cluster_tag == "auto" and refused_to(desired.cluster, kept)):
        wanted[own] = desired.cluster_tag_value
    changed = {key: value for key, value in wanted.items() if kept.get(key) != value}
    return Change(subnet.subnet_id, changed, removed)


def _absent(desired: Desired, subnet: Subnet, *, keep_roles: bool) -> Change:
    removed = _swept(desired, subnet)
    own = cluster_tag(desired.cluster)
    if subnet.tags.get(own) in CLUSTER_TAG_VALUES:
        removed[own] = subnet.tags[own]
    if desired.remove_role_tags and not keep_roles:
        removed.update(_role_tags(subnet))
    return Change(subnet.subnet_id, {}, removed)


def _role_tags(subnet: Subnet) -> dict[str, str]:
    return {key: subnet.tags[key] for key in ROLE_TAGS.values() if subnet.tags.get(key) in ROLE_TAG_VALUES}


def has_role_tags(subnets: Iterable[Subnet]) -> bool:
    """Whether there is any role tag that ``remove_role_tags`` would remove."""
    return any(_role_tags(subnet) for subnet in subnets)


def _swept(desired: Desired, subnet: Subnet) -> dict[str, str]:
    keys = {f"{CLUSTER_TAG_PREFIX}{name}" for name in desired.sweep - {desired.cluster}}
    return {key: value for key, value in subnet.tags.items() if key in keys}


def _kept(desired: Desired, subnets: Sequence[Subnet], others: Sequence[str]) -> list[str]:
    """Why some tags stay although removal was asked for."""
    own = cluster_tag(desired.cluster)
    strange = sorted(
        subnet.subnet_id for subnet in subnets if subnet.tags.get(own, CLUSTER_TAG_VALUES[0]) not in CLUSTER_TAG_VALUES
    )
    warnings = []
    if strange:
        warnings.append(
            f"The tag {own} of {', '.join(strange)} stays: its value is neither shared nor owned, "
            "so another hand made it."
        )
    if desired.remove_role_tags and others and has_role_tags(subnets):
        warnings.append(
            f"The role tags stay, because other clusters live in the VPC or are named by tags of its subnets: "
            f"{', '.join(others)}. Name those that no longer exist in sweep."
        )
    return warnings


def neighbours(
    plan: Plan, subnets: Sequence[Subnet], cluster: str, living: Iterable[str]
) -> list[dict[str, str | list[str]]]:
    """Other clusters that the cluster tags set by ``plan`` concern, and how.

    ``hidden``: the subnet had no cluster's tag, so that every cluster might use it; from now on the controllers of
    other clusters pass it by, unless their own tag is set as well. ``shared``: the subnet already carries the other
    cluster's tag, and nothing changes for it.
    """
    own, others = cluster_tag(cluster), set(living) - {cluster}
    touched: dict[tuple[str, str], list[str]] = {}
    for subnet in sorted(subnets, key=lambda item: item.subnet_id):
        change = plan.changes.get(subnet.subnet_id)
        if change is None or own not in change.set or own in subnet.tags:
            continue
        for name in sorted((others | subnet.tagged_clusters) - {cluster}):
            if cluster_tag(name) in change.remove:
                continue
            if name in subnet.tagged_clusters:
                touched.setdefault((name, "shared"), []).append(subnet.subnet_id)
            elif not refused_to(name, subnet.tags):
                touched.setdefault((name, "hidden"), []).append(subnet.subnet_id)
    return [
        {"cluster": name, "effect": effect, "subnet_ids": subnet_ids}
        for (name, effect), subnet_ids in sorted(touched.items())
    ]


def hides(plan: Plan, subnets: Sequence[Subnet], cluster: str) -> bool:
    """Whether the plan sets the first cluster tag of any subnet, which hides it from clusters that have none there."""
    own = cluster_tag(cluster)
    return any(
        own in plan.changes[subnet.subnet_id].set and not any(key.startswith(REFUSING_PREFIX) for key in subnet.tags)
        for subnet in subnets
        if subnet.subnet_id in plan.changes
    )
