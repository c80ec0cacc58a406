# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Archives of charts: fetched once a run, cached by their digest, and held to the digest that they had before."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tempfile
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ansible_collections.ekspress.eks.plugins.module_utils._context import Context
from ansible_collections.ekspress.eks.plugins.module_utils._errors import CancelledError, EksError
from ansible_collections.ekspress.eks.plugins.module_utils._helm_charts import (
    UNREADABLE,
    Chart,
    same_version,
    sha256,
    unpacked,
)
from ansible_collections.ekspress.eks.plugins.module_utils._helm_command import Helm, cache_directory
from ansible_collections.ekspress.eks.plugins.module_utils._helm_index import download, entry, without_user
from ansible_collections.ekspress.eks.plugins.module_utils._helm_releases_plan import Release


class Archives:
    """The charts of one run. Each archive is asked for once, whatever the number of releases made of it."""

    def __init__(self, helm: Helm, context: Context) -> None:
        self._helm = helm
        self._context = context
        self._once = Once()

    def fetch(self, release: Release, chart: Chart, recorded: str) -> Chart:
        """The chart as a local one. ``recorded`` is the start of the digest that this version had in the release.

        Raises EksError where it cannot be had, or is not what it was.
        """
        if chart.local:
            return chart
        source = chart.repository or chart.reference
        key = ("archive", source, chart.name, chart.version, chart.digest)
        try:
            digest = self._once(key, lambda: self._fetch(release, chart, source))
        except UNREADABLE as error:
            raise EksError(
                f"The archive of the chart {chart.name} {chart.version} cannot be read or kept in "
                f"{cache_directory()}: {error}. Check what the repository gives, and the disk."
            ) from error
        path = _path(digest)
        if recorded and not chart.digest and not digest.startswith(recorded):
            raise EksError(_changed(chart, source, f"{recorded}…", digest, "the release was made of"))
        return replace(chart, reference=str(path), repository="", digest=digest, local=True)

    def _fetch(self, release: Release, chart: Chart, source: str) -> str:
        """The digest of a chart's archive, which is in the cache afterwards."""
        note = _note(source, chart)
        known = _read_note(note)
        if chart.digest and _cached(chart.digest):
            _write(note, json.dumps({"digest": chart.digest}).encode())
            return _checked(chart, chart.digest)
        try:
            digest = self._download(release, chart)
        except CancelledError:
            raise
        except EksError as error:
            if not known or not _cached(known) or (chart.digest and chart.digest != known):
                raise
            self._context.warn(
                f"Release {release.key}: the chart {chart.name} {chart.version} could not be asked for, so its cached "
                f"archive (sha256:{known}) is used. {error.message}"
            )
            return known
        if chart.digest and chart.digest != digest:
            raise EksError(_changed(chart, source, chart.digest, digest, "the option digest asks for"))
        if known and known != digest and not chart.digest:
            raise EksError(_changed(chart, source, known, digest, "it had when it was taken before"))
        _write(note, json.dumps({"digest": digest}).encode())
        return digest

    def _download(self, release: Release, chart: Chart) -> str:
        if not chart.repository:
            return self._pulled(release, chart)
        index = self._once(("index", chart.repository), lambda: self._index(chart.repository))
        found = entry(index, chart.repository, chart.name, chart.version)
        if found.url.startswith("oci://"):
            return self._pulled(release, replace(chart, reference=found.url.removesuffix(f":{chart.version}")))
        if found.digest and _cached(found.digest):
            return _checked(chart, found.digest)
        content = download(found.url, chart.repository, self._context)
        digest = hashlib.sha256(content).hexdigest()
        if found.digest and found.digest != digest:
            raise EksError(
                f"{found.url} has the digest sha256:{digest}, but the repository's index says sha256:{found.digest}. "
                "Something changed it on the way, or the repository is not consistent."
            )
        _write(_path(digest), content)
        return _checked(chart, digest)

    def _index(self, repository: str) -> str:
        url = f"{without_user(repository).rstrip('/')}/index.yaml"
        return download(url, repository, self._context).decode("utf-8", "replace")

    def _pulled(self, release: Release, chart: Chart) -> str:
        with tempfile.TemporaryDirectory(prefix="pull-", dir=_directory()) as directory:
            self._helm.pull(release, chart, directory)
            made = [path for path in Path(directory).iterdir() if path.suffix == ".tgz"]
            if len(made) != 1:
                raise EksError(f"helm pull of the chart {chart.name} {chart.version} gave no archive.")
            digest = sha256(made[0])
            made[0].replace(_path(digest))
        return _checked(chart, digest)


class Once:
    """Values that are made once, by whoever asks first; others wait. What failed fails for all."""

    @dataclass
    class _Slot:
        lock: threading.Lock
        value: Any = None
        error: EksError | None = None
        done: bool = False

    def __init__(self) -> None:
        self._slots: dict[Any, Once._Slot] = {}
        self._lock = threading.Lock()

    def __call__(self, key: Any, make: Callable[[], str]) -> str:
        with self._lock:
            slot = self._slots.setdefault(key, Once._Slot(threading.Lock()))
        with slot.lock:
            if not slot.done:
                try:
                    slot.value = make()
                except EksError as error:
                    slot.error = error
                slot.done = True
        if slot.error is not None:
            raise slot.error
        return str(slot.value)


def _changed(chart: Chart, source: str, before: str, now: str, what: str) -> str:
    return (
        f"The chart {chart.name} {chart.version} of {without_user(source)} has the digest sha256:{now}, not "
        f"sha256:{before}, which {what}: somebody changed it under its version. Find out why; to take it nevertheless "
        f"set the release's digest to sha256:{now}."
    )


def _checked(chart: Chart, digest: str) -> str:
    """The digest, if its archive is the chart that was asked for."""
    metadata = unpacked(_path(digest), chart.name)
    name, version = str(metadata.get("name")), str(metadata.get("version"))
    if name != chart.name or not same_version(version, chart.version):
        raise EksError(f"The archive of the chart {chart.name} {chart.version} holds {name} {version}.")
    return digest


def _directory() -> Path:
    made = cache_directory() / "charts"
    made.mkdir(mode=0o700, exist_ok=True)
    return made


def _path(digest: str) -> Path:
    return _directory() / f"{digest}.tgz"


def _cached(digest: str) -> bool:
    path = _path(digest)
    with contextlib.suppress(OSError):
        return path.is_file() and sha256(path) == digest
    return False


def _note(source: str, chart: Chart) -> Path:
    """Where is noted what digest a version of a chart had when it was taken last."""
    asked = json.dumps([without_user(source), chart.name, chart.version.removeprefix("v")])
    return _directory() / f"{hashlib.sha256(asked.encode()).hexdigest()}.json"


def _read_note(path: Path) -> str:
    try:
        return str(json.loads(path.read_text(encoding="utf-8"))["digest"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def _write(path: Path, content: bytes) -> None:
    """Write a file as a whole or not at all."""
    handle, temporary = tempfile.mkstemp(dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
