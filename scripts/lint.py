# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Runs every linter: python -m scripts.lint [part of a title ...] runs those whose title has one of the words."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from pathlib import Path

from scripts import collection_tree
from scripts.steps import BUILD, CORES, ROOT, VENV, Step, program, run_all

# ansible-lint finds our own names only below a directory ansible_collections, here the one of the environment.
COLLECTIONS = {"ANSIBLE_COLLECTIONS_PATH": str(next((VENV / "lib").glob("python3*/site-packages")))}
# antsibull-docs copies the collections that ours needs as git lists them, and git must not take .venv for ours.
NO_GIT_ABOVE = {"GIT_CEILING_DIRECTORIES": str(VENV)}
TYPED = ("plugins", "tests")
"""Directories that are imported as ansible_collections.ekspress.eks."""
PACKAGES = ("sandbox", "scripts", "tests")
"""Directories that are imported by their own name."""


def steps() -> list[Step]:
    """All linters, the longest first, as they run side by side."""
    return [
        Step("ansible-test sanity", [sys.executable, "-m", "scripts.sanity"]),
        Step("mypy", mypy, directory=BUILD / "mypy"),
        Step("ansible-lint, profile production", [program("ansible-lint"), "--offline"], COLLECTIONS),
        Step("antsibull-docs", _antsibull_docs, COLLECTIONS | NO_GIT_ABOVE),
        Step("antsibull-changelog", [program("antsibull-changelog"), "lint"]),
        Step("yamllint", [program("yamllint"), "--strict", "."]),
        Step("ruff check", [program("ruff"), "check", "--quiet", "."]),
        Step("ruff format", [program("ruff"), "format", "--check", "--quiet", "--diff", "."]),
    ]


def own_checks() -> Step:
    """The project's own checks, which are tests, and the tests that each of them can fail."""
    return Step("own checks", [program("pytest"), "-q", "tests/lint"])


def mypy(tree: Path = BUILD / "mypy") -> list[str]:
    """Link our modules below tree under the names by which they import each other; return the command to run there.

    Without that mypy finds them in site-packages and takes them for untyped strangers.
    """
    collection_tree.link(ROOT, tree, TYPED)
    for name in PACKAGES:
        collection_tree.link_one(tree / name, ROOT / name)
    targets = ["ansible_collections/ekspress/eks/plugins", *PACKAGES]
    for namespace in sorted((ROOT / "tests").glob("*/collections/ansible_collections/*")):
        collection_tree.link_one(tree / "ansible_collections" / namespace.name, namespace)
        targets.append(f"ansible_collections/{namespace.name}")
    return [program("mypy"), "--config-file", str(ROOT / "pyproject.toml"), *targets]


def _antsibull_docs() -> Sequence[str]:
    command = [program("antsibull-docs"), "lint-collection-docs", "--plugin-docs", "--skip-rstcheck"]
    return [*command, "--validate-collection-refs=self", "."]


def main(words: Sequence[str]) -> int:
    """Run the linters that are asked for; return 0 only if all passed."""
    chosen = [step for step in (*steps(), own_checks()) if not words or any(word in step.title for word in words)]
    return lint(chosen)


def lint(chosen: Sequence[Step]) -> int:
    """Run linters side by side and say how they went; return 0 only if all passed."""
    if not chosen:
        print(f"no linter has such a title; there are: {', '.join(step.title for step in steps())}", file=sys.stderr)
        return 2
    (BUILD / "mypy").mkdir(parents=True, exist_ok=True)
    print(f"lint: {len(chosen)} checks on {CORES} cores, first run 2 minutes, then half a minute", flush=True)
    began = time.monotonic()
    failed = [outcome.title for outcome in run_all(chosen) if not outcome.passed]
    ending = f"failed: {', '.join(failed)}" if failed else "all passed"
    print(f"lint: {len(chosen)} checks in {time.monotonic() - began:.0f} s, {ending}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
