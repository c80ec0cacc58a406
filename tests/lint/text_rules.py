# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What may stand in no file of the project, whatever its language."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

LONGEST = 400
ONE_FILE = ("roles/kubeconfig/files/ekspress_credential.py",)
"""Programs that people copy: two files would be one too many."""
HEADER = (
    "# Copyright: (c) 2026, ekspress.eks contributors\n"
    "# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)\n"
)
GENERATED = re.compile(r"LICENSE|CHANGELOG\.rst|changelogs/changelog\.yaml|requirements/.*\.txt|.*/go\.(mod|sum)")

# Each pattern is written so that it does not match itself.
ANYWHERE = {
    "a path of one machine": r"(?<![\w.{}$*-])/(?:root|home/(?!\w*\{)\w+|Users/\w+|work)/\w",
    "a package registry by its host": r"pypi[.]org|python[h]osted|proxy[.]golang|sum[.]golang|registry[.]npmjs",
    "work left for later": r"\b(?:T[O]DO|FIX[M]E|X[X]X|HA[C]K)\b|\bfor n[o]w\b|\bnot impl[e]mented\b",
    "a silence without a reason's code": r"#\s*no[q]a\s*$|#\s*type:\s*ign[o]re\s*$|#\s*ruff:\s*no[q]a\s*$",
    "a failure that is swallowed": r"\|\|\s*tr[u]e\b|ignore_err[o]rs:\s*(?:true|yes)|failed_wh[e]n:\s*(?:false|no)\s*$",
}
IN_TESTS = {
    "a test that is switched off": r"pytest\.(?:mark\.)?(?:sk[i]p|xf[a]il)|\bassert Tr[u]e\b",
    "a fixed sleep": r"ansible\.builtin\.pa[u]se",
}


def problems(root: Path, names: Iterable[str]) -> list[str]:
    """What is wrong with these files of root, one line each."""
    found: list[str] = []
    for name in names:
        if GENERATED.fullmatch(name):
            continue
        try:
            text = (root / name).read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        found += [f"{name}{problem}" for problem in _file(root, name, text)]
    return found


def _file(root: Path, name: str, text: str) -> Iterator[str]:
    if name.endswith(".py") and text and not text.removeprefix("#!/usr/bin/python\n").startswith(HEADER):
        yield ": does not begin with the two lines of copyright and licence"
    lines = text.splitlines()
    if name.endswith((".py", ".yml", ".yaml")) and len(lines) > LONGEST and name not in ONE_FILE:
        yield f": has {len(lines)} lines; a reader would rather find two files of less than {LONGEST}"
    for page in sorted(set(re.findall(r"(?<![\w/])docs/[\w/]+\.md\b", text))):
        if not (root / page).exists():
            yield f": names {page}, which does not exist"
    rules = ANYWHERE | (IN_TESTS if name.startswith(("tests/", "extensions/")) else {})
    for what, pattern in rules.items():
        for number, line in enumerate(lines, start=1):
            if match := re.search(pattern, line):
                yield f":{number}: {what}: {match[0]}"
    if name.endswith(".md"):
        lost = [target for target in _links(text) if not (root / name).parent.joinpath(target).exists()]
        yield from (f": links to {target}, which does not exist" for target in lost)
    if name.startswith("tests/") and name.endswith(".py"):
        yield from (
            f":{line}: a fixed sleep: wait for a condition, with a deadline" for line in _sleeps(ast.parse(text))
        )


def _sleeps(node: ast.AST, in_loop: bool = False) -> Iterator[int]:
    """Lines of sleeps outside a loop: within one they are the beat of a poll."""
    if isinstance(node, ast.Call) and not in_loop and ast.unparse(node.func) in ("time.sleep", "sleep"):
        yield node.lineno
    for child in ast.iter_child_nodes(node):
        yield from _sleeps(child, in_loop or isinstance(node, ast.While | ast.For))


def _links(text: str) -> list[str]:
    """Where the links of a Markdown file go within the project."""
    return [target for target in re.findall(r"\]\(([^)\s#]+)[^)]*\)", text) if "://" not in target]
