# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Role alb_controller against upstream's facts: values that exist, a policy that allows no more than upstream's."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from ansible_collections.ekspress.eks.plugins.module_utils import _policy

from tests.contract.check_values import load_facts, problems
from tests.contract.iam_narrowness import differences, upstream_statements
from tests.contract.render import REGIONS, cluster_variables, policy, role_variables, specification

CHART = "aws-load-balancer-controller"
TAG = "elbv2.k8s.aws/cluster"


@pytest.fixture
def facts() -> dict[str, Any]:
    """The facts of the chart's version that the role pins."""
    return load_facts(CHART, str(role_variables("alb_controller")["alb_controller_chart_version"]))


def test_every_value_that_the_role_sets_exists(facts: dict[str, Any]) -> None:
    spec = specification("alb_controller", cluster_variables())
    (release,) = spec["releases"]
    assert release["chart"] == CHART
    assert release["values"]["clusterName"] == "production-blue"
    assert problems(facts, release["values"]) == []


def values(**variables: Any) -> dict[str, Any]:
    """The values of the release with some of the role's variables."""
    (release,) = specification("alb_controller", cluster_variables() | variables)["releases"]
    found: dict[str, Any] = release["values"]
    return found


PARAMS = {
    "scheme": "internal",
    "group": {"name": "shared"},
    "subnets": {"ids": ["subnet-0aaaaaaaaaaaaaaa1"]},
    "tags": [{"key": "cost-centre", "value": "4711"}],
}


@pytest.mark.parametrize(
    ("variables", "path", "expected"),
    [
        ({}, "enableServiceMutatorWebhook", False),
        ({"alb_controller_service_webhook": True}, "enableServiceMutatorWebhook", True),
        ({}, "defaultTags", {}),
        ({"alb_controller_tags": {"team": "platform"}}, "defaultTags", {"team": "platform"}),
        ({}, "ingressClassParams", {"create": True, "spec": {}}),
        ({"alb_controller_ingress_class_params": PARAMS}, "ingressClassParams", {"create": True, "spec": PARAMS}),
        ({}, "ingressClassConfig", {"default": False}),
        ({"alb_controller_ingress_class_default": True}, "ingressClassConfig", {"default": True}),
        ({"alb_controller_default_target_type": "ip"}, "defaultTargetType", "ip"),
        (
            {"alb_controller_values": {"enableServiceMutatorWebhook": True, "ingressClassParams": {"name": "own"}}},
            "ingressClassParams",
            {"create": True, "spec": {}, "name": "own"},
        ),
    ],
)
def test_each_variable_is_the_value_that_the_chart_has_for_it(
    facts: dict[str, Any], variables: dict[str, Any], path: str, expected: Any
) -> None:
    found = values(**variables)
    assert found[path] == expected
    assert type(found[path]) is type(expected)
    assert problems(facts, found) == []


def test_what_the_check_of_security_groups_relies_on_are_values_of_the_chart(facts: dict[str, Any]) -> None:
    assert {"webhookBindPort", "nameOverride", "podLabels"} <= set(facts["values"])


@pytest.mark.parametrize("partition", REGIONS)
def test_the_policy_has_upstreams_actions_and_conditions_at_least_as_narrow(
    facts: dict[str, Any], partition: str
) -> None:
    document = policy("alb_controller", cluster_variables(partition))
    _policy.parse(document, "the policy")
    _policy.require_resources(document, "the policy")
    assert differences(document, upstream_statements(facts, partition)) == []
    arns = {item.split(":")[1] for item in json.dumps(document).replace('"', " ").split() if item.startswith("arn:")}
    assert arns == {partition}


def test_what_the_controller_owns_is_this_clusters_alone() -> None:
    document = policy("alb_controller", cluster_variables(name="production-blue"))
    conditions = [statement.get("Condition", {}) for statement in document["Statement"]]
    named = [
        value
        for condition in conditions
        for key, value in condition.get("StringEquals", {}).items()
        if key.endswith(TAG)
    ]
    assert named == ["production-blue"] * 7
    assert [condition["ArnLike"] for condition in conditions if "ArnLike" in condition] == [
        {"ec2:Vpc": "arn:aws:ec2:*:*:vpc/vpc-0a1b2c3d4e5f67890"}
    ]


def test_the_policy_fits_into_a_role_for_the_longest_names() -> None:
    document = policy("alb_controller", cluster_variables("aws-us-gov", name="n" * 100))
    assert _policy.size(document) <= 10_240 * 0.8


def test_the_comparison_sees_what_is_more_and_what_is_less(facts: dict[str, Any]) -> None:
    upstream = upstream_statements(facts, "aws")
    document = policy("alb_controller", cluster_variables())

    def changed(number: int, **elements: Any) -> dict[str, Any]:
        other = copy.deepcopy(document)
        other["Statement"][number] |= elements
        return other

    for wrong in (
        changed(1, Action=["ec2:DescribeSubnets"]),
        changed(1, Action=[*document["Statement"][1]["Action"], "ec2:RunInstances"]),
        changed(5, Resource="*"),
        changed(7, Condition={}),
        changed(7, Condition={"StringEquals": {f"aws:RequestTag/{TAG}": "production-blue"}}),
        changed(6, Condition={"StringEquals": {f"aws:ResourceTag/{TAG}": "production-blue"}}),
        changed(0, Condition={"StringEquals": {"iam:AWSServiceName": "ec2.amazonaws.com"}}),
        changed(0, Condition={"StringLike": {"iam:AWSServiceName": "*"}}),
        changed(1, Effect="Deny"),
        {**document, "Statement": document["Statement"][1:]},
    ):
        assert differences(wrong, upstream) != [], wrong
    assert differences(policy("alb_controller", cluster_variables("aws-cn")), upstream) != []
