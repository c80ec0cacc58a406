# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The groups of the role access: what they have, what they must not have, and what an inventory makes of them."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.ekspress.eks.plugins.module_utils._access_groups import OURS, groups
from ansible_collections.ekspress.eks.plugins.module_utils._errors import EksError
from ansible_collections.ekspress.eks.plugins.module_utils._rbac_groups_input import argument_spec, wanted

PLATFORM = ["kube-*", "traefik"]


def given(name: str) -> set[tuple[str, str, str]]:
    """API group, resource and verb of all that a group's own rules give."""
    (group,) = groups([{"name": name}], PLATFORM)
    return {
        combination
        for rule in group["rules"]
        for combination in itertools.product(rule["apiGroups"], rule["resources"], rule["verbs"])
    }


def test_they_are_what_the_module_takes() -> None:
    made = groups([{"name": name} for name in OURS], PLATFORM)
    validated = ArgumentSpecValidator(argument_spec()).validate({"groups": made})
    assert not validated.error_messages
    assert [group.name for group in wanted(validated.validated_parameters)] == list(OURS)


def test_readonly_reads_and_reads_no_secrets_roles_or_bindings() -> None:
    assert {verb for _group, _resource, verb in given("readonly")} == {"get", "list", "watch"}
    resources = {resource for _group, resource, _verb in given("readonly")}
    assert not resources & {"secrets", "nodes/proxy", "pods/exec", "clusterroles", "roles", "serviceaccounts/token"}
    assert all(group for group, resource, _verb in given("readonly") if resource == "*"), "never all of v1"


def test_readwrite_has_no_way_to_more_than_its_namespaces_hold() -> None:
    """Nothing of RBAC, of quotas, of the cluster, no program in pods, nobody else's name.

    No token by the API for tokens either; by a Secret or a pod there is one, and test_access_matrix shows it.
    """
    for group, resource, verb in given("readwrite"):
        assert "*" not in (group, resource, verb)
        assert group != "rbac.authorization.k8s.io"
        assert verb not in ("impersonate", "bind", "escalate")
        assert resource not in {
            "limitranges",
            "namespaces",
            "nodes",
            "persistentvolumes",
            "resourcequotas",
            "endpoints",
        }
        assert resource not in {"pods/attach", "pods/exec", "pods/portforward", "pods/proxy", "services/proxy"}
        assert resource not in {"pods/ephemeralcontainers", "serviceaccounts/token"}
    labels = [label for selector in OURS["readwrite"]["cluster_role_selectors"] for label in selector]
    assert labels == ["ekspress.eks/aggregate-to-readwrite"], "Kubernetes' edit would bring all of that"


def test_debugmode_is_logs_programs_ports_and_ephemeral_containers_and_nothing_else() -> None:
    assert {resource for _group, resource, _verb in given("debugmode")} == {
        "pods/attach",
        "pods/ephemeralcontainers",
        "pods/exec",
        "pods/log",
        "pods/portforward",
    }


@pytest.mark.parametrize("name", ["readwrite", "debugmode", "of-one-s-own"])
def test_rights_by_namespace_leave_out_the_platform_s_own(name: str) -> None:
    (group,) = groups([{"name": name}], [*PLATFORM, "traefik"])
    assert (group["scope"], group["exclude_namespaces"]) == ("namespaces", PLATFORM)
    (own,) = groups([{"name": name, "exclude_namespaces": ["payments", "traefik"]}], PLATFORM)
    assert own["exclude_namespaces"] == [*PLATFORM, "payments"], "no way into the platform's by naming another"


@pytest.mark.parametrize("name", ["readonly", "readwrite", "debugmode", "of-one-s-own"])
def test_the_platform_s_own_namespaces_are_asked_for_by_name(name: str) -> None:
    asked: dict[str, Any] = {"name": name, "scope": "namespaces", "platform_namespaces": True}
    (group,) = groups([asked], PLATFORM)
    assert group["exclude_namespaces"] == [], "and not left out, which to the module means those of Kubernetes"
    assert "platform_namespaces" not in group, "which the module does not know"
    (narrower,) = groups([{**asked, "exclude_namespaces": ["payments"]}], PLATFORM)
    assert narrower["exclude_namespaces"] == ["payments"]
    (no,) = groups([{**asked, "platform_namespaces": "no"}], PLATFORM)
    assert no["exclude_namespaces"] == PLATFORM


def test_readonly_is_of_the_whole_cluster_unless_the_inventory_says_where() -> None:
    (group,) = groups([{"name": "readonly"}], PLATFORM)
    assert group["scope"] == "cluster"
    assert "exclude_namespaces" not in group
    (narrow,) = groups([{"name": "readonly", "scope": "namespaces", "namespaces": ["team-*"]}], PLATFORM)
    assert (narrow["namespaces"], narrow["exclude_namespaces"]) == (["team-*"], PLATFORM)


def test_rules_are_added_to_those_of_ours_and_nothing_of_ours_changes() -> None:
    rule = {"apiGroups": ["karpenter.sh"], "resources": ["nodepools"], "verbs": ["get"]}
    before = len(OURS["readonly"]["rules"])
    (group,) = groups([{"name": "readonly", "rules": [rule], "cluster_roles": ["x"]}], PLATFORM)
    assert group["rules"] == [*OURS["readonly"]["rules"], rule]
    assert group["cluster_roles"] == ["x"]
    assert len(OURS["readonly"]["rules"]) == before


def test_a_group_of_one_s_own_is_as_it_is_said() -> None:
    own: dict[str, Any] = {"name": "team", "cluster_roles": ["edit"], "namespaces": ["team-*"], "scope": None}
    (group,) = groups([own], PLATFORM)
    assert group == {
        "name": "team",
        "rules": [],
        "cluster_role_selectors": [],
        "cluster_roles": ["edit"],
        "scope": "namespaces",
        "namespaces": ["team-*"],
        "exclude_namespaces": PLATFORM,
    }


@pytest.mark.parametrize(
    ("group", "message"),
    [
        ({}, "access_groups: entry 1 has no name"),
        ({"name": "a", "rule": []}, "access_groups: a has rule; it may have"),
        ({"name": "readonly", "platform_namespaces": True}, "readonly has scope cluster, which is not by namespace"),
        ({"name": "a", "platform_namespaces": "maybe"}, "platform_namespaces: 'maybe' is neither true nor false"),
    ],
)
def test_what_cannot_be_is_told(group: dict[str, Any], message: str) -> None:
    with pytest.raises(EksError) as raised:
        groups([group], PLATFORM)
    assert message in raised.value.message
