# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Load balancers that change, and removals that must not happen: one run of site tells the truth.

The tests tell one story and run in order, on one worker.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from sandbox.alb.annotations import PREFIX
from sandbox.lifecycle import Sandbox
from tests.e2e.playbook import Run
from tests.e2e.traffic_support import CLUSTER, DIRECT, GROUP, SHOP, converge, furnish, pods_of
from tests.sandbox.pods.workloads import Namespace
from tests.sandbox_fixtures import RunningSandbox
from tests.sandbox_guard import guarded
from tests.support import wait_until

ADDONS = ["alb_controller", "traefik"]


def again(site: RunningSandbox, directory: Path, *options: str, **variables: Any) -> Run:
    """Run the playbook with two add-ons."""
    return converge(site, directory, *options, platform_addons=ADDONS, **variables)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSandbox]:
    """A sandbox in which the playbook has run once."""
    directory = tmp_path_factory.mktemp("changes")
    with guarded(directory):
        Sandbox(directory).up([CLUSTER])
        made = RunningSandbox(directory)
        furnish(made)
        assert not again(made, directory).problems()
        yield made


@pytest.fixture
def apps(site: RunningSandbox) -> Iterator[Namespace]:
    """The namespace of the apps; it stays from test to test."""
    namespace = Namespace(site, "apps", CLUSTER)
    namespace.apply("v1", "Namespace", "apps")
    yield namespace
    namespace.close()


@pytest.fixture
def traefik(site: RunningSandbox) -> Iterator[Namespace]:
    """The namespace of Traefik."""
    namespace = Namespace(site, "traefik", CLUSTER)
    yield namespace
    namespace.close()


def published(traefik: Namespace, instance: str) -> str:
    """The name that Traefik writes into the status of apps' Ingresses."""
    deployment = traefik.kube.get(f"/apis/apps/v1/namespaces/traefik/deployments/{instance}")
    flag = "--providers.kubernetesingress.ingressendpoint.hostname="
    (found,) = [
        argument.removeprefix(flag)
        for argument in deployment["spec"]["template"]["spec"]["containers"][0]["args"]
        if argument.startswith(flag)
    ]
    return str(found)


@pytest.mark.parametrize(
    ("instance", "changes"),
    [("internal", {"scheme": "internet-facing"}), ("internal", {"scheme": "internet-facing", "group": "other"})],
)
def test_another_load_balancer_is_known_to_traefik_in_the_same_run(
    site: RunningSandbox, traefik: Namespace, tmp_path: Path, instance: str, changes: dict[str, str]
) -> None:
    """Also where the controller takes longer to make it than the run to come to Traefik."""
    before = published(traefik, instance)
    assert traefik.balancers(f"{instance}-alb") == [before]
    site.aws().fault("CreateLoadBalancer", "latency", seconds=8.0)
    done = again(site, tmp_path, **{instance: changes})
    site.aws().clear_faults()
    assert not done.problems()
    (after,) = traefik.balancers(f"{instance}-alb")
    assert after != before
    assert published(traefik, instance) == after
    names = [item["DNSName"] for item in site.aws().client("elbv2").describe_load_balancers()["LoadBalancers"]]
    assert after in names
    second = again(site, tmp_path, **{instance: changes})
    assert second.changed(CLUSTER) == []


def test_what_the_controller_cannot_bring_about_is_no_success(
    site: RunningSandbox, traefik: Namespace, tmp_path: Path
) -> None:
    """The load balancer that there is keeps its name; the run says that it is not what was asked for."""
    site.aws().fault("SetSecurityGroups", "error", times=None, code="InvalidSecurityGroup", message="not of this VPC")
    (group,) = [
        item["GroupId"]
        for item in site.aws().client("ec2").describe_security_groups()["SecurityGroups"]
        if item["GroupName"] == "default" and item["VpcId"] == site.aws().admin("GET", "fixtures")["vpc_id"]
    ]
    done = again(site, tmp_path, public={"security_groups": [group]}, traefik_timeout=15)
    site.aws().clear_faults()
    said = " ".join(done.problems())
    assert "The gate ingress traefik/public-alb does not hold after 15 s: its controller has not worked on" in said
    assert "FailedDeployModel: " in said
    assert not again(site, tmp_path).problems()


def test_a_removal_is_refused_before_anything_goes(
    site: RunningSandbox, apps: Namespace, traefik: Namespace, tmp_path: Path
) -> None:
    """While an app uses the class, the load balancer is protected, somebody is in the namespace, or in the group."""
    protected = {"public": {"attributes": {"deletion_protection.enabled": True}}}
    assert not again(site, tmp_path, **protected).problems()
    apps.ingress("shop", SHOP, "public")
    own = {f"{PREFIX}group.name": GROUP, f"{PREFIX}target-type": "ip"}
    apps.service("direct", {"http": 8080})
    apps.ingress("direct", DIRECT, "alb", **own)
    wait_until(lambda: apps.balancers("direct"), "the load balancer of the Ingress of the group")
    route = {"apiVersion": "traefik.io/v1alpha1", "kind": "IngressRoute", "metadata": {"name": "route"}}
    path = "/apis/traefik.io/v1alpha1/namespaces/apps/ingressroutes"
    spec = {"ingressClassName": "internal", "routes": []}
    assert apps.kube.request("POST", path, {**route, "spec": spec})[0] == 201
    claim = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    traefik.apply("v1", "PersistentVolumeClaim", "theirs", spec=claim)
    states = {f"{addon}_state": "absent" for addon in ADDONS}
    for options in (("--check",), ()):
        refused = again(site, tmp_path, *options, **states, **protected)
        said = " ".join(refused.problems())
        for words in (
            "Ingress apps/shop would be served by nothing any more, as their class is public. ",
            "IngressRoute apps/route would be served by nothing any more, as their class is internal. ",
            "or set traefik_abandon to true",
            "Ingress traefik/public-alb would never be gone, as its annotation "
            "alb.ingress.kubernetes.io/load-balancer-attributes protects it. Set deletion_protection.enabled to false",
            "PersistentVolumeClaim traefik/theirs would be deleted with the namespace traefik",
            "or traefik_purge_namespace to true",
            "Ingress apps/direct could not be deleted any more without it",
        ):
            assert words in said
        assert len(site.aws().client("elbv2").describe_load_balancers()["LoadBalancers"]) == 2
        for instance in ("public", "internal"):
            assert len(pods_of(traefik, instance)) == 2
    assert not again(site, tmp_path).problems()
    assert apps.kube.request("DELETE", f"{path}/route")[0] == 200
    for name in ("shop", "direct"):
        app = f"/apis/networking.k8s.io/v1/namespaces/apps/ingresses/{name}"
        assert apps.kube.request("DELETE", app)[0] == 200
        wait_until(partial(_is_gone, apps, app), f"the end of {name}")
    path = "/api/v1/namespaces/traefik/persistentvolumeclaims/theirs"
    assert traefik.kube.request("DELETE", path)[0] == 200
    wait_until(partial(_is_gone, traefik, path), "the end of the claim")


def _is_gone(namespace: Namespace, path: str) -> bool:
    return namespace.kube.get(path) is None
