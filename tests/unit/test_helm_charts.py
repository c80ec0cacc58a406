# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Charts: where they come from, and what their digests see."""

from __future__ import annotations

import hashlib
import random
import tarfile
from pathlib import Path

import pytest
from ansible_collections.ekspress.eks.plugins.module_utils._errors import EksError
from ansible_collections.ekspress.eks.plugins.module_utils._helm_charts import chart_files, resolve

FILES = {
    "Chart.yaml": "apiVersion: v2\nname: web\nversion: 1.0.0\n",
    "values.yaml": "replicas: 1\n",
    "templates/web.yaml": "kind: ConfigMap\n",
    "crds/web.yaml": "kind: CustomResourceDefinition\n",
}


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """An unpacked chart."""
    for name, content in FILES.items():
        path = tmp_path / "web" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return tmp_path / "web"


@pytest.mark.parametrize(
    ("chart", "repository", "reference", "asked", "name"),
    [
        ("web", "https://charts.example", "web", "https://charts.example", "web"),
        ("oci://registry.example/charts/web", "", "oci://registry.example/charts/web", "", "web"),
        ("web", "oci://registry.example/charts/", "oci://registry.example/charts/web", "", "web"),
    ],
)
def test_a_chart_that_is_fetched(chart: str, repository: str, reference: str, asked: str, name: str) -> None:
    made = resolve(chart, repository, "1.0.0", release="shop")
    assert (made.reference, made.repository, made.name, made.local) == (reference, asked, name, False)


@pytest.mark.parametrize(
    ("chart", "repository", "version", "words"),
    [
        ("web", "", "1.0.0", "none of"),
        ("./web", "", "", "none of"),
        ("stable/web", "https://charts.example", "1.0.0", "none of"),
        ("web", "https://charts.example", "", "version is missing"),
        ("web", "https://charts.example", "^1.0", "no exact chart version"),
        ("web", "https://charts.example", "1.x", "no exact chart version"),
        ("oci://registry.example/web:1.0.0", "", "1.0.0", "set the option version"),
        ("/nowhere/web", "", "", "cannot be read.*Check the path"),
    ],
)
def test_a_chart_that_is_not_said_exactly_is_refused(chart: str, repository: str, version: str, words: str) -> None:
    with pytest.raises(EksError, match=words):
        resolve(chart, repository, version, release="shop")


def test_a_directory_tells_name_and_version_by_itself(directory: Path) -> None:
    made = resolve(str(directory), "", "", release="shop")
    assert (made.name, made.version, made.local) == ("web", "1.0.0", True)
    assert resolve("web", str(directory.parent), "1.0.0", release="shop").reference == str(directory)


def test_a_directory_of_another_version_is_refused(directory: Path) -> None:
    with pytest.raises(EksError, match=r"version is 1\.0\.1, but the chart in .* is version 1\.0\.0"):
        resolve(str(directory), "", "1.0.1", release="shop")


def test_what_is_no_chart_is_refused(directory: Path) -> None:
    (directory / "Chart.yaml").write_text("name: web\n")
    with pytest.raises(EksError, match="no name or version"):
        resolve(str(directory), "", "", release="shop")
    (directory / "Chart.yaml").write_text("{")
    with pytest.raises(EksError, match="not YAML"):
        resolve(str(directory), "", "", release="shop")


def digest(path: Path) -> str:
    """The digest of a local chart."""
    return resolve(str(path), "", "", release="shop").digest


@pytest.mark.parametrize(
    "name",
    [
        "templates/web.yaml",
        "templates/more.yaml",
        "crds/web.yaml",
        "values.yaml",
        "values.schema.json",
        "conf/web.txt",
        "charts/cache/templates/cache.yaml",
        "charts/cache-1.0.0.tgz",
    ],
)
def test_a_changed_or_new_file_under_the_same_version_counts(directory: Path, name: str) -> None:
    before = digest(directory)
    (directory / name).parent.mkdir(parents=True, exist_ok=True)
    (directory / name).write_text("{}")
    changed = digest(directory)
    assert changed != before
    (directory / name).unlink()
    assert digest(directory) != changed


def test_names_and_contents_do_not_run_into_each_other(directory: Path) -> None:
    (directory / "a").write_text("bc")
    before = digest(directory)
    (directory / "a").rename(directory / "ab")
    (directory / "ab").write_text("c")
    assert digest(directory) != before


def test_files_that_helm_leaves_out_do_not_count(directory: Path) -> None:
    (directory / ".helmignore").write_text("*.bak\n")
    before = digest(directory)
    for name in ("templates/web.yaml.bak", "templates/.web.yaml.swp"):
        (directory / name).write_text("kind: Secret\n")
    assert digest(directory) == before


def test_an_archive_is_known_by_its_own_digest(directory: Path, tmp_path: Path) -> None:
    archive = tmp_path / "web-1.0.0.tgz"
    with tarfile.open(archive, "w:gz") as packed:
        packed.add(directory, "web")
    made = resolve(str(archive), "", "", release="shop")
    assert (made.name, made.version, made.local) == ("web", "1.0.0", True)
    assert made.digest == hashlib.sha256(archive.read_bytes()).hexdigest()
    assert resolve(str(archive), "", "", f"sha256:{made.digest}", release="shop") == made
    with pytest.raises(EksError, match=f"but the archive .* has sha256:{made.digest}"):
        resolve(str(archive), "", "", "0" * 64, release="shop")
    assert dict(chart_files(archive)) == dict(chart_files(directory))


def test_a_digest_that_is_none_is_refused() -> None:
    with pytest.raises(EksError, match="no digest of a chart's archive"):
        resolve("web", "https://charts.example", "1.0.0", "sha256:abc", release="shop")


def test_a_file_that_is_no_archive_is_refused(tmp_path: Path) -> None:
    (tmp_path / "web.tgz").write_text("no archive")
    with pytest.raises(EksError, match="cannot be read"):
        resolve(str(tmp_path / "web.tgz"), "", "", release="shop")


def test_an_archive_that_is_cut_is_refused(directory: Path, tmp_path: Path) -> None:
    # What cannot be compressed, so that the archive ends within it.
    (directory / "templates" / "a.yaml").write_bytes(random.Random(1).randbytes(100_000))
    packed = tmp_path / "web.tgz"
    with tarfile.open(packed, "w:gz") as archive:
        archive.add(directory / "templates", "web/templates")
        archive.add(directory / "Chart.yaml", "web/Chart.yaml")
    packed.write_bytes(packed.read_bytes()[:50_000])
    with pytest.raises(EksError, match=r"web\.tgz cannot be read"):
        resolve(str(packed), "", "", release="shop")


def test_a_directory_that_is_within_itself_is_refused(directory: Path) -> None:
    (directory / "charts").mkdir()
    (directory / "charts" / "self").symlink_to(directory)
    with pytest.raises(EksError, match="link to a directory above it"):
        resolve(str(directory), "", "", release="shop")
