# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Charts: where they come from, and whether a release was made of a local one."""

from __future__ import annotations

import base64
import tarfile
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.ekspress.eks.plugins.module_utils._errors import EksError
from ansible_collections.ekspress.eks.plugins.module_utils._helm_charts import resolve, same_content

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


def recorded(**changes: str | None) -> dict[str, Any]:
    """The chart as Helm records it, with changed, added or (None) missing files."""
    files = {**FILES, **changes}
    entries = {
        name: {"name": name, "data": base64.b64encode(content.encode()).decode()}
        for name, content in files.items()
        if content is not None
    }
    return {
        "metadata": {"name": "web", "version": "1.0.0"},
        "templates": [entry for name, entry in entries.items() if name.startswith("templates/")],
        "files": [entry for name, entry in entries.items() if name.startswith("crds/")],
        "values": {"replicas": 1},
    }


@pytest.mark.parametrize(
    ("chart", "repository", "reference", "asked", "name"),
    [
        ("web", "https://charts.example", "web", "https://charts.example", "web"),
        ("oci://registry.example/charts/web", "", "oci://registry.example/charts/web", "", "web"),
        ("web", "oci://registry.example/charts/", "oci://registry.example/charts/web", "", "web"),
    ],
)
def test_a_chart_that_is_fetched(chart: str, repository: str, reference: str, asked: str, name: str) -> None:
    made = resolve(chart, repository, "1.0.0", "shop")
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
        resolve(chart, repository, version, "shop")


def test_a_directory_tells_name_and_version_by_itself(directory: Path) -> None:
    made = resolve(str(directory), "", "", "shop")
    assert (made.name, made.version, made.local) == ("web", "1.0.0", True)
    assert resolve("web", str(directory.parent), "1.0.0", "shop").reference == str(directory)


def test_a_directory_of_another_version_is_refused(directory: Path) -> None:
    with pytest.raises(EksError, match=r"version is 1\.0\.1, but the chart in .* is version 1\.0\.0"):
        resolve(str(directory), "", "1.0.1", "shop")


def test_what_is_no_chart_is_refused(directory: Path) -> None:
    (directory / "Chart.yaml").write_text("name: web\n")
    with pytest.raises(EksError, match="no name or version"):
        resolve(str(directory), "", "", "shop")
    (directory / "Chart.yaml").write_text("{")
    with pytest.raises(EksError, match="not YAML"):
        resolve(str(directory), "", "", "shop")


def test_a_release_of_the_same_files_is_unchanged(directory: Path) -> None:
    assert same_content(resolve(str(directory), "", "", "shop"), recorded())


@pytest.mark.parametrize(
    ("name", "content"),
    [("templates/web.yaml", "kind: Secret\n"), ("crds/web.yaml", ""), ("templates/more.yaml", "kind: Secret\n")],
)
def test_a_changed_or_new_file_under_the_same_version_counts(directory: Path, name: str, content: str) -> None:
    (directory / name).write_text(content)
    assert not same_content(resolve(str(directory), "", "", "shop"), recorded())


def test_a_removed_file_counts(directory: Path) -> None:
    (directory / "templates" / "web.yaml").unlink()
    assert not same_content(resolve(str(directory), "", "", "shop"), recorded())


def test_changed_default_values_count(directory: Path) -> None:
    (directory / "values.yaml").write_text("replicas: 2\n")
    assert not same_content(resolve(str(directory), "", "", "shop"), recorded())


@pytest.mark.parametrize("packed", [False, True])
def test_other_files_that_helm_recorded_count(directory: Path, tmp_path: Path, packed: bool) -> None:
    (directory / "conf").mkdir()
    (directory / "conf" / "web.txt").write_text("one")
    archive = tmp_path / "web.tgz"
    with tarfile.open(archive, "w:gz") as file:
        file.add(directory, "web")
    chart = resolve(str(archive if packed else directory), "", "", "shop")
    for content, found in (("one", True), ("two", False)):
        made = recorded()
        made["files"].append({"name": "conf/web.txt", "data": base64.b64encode(content.encode()).decode()})
        assert same_content(chart, made) is found
    made["files"][-1]["name"] = "conf/gone.txt"
    assert not same_content(chart, made)


def test_the_applications_version_counts(directory: Path) -> None:
    chart = directory / "Chart.yaml"
    text = chart.read_text()
    made = recorded()
    made["metadata"]["appVersion"] = "1.10"
    for written, found in (('"1.10"', True), ("1.10", True), ('"1.1"', False)):
        chart.write_text(f"{text}appVersion: {written}\n")
        assert same_content(resolve(str(directory), "", "", "shop"), made) is found
    chart.write_text(text)
    assert not same_content(resolve(str(directory), "", "", "shop"), made)


def test_a_byte_order_mark_that_helm_takes_away_does_not_count(directory: Path) -> None:
    path = directory / "templates" / "web.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert same_content(resolve(str(directory), "", "", "shop"), recorded())


def test_files_that_helm_does_not_record_do_not_count(directory: Path) -> None:
    (directory / "templates" / "web.yaml~").write_text("a backup")
    (directory / "README.md").write_text("words")
    assert same_content(resolve(str(directory), "", "", "shop"), recorded())


def test_an_archive_is_read_like_its_directory(directory: Path, tmp_path: Path) -> None:
    archive = tmp_path / "web-1.0.0.tgz"
    with tarfile.open(archive, "w:gz") as packed:
        packed.add(directory, "web")
    made = resolve(str(archive), "", "", "shop")
    assert (made.name, made.version) == ("web", "1.0.0")
    assert same_content(made, recorded())
    assert not same_content(made, recorded(**{"templates/web.yaml": "kind: Secret\n"}))


def test_a_file_that_is_no_archive_is_refused(tmp_path: Path) -> None:
    (tmp_path / "web.tgz").write_text("no archive")
    with pytest.raises(EksError, match="cannot be read"):
        resolve(str(tmp_path / "web.tgz"), "", "", "shop")
