# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The role external_dns against upstream's facts: values, actions, defaults, and IAM roles for each instance alone."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml
from ansible_collections.ekspress.eks.plugins.module_utils import _policy
from ansible_collections.ekspress.eks.plugins.module_utils._external_dns_model import DEFAULTS

from tests.contract.check_values import load_facts, problems
from tests.contract.extract import ROOT
from tests.contract.render import REGIONS, cluster_variables, role_variables, specification
from tests.contract.upstream_documents import actions_beyond, actions_missing

ROLE, CHART = "external_dns", "external-dns"
PUBLIC: dict[str, Any] = {"name": "public", "zone_type": "public", "zones": ["sandbox.example.com"]}
EVERYTHING: dict[str, Any] = {
    **PUBLIC,
    "domain_filters": ["app.sandbox.example.com"],
    "exclude_domains": ["old.app.sandbox.example.com"],
    "sources": ["crd", "ingress", "service"],
    "annotation_filter": "PublicDNSName",
    "label_filter": "team=web",
    "ingress_class_names": ["public"],
    "namespace": "web",
    "fqdn_template": '{{ index .Annotations "PublicDNSName" }}.sandbox.example.com',
    "policy": "create-only",
    "owner_id": "web",
    "previous_owner_id": "old",
    "extra_args": {"aws-batch-change-size": 4000},
    "values": {"logFormat": "json", "resources": {"requests": {"memory": "64Mi"}}},
}
VARIANTS: list[dict[str, Any]] = [{}, {"external_dns_instances": [EVERYTHING]}, {"external_dns_state": "absent"}]


def facts() -> dict[str, Any]:
    """The facts of the chart's version that the role pins."""
    return load_facts(CHART, str(role_variables(ROLE)["external_dns_chart_version"]))


def policies(variables: dict[str, Any]) -> list[dict[str, Any]]:
    """The policies of the instances' IAM roles."""
    return [identity["policies"]["external-dns"] for identity in specification(ROLE, variables)["identities"]]


@pytest.mark.parametrize("variables", VARIANTS)
def test_every_value_that_the_role_sets_exists(variables: dict[str, Any]) -> None:
    spec = specification(ROLE, cluster_variables() | variables)
    assert spec["requirements"] == []
    for release in spec["releases"]:
        assert release["chart"] == CHART
        assert problems(facts(), release["values"]) == []
        for path in release["role_annotations"]:
            assert facts()["values"][path] == {"type": "object", "open": True}
        assert "zoneType" not in json.dumps(release["values"]), "the chart has no such value"


@pytest.mark.parametrize("partition", REGIONS)
def test_the_policy_grants_what_upstream_needs_in_each_partition(partition: str) -> None:
    public, private = policies(cluster_variables(partition))
    for document, zone in ((public, "ZPUBLIC"), (private, "ZPRIVATE")):
        _policy.parse(document, "the policy")
        _policy.require_resources(document, "the policy")
        assert actions_beyond(document, facts(), "iam_policy") == []
        assert actions_missing(document, facts(), "iam_policy") == []
        resources = {json.dumps(statement["Resource"]) for statement in document["Statement"]}
        assert resources == {'"*"', f'["arn:{partition}:route53:::hostedzone/{zone}"]'}


def test_only_the_list_of_zones_is_of_all_zones() -> None:
    (document, _private) = policies(cluster_variables())
    everywhere = [statement["Action"] for statement in document["Statement"] if statement["Resource"] == "*"]
    assert everywhere == ["route53:ListHostedZones"]
    assert not any("Condition" in statement for statement in document["Statement"])


def test_domain_filters_narrow_the_policy_by_the_key_of_upstreams_own_document() -> None:
    (document,) = policies(cluster_variables() | {"external_dns_instances": [EVERYTHING]})
    (change,) = [item for item in document["Statement"] if item["Action"] == "route53:ChangeResourceRecordSets"]
    (operator,) = change["Condition"]
    (key,) = change["Condition"][operator]
    assert change["Condition"][operator][key] == ["app.sandbox.example.com", "*.app.sandbox.example.com"]
    (abac,) = [item["statements"] for item in facts()["iam"] if item["document"] == "iam_policy_abac"]
    assert key in [found for statement in abac for found in statement["conditions"].get(operator, {})]


def test_each_instance_has_an_iam_role_of_its_own() -> None:
    spec = specification(ROLE, cluster_variables())
    assert [release["identity"] for release in spec["releases"]] == [item["name"] for item in spec["identities"]]
    assert len({item["name"] for item in spec["identities"]}) == len(spec["identities"]) == 2
    assert [item["service_accounts"] for item in spec["identities"]] == [
        [f"{release['namespace']}:{release['values']['serviceAccount']['name']}"] for release in spec["releases"]
    ]


def test_what_is_removed_needs_neither_zones_nor_policies() -> None:
    spec = specification(ROLE, cluster_variables() | {"external_dns_state": "absent", "__external_dns_zones": {}})
    assert spec["requirements"] == []
    assert {item["state"] for item in (*spec["identities"], *spec["releases"])} == {"absent"}
    assert not any("policies" in item for item in spec["identities"])


def test_what_is_wrong_is_a_requirement_that_is_not_met() -> None:
    instance = {**PUBLIC, "zones": ["example.net"]}
    (requirement,) = specification(ROLE, cluster_variables() | {"external_dns_instances": [instance]})["requirements"]
    assert requirement["met"] is False
    assert requirement["message"].startswith("external_dns_instances: instance public: zones has example.net: account")


def test_the_defaults_of_an_instance_are_those_that_are_documented() -> None:
    document = yaml.safe_load((ROOT / "roles" / ROLE / "meta" / "argument_specs.yml").read_text())
    options = document["argument_specs"]["main"]["options"]["external_dns_instances"]["options"]
    assert {name: option["default"] for name, option in options.items() if "default" in option} == DEFAULTS
    assert {name for name, option in options.items() if option.get("required")} == {"name", "zone_type", "zones"}
