# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A role as IAM has it, and the calls of IAM that lead from one state of it to another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.ekspress.eks.plugins.module_utils import _policy, _policy_meaning
from ansible_collections.ekspress.eks.plugins.module_utils._trust_policy_orphans import Orphan
from ansible_collections.ekspress.eks.plugins.module_utils._trust_policy_plan import TrustPlan

DEFAULT_PATH = "/"
DEFAULT_SESSION = 3600


@dataclass(frozen=True)
class Current:
    """A role as IAM has it. Of the policies only what the plan needs is read."""

    name: str
    arn: str
    path: str = DEFAULT_PATH
    trust_policy: Mapping[str, Any] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    permissions_boundary: str = ""
    max_session_duration: int = DEFAULT_SESSION
    description: str = ""
    policies: Mapping[str, dict[str, Any] | None] = field(default_factory=dict)
    """Documents of the wanted inline policies that exist; for a role to be removed, all names, without documents."""
    other_policies: Mapping[str, int] | None = None
    """Sizes of the inline policies that are not wanted; None where they were not read."""
    attached: frozenset[str] = frozenset()
    instance_profiles: tuple[str, ...] = ()
    orphans: tuple[Orphan, ...] = ()
    """What its trust policy has of OIDC providers that are gone."""
    gone: frozenset[str] = frozenset()
    """ARNs of those of these providers whose statements are to be taken out."""


@dataclass(frozen=True)
class Write:
    """One call of IAM (its Python name) and what it changes, in words."""

    operation: str
    arguments: Mapping[str, Any]
    change: str


def role_writes(current: Current, after: Current) -> list[Write]:
    """What changes the role itself and its tags; notes are written before the policies that they note."""
    writes = []
    if (current.description, current.max_session_duration) != (after.description, after.max_session_duration):
        # UpdateRole resets what it is not given: https://docs.aws.amazon.com/IAM/latest/APIReference/API_UpdateRole.html
        writes.append(
            write_of(
                "update_role",
                current,
                "role: update description or session duration",
                Description=after.description,
                MaxSessionDuration=after.max_session_duration,
            )
        )
    if current.permissions_boundary != after.permissions_boundary:
        if after.permissions_boundary:
            boundary = after.permissions_boundary
            writes.append(
                write_of(
                    "put_role_permissions_boundary",
                    current,
                    f"permissions boundary: {boundary}",
                    PermissionsBoundary=boundary,
                )
            )
        else:
            writes.append(write_of("delete_role_permissions_boundary", current, "permissions boundary: remove"))
    tags = {key: value for key, value in after.tags.items() if current.tags.get(key) != value}
    if tags:
        writes.append(write_of("tag_role", current, f"tags: set {', '.join(sorted(tags))}", Tags=tag_list(tags)))
    return writes


def policy_writes(current: Current, after: Current) -> list[Write]:
    """What adds policies; those that shrink come first, so that the others have room for certain."""
    grown = {name: _size(document) - _size(current.policies.get(name)) for name, document in after.policies.items()}
    writes = [
        write_of(
            "put_role_policy",
            current,
            f"policy {name}: put",
            PolicyName=name,
            PolicyDocument=_policy.to_json(document),
        )
        for name, document in sorted(after.policies.items(), key=lambda item: (grown[item[0]] > 0, item[0]))
        if document is not None and not _policy_meaning.same(document, current.policies.get(name))
    ]
    writes += [
        write_of("attach_role_policy", current, f"managed policy {arn}: attach", PolicyArn=arn)
        for arn in sorted(after.attached - current.attached)
    ]
    return writes


def trust_writes(current: Current, trust: TrustPlan) -> list[Write]:
    """What changes who may assume the role."""
    if not trust.changed or trust.after is None:
        return []
    words = [f"add {item.subject}" for item in trust.added] + [f"remove {item.subject}" for item in trust.removed]
    words += [f"remove what trusts {arn}, which is gone" for arn in trust.pruned]
    return [
        write_of(
            "update_assume_role_policy",
            current,
            f"trust policy: {', '.join(words)}",
            PolicyDocument=_policy.to_json(trust.after),
        )
    ]


def purge_writes(current: Current, purged: Mapping[str, set[str]], notes_gone: list[str]) -> list[Write]:
    """What takes policies away, and their notes after them."""
    writes = [delete_policy(current, name) for name in sorted(purged["policies"])]
    writes += [detach(current, arn) for arn in sorted(purged["managed_policies"])]
    if notes_gone:
        writes.append(write_of("untag_role", current, f"tags: remove {', '.join(notes_gone)}", TagKeys=notes_gone))
    return writes


def inline_size(role: Current) -> int:
    """Characters of the role's inline policies, as far as they were read."""
    return sum(map(_size, role.policies.values())) + sum((role.other_policies or {}).values())


def _size(document: Mapping[str, Any] | None) -> int:
    return _policy.size(document) if document else 0


def delete_policy(current: Current, name: str) -> Write:
    """Delete an inline policy."""
    return write_of("delete_role_policy", current, f"policy {name}: delete", PolicyName=name)


def detach(current: Current, arn: str) -> Write:
    """Detach a managed policy."""
    return write_of("detach_role_policy", current, f"managed policy {arn}: detach", PolicyArn=arn)


def write_of(operation: str, current: Current, change: str, **arguments: Any) -> Write:
    """A call about the role."""
    return Write(operation, {"RoleName": current.name, **arguments}, change)


def tag_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """Tags as IAM's API has them."""
    return [{"Key": key, "Value": value} for key, value in sorted(tags.items())]
