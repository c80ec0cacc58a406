# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The scripts behind make: set-up, steps, copies; and that the linters see what they are there to see."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import ansible_test
import pytest

from scripts import collection_tree, lint, sanity, setup
from scripts.steps import ROOT, Step, run, run_all


@pytest.mark.parametrize("place", ["/a b/eks", "/a:b/eks", "/a$b/eks", "/a#b/eks"])
def test_set_up_refuses_a_path_where_nothing_would_start(place: str) -> None:
    with pytest.raises(setup.SetupError, match="Move the checkout"):
        setup.check_machine(Path(place))


def test_set_up_refuses_a_python_that_is_too_new(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(setup, "SUPPORTED", ((3, 9), (3, 10)))
    with pytest.raises(setup.SetupError, match="make PYTHON="):
        setup.check_machine(Path("/checkout"))


def test_the_collection_is_linked_anew_after_a_move(tmp_path: Path) -> None:
    for place in (tmp_path / "old", tmp_path / "new"):
        place.mkdir()
        setup.link_collection(tmp_path / "packages", place)
        assert (tmp_path / "packages/ansible_collections/ekspress/eks").resolve() == place


def test_a_step_that_fails_shows_its_output_and_stops_no_other(capsys: pytest.CaptureFixture[str]) -> None:
    python = [sys.executable, "-c"]
    outcomes = run_all([Step("bad", [*python, "print('why'); exit(3)"]), Step("good", [*python, "print('fine')"])])
    assert [outcome.passed for outcome in outcomes] == [False, True]
    shown = capsys.readouterr().out
    assert "FAILED  bad" in shown
    assert "    why" in shown
    assert "ok      good" in shown
    assert "fine" not in shown


def test_a_step_whose_program_is_missing_fails() -> None:
    assert not run(Step("missing", ["/does/not/exist"])).passed


def test_a_word_that_no_linter_has_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert lint.main(["nonsense"]) == 2
    assert "ansible-test sanity" in capsys.readouterr().err


def test_the_archive_holds_what_users_need_and_nothing_else() -> None:
    names = collection_tree.delivered(ROOT)
    assert {"plugins/modules/cluster_info.py", "meta/runtime.yml", "playbooks/site.yml", "LICENSE"} <= set(names)
    left_out = ("sandbox/", "tests/", "scripts/", "extensions/", ".ci/", ".gitignore", "requirements/", "Makefile")
    assert [name for name in names if name.startswith(left_out)] == []
    assert "inventories/sandbox/hosts.yml" in names


def test_a_copy_follows_the_checkout(tmp_path: Path) -> None:
    source = tmp_path / "source"
    (source / "plugins").mkdir(parents=True)
    subprocess.run(["git", "init", "-q"], cwd=source, check=True)
    (source / "galaxy.yml").write_text("build_ignore: [sandbox]\n", encoding="utf-8")
    (source / "plugins/a.py").write_text("a = 1\n", encoding="utf-8")
    (source / "plugins/b.py").write_text("b = 1\n", encoding="utf-8")
    copied = collection_tree.copy(source, tmp_path / "copy")
    (source / "plugins/a.py").write_text("a = 22\n", encoding="utf-8")
    (source / "plugins/b.py").unlink()
    collection_tree.copy(source, tmp_path / "copy")
    assert (copied / "plugins/a.py").read_text(encoding="utf-8") == "a = 22\n"
    assert not (copied / "plugins/b.py").exists()


def test_the_pip_for_ansible_test_is_the_one_that_it_asks_for() -> None:
    source = Path(ansible_test.__file__).parent / "_internal" / "python_requirements.py"
    assert f"pip='{sanity.pip_version()}'" in source.read_text(encoding="utf-8")


def test_mypy_looks_into_our_own_modules(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    tree.mkdir()
    sample = tree / "sample.py"
    sample.write_text(
        "from ansible_collections.ekspress.eks.plugins.module_utils._errors import EksError\n\nEksError(message=1)\n",
        encoding="utf-8",
    )
    options = lint.mypy(tree)[:3]
    done = subprocess.run([*options, sample.name], cwd=tree, capture_output=True, text=True, check=False)
    assert 'Argument "message" to "EksError" has incompatible type "int"' in done.stdout, done.stdout + done.stderr


def test_validate_modules_compares_documentation_with_the_argument_spec(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    name = "plugins/modules/cluster_info.py"
    copied = collection_tree.copy(ROOT, tmp_path)
    text = (copied / name).read_text(encoding="utf-8")
    assert "  wait_timeout:\n" in text
    (copied / name).write_text(text.replace("  wait_timeout:\n", "  wait_tmieout:\n"), encoding="utf-8")
    assert sanity.run(tmp_path, ["--test", "validate-modules", name]) != 0
    shown = capfd.readouterr()
    assert "'wait_timeout' is listed in the argument_spec, but not documented" in shown.out + shown.err
