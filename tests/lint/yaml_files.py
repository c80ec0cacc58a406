# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Reads Ansible's YAML files as plain data."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml


class _Loader(yaml.SafeLoader):
    """Knows tags as !vault and !unsafe only as the text that they mark."""


_Loader.add_multi_constructor("!", lambda loader, _suffix, node: loader.construct_scalar(node))


def read(path: Path) -> Any:
    """The file's content, None where it is empty; a file that is no YAML raises yaml.YAMLError with its place."""
    with path.open(encoding="utf-8") as file:
        return yaml.load(file, Loader=_Loader)


def templated(value: Any) -> bool:
    """Whether Ansible fills the value in at run time, so that nothing can be said about it here."""
    return isinstance(value, str) and ("{{" in value or "{%" in value)
