# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What the role alb_controller's variables become in the chart: the stand-in, or upstream's where EKS_CHARTS is set."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from sandbox.process import ROOT
from tests.contract.render import cluster_variables, specification
from tests.sandbox_fixtures import RunningSandbox

NAME = "aws-load-balancer-controller"
CHART = Path(os.environ.get("EKS_CHARTS") or ROOT / "sandbox" / "charts", NAME)
ARGUMENTS = {
    "--cluster-name=production-blue",
    "--ingress-class=alb",
    "--aws-region=eu-central-1",
    "--aws-vpc-id=vpc-0a1b2c3d4e5f67890",
}
SERVICES = "mservice.elbv2.k8s.aws"

Objects = dict[str, dict[str, Any]]
Render = Callable[..., Objects]


@pytest.fixture(scope="module")
def render(sandbox: RunningSandbox) -> Render:
    """Gives the chart's objects by kind, for variables of the role; of each kind that is looked at there is one."""

    def rendered(**variables: Any) -> Objects:
        (release,) = specification("alb_controller", cluster_variables() | variables)["releases"]
        done = subprocess.run(
            [Path(sandbox.state["bin"], "helm"), "template", NAME, CHART, "-n", "kube-system", "-f", "-"],
            input=json.dumps(release["values"]),
            capture_output=True,
            text=True,
            check=True,
        )
        documents = [item for item in yaml.safe_load_all(done.stdout) if item]
        found = [item for document in documents for item in document.get("items", [document])]
        return {item["kind"]: item for item in found}

    return rendered


def arguments(objects: Objects) -> set[str]:
    return set(objects["Deployment"]["spec"]["template"]["spec"]["containers"][0]["args"])


def webhooks(objects: Objects) -> dict[str, dict[str, Any]]:
    kinds = ("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration")
    return {webhook["name"]: webhook for kind in kinds for webhook in objects[kind]["webhooks"]}


def test_by_itself_no_service_is_asked_about(render: Render) -> None:
    objects = render()
    assert arguments(objects) == ARGUMENTS
    resources = {
        found for webhook in webhooks(objects).values() for rule in webhook["rules"] for found in rule["resources"]
    }
    assert resources == {"pods", "ingresses", "ingressclassparams", "targetgroupbindings"}
    assert objects["IngressClassParams"].get("spec") is None
    assert objects["IngressClass"]["metadata"]["name"] == "alb"
    assert "annotations" not in objects["IngressClass"]["metadata"]
    assert objects["IngressClass"]["spec"] == {"controller": "ingress.k8s.aws/alb"}


def test_the_service_webhook_is_for_every_new_service_and_fails_closed(render: Render) -> None:
    webhook = webhooks(render(alb_controller_service_webhook=True))[SERVICES]
    assert webhook["failurePolicy"] == "Fail"
    assert [(rule["operations"], rule["resources"]) for rule in webhook["rules"]] == [(["CREATE"], ["services"])]
    assert "namespaceSelector" not in webhook


def test_the_parameters_are_those_of_the_class(render: Render) -> None:
    params = {"scheme": "internal", "group": {"name": "shared"}, "tags": [{"key": "cost-centre", "value": "4711"}]}
    objects = render(alb_controller_ingress_class_params=params, alb_controller_ingress_class="inside")
    assert objects["IngressClassParams"]["spec"] == params
    assert objects["IngressClassParams"]["metadata"]["name"] == "inside"
    assert objects["IngressClass"]["spec"]["parameters"] == {
        "apiGroup": "elbv2.k8s.aws",
        "kind": "IngressClassParams",
        "name": "inside",
    }


def test_the_class_may_be_the_default_one(render: Render) -> None:
    annotations = render(alb_controller_ingress_class_default=True)["IngressClass"]["metadata"]["annotations"]
    assert annotations == {"ingressclass.kubernetes.io/is-default-class": "true"}


@pytest.mark.parametrize(
    ("variables", "argument"),
    [
        (
            {"alb_controller_tags": {"team": "platform", "cost-centre": 4711}},
            "default-tags=cost-centre=4711,team=platform",
        ),
        ({"alb_controller_default_target_type": "ip"}, "default-target-type=ip"),
        ({"alb_controller_values": {"webhookBindPort": 10260}}, "webhook-bind-port=10260"),
    ],
)
def test_variables_that_are_arguments(render: Render, variables: dict[str, Any], argument: str) -> None:
    assert arguments(render(**variables)) == ARGUMENTS | {f"--{argument}"}


def test_the_webhooks_port_and_the_pods_labels_are_those_that_the_role_checks(render: Render) -> None:
    """See __alb_controller_webhook_port and __alb_controller_pod_labels."""
    for variables, port, labels in (
        ({}, 9443, {}),
        ({"webhookBindPort": 10260, "podLabels": {"team": "platform"}}, 10260, {"team": "platform"}),
    ):
        objects = render(alb_controller_values=variables)
        template = objects["Deployment"]["spec"]["template"]
        ports = {found["name"]: found["containerPort"] for found in template["spec"]["containers"][0]["ports"]}
        assert ports["webhook-server"] == port
        own = {"app.kubernetes.io/name": NAME, "app.kubernetes.io/instance": NAME}
        assert template["metadata"]["labels"] == own | labels
        assert [found["targetPort"] for found in objects["Service"]["spec"]["ports"]] == ["webhook-server"]
