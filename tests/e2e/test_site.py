# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The whole way through, on two bare clusters; the tests tell one story and run in order, on one worker."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest

from sandbox import process
from sandbox.kube_fixtures import objects as fixtures
from sandbox.process import ROOT
from sandbox.readback import report
from tests.e2e.conftest import BLUE, GREEN
from tests.e2e.playbook import SITE, Run, command, inventory, run, surroundings
from tests.e2e.site_support import (
    AWS_AUTH,
    BY_AWS_AUTH,
    CONTROLLER,
    CONVERGE,
    ENTRIES,
    LISTED,
    RIGHTS,
    access,
    access_entries,
    audited,
    await_call,
    aws_calls,
    entries,
    objects,
    parts,
    writes,
)
from tests.sandbox_fixtures import RunningSandbox
from tests.support import FOR_EVER, PATIENCE


@pytest.fixture
def hosts(tmp_path: Path) -> Path:
    return inventory(tmp_path, BLUE, GREEN)


ALB_CONTROLLER_ALONE = """\
- hosts: eks
  gather_facts: false
  roles:
    - ekspress.eks.alb_controller
"""


def test_an_add_on_without_the_oidc_provider_is_refused_before_anything_is_written(
    bare: RunningSandbox, tmp_path: Path
) -> None:
    """Its pods would get no credentials, though every task said ok."""
    play = tmp_path / "play.yml"
    play.write_text(ALB_CONTROLLER_ALONE, encoding="utf-8")
    before = objects(bare, BLUE)
    bare.aws().clear_calls()
    done = run(bare.environment, inventory(tmp_path, BLUE), playbook=str(play))
    assert done.code != 0
    message = done.failure(BLUE)
    issuer = bare.cluster(BLUE)["issuer"].removeprefix("https://")
    assert f":oidc-provider/{issuer} of EKS cluster '{BLUE}' does not exist" in message
    assert "Run the role ekspress.eks.identity or the module ekspress.eks.oidc_provider first." in message
    assert writes(bare) == []
    assert objects(bare, BLUE) == before


def test_check_mode_says_what_the_run_will_do_and_writes_nothing(bare: RunningSandbox, hosts: Path) -> None:
    before = {cluster: objects(bare, cluster) for cluster in (BLUE, GREEN)}
    mapped = {cluster: bare.kube(cluster).get(AWS_AUTH) for cluster in (BLUE, GREEN)}
    bare.aws().clear_calls()
    done = run(bare.environment, hosts, "--check", "--diff")
    assert not done.problems()
    for cluster in (BLUE, GREEN):
        assert done.changed(cluster) == CONVERGE
        assert objects(bare, cluster) == before[cluster]
        assert bare.kube(cluster).get(AWS_AUTH) == mapped[cluster]
    assert writes(bare) == []


