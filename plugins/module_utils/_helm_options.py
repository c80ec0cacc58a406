# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Options of helm_releases, and releases made of them: everything that is wrong is found before anything is done."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any

from ansible_collections.ekspress.eks.plugins.module_utils import (
    _gates,
    _helm_graph,
    _helm_removal,
    _helm_uses,
    _helm_values_from,
)
from ansible_collections.ekspress.eks.plugins.module_utils._adapter import (
    aws_options,
    cluster_options,
    kubernetes_options,
)
from ansible_collections.ekspress.eks.plugins.module_utils._errors import EksError
from ansible_collections.ekspress.eks.plugins.module_utils._helm_charts import resolve
from ansible_collections.ekspress.eks.plugins.module_utils._helm_releases_plan import Release, check_names
from ansible_collections.ekspress.eks.plugins.module_utils._helm_values import HIDDEN, censored, check

TIMEOUT = 300
"""Seconds, Helm's own default."""


def argument_spec() -> dict[str, Any]:
    """The options of the module."""
    release = {
        "name": {"type": "str", "required": True},
        "namespace": {"type": "str", "default": "default"},
        "create_namespace": {"type": "bool", "default": False},
        "chart": {"type": "str"},
        "repository": {"type": "str"},
        "version": {"type": "str"},
        "digest": {"type": "str"},
        "values": {"type": "dict", "default": {}},
        "values_variable": {"type": "str"},
        "values_from": {"type": "list", "elements": "dict", "default": [], "options": _helm_values_from.options()},
        "needs": {"type": "list", "elements": "str", "default": []},
        "gates": {"type": "list", "elements": "dict", "default": [], "options": _gates.options()},
        "crds": {"type": "str", "choices": ["apply", "take_over", "skip"], "default": "apply"},
        "take_ownership": {"type": "bool", "default": False},
        "drift": {"type": "bool", "default": False},
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        "timeout": {"type": "int", "default": TIMEOUT},
        "plain_http": {"type": "bool"},
        **_helm_uses.options(),
        **_helm_removal.options(),
    }
    own = {
        "releases": {"type": "list", "elements": "dict", "required": True, "options": release},
        "concurrency": {"type": "int", "default": 4},
        "helm_binary": {"type": "path", "default": "helm", "aliases": ["binary_path"]},
        "plain_http": {"type": "bool", "default": False},
    }
    cluster = {name: {**spec, "required": False} for name, spec in cluster_options().items()}
    return {**aws_options(), **cluster, **kubernetes_options(), **own}


def parse(params: dict[str, Any]) -> dict[str, Release]:
    """The releases by their key, in the order given. Raises EksError on the first thing that is wrong."""
    if params["concurrency"] < 1:
        raise EksError(f"concurrency is {params['concurrency']}; give 1 or more.")
    keys = _keys(params["releases"])
    releases = {}
    for entry in params["releases"]:
        release = _release(entry, keys, params["plain_http"])
        releases[release.key] = release
    for release in releases.values():
        for need in release.needs:
            if release.chart is not None and releases[need].chart is None:
                raise EksError(
                    f"Release {release.key} needs {need}, which is to be absent. Keep {need} or remove both."
                )
    _helm_graph.check({release.key: release.needs for release in releases.values()})
    return releases


def order(releases: dict[str, Release], kept: Collection[str] = ()) -> dict[str, list[str]]:
    """What each release waits for: those it needs, and where it is to be absent those that need it.

    Of ``kept``, which are to be absent and will fail at once as they must stay, what needs them waits, and stays too.
    """
    waits: dict[str, list[str]] = {key: [] for key in releases}
    for release in releases.values():
        for need in release.needs:
            if releases[need].chart is None:
                waits[need].append(release.key)
            elif release.chart is not None:
                waits[release.key].append(need)
    for key in kept:
        waits[key] = []
        for other in sorted(_needing(releases, key) - set(kept)):
            waits[other].append(key)
    return waits


def _needing(releases: dict[str, Release], key: str) -> set[str]:
    """All that need a release, over others too."""
    found: set[str] = set()
    new = {key}
    while new:
        new = {release.key for release in releases.values() if new & set(release.needs)} - found
        found |= new
    return found


def shown(params: dict[str, Any]) -> dict[str, Any]:
    """The parameters with values hidden that look secret by their name; they may not be valid."""
    releases = params.get("releases")
    return {**params, "releases": list(map(_shown, releases))} if isinstance(releases, list) else params


def _shown(entry: Any) -> Any:
    if not isinstance(entry, dict):
        return entry
    made = dict(entry)
    if isinstance(entry.get("values"), dict):
        made["values"] = censored(entry["values"])
    if isinstance(entry.get("repository"), str) and "@" in entry["repository"]:
        made["repository"] = re.sub(r"//[^/]*@", f"//{HIDDEN}@", entry["repository"])
    return made


def _keys(entries: list[dict[str, Any]]) -> dict[str, list[str]]:
    """The keys behind each name that needs may use: a release's name, or namespace/name."""
    found: dict[str, list[str]] = {}
    for entry in entries:
        check_names(entry["name"], entry["namespace"])
        key = f"{entry['namespace']}/{entry['name']}"
        if key in found:
            raise EksError(f"Release {key} is listed twice. Give each release once.")
        found[key] = [key]
        found.setdefault(entry["name"], []).append(key)
    return found


def _release(entry: dict[str, Any], keys: dict[str, list[str]], plain_http: bool) -> Release:
    name, namespace, timeout = entry["name"], entry["namespace"], entry["timeout"]
    if timeout < 1:
        raise EksError(f"Release {name!r}: timeout is {timeout}; give 1 second or more.")
    variable = entry.get("values_variable") or ""
    check(entry["values"] or {}, f"Release {name!r}", variable)
    chart = None
    gates: tuple[_gates.Gate, ...] = ()
    sources: tuple[_helm_values_from.Source, ...] = ()
    if entry["state"] == "present":
        if not entry.get("chart"):
            raise EksError(f"Release {name!r}: chart is missing.")
        asked = [entry.get(option) or "" for option in ("chart", "repository", "version", "digest")]
        chart = resolve(*asked, release=name)
        gates = tuple(_gates.parse(gate, namespace, timeout, f"Release {name!r}") for gate in entry["gates"])
        sources = tuple(
            _helm_values_from.parse(source, namespace, entry["values"] or {}, f"Release {name!r}")
            for source in entry["values_from"]
        )
    own = entry.get("plain_http")
    return Release(
        name=name,
        namespace=namespace,
        chart=chart,
        values=entry["values"] or {},
        needs=tuple(dict.fromkeys(_need(need, name, keys) for need in entry["needs"])),
        gates=gates,
        timeout=timeout,
        create_namespace=entry["create_namespace"],
        crds=entry["crds"],
        take_ownership=entry["take_ownership"],
        drift=entry["drift"],
        values_variable=variable,
        sources=sources,
        used_by=_helm_uses.uses(entry["used_by"], f"Release {name!r}"),
        leftovers=_helm_removal.leftovers(entry["leftovers"]),
        plain_http=plain_http if own is None else own,
    )


def _need(need: str, name: str, keys: dict[str, list[str]]) -> str:
    found = keys.get(need, [])
    if len(found) == 1:
        return found[0]
    if found:
        raise EksError(f"Release {name!r} needs {need!r}, of which there are several: write one of {', '.join(found)}.")
    raise EksError(f"Release {name!r} needs {need!r}, which is not among the releases. Add it, or take the need away.")
