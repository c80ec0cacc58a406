# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""From the specifications of add-ons to what irsa_roles and helm_releases take."""

from __future__ import annotations

from typing import Any

from ansible_collections.ekspress.eks.plugins.module_utils._errors import EksError

UPSTREAM = "upstream"


def identities(specs: list[dict[str, Any]], state: str = "present") -> list[dict[str, Any]]:
    """The IAM roles of the add-ons whose identity has this state; options left empty are left out."""
    wanted = [spec["identity"] for spec in specs if spec.get("identity")]
    return [
        {key: value for key, value in identity.items() if value not in ("", None)}
        for identity in wanted
        if identity.get("state", "present") == state
    ]


def releases(specs: list[dict[str, Any]], chart_source: str) -> list[dict[str, Any]]:
    """The releases of all add-ons, each with its chart's address and the releases that it needs.

    An add-on's needs become the releases of the add-ons it names; a needed add-on that is not part of this run counts
    as there. Raises EksError where two add-ons have one name.
    """
    names = [spec["name"] for spec in specs]
    if len(set(names)) != len(names):
        raise EksError(f"Two add-ons have the same name: {', '.join(sorted(names))}. Give each add-on once.")
    of_addon = {spec["name"]: list(map(_key, spec["releases"])) for spec in specs}
    made = []
    for spec in specs:
        needed = [name for addon in spec.get("needs") or [] for name in of_addon.get(addon, [])]
        for release in spec["releases"]:
            addressed = _addressed(release, chart_source)
            addressed["needs"] = [*release.get("needs", []), *needed]
            made.append(addressed)
    return made


def _key(release: dict[str, Any]) -> str:
    """What needs call a release, also where another namespace has one of its name."""
    return f"{release['namespace']}/{release['name']}" if release.get("namespace") else str(release["name"])


def _addressed(release: dict[str, Any], chart_source: str) -> dict[str, Any]:
    if chart_source == UPSTREAM:
        return dict(release)
    rest = {key: value for key, value in release.items() if key != "repository"}
    return {**rest, "chart": f"{chart_source.rstrip('/')}/{release['chart']}"}
