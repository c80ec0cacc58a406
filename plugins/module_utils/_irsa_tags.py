# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Tags of a role that note which of its policies this collection put there, so that purging never takes a foreign one.

They are written before the policy and removed after it: a run that is killed in between leaves a note too many, never
one too few, and the next run finishes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ansible_collections.ekspress.eks.plugins.module_utils import _arn

RESERVED = "ekspress.eks/"
INLINE = f"{RESERVED}policy/"
MANAGED = f"{RESERVED}managed-policy/"
INLINE_VALUE = "inline"


def inline_tag(name: str) -> str:
    """The key of the note for an inline policy."""
    return f"{INLINE}{name}"


def managed_tag(arn: str) -> tuple[str, str]:
    """Key and value of the note for an attached policy: its name, and whose it is ('aws' or an account).

    A policy's name is unique in its account whatever its path, so that both together stand for the ARN, which would
    not fit into a tag.
    """
    policy = _arn.parse(arn)
    return f"{MANAGED}{policy.name}", policy.account


def notes(policies: Iterable[str], managed_policy_arns: Iterable[str]) -> dict[str, str]:
    """The notes for these policies."""
    return {inline_tag(name): INLINE_VALUE for name in policies} | dict(map(managed_tag, managed_policy_arns))


def noted_policies(tags: Mapping[str, str]) -> set[str]:
    """Names of the inline policies that are ours."""
    return {key.removeprefix(INLINE) for key in tags if key.startswith(INLINE)}


def noted_managed(tags: Mapping[str, str], attached: Iterable[str]) -> set[str]:
    """Those of the attached policies that are ours."""
    return {arn for arn in attached if managed_tag(arn) in tags.items()}


def own_tags(tags: Mapping[str, str]) -> dict[str, str]:
    """The tags that are not notes."""
    return {key: value for key, value in tags.items() if not key.startswith(RESERVED)}
