# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Which pods run on Fargate."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any


def profiles_for(profiles: Iterable[Mapping[str, Any]], namespace: str, labels: Mapping[str, str]) -> list[str]:
    """Names of the Fargate profiles that select a namespace's pods with these labels, in their order.

    One selector of a profile is enough; it has a namespace and labels, all of which a pod must have, with the wildcards
    * and ? in both. https://docs.aws.amazon.com/eks/latest/userguide/fargate-profile.html
    """
    return [
        profile["name"]
        for profile in profiles
        if any(
            _matches(selector["namespace"], namespace)
            and all(_has(labels, key, value) for key, value in selector["labels"].items())
            for selector in profile["selectors"]
        )
    ]


def _has(labels: Mapping[str, str], key: str, value: str) -> bool:
    return any(_matches(key, name) and _matches(value, text) for name, text in labels.items())


def _matches(pattern: str, text: str) -> bool:
    expression = re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".")
    return re.fullmatch(expression, text) is not None
