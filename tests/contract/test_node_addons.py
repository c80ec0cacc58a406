# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Roles cluster_autoscaler and node_termination_handler against upstream's facts: values, actions, events."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.ekspress.eks.plugins.module_utils import _policy

from tests.contract.check_values import load_facts, problems
from tests.contract.render import REGIONS, cluster_variables, policy, role_variables, specification
from tests.contract.upstream_documents import actions_beyond, actions_missing, pattern_differences

AUTOSCALER, HANDLER = "cluster_autoscaler", "node_termination_handler"
CHARTS = {AUTOSCALER: "cluster-autoscaler", HANDLER: "aws-node-termination-handler"}
KEY = "1234abcd-12ab-34cd-56ef-1234567890ab"
VARIANTS: list[tuple[str, dict[str, Any]]] = [
    (AUTOSCALER, {}),
    (
        AUTOSCALER,
        {
            "cluster_autoscaler_expander": "priority,least-waste",
            "cluster_autoscaler_expander_priorities": {10: [".*"], 50: [".*spot.*"]},
            "cluster_autoscaler_balancing_ignore_labels": ["example.com/rack"],
        },
    ),
    (HANDLER, {}),
    (HANDLER, {"node_termination_handler_kms_key": KEY}),
    (HANDLER, {"node_termination_handler_mode": "imds", "node_termination_handler_node_selector": {"a": "b"}}),
]
EXPLAINED = {
    AUTOSCALER: {},
    HANDLER: {
        "autoscaling:RecordLifecycleActionHeartbeat": "called where the values set heartbeatInterval",
    },
}
DOCUMENTS = {AUTOSCALER: "iam_policy_full_features", HANDLER: "iam_policy"}


def facts(role: str) -> dict[str, Any]:
    """The facts of the chart's version that the role pins."""
    return load_facts(CHARTS[role], str(role_variables(role)[f"{role}_chart_version"]))


@pytest.mark.parametrize(("role", "variables"), VARIANTS)
def test_every_value_that_the_role_sets_exists(role: str, variables: dict[str, Any]) -> None:
    (release,) = specification(role, cluster_variables() | variables)["releases"]
    assert release["chart"] == CHARTS[role]
    assert problems(facts(role), release["values"]) == []
    for path in release["role_annotations"]:
        assert facts(role)["values"][path] == {"type": "object", "open": True}


@pytest.mark.parametrize("partition", REGIONS)
@pytest.mark.parametrize("role", CHARTS)
def test_the_policy_grants_what_upstream_needs_in_each_partition(role: str, partition: str) -> None:
    document = policy(role, cluster_variables(partition))
    _policy.parse(document, "the policy")
    _policy.require_resources(document, "the policy")
    assert actions_beyond(document, facts(role), DOCUMENTS[role], EXPLAINED[role]) == []
    assert actions_missing(document, facts(role), DOCUMENTS[role]) == []
    arns = {item.split(":")[1] for item in json.dumps(document).replace('"', " ").split() if item.startswith("arn:")}
    assert arns == {partition}


@pytest.mark.parametrize("role", CHARTS)
def test_what_changes_something_is_bound_to_this_cluster(role: str) -> None:
    variables = cluster_variables(name="production-blue")
    for statement in policy(role, variables)["Statement"]:
        actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
        if all(action.split(":")[1].startswith(("Describe", "Get")) for action in actions):
            continue
        bound = json.dumps([statement["Resource"], statement.get("Condition")])
        assert "production-blue" in bound, statement


def test_the_autoscaler_may_scale_what_it_looks_for_and_what_is_tagged() -> None:
    spec = specification(AUTOSCALER, cluster_variables())
    (scale,) = [
        item for item in spec["identities"][0]["policies"]["cluster-autoscaler"]["Statement"] if item["Sid"] == "Scale"
    ]
    allowed = {key.removeprefix("aws:ResourceTag/"): value for key, value in scale["Condition"]["StringEquals"].items()}
    (release,) = spec["releases"]
    assert release["values"]["autoDiscovery"]["tags"] == [f"{key}={value}" for key, value in allowed.items()]
    managed, spot = spec["autoscaling_groups"]
    assert managed["required_tags"] == allowed
    assert spot["tags"] == allowed


@pytest.mark.parametrize(("version", "tag"), [("1.31", "v1.31."), ("1.34", "v1.34."), ("1.36", "v1.36.")])
def test_the_autoscaler_is_of_the_clusters_version(version: str, tag: str) -> None:
    variables = cluster_variables()
    variables["cluster_facts"]["version"] = version
    (release,) = specification(AUTOSCALER, variables)["releases"]
    assert release["values"]["image"]["tag"].startswith(tag)


def test_the_events_of_the_handler_are_upstreams() -> None:
    queue = specification(HANDLER, cluster_variables())["interruption_queue"]
    assert pattern_differences((rule["event_pattern"] for rule in queue["rules"]), facts(HANDLER)) == []
    assert len({rule["name"] for rule in queue["rules"]}) == len(queue["rules"])


def test_only_chosen_events_have_a_rule_and_a_hook() -> None:
    events = ["spot_interruption", "scheduled_change"]
    spec = specification(HANDLER, cluster_variables() | {"node_termination_handler_events": events})
    assert [rule["name"] for rule in spec["interruption_queue"]["rules"]] == [
        "production-blue-nth-spot-interruption",
        "production-blue-nth-scheduled-change",
    ]
    hooks = [entry["state"] for entry in spec["autoscaling_groups"] if entry["names"] and entry["lifecycle_hooks"]]
    assert hooks == ["absent"]


def test_the_handler_in_imds_mode_takes_back_what_queue_mode_made() -> None:
    spec = specification(HANDLER, cluster_variables() | {"node_termination_handler_mode": "imds"})
    assert spec["identities"][0]["state"] == spec["interruption_queue"]["state"] == "absent"
    assert {entry["state"] for entry in spec["autoscaling_groups"]} == {"absent"}
    assert spec["releases"][0]["state"] == "present"
    assert spec["releases"][0]["gates"][0]["kind"] == "daemonset"


@pytest.mark.parametrize(
    ("key", "resource", "aliases"),
    [
        (KEY, f"arn:aws:kms:eu-central-1:111122223333:key/{KEY}", None),
        (f"arn:aws:kms:eu-central-1:444455556666:key/{KEY}", f"arn:aws:kms:eu-central-1:444455556666:key/{KEY}", None),
        ("alias/events", "arn:aws:kms:eu-central-1:111122223333:key/*", "alias/events"),
    ],
)
def test_the_handler_may_decrypt_with_the_queues_key_alone(key: str, resource: str, aliases: str | None) -> None:
    document = policy(HANDLER, cluster_variables() | {"node_termination_handler_kms_key": key})
    statement = document["Statement"][-1]
    assert (statement["Action"], statement["Resource"]) == ("kms:Decrypt", resource)
    assert statement["Condition"]["StringEquals"] == {"kms:ViaService": "sqs.eu-central-1.amazonaws.com"}
    found = statement["Condition"].get("ForAnyValue:StringEquals", {}).get("kms:ResourceAliases")
    assert found == aliases
