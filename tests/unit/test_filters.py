# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Filters made of functions: errors are explained, and Ansible's containers become ordinary ones."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

import pytest
from ansible.errors import AnsibleFilterError
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template
from ansible_collections.ekspress.eks.plugins.module_utils._errors import EksError, named
from ansible_collections.ekspress.eks.plugins.plugin_utils._filters import explained, plain, with_plain

PLUGINS = "ansible_collections.ekspress.eks.plugins.filter"
TWICE = [{"name": "web", "releases": []}] * 2
WRONG: dict[str, list[Any]] = {
    "access_mappings": [
        [{"role": "a/b/", "user": "c"}],
        {"account": "1", "partition": "aws", "authentication_mode": "API"},
    ],
    "addon_plan": [TWICE],
    "addon_releases": [TWICE, "upstream", {}],
    "cluster_autoscaler_groups": [
        {"name": "blue", "node_groups": [], "auto_scaling_groups": []},
        {},
        ["nobody"],
    ],
}
"""What each filter that refuses something is called with."""


def filter_of(name: str) -> Callable[..., Any]:
    found: dict[str, Callable[..., Any]] = import_module(f"{PLUGINS}.{name}").FilterModule().filters()
    return found[name]


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_said_as_filters_say_it(name: str) -> None:
    with pytest.raises(AnsibleFilterError) as caught:
        filter_of(name)(*WRONG[name])
    assert isinstance(caught.value.__cause__, EksError)
    assert caught.value.__cause__.message in str(caught.value)


def test_other_mistakes_are_not_dressed_up() -> None:
    def broken() -> None:
        raise ValueError("a mistake of ours")

    with pytest.raises(ValueError, match="a mistake of ours"):
        explained(broken)()


def test_templates_in_containers_are_filled_in() -> None:
    variables = {
        "inner": "filled in",
        "outer": {"items": [trust_as_template("{{ inner }}"), {"pair": trust_as_template("{{ inner }}")}]},
    }
    seen: list[Any] = []

    def keep(*arguments: Any, **options: Any) -> int:
        seen.extend([*arguments, *options.values()])
        return len(seen)

    templar = Templar(loader=DataLoader(), variables=variables)
    lazy = templar.template(trust_as_template("{{ outer }}"))
    assert with_plain(keep)(lazy, option=lazy) == 2
    for value in (*seen, plain(lazy)):
        assert value == {"items": ["filled in", {"pair": "filled in"}]}
        assert (type(value), type(value["items"]), type(value["items"][1])) == (dict, list, dict)


@pytest.mark.parametrize(
    ("names", "words"),
    [([], ""), (["a"], "a"), (["a", "b"], "a, b"), (["a", "b", "c"], "a, b and 1 more")],
)
def test_messages_name_the_first_of_many(names: list[str], words: str) -> None:
    assert named(names, 2) == words
