# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The tag that marks queues and rules as this collection's, made for one cluster: set when they are created."""

from __future__ import annotations

from collections.abc import Mapping

from ansible_collections.ekspress.eks.plugins.module_utils._irsa_tags import RESERVED

CLUSTER = f"{RESERVED}cluster"
"""Its value is the cluster's name."""


def is_ours(tags: Mapping[str, str], cluster: str) -> bool:
    """Whether something with these tags was made for the cluster."""
    return tags.get(CLUSTER) == cluster


def stranger(tags: Mapping[str, str], cluster: str) -> str:
    """Whose something is that was not made for the cluster, and what to do, in a sentence."""
    other = tags.get(CLUSTER)
    if other is not None:
        return f"it exists and was made for the cluster {other!r} (its tag {CLUSTER}); take another name"
    return (
        f"it exists and is not marked as this module's; take another name, or hand it over by giving it the tag "
        f"{CLUSTER}={cluster}"
    )
