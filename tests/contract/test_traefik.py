# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Role traefik against upstream's facts, and its own charts against each other."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml

from tests.contract.check_values import load_facts, problems
from tests.contract.extract import ROOT
from tests.contract.render import cluster_variables, role_variables, specification

FOUND = {"__traefik_inputs": {"vpc_cidrs": ["10.0.0.0/16"], "problems": []}}
PUBLIC: dict[str, Any] = {"name": "public", "hosts": ["*.example.com"]}
INTERNAL: dict[str, Any] = {"name": "internal", "scheme": "internal", "https": False, "target_type": "instance"}
VARIANTS: list[dict[str, Any]] = [
    {"traefik_instances": [PUBLIC]},
    {"traefik_instances": [PUBLIC, INTERNAL]},
    {
        "traefik_instances": [{**PUBLIC, "published_hostname": "d1.cloudfront.net"}],
        "traefik_metrics": False,
        "traefik_dashboard": True,
        "traefik_access_logs": False,
    },
]


def releases(**variables: Any) -> dict[str, dict[str, Any]]:
    """The role's releases by name."""
    known = cluster_variables()
    known["cluster_facts"].setdefault("fargate_profiles", [])
    spec = specification("traefik", known | {"role_path": str(ROOT / "roles" / "addon")} | FOUND | variables)
    return {release["name"]: release for release in spec["releases"]}


@pytest.mark.parametrize("variables", VARIANTS)
def test_every_value_that_the_role_sets_exists(variables: dict[str, Any]) -> None:
    facts = load_facts("traefik", str(role_variables("traefik")["traefik_chart_version"]))
    made = releases(**variables)
    upstream = [release for release in made.values() if release["chart"] == "traefik"]
    assert len(upstream) == len(variables["traefik_instances"])
    for release in upstream:
        assert problems(facts, release["values"]) == []
        for source in release["values_from"]:
            assert facts["values"][source["value"]]["type"] == "string"


@pytest.mark.parametrize("variables", VARIANTS)
def test_the_collections_own_charts_are_those_of_its_directory_and_take_the_values(variables: dict[str, Any]) -> None:
    for release in releases(**variables).values():
        if release["chart"] == "traefik":
            continue
        assert release["chart"].startswith(f"{ROOT}/charts/")
        name = release["chart"].rpartition("/")[2]
        description = yaml.safe_load((ROOT / "charts" / name / "Chart.yaml").read_text())
        assert (description["name"], description["version"]) == (name, release["version"])
        known = yaml.safe_load((ROOT / "charts" / name / "values.yaml").read_text())
        assert unknown(known, release["values"]) == []


def unknown(known: dict[str, Any], values: dict[str, Any], path: str = "") -> list[str]:
    """Values that a chart of ours does not have; {} is open to any key."""
    found = []
    for key, value in values.items():
        if key not in known:
            found.append(f"{path}{key}")
        elif isinstance(value, dict) and known[key]:
            found += unknown(known[key], value, f"{path}{key}.")
    return found


def test_the_prefixes_of_each_external_dns_are_known_to_the_load_balancers_ingress() -> None:
    usual, other = "external-dns.alpha.kubernetes.io/", "dns.example.com/"
    instances = [{"name": "public"}, {"name": "private", "annotation_prefix": other}]

    def prefixes(**variables: Any) -> Any:
        return releases(**VARIANTS[0], **variables)["public-alb"]["values"]["externalDns"]["annotationPrefixes"]

    assert prefixes() == [usual]
    assert prefixes(external_dns_instances=instances) == [usual, other]
    assert prefixes(traefik_external_dns_prefixes=[other]) == [other]


@pytest.mark.parametrize("name", ["shared-alb", "namespace"])
def test_a_chart_of_ours_has_a_schema_of_exactly_its_values(name: str) -> None:
    schema = json.loads((ROOT / "charts" / name / "values.schema.json").read_text())
    values = yaml.safe_load((ROOT / "charts" / name / "values.yaml").read_text())

    def same(node: dict[str, Any], found: dict[str, Any]) -> None:
        assert node["additionalProperties"] is False
        assert node["properties"].keys() == found.keys()
        for key, value in found.items():
            if isinstance(value, dict) and value:
                same(node["properties"][key], value)

    same(schema, values)


def test_metrics_and_dashboard_are_off_where_they_are_switched_off() -> None:
    on, off = (releases(**variables)["public"]["values"] for variables in (VARIANTS[0], VARIANTS[2]))
    assert (on["api"]["dashboard"], on["ingressRoute"]["dashboard"]["enabled"]) == (False, False)
    assert off["metrics"] == {"prometheus": None}
    assert off["ports"]["metrics"] is None
    assert "prometheus" not in on["metrics"]
    assert "metrics" not in on["ports"]


def test_definitions_go_with_the_last_release_of_all() -> None:
    assert all(not release.get("leftovers") for release in releases(**VARIANTS[1]).values())
    gone = releases(**VARIANTS[1], traefik_state="absent")
    left = [item["name"] for item in gone["traefik-namespace"]["leftovers"]]
    assert "middlewares.traefik.io" in left
    assert [name for name, release in gone.items() if release.get("leftovers")] == ["traefik-namespace"]
    kept = releases(**VARIANTS[1], traefik_state="absent", traefik_create_namespace=False)
    assert "traefik-namespace" not in kept
    assert [item["name"] for item in kept["public"]["leftovers"]] == left
