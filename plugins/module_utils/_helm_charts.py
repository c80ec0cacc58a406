# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Charts: where one comes from, and what of a local one is in a release already."""

from __future__ import annotations

import base64
import codecs
import posixpath
import re
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible.module_utils.common.yaml import yaml_load
from ansible_collections.ekspress.eks.plugins.module_utils._errors import EksError
from ansible_collections.ekspress.eks.plugins.module_utils._helm_values import same

CHART_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
EXACT_VERSION = re.compile(r"v?\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?")
"""Semantic version, with the v that some charts have. https://helm.sh/docs/topics/charts/#charts-and-versioning"""

MOST_BYTES = 20 * 1024 * 1024
"""Above what Helm itself reads of a chart's file (5 MiB) and what a release's Secret could hold (1 MiB)."""


@dataclass(frozen=True)
class Chart:
    """A chart as a release asks for it. ``files`` are a local chart's; None for one that is fetched."""

    reference: str
    """What helm is called with."""
    repository: str
    name: str
    version: str
    files: dict[str, bytes] | None = None
    directory: Path | None = None
    """Where the other files of an unpacked chart are; an archive's are among ``files``."""

    @property
    def local(self) -> bool:
        return self.files is not None


def resolve(chart: str, repository: str, version: str, release: str) -> Chart:
    """The chart of a release. Raises EksError where it is not there, or not said which one."""
    if chart.startswith(("/", "~")):
        return _local(Path(chart).expanduser(), version, release)
    if repository.startswith(("/", "~")):
        return _local(Path(repository).expanduser() / chart, version, release)
    if repository.startswith("oci://"):
        chart, repository = f"{repository.rstrip('/')}/{chart}", ""
    if chart.startswith("oci://"):
        name = posixpath.basename(chart.rstrip("/"))
        if ":" in name or "@" in name:
            raise EksError(f"Release {release!r}: set the option version, in place of the one in {chart}.")
        made = Chart(chart, "", name, version)
    elif repository.startswith(("https://", "http://")) and CHART_NAME.fullmatch(chart):
        made = Chart(chart, repository, chart, version)
    else:
        raise EksError(
            f"Release {release!r}: chart {chart!r} is none of: a chart's name beside repository (https://…, oci://… or "
            "a directory), an oci:// address, an absolute path of a chart's directory or archive."
        )
    if not version:
        raise EksError(f"Release {release!r}: version is missing; a chart that is fetched needs its exact version.")
    if not EXACT_VERSION.fullmatch(version):
        raise EksError(
            f"Release {release!r}: {version!r} is no exact chart version such as 1.2.3 (ranges would drift)."
        )
    return made


def same_version(left: str, right: str) -> bool:
    """Whether two versions name the same chart: a leading v does not count, as in Helm's own resolution."""
    return left.removeprefix("v") == right.removeprefix("v")


def _local(path: Path, version: str, release: str) -> Chart:
    files = _read(path, release)
    metadata = _yaml(files.get("Chart.yaml"), f"{path}: Chart.yaml", release)
    name, found = str(metadata.get("name", "")), str(metadata.get("version", ""))
    if not name or not found:
        raise EksError(f"Release {release!r}: {path} is not a chart: its Chart.yaml has no name or version.")
    if version and not same_version(version, found):
        raise EksError(f"Release {release!r}: version is {version}, but the chart in {path} is version {found}.")
    return Chart(str(path), "", name, found, files, path if path.is_dir() else None)


def _read(path: Path, release: str) -> dict[str, bytes]:
    try:
        files = dict(_directory(path) if path.is_dir() else _archive(path))
    except (OSError, tarfile.TarError) as error:
        raise EksError(
            f"Release {release!r}: the chart {path} cannot be read: {error}. "
            "Check the path (repository, or addon_chart_source): it must lead to a chart's directory or archive."
        ) from error
    if sum(map(len, files.values())) > MOST_BYTES:
        raise EksError(
            f"Release {release!r}: the chart {path} is larger than {MOST_BYTES} bytes; is it a chart's directory?"
        )
    return files


def _directory(path: Path) -> Iterator[tuple[str, bytes]]:
    yield "Chart.yaml", (path / "Chart.yaml").read_bytes()
    for top in ("values.yaml", "templates", "crds"):
        found = path / top
        for item in [found] if found.is_file() else sorted(found.rglob("*")):
            if item.is_file():
                yield item.relative_to(path).as_posix(), item.read_bytes()


def _archive(path: Path) -> Iterator[tuple[str, bytes]]:
    with tarfile.open(path) as archive:
        for member in archive:
            inner = member.name.partition("/")[2]
            if member.isfile() and not inner.startswith("charts/"):
                stream = archive.extractfile(member)
                yield inner, stream.read(MOST_BYTES) if stream else b""


def _content(chart: Chart, name: str) -> bytes | None:
    """A file of a local chart as Helm records it, None where it is not there."""
    content = (chart.files or {}).get(name)
    if content is None and chart.directory is not None and (chart.directory / name).is_file():
        content = (chart.directory / name).read_bytes()
    return None if content is None else content.removeprefix(codecs.BOM_UTF8)


def _yaml(content: bytes | None, what: str, release: str) -> dict[str, Any]:
    try:
        parsed = yaml_load(content or b"")
    except Exception as error:  # whatever the YAML library raises for what is not YAML
        raise EksError(f"Release {release!r}: {what} is not YAML: {error}") from error
    return parsed if isinstance(parsed, dict) else {}


def same_content(chart: Chart, stored: dict[str, Any]) -> bool:
    """Whether a release was made of a local chart's present files and default values.

    Helm's record holds a chart's own files, without its subcharts'; its values are those of the file only where there
    are no subcharts. A chart that is fetched is known by its version.
    """
    if chart.files is None:
        return True
    recorded = {
        item["name"]: base64.b64decode(item.get("data") or "")
        for item in [*(stored.get("templates") or []), *(stored.get("files") or [])]
    }
    if any(_content(chart, name) != content for name, content in recorded.items()):
        return False
    # Of files that are not recorded only these are certain to be none that .helmignore names.
    new = [name for name in chart.files if name.startswith(("templates/", "crds/")) and name not in recorded]
    if any(name.endswith((".yaml", ".yml", ".tpl", ".txt")) for name in new):
        return False
    metadata = _yaml(chart.files.get("Chart.yaml"), "Chart.yaml", chart.name)
    version = metadata.get("appVersion", "")
    # Of one without quotes YAML leaves a number, Helm the text.
    if isinstance(version, str) and version != (stored.get("metadata") or {}).get("appVersion", ""):
        return False
    if stored.get("lock") or (stored.get("metadata") or {}).get("dependencies"):
        return True
    return same(_yaml(chart.files.get("values.yaml"), "values.yaml", chart.name), stored.get("values") or {})