def test_a_run_that_is_killed_midway_is_completed_by_the_next(bare: RunningSandbox, hosts: Path) -> None:
    """Killed while IAM has the role but not yet its policy; then both clusters are converged by one run."""
    aws = bare.aws()
    aws.clear_calls()
    aws.fault("PutRolePolicy", "latency", service="iam", seconds=FOR_EVER)
    killed = subprocess.Popen(
        command(hosts, SITE, "--limit", BLUE),
        cwd=ROOT,
        env=surroundings(bare.environment, **{process.MARK: str(hosts)}),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        await_call(aws, "PutRolePolicy", killed)
    finally:
        # Its workers too, which lead groups of their own and must not go on beside the next run.
        process.end(lambda: process.owned(hosts), grace=0.0)
        killed.wait(PATIENCE)
        aws.clear_faults()
    done = run(bare.environment, hosts)
    assert not done.problems()
    assert done.changed(GREEN)[-2:] == CONVERGE[-2:]
    for cluster in (BLUE, GREEN):
        role = aws.client("iam").get_role_policy(RoleName=f"{cluster}-alb-controller", PolicyName="alb-controller")
        assert "elasticloadbalancing:CreateLoadBalancer" in json.dumps(role["PolicyDocument"])


def test_the_platform_is_there(bare: RunningSandbox) -> None:
    for cluster in (BLUE, GREEN):
        kube = bare.kube(cluster)
        account = kube.get("/api/v1/namespaces/kube-system/serviceaccounts/aws-load-balancer-controller")
        role = bare.aws().client("iam").get_role(RoleName=f"{cluster}-alb-controller")["Role"]
        assert account["metadata"]["annotations"]["eks.amazonaws.com/role-arn"] == role["Arn"]
        (statement,) = role["AssumeRolePolicyDocument"]["Statement"]
        issuer = bare.cluster(cluster)["issuer"].removeprefix("https://")
        assert statement["Principal"]["Federated"].endswith(f":oidc-provider/{issuer}")
        deployment = kube.get(CONTROLLER)
        assert deployment["status"]["readyReplicas"] == 2
        assert f"--cluster-name={cluster}" in deployment["spec"]["template"]["spec"]["containers"][0]["args"]


def test_people_have_access_entries_and_aws_auth_is_as_it_was(bare: RunningSandbox) -> None:
    """In the mode API_AND_CONFIG_MAP entries count first, and EKS has them for nodes."""
    for cluster in (BLUE, GREEN):
        found = access_entries(bare, cluster)
        assert {"k8sadmin", "k8sreadwrite", "k8sreadonly", f"{cluster}-node"} <= set(found)
        assert found["k8sadmin"]["username"] == "kubernetes-admin:{{SessionName}}"
        assert found["k8sadmin"]["kubernetesGroups"] == []
        assert sorted(found["k8sreadonly"]["kubernetesGroups"]) == ["debugmode", "readonly"]
        associated = (
            bare.aws()
            .client("eks")
            .list_associated_access_policies(clusterName=cluster, principalArn=found["k8sadmin"]["principalArn"])[
                "associatedAccessPolicies"
            ]
        )
        assert [policy["policyArn"].rpartition("/")[2] for policy in associated] == ["AmazonEKSClusterAdminPolicy"]
        data = bare.kube(cluster).get(AWS_AUTH)["data"]
        (fixture,) = [
            item for item in fixtures(cluster, "eu-central-1", "v1") if item["metadata"]["name"] == "aws-auth"
        ]
        assert data == fixture["data"]


def test_groups_have_their_rights_in_the_namespaces_of_applications(bare: RunningSandbox) -> None:
    for cluster in (BLUE, GREEN):
        kube = bare.kube(cluster)
        bound = {
            (item["metadata"]["name"], item["metadata"]["namespace"])
            for item in kube.get("/apis/rbac.authorization.k8s.io/v1/rolebindings")["items"]
            if item["metadata"]["name"].startswith("ekspress:")
        }
        places = {"default", "monitoring", "team-orders"}
        assert bound == {(f"ekspress:{name}", place) for name in ("readwrite", "debugmode") for place in places}


def test_the_demonstration_tells_who_may_enter_and_whose_entry_it_is(bare: RunningSandbox) -> None:
    lines = [line.split() for line in report(bare.state, BLUE).splitlines()]
    role = "arn:aws:iam::123456789012:role"
    assert [f"{role}/k8sadmin", "kubernetes-admin:{{SessionName}}", "AmazonEKSClusterAdminPolicy"] in lines
    assert ["debugmode", "ekspress:debugmode", "default,", "monitoring,", "team-orders"] in lines
    assert ["readonly", "ekspress:readonly", "the", "whole", "cluster"] in lines
    nodes = ["system:node:{{EC2PrivateDNSName}}", "system:bootstrappers,", "system:nodes"]
    assert ["foreign", f"{role}/{BLUE}-spot-node", *nodes] in lines
    assert ["kube-system/aws-load-balancer-controller", "aws-load-balancer-controller-3.5.0"] in [
        words[:2] for words in lines
    ]


ADMINISTRATOR = {"role": "k8sadmin", "username": "kubernetes-admin:{{SessionName}}", "groups": ["system:masters"]}


def test_people_who_left_lose_their_entry_with_purge_alone(bare: RunningSandbox, hosts: Path) -> None:
    stay = [ADMINISTRATOR]
    kept = access(bare, hosts, access_people=stay)
    assert kept.changed(GREEN) == []
    assert parts(kept, GREEN) == [RIGHTS, ENTRIES]
    done = access(bare, hosts, access_people=stay, access_purge=True)
    assert done.changed(GREEN) == [ENTRIES], done.problems()
    assert not {"k8sreadwrite", "k8sreadonly"} & set(access_entries(bare, GREEN))
    assert {"k8sadmin", f"{GREEN}-node"} <= set(access_entries(bare, GREEN))
    assert access(bare, hosts).changed(GREEN) == [ENTRIES]


def test_a_new_namespace_gets_what_groups_have_in_others(bare: RunningSandbox, hosts: Path) -> None:
    kube = bare.kube(GREEN)
    assert kube.request("POST", "/api/v1/namespaces", {"metadata": {"name": "team-new"}})[0] == 201
    try:
        assert access(bare, hosts).changed(GREEN) == [RIGHTS]
        path = "/apis/rbac.authorization.k8s.io/v1/namespaces/team-new/rolebindings/ekspress:debugmode"
        assert bare.kube(GREEN).get(path)["subjects"][0]["name"] == "debugmode"
    finally:
        assert bare.kube(GREEN).request("DELETE", "/api/v1/namespaces/team-new")[0] == 200
    assert access(bare, hosts).changed(GREEN) == []


def test_people_get_in_by_aws_auth_where_it_is_asked_for_and_then_lose_the_other_way(
    bare: RunningSandbox, hosts: Path
) -> None:
    done = access(bare, hosts, access_through="aws_auth", access_purge=True, access_force=True)
    assert done.changed(GREEN) == [
        BY_AWS_AUTH,
        "ekspress.eks.access : Remove the access entries that aws-auth replaces",
    ]
    found = entries(bare, GREEN)
    assert found["k8sadmin"]["groups"] == ["system:masters"]
    assert found["k8sreadonly"]["groups"] == ["readonly", "debugmode"]
    assert not {"k8sadmin", "k8sreadwrite", "k8sreadonly"} & set(access_entries(bare, GREEN))
    bare.aws().clear_calls()
    before = audited(bare, GREEN, gets=True)
    assert access(bare, hosts, access_through="aws_auth").changed(GREEN) == []
    # Of the role cluster six, and one of each module; one read of aws-auth, and one list of each kind.
    assert len(aws_calls(bare)) == 6 + 2, aws_calls(bare)
    assert audited(bare, GREEN, gets=True) - before == {
        ("get", AWS_AUTH): 1,
        **{("list", path): 1 for path in LISTED[1:]},
    }
    both = access(bare, hosts, access_through="both")
    assert both.changed(GREEN) == [ENTRIES]
    assert {"k8sadmin", "k8sreadonly"} <= set(access_entries(bare, GREEN)) & set(entries(bare, GREEN))


def test_in_mode_config_map_node_roles_are_kept_and_never_dropped_by_accident(
    bare: RunningSandbox, hosts: Path
) -> None:
    aws = bare.aws()
    aws.cluster(GREEN, access_config={"authenticationMode": "CONFIG_MAP"})
    try:
        done = access(bare, hosts)
        again = access(bare, hosts)
        refusal = access(bare, hosts, access_through="access_entries").failure(GREEN)
    finally:
        aws.cluster(GREEN, access_config={"authenticationMode": "API_AND_CONFIG_MAP"})
    assert not done.problems()
    assert again.changed(GREEN) == []
    assert "CONFIG_MAP, which has no access entries" in refusal
    groups = ["system:bootstrappers", "system:nodes", "system:node-proxier"]
    assert sorted(entries(bare, GREEN)[f"{GREEN}-fargate"]["groups"]) == sorted(groups)
    refusal = access(bare, hosts, access_purge=True).failure(GREEN)
    assert f"role/{GREEN}-fargate" in refusal
    assert "force" in refusal
    assert {f"{GREEN}-node", f"{GREEN}-fargate"} <= set(entries(bare, GREEN))


def test_in_mode_api_people_get_in_by_entries_and_what_needs_aws_auth_is_refused(
    bare: RunningSandbox, hosts: Path
) -> None:
    aws = bare.aws()
    before = bare.kube(GREEN).get(AWS_AUTH)
    aws.cluster(GREEN, access_config={"authenticationMode": "API"})
    try:
        done = access(bare, hosts)
        refusal = access(bare, hosts, access_accounts=["111122223333"]).failure(GREEN)
        other = access(bare, hosts, access_through="both").failure(GREEN)
    finally:
        aws.cluster(GREEN, access_config={"authenticationMode": "API_AND_CONFIG_MAP"})
    assert not done.problems()
    assert parts(done, GREEN) == [RIGHTS, ENTRIES]
    assert "authentication mode API: it does not read aws-auth" in refusal
    assert "API, which does not read aws-auth" in other
    assert bare.kube(GREEN).get(AWS_AUTH) == before


def test_a_second_run_changes_nothing_and_calls_only_to_read(bare: RunningSandbox, hosts: Path) -> None:
    aws = bare.aws()
    mapped = {cluster: bare.kube(cluster).get(AWS_AUTH) for cluster in (BLUE, GREEN)}
    aws.clear_calls()
    seen = {cluster: audited(bare, cluster) for cluster in (BLUE, GREEN)}
    # helm itself is not needed at all.
    done = run(bare.environment, hosts, "-e", json.dumps({"addon_helm_binary": "/nowhere/helm"}))
    assert not done.problems()
    for cluster in (BLUE, GREEN):
        assert done.changed(cluster) == []
        assert bare.kube(cluster).get(AWS_AUTH) == mapped[cluster]
        assert audited(bare, cluster) - seen[cluster] == dict.fromkeys((("list", path) for path in LISTED), 1)
    assert writes(bare) == []
    # cluster_info 6 (cluster, node groups and one, profiles and one, Auto Scaling groups), subnet_tags 3,
    # oidc_provider 2, rbac_groups 1, access_entries 11 (2, and of each of three people the entry, its policies and the
    # role), node_ports_info 3, irsa_roles 12, interruption_queues 19, autoscaling_groups 3,
    # hosted_zones_info 2, load_balancer_inputs_info 2, helm_releases 1.
    # The real ExternalDNS goes on with its own work meanwhile, as its own role.
    assert len(aws_calls(bare)) <= 2 * 65, aws_calls(bare)


@pytest.mark.parametrize(
    ("tag", "part"),
    [("network", CONVERGE[:1]), ("identity", CONVERGE[1:2]), ("addons", CONVERGE[4:])],
)
def test_a_tag_runs_its_part_alone(bare: RunningSandbox, hosts: Path, tag: str, part: list[str]) -> None:
    """The tag access is in the tests of who may enter."""
    done = run(bare.environment, hosts, "--tags", tag, "--limit", BLUE)
    assert done.code == 0, done.problems()
    assert parts(done, BLUE) == part


def test_an_add_on_that_does_not_exist_is_refused_before_anything_is_read(bare: RunningSandbox, hosts: Path) -> None:
    bare.aws().clear_calls()
    done = run(bare.environment, hosts, "-e", json.dumps({"platform_addons": ["alb_controler"]}))
    assert "platform_addons must be one or more of: alb_controller" in done.failure(BLUE)
    assert "alb_controler" in done.failure(BLUE)
    assert aws_calls(bare) == []


def test_check_mode_of_a_converged_cluster_changes_nothing_runs_in_process_and_shows_no_token(
    bare: RunningSandbox, hosts: Path
) -> None:
    done = subprocess.run(
        command(hosts, SITE, "-vvv", "--check", "--limit", BLUE),
        cwd=ROOT,
        env=surroundings(bare.environment, ANSIBLE_STDOUT_CALLBACK="default"),
        capture_output=True,
        text=True,
        check=True,
    )
    assert re.search(rf"^{BLUE} +: ok=[0-9]+ +changed=0 ", done.stdout, re.MULTILINE), done.stdout[-2000:]
    assert "Using module file" not in done.stdout
    assert "k8s-aws-v1." not in done.stdout + done.stderr
    assert bare.environment["AWS_SECRET_ACCESS_KEY"] not in done.stdout + done.stderr


def test_a_changed_value_upgrades_that_release_alone(bare: RunningSandbox, hosts: Path) -> None:
    values = json.dumps({"alb_controller_values": {"logLevel": "debug"}})
    done = run(bare.environment, hosts, "--limit", BLUE, "-e", values)
    assert done.changed(BLUE) == CONVERGE[-1:]
    again = run(bare.environment, hosts, "--limit", BLUE, "-e", values)
    assert again.changed(BLUE) == []


def refused(bare: RunningSandbox, hosts: Path, *arguments: str) -> Run:
    bare.aws().clear_calls()
    done = run(bare.environment, hosts, *arguments)
    assert done.code != 0
    assert writes(bare) == []
    return done


def test_an_unknown_cluster_is_named_with_those_there_are_and_does_not_stop_the_other(
    bare: RunningSandbox, tmp_path: Path
) -> None:
    done = refused(bare, inventory(tmp_path, BLUE, "site-red"))
    message = done.failure("site-red")
    assert "'site-red'" in message
    assert BLUE in message
    assert GREEN in message
    assert parts(done, BLUE) == CONVERGE
    assert not done.stats[BLUE]["failures"]


def test_auto_mode_is_said_and_nothing_of_the_add_on_is_installed(bare: RunningSandbox, hosts: Path) -> None:
    aws = bare.aws()
    aws.cluster(GREEN, compute_config={"enabled": True})
    try:
        done = refused(bare, hosts, "--limit", GREEN)
    finally:
        aws.cluster(GREEN, compute_config={"enabled": False})
    assert "EKS Auto Mode" in done.failure(GREEN)
    assert "platform_addons" in done.failure(GREEN)


def test_a_cluster_name_that_the_policy_does_not_know_is_refused(bare: RunningSandbox, hosts: Path) -> None:
    values = json.dumps({"alb_controller_values": {"clusterName": "other"}})
    done = refused(bare, hosts, "--limit", BLUE, "-e", values)
    assert "alb_controller_values sets clusterName. The IAM policy lets" in done.failure(BLUE)
    assert "Take it out of alb_controller_values" in done.failure(BLUE)


def test_a_failed_cluster_stops_before_anything_is_written(bare: RunningSandbox, hosts: Path) -> None:
    aws = bare.aws()
    aws.cluster(GREEN, status="FAILED")
    try:
        done = refused(bare, hosts, "--limit", GREEN)
    finally:
        aws.cluster(GREEN, status="ACTIVE")
    assert "FAILED" in done.failure(GREEN)


def test_a_removed_add_on_leaves_nothing_and_its_neighbour_keeps_its_own(bare: RunningSandbox, hosts: Path) -> None:
    alone = run(bare.environment, hosts, "--limit", BLUE, "-e", json.dumps({"alb_controller_state": "absent"}))
    assert "needs kube-system/aws-load-balancer-controller, which is to be absent" in alone.failure(BLUE)
    assert bare.kube(BLUE).get(CONTROLLER) is not None
    absent = json.dumps({"alb_controller_state": "absent", "traefik_state": "absent"})
    done = run(bare.environment, hosts, "--limit", BLUE, "-e", absent)
    assert not done.problems()
    assert bare.kube(BLUE).get("/api/v1/namespaces/traefik") is None
    assert bare.kube(GREEN).get("/api/v1/namespaces/traefik") is not None
    roles = [role["RoleName"] for role in bare.aws().client("iam").list_roles(MaxItems=1000)["Roles"]]
    assert f"{BLUE}-alb-controller" not in roles
    assert f"{GREEN}-alb-controller" in roles
    assert bare.kube(BLUE).get(CONTROLLER) is None
    assert bare.kube(GREEN).get(CONTROLLER) is not None
    again = run(bare.environment, hosts, "--limit", BLUE, "-e", absent)
    assert again.changed(BLUE) == []
