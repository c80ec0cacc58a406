# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The files of a chart that its .helmignore leaves out."""

from __future__ import annotations

import pytest
from ansible_collections.ekspress.eks.plugins.module_utils._errors import EksError
from ansible_collections.ekspress.eks.plugins.module_utils._helm_ignore import ignored, rules


@pytest.mark.parametrize(
    ("text", "path", "found"),
    [
        ("*.txt", "conf/deep/a.txt", True),
        ("/*.txt", "conf/a.txt", False),
        ("/*.txt", "a.txt", True),
        ("conf/*.txt", "conf/a.txt", True),
        ("conf/*.txt", "conf/deep/a.txt", False),
        ("conf/*", "conf/deep/a.txt", False),
        ("[ab].txt", "b.txt", True),
        ("[^a].txt", "a.txt", False),
        ("?.txt", "conf/a.txt", True),
        (r"x\[1\].txt", "x[1].txt", True),
        ("# a.txt", "a.txt", False),
        ("  a.txt  ", "a.txt", True),
        ("\ufeffa.txt", "a.txt", True),
        ("a.txt/", "a.txt", False),
        ("!a.txt", "a.txt", False),
        ("!a.txt", "b.txt", True),
        ("", "templates/.x", True),
        ("", "templates/x", False),
    ],
)
def test_a_rule(text: str, path: str, found: bool) -> None:
    assert ignored(rules(text), path, directory=False) is found


@pytest.mark.parametrize("line", ["a/**", "[a"])
def test_what_helm_refuses_is_refused(line: str) -> None:
    with pytest.raises(EksError, match=r"\.helmignore"):
        rules(line)
