# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Local charts: whatever Helm reads of one is noticed, and nothing else."""

from __future__ import annotations

import subprocess
import tarfile
from pathlib import Path

import pytest
from ansible_collections.ekspress.eks.plugins.module_utils._helm_ignore import kept_files

from tests.integration.helm_releases_support import CONFIG_MAP, NOWHERE, Ground, write_chart
from tests.sandbox_fixtures import RunningSandbox

FILES = ("a.txt", "b.txt", "conf/a.txt", "conf/b.md", "conf/deep/a.txt", "templates/.x", "x[1].txt", "templates/a.txt")


@pytest.mark.parametrize(
    "text",
    ["", "*.txt", "conf/", "conf", "deep", "/a.txt", "conf/*.txt", "[ab].*", "!*.txt", "b*\n*.md", r"x\[1\].txt"],
)
def test_helm_reads_the_same_files_of_a_chart(sandbox: RunningSandbox, tmp_path: Path, text: str) -> None:
    chart = tmp_path / "web"
    for name in FILES:
        (chart / name).parent.mkdir(parents=True, exist_ok=True)
        (chart / name).write_text(name)
    write_chart(chart, CONFIG_MAP)
    (chart / ".helmignore").write_text(text)
    helm = Path(sandbox.state["bin"]) / "helm"
    made = subprocess.run(
        [helm, "package", chart, "--destination", tmp_path], capture_output=True, text=True, check=False
    )
    if "Chart.yaml" not in kept_files(chart):
        assert "Chart.yaml file is missing" in made.stderr
        return
    assert made.returncode == 0, made.stderr
    with tarfile.open(tmp_path / "web-1.0.0.tgz") as archive:
        assert {name.partition("/")[2] for name in archive.getnames()} == set(kept_files(chart))


def test_subcharts_and_schemas_count_and_what_is_ignored_does_not(ground: Ground, tmp_path: Path) -> None:
    chart = write_chart(tmp_path / "web", CONFIG_MAP)
    cache = tmp_path / "web" / "charts" / "cache"
    write_chart(cache, CONFIG_MAP.replace("}}\ndata", "}}-cache\ndata"))
    release = ground.release("web", chart)
    assert ground.run(release).states == {"web": "installed"}
    (tmp_path / "web" / ".helmignore").write_text("*.bak.yaml\n")
    assert ground.run(release).states == {"web": "upgraded"}

    (tmp_path / "web" / "templates" / "broken.bak.yaml").write_text("{{ fail }}")
    assert ground.run(release, helm_binary=NOWHERE).states == {"web": "unchanged"}
    (cache / "values.yaml").write_text("colour: red\n")
    run = ground.run(release)
    assert (run.states, run.result["releases"][0]["message"]) == ({"web": "upgraded"}, "the files of the chart changed")
    assert "red" in ground.kube.get(ground.path("configmaps", "web-cache"))["data"]["values"]
    (tmp_path / "web" / "values.schema.json").write_text("{}")
    assert ground.run(release).states == {"web": "upgraded"}
    assert ground.run(release, helm_binary=NOWHERE).states == {"web": "unchanged"}


def test_a_release_that_somebody_else_made_of_a_chart_is_upgraded_once(ground: Ground, tmp_path: Path) -> None:
    chart = write_chart(tmp_path / "web", CONFIG_MAP)
    command = [ground.options["helm_binary"], "install", "web", chart, "--namespace", ground.namespace]
    subprocess.run([*command, "--kubeconfig", ground.options["kubeconfig"]], check=True, capture_output=True)
    run = ground.run(ground.release("web", chart))
    assert run.states == {"web": "upgraded"}
    assert "is not known" in run.result["releases"][0]["message"]
    assert ground.run(ground.release("web", chart), helm_binary=NOWHERE).states == {"web": "unchanged"}
