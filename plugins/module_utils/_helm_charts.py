# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Charts: where one comes from, and by what digest a release knows it."""

from __future__ import annotations

import hashlib
import posixpath
import re
import tarfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible.module_utils.common.yaml import yaml_load
from ansible_collections.ekspress.eks.plugins.module_utils._errors import EksError
from ansible_collections.ekspress.eks.plugins.module_utils._helm_ignore import kept_files

CHART_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
EXACT_VERSION = re.compile(r"v?\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?")
"""Semantic version, with the v that some charts have. https://helm.sh/docs/topics/charts/#charts-and-versioning"""

DIGEST = re.compile(r"(sha256:)?([0-9a-f]{64})")

MOST_BYTES = 100 * 1024 * 1024
"""What Helm itself reads of a chart, unpacked."""

UNREADABLE = (OSError, EOFError, zlib.error, tarfile.TarError)
"""What reading a directory, or an archive that may be cut or no archive, raises."""


@dataclass(frozen=True)
class Chart:
    """A chart as a release asks for it."""

    reference: str
    """What helm is called with."""
    repository: str
    name: str
    version: str
    digest: str = ""
    """SHA-256 in hexadecimal of an archive, or of a directory's files; '' for one to be fetched that is not pinned."""
    local: bool = False


def resolve(chart: str, repository: str, version: str, digest: str = "", *, release: str) -> Chart:
    """The chart of a release. Raises EksError where it is not there, or not said which one."""
    pinned = _digest(digest, release)
    if chart.startswith(("/", "~")):
        return _local(Path(chart).expanduser(), version, release, pinned)
    if repository.startswith(("/", "~")):
        return _local(Path(repository).expanduser() / chart, version, release, pinned)
    if repository.startswith("oci://"):
        chart, repository = f"{repository.rstrip('/')}/{chart}", ""
    if chart.startswith("oci://"):
        name = posixpath.basename(chart.rstrip("/"))
        if ":" in name or "@" in name:
            raise EksError(f"Release {release!r}: set the option version, in place of the one in {chart}.")
        made = Chart(chart, "", name, version, pinned)
    elif repository.startswith(("https://", "http://")) and CHART_NAME.fullmatch(chart):
        made = Chart(chart, repository, chart, version, pinned)
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


def _digest(text: str, release: str) -> str:
    found = DIGEST.fullmatch(text)
    if text and not found:
        raise EksError(f"Release {release!r}: {text!r} is no digest of a chart's archive: sha256: and 64 digits.")
    return found[2] if found else ""


def _local(path: Path, version: str, release: str, pinned: str) -> Chart:
    try:
        packed = not path.is_dir()
        digest = sha256(path) if packed else directory_digest(path)
        metadata = unpacked(path, release)
    except UNREADABLE as error:
        raise EksError(
            f"Release {release!r}: the chart {path} cannot be read: {error}. "
            "Check the path (repository, or addon_chart_source): it must lead to a chart's directory or archive."
        ) from error
    name, found = str(metadata.get("name", "")), str(metadata.get("version", ""))
    if not name or not found:
        raise EksError(f"Release {release!r}: {path} is not a chart: its Chart.yaml has no name or version.")
    if version and not same_version(version, found):
        raise EksError(f"Release {release!r}: version is {version}, but the chart in {path} is version {found}.")
    if pinned and packed and pinned != digest:
        raise EksError(
            f"Release {release!r}: digest is sha256:{pinned}, but the archive {path} has sha256:{digest}. "
            "Take the archive that is meant, or set its digest."
        )
    return Chart(str(path), "", name, found, digest, local=True)


def sha256(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def directory_digest(directory: Path) -> str:
    """One SHA-256 of the names and contents of all files that Helm reads of an unpacked chart."""
    made = hashlib.sha256()
    size = 0
    for name in kept_files(directory):
        content = (directory / name).read_bytes()
        size += len(content)
        if size > MOST_BYTES:
            raise OSError(f"it holds more than {MOST_BYTES} bytes; is it a chart's directory?")
        made.update(f"{len(name)} {name} {len(content)} ".encode())
        made.update(content)
    return made.hexdigest()


def chart_files(path: Path) -> Iterator[tuple[str, bytes]]:
    """Names, without the chart's own directory, and contents of the files of a chart's directory or archive."""
    if path.is_dir():
        for name in kept_files(path):
            yield name, (path / name).read_bytes()
        return
    with tarfile.open(path) as archive:
        for member in archive:
            stream = archive.extractfile(member) if member.isfile() else None
            if stream:
                yield member.name.partition("/")[2], stream.read(MOST_BYTES)


def unpacked(path: Path, release: str) -> dict[str, Any]:
    """What the Chart.yaml of a chart's directory or archive says."""
    if path.is_dir():
        content = (path / "Chart.yaml").read_bytes()
    else:
        content = next((content for name, content in chart_files(path) if name == "Chart.yaml"), b"")
    try:
        parsed = yaml_load(content)
    except Exception as error:  # whatever the YAML library raises for what is not YAML
        raise EksError(f"Release {release!r}: {path}: Chart.yaml is not YAML: {error}") from error
    return parsed if isinstance(parsed, dict) else {}
