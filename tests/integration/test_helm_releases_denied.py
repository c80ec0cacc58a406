# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What is denied: by IAM, and by the cluster's RBAC. The message names the permission, and nothing is changed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.ekspress.eks.plugins.module_utils._helm_releases import LOGIC
from ansible_collections.ekspress.eks.tests.integration.eks_clusters import make_cluster

from sandbox.aws.client import AwsServer
from tests.integration.helm_releases_support import CONFIG_MAP, NOWHERE, Ground, write_chart
from tests.support import run_logic

ECR = "123456789012.dkr.ecr.eu-central-1.amazonaws.com"


def test_a_cluster_that_may_not_be_described(aws: AwsServer, environment: None, tmp_path: Path) -> None:
    make_cluster(aws, "blue")
    aws.fault("DescribeCluster", "deny", times=None)
    release = {"name": "web", "chart": write_chart(tmp_path / "web", CONFIG_MAP)}
    for check in (True, False):
        result = run_logic(LOGIC, {"cluster": "blue", "releases": [release], "helm_binary": NOWHERE}, check=check)
        assert (result["failed"], result["changed"]) == (True, False)
        assert result["msg"].startswith("eks:DescribeCluster failed: AccessDenied")
        assert "may not call eks:DescribeCluster: add the action to its policy" in result["msg"]


@pytest.mark.parametrize("helm_program", ["helm"], indirect=True)
def test_a_registry_whose_token_is_denied(ground: Ground, aws: AwsServer, tmp_path: Path) -> None:
    aws.fault("GetAuthorizationToken", "deny", times=None)
    denied = ground.release("web", "web", repository=f"oci://{ECR}/charts", version="1.0.0")
    other = ground.release("other", write_chart(tmp_path / "other", CONFIG_MAP))
    foretold = ground.run(denied, other, check=True)
    run = ground.run(denied, other)
    assert foretold.states == run.states == {"web": "failed", "other": "installed"}
    for message in (foretold.result["msg"], run.result["msg"]):
        assert "ecr:GetAuthorizationToken failed: AccessDenied" in message
        assert "may not call ecr:GetAuthorizationToken: add the action to its policy" in message


def may(verbs: str, resources: str, groups: str = "") -> dict[str, Any]:
    """A rule."""
    return {"apiGroups": groups.split(","), "resources": resources.split(","), "verbs": verbs.split(",")}


@pytest.mark.parametrize("helm_program", ["helm"], indirect=True)
def test_secrets_that_may_not_be_listed(ground: Ground, tmp_path: Path) -> None:
    release = ground.release("web", write_chart(tmp_path / "web", CONFIG_MAP))
    with ground.allowed(may("get", "secrets")) as user:
        for check in (True, False):
            run = ground.run(release, check=check, helm_binary=NOWHERE, **user)
            assert (run.result["failed"], run.result["changed"]) == (True, False)
            assert (
                f'User "{ground.namespace}" cannot list resource "secrets" in API group "" at the cluster scope'
                in run.result["msg"]
            )
            assert "Give this identity the permission (RBAC, or an access policy of EKS)" in run.result["msg"]
    assert ground.revisions("web") == {}


def test_what_helm_may_not_make_is_told_in_its_words_and_repaired_once_it_may(ground: Ground, tmp_path: Path) -> None:
    release = ground.release("web", write_chart(tmp_path / "web", CONFIG_MAP))
    rules = [may("*", "secrets"), may("*", "leases", "coordination.k8s.io"), may("get", "namespaces,configmaps")]
    with ground.allowed(*rules) as user:
        run = ground.run(release, **user)
    assert (run.states, run.result["changed"]) == ({"web": "failed"}, True)
    assert 'cannot create resource "configmaps"' in run.result["msg"] or "cannot patch" in run.result["msg"]
    assert ground.run(release).states["web"] in ("installed", "repaired")
    assert ground.run(release, helm_binary=NOWHERE).states == {"web": "unchanged"}


@pytest.mark.parametrize("helm_program", ["helm"], indirect=True)
def test_gates_that_may_not_be_read(ground: Ground, tmp_path: Path) -> None:
    chart = write_chart(tmp_path / "web", CONFIG_MAP)
    other = ground.release("other", chart)
    assert ground.run(ground.release("web", chart), other).states == {"web": "installed", "other": "installed"}
    gated = ground.release("web", chart, gates=[{"kind": "ingress", "name": "web"}])
    with ground.allowed(may("list", "secrets")) as user:
        for check in (True, False):
            run = ground.run(gated, other, check=check, helm_binary=NOWHERE, **user)
            assert (run.states, run.result["changed"]) == ({"web": "failed", "other": "unchanged"}, False)
            assert 'cannot get resource "ingresses" in API group "networking.k8s.io"' in run.result["msg"]


@pytest.mark.parametrize("helm_program", ["helm"], indirect=True)
def test_what_a_removed_release_left_may_not_be_read(ground: Ground, tmp_path: Path) -> None:
    """That release fails, and the others go on."""
    other = ground.release("other", write_chart(tmp_path / "web", CONFIG_MAP))
    account = {"api_version": "v1", "kind": "ServiceAccount", "name": "web", "namespace": ground.namespace}
    gone = ground.release("web", "/nowhere", state="absent")
    left = {**gone, "leftovers": [account]}
    ground.run({**gone, "state": "present", "chart": other["chart"]})
    rules = [may("*", "secrets,configmaps"), may("*", "leases", "coordination.k8s.io"), may("get", "namespaces")]
    with ground.allowed(*rules) as user:
        foretold = ground.run(left, other, check=True, **user)
        run = ground.run(left, other, **user)
    for result in (foretold.result, run.result):
        assert f"{ground.namespace}/web: It cannot be told what would be left behind of it. " in result["msg"]
        assert 'cannot get resource "serviceaccounts"' in result["msg"]
        assert "Give this identity the permission (RBAC, or an access policy of EKS)" in result["msg"]
    assert foretold.states == run.states == {"web": "failed", "other": "installed"}
    assert run.helm == ["upgrade"]
    assert ground.run(left).states == {"web": "removed"}
