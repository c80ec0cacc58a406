# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""EC2's rules for tags, and how many resources get theirs in few calls. Pure, no calls are made here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

MAXIMUM_TAGS = 50
"""User-made tags a resource may have; those that start with aws: do not count.
https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Tags.html#tag-restrictions"""
MAXIMUM_RESOURCES = 1000
"""Resources that one CreateTags or DeleteTags takes.
https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateTags.html"""
KEY_LENGTH = 127
VALUE_LENGTH = 256
"""Characters. The User Guide says 128 for a key, EC2's reference 127, and the lower one is safe in both.
https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_Tag.html"""


@dataclass(frozen=True)
class Write:
    """One call: ``tags`` are set on, or removed from, all ``resource_ids``."""

    operation: str
    """create_tags or delete_tags."""
    tags: tuple[tuple[str, str], ...]
    resource_ids: tuple[str, ...]


def grouped(operation: str, tags_by_resource: Mapping[str, Mapping[str, str]]) -> list[Write]:
    """The calls that set, or remove, the tags: resources with the same tags share one, MAXIMUM_RESOURCES at most.

    Removals name the value that was read, so that a tag which changed meanwhile stays
    (https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteTags.html).
    """
    groups: dict[tuple[tuple[str, str], ...], list[str]] = {}
    for resource_id, tags in sorted(tags_by_resource.items()):
        if tags:
            groups.setdefault(tuple(sorted(tags.items())), []).append(resource_id)
    return [
        Write(operation, tags, tuple(resource_ids[start : start + MAXIMUM_RESOURCES]))
        for tags, resource_ids in groups.items()
        for start in range(0, len(resource_ids), MAXIMUM_RESOURCES)
    ]
