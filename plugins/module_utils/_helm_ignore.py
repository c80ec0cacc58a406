# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Which files of an unpacked chart Helm reads: all but those that its .helmignore names.

https://helm.sh/docs/chart_template_guide/helm_ignore_file/
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.ekspress.eks.plugins.module_utils._errors import EksError

ALWAYS = "templates/.?*"
"""What Helm leaves out of every chart."""


@dataclass(frozen=True)
class Rule:
    """A line of the file."""

    pattern: re.Pattern[str]
    base_only: bool
    """Whether it is held against the last part of a path alone."""
    directories_only: bool
    negated: bool

    def matches(self, path: str) -> bool:
        return self.pattern.fullmatch(path.rpartition("/")[2] if self.base_only else path) is not None


def rules(text: str) -> list[Rule]:
    """The rules of a .helmignore, with Helm's own last. Raises EksError for what Helm does not take."""
    lines = [line.strip() for line in text.removeprefix("\ufeff").splitlines()]
    return [_rule(line) for line in [*lines, ALWAYS] if line and not line.startswith("#")]


def _rule(line: str) -> Rule:
    if "**" in line:
        raise EksError(f"The rule {line!r} of .helmignore has two stars, which Helm does not take.")
    negated = line.startswith("!")
    text = line.removeprefix("!")
    directories_only = text.endswith("/")
    text = text.removesuffix("/")
    return Rule(_pattern(text.removeprefix("/"), line), "/" not in text, directories_only, negated)


def ignored(found: list[Rule], path: str, *, directory: bool) -> bool:
    """Whether Helm leaves a path out: the first rule that decides counts.

    A negated rule leaves out, in Helm, whatever it does not match.
    """
    for rule in found:
        if rule.negated:
            if (rule.directories_only and not directory) or not rule.matches(path):
                return True
        elif rule.matches(path) and (directory or not rule.directories_only):
            return True
    return False


def kept_files(directory: Path) -> list[str]:
    """The files of an unpacked chart that Helm reads, in order, with links followed."""
    file = directory / ".helmignore"
    found = rules(file.read_text(encoding="utf-8", errors="replace") if file.is_file() else "")
    return sorted(_walk(directory, "", found, frozenset()))


def _walk(directory: Path, prefix: str, found: list[Rule], above: frozenset[str]) -> Iterator[str]:
    real = os.path.realpath(directory)
    if real in above:
        raise OSError(f"{directory} is a link to a directory above it")
    with os.scandir(directory) as entries:
        for entry in entries:
            path = f"{prefix}{entry.name}"
            if ignored(found, path, directory=entry.is_dir()):
                continue
            if entry.is_dir():
                yield from _walk(directory / entry.name, f"{path}/", found, above | {real})
            else:
                yield path


def _pattern(text: str, line: str) -> re.Pattern[str]:
    """A shell pattern as Go reads it: stars and question marks stop at a slash, a backslash is before what is meant.

    https://pkg.go.dev/path/filepath#Match
    """
    made, position = "", 0
    while position < len(text):
        character = text[position]
        if character == "[":
            end = text.find("]", position + 2)
            if end < 0:
                raise EksError(f"The rule {line!r} of .helmignore has a [ without its ].")
            inner = text[position + 1 : end].replace("[", r"\[")
            made += f"[{inner}]"
            position = end
        elif character == "\\" and position + 1 < len(text):
            position += 1
            made += re.escape(text[position])
        else:
            made += {"*": "[^/]*", "?": "[^/]"}.get(character, re.escape(character))
        position += 1
    try:
        return re.compile(made, re.DOTALL)
    except re.error as error:
        raise EksError(f"The rule {line!r} of .helmignore is no pattern: {error}.") from error
