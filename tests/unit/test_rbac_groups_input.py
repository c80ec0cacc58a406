# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What rbac_groups refuses before it asks any cluster."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.ekspress.eks.plugins.module_utils._errors import EksError
from ansible_collections.ekspress.eks.plugins.module_utils._rbac_groups_input import Group, argument_spec, wanted

RULE = {"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}


def read(*groups: dict[str, Any], **options: Any) -> tuple[Group, ...]:
    validated = ArgumentSpecValidator(argument_spec()).validate({"groups": list(groups), **options})
    assert not validated.error_messages
    return wanted(validated.validated_parameters)


def test_a_group_has_its_rights_in_all_namespaces_but_kubernetes_own_by_default() -> None:
    (group,) = read({"name": "debug", "rules": [RULE]})
    assert group == Group("debug", (RULE,), (), (), False, ("*",), ("kube-*",))


def test_a_rule_is_kept_in_kubernetes_words_without_what_is_empty() -> None:
    (group,) = read({"name": "a", "rules": [{**RULE, "resourceNames": [], "nonResourceURLs": []}]})
    assert group.rules == (RULE,)


def test_only_the_names_of_absent_groups_count() -> None:
    assert read({"name": "a"}, {"name": "b", "rules": [{"bad": 1}]}, state="absent") == (Group("a"), Group("b"))


@pytest.mark.parametrize(
    ("group", "message"),
    [
        ({"name": "a"}, "a may do nothing: give it rules"),
        ({"name": "system:masters", "rules": [RULE]}, "one of Kubernetes' own groups"),
        ({"name": "team/a", "rules": [RULE]}, "'team/a' cannot be a group here"),
        ({"name": "{{a}}", "rules": [RULE]}, "cannot be a group here"),
        ({"name": "a", "rules": [{**RULE, "api_groups": []}]}, "rule 1 has api_groups; a rule of RBAC has apiGroups"),
        ({"name": "a", "rules": [RULE, {**RULE, "verbs": []}]}, "rule 2 has no verbs"),
        ({"name": "a", "rules": [{"verbs": ["get"], "resources": ["pods"]}]}, 'needs apiGroups ("" for Pods'),
        ({"name": "a", "rules": [{**RULE, "verbs": "get"}]}, "verbs must be a list of texts, not 'get'"),
        ({"name": "a", "rules": [{**RULE, "resources": [1]}]}, "resources must be a list of texts"),
        ({"name": "a", "rules": [{"nonResourceURLs": ["/x"], "verbs": ["get"]}]}, "set scope to cluster"),
        (
            {"name": "a", "scope": "cluster", "rules": [{**RULE, "nonResourceURLs": ["/x"]}]},
            "make two rules of it",
        ),
        ({"name": "a", "rules": [RULE], "scope": "cluster", "namespaces": ["b"]}, "so namespaces cannot count"),
        (
            {"name": "a", "rules": [RULE], "scope": "cluster", "exclude_namespaces": []},
            "so exclude_namespaces cannot count",
        ),
        ({"name": "a", "rules": [RULE], "namespaces": ["Team"]}, "'Team' cannot be the name of a namespace"),
        ({"name": "a", "rules": [RULE], "exclude_namespaces": ["[a]"]}, "'[a]' cannot be the name of a namespace"),
        ({"name": "a", "cluster_roles": ["a/b"]}, "'a/b' cannot be the name of a ClusterRole"),
        ({"name": "a", "cluster_role_selectors": [{}]}, "are no labels"),
        ({"name": "a", "cluster_role_selectors": [{"a/b": True}]}, "true in quotes"),
        ({"name": "a", "cluster_role_selectors": [{"a b": "true"}]}, "are no labels"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_cannot_be_is_told_with_the_group(group: dict[str, Any], message: str) -> None:
    with pytest.raises(EksError, match=r"^groups: ") as raised:
        read(group)
    assert message in raised.value.message


def test_a_group_that_is_listed_twice_is_told() -> None:
    with pytest.raises(EksError, match="groups: a is listed twice"):
        read({"name": "a", "rules": [RULE]}, {"name": "a", "cluster_roles": ["view"]})


def test_purge_does_not_go_with_absent() -> None:
    with pytest.raises(EksError, match="purge goes with state: present"):
        read({"name": "a"}, state="absent", purge=True)
