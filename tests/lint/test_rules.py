# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The project keeps its own rules."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.collection_tree import files
from scripts.steps import ROOT
from tests.lint import inventory_rules, module_rules, role_rules, task_rules, text_rules

ROLES = sorted(path for path in (ROOT / "roles").iterdir() if path.is_dir())


def hold(problems: list[str]) -> None:
    """Fail with all problems, each in a line of its own."""
    assert not problems, "\n" + "\n".join(problems)


@pytest.mark.parametrize("role", ROLES, ids=[path.name for path in ROLES])
def test_role_and_its_argument_specs_agree(role: Path) -> None:
    hold(role_rules.problems(role))


def test_every_argument_of_every_task_exists_in_its_module() -> None:
    hold(task_rules.problems(ROOT))


def test_every_module_is_in_the_action_group_and_documented() -> None:
    hold(module_rules.problems(ROOT))


def test_no_file_holds_what_none_may() -> None:
    hold(text_rules.problems(ROOT, files(ROOT)))


def test_every_variable_of_the_inventories_is_known() -> None:
    hold(inventory_rules.problems(ROOT))
