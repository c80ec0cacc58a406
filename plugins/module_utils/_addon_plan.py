# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""From the specifications of add-ons to the options of the modules that converge them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ansible_collections.ekspress.eks.plugins.module_utils._errors import EksError
from ansible_collections.ekspress.eks.plugins.module_utils._helm_values import placed

PRESENT, ABSENT = "present", "absent"
UPSTREAM = "upstream"
ROLE_ANNOTATION = "eks.amazonaws.com/role-arn"
"""The annotation of a service account that names its IAM role.
https://docs.aws.amazon.com/eks/latest/userguide/associate-service-account-role.html"""


def plan(specs: list[dict[str, Any]]) -> dict[str, Any]:
    """What the add-ons want of AWS, and why some cannot work; their releases are those of releases().

    - ``refusals``: messages of the requirements that are not met, of the add-ons that are not removed.
    - ``reachable_ports``: TCP ports of nodes that the control plane must reach, sorted, of the same add-ons.
    - ``identities`` and ``interruption_queues``: by their state; options left empty are left out.
    - ``autoscaling_groups``: an entry for each group of each add-on, which owns its tags.

    Raises EksError where two add-ons have one name.
    """
    _check_names(specs)
    installed = [spec for spec in specs if not _removed(spec)]
    requirements = [item for spec in installed for item in spec.get("requirements") or []]
    return {
        "refusals": [item["message"] for item in requirements if not item["met"]],
        "reachable_ports": sorted({port for spec in installed for port in spec.get("reachable_ports") or []}),
        "identities": _by_state(item for spec in specs for item in spec.get("identities") or []),
        "interruption_queues": _by_state(filter(None, (spec.get("interruption_queue") for spec in specs))),
        "autoscaling_groups": [
            {**{key: value for key, value in entry.items() if key != "names"}, "name": name, "owner": spec["name"]}
            for spec in specs
            for entry in spec.get("autoscaling_groups") or []
            for name in entry["names"]
        ],
    }


def releases(
    specs: list[dict[str, Any]],
    chart_source: str,
    cluster: dict[str, Any],
    options: dict[str, Any] | None = None,
    digests: dict[str, str] | None = None,
) -> list[dict[str, Any]]:
    """The releases of all add-ons, each with its chart's address, the releases that it needs and its IAM role.

    An add-on's needs become the releases of the add-ons it names, and of those that all others need; a needed add-on
    that is not part of this run counts as there. ``cluster`` has the partition and account of the IAM roles,
    ``options`` are those of every release, and ``digests`` those of charts by their names. Raises EksError where two
    add-ons have one name, a release names no identity of its add-on, or a value is in the way of an annotation.
    """
    _check_names(specs)
    of_addon = {spec["name"]: list(map(_key, spec["releases"])) for spec in specs}
    everybodys = [spec["name"] for spec in specs if spec.get("needed_by_all")]
    made = []
    for spec in specs:
        addons = dict.fromkeys([*(spec.get("needs") or []), *([] if spec.get("needed_by_all") else everybodys)])
        needed = [name for addon in addons for name in of_addon.get(addon, [])]
        for release in spec["releases"]:
            complete = _addressed(_annotated(release, _identity(spec, release), cluster), chart_source)
            complete["needs"] = [*release.get("needs", []), *needed]
            digest = (digests or {}).get(release["chart"])
            made.append({**(options or {}), **complete, **({"digest": digest} if digest else {})})
    return made


def _check_names(specs: list[dict[str, Any]]) -> None:
    names = [spec["name"] for spec in specs]
    if len(set(names)) != len(names):
        raise EksError(f"Two add-ons have the same name: {', '.join(sorted(names))}. Give each add-on once.")


def _removed(spec: dict[str, Any]) -> bool:
    return bool(spec["releases"]) and all(_state(release) == ABSENT for release in spec["releases"])


def _by_state(parts: Iterable[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {PRESENT: [], ABSENT: []}
    for part in parts:
        found[_state(part)].append({key: value for key, value in part.items() if value not in ("", None)})
    return found


def _state(part: dict[str, Any]) -> str:
    return str(part.get("state", PRESENT))


def _identity(spec: dict[str, Any], release: dict[str, Any]) -> dict[str, Any]:
    """The IAM role of a release's service account: the one it names, else the only one of its add-on; {} for none."""
    identities = list(spec.get("identities") or [])
    wanted = release.get("identity")
    found = [item for item in identities if wanted in (None, item["name"])]
    if len(found) == 1 or not release.get("role_annotations"):
        return found[0] if len(found) == 1 else {}
    if wanted is None and not found:
        return {}
    raise EksError(
        f"Release {release['name']} of {spec['name']} names the identity {wanted!r}, but its add-on has "
        f"{', '.join(item['name'] for item in identities) or 'none'}. Name one of them."
    )


def _key(release: dict[str, Any]) -> str:
    """What needs call a release, also where another namespace has one of its name."""
    return f"{release['namespace']}/{release['name']}" if release.get("namespace") else str(release["name"])


def _annotated(release: dict[str, Any], identity: dict[str, Any], cluster: dict[str, Any]) -> dict[str, Any]:
    """The release with its IAM role annotated at each path of ``role_annotations`` in its values.

    One of them is the service account's. Another is the pods': a pod is given its role's credentials when it is
    created, so that pods must be made anew where the role changes, and an annotation of their template does that.
    """
    rest = {key: value for key, value in release.items() if key not in ("role_annotations", "identity")}
    paths = release.get("role_annotations") or []
    if not paths or not identity or _state(identity) == ABSENT:
        return rest
    values = release.get("values") or {}
    for path in paths:
        try:
            values = placed(values, [*path.split("."), ROLE_ANNOTATION], role_arn(identity, cluster))
        except TypeError as error:
            raise EksError(
                f"Release {release['name']}: the value {path} must be a map, as the IAM role's annotation goes there; "
                f"{error}."
            ) from error
    return {**rest, "values": values}


def role_arn(identity: dict[str, Any], cluster: dict[str, Any]) -> str:
    """The ARN of an identity's IAM role, which need not exist yet."""
    path = identity.get("path") or "/"
    return f"arn:{cluster['partition']}:iam::{cluster['account']}:role{path}{identity['name']}"


def _addressed(release: dict[str, Any], chart_source: str) -> dict[str, Any]:
    # An absolute path is a chart of the collection itself, which no other place has.
    if chart_source == UPSTREAM or str(release["chart"]).startswith("/"):
        return dict(release)
    rest = {key: value for key, value in release.items() if key != "repository"}
    return {**rest, "chart": f"{chart_source.rstrip('/')}/{release['chart']}"}
