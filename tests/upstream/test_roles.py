# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Every add-on role with upstream's own chart: rendered, installed, unchanged, and removed without a rest."""

from __future__ import annotations

import json
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.ekspress.eks.plugins.module_utils._gates_plan import OBJECTS, WITHOUT_NAMESPACE

from sandbox.lifecycle import DEFAULT_CLUSTER
from sandbox.registry import CHARTS as STAND_INS
from tests.contract.check_values import problems
from tests.contract.extract import facts_of
from tests.contract.render import REQUIRED
from tests.e2e.playbook import Run, inventory, run
from tests.sandbox_fixtures import RunningSandbox
from tests.support import PATIENCE, wait_until
from tests.upstream.charts import add_on_roles, pinned_releases
from tests.upstream.objects import in_account, in_cluster

ROLES = add_on_roles()
EXTERNAL_DNS: dict[str, Any] = {
    "name": "everything",
    "zone_type": "public",
    "zones": ["sandbox.example.com"],
    "domain_filters": ["app.sandbox.example.com"],
    "exclude_domains": ["old.app.sandbox.example.com"],
    "sources": ["crd", "ingress", "service", "traefik-proxy"],
    "namespace": "kube-system",
    "fqdn_template": '{{ index .Annotations "PublicDNSName" }}.sandbox.example.com',
    "extra_args": {"aws-batch-change-size": 4000, "dry-run": True, "exclude-target-net": ["10.0.0.0/8"]},
}
VARIANTS: dict[str, list[dict[str, Any]]] = {
    "cluster_autoscaler": [
        {"cluster_autoscaler_expander": "priority", "cluster_autoscaler_expander_priorities": {10: [".*"]}}
    ],
    "external_dns": [{"external_dns_instances": [EXTERNAL_DNS]}],
    "node_termination_handler": [{"node_termination_handler_mode": "imds"}],
    "traefik": [
        {
            "traefik_instances": [
                {"name": "public", "hosts": ["*.sandbox.example.com"], "values": {"log": {"level": "DEBUG"}}},
                {"name": "internal", "scheme": "internal", "https": False, "target_type": "instance"},
            ],
            "traefik_metrics": False,
            "traefik_dashboard": True,
        },
    ],
}
"""Variables with which a role's releases are rendered too: where a chart makes other objects then."""
GIVEN: dict[str, dict[str, Any]] = {"traefik": {"traefik_instances": [{"name": "traefik", "https": False}]}}
"""Variables without which a role refuses to be installed."""
BEFORE = {"traefik": ["alb_controller"]}
"""Roles that must be there for a role's gates to hold."""
WEBHOOKS = ("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration")


def rendered(helm: Path, release: dict[str, Any]) -> list[dict[str, Any]]:
    """The objects that helm makes of a release, its definitions included."""
    place = ["--namespace", release["namespace"], "--include-crds", "--values", "-"]
    done = subprocess.run(
        [helm, "template", release["name"], release["chart"], *place],
        input=json.dumps(release["values"]),
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )
    assert done.returncode == 0, done.stderr
    documents = [document for document in yaml.safe_load_all(done.stdout) if document]
    return [item for document in documents for item in document.get("items", [document])]


def names_of(items: list[dict[str, Any]], namespace: str) -> set[tuple[str, str, str]]:
    """Kind, namespace and name of objects."""
    return {(item["kind"], item["metadata"].get("namespace", namespace), item["metadata"]["name"]) for item in items}


def arguments(items: list[dict[str, Any]]) -> dict[str, list[str]]:
    """The arguments of the containers of each Deployment and DaemonSet, in any order."""
    pods = [item for item in items if item["kind"] in ("Deployment", "DaemonSet")]
    return {
        item["metadata"]["name"]: sorted(
            argument
            for container in item["spec"]["template"]["spec"]["containers"]
            for argument in container.get("args", [])
        )
        for item in pods
    }


def gate_names(gate: dict[str, Any], namespace: str) -> set[tuple[str, str, str]]:
    """The objects, one of which a gate asks for; none where it asks for something else."""
    kinds = WEBHOOKS if gate["kind"] == "webhook" else [OBJECTS[gate["kind"]][1]] if gate["kind"] in OBJECTS else []
    place = namespace if gate["kind"] in WITHOUT_NAMESPACE else gate.get("namespace") or namespace
    return {(kind, place, gate["name"]) for kind in kinds}


@pytest.mark.parametrize("role", ROLES)
def test_its_releases_render_with_values_and_gates_that_the_chart_has(
    charts: Path, sandbox: RunningSandbox, role: str
) -> None:
    variants = [{}, *VARIANTS.get(role, [])]
    for release in [release for variables in variants for release in pinned_releases(role, charts, **variables)]:
        chart = Path(release["chart"])
        assert problems(facts_of(chart.name, chart.parent), release["values"]) == []
        items = rendered(Path(sandbox.state["bin"], "helm"), release)
        made = names_of(items, release["namespace"])
        wanted = [gate_names(gate, release["namespace"]) for gate in release["gates"]]
        assert [names for names in wanted if names and not names & made] == []
        stand_in = STAND_INS / chart.name
        if stand_in.is_dir():
            # The sandbox runs the real programs of some stand-ins, with their arguments.
            own = rendered(Path(sandbox.state["bin"], "helm"), {**release, "chart": str(stand_in)})
            assert arguments(own) == arguments(items)


@pytest.mark.parametrize("role", ROLES)
def test_it_is_installed_then_unchanged_then_removed_without_a_rest(
    charts: Path, sandbox: RunningSandbox, tmp_path: Path, role: str
) -> None:
    hosts = inventory(tmp_path, DEFAULT_CLUSTER)

    def play(*roles: str, **variables: Any) -> Run:
        playbook = tmp_path / "play.yml"
        names = [f"ekspress.eks.{name}" for name in roles]
        playbook.write_text(json.dumps([{"hosts": "eks", "gather_facts": False, "roles": names}]), encoding="utf-8")
        variables = {**REQUIRED.get(role, {}), **GIVEN.get(role, {}), **variables}
        given = json.dumps({"addon_chart_source": str(charts), **variables})
        done = run(sandbox.environment, hosts, "-e", given, playbook=str(playbook))
        if done.code:
            pytest.fail("\n".join(done.problems()) or done.output, pytrace=False)
        return done

    kube, aws = sandbox.kube(), sandbox.aws()
    play("identity", *BEFORE.get(role, []))
    cluster, account = in_cluster(kube), in_account(aws)

    first = play(role)
    states = {release["name"]: (release["state"], release["version"]) for release in releases_of(first)}
    pinned = pinned_releases(role, charts, **GIVEN.get(role, {}))
    assert states == {release["name"]: ("installed", release["version"]) for release in pinned}
    assert in_cluster(kube) > cluster
    assert play(role).changed(DEFAULT_CLUSTER) == []

    removed = play(role, **{f"{role}_state": "absent"})
    assert {release["state"] for release in releases_of(removed)} == {"removed"}
    # Pods go once their owners are gone. What stays is told by the assertion.
    with suppress(AssertionError):
        wait_until(lambda: in_cluster(kube) <= cluster)
    assert in_cluster(kube) - cluster == set()
    assert cluster - in_cluster(kube) == set()
    assert in_account(aws) == account
    for name in BEFORE.get(role, []):
        play(name, **{f"{name}_state": "absent"})


def releases_of(done: Run) -> list[dict[str, Any]]:
    """The releases in the result of the engine."""
    (task,) = [task for task in done.tasks if task.action == "ekspress.eks.helm_releases"]
    found: list[dict[str, Any]] = task.result["releases"]
    return found
