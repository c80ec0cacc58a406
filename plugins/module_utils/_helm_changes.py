# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Objects in the cluster that are not as a chart or Helm's record has them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ansible_collections.ekspress.eks.plugins.module_utils._helm_differences import difference


@dataclass(frozen=True)
class Change:
    """An object that is missing or differs."""

    item: dict[str, Any]
    live: dict[str, Any] | None
    planned: dict[str, Any]
    """What the API would make of it."""
    force: bool

    @property
    def name(self) -> str:
        """What messages call it."""
        return f"{self.item['kind']} {self.item['metadata']['name']}"

    def shown(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """What a diff shows of it, before and after."""
        name = self.name
        if self.live is None:
            return {}, {name: "created"}
        before, after = difference(meant(self.live), meant(self.planned))
        return {f"{name}: {path}": value for path, value in before.items()}, {
            f"{name}: {path}": value for path, value in after.items()
        }


def meant(item: dict[str, Any]) -> dict[str, Any]:
    """An object without what the API keeps about it."""
    meta = item.get("metadata") or {}
    kept = {key: meta[key] for key in ("name", "namespace", "labels", "annotations") if meta.get(key)}
    return {**{key: value for key, value in item.items() if key != "status"}, "metadata": kept}
