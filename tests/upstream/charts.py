# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Which charts the add-on roles pin, and where their unpacked folders are: EKS_CHARTS, a folder a chart."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from tests.contract.extract import ROOT
from tests.contract.render import cluster_variables, specification

VARIABLE = "EKS_CHARTS"
USAGE = f"{VARIABLE}=/a/directory make test-upstream"


class ChartsError(Exception):
    """Charts are not where they are said to be."""


def add_on_roles(roles: Path = ROOT / "roles") -> list[str]:
    """The roles that have a specification, ``__<role>_spec``."""
    files = {variables.parent.parent.name: variables for variables in sorted(roles.glob("*/vars/main.yml"))}
    return [
        role for role, file in files.items() if re.search(rf"^__{role}_spec:", file.read_text("utf-8"), re.MULTILINE)
    ]


def pinned_releases(role: str, directory: Path, **variables: Any) -> list[dict[str, Any]]:
    """The releases of a role, with the charts of a directory, and with variables in place of the role's defaults."""
    wanted = specification(role, cluster_variables() | variables)["releases"]
    return [{**release, "chart": str(directory / release["chart"])} for release in wanted]


def charts_directory(given: str) -> Path:
    """The directory of charts, absolute, as EKS_CHARTS gives it.

    Raises ChartsError where it is not given, or where a chart that a role pins is not in it in that version.
    """
    if not given:
        raise ChartsError(f"{VARIABLE} is not set: it names a directory of unpacked charts, a folder a chart; {USAGE}")
    directory = Path(given).expanduser().resolve()
    if not directory.is_dir():
        raise ChartsError(f"{VARIABLE} is {given}, which is no directory; {USAGE}")
    wrong = [
        problem
        for role in add_on_roles()
        for release in pinned_releases(role, directory)
        if (problem := _problem(role, Path(release["chart"]), str(release["version"])))
    ]
    if wrong:
        raise ChartsError(f"{VARIABLE} is {given}, where {'; '.join(wrong)}")
    return directory


def _problem(role: str, chart: Path, version: str) -> str:
    description = chart / "Chart.yaml"
    if not description.is_file():
        return f"there is no folder {chart.name} with the chart {chart.name} {version} of the role {role}"
    found = str((yaml.safe_load(description.read_text(encoding="utf-8")) or {}).get("version", ""))
    if found.removeprefix("v") != version.removeprefix("v"):
        return f"{chart.name} is version {found or 'unknown'}, and the role {role} pins {version}"
    return ""
