# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""make test-upstream: which roles it takes, and that it says what is wrong with the charts it is given."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.steps import ROOT
from scripts.test import pytest_command
from tests.contract.render import role_variables
from tests.upstream import run
from tests.upstream.charts import ChartsError, add_on_roles, charts_directory, pinned_releases

CONTROLLER = "aws-load-balancer-controller"


def write_chart(directory: Path, name: str, version: str) -> None:
    (directory / name).mkdir()
    (directory / name / "Chart.yaml").write_text(f"name: {name}\nversion: {version}\n", encoding="utf-8")


def write_pinned_charts(directory: Path) -> None:
    """A folder for every chart that a role pins."""
    pinned = {
        Path(release["chart"]).name: str(release["version"])
        for role in add_on_roles()
        for release in pinned_releases(role, directory)
    }
    for name, version in pinned.items():
        write_chart(directory, name, version)


def test_roles_with_a_specification_are_taken(tmp_path: Path) -> None:
    for role, text in {
        "external_dns": "---\n__external_dns_spec:\n  name: external_dns\n",
        "access": "---\n__access_people: !unsafe '{{ x }}'\n",
        "network": "---\n# __network_spec:\n__other: {__network_spec: 1}\n",
    }.items():
        (tmp_path / role / "vars").mkdir(parents=True)
        (tmp_path / role / "vars" / "main.yml").write_text(text, encoding="utf-8")
    (tmp_path / "identity").mkdir()
    assert add_on_roles(tmp_path) == ["external_dns"]
    assert "alb_controller" in add_on_roles()


def test_the_charts_of_all_roles_in_their_versions_are_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "charts").mkdir()
    write_pinned_charts(tmp_path / "charts")
    monkeypatch.chdir(tmp_path)
    assert charts_directory("charts") == tmp_path / "charts"
    (release,) = pinned_releases("alb_controller", tmp_path / "charts")
    assert release["chart"] == str(tmp_path / "charts" / CONTROLLER)


@pytest.mark.parametrize(
    ("given", "said"),
    [("", "EKS_CHARTS is not set"), ("nowhere", "EKS_CHARTS is nowhere, which is no directory")],
)
def test_charts_that_are_not_given_are_an_error(given: str, said: str) -> None:
    with pytest.raises(ChartsError, match=said):
        charts_directory(given)


def test_a_missing_chart_and_another_version_are_named_with_their_role(tmp_path: Path) -> None:
    pinned = role_variables("alb_controller")["alb_controller_chart_version"]
    with pytest.raises(
        ChartsError, match=f"no folder {CONTROLLER} with the chart {CONTROLLER} {pinned} of the role alb"
    ):
        charts_directory(str(tmp_path))
    write_chart(tmp_path, CONTROLLER, "3.4.0")
    with pytest.raises(
        ChartsError, match=rf"{CONTROLLER} is version 3\.4\.0, and the role alb_controller pins {pinned}"
    ):
        charts_directory(str(tmp_path))
    (tmp_path / CONTROLLER / "Chart.yaml").write_text("", encoding="utf-8")
    with pytest.raises(ChartsError, match="is version unknown"):
        charts_directory(str(tmp_path))


def test_without_charts_nothing_is_run_and_the_exit_code_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("EKS_CHARTS", raising=False)
    assert run.main() == 2
    assert capsys.readouterr().err.startswith("error: EKS_CHARTS is not set")


def test_they_are_no_part_of_make_test() -> None:
    assert "tests/upstream" not in pytest_command(ROOT / "tests")
    assert "tests/unit" in pytest_command(ROOT / "tests")
