# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Copies and links of the checkout in the shape ansible_collections/ekspress/eks, for programs that insist on it."""

from __future__ import annotations

import filecmp
import fnmatch
import importlib.util
import os
import shutil
import subprocess
from pathlib import Path

import yaml

COLLECTION = Path("ansible_collections", "ekspress", "eks")
NEEDED = ("amazon/aws", "kubernetes/core")


def files(root: Path) -> list[str]:
    """Files of the checkout, as git sees them: tracked ones and new ones that are not ignored."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True).stdout.split("\0")
    return sorted({name for name in listed if name and (root / name).is_file()})


def delivered(root: Path) -> list[str]:
    """Files that the collection's archive holds: all but those that galaxy.yml leaves out."""
    ignored = yaml.safe_load((root / "galaxy.yml").read_text(encoding="utf-8"))["build_ignore"]

    def kept(name: str) -> bool:
        places = [name, *map(str, Path(name).parents)]
        return not any(place != "." and fnmatch.fnmatch(place, pattern) for place in places for pattern in ignored)

    return [name for name in files(root) if kept(name)]


def copy(root: Path, parent: Path) -> Path:
    """Bring parent/ansible_collections/ekspress/eks in line with what the collection delivers; return it.

    ansible-test refuses a checkout that is reached through a link, so it gets a copy. Files that are the same are left
    alone. The collections that ours needs are linked beside it.
    """
    target = parent / COLLECTION
    wanted = delivered(root)
    for name in wanted:
        source, copied = root / name, target / name
        if not (copied.is_file() and filecmp.cmp(source, copied, shallow=True)):
            copied.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, copied)
    _remove_others(target, set(wanted))
    # Without a repository of its own ansible-test would ask the one above, which ignores what is built.
    subprocess.run(["git", "init", "--quiet"], cwd=target, check=True)
    for name in NEEDED:
        link_one(parent / "ansible_collections" / name, _installed() / name)
    return target


def link(root: Path, parent: Path, names: tuple[str, ...]) -> Path:
    """Make parent/ansible_collections/ekspress/eks with links to these directories of the checkout; return it."""
    target = parent / COLLECTION
    for name in names:
        link_one(target / name, root / name)
    return target


def _installed() -> Path:
    spec = importlib.util.find_spec("ansible_collections")
    places = list(spec.submodule_search_locations or ()) if spec else []
    for place in places:
        if Path(place, NEEDED[0]).is_dir():
            return Path(place)
    raise FileNotFoundError("amazon.aws is not installed with the package ansible; run: make clean lint")


def link_one(place: Path, target: Path) -> None:
    """Make place a link to target."""
    if place.is_symlink() and Path(os.readlink(place)) == target:
        return
    place.parent.mkdir(parents=True, exist_ok=True)
    place.unlink(missing_ok=True)
    place.symlink_to(target)


def _remove_others(target: Path, wanted: set[str]) -> None:
    for path in sorted(target.rglob("*"), reverse=True):
        name = path.relative_to(target)
        if name.parts[0] == ".git" or name.parts[:2] == ("tests", "output"):
            continue
        if path.is_dir() and not path.is_symlink():
            if not any(path.iterdir()):
                path.rmdir()
        elif str(name) not in wanted:
            path.unlink()
