# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A test that fails may try again, alone; one that fails twice, or one of many, fails the run."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from scripts.test import SECOND_TRIES
from scripts.test import test as run_tests

UNSTABLE = """
import pathlib
import pytest

@pytest.mark.parametrize("number", range({count}))
def test_unstable(number):
    seen = pathlib.Path(f"seen-{{number}}")
    assert seen.exists() or seen.touch()
"""


def passes(directory: Path, text: str) -> bool:
    (directory / "test_some.py").write_text(text, encoding="ascii")
    return run_tests(directory, [sys.executable, "-m", "pytest", "test_some.py"])


def test_few_that_pass_alone_are_named(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert passes(tmp_path, UNSTABLE.format(count=SECOND_TRIES))
    assert "UNSTABLE" in capfd.readouterr().out


@pytest.mark.parametrize(
    "text",
    [
        "def test_broken(): assert False",
        UNSTABLE.format(count=SECOND_TRIES + 1),
        "import nothing_of_this_name",
        "",
    ],
    ids=["fails twice", "many", "not collected", "no test"],
)
def test_the_run_fails(tmp_path: Path, text: str) -> None:
    assert not passes(tmp_path, text)


def test_what_an_earlier_run_left_counts_for_nothing(tmp_path: Path) -> None:
    assert not passes(tmp_path, "def test_some(): assert False")
    assert not passes(tmp_path, "import nothing_of_this_name")
    assert passes(tmp_path, "def test_some(): pass")
